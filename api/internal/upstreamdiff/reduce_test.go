package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"example.com/composio/api"
)

// reduced returns the reduced forms of two documents, and what reducing them found.
func reduced(t *testing.T, ours, upstream []byte) (a, b string, found []change) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"a": ours, "b": upstream} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := reduce(filepath.Join(dir, "a"), filepath.Join(dir, "b"), dir); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file(t, dir, foundFile), &found); err != nil {
		t.Fatal(err)
	}
	return string(file(t, dir, oursFile)), string(file(t, dir, upstreamFile)), found
}

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
	"as it is": func(*testing.T, tree) []byte { return api.Spec },
	"in JSON":  func(t *testing.T, d tree) []byte { return asJSON(t, d) },
	"in YAML, in another order, with statuses that are numbers": func(t *testing.T, d tree) []byte {
		return bytes.ReplaceAll(asYAML(t, d), []byte(`"200":`), []byte("200:"))
	},
	"in JSON after a byte order mark": func(t *testing.T, d tree) []byte { return append([]byte("\ufeff"), asJSON(t, d)...) },
	"in 3.1 with null among the types": func(t *testing.T, d tree) []byte {
		d["openapi"] = "3.1.0"
		schemasOf(d, func(s tree) {
			if s["nullable"] == true {
				delete(s, "nullable")
				s["type"] = []any{"null", s["type"]}
			}
		})
		return asJSON(t, d)
	},
	"in 3.1 with null as an alternative": func(t *testing.T, d tree) []byte {
		d["openapi"] = "3.1.1"
		schemasOf(d, func(s tree) {
			if s["nullable"] == true {
				kind := s["type"]
				maps.DeleteFunc(s, func(key string, _ any) bool { return key == "nullable" || key == "type" })
				s["anyOf"] = []any{tree{"type": "null"}, tree{"type": kind}}
			}
		})
		return asYAML(t, d)
	},
	"in 3.1 with a version that YAML takes for a number": func(t *testing.T, d tree) []byte {
		d["openapi"] = 3.1
		return asYAML(t, d)
	},
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
	"with lists in another order": func(t *testing.T, d tree) []byte {
		schemasOf(d, func(s tree) {
			for _, key := range []string{"required", "enum"} {
				list, _ := s[key].([]any)
				for i := range len(list) / 2 {
					list[i], list[len(list)-1-i] = list[len(list)-1-i], list[i]
				}
			}
		})
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

func TestTheSameContractInOtherWordsIsTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, write := range sameContract {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, upstream, found := reduced(t, api.Spec, write(t, parsed(t, api.Spec)))
			if diff := cmp.Diff(ours, upstream); diff != "" {
				t.Errorf("reduced (-ours +upstream):\n%s", diff)
			}
			if len(found) > 0 {
				t.Errorf("found %v", found)
			}
		})
	}
}

// The first of each pair, in OpenAPI 3.0 unless it says 3.1, becomes the second.
func TestSchemasAreBroughtToOneForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, version, schema, want string }{
		{"null among the types", "3.1.0", `{"type":["string","null"]}`, `{"nullable":true,"type":"string"}`},
		{"one type in a list", "3.1.0", `{"type":["string"]}`, `{"type":"string"}`},
		{"several types stay", "3.1.0", `{"type":["string","integer","null"]}`, `{"nullable":true,"type":["integer","string"]}`},
		{"null alone", "3.1.0", `{"type":"null"}`, `{"enum":[null],"nullable":true}`},
		{"null as the constant", "3.1.0", `{"const":null}`, `{"enum":[null],"nullable":true}`},
		{"null as an alternative", "3.1.0", `{"oneOf":[{"type":"null"},{"type":"string","maxLength":5}]}`, `{"maxLength":5,"nullable":true,"type":"string"}`},
		{"null beside two alternatives", "3.1.0", `{"anyOf":[{"type":"string"},{"type":"null"},{"type":"boolean"}]}`, `{"anyOf":[{"type":"boolean"},{"type":"string"}],"nullable":true}`},
		{"null beside an enum", "3.1.0", `{"anyOf":[{"type":"string","enum":["b","a"]},{"const":null}]}`, `{"enum":["a","b",null],"nullable":true,"type":"string"}`},
		{"null beside a reference", "3.1.0", `{"anyOf":[{"$ref":"#/components/schemas/Named"},{"type":"null"}]}`, `{"minLength":2,"nullable":true,"type":"string"}`},
		{"a constant", "3.1.0", `{"const":"a"}`, `{"enum":["a"]}`},
		{"an exclusive bound of its own", "3.1.0", `{"exclusiveMinimum":3}`, `{"exclusiveMinimum":true,"minimum":3}`},
		{"an exclusive bound within the other", "3.1.0", `{"maximum":9,"exclusiveMaximum":10}`, `{"maximum":9}`},
		{"examples", "3.1.0", `{"type":"string","examples":["a"],"$comment":"c"}`, `{"type":"string"}`},
		{"keywords beside a reference", "3.1.0", `{"$ref":"#/components/schemas/Named","maxLength":5}`, `{"maxLength":5,"minLength":2,"type":"string"}`},
		{"keywords beside a reference that it contradicts", "3.1.0", `{"$ref":"#/components/schemas/Named","minLength":1}`, `{"allOf":[{"minLength":2,"type":"string"}],"minLength":1}`},
		{"keywords beside a reference mean nothing in 3.0", "3.0.3", `{"$ref":"#/components/schemas/Named","maxLength":5}`, `{"minLength":2,"type":"string"}`},
		{"a list of one reference", "3.0.3", `{"allOf":[{"$ref":"#/components/schemas/Named"}],"nullable":true}`, `{"minLength":2,"nullable":true,"type":"string"}`},
		{"a closed object around other properties", "3.0.3", `{"additionalProperties":false,"allOf":[{"properties":{"a":{}}}]}`, `{"additionalProperties":false,"allOf":[{"properties":{"a":{}}}]}`},
		{"true and false", "3.1.0", `{"properties":{"a":true,"b":false}}`, `{"properties":{"a":{},"b":{"not":{}}}}`},
		{"open objects", "3.0.3", `{"properties":{"a":{"additionalProperties":true},"b":{"additionalProperties":{}},"c":{"additionalProperties":false}}}`, `{"properties":{"a":{},"b":{},"c":{"additionalProperties":false}}}`},
		{"properties called like keywords", "3.0.3", `{"properties":{"description":{"type":"string"},"example":{"type":"string"},"x-a":{"type":"string"},"$ref":{"type":"string"}}}`, `{"properties":{"$ref":{"type":"string"},"description":{"type":"string"},"example":{"type":"string"},"x-a":{"type":"string"}}}`},
		{"zeros and falsehoods", "3.0.3", `{"minLength":0,"uniqueItems":false,"required":[],"nullable":false}`, `{}`},
		{"names in a discriminator", "3.0.3", `{"discriminator":{"propertyName":"k","mapping":{"a":"#/components/schemas/Named"}}}`, `{"discriminator":{"mapping":{"a":"Named"},"propertyName":"k"}}`},
		{"a keyword that nobody knows", "3.0.3", `{"frobnicate":1}`, `{"frobnicate":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			upstream := september(t)
			upstream["openapi"] = c.version
			in(t, upstream, "schemas")["Named"] = tree{"type": "string", "minLength": 2.0}
			in(t, upstream, body+" properties")["alias"] = parsed(t, []byte(c.schema))
			_, got, _ := reduced(t, file(t, "testdata", "september.yaml"), asJSON(t, upstream))
			schema := in(t, parsed(t, []byte(got)), requests+" application/json schema properties alias")
			if diff := cmp.Diff(c.want, string(asJSON(t, schema))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestASchemaThatHoldsItselfEnds(t *testing.T) {
	t.Parallel()
	upstream := september(t)
	schemas := in(t, upstream, "schemas")
	schemas["A"] = tree{"properties": tree{"b": ref("B")}}
	schemas["B"] = tree{"properties": tree{"a": ref("A"), "list": tree{"items": ref("B")}}}
	in(t, upstream, body+" properties")["a"] = ref("A")
	_, got, _ := reduced(t, file(t, "testdata", "september.yaml"), asJSON(t, upstream))
	components := in(t, parsed(t, []byte(got)), "schemas")
	if got, want := strings.Join(sortedKeys(components), " "), "A B"; got != want {
		t.Errorf("components %s, want %s", got, want)
	}
}

func TestAnotherPathIsSaid(t *testing.T) {
	t.Parallel()
	move := func(to string) func(*testing.T, tree) {
		return func(t *testing.T, d tree) {
			paths := in(t, d, "paths")
			paths[to] = paths[operationPath]
			delete(paths, operationPath)
		}
	}
	for _, c := range []struct {
		name string
		edit func(*testing.T, tree)
		want []change
	}{
		{"another name of the parameter", func(t *testing.T, d tree) {
			in(t, d, "operation")["parameters"].([]any)[0].(tree)["name"] = "id"
			move("/api/v3/connected_accounts/{id}")(t, d)
		}, []change{{Section: "path", Verb: "calls the parameter nanoid now id, which nobody sees on the wire"}}},
		{"another version of the API", move("/api/v3.1/connected_accounts/{nanoid}"), []change{{Section: "path", Breaks: true,
			Verb: "moved the operation from /api/v3/connected_accounts/{nanoid} to /api/v3.1/connected_accounts/{nanoid}; if that document describes another version of the API alone, give the one of this version"}}},
		{"several other versions, of which the newest counts", func(t *testing.T, d tree) {
			move("/api/v4/connected_accounts/{nanoid}")(t, d)
			in(t, d, "paths")["/api/v3.1/connected_accounts/{nanoid}"] = tree{"patch": tree{"responses": tree{}}}
		}, []change{{Section: "path", Breaks: true,
			Verb: "moved the operation from /api/v3/connected_accounts/{nanoid} to /api/v4/connected_accounts/{nanoid}; if that document describes another version of the API alone, give the one of this version"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			upstream := september(t)
			c.edit(t, upstream)
			a, b, found := reduced(t, file(t, "testdata", "september.yaml"), asJSON(t, upstream))
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("and besides (-ours +upstream):\n%s", diff)
			}
		})
	}
}

// replaced returns v with another value at a path of keys and indices.
func replaced(v any, path []any, value any) any {
	if len(path) == 0 {
		return value
	}
	switch key := path[0].(type) {
	case string:
		v.(tree)[key] = replaced(v.(tree)[key], path[1:], value)
	case int:
		v.([]any)[key] = replaced(v.([]any)[key], path[1:], value)
	}
	return v
}

// Whatever a document holds in some place, it is compared or refused in a sentence.
func TestNoDocumentMakesReducingPanic(t *testing.T) {
	t.Parallel()
	var paths [][]any
	var walk func(v any, path []any)
	walk = func(v any, path []any) {
		paths = append(paths, path)
		switch v := v.(type) {
		case tree:
			for key, value := range v {
				walk(value, append(path[:len(path):len(path)], key))
			}
		case []any:
			for i, value := range v {
				walk(value, append(path[:len(path):len(path)], i))
			}
		}
	}
	small := september(t)
	maps.DeleteFunc(in(t, small, answers), func(status string, _ any) bool { return status > "400" })
	maps.DeleteFunc(in(t, small, val+" properties"), func(name string, _ any) bool { return name != "token" })
	whole := string(asJSON(t, small))
	walk(parsed(t, []byte(whole)), nil)
	for i, path := range paths {
		for j, odd := range []string{`null`, `"text"`, `7`, `false`, `[]`, `[null]`, `[["a"]]`, `{}`, `{"a":null}`, `{"$ref":7}`, `{"$ref":"#/paths"}`, `{"$ref":"#/components/schemas/Error"}`} {
			if (i+j)%3 != 0 {
				continue // each place meets a third of these, and each of these a third of the places
			}
			var d, value any
			if err := errors.Join(json.Unmarshal([]byte(whole), &d), json.Unmarshal([]byte(odd), &value)); err != nil {
				t.Fatal(err)
			}
			d.(tree)["openapi"] = []string{"3.0.3", "3.1.0"}[(i+j)%2]
			data := asJSON(t, replaced(d, path, value))
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%v instead of %v: %v", odd, path, r)
					}
				}()
				var at place
				document, err := understand("it", data)
				if err == nil {
					at, err = document.find("")
				}
				if err == nil {
					_, err = document.reduce(at, at)
				}
				if err == nil {
					document.names()
				}
			}()
		}
	}
}
