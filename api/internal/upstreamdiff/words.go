package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// change is one difference, in words: "<Section> <Which>, <Place>: Composio <Verb> <Noun> <Name><Tail>".
type change struct {
	Section string // one of sections
	Which   string // the answer's status, the parameter's name
	Place   string // of a schema in a body, such as connection.state.val
	Verb    string
	Noun    string
	Name    string
	Tail    string
	Breaks  bool // what the client sends or reads no longer fits
}

func join(place, name string) string {
	if place == "" || name == "" {
		return place + name
	}
	return place + "." + name
}

// Whom a change breaks.
const (
	nobody  = 0
	sender  = 1 // it is in what the client sends
	reader  = 2 // it is in what the client reads
	anybody = sender | reader
)

// rules are the words for a kind of difference, by its keyword and what happened to it, and whom it breaks. A
// difference without a rule breaks.
var rules = map[string]struct {
	request, answer string // the latter only if it is not the same
	noun            string
	breaks          int
}{
	"properties added":             {"added the optional", "added the", "property", nobody},
	"properties deleted":           {"dropped the", "", "property", anybody},
	"required added":               {"now requires the", "now always sends the", "property", sender},
	"required deleted":             {"no longer requires the", "may now leave out the", "property", reader},
	"required true":                {"now requires it", "now always sends it", "", sender},
	"required false":               {"no longer requires it", "", "", reader},
	"enum added":                   {"now takes the", "may now answer the", "value", reader},
	"enum deleted":                 {"no longer takes the", "no longer answers the", "value", sender},
	"nullable true":                {"now takes null", "may now answer null", "", reader},
	"nullable false":               {"no longer takes null", "no longer answers null", "", sender},
	"readOnly true":                {"added readOnly true", "", "", sender},
	"readOnly false":               {"dropped readOnly true", "", "", nobody},
	"writeOnly true":               {"added writeOnly true", "", "", reader},
	"writeOnly false":              {"dropped writeOnly true", "", "", nobody},
	"deprecated true":              {"now calls it deprecated", "", "", nobody},
	"deprecated false":             {"no longer calls it deprecated", "", "", nobody},
	"requestBody deleted":          {"dropped it", "", "", anybody},
	"content added":                {"now also takes the", "may now also answer the", "media type", nobody},
	"content deleted":              {"no longer takes the", "no longer answers the", "media type", anybody},
	"responses added":              {"added the", "", "answer", nobody},
	"responses deleted":            {"dropped the", "", "answer", anybody},
	"headers added":                {"added the", "", "header", nobody},
	"parameters added":             {"added the optional", "", "parameter", nobody},
	"parameters deleted":           {"dropped the", "", "parameter", anybody},
	"securityRequirements added":   {"now also takes requests with", "", "", nobody},
	"securityRequirements deleted": {"no longer takes requests with", "", "", anybody},
	"securityRequirements changed": {"now asks for", "", "", anybody},
	"servers added":                {"added the", "", "server", nobody},
	"servers deleted":              {"dropped the", "", "server", nobody},
}

// wording turns differences into words.
type wording struct {
	ours, theirs *reduced
	changes      []change
	ruled        bool // something breaks nothing, whatever oasdiff says
}

// tell words one difference: what was added or deleted, if it has a name, or what was changed.
func (w *wording) tell(at spot, kind string, item, from, to any) {
	if name, ok := keywords[at.keyword]; ok {
		at.keyword = name
	}
	c := change{Section: at.section, Which: at.which, Place: at.place}
	if item != nil {
		c.Name = text(item)
	}
	state := kind
	if _, ok := to.(bool); ok {
		state = fmt.Sprint(to)
	}
	rule, ok := rules[at.keyword+" "+state]
	c.Verb, c.Noun, c.Breaks = rule.request, rule.noun, rule.breaks&sender != 0
	if at.answer {
		c.Verb, c.Breaks = cmp.Or(rule.answer, rule.request), rule.breaks&reader != 0
	}
	theirs := object(at.theirs)
	switch at.keyword + " " + kind {
	case "properties added":
		c.Tail = w.as(theirs[c.Name])
		if slices.Contains(listOf(object(at.parent)["required"]), item) && !at.answer {
			c.Verb, c.Breaks = "now requires the new", true
		}
	case "properties deleted":
		if !at.answer && object(at.parent)["additionalProperties"] == false {
			c.Tail = ", and refuses what the object does not name"
		}
	case "enum changed":
		c.Verb, c.Breaks = at.either("now takes nothing but ", "now answers nothing but ")+flow(to), !at.answer
		if to == nil {
			c.Verb, c.Breaks = at.either("now takes any value, and not only ", "may now answer any value, and not only ")+flow(from), at.answer
		}
	case "type changed":
		was, is := types(from), types(to)
		switch step := was + " " + is; {
		case at.theirs == nil:
			c.Verb, c.Breaks = at.either("now takes any type, and not only ", "may now answer any type, and not only ")+was, at.answer
		case at.ours == nil:
			c.Verb, c.Breaks = at.either("now takes nothing but the type ", "now answers nothing but the type ")+is, !at.answer
		case was == "":
			c.Verb, c.Breaks = at.either("now also takes the type ", "may now also answer the type ")+is, at.answer
		case is == "":
			c.Verb, c.Breaks = at.either("no longer takes the type ", "no longer answers the type ")+was, !at.answer
		case step == "number integer" && at.answer, step == "integer number" && !at.answer:
			w.ruled = true
			c.Tail = ", which is no break on the wire but another type in Go: wrapper/ may not compile"
			fallthrough
		default:
			c.Verb, c.Breaks = fmt.Sprintf("changed the type from %s to %s", was, is), c.Tail == ""
		}
	case "additionalProperties changed":
		switch w.ruled = true; {
		case to == false:
			c.Verb, c.Breaks = at.either("closed the object: it now refuses properties that are not named", "closed the object: it answers no property that is not named"), !at.answer
		case from == false:
			c.Verb, c.Breaks = at.either("opened the object: it now takes properties that are not named", "opened the object: it may now answer properties that are not named"), false
			c.Tail = w.as(to)
		default:
			c.Verb, c.Breaks = changed("additionalProperties", from, to), (from != nil) == at.answer
		}
	case "default changed":
		c.Verb = changed("default", from, to)
	case "operationID changed":
		c.Verb = fmt.Sprintf("now calls the operation %s, and no longer %s", flow(to), flow(from))
	case "responses added":
		c.Tail, c.Breaks = w.answered(theirs[c.Name]), strings.HasPrefix(c.Name, "2") // which the client would have to read as done
	case "parameters added", "parameters deleted":
		c.Noun, c.Place = at.place+" parameter", ""
		if object(inside(at.theirs, c.Name))["required"] == true && kind == "added" {
			c.Verb, c.Breaks = "now requires the new", true
		}
	case "securityRequirements added", "securityRequirements deleted", "securityRequirements changed":
		if c.Name = credentials(item); c.Breaks && strings.Contains(encoded(w.theirs.operation["security"]), "{}") {
			return // where none are needed, the ones that we send do no harm
		}
	case "servers deleted":
		if c.Name == wrapperServer {
			c.Tail, c.Breaks = ", which the wrapper calls", true
		}
	default:
		if !ok {
			w.other(&c, at, kind, item, from, to)
		}
	}
	if !slices.Contains(w.changes, c) {
		w.changes = append(w.changes, c)
	}
}

// Bounds by which way they open: a greater maximum lets more through, a greater minimum less.
var bounds = map[string]float64{
	"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1, "maxContains": 1,
	"minimum": -1, "minLength": -1, "minItems": -1, "minProperties": -1, "minContains": -1,
}

// Other keywords that let less through than their absence does.
var limits = []string{"pattern", "format", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

// other words a difference that is one of limits, or of a kind for which there are no words: that breaks.
func (w *wording) other(c *change, at spot, kind string, item, from, to any) {
	c.Breaks = true
	if kind != "changed" {
		verb, schema := "added ", at.theirs
		if kind == "deleted" {
			verb, schema = "dropped ", at.ours
		}
		if alternative, ok := item.(map[string]any); ok {
			c.Name, schema = "alternative", listOf(schema)[int(number(alternative["index"]))]
		} else if item != nil {
			schema = object(schema)[c.Name]
		}
		c.Verb, c.Tail = verb+at.keyword, w.as(schema)
		return
	}
	c.Verb = changed(at.keyword, from, to)
	var widens bool
	switch sign, bound := bounds[at.keyword]; {
	case bound && from != nil && to != nil:
		widens = sign*number(to) > sign*number(from)
	case (bound || slices.Contains(limits, at.keyword)) && (none(from) || none(to)):
		widens = none(to)
	default:
		return
	}
	c.Breaks, c.Tail = widens == at.answer, at.either(", and so takes less", ", and so answers less")
	if widens {
		c.Tail = at.either(", and so takes more", ", and so may answer more")
	}
}

func none(v any) bool { return v == nil || v == "" || v == false }

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

// types lists the names of types.
func types(v any) string {
	var names []string
	for _, name := range listOf(v) {
		names = append(names, text(name))
	}
	return strings.Join(names, " or ")
}

func changed(keyword string, from, to any) string {
	switch {
	case from == nil && to == nil:
		return "changed " + keyword
	case none(from):
		return fmt.Sprintf("added %s%s", keyword, after(to))
	case none(to):
		return fmt.Sprintf("dropped %s%s", keyword, after(from))
	}
	return fmt.Sprintf("changed %s from%s to%s", keyword, after(from), after(to))
}

// after writes a value after a keyword, and a schema as one.
func after(v any) string {
	if _, ok := v.(map[string]any); ok {
		return ": " + flow(v)
	}
	return " " + flow(v)
}

// text is a name or a value as it reads best.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return flow(v)
}

func (s spot) either(ofRequest, ofAnswer string) string {
	if s.answer {
		return ofAnswer
	}
	return ofRequest
}

// What oasdiff calls otherwise than the document.
var keywords = map[string]string{
	"min": "minimum", "max": "maximum", "exclusiveMin": "exclusiveMinimum", "exclusiveMax": "exclusiveMaximum",
	"minProps": "minProperties", "maxProps": "maxProperties", "discriminatorDiff": "discriminator", "extensions": "the keyword",
}

// answered says what body comes with an answer that Composio added.
func (w *wording) answered(answer any) string {
	content := object(object(answer)["content"])
	if media, ok := content["application/json"]; ok && object(media)["schema"] != nil {
		return w.as(object(media)["schema"])
	}
	if len(content) > 0 {
		return ", as " + strings.Join(sortedKeys(content), " or ")
	}
	return ", without a body"
}

// credentials names what a caller must send, in one alternative of a security requirement.
func credentials(alternative any) string {
	schemes := object(object(alternative)["schemes"])
	var names []string
	for _, name := range sortedKeys(schemes) {
		if scopes := listOf(schemes[name]); len(scopes) > 0 {
			name += " with the scopes " + flow(scopes)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return "no credentials"
	}
	return strings.Join(names, " AND ") // as oasdiff writes it
}

// as shows a schema so that it can be put into api/openapi.yaml; one that stands there already, by its name.
func (w *wording) as(schema any) string {
	if object(schema) == nil {
		return ""
	}
	for _, name := range sortedKeys(w.ours.schemas) {
		if encoded(w.ours.schemas[name]) == encoded(schema) {
			return ": the same schema as " + name
		}
	}
	return ": " + flow(schema)
}

// flow writes v in YAML: on one line, or if that is too long after a line break on lines of their own.
func flow(v any) string {
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		return encoded(v)
	}
	quoteLines(&node)
	node.Style |= yaml.FlowStyle
	if short, err := yaml.Dump(&node, yaml.WithLineWidth(-1)); err == nil && len(short) <= lineLength {
		return strings.TrimSpace(string(short))
	}
	node.Style &^= yaml.FlowStyle
	long, err := yaml.Dump(&node, yaml.WithIndent(2), yaml.WithCompactSeqIndent(false), yaml.WithLineWidth(-1))
	if err != nil {
		return encoded(v)
	}
	return "\n" + strings.TrimSpace(string(long))
}

// quoteLines keeps strings of several lines on one.
func quoteLines(node *yaml.Node) {
	if strings.Contains(node.Value, "\n") {
		node.Style = yaml.DoubleQuotedStyle
	}
	for _, each := range node.Content {
		quoteLines(each)
	}
}
