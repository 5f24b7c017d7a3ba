package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"go.yaml.in/yaml/v3"
)

// parse reads JSON or YAML. A name that an object has twice is the other operations' matter: the last one counts.
func parse(data []byte) (root map[string]any, err error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	var tree any
	var node yaml.Node
	if bytes.HasPrefix(data, []byte("{")) {
		err = json.Unmarshal(data, &tree)
	} else if err = yaml.Unmarshal(data, &node); err == nil {
		likeJSON(&node)
		err = node.Decode(&tree)
	}
	root, ok := tree.(map[string]any)
	if err == nil && !ok {
		err = errors.New("it is empty, or no object")
	}
	return root, err
}

// likeJSON has YAML decoded as JSON is: every name is a text, of two that are equal the last one counts, and a date is
// a text.
func likeJSON(node *yaml.Node) {
	for i, below := range node.Content {
		if likeJSON(below); node.Kind == yaml.MappingNode && i%2 == 0 && below.ShortTag() != "!!merge" {
			below.Tag = "!!str"
		}
	}
	switch {
	case node.Kind == yaml.ScalarNode && !slices.Contains([]string{"!!null", "!!bool", "!!int", "!!float", "!!merge"}, node.ShortTag()):
		node.Tag = "!!str"
	case node.Kind == yaml.MappingNode:
		pairs := slices.Collect(slices.Chunk(node.Content, 2))
		node.Content = nil
		for i, pair := range pairs {
			if !slices.ContainsFunc(pairs[i+1:], func(later []*yaml.Node) bool { return later[0].Value == pair[0].Value }) {
				node.Content = append(node.Content, pair...)
			}
		}
	}
}
