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
		tree, err = decoded(&node)
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
		pairs, known := slices.Collect(slices.Chunk(node.Content, 2)), map[string]bool{}
		node.Content = nil
		for _, pair := range slices.Backward(pairs) {
			if !known[pair[0].Value] {
				node.Content = append(node.Content, pair...)
			}
			known[pair[0].Value] = true
		}
	}
}

// decoded returns what a node has: of an object, member by member, since the library compares every name with every other.
func decoded(node *yaml.Node) (v any, err error) {
	if node.Kind == yaml.DocumentNode {
		node = node.Content[0]
	}
	pairs := slices.Collect(slices.Chunk(node.Content, 2))
	merged := func(pair []*yaml.Node) bool {
		return pair[0].Kind != yaml.ScalarNode || pair[0].ShortTag() == "!!merge"
	}
	if node.Kind != yaml.MappingNode || slices.ContainsFunc(pairs, merged) {
		err = node.Decode(&v)
		return v, err
	}
	object := map[string]any{}
	for _, pair := range pairs {
		if object[pair[0].Value], err = decoded(pair[1]); err != nil {
			return nil, err
		}
	}
	return object, nil
}
