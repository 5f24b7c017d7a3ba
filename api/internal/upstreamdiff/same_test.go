package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

var root = filepath.Join("..", "..", "..")

// schemasOf calls f with every schema in the document's components and bodies, the inner ones first.
func schemasOf(v any, f func(tree)) {
	switch v := v.(type) {
	case tree:
		for _, key := range sortedKeys(v) {
			schemasOf(v[key], f)
		}
		if _, ok := v["type"].(string); ok {
			f(v)
		}
	case []any:
		for _, each := range v {
			schemasOf(each, f)
		}
	}
}

// The same contract, written in other ways than api/openapi.yaml does it.
var sameContract = map[string]func(t *testing.T, d tree) []byte{
	"as it is": func(t *testing.T, _ tree) []byte { return file(t, root, "api", "openapi.yaml") },
	"in YAML, in another order, with statuses that are numbers": func(t *testing.T, d tree) []byte {
		return bytes.ReplaceAll(asYAML(t, d), []byte(`"200":`), []byte("200:"))
	},
	"in JSON after a byte order mark": func(t *testing.T, d tree) []byte { return append([]byte("\ufeff"), asJSON(t, d)...) },
	"with references to parameters, bodies, answers and the path": func(t *testing.T, d tree) []byte {
		components, op := in(t, d, "components"), in(t, d, "operation")
		components["parameters"] = tree{"Id": op["parameters"].([]any)[0]}
		components["requestBodies"] = tree{"Body": op["requestBody"]}
		components["responses"] = tree{"Done": in(t, d, answers+" 200")}
		op["requestBody"] = tree{"$ref": "#/components/requestBodies/Body"}
		in(t, d, answers)["200"] = tree{"$ref": "#/components/responses/Done"}
		delete(op, "parameters")
		components["pathItems"] = tree{"a/b": tree{"patch": op, "parameters": []any{tree{"$ref": "#/components/parameters/Id"}}}}
		in(t, d, "paths")[operationPath] = tree{"$ref": "#/components/pathItems/a~1b"}
		return asJSON(t, d)
	},
	"inside fifty other paths": func(t *testing.T, d tree) []byte {
		for i := range 50 {
			name := fmt.Sprintf("Thing%d", i)
			in(t, d, "schemas")[name] = tree{"type": "object", "description": strings.Repeat("Words. ", 500), "properties": tree{"next": ref(name)}}
			in(t, d, "paths")[fmt.Sprintf("/api/v3/things%d/{id}", i)] = tree{
				"get":   tree{"responses": tree{"200": tree{"description": "ok", "content": jsonOf(ref(name))}}},
				"patch": tree{"responses": tree{"204": tree{"description": "ok"}}},
			}
		}
		paths := in(t, d, "paths")
		paths["/api/v3/connected_accounts"] = tree{"get": tree{}, "post": tree{}}
		paths["/api/v3.1/connected_accounts/{nanoid}"] = tree{"patch": tree{"responses": tree{}}}
		paths["/api/v3/connected_accounts/{nanoid}/status"] = tree{"patch": tree{"responses": tree{}}}
		in(t, d, "paths "+operationPath)["delete"] = tree{"responses": tree{}}
		data := asJSON(t, d)
		if len(data) < 150_000 {
			t.Fatalf("the document has %d bytes, too few to be like Composio's", len(data))
		}
		return data
	},
	"with other prose, examples, extensions, tags and title": func(t *testing.T, d tree) []byte {
		schemasOf(d, func(s tree) {
			s["title"], s["description"], s["example"], s["x-order"] = "T", "D", "E", 1.0
		})
		op := in(t, d, "operation")
		op["summary"], op["description"], op["tags"], op["x-hidden"], op["externalDocs"] = "S", "D", []any{"a"}, true, tree{"url": "https://example.com"}
		in(t, d, requests+" application/json")["examples"] = tree{"other": tree{"value": 1.0}, "none": tree{"$ref": "#/components/examples/None"}}
		in(t, d, answers)["x-internal"] = true
		d["info"] = tree{"title": "Composio Platform API", "version": "9"}
		d["openapi"] = "3.0.0"
		return asJSON(t, d)
	},
	"with what holds without being said": func(t *testing.T, d tree) []byte {
		schemasOf(d, func(s tree) {
			if s["nullable"] == nil {
				s["nullable"] = false
			}
			if s["type"] == "object" && s["additionalProperties"] == nil {
				s["additionalProperties"] = true
			}
			if s["type"] == "string" && s["minLength"] == nil {
				s["minLength"] = 0
			}
			s["deprecated"], s["readOnly"], s["writeOnly"] = false, false, false
		})
		op := in(t, d, "operation")
		op["deprecated"], op["security"] = false, append(op["security"].([]any), op["security"].([]any)...)
		op["parameters"] = append(op["parameters"].([]any), tree{"name": "X-API-Key", "in": "header", "required": true, "schema": tree{"type": "string"}}, tree{"name": "Accept", "in": "header", "required": true, "schema": tree{"type": "string"}})
		in(t, d, answers+" 200")["content"] = tree{"Application/JSON; charset=UTF-8": in(t, d, answers+" 200 content")["application/json"]}
		in(t, d, "operation requestBody")["required"] = false
		parameter := op["parameters"].([]any)[0].(tree)
		parameter["style"], parameter["explode"] = "simple", false
		return asYAML(t, d)
	},
	"with security for the whole document, by another name": func(t *testing.T, d tree) []byte {
		d["security"] = []any{tree{"project": []any{}}}
		delete(in(t, d, "operation"), "security")
		in(t, d, "components")["securitySchemes"] = tree{"project": tree{"type": "apiKey", "in": "header", "name": "X-API-Key"}}
		return asJSON(t, d)
	},
	"with servers of the path's own": func(t *testing.T, d tree) []byte {
		in(t, d, "paths "+operationPath)["servers"] = d["servers"]
		d["servers"] = []any{tree{"url": "https://docs.example.com"}}
		return asJSON(t, d)
	},
	"with a part of the path in the server's URL": func(t *testing.T, d tree) []byte {
		d["servers"] = []any{tree{"url": "https://{host}/api/v3/", "variables": tree{"host": tree{"default": "backend.composio.dev"}}}}
		paths := in(t, d, "paths")
		paths["/connected_accounts/{nanoid}"] = paths[operationPath]
		delete(paths, operationPath)
		return asJSON(t, d)
	},
	"with faults in other operations": func(t *testing.T, d tree) []byte {
		in(t, d, "paths")["/api/v3/broken/{id}"] = tree{"get": tree{"parameters": []any{tree{"name": "id", "in": "path"}}, "security": []any{tree{"None": []any{}}}, "responses": "none"}, "post": tree{"requestBody": ref("None")}}
		in(t, d, "schemas")["Broken"] = tree{"type": 7, "properties": []any{}}
		in(t, d, requests+" application/json")["example"] = tree{"$ref": "nowhere"}
		return asJSON(t, d)
	},
}

func asYAML(t *testing.T, v any) []byte {
	t.Helper()
	data, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTheSameContractInOtherWordsIsNoDifference(t *testing.T) {
	t.Parallel()
	ours := file(t, root, "api", "openapi.yaml")
	for name, write := range sameContract {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := compareDocuments(t, ours, write(t, parsed(t, ours)))
			if status != exitFits || !strings.HasPrefix(stdout, "No difference: ") {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
		})
	}
}

// The first of each pair, in OpenAPI 3.0, becomes the second, in 3.0 or 3.1: what is said of it in a request and in an answer,
// with ! before what breaks. Those of which nothing is said let the same through.
func TestSchemasAreComparedByWhatTheyLetThrough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ours, version, theirs string
		request, answer             says
	}{
		{"null among the types, and one type in a list", `{"properties":{"a":{"type":"string","nullable":true},"b":{"type":"string"}}}`, "3.1.0", `{"properties":{"a":{"type":["null","string"]},"b":{"type":["string"]}}}`, nil, nil},
		{"null as an alternative", `{"type":"string","nullable":true,"maxLength":5}`, "3.1.0", `{"oneOf":[{"type":"null"},{"type":"string","maxLength":5}]}`, nil, nil},
		{"null beside a reference", `{"type":"string","nullable":true,"minLength":2}`, "3.1.0", `{"anyOf":[{"$ref":"#/components/schemas/Named"},{"type":"null"}]}`, nil, nil},
		{"null beside an enum", `{"type":"string","nullable":true,"enum":["a","b",null]}`, "3.1.0", `{"anyOf":[{"type":"string","enum":["b","a"]},{"const":null}]}`, nil, nil},
		{"null of an allOf, of the only alternative, and alone", `{"properties":{"a":{"type":"string","nullable":true,"minLength":2},"b":{"type":"string","nullable":true},"c":{"enum":[null],"nullable":true}}}`, "3.0.3", `{"properties":{"a":{"allOf":[{"$ref":"#/components/schemas/Named"}],"nullable":true},"b":{"oneOf":[{"type":"string","nullable":true}]},"c":{"type":"null"}}}`, nil, nil},
		{"constants", `{"properties":{"a":{"type":"string","enum":["a"]},"b":{"type":"boolean","enum":[true]},"i":{"type":"integer","enum":[1,2,null],"nullable":true}}}`, "3.1.0", `{"properties":{"a":{"const":"a"},"b":{"enum":[true]},"i":{"type":["integer","null"],"anyOf":[{"const":1},{"enum":[2]},{"type":"null"}]}}}`, nil, nil},
		{"one of constants", `{"properties":{"a":{"type":"string","enum":["a","b"]},"b":{"type":"boolean"},"i":{"type":"integer","enum":[1,2]},"n":{"type":"number","enum":[1,2]},"f":{"type":"number","enum":[1,2.5]}}}`, "3.1.0", `{"properties":{"a":{"oneOf":[{"const":"b","title":"B"},{"const":"a","description":"A"}]},"b":{"oneOf":[{"const":false},{"const":true}]},"i":{"oneOf":[{"const":1},{"const":2}]},"n":{"oneOf":[{"const":1},{"const":2}]},"f":{"oneOf":[{"const":1},{"const":2.5}]}}}`, nil, nil},
		{"an enum of several types, of which integer is one of number's", `{"properties":{"a":{"enum":[1,"a"]},"b":{"type":"number"}}}`, "3.1.0", `{"properties":{"a":{"type":["integer","string"],"enum":["a",1]},"b":{"type":["number","integer"]}}}`, nil, nil},
		{"keywords beside a reference", `{"type":"string","minLength":2,"maxLength":5}`, "3.1.0", `{"$ref":"#/components/schemas/Named","maxLength":5}`, nil, nil},
		{"keywords beside a reference mean nothing in 3.0", `{"type":"string","minLength":2}`, "3.0.3", `{"$ref":"#/components/schemas/Named","maxLength":5}`, nil, nil},
		{"allOf in parts", `{"type":"object","properties":{"a":{"type":"string","minLength":2,"maxLength":3},"b":{}},"required":["a","b"]}`, "3.0.3", `{"type":"object","required":["b"],"allOf":[{"properties":{"a":{"$ref":"#/components/schemas/Named"}},"required":["a"]},{"allOf":[{"properties":{"a":{"maxLength":3},"b":{}}}]}]}`, nil, nil},
		{"parts that unevaluatedProperties closes", `{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false}`, "3.1.0", `{"unevaluatedProperties":false,"allOf":[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}}}]}`, nil, nil},
		{"unevaluatedProperties", `{"properties":{"a":{"additionalProperties":false},"b":{"additionalProperties":{"type":"string"}},"c":{"additionalProperties":{"type":"string"}}}}`, "3.1.0", `{"properties":{"a":{"unevaluatedProperties":false},"b":{"unevaluatedProperties":{"type":"string"}},"c":{"additionalProperties":{"type":"string"},"unevaluatedProperties":false}}}`, nil, nil},
		{"open objects", `{"type":"object"}`, "3.1.0", `{"type":"object","additionalProperties":true,"unevaluatedProperties":{},"properties":{}}`, nil, nil},
		{"true and false", `{"properties":{"a":{},"b":{"not":{}}},"additionalProperties":false}`, "3.1.0", `{"properties":{"a":true,"b":false},"additionalProperties":false}`, nil, nil},
		{"lists in another order", `{"enum":["a","b"],"required":["c","d"],"anyOf":[{"minLength":1},{"maxLength":1}]}`, "3.0.3", `{"enum":["b","a"],"required":["d","c"],"anyOf":[{"maxLength":1},{"minLength":1}]}`, nil, nil},
		{"properties called like keywords", `{"properties":{"description":{"type":"string"},"example":{"minLength":2,"type":"string"},"x-a":{},"$ref":{"type":"string"}}}`, "3.0.3", `{"title":"T","properties":{"description":{"type":"string","description":"D"},"example":{"$ref":"#/components/schemas/Named"},"x-a":{"x-b":1},"$ref":{"type":"string"}}}`, nil, nil},
		{"number to integer, and null", `{"type":"number","format":"double"}`, "3.0.3", `{"type":"integer","format":"int64","nullable":true}`, says{`! changed the type from number to integer`, `now takes null`}, says{`! may now answer null`, `changed the type from number to integer, which is no break on the wire but another type in Go: wrapper/ may not compile`}},
		{"integer to number, and a bound", `{"type":"integer"}`, "3.0.3", `{"type":"number","maximum":10}`, says{`! added maximum 10, and so takes less`, `changed the type from integer to number, which is no break on the wire but another type in Go: wrapper/ may not compile`}, says{`! changed the type from integer to number`, `added maximum 10, and so answers less`}},
		{"number to integer, and any value", `{"type":"number","enum":[1,2]}`, "3.0.3", `{"type":"integer"}`, says{`! changed the type from number to integer`, `now takes any value, and not only [1, 2]`}, says{`! may now answer any value, and not only [1, 2]`, `changed the type from number to integer, which is no break on the wire but another type in Go: wrapper/ may not compile`}},
		{"an exclusive bound loosened", `{"type":"number","minimum":1,"exclusiveMinimum":true,"maximum":5}`, "3.1.0", `{"type":"number","minimum":1,"exclusiveMaximum":6}`, says{`changed maximum from 5 to exclusive 6, and so takes more`, `changed minimum from exclusive 1 to 1, and so takes more`}, says{`! changed maximum from 5 to exclusive 6, and so may answer more`, `! changed minimum from exclusive 1 to 1, and so may answer more`}},
		{"an exclusive bound tightened", `{"type":"number","minimum":1}`, "3.1.0", `{"type":"number","exclusiveMinimum":1,"exclusiveMaximum":6}`, says{`! added exclusiveMaximum 6, and so takes less`, `! changed minimum from 1 to exclusive 1, and so takes less`}, says{`added exclusiveMaximum 6, and so answers less`, `changed minimum from 1 to exclusive 1, and so answers less`}},
		{"anything, null as well", `{"type":"string","nullable":true}`, "3.0.3", `{}`, says{`now takes any type, and not only string`}, says{`! may now answer any type, and not only string`}},
		{"types taken away", `{"properties":{"a":{},"b":{"type":["string","integer"]}}}`, "3.0.3", `{"properties":{"a":{"type":"string","nullable":true},"b":{"type":"string"}}}`, says{`! request body, alias.a: Composio now takes nothing but the type string`, `! request body, alias.b: Composio no longer takes the type integer`}, says{`answer 200, status.a: Composio now answers nothing but the type string`, `answer 200, status.b: Composio no longer answers the type integer`}},
		{"conditions that more fulfils, and a type beside an enum of several", `{"properties":{"a":{"not":{"enum":["a","b"]}},"b":{"enum":["a",1]},"c":{"if":{"maxLength":3},"then":{"pattern":"a"}}}}`, "3.1.0", `{"unevaluatedItems":false,"properties":{"a":{"not":{"type":"string"}},"b":{"type":"string","enum":["a",1]},"c":{"if":{"maxLength":4},"then":{"pattern":"a"}}}}`, says{`! added unevaluatedItems false`, `! request body, alias.a: Composio changed not from: {enum: [a, b], type: string} to: {type: string}`, `! request body, alias.b: Composio no longer takes the value 1`, `! request body, alias.c: Composio changed if from: {maxLength: 3} to: {maxLength: 4}`}, says{`! added unevaluatedItems false`, `! answer 200, status.a: Composio changed not from: {enum: [a, b], type: string} to: {type: string}`, `! answer 200, status.c: Composio changed if from: {maxLength: 3} to: {maxLength: 4}`, `answer 200, status.b: Composio no longer answers the value 1`}},
		{"an alternative beside it", `{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}`, "3.0.3", `{"oneOf":[{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false},{"type":"string"}]}`, says{`! added oneOf alternative: {additionalProperties: false, properties: {a: {}}, required: [a], type: object}`, `! added oneOf alternative: {type: string}`}, says{`! added oneOf alternative: {additionalProperties: false, properties: {a: {}}, required: [a], type: object}`, `! added oneOf alternative: {type: string}`}},
		{"the only one of two alternatives left", `{"anyOf":[{"type":"string","maxLength":3},{"type":"integer"}]}`, "3.0.3", `{"type":"string","maxLength":3}`, says{`! dropped anyOf alternative: {maxLength: 3, type: string}`, `! dropped anyOf alternative: {type: integer}`}, says{`! dropped anyOf alternative: {maxLength: 3, type: string}`, `! dropped anyOf alternative: {type: integer}`}},
		{"a part of allOf that oasdiff does not merge", `{"type":"string","maxLength":3}`, "3.1.0", `{"allOf":[{"type":"string","maxLength":3},{"if":{"minLength":1},"then":{"pattern":"a"}}]}`, says{`! added allOf alternative: {if: {minLength: 1}, then: {pattern: a}}`, `! added allOf alternative: {maxLength: 3, type: string}`}, says{`! added allOf alternative: {if: {minLength: 1}, then: {pattern: a}}`, `! added allOf alternative: {maxLength: 3, type: string}`}},
	} {
		for _, side := range []struct {
			schema, property, place string
			want                    says
		}{{body, "alias", "request body, alias", c.request}, {result, "status", "answer 200, status", c.answer}} {
			t.Run(c.name+" in "+side.place, func(t *testing.T) {
				t.Parallel()
				ours, theirs := september(t), september(t)
				theirs["openapi"] = c.version
				for d, schema := range map[*tree]string{&ours: c.ours, &theirs: c.theirs} {
					in(t, *d, "schemas")["Named"] = tree{"type": "string", "minLength": 2.0}
					in(t, *d, side.schema+" properties")[side.property] = parsed(t, []byte(schema))
				}
				stdout, stderr, status := compareDocuments(t, asJSON(t, ours), asJSON(t, theirs))
				var got says
				for prefix, title := range map[string]string{"! ": titleBreaks, "": titleAdds} {
					for _, paragraph := range paragraphs(stdout, title) {
						got = append(got, prefix+strings.TrimPrefix(paragraph, side.place+": Composio "))
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(side.want, got); diff != "" || stderr != "" || (status == exitBreaks) != strings.Contains(stdout, titleBreaks) {
					t.Errorf("status %d, -want +got:\n%s%s", status, diff, stderr)
				}
			})
		}
	}
}
