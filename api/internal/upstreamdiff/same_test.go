package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

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
	"with every schema inline": func(t *testing.T, d tree) []byte {
		inline := inlined(d, d).(tree)
		delete(in(t, inline, "components"), "schemas")
		return asJSON(t, inline)
	},
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
		in(t, d, requests+" application/json")["examples"] = tree{"other": tree{"value": 1.0}}
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
		op["deprecated"] = false
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

// inlined returns a copy of v with every reference to a schema written out.
func inlined(d tree, v any) any {
	switch v := v.(type) {
	case tree:
		if ref, ok := v["$ref"].(string); ok {
			schemas := d["components"].(tree)["schemas"].(tree)
			return inlined(d, schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
		}
		out := tree{}
		for key, value := range v {
			out[key] = inlined(d, value)
		}
		return out
	case []any:
		out := []any{}
		for _, value := range v {
			out = append(out, inlined(d, value))
		}
		return out
	}
	return v
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

// The first of each pair, in OpenAPI 3.0, and the second, in 3.0 or 3.1, are no difference.
func TestSchemasThatSayTheSameAreNoDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, ours, version, theirs string }{
		{"null among the types", `{"type":"string","nullable":true}`, "3.1.0", `{"type":["null","string"]}`},
		{"one type in a list", `{"type":"string"}`, "3.1.1", `{"type":["string"]}`},
		{"null as an alternative", `{"type":"string","nullable":true,"maxLength":5}`, "3.1.0", `{"oneOf":[{"type":"null"},{"type":"string","maxLength":5}]}`},
		{"null beside a reference", `{"type":"string","nullable":true,"minLength":2}`, "3.1.0", `{"anyOf":[{"$ref":"#/components/schemas/Named"},{"type":"null"}]}`},
		{"null beside an enum", `{"type":"string","nullable":true,"enum":["a","b",null]}`, "3.1.0", `{"anyOf":[{"type":"string","enum":["b","a"]},{"const":null}]}`},
		{"null alone", `{"enum":[null],"nullable":true}`, "3.1.0", `{"type":"null"}`},
		{"null of an allOf", `{"type":"string","nullable":true,"minLength":2}`, "3.0.3", `{"allOf":[{"$ref":"#/components/schemas/Named"}],"nullable":true}`},
		{"null of the only alternative", `{"type":"string","nullable":true}`, "3.0.3", `{"oneOf":[{"type":"string","nullable":true}]}`},
		{"a constant", `{"type":"string","enum":["a"]}`, "3.1.0", `{"const":"a"}`},
		{"one of constants", `{"type":"string","enum":["a","b"]}`, "3.1.0", `{"oneOf":[{"const":"b","title":"B"},{"const":"a","description":"A"}]}`},
		{"any of constants with null", `{"type":"integer","enum":[1,2,null],"nullable":true}`, "3.1.0", `{"type":["integer","null"],"anyOf":[{"const":1},{"enum":[2]},{"type":"null"}]}`},
		{"an exclusive bound", `{"type":"number","minimum":3,"exclusiveMinimum":true}`, "3.1.0", `{"type":"number","exclusiveMinimum":3}`},
		{"keywords beside a reference", `{"type":"string","minLength":2,"maxLength":5}`, "3.1.0", `{"$ref":"#/components/schemas/Named","maxLength":5}`},
		{"keywords beside a reference mean nothing in 3.0", `{"type":"string","minLength":2}`, "3.0.3", `{"$ref":"#/components/schemas/Named","maxLength":5}`},
		{"allOf in parts", `{"type":"object","properties":{"a":{"type":"string","minLength":2,"maxLength":3},"b":{}},"required":["a","b"]}`, "3.0.3", `{"type":"object","required":["b"],"allOf":[{"properties":{"a":{"$ref":"#/components/schemas/Named"}},"required":["a"]},{"allOf":[{"properties":{"a":{"maxLength":3},"b":{}}}]}]}`},
		{"parts that unevaluatedProperties closes", `{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false}`, "3.1.0", `{"unevaluatedProperties":false,"allOf":[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}}}]}`},
		{"unevaluatedProperties", `{"type":"object","additionalProperties":false}`, "3.1.0", `{"type":"object","unevaluatedProperties":false}`},
		{"unevaluatedProperties with a type", `{"type":"object","additionalProperties":{"type":"string"}}`, "3.1.0", `{"type":"object","unevaluatedProperties":{"type":"string"}}`},
		{"open objects", `{"type":"object"}`, "3.1.0", `{"type":"object","additionalProperties":true,"unevaluatedProperties":{},"properties":{}}`},
		{"true and false", `{"properties":{"a":{},"b":{"not":{}}},"additionalProperties":false}`, "3.1.0", `{"properties":{"a":true,"b":false},"additionalProperties":false}`},
		{"lists in another order", `{"enum":["a","b"],"required":["c","d"],"anyOf":[{"minLength":1},{"maxLength":1}]}`, "3.0.3", `{"enum":["b","a"],"required":["d","c"],"anyOf":[{"maxLength":1},{"minLength":1}]}`},
		{"properties called like keywords", `{"properties":{"description":{"type":"string"},"example":{"minLength":2,"type":"string"},"x-a":{},"$ref":{"type":"string"}}}`, "3.0.3", `{"title":"T","properties":{"description":{"type":"string","description":"D"},"example":{"$ref":"#/components/schemas/Named"},"x-a":{"x-b":1},"$ref":{"type":"string"}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := september(t), september(t)
			theirs["openapi"] = c.version
			for d, schema := range map[*tree]string{&ours: c.ours, &theirs: c.theirs} {
				in(t, *d, "schemas")["Named"] = tree{"type": "string", "minLength": 2.0}
				in(t, *d, body+" properties")["alias"] = parsed(t, []byte(schema))
				in(t, *d, result+" properties")["status"] = parsed(t, []byte(schema))
			}
			stdout, stderr, status := compareDocuments(t, asJSON(t, ours), asJSON(t, theirs))
			if status != exitFits || !strings.HasPrefix(stdout, "No difference: ") {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
		})
	}
}
