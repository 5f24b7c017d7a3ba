package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// change is one difference, in words: "<Section> <Which>, <Place>: Composio <Verb> <Noun> <Name><Tail>". Section is one
// of sections, Which an answer's status or a parameter's name, Place a schema in a body, such as connection.state.val.
type change struct {
	Section, Which, Place  string
	Verb, Noun, Name, Tail string
	Breaks                 bool // what the client sends or reads no longer fits
	files                  string
}

func join(place, name string) string { return strings.TrimPrefix(place+"."+name, ".") }

//go:embed rules.yaml
var rulesYAML []byte

// rules are request, answer, noun and breaks by keyword and kind. A difference without a rule breaks.
var rules = rows[map[string][4]string](rulesYAML)

func rows[T any](data []byte) (table T) {
	if err := yaml.Load(data, &table); err != nil {
		panic(err)
	}
	return table
}

//go:embed files.yaml
var filesYAML []byte

// concerns are section, which, place and files; the first that fits is the one.
var concerns = rows[[][4]string](filesYAML)

func (c change) concerns() string {
	which, place := c.Which, c.Place
	if c.Section == "answers" {
		which = c.Name
	}
	if c.Noun == "property" {
		place = join(place, c.Name)
	}
	for _, row := range concerns {
		end, ok := strings.CutPrefix(place, row[2])
		if c.Section == row[0] && strings.HasPrefix(which, row[1]) && ok && (row[2] == "" || end == "" || strings.ContainsRune(".[ ", rune(end[0]))) {
			return row[3]
		}
	}
	return ""
}

// wording turns differences into words.
type wording struct {
	ours, theirs *reduced
	changes      []change
	lenient      bool // oasdiff may call a break what is none
}

// tell words one difference: what was added or deleted, if it has a name, or what was changed.
func (w *wording) tell(at spot, kind string, item, from, to any) {
	at.keyword = cmp.Or(keywords[at.keyword], strings.TrimSuffix(at.keyword, "Allowed"))
	c := change{Section: at.section, Which: at.which, Place: at.place}
	w.lenient = w.lenient || slices.Contains([]string{"type", "additionalProperties", "parameters"}, at.keyword) || isExcluded(from) || isExcluded(to)
	if item != nil {
		c.Name = text(item)
	}
	if at.keyword == "the keyword" && strings.HasPrefix(c.Name, "x-") {
		return
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
		switch step := encoded(from) + encoded(to); {
		case at.theirs == nil:
			kind = "any"
		case at.ours == nil:
			kind = "only"
		case from == nil:
			kind = "added"
		case to == nil:
			kind = "deleted"
		case at.answer && step == `["number"]["integer"]`, !at.answer && step == `["integer"]["number"]`:
			kind = "Go"
		}
		if kind == "changed" && (strings.Contains(encoded(to), "object") || strings.Contains(encoded(to), "array")) {
			c.Tail = w.as(at.parent)
		}
		names := strings.NewReplacer("[", "", "]", "", ", ", " or ")
		from, to = names.Replace(text(from)), names.Replace(text(to))
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
		if c.Name = credentials(item); added && c.Name == "" {
			kind = "anonymous"
		}
		if !added && strings.Contains(encoded(w.theirs.operation["security"]), "{}") {
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
		rule = rules["limit "+effect(at.keyword, from, to)]
	} else if !ok {
		schema, verb := at.ours, "dropped "
		if added {
			schema, verb = at.theirs, "added "
		}
		if alternative := object(item); alternative != nil {
			c.Name, schema = "alternative", listOf(schema)[int(number(alternative["index"]))]
		} else if item != nil {
			schema = object(schema)[c.Name]
		}
		rule, c.Tail = [4]string{verb + at.keyword, "", "", "anybody"}, w.as(schema)
	}
	verb, side := rule[0], "sender"
	if at.answer {
		verb, side = cmp.Or(rule[1], rule[0]), "reader"
	}
	c.Noun, c.Breaks = rule[2], rule[3] == side || rule[3] == "anybody"
	if c.Section == "parameters" {
		c.Noun, c.Place = c.Place+" parameter", ""
	}
	c.Verb = strings.NewReplacer("{from}", text(from), "{to}", cmp.Or(text(to), "nothing"), "{change}", difference(at.keyword, from, to)).Replace(verb)
	if !slices.Contains(w.changes, c) {
		w.changes = append(w.changes, c)
	}
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
	case limit && none(from), !none(from) && !none(to) && step < 0, step == 0 && isExcluded(to):
		return "narrower"
	case limit && none(to), step > 0, step == 0 && isExcluded(from):
		return "wider"
	}
	return "changed"
}

func none(v any) bool { return v == nil || v == "" || v == false }

func number(v any) float64 {
	if n, ok := v.(excluded); ok {
		return float64(n)
	}
	n, _ := v.(float64)
	return n
}

// excluded is a limit that is itself not let through.
type excluded float64

func isExcluded(v any) bool { _, ok := v.(excluded); return ok }

// limitOf is the minimum or maximum of a schema.
func limitOf(schema any, keyword string) any {
	if limit := object(schema)["exclusiveM"+keyword[1:]]; limit != nil {
		return excluded(number(limit))
	}
	return object(schema)[keyword]
}

func difference(keyword string, from, to any) string {
	was, is := " "+text(from), " "+text(to)
	switch {
	case object(from) != nil || object(to) != nil: // a schema
		was, is = ":"+was, ":"+is
	case from == nil && to == nil:
		return "changed " + keyword
	}
	if none(from) {
		return "added " + keyword + is
	} else if none(to) {
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
	if len(content) == 0 {
		return ", without a body"
	}
	return cmp.Or(w.as(object(content["application/json"])["schema"]), ", as "+strings.Join(sortedKeys(content), " or "))
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
	return ": " + text(schema)
}

// text is a name as it is, and any other value in YAML on one line.
func text(v any) string {
	if s, ok := v.(string); ok && !strings.Contains(s, "\n") {
		return s
	} else if isExcluded(v) {
		return "exclusive " + text(number(v))
	}
	var node yaml.Node
	_ = node.Encode(v) // plain maps, lists and scalars: that cannot fail
	oneLine(&node)
	line, _ := yaml.Dump(&node, yaml.WithLineWidth(-1))
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
