package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

type object = map[string]any

// published returns the document of this module as a member of a whole like Composio's, with every fault that other
// operations are known to have.
func published(t testing.TB, others int) object {
	t.Helper()
	var doc object
	if err := yaml.Unmarshal(api.Spec, &doc); err != nil {
		t.Fatal(err)
	}
	paths, components := doc["paths"].(object), doc["components"].(object)
	schemas := components["schemas"].(object)
	for i := range others {
		name := fmt.Sprintf("Other%d", i)
		schemas[name] = object{"type": "array", "description": strings.Repeat("prose ", 100), "x-internal": true}
		paths[fmt.Sprintf("/api/v3/others%d/{id}", i)] = object{"get": object{
			"security":   []any{object{"Undefined": []any{}}},
			"parameters": []any{object{"name": "id", "in": "path", "schema": object{"type": "strng"}}},
			"responses": object{"200": object{"content": object{"application/json": object{"schema": object{
				"$ref": "#/components/schemas/" + name, "example": 7, "nullable": true,
			}}}}, "404": object{"$ref": "#/components/responses/Lost"}, "500": object{"$ref": "other.yaml#/x"}},
		}}
	}
	schemas["Broken"] = object{"type": "object", "properties": []any{"no object"}, "pattern": "(?<=x", "example": object{"$ref": "#/nowhere"}}
	paths["/api/v3/toolkits"] = "no object"
	paths["/api/v3/internal/connected_accounts/{nanoid}"] = object{"patch": object{"responses": object{}}}
	components["parameters"] = []any{}
	doc["tags"] = "no list"
	doc["servers"] = []any{object{"url": 7}}
	return doc
}

// modern turns a document into OpenAPI 3.1.
func modern(doc object) object {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if v["nullable"] == true && v["type"] == "string" {
				v["type"] = []any{"string", "null"}
				delete(v, "nullable")
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc["components"])
	doc["openapi"] = "3.1.0"
	return doc
}

// inline writes every schema of the operation out, as documents without components have it.
func inline(v any, schemas object) any {
	switch v := v.(type) {
	case object:
		if ref, ok := v["$ref"].(string); ok {
			return inline(schemas[strings.TrimPrefix(ref, "#/components/schemas/")], schemas)
		}
		written := object{}
		for name, member := range v {
			written[name] = inline(member, schemas)
		}
		return written
	case []any:
		written := make([]any, len(v))
		for i, item := range v {
			written[i] = inline(item, schemas)
		}
		return written
	}
	return v
}

const operationPath = "/api/v3/connected_accounts/{nanoid}"

func operationOf(doc object) object {
	return doc["paths"].(object)[operationPath].(object)["patch"].(object)
}

// exchanged sends one body through the check and returns what is told of it and of each answer.
func exchanged(t *testing.T, spec []byte, requests []string, answers map[string]int) (told []string) {
	t.Helper()
	var document contract.Option
	if spec != nil {
		document = contract.WithDocument(spec)
	}
	exchange := func(status int, request, answer string) {
		tb := &fakeTB{}
		next := &answering{fake: jsonAnswer(status, answer)}
		roundTrip(t, contract.Check(tb, next, document), newRequest(t, base, request))
		told = append(told, request+answer)
		told = append(told, tb.errors...)
	}
	for _, request := range requests {
		exchange(429, request, "")
	}
	for answer, status := range maps.All(answers) {
		exchange(status, `{}`, answer)
	}
	return told
}

func TestWhateverComposioPublishesIsCheckedAlike(t *testing.T) {
	requests := []string{
		`{}`, `{"alias":""}`, `{"alias":null}`, `{"alias":7}`, `{"later":1e400}`, `[]`, `null`,
		`{"connection":{}}`, `{"connection":{"state":{"authScheme":"OTHER","val":{"token":null,"extra":1,"more":2}}}}`,
		`{"connection":{"state":{"authScheme":"BASIC","val":{"username":1,"password":"p"}}}}`,
		`{"experimental":{"acl_config_for_shared":{"allow_all_users":"yes","allowed_user_ids":["u","",7]}}}`,
		`{"experimental":{"acl_config_for_shared":{"not_allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"u",`, 1001), ",") + `]}}}`,
		`{"experimental":{"acl_config_for_shared":{"allowed_user_ids":["` + strings.Repeat("u", 257) + `"]}}}`,
		`{"alias":"a","alias":7,"x":"\ud800"}`,
	}
	answer := map[string]int{`{"success":"yes","status":null,"id":1}`: 200}
	want := exchanged(t, nil, requests, answer)
	if len(want) < 35 {
		t.Fatalf("too little is told: %q", want)
	}

	write := func(as func(any) ([]byte, error), doc object) []byte {
		data, err := as(doc)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	asJSON := func(doc object) []byte { return write(json.Marshal, doc) }
	asYAML := func(doc object) []byte { return write(yaml.Marshal, doc) }
	for name, spec := range map[string]func() []byte{
		"3.0, JSON": func() []byte { return asJSON(published(t, 1500)) }, // as large as Composio's
		"3.0, YAML": func() []byte { return asYAML(published(t, 3)) },
		"3.1, JSON": func() []byte { return asJSON(modern(published(t, 3))) },
		"3.1, YAML": func() []byte { return asYAML(modern(published(t, 750))) },
		"3.1, inline": func() []byte {
			doc := modern(published(t, 3))
			doc["paths"].(object)[operationPath] = inline(doc["paths"].(object)[operationPath], doc["components"].(object)["schemas"].(object))
			return asJSON(doc)
		},
		"with a byte order mark": func() []byte { return append([]byte("\ufeff"), asJSON(published(t, 3))...) },
		"names twice, JSON": func() []byte {
			return []byte(strings.Replace(string(asJSON(published(t, 3))), `"tags":`, `"tags":[],"tags":[],"tags":`, 1))
		},
		"names twice, YAML": func() []byte { return append(asYAML(published(t, 3)), "x-twice: 1\nx-twice: 2\n"...) },
		"under v3.1 alone": func() []byte {
			return []byte(strings.Replace(string(asJSON(published(t, 3))), operationPath, "/api/v3.1/connected_accounts/{nanoid}", 1))
		},
		"with a fault in another version's prose": func() []byte {
			doc := published(t, 3)
			operationOf(doc)["description"] = object{"$ref": "#/nowhere"}
			operationOf(doc)["externalDocs"] = 7
			return asJSON(doc)
		},
		"everything by reference": func() []byte {
			doc := published(t, 3)
			op, components := operationOf(doc), doc["components"].(object)
			components["requestBodies"] = object{"Body": op["requestBody"]}
			op["requestBody"] = object{"$ref": "#/components/requestBodies/Body"}
			components["responses"] = object{"a/b~c d": op["responses"].(object)["200"]}
			op["responses"].(object)["200"] = object{"$ref": "#/components/responses/a~1b~0c%20d"}
			components["parameters"] = []any{op["parameters"].([]any)[0]}
			op["parameters"] = []any{object{"$ref": "#/components/parameters/0"}}
			components["pathItems"] = object{"Item": doc["paths"].(object)[operationPath]}
			doc["paths"].(object)[operationPath] = object{"$ref": "#/components/pathItems/Item"}
			return asJSON(doc)
		},
		"the operation's parameter is not required, its pattern not Go's, its example beside a reference": func() []byte {
			doc := published(t, 3)
			op := operationOf(doc)
			parameter := op["parameters"].([]any)[0].(object)
			delete(parameter, "required")
			parameter["schema"].(object)["pattern"] = "^(?!x)"
			op["security"] = []any{object{"Undefined": []any{}}, object{"ApiKeyAuth": []any{}}}
			op["requestBody"].(object)["content"].(object)["application/json"].(object)["schema"].(object)["example"] = 7
			delete(op["responses"].(object)["200"].(object), "description")
			op["responses"].(object)["x-extension"] = 7
			return asJSON(doc)
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := spec()
			if (name == "3.0, JSON" || name == "3.1, YAML") && len(data) < 1<<20 {
				t.Fatalf("the document has %d bytes", len(data))
			}
			if diff := cmp.Diff(want, exchanged(t, data, requests, answer)); diff != "" {
				t.Errorf("told (-this module's document +this one):\n%s", diff)
			}
		})
	}
}
