package contract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"example.com/composio/api"
)

// document is an OpenAPI document made ready for matching.
type document struct {
	routes []*routers.Route
}

// own is the document of this module, read once.
var own = sync.OnceValues(func() (*document, error) { return load(api.Spec) })

// load reads and validates a document.
func load(data []byte) (d *document, err error) {
	defer func() {
		if recover() != nil {
			d, err = nil, errors.New("composio: reading the OpenAPI document panicked")
		}
	}()
	spec, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("composio: reading the OpenAPI document: %w", err)
	}
	// The examples are the tests' business: traffic is not compared with them.
	if err := spec.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("composio: the OpenAPI document is not valid: %w", err)
	}
	d = &document{}
	items := spec.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		for method, operation := range items[path].Operations() {
			d.routes = append(d.routes, &routers.Route{
				Spec: spec, Path: path, PathItem: items[path], Method: method, Operation: operation,
			})
		}
	}
	return d, nil
}

// operation is one operation of a document, as one request called it.
type operation struct {
	route  *routers.Route
	params map[string]string
}

// match finds the operation that a request calls: its method, and a path that ends as one of the document's paths.
func (d *document) match(method string, u *url.URL) (operation, bool) {
	path := strings.Split(u.EscapedPath(), "/")
	for _, route := range d.routes {
		if route.Method != method {
			continue
		}
		if params, ok := matchTail(strings.Split(strings.TrimPrefix(route.Path, "/"), "/"), path); ok {
			return operation{route, params}, true
		}
	}
	return operation{}, false
}

// matchTail compares the last segments of a path with a template's. Segments are split before they are unescaped: an
// escaped slash is part of a segment.
func matchTail(template, path []string) (params map[string]string, ok bool) {
	if len(path) < len(template) {
		return nil, false
	}
	path = path[len(path)-len(template):]
	params = map[string]string{}
	for i, want := range template {
		got, err := url.PathUnescape(path[i])
		switch name, isParam := parameterName(want); {
		case err != nil, got == "":
			return nil, false
		case isParam:
			params[name] = got
		case got != want && (!isVersion(want) || !isVersion(got)):
			return nil, false
		}
	}
	return params, true
}

func parameterName(segment string) (name string, ok bool) {
	name, opened := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, opened && closed
}

// isVersion reports whether a segment is v with digits and dots after it, like v3 and v3.1.
func isVersion(segment string) bool {
	digits, ok := strings.CutPrefix(segment, "v")
	return ok && digits != "" && '0' <= digits[0] && digits[0] <= '9' && strings.Trim(digits, "0123456789.") == ""
}

// answer returns what the document says about a status; nil if it lacks it.
func (op operation) answer(status int) *openapi3.Response {
	responses := op.route.Operation.Responses
	ref := responses.Status(status)
	if ref == nil {
		ref = responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}

// setPathValues makes the parameters readable to next as [http.Request.PathValue].
func (op operation) setPathValues(r *http.Request) {
	for name, value := range op.params {
		r.SetPathValue(name, value)
	}
}
