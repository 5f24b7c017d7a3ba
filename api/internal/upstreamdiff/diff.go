package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
)

// compare returns every change from our document to theirs, each judged.
func compare(ours, theirs, version string) ([]change, error) {
	a, err := open(ours, "")
	if err != nil {
		return nil, err
	}
	wanted := a.normal
	if version != "" {
		wanted = versionName.ReplaceAllLiteralString(wanted, "/"+version+pathTail)
	}
	b, err := open(theirs, wanted)
	if err == nil && version != "" && b.normal != wanted {
		err = fmt.Errorf("%s lacks the operation: no PATCH %s, but %s", b.from, wanted, b.full)
	}
	w := &wording{}
	if err == nil {
		w.ours, err = a.reduce(a.place)
	}
	if err == nil {
		w.theirs, err = b.reduce(a.place)
	}
	if err != nil {
		return nil, err
	}
	config := diff.NewConfig(diff.WithExcludeElements(slices.DeleteFunc(diff.GetExcludeDiffOptions(), func(o string) bool { return o == diff.ExcludeExtensionsOption })))
	found, sources, err := diff.GetWithOperationsSourcesMap(config, w.ours.info, w.theirs.info)
	if err != nil {
		return nil, fmt.Errorf("oasdiff cannot compare the operation in %s: %w", b.from, err)
	}
	if version == "" {
		w.changes = a.moved(b.place)
	}
	tree := asMap(found)
	for _, key := range []string{"paths", "modified", a.full, "operations", "modified", "PATCH"} {
		tree = object(tree[key])
	}
	if tree != nil {
		w.walk(tree, spot{section: "operation", ours: w.ours.operation, theirs: w.theirs.operation})
	} else if found != nil && !found.PathsDiff.Empty() {
		return nil, fmt.Errorf("oasdiff finds differences in %s where this command does not look: compare it by eye", b.from)
	}
	// rules are stricter than oasdiff's. Should it know a break all the same, where they see none, it has the last word.
	if !w.lenient && !slices.ContainsFunc(w.changes, func(c change) bool { return c.Breaks }) {
		for _, f := range checker.CheckBackwardCompatibility(checker.NewConfig(checker.GetAllChecks()), found, sources) {
			w.changes = append(w.changes, change{Section: "oasdiff", Breaks: true, Verb: "changed something that oasdiff calls " + f.GetId() + ": " + f.GetUncolorizedText(checker.NewDefaultLocalizer())})
		}
	}
	return w.changes, nil
}

// spot is where in the operation a difference is.
type spot struct {
	section, which, place string
	answer                bool           // and not in what the client sends
	keyword               string         // that is different there
	ours, theirs          any            // what the documents have there
	parent                any            // what theirs stands in
	told                  map[string]any // what was added and deleted there, as far as another keyword tells it
}

// Where the report says that something is which oasdiff has in another place.
var sectionOf = map[string]string{"requestBody": "request body", "responses": "answers", "parameters": "parameters", "securityRequirements": "security", "servers": "servers"}

// down is the spot of a keyword in what the last one holds.
func (s spot) down(keyword string) spot {
	if section, ok := sectionOf[keyword]; ok && s.section == "operation" {
		s.section = section
	}
	switch s.keyword {
	case "", "schema", "content", "requestBody":
	case "items":
		s.place += "[]"
	default:
		s.place += " (" + s.keyword + ")"
	}
	s.told, s.keyword, s.ours, s.theirs, s.parent = nil, keyword, inside(s.ours, keyword), inside(s.theirs, keyword), s.theirs
	return s
}

// named is the spot of one of the things with names that the keyword holds.
func (s spot) named(name string) spot {
	switch {
	case s.keyword == "responses":
		s.section, s.which, s.answer = "answer", name, true
	case s.keyword == "parameters" && s.which == "":
		s.section, s.which = "parameter", name
	case s.keyword == "properties":
		s.place = join(s.place, name)
	case s.keyword == "dependentRequired":
		s.place, s.keyword = fmt.Sprintf("%s (where %s is)", s.place, name), "required"
		return s
	case s.keyword != "content" || name != "application/json":
		s.place = strings.TrimPrefix(s.place+" "+strings.TrimSuffix(s.keyword, "s")+" "+name, " ")
	}
	s.keyword, s.ours, s.theirs = "", inside(s.ours, name), inside(s.theirs, name)
	return s
}

// located is the spot of the parameters in a place, such as query.
func (s spot) located(in string) spot {
	elsewhere := func(p any) bool { return object(p)["in"] != in }
	s.ours, s.theirs = slices.DeleteFunc(slices.Clone(listOf(s.ours)), elsewhere), slices.DeleteFunc(slices.Clone(listOf(s.theirs)), elsewhere)
	return s
}

// inside is what a part of a document has under a key, and in a list the parameter of that name.
func inside(v any, key string) any {
	for _, each := range listOf(v) {
		if object(each)["name"] == key {
			return each
		}
	}
	return object(v)[key]
}

// What oasdiff derives from differences that it lists as well.
var derived = []string{"externalDocs", "links", "listOfTypes", "oneOfWrapping", "nullableWrapping", "listAdded", "listDeleted"}

// rest leaves out of the differences between two schemas what follows from others of them.
func (w *wording) rest(node, ours, theirs map[string]any) map[string]any {
	types := object(node["type"])
	step := encoded(types["deleted"]) + encoded(types["added"])
	numbers := step == `["number"]["integer"]` || step == `["integer"]["number"]`
	switch {
	case ours["enum"] != nil && theirs["enum"] != nil && (numbers || ours["type"] == nil || theirs["type"] == nil):
		delete(node, "type") // the values say it
		w.lenient = true
	case types["added"] != nil && types["deleted"] != nil && !numbers:
		return map[string]any{"type": types} // another type has other keywords as a matter of course
	}
	if numbers {
		delete(node, "format")
	}
	for _, sides := range [][2]map[string]any{{ours, theirs}, {theirs, ours}} {
		plain, other := sides[0], sides[1]
		if node["type"] != nil && other["type"] == nil && other["enum"] == nil {
			delete(node, "nullable") // where any type goes, null does
		}
		told := []string{"nullable", "allOf", "anyOf", "oneOf"}
		for _, around := range told[1:] {
			if node[around] != nil && plain[around] == nil { // what the other has of the schema may be in its alternatives
				maps.DeleteFunc(node, func(key string, _ any) bool {
					key = cmp.Or(keywords[key], strings.TrimSuffix(key, "Allowed"))
					return !slices.Contains(told, key) && other[key] == nil && plain[key] != nil
				})
			}
		}
	}
	return node
}

// walk words the differences in a part of oasdiff's output, in the order of their keys, each once.
func (w *wording) walk(v any, at spot) {
	node := object(v)
	if _, ok := node["from"]; ok || node == nil {
		w.tell(at, "changed", nil, node["from"], node["to"])
		return
	}
	node = w.rest(node, object(at.ours), object(at.theirs))
	if at.keyword == "type" || node["enumAdded"] == true || node["enumDeleted"] == true {
		w.tell(at, "changed", nil, node["deleted"], node["added"])
		return
	}
	for _, key := range sortedKeys(node) {
		next, child := at.down(key), object(node[key])
		switch {
		case slices.Contains(derived, key) || key == "mediaType" || key == "additionalPropertiesAllowed" && node["additionalProperties"] != nil:
		case key == "exclusiveMin" && node["min"] != nil, key == "exclusiveMax" && node["max"] != nil: // told with the bound
		case key == "min" && node["exclusiveMin"] != nil, key == "max" && node["exclusiveMax"] != nil:
			w.tell(next, "changed", nil, limitOf(at.ours, keywords[key]), limitOf(at.theirs, keywords[key]))
		case key == "required" && child["from"] == nil:
			next.told = object(node["properties"])
			w.walk(child, next)
		case key == "enum" && node["nullable"] != nil:
			next.told = map[string]any{"added": []any{nil}, "deleted": []any{nil}}
			w.walk(child, next)
		case key == "additionalPropertiesAllowed", key == "additionalProperties" && (child["schemaAdded"] == true || child["schemaDeleted"] == true):
			next = at.down("additionalProperties")
			w.tell(next, "changed", nil, next.ours, next.theirs)
		case key == "name" && child["name"] != nil: // of a media type, which oasdiff also takes apart
			next = at.down("the media type")
			next.place = ""
			w.walk(child["name"], next)
		case child["schemaAdded"] == true:
			w.tell(next, "added", nil, nil, nil)
		case child["schemaDeleted"] == true:
			w.tell(next, "deleted", nil, nil, nil)
		case key == "not" || key == "if": // what takes more in there lets less through
			w.tell(next, "changed", nil, next.ours, next.theirs)
		case key == "added" || key == "deleted":
			w.items(node[key], at, key)
		case key == "modified":
			w.modified(node[key], at)
		default:
			w.walk(node[key], next)
		}
	}
}

// items words what was added or deleted: things with names, parameters by where they are, or the one thing itself.
func (w *wording) items(v any, at spot, kind string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !slices.Contains(listOf(at.told[kind]), item) {
				w.tell(at, kind, cmp.Or(item, any("null")), nil, nil)
			}
		}
	case map[string]any:
		for _, in := range sortedKeys(v) {
			next := at.named(in)
			if at.keyword == "parameters" {
				next = at.located(in)
				next.place = in
			}
			w.items(v[in], next, kind)
		}
	default:
		w.tell(at, kind, nil, nil, nil)
	}
}

// modified words the differences in things that both documents have: by name, or alternatives by number.
func (w *wording) modified(v any, at spot) {
	for _, entry := range listOf(v) {
		base, revision, next := object(object(entry)["base"]), object(object(entry)["revision"]), at
		i, j := int(number(base["index"])), int(number(revision["index"]))
		if object(entry)["diff"] == nil {
			w.tell(at, "changed", revision, nil, nil)
			continue
		}
		next.place += fmt.Sprintf(" (%s, alternative %d)", at.keyword, j+1)
		next.keyword, next.ours, next.theirs = "", listOf(at.ours)[i], listOf(at.theirs)[j]
		w.walk(object(entry)["diff"], next)
	}
	for _, name := range sortedKeys(object(v)) {
		if at.keyword == "extensions" {
			w.tell(at, "changed", name, nil, nil)
			continue
		}
		if at.keyword == "parameters" && at.which == "" && slices.Contains(diff.ParamLocations, name) {
			w.modified(object(v)[name], at.located(name))
			continue
		}
		w.walk(object(v)[name], at.named(name))
	}
}
