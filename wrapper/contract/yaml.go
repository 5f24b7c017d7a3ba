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
	if len(data) == 0 {
		return nil, errors.New("it is empty")
	}
	var tree any
	if data[0] == '{' {
		err = json.Unmarshal(data, &tree)
	}
	if data[0] != '{' || err != nil {
		var node yaml.Node
		if yamlErr := yaml.Unmarshal(data, &node); yamlErr == nil {
			likeJSON(&node)
			err = node.Decode(&tree)
		} else if err == nil {
			err = yamlErr
		}
	}
	if err != nil {
		return nil, err
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return root, nil
}

// likeJSON has YAML decoded as JSON is: every name is a text, of two that are equal the last one counts, and a date is
// a text.
func likeJSON(node *yaml.Node) {
	for _, below := range node.Content {
		likeJSON(below)
	}
	switch {
	case node.Kind == yaml.ScalarNode && !slices.Contains([]string{"!!null", "!!bool", "!!int", "!!float", "!!merge"}, node.ShortTag()):
		node.Tag = "!!str"
	case node.Kind == yaml.MappingNode:
		var kept []*yaml.Node
		last := map[string]int{}
		for pair := range slices.Chunk(node.Content, 2) {
			if pair[0].ShortTag() != "!!merge" {
				pair[0].Tag = "!!str"
				if i, twice := last[pair[0].Value]; twice {
					kept[i] = pair[1]
					continue
				}
				last[pair[0].Value] = len(kept) + 1
			}
			kept = append(kept, pair...)
		}
		node.Content = kept
	}
}
