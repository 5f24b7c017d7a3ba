package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// documentURL is what the compiler of schemas knows the document by.
const documentURL = "https://document.invalid/"

// reader reads operations of a document, with what they refer to.
type reader struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	schemas  map[string]any // what was compiled, by a number
}

func newReader(root map[string]any) *reader {
	r := &reader{root, jsonschema.NewCompiler(), map[string]any{}}
	resource := maps.Clone(root)
	resource["x-schemas"] = r.schemas
	r.compiler.DefaultDraft(jsonschema.Draft2020)
	r.compiler.AssertFormat()
	r.compiler.UseLoader(nowhere{})
	_ = r.compiler.AddResource(documentURL, resource) // it is the first
	return r
}

// nowhere loads no other document.
type nowhere struct{}

func (nowhere) Load(string) (any, error) { return nil, errors.New("it is outside of the document") }

// schema compiles what a parameter, a header or a media type has under schema.
func (r *reader) schema(of map[string]any) (*jsonschema.Schema, error) {
	schema, ok := of["schema"]
	if !ok {
		return nil, nil
	}
	name := strconv.Itoa(len(r.schemas))
	r.schemas[name] = schema
	compiled, err := r.compiler.Compile(documentURL + "#/x-schemas/" + name)
	if wrong, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return nil, fmt.Errorf("%s is no valid schema at %s", wrong.URL, findings(Request, body, wrong.Err)[0].Location)
	}
	return compiled, err
}

// operation returns an operation of a path; nil if the path has none.
func (r *reader) operation(path any, verb string) (*operation, error) {
	item, err := r.object(path)
	if err != nil {
		return nil, err
	}
	op, ok := item[strings.ToLower(verb)].(map[string]any)
	if !ok {
		return nil, nil
	}
	read := &operation{security: r.security(op), answers: map[string]answer{}}
	for _, list := range []any{op["parameters"], item["parameters"]} { // the first of two with one name counts
		items, _ := list.([]any)
		for _, item := range items {
			p, err := r.parameter("", "", item)
			if err != nil {
				return nil, fmt.Errorf("a parameter: %w", err)
			}
			if !slices.ContainsFunc(read.parameters, func(other parameter) bool { return other.in == p.in && other.name == p.name }) {
				read.parameters = append(read.parameters, p)
			}
		}
	}
	if v, ok := op["requestBody"]; ok {
		object, err := r.object(v)
		if err != nil {
			return nil, err
		}
		read.body = &requestBody{required: object["required"] == true}
		if read.body.content, err = r.content(object); err != nil {
			return nil, err
		}
	}
	responses, _ := op["responses"].(map[string]any)
	for status, v := range responses {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		if read.answers[status], err = r.answer(v); err != nil {
			return nil, fmt.Errorf("the answer %s: %w", status, err)
		}
	}
	return read, nil
}

func (r *reader) answer(v any) (read answer, err error) {
	object, err := r.object(v)
	if err != nil {
		return read, err
	}
	headers, _ := object["headers"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		header, err := r.parameter("header", name, headers[name])
		if err != nil {
			return read, fmt.Errorf("%s: %w", name, err)
		}
		read.headers = append(read.headers, header)
	}
	read.content, err = r.content(object)
	return read, err
}

// parameter reads a parameter, or a header of a name.
func (r *reader) parameter(in, name string, v any) (read parameter, err error) {
	object, err := r.object(v)
	if err != nil {
		return read, err
	}
	if in == "" {
		in, _ = object["in"].(string)
		name, _ = object["name"].(string)
	}
	schema, err := r.schema(object)
	return parameter{in, name, object["required"] == true, schema}, err
}

// content reads the media types of a body.
func (r *reader) content(of map[string]any) (content, error) {
	types, _ := of["content"].(map[string]any)
	read := content{}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		object, err := r.object(types[name])
		if err == nil {
			read[essence(name)], err = r.schema(object)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return read, nil
}

// object returns what v is, or refers to.
func (r *reader) object(v any) (map[string]any, error) {
	for range 20 {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("there is no object where OpenAPI has one")
		}
		ref, ok := object["$ref"].(string)
		if !ok {
			return object, nil
		}
		path, inside := strings.CutPrefix(ref, "#")
		if !inside {
			return nil, fmt.Errorf("the reference %q leads out of the document", ref)
		}
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		to, err := jsonpointer.New(path)
		if err == nil {
			v, _, err = to.Get(r.root)
		}
		if err != nil {
			return nil, fmt.Errorf("the reference %q leads nowhere", ref)
		}
	}
	return nil, errors.New("references go in a circle")
}

// security returns the ways to send credentials. One whose scheme the document does not have cannot be checked, and is
// left out.
func (r *reader) security(op map[string]any) (ways [][]credential) {
	list, ok := op["security"].([]any)
	if !ok {
		list, _ = r.root["security"].([]any)
	}
	components, _ := r.root["components"].(map[string]any)
	schemes, _ := components["securitySchemes"].(map[string]any)
next:
	for _, item := range list {
		names, _ := item.(map[string]any)
		way := []credential{}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			scheme, err := r.object(schemes[name])
			if err != nil {
				continue next
			}
			where := credential{"header", "Authorization"} // of http, oauth2 and openIdConnect
			if scheme["type"] == "apiKey" {
				where.in, _ = scheme["in"].(string)
				where.name, _ = scheme["name"].(string)
			}
			way = append(way, where)
		}
		ways = append(ways, way)
	}
	return ways
}
