package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// leaf is one difference in what `oasdiff diff -f json` prints.
type leaf struct {
	steps    []step // where
	kind     string // added, deleted or changed
	item     any    // what was added or deleted, if it has a name
	from, to any    // what was changed
}

type step struct {
	text string
	name bool // something that the document names, and not a keyword
}

// What oasdiff derives from differences that it lists as well.
var derived = []string{"listOfTypes", "oneOfWrapping", "nullableWrapping", "listAdded", "listDeleted"}

// leaves lists the differences in a part of oasdiff's output, in the order of their keys.
func leaves(v any, steps []step) []leaf {
	node, ok := v.(map[string]any)
	if !ok {
		return []leaf{{steps: steps, kind: "changed"}}
	}
	if from, ok := node["from"]; ok {
		return []leaf{{steps: steps, kind: "changed", from: from, to: node["to"]}}
	}
	if steps != nil && (steps[len(steps)-1] == step{text: "type"}) {
		return []leaf{{steps: steps, kind: "changed", from: node["deleted"], to: node["added"]}}
	}
	if node["enumAdded"] == true || node["enumDeleted"] == true {
		return []leaf{{steps: steps, kind: "changed", from: node["deleted"], to: node["added"]}}
	}
	var all []leaf
	for _, key := range sortedKeys(node) {
		switch {
		case key == "components":
			all = append(all, components(node[key])...)
		case key == "required":
			all = append(all, leaves(without(node[key], node["properties"]), with(steps, step{text: key}))...)
		case slices.Contains(derived, key):
		case key == "schemaAdded":
			all = append(all, leaf{steps: steps, kind: "added"})
		case key == "schemaDeleted":
			all = append(all, leaf{steps: steps, kind: "deleted"})
		case key == "added" || key == "deleted":
			all = append(all, items(node[key], steps, key)...)
		case key == "name" && mediaType(node[key]) != nil:
			all = append(all, leaves(mediaType(node[key]), with(steps, step{text: "mediaType"}))...)
		case key == "modified":
			all = append(all, modified(node[key], steps)...)
		default:
			all = append(all, leaves(node[key], with(steps, step{text: key}))...)
		}
	}
	return all
}

// without returns the difference in a list of required properties less those that were themselves added or dropped.
func without(required, properties any) any {
	lists, _ := required.(map[string]any)
	others, _ := properties.(map[string]any)
	out := maps.Clone(lists)
	for _, kind := range []string{"added", "deleted"} {
		if list, ok := lists[kind].([]any); ok {
			out[kind] = slices.DeleteFunc(slices.Clone(list), func(name any) bool { return slices.Contains(listOf(others[kind]), name) })
		}
	}
	return out
}

// components lists what is different in the schemas that hold themselves, which stand there alone. That there is one
// more or less is seen where it is referred to.
func components(v any) []leaf {
	node, _ := v.(map[string]any)
	schemas, _ := node["schemas"].(map[string]any)
	return modified(schemas["modified"], []step{{text: "components"}, {text: "schemas"}})
}

// mediaType returns the difference in a media type's name, which oasdiff also takes apart.
func mediaType(v any) any {
	node, _ := v.(map[string]any)
	return node["name"]
}

func with(steps []step, more ...step) []step { return append(slices.Clone(steps), more...) }

// items lists what was added or deleted: things with names, parameters by where they are, or the one thing itself.
func items(v any, steps []step, kind string) []leaf {
	var all []leaf
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			all = append(all, leaf{steps: steps, kind: kind, item: item})
		}
	case map[string]any:
		for _, in := range sortedKeys(v) {
			all = append(all, items(v[in], with(steps, step{in, true}), kind)...)
		}
	default:
		all = append(all, leaf{steps: steps, kind: kind})
	}
	return all
}

// modified lists the differences in things that both documents have: by name, or alternatives by number.
func modified(v any, steps []step) []leaf {
	var all []leaf
	switch v := v.(type) {
	case []any:
		for _, entry := range v {
			alternative, _ := entry.(map[string]any)
			revision, _ := alternative["revision"].(map[string]any)
			inside := with(steps, step{fmt.Sprint(number(revision["index"]) + 1), true})
			if alternative["diff"] == nil {
				all = append(all, leaf{steps: steps, kind: "changed", item: revision})
				continue
			}
			all = append(all, leaves(alternative["diff"], inside)...)
		}
	case map[string]any:
		parameters := len(steps) > 0 && (steps[len(steps)-1] == step{text: "parameters"})
		for _, name := range sortedKeys(v) {
			inside := with(steps, step{name, true})
			if parameters {
				all = append(all, modified(v[name], inside)...)
				continue
			}
			all = append(all, leaves(v[name], inside)...)
		}
	}
	return all
}

// finding is one change as `oasdiff changelog -f json` judges it.
type finding struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Level int    `json:"level"` // 1 info, 2 warning, 3 error
}

const warning = 2

// compare reads what reduce and oasdiff left in dir, and returns every change, each judged.
func compare(dir string) ([]change, error) {
	var changes []change
	var ours, upstream, diff map[string]any
	var names map[string]string
	var findings []finding
	files, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = files.Close() }()
	for name, v := range map[string]any{foundFile: &changes, oursFile: &ours, upstreamFile: &upstream, namesFile: &names, diffFile: &diff, changelogFile: &findings} {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, v); err != nil {
			return nil, fmt.Errorf("internal: %s, which oasdiff wrote, cannot be read: %w", name, err)
		}
	}
	w := wording{ours, upstream, names}
	for _, l := range leaves(diff, nil) {
		changes = append(changes, w.change(l))
	}
	if len(changes) == 0 && encoded(ours) != encoded(upstream) {
		changes = append(changes, change{Section: "document", Breaks: true, Verb: "changed something that oasdiff sees no difference in: compare the operation in both documents by eye"})
	}
	return judged(changes, findings), nil
}

var quoted = regexp.MustCompile("`([^`]*)`")

// judged lets a warning or an error of oasdiff's make a change breaking, whatever was thought of it before. One that
// belongs to no change is a change of its own.
func judged(changes []change, findings []finding) []change {
	for _, f := range findings {
		if f.Level < warning {
			continue
		}
		var tokens []string
		for _, match := range quoted.FindAllStringSubmatch(f.Text, -1) {
			tokens = append(tokens, strings.Trim(match[1], "/"))
		}
		var concerned []*change
		for i := range changes {
			if c := &changes[i]; c.named(tokens) && (c.Which == "" || slices.Contains(tokens, c.Which)) {
				concerned = append(concerned, c)
			}
		}
		if len(concerned) == 0 {
			changes = append(changes, change{Section: "oasdiff", Breaks: true, Verb: "changed something that oasdiff calls " + f.ID + ": " + f.Text})
			continue
		}
		if !slices.ContainsFunc(concerned, func(c *change) bool { return c.Breaks }) {
			for _, c := range concerned {
				c.Breaks = true
			}
		}
	}
	return changes
}
