package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/routers"
	"go.yaml.in/yaml/v3"

	"example.com/composio/api"
)

// document is what an OpenAPI document says about the operation, for each version of the API that it has; or about every
// operation that it has.
type document struct {
	operations []operation
}

// operation is an operation as a document has it.
type operation struct {
	route    *routers.Route
	template []string          // the segments of the path
	security [][]credential    // the ways to send credentials, each of which is enough
	params   map[string]string // as one request has them
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

// own is the document of this module.
var own = loader(api.Spec)

// loader reads a document when it is first asked for: the operation and what that refers to, or every operation.
// Whatever else is in it may be wrong.
func loader(spec []byte) func(every bool) (*document, error) {
	one := sync.OnceValues(func() (*document, error) { return load(spec, false) })
	all := sync.OnceValues(func() (*document, error) { return load(spec, true) })
	return func(every bool) (*document, error) {
		if every {
			return all()
		}
		return one()
	}
}

func load(spec []byte, every bool) (d *document, err error) {
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
	root, err := parse(spec)
	if err != nil {
		return nil, err
	}
	version := fmt.Sprint(root["openapi"])
	if !strings.HasPrefix(version, "3.") {
		return nil, errors.New("it does not say that it is OpenAPI 3")
	}
	d = &document{}
	paths, _ := root["paths"].(map[string]any)
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(paths))) { // v3 before v3.1
		verbs := []string{method}
		segments := strings.Split(path, "/")
		if n := len(segments); every {
			verbs = []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
		} else if n < 2 || segments[n-2] != collection || !isParameter(segments[n-1]) {
			continue
		}
		for _, verb := range verbs {
			r := &reducer{root: root, modern: !strings.HasPrefix(version, "3.0"), schemas: map[string]any{}, names: map[string]string{}}
			op, err := r.operation(path, verb)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, path, err)
			}
			if op != nil {
				op.template = segments
				d.operations = append(d.operations, *op)
			}
		}
	}
	if len(d.operations) == 0 {
		return nil, fmt.Errorf("it has no %s .../%s/{id}", method, collection)
	}
	return d, nil
}

func isParameter(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
}

// operation returns the operation for a version of the API: if the document has others alone, the first of those.
func (d *document) operation(to target) operation {
	op := d.operations[max(0, slices.IndexFunc(d.operations, func(op operation) bool { return slices.Contains(op.template, to.version) }))]
	op.params = map[string]string{strings.Trim(op.template[len(op.template)-1], "{}"): to.id}
	return op
}

// find returns the operation, of all, whose method and path a request has, whatever stands before the path.
func (d *document) find(verb string, u *url.URL) (operation, bool) {
	path := segmentsOf(u)
	for _, op := range d.operations {
		tail := path[max(0, len(path)-len(op.template)+1):]
		params := map[string]string{}
		if verb == op.route.Method && slices.EqualFunc(op.template[1:], tail, func(want, got string) bool {
			if isParameter(want) {
				params[strings.Trim(want, "{}")] = got
				return got != ""
			}
			return want == got
		}) {
			op.params = params
			return op, true
		}
	}
	return operation{}, false
}

// parse reads JSON or YAML. A name that an object has twice is the other operations' matter: the last one counts.
func parse(data []byte) (map[string]any, error) {
	data = bytes.TrimSpace(data)
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
