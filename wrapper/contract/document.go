package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/routers"
	"go.yaml.in/yaml/v3"

	"example.com/composio/api"
)

// document is what an OpenAPI document says about the operation, for each version of the API that it has.
type document struct {
	operations []operation
}

// operation is the operation as a document has it.
type operation struct {
	route    *routers.Route
	version  string         // the segment of the path, such as "v3"
	security [][]credential // the ways to send credentials, each of which is enough
	params   map[string]string
}

// credential is where a request has to have one.
type credential struct{ in, name string }

// documentError says why there is no document to check with. It is nobody's traffic that is wrong then.
type documentError struct{ reason string }

func (e *documentError) Error() string {
	return "composio: nothing is checked, because the OpenAPI document cannot be used: " + e.reason
}

// Retryable returns false: the document stays as it is.
func (e *documentError) Retryable() bool { return false }

// own is the document of this module, read once.
var own = sync.OnceValues(func() (*document, error) { return load(api.Spec) })

// load reads of a document the operation and what that refers to. Everything else in it may be wrong.
func load(data []byte) (d *document, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("reading it panicked")
		}
		if err != nil {
			// In one line, since kin-openapi writes whole schemas below some of its errors.
			reason, _, _ := strings.Cut(err.Error(), "\n")
			d, err = nil, &documentError{reason}
		}
	}()
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	version := fmt.Sprint(root["openapi"])
	if !strings.HasPrefix(version, "3.") {
		return nil, errors.New("it does not say that it is OpenAPI 3")
	}
	d = &document{}
	paths, _ := root["paths"].(map[string]any)
	for path := range paths {
		segments := strings.Split(path, "/")
		n := len(segments)
		if n < 2 || segments[n-2] != collection || !strings.HasPrefix(segments[n-1], "{") {
			continue
		}
		r := &reducer{root: root, modern: !strings.HasPrefix(version, "3.0"), schemas: map[string]any{}, names: map[string]string{}}
		op, err := r.operation(path)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		if op == nil {
			continue
		}
		op.version = segments[max(0, n-3)]
		op.params = map[string]string{strings.Trim(segments[n-1], "{}"): ""}
		d.operations = append(d.operations, *op)
	}
	if len(d.operations) == 0 {
		return nil, fmt.Errorf("it has no %s .../%s/{id}", method, collection)
	}
	slices.SortFunc(d.operations, func(a, b operation) int { return strings.Compare(b.route.Path, a.route.Path) })
	return d, nil
}

// match returns the operation for a version of the API: if the document has others alone, the first of those.
func (d *document) match(to target) operation {
	i := max(0, slices.IndexFunc(d.operations, func(op operation) bool { return op.version == to.version }))
	op := d.operations[i]
	params := map[string]string{}
	for name := range op.params {
		params[name] = to.id
	}
	op.params = params
	return op
}

// parse reads JSON or YAML. A name that an object has twice is the other operations' matter: the last one counts.
func parse(data []byte) (map[string]any, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, errors.New("it is empty")
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		var node yaml.Node
		switch yamlErr := yaml.Unmarshal(data, &node); {
		case yamlErr != nil && data[0] == '{':
			return nil, err
		case yamlErr != nil:
			return nil, yamlErr
		}
		left := 1 << 22
		if tree, err = plain(&node, 100, &left); err != nil {
			return nil, err
		}
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return root, nil
}

// plain makes of YAML what encoding/json makes of JSON. It takes at most so many levels and nodes, since aliases can
// repeat themselves.
func plain(node *yaml.Node, levels int, left *int) (value any, err error) {
	if *left--; *left < 0 || levels < 0 {
		return nil, errors.New("it is too large, or nested too deep")
	}
	switch node.Kind {
	case yaml.DocumentNode:
		return plain(node.Content[0], levels, left)
	case yaml.AliasNode:
		return plain(node.Alias, levels-1, left)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			if list[i], err = plain(item, levels-1, left); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if value, err = plain(node.Content[i+1], levels-1, left); err != nil {
				return nil, err
			}
			if merged, ok := value.(map[string]any); ok && node.Content[i].Tag == "!!merge" {
				for name, value := range merged {
					if _, own := object[name]; !own {
						object[name] = value
					}
				}
				continue
			}
			object[node.Content[i].Value] = value
		}
		return object, nil
	}
	switch node.ShortTag() {
	case "!!null", "!!bool", "!!int", "!!float":
		err = node.Decode(&value)
		if number, ok := value.(float64); ok && (math.IsInf(number, 0) || math.IsNaN(number)) {
			return node.Value, nil
		}
		return value, err
	}
	return node.Value, nil
}

// setPathValues makes the parameters readable to next as [http.Request.PathValue].
func (op operation) setPathValues(r *http.Request) {
	for name, value := range op.params {
		r.SetPathValue(name, value)
	}
}
