package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// change is one difference, in words: "<Section> <Which>, <Place>: Composio <Verb> <Noun> <Name><Tail>".
type change struct {
	Section string // one of sections
	Which   string `json:",omitempty"` // the answer's status, the parameter's name
	Place   string `json:",omitempty"` // of a schema in a body, such as connection.state.val
	Verb    string
	Noun    string `json:",omitempty"`
	Name    string `json:",omitempty"`
	Tail    string `json:",omitempty"`
	Breaks  bool   `json:",omitempty"` // what the client sends or reads no longer fits
}

// named reports whether one of the names in a sentence of oasdiff's is what this change is about.
func (c change) named(tokens []string) bool {
	own := []string{c.Place, c.Name, join(c.Place, c.Name)}
	if c.Section == "parameter" {
		own = append(own, c.Which)
	}
	for _, token := range tokens {
		property := strings.ReplaceAll(strings.ReplaceAll(token, "/items", "[]"), "/", ".")
		if token != "" && (slices.Contains(own, token) || slices.Contains(own, property) || strings.HasPrefix(c.Name, token+" ")) {
			return true
		}
	}
	return len(tokens) == 0 && c.Place == "" && c.Which == ""
}

func join(place, name string) string {
	if place == "" || name == "" {
		return place + name
	}
	return place + "." + name
}

// wording turns differences into words.
type wording struct {
	ours, upstream map[string]any    // the reduced documents
	names          map[string]string // of our components, by their content
}

// Where a difference is: what the client sends, what it reads, or neither.
type direction int

const (
	neither direction = iota
	inRequest
	inAnswer
)

// change words one difference.
func (w wording) change(l leaf) change {
	where := locate(l.steps)
	c := change{Section: where.section, Which: where.which, Place: where.place}
	name := text(l.item)
	upstream := at(w.upstream, l.steps[:len(l.steps)-1]) // the object that has the property
	switch where.keyword + " " + l.kind {
	case "properties added":
		required := slices.Contains(listOf(upstream["required"]), any(name))
		c.Noun, c.Name, c.Tail = "property", name, w.as(propertyOf(upstream, name))
		switch {
		case where.direction == inRequest && required:
			c.Verb, c.Breaks = "now requires the new", true
		case where.direction == inRequest:
			c.Verb = "added the optional"
		default:
			c.Verb = "added the"
		}
	case "properties deleted":
		c.Verb, c.Noun, c.Name, c.Breaks = "dropped the", "property", name, true
		if where.direction == inRequest && upstream["additionalProperties"] == false {
			c.Tail = ", and refuses what the object does not name"
		}
	case "requestBody deleted":
		c.Verb, c.Breaks = "dropped it", true
	case "required added":
		c.Noun, c.Name = "property", name
		c.Verb, c.Breaks = either(where, "now requires the", "now always sends the"), where.direction != inAnswer
	case "required deleted":
		c.Noun, c.Name = "property", name
		c.Verb, c.Breaks = either(where, "no longer requires the", "may now leave out the"), where.direction == inAnswer
	case "required changed":
		c.Verb, c.Breaks = "no longer requires it", where.direction == inAnswer
		if l.to == true {
			c.Verb, c.Breaks = either(where, "now requires it", "now always sends it"), where.direction != inAnswer
		}
	case "enum added":
		c.Noun, c.Name = "value", name
		c.Verb, c.Breaks = either(where, "now takes the", "may now answer the"), where.direction == inAnswer
	case "enum deleted":
		c.Noun, c.Name = "value", name
		c.Verb, c.Breaks = either(where, "no longer takes the", "no longer answers the"), where.direction != inAnswer
	case "enum changed":
		if l.to != nil {
			c.Verb, c.Breaks = either(where, "now takes nothing but ", "now answers nothing but ")+flow(l.to), where.direction != inAnswer
		} else {
			c.Verb, c.Breaks = either(where, "now takes any value, and not only ", "may now answer any value, and not only ")+flow(l.from), where.direction == inAnswer
		}
	case "nullable changed":
		c.Verb, c.Breaks = either(where, "no longer takes null", "no longer answers null"), where.direction != inAnswer
		if l.to == true {
			c.Verb, c.Breaks = either(where, "now takes null", "may now answer null"), where.direction == inAnswer
		}
	case "type changed":
		switch {
		case l.from == nil:
			c.Verb, c.Breaks = either(where, "now also takes the type ", "may now also answer the type ")+types(l.to), where.direction == inAnswer
		case l.to == nil:
			c.Verb, c.Breaks = either(where, "no longer takes the type ", "no longer answers the type ")+types(l.from), where.direction != inAnswer
		default:
			c.Verb, c.Breaks = fmt.Sprintf("changed the type from %s to %s", types(l.from), types(l.to)), true
		}
	case "additionalPropertiesAllowed changed":
		c.Verb = either(where, "opened the object: it now takes properties that are not named", "opened the object: it may now answer properties that are not named")
		if l.to == false {
			c.Verb, c.Breaks = either(where, "closed the object: it now refuses properties that are not named", "closed the object: it answers no property that is not named"), where.direction != inAnswer
		}
	case "deprecated changed":
		c.Verb = "no longer calls it deprecated"
		if l.to == true {
			c.Verb = "now calls it deprecated"
		}
	case "default changed", "readOnly changed", "writeOnly changed":
		c.Verb = changed(where.keyword, l) // which oasdiff judges
	case "content added":
		c.Verb, c.Noun, c.Name = either(where, "now also takes the", "may now also answer the"), "media type", name
	case "content deleted":
		c.Verb, c.Noun, c.Name, c.Breaks = either(where, "no longer takes the", "no longer answers the"), "media type", name, true
	case "mediaType changed":
		c.Verb, c.Breaks = changed("the media type", l), true
	case "responses added":
		c.Verb, c.Noun, c.Name, c.Tail = "added the", "answer", name, w.answered(name)
		c.Breaks = strings.HasPrefix(name, "2") // which the client would have to read as done
	case "responses deleted":
		c.Verb, c.Noun, c.Name, c.Breaks = "dropped the", "answer", name, true
	case "headers added":
		c.Verb, c.Noun, c.Name = "added the", "header", name
	case "parameters added":
		c.Noun, c.Name = where.in+" parameter", name
		c.Verb = "added the optional"
		if w.requires(where.in, name) {
			c.Verb, c.Breaks = "now requires the new", true
		}
	case "parameters deleted":
		c.Verb, c.Noun, c.Name, c.Breaks = "dropped the", where.in+" parameter", name, true
	case "securityRequirements added":
		c.Verb, c.Name = "now also takes requests with", credentials(l.item)
	case "securityRequirements deleted":
		c.Verb, c.Name, c.Breaks = "no longer takes requests with", credentials(l.item), true
	case "securityRequirements changed":
		c.Verb, c.Name, c.Breaks = "now asks for", credentials(l.item), true
	case "servers added":
		c.Verb, c.Noun, c.Name = "added the", "server", name
	case "servers deleted":
		c.Verb, c.Noun, c.Name = "dropped the", "server", name
	case "operationID changed":
		c.Verb = fmt.Sprintf("now calls the operation %s, and no longer %s", flow(l.to), flow(l.from))
	default:
		w.other(&c, where, l)
	}
	return c
}

// Bounds by which way they open: a greater maximum lets more through, a greater minimum less.
var bounds = map[string]float64{
	"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1, "maxContains": 1,
	"minimum": -1, "minLength": -1, "minItems": -1, "minProperties": -1, "minContains": -1,
}

// Other keywords that let less through than their absence does.
var limits = []string{"pattern", "format", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

// other words a difference that is one of limits, or of a kind for which there are no words: that breaks.
func (w wording) other(c *change, where location, l leaf) {
	c.Breaks = true
	steps := l.steps
	if alternative, ok := l.item.(map[string]any); ok {
		c.Name = "alternative"
		steps = with(steps, step{fmt.Sprint(number(alternative["index"]) + 1), true})
	} else if l.item != nil {
		c.Name = text(l.item)
	}
	switch l.kind {
	case "added":
		c.Verb, c.Tail = "added "+where.keyword, w.as(at(w.upstream, steps))
		return
	case "deleted":
		c.Verb, c.Tail = "dropped "+where.keyword, w.as(at(w.ours, steps))
		return
	}
	c.Verb = changed(where.keyword, l)
	var widens bool
	switch sign, bound := bounds[where.keyword]; {
	case bound && (l.from == nil || l.to == nil):
		widens = l.to == nil
	case bound:
		widens = sign*number(l.to) > sign*number(l.from)
	case slices.Contains(limits, where.keyword) && (none(l.from) || none(l.to)):
		widens = none(l.to)
	default:
		return
	}
	c.Breaks = widens == (where.direction == inAnswer)
	if widens {
		c.Tail = either(where, ", and so takes more", ", and so may answer more")
	} else {
		c.Tail = either(where, ", and so takes less", ", and so answers less")
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

func changed(keyword string, l leaf) string {
	switch {
	case l.from == nil && l.to == nil:
		return "changed " + keyword
	case none(l.from):
		return fmt.Sprintf("added %s %s", keyword, flow(l.to))
	case none(l.to):
		return fmt.Sprintf("dropped %s %s", keyword, flow(l.from))
	}
	return fmt.Sprintf("changed %s from %s to %s", keyword, flow(l.from), flow(l.to))
}

// text is a name or a value as it reads best.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return flow(v)
}

func either(where location, ofRequest, ofAnswer string) string {
	if where.direction == inAnswer {
		return ofAnswer
	}
	return ofRequest
}

// location is where in the operation a difference is, and the keyword that is different there.
type location struct {
	section, which, place string
	direction             direction
	in                    string // of parameters
	keyword               string
}

// What oasdiff calls otherwise than the document.
var keywords = map[string]string{
	"min": "minimum", "max": "maximum", "exclusiveMin": "exclusiveMinimum", "exclusiveMax": "exclusiveMaximum",
	"minProps": "minProperties", "maxProps": "maxProperties", "discriminatorDiff": "discriminator", "extensions": "the keyword",
}

func locate(steps []step) location {
	steps, _ = within(steps)
	at := location{section: "operation"}
	switch head := steps[0].text; {
	case head == "requestBody" && len(steps) == 1:
		at.section, at.direction = "request body", inRequest
	case head == "requestBody":
		at.section, at.direction, steps = "request body", inRequest, steps[1:]
	case head == "responses" && len(steps) > 1:
		at.section, at.direction, at.which, steps = "answer", inAnswer, steps[1].text, steps[2:]
	case head == "parameters" && len(steps) > 2:
		at.section, at.direction, at.which, steps = "parameter", inRequest, steps[2].text, steps[3:]
	case head == "parameters" && len(steps) == 2:
		at.section, at.in, steps = "parameters", steps[1].text, steps[:1]
	case head == "components" && len(steps) > 2:
		at.section, at.which, steps = "component", steps[2].text, steps[3:]
	case head == "responses":
		at.section = "answers"
	case head == "securityRequirements":
		at.section = "security"
	case head == "servers":
		at.section = "servers"
	}
	for i := 0; i < len(steps); i++ {
		name := ""
		if i+1 < len(steps) && steps[i+1].name {
			name = steps[i+1].text
		}
		keyword, last := steps[i].text, i == len(steps)-1
		switch {
		case steps[i].name: // was seen with its keyword
		case keyword == "content" && (name == "application/json" || steps[len(steps)-1].text == "mediaType"):
		case keyword == "properties" && name != "":
			at.place = join(at.place, name)
		case slices.Contains(schemaListKeys, keyword) && name != "":
			at.place += fmt.Sprintf(" (%s, alternative %s)", keyword, name)
		case name != "":
			at.place = strings.TrimPrefix(at.place+" "+strings.TrimSuffix(keyword, "s")+" "+name, " ")
		case last:
			at.keyword = keyword
			if name, ok := keywords[keyword]; ok {
				at.keyword = name
			}
		case keyword == "schema":
		case keyword == "items":
			at.place += "[]"
		default:
			at.place += " (" + keyword + ")"
		}
	}
	return at
}

// within returns the steps inside the operation, if that is where they lead.
func within(steps []step) ([]step, bool) {
	if len(steps) > 4 && steps[0].text == "paths" && steps[2].text == "operations" {
		return steps[4:], true
	}
	return steps, false
}

// at returns the schema that a reduced document has at the steps of a difference, and nil if it has none there.
func at(document map[string]any, steps []step) map[string]any {
	var v any = document
	if inside, ok := within(steps); ok {
		v, steps = operationOf(document), inside
	}
	for _, s := range steps {
		switch node := v.(type) {
		case map[string]any:
			v = node[s.text]
		case []any:
			v = nil
			if i, err := strconv.Atoi(s.text); err == nil && i >= 1 && i <= len(node) {
				v = node[i-1]
			}
		}
	}
	schema, _ := v.(map[string]any)
	return schema
}

// operationOf returns the one operation of a reduced document.
func operationOf(document map[string]any) map[string]any {
	paths, _ := document["paths"].(map[string]any)
	for _, item := range paths {
		item, _ := item.(map[string]any)
		operation, _ := item[method].(map[string]any)
		return operation
	}
	return nil
}

func propertyOf(schema map[string]any, name string) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	property, _ := properties[name].(map[string]any)
	return property
}

// answered says what body comes with an answer that Composio added.
func (w wording) answered(status string) string {
	responses, _ := operationOf(w.upstream)["responses"].(map[string]any)
	answer, _ := responses[status].(map[string]any)
	content, _ := answer["content"].(map[string]any)
	media, _ := content["application/json"].(map[string]any)
	if schema, ok := media["schema"].(map[string]any); ok {
		return w.as(schema)
	}
	if len(content) > 0 {
		return ", as " + strings.Join(sortedKeys(content), " or ")
	}
	return ", without a body"
}

// requires reports whether Composio's document requires a parameter.
func (w wording) requires(in, name string) bool {
	for _, entry := range listOf(operationOf(w.upstream)["parameters"]) {
		parameter, _ := entry.(map[string]any)
		if parameter["in"] == in && parameter["name"] == name {
			return parameter["required"] == true
		}
	}
	return false
}

// credentials names what a caller must send, in one alternative of a security requirement.
func credentials(alternative any) string {
	object, _ := alternative.(map[string]any)
	schemes, _ := object["schemes"].(map[string]any)
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
func (w wording) as(schema map[string]any) string {
	if schema == nil {
		return ""
	}
	if name, ok := w.names[encoded(schema)]; ok {
		return ": the same schema as " + name
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
	if short, err := yaml.Marshal(&node); err == nil && len(short) <= lineLength {
		return strings.TrimSpace(string(short))
	}
	node.Style &^= yaml.FlowStyle
	var b strings.Builder
	long := yaml.NewEncoder(&b)
	long.SetIndent(2)
	if err := long.Encode(&node); err != nil {
		return encoded(v)
	}
	return "\n" + strings.TrimSpace(b.String())
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
