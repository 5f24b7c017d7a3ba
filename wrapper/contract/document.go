package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/composio/api"
)

// document is what an OpenAPI document says about the operation, for each version of the API that it has; or about every
// operation that it has.
type document struct {
	operations []operation
}

// operation is an operation as a document has it.
type operation struct {
	method     string
	path       string
	template   []string          // the segments of the path
	security   [][]credential    // the ways to send credentials, each of which is enough
	parameters []parameter       // of path, query, header and cookies
	body       *requestBody      // nil if it has none
	answers    map[string]answer // by what the document has for a status
	params     map[string]string // of the path, as one request has them
}

// credential is where a request has to have one.
type credential struct{ in, name string }

// parameter is a parameter of a request, or a header of an answer.
type parameter struct {
	in, name string
	required bool
	schema   *jsonschema.Schema // nil allows anything
}

type requestBody struct {
	required bool
	content  content
}

type answer struct {
	headers []parameter
	content content
}

// content has the schema of each media type; a nil one allows anything.
type content map[string]*jsonschema.Schema

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

func load(spec []byte, every bool) (*document, error) {
	d, err := read(spec, every)
	if err != nil { // in one line, without the name that the document has for the compiler alone
		reason := strings.Join(strings.Fields(err.Error()), " ")
		return nil, &documentError{strings.ReplaceAll(reason, documentURL, "")}
	}
	return d, nil
}

func read(spec []byte, every bool) (*document, error) {
	root, err := parse(spec)
	if err != nil {
		return nil, err
	}
	version := fmt.Sprint(root["openapi"])
	if !strings.HasPrefix(version, "3.") {
		return nil, errors.New("it does not say that it is OpenAPI 3")
	}
	modernize(root, strings.HasPrefix(version, "3.0"))
	r := newReader(root)
	d := &document{}
	paths, _ := root["paths"].(map[string]any)
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(paths))) { // v3 before v3.1
		verbs := []string{method}
		segments := strings.Split(path, "/")
		if every {
			verbs = []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
		} else if !isOurs(segments) {
			continue
		}
		for _, verb := range verbs {
			op, err := r.operation(paths[path], verb)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, path, err)
			}
			if op != nil {
				op.method, op.path, op.template = verb, path, segments
				d.operations = append(d.operations, *op)
			}
		}
	}
	if len(d.operations) == 0 {
		return nil, fmt.Errorf("it has no %s .../%s/{id}", method, collection)
	}
	return d, nil
}

// isOurs reports whether a path of a document is the operation's, below a version or, if the servers have that, at the top.
func isOurs(template []string) bool {
	n := len(template)
	return n > 2 && template[n-2] == collection && isParameter(template[n-1]) && (n == 3 || isVersion(template[n-3]))
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
		if verb == op.method && slices.EqualFunc(op.template[1:], tail, func(want, got string) bool {
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
