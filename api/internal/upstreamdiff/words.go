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

// rules are the words for a kind of difference, by its keyword and what happened to it, and whom it breaks. {from}, {to}
// and {change} stand for what was changed. A difference without a rule breaks.
var rules = map[string]struct {
	request, answer string // the latter only if it is not the same
	noun            string
	breaks          int
}{
	"properties added":              {"added the optional", "added the", "property", nobody},
	"properties required":           {"now requires the new", "added the", "property", sender},
	"properties deleted":            {"dropped the", "", "property", anybody},
	"required added":                {"now requires the", "now always sends the", "property", sender},
	"required deleted":              {"no longer requires the", "may now leave out the", "property", reader},
	"required true":                 {"now requires it", "now always sends it", "", sender},
	"required false":                {"no longer requires it", "", "", reader},
	"enum added":                    {"now takes the", "may now answer the", "value", reader},
	"enum deleted":                  {"no longer takes the", "no longer answers the", "value", sender},
	"enum only":                     {"now takes nothing but {to}", "now answers nothing but {to}", "", sender},
	"enum any":                      {"now takes any value, and not only {from}", "may now answer any value, and not only {from}", "", reader},
	"type only":                     {"now takes nothing but the type {to}", "now answers nothing but the type {to}", "", sender},
	"type any":                      {"now takes any type, and not only {from}", "may now answer any type, and not only {from}", "", reader},
	"type added":                    {"now also takes the type {to}", "may now also answer the type {to}", "", reader},
	"type deleted":                  {"no longer takes the type {from}", "no longer answers the type {from}", "", sender},
	"type changed":                  {"changed the type from {from} to {to}", "", "", anybody},
	"type Go":                       {"changed the type from {from} to {to}, which is no break on the wire but another type in Go: wrapper/ may not compile", "", "", nobody},
	"nullable true":                 {"now takes null", "may now answer null", "", reader},
	"nullable false":                {"no longer takes null", "no longer answers null", "", sender},
	"additionalProperties false":    {"closed the object: it now refuses properties that are not named", "closed the object: it answers no property that is not named", "", sender},
	"additionalProperties opened":   {"opened the object: it now takes properties that are not named", "opened the object: it may now answer properties that are not named", "", nobody},
	"additionalProperties narrower": {"{change}", "", "", sender},
	"additionalProperties wider":    {"{change}", "", "", reader},
	"readOnly true":                 {"{change}", "", "", sender},
	"readOnly false":                {"{change}", "", "", nobody},
	"writeOnly true":                {"{change}", "", "", reader},
	"writeOnly false":               {"{change}", "", "", nobody},
	"deprecated true":               {"now calls it deprecated", "", "", nobody},
	"deprecated false":              {"no longer calls it deprecated", "", "", nobody},
	"default changed":               {"{change}", "", "", nobody},
	"requestBody deleted":           {"dropped it", "", "", anybody},
	"content added":                 {"now also takes the", "may now also answer the", "media type", nobody},
	"content deleted":               {"no longer takes the", "no longer answers the", "media type", anybody},
	"responses added":               {"added the", "", "answer", nobody},
	"responses success":             {"added the", "", "answer", anybody}, // which the client would have to read as done
	"responses deleted":             {"dropped the", "", "answer", anybody},
	"headers added":                 {"added the", "", "header", nobody},
	"parameters added":              {"added the optional", "", "parameter", nobody},
	"parameters required":           {"now requires the new", "", "parameter", anybody},
	"parameters deleted":            {"dropped the", "", "parameter", anybody},
	"securityRequirements added":    {"now also takes requests with", "", "", nobody},
	"securityRequirements deleted":  {"no longer takes requests with", "", "", anybody},
	"securityRequirements changed":  {"now asks for", "", "", anybody},
	"servers added":                 {"added the", "", "server", nobody},
	"servers deleted":               {"dropped the", "", "server", nobody},
	"servers called":                {"dropped the", "", "server", anybody},
	"operationID changed":           {"now calls the operation {to}, and no longer {from}", "", "", nobody},
	" narrower":                     {"{change}, and so takes less", "{change}, and so answers less", "", sender},
	" wider":                        {"{change}, and so takes more", "{change}, and so may answer more", "", reader},
	" changed":                      {"{change}", "", "", anybody},
}

// wording turns differences into words.
type wording struct {
	ours, theirs *reduced
	changes      []change
}

// tell words one difference: what was added or deleted, if it has a name, or what was changed.
func (w *wording) tell(at spot, kind string, item, from, to any) {
	at.keyword = cmp.Or(keywords[at.keyword], at.keyword)
	c := change{Section: at.section, Which: at.which, Place: at.place}
	if item != nil {
		c.Name = text(item)
	}
	in, theirs := object(at.parent), object(at.theirs)
	added, changed := kind == "added", kind == "changed"
	switch at.keyword {
	case "properties":
		if added {
			c.Tail = w.as(theirs[c.Name])
		}
		if added && slices.Contains(listOf(in["required"]), item) {
			kind = "required"
		}
		if !added && !at.answer && in["additionalProperties"] == false {
			c.Tail = ", and refuses what the object does not name"
		}
	case "enum":
		if changed {
			kind = map[bool]string{true: "any", false: "only"}[to == nil]
		}
	case "type":
		kind = typeChange(at, from, to)
		from, to = strings.Join(texts(listOf(from)), " or "), strings.Join(texts(listOf(to)), " or ")
	case "additionalProperties":
		switch kind = map[bool]string{true: "narrower", false: "wider"}[from == nil]; {
		case to == false:
			kind = "false"
		case from == false:
			kind, c.Tail = "opened", w.as(to)
		}
	case "responses":
		if added {
			c.Tail = w.answered(object(theirs[c.Name]))
		}
		if added && strings.HasPrefix(c.Name, "2") {
			kind = "success"
		}
	case "parameters":
		if at.which == "" && added && object(inside(at.theirs, c.Name))["required"] == true {
			kind = "required"
		}
	case "securityRequirements":
		if c.Name = credentials(item); !added && strings.Contains(encoded(w.theirs.operation["security"]), "{}") {
			return // where none are needed, the ones that we send do no harm
		}
	case "servers":
		if !added && c.Name == wrapperServer {
			kind, c.Tail = "called", ", which the wrapper calls"
		}
	}
	rule, ok := rules[at.keyword+" "+kind]
	if _, set := to.(bool); set && !ok {
		rule, ok = rules[fmt.Sprint(at.keyword, " ", to)]
	}
	if !ok && changed {
		rule = rules[" "+effect(at.keyword, from, to)]
	} else if !ok {
		rule.request, rule.breaks = map[bool]string{true: "added ", false: "dropped "}[added]+at.keyword, anybody
		c.Name, c.Tail = w.unknown(at, added, item, c.Name)
	}
	verb, side := rule.request, sender
	if at.answer {
		verb, side = cmp.Or(rule.answer, rule.request), reader
	}
	c.Noun, c.Breaks = rule.noun, rule.breaks&side != 0
	if c.Section == "parameters" {
		c.Noun, c.Place = c.Place+" parameter", ""
	}
	c.Verb = strings.NewReplacer("{from}", text(from), "{to}", text(to), "{change}", difference(at.keyword, from, to)).Replace(verb)
	if !slices.Contains(w.changes, c) {
		w.changes = append(w.changes, c)
	}
}

// typeChange is what happened to the types.
func typeChange(at spot, from, to any) string {
	switch step := encoded(from) + encoded(to); {
	case at.theirs == nil:
		return "any"
	case at.ours == nil:
		return "only"
	case from == nil:
		return "added"
	case to == nil:
		return "deleted"
	case at.answer && step == `["number"]["integer"]`, !at.answer && step == `["integer"]["number"]`:
		return "Go"
	}
	return "changed"
}

// unknown names and shows what was added or deleted for which there are no words.
func (w *wording) unknown(at spot, added bool, item any, name string) (string, string) {
	schema := map[bool]any{true: at.theirs, false: at.ours}[added]
	if alternative := object(item); alternative != nil {
		return "alternative", w.as(listOf(schema)[int(number(alternative["index"]))])
	} else if item != nil {
		schema = object(schema)[name]
	}
	return name, w.as(schema)
}

// Keywords that let less through than their absence does. Bounds have which way they open: a greater maximum lets more
// through, a greater minimum less.
var limits = map[string]float64{
	"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1, "maxContains": 1, "exclusiveMaximum": 1,
	"minimum": -1, "minLength": -1, "minItems": -1, "minProperties": -1, "minContains": -1, "exclusiveMinimum": -1,
	"pattern": 0, "format": 0, "uniqueItems": 0, "multipleOf": 0,
}

// effect is whether a limit lets more or less through than before, as far as that is known.
func effect(keyword string, from, to any) string {
	sign, limit := limits[keyword]
	step := (number(to) - number(from)) * sign
	switch {
	case limit && none(from), !none(from) && !none(to) && step < 0:
		return "narrower"
	case limit && none(to), step > 0:
		return "wider"
	}
	return "changed"
}

func none(v any) bool { return v == nil || v == "" || v == false }

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

func difference(keyword string, from, to any) string {
	was, is := " "+text(from), " "+text(to)
	if object(from) != nil || object(to) != nil { // a schema
		was, is = ":"+was, ":"+is
	}
	switch {
	case from == nil && to == nil:
		return "changed " + keyword
	case none(from):
		return "added " + keyword + is
	case none(to):
		return "dropped " + keyword + was
	}
	return "changed " + keyword + " from" + was + " to" + is
}

// What oasdiff calls otherwise than the document.
var keywords = map[string]string{
	"min": "minimum", "max": "maximum", "exclusiveMin": "exclusiveMinimum", "exclusiveMax": "exclusiveMaximum",
	"minProps": "minProperties", "maxProps": "maxProperties", "discriminatorDiff": "discriminator", "extensions": "the keyword",
}

// answered says what body comes with an answer that Composio added.
func (w *wording) answered(answer map[string]any) string {
	content := object(answer["content"])
	if schema := object(content["application/json"])["schema"]; schema != nil {
		return w.as(schema)
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
			name += " with the scopes " + text(scopes)
		}
		names = append(names, name)
	}
	return cmp.Or(strings.Join(names, " AND "), "no credentials") // as oasdiff writes it
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
	return ": " + text(schema)
}

func texts(list []any) (out []string) {
	for _, v := range list {
		out = append(out, text(v))
	}
	return out
}

// text is a name as it is, and any other value in YAML on one line.
func text(v any) string {
	if s, ok := v.(string); ok && !strings.Contains(s, "\n") {
		return s
	}
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		return encoded(v)
	}
	oneLine(&node)
	line, err := yaml.Dump(&node, yaml.WithLineWidth(-1))
	if err != nil {
		return encoded(v)
	}
	return strings.TrimSpace(string(line))
}

func oneLine(node *yaml.Node) {
	if node.Style |= yaml.FlowStyle; strings.Contains(node.Value, "\n") {
		node.Style = yaml.DoubleQuotedStyle
	}
	for _, each := range node.Content {
		oneLine(each)
	}
}
