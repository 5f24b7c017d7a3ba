package contract

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/composio/api"
)

// document is the operation as a document has it, for each version of the API.
type document []operation

type operation struct {
	path       string
	fault      error             // why the rest cannot be had
	security   [][]credential    // the ways to send credentials, each of which is enough
	parameters []parameter       // of path, query, header and cookies
	body       *requestBody      // nil if it has none
	answers    map[string]answer // by what the document has for a status
	id         string            // the account of one request
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

// unusable says why there is no document to check with. It is nobody's traffic that is wrong then.
type unusable struct{ reason string }

// newUnusable gives the reason in one line and without the name that the document has for the compiler alone.
func newUnusable(reason error) error {
	text := strings.Join(strings.Fields(reason.Error()), " ")
	return &unusable{strings.ReplaceAll(text, documentURL, "")}
}

func (e *unusable) Error() string {
	return "composio: nothing is checked, because the OpenAPI document cannot be used: " + e.reason
}

// Retryable returns false: the document stays as it is.
func (e *unusable) Retryable() bool { return false }

// own is the document of this module.
var own = loader(api.Spec)

// loader reads a document when it is first asked for: the operation and what that refers to. Whatever else is in it may be
// wrong, and so may one of the operation's versions.
func loader(spec []byte) func() (document, error) {
	return sync.OnceValues(func() (document, error) {
		d, err := read(spec)
		if err == nil && !slices.ContainsFunc(d, func(op operation) bool { return op.fault == nil }) {
			err = d[0].fault
		}
		return d, err
	})
}

func read(spec []byte) (d document, err error) {
	root, err := parse(spec)
	if err != nil {
		return nil, newUnusable(err)
	}
	version := fmt.Sprint(root["openapi"])
	if !strings.HasPrefix(version, "3.") {
		return nil, newUnusable(errors.New("it does not say that it is OpenAPI 3"))
	}
	modernize(root, strings.HasPrefix(version, "3.0"), false)
	paths, _ := root["paths"].(map[string]any)
	r := newReader(root)
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(paths))) { // v3 before v3.1
		if template.MatchString(path) {
			if op := r.operation(path, paths[path]); op != nil {
				d = append(d, *op)
			}
		}
	}
	if d == nil {
		return nil, newUnusable(fmt.Errorf("it has no %s .../%s/{id}", method, collection))
	}
	return d, nil
}

// operation returns the operation for a request to a version of the API: if the document has others alone, the first of
// those.
func (d document) operation(to target) *operation {
	op := d[max(0, slices.IndexFunc(d, func(op operation) bool { return strings.Contains(op.path, "/"+to.version+"/") }))]
	op.id = to.id
	return &op
}

// parameter returns the name of the parameter that the path ends with.
func (op *operation) parameter() string {
	return strings.Trim(op.path[strings.LastIndexByte(op.path, '/')+1:], "{}")
}
