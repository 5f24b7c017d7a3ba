package contract

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"
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
	at       string         // what is being read of an operation
	err      error          // the first of the operation
}

func newReader(root map[string]any) *reader {
	r := &reader{root: root, compiler: jsonschema.NewCompiler(), schemas: map[string]any{}}
	resource := maps.Clone(root)
	resource["x-schemas"] = r.schemas
	r.compiler.DefaultDraft(jsonschema.Draft2020)
	r.compiler.AssertFormat()
	r.compiler.UseLoader(nowhere{})
	r.compiler.UseRegexpEngine(compilePattern)
	_ = r.compiler.AddResource(documentURL, resource) // it is the first
	return r
}

// nowhere loads no other document.
type nowhere struct{}

func (nowhere) Load(string) (any, error) { return nil, errors.New("it is outside of the document") }

// pattern is one of JavaScript, as JSON Schema has them.
type pattern struct{ *regexp2.Regexp }

func (p pattern) MatchString(text string) bool {
	matches, _ := p.Regexp.MatchString(text) // it has no time limit, which would be the only error
	return matches
}

// compilePattern compiles a pattern. One that is none binds nothing.
func compilePattern(text string) (jsonschema.Regexp, error) {
	if compiled, err := regexp2.Compile(text, regexp2.ECMAScript|regexp2.Unicode); err == nil {
		return pattern{compiled}, nil
	}
	return regexp.MustCompile(""), nil
}

// operation returns the operation of a path; nil if the path has none.
func (r *reader) operation(path string, v any) *operation {
	r.at, r.err = "its path", nil
	item := r.object(v)
	op := &operation{path: path, answers: map[string]answer{}}
	patch, ok := item[strings.ToLower(method)].(map[string]any)
	if !ok && r.err == nil {
		return nil
	}
	op.security = r.security(patch)
	r.at = "a parameter"
	for _, list := range []any{patch["parameters"], item["parameters"]} { // the first of two with one name counts
		items, _ := list.([]any)
		for _, item := range items {
			p := r.parameter(item)
			if !slices.ContainsFunc(op.parameters, func(other parameter) bool { return other.in == p.in && other.name == p.name }) {
				op.parameters = append(op.parameters, p)
			}
		}
	}
	if v, ok := patch["requestBody"]; ok {
		r.at = "the request's body"
		object := r.object(v)
		op.body = &requestBody{object["required"] == true, r.content(object)}
	}
	for status, v := range members(patch, "responses") {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		r.at = "the answer " + status
		object := r.object(v)
		a := answer{content: r.content(object)}
		for name, v := range members(object, "headers") {
			header := r.parameter(v)
			header.name = name
			a.headers = append(a.headers, header)
		}
		op.answers[status] = a
	}
	if r.err != nil {
		op.fault = newUnusable(fmt.Errorf("%s %s: %w", method, path, r.err))
	}
	return op
}

func (r *reader) failed(err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", r.at, err)
	}
}

// members returns the members, sorted, of what an object has under a name.
func members(object map[string]any, name string) iter.Seq2[string, any] {
	below, _ := object[name].(map[string]any)
	return func(yield func(string, any) bool) {
		for _, name := range slices.Sorted(maps.Keys(below)) {
			if !yield(name, below[name]) {
				return
			}
		}
	}
}

// parameter reads a parameter, or a header.
func (r *reader) parameter(v any) (p parameter) {
	object := r.object(v)
	p.in, _ = object["in"].(string)
	p.name, _ = object["name"].(string)
	p.required = object["required"] == true
	p.schema = r.schema(object)
	return p
}

// content reads the media types of a body.
func (r *reader) content(of map[string]any) content {
	read := content{}
	for name, v := range members(of, "content") {
		read[essence(name)] = r.schema(r.object(v))
	}
	return read
}

// schema compiles what a parameter, a header or a media type has under schema.
func (r *reader) schema(of map[string]any) *jsonschema.Schema {
	schema, ok := of["schema"]
	if !ok {
		return nil
	}
	name := strconv.Itoa(len(r.schemas))
	r.schemas[name] = schema
	compiled, err := r.compiler.Compile(documentURL + "#/x-schemas/" + name)
	if wrong, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		err = fmt.Errorf("%s is no valid schema at %s", wrong.URL, findings(Request, body, wrong.Err)[0].Location)
	}
	if err == nil && circular(compiled) {
		err = errors.New("schemas refer to each other in a circle")
	}
	r.failed(err)
	return compiled
}

// circular reports whether a schema, or one of those below it, comes back to itself for one and the same value.
func circular(s *jsonschema.Schema) bool {
	open := map[*jsonschema.Schema]bool{} // what was visited, and whether that visit goes on
	var below []*jsonschema.Schema        // for other values: of members and items
	var visit func(*jsonschema.Schema) bool
	visit = func(s *jsonschema.Schema) bool {
		if on, known := open[s]; s == nil || known {
			return on
		}
		open[s] = true
		same := slices.Concat(s.AllOf, s.AnyOf, s.OneOf, []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else})
		circle := slices.ContainsFunc(slices.AppendSeq(same, maps.Values(s.DependentSchemas)), visit)
		open[s] = false
		extra, _ := s.AdditionalProperties.(*jsonschema.Schema)
		below = slices.AppendSeq(append(below, extra, s.PropertyNames, s.UnevaluatedProperties, s.Items2020, s.Contains, s.UnevaluatedItems), maps.Values(s.Properties))
		below = slices.AppendSeq(append(below, s.PrefixItems...), maps.Values(s.PatternProperties))
		return circle
	}
	for below = append(below, s); len(below) > 0; {
		next := below[0]
		if below = below[1:]; visit(next) {
			return true
		}
	}
	return false
}

// object returns what v is, or refers to.
func (r *reader) object(v any) map[string]any {
	for range 20 {
		object, ok := v.(map[string]any)
		if !ok {
			r.failed(errors.New("there is no object where OpenAPI has one"))
			return nil
		}
		ref, ok := object["$ref"].(string)
		if !ok {
			return object
		}
		path, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
		to, pathErr := jsonpointer.New(path) // which refuses another document
		if err = cmp.Or(err, pathErr); err == nil {
			v, _, err = to.Get(r.root)
		}
		if err != nil {
			r.failed(fmt.Errorf("the reference %q leads nowhere in the document", ref))
			return nil
		}
	}
	r.failed(errors.New("references go in a circle"))
	return nil
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
	before := r.err
next:
	for _, item := range list {
		names, _ := item.(map[string]any)
		way := []credential{}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			scheme := r.object(schemes[name])
			if r.err = before; scheme == nil {
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
