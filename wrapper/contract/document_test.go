package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

// What OpenAPI 3.1 can say and 3.0 cannot is checked too.
func TestKeywordsOfOpenAPI31(t *testing.T) {
	for name, tt := range map[string]struct {
		alias         object
		request, want string
	}{
		"const":                 {object{"const": "work"}, `{"alias":"home"}`, "request at /alias: const, want work"},
		"const, right":          {object{"const": "work"}, `{"alias":"work"}`, ""},
		"several types":         {object{"type": []any{"string", "null"}}, `{"alias":7}`, "request at /alias: type, want null or string"},
		"null":                  {object{"type": "string", "const": "x"}, `{"alias":null}`, "request at /alias: nullable, want string"},
		"anyOf":                 {object{"anyOf": []any{object{"type": "string"}, object{"type": "null"}}}, `{"alias":7}`, "request at /alias: anyOf"},
		"anyOf, and more":       {object{"anyOf": []any{object{"const": "x"}, object{"type": "null"}}}, `{"alias":7}`, "request at /alias: anyOf"},
		"exclusiveMinimum":      {object{"exclusiveMinimum": 5}, `{"alias":5}`, "request at /alias: exclusiveMinimum, want 5"},
		"if":                    {object{"if": object{"type": "string"}, "then": object{"minLength": 3}}, `{"alias":"a"}`, "request at /alias: minLength, want 3"},
		"prefixItems":           {object{"prefixItems": []any{object{"type": "string"}}}, `{"alias":[7]}`, "request at /alias/0: type, want string"},
		"unevaluatedProperties": {object{"unevaluatedProperties": false}, `{"alias":{"` + secret + `":1}}`, "request at /alias/*: unevaluatedProperties"},
		"dependentRequired":     {object{"dependentRequired": object{"a": []any{"b"}}}, `{"alias":{"a":1}}`, "request at /alias: dependentRequired"},
		"false":                 {object{"properties": object{"a": false}}, `{"alias":{"a":1}}`, "request at /alias/a: boolean"},
		"1E400 is no limit":     {object{"type": "number", "const": 1e308}, `{"alias":-1E400}`, "request at /alias: const, want 1e+308"},
		"false, among others":   {object{"properties": object{"a": false}, "propertyNames": object{"maxLength": 2}}, `{"alias":{"a":1}}`, "request at /alias/a: boolean"},
		"a fraction":            {object{"minimum": 2.5}, `{"alias":1}`, "request at /alias: minimum, want 2.5"},
		"two lines":             {object{"enum": []any{"a\nb", "c"}}, `{"alias":"a"}`, `request at /alias: enum, want "a\nb" or c`},
		"many values":           {object{"enum": slices.Repeat([]any{"a"}, 500)}, `{"alias":"b"}`, "request at /alias: enum, want " + strings.Repeat("a or ", 30) + "one of 470 more"},
		"a schema that is true": {object{"properties": object{"a": true}}, `{"alias":{"a":1}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := modern(published(t, 1))
			doc["components"].(object)["schemas"].(object)["PatchConnectedAccountBody"].(object)["properties"].(object)["alias"] = tt.alias
			data, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			told := exchanged(t, data, []string{tt.request}, nil)[1:]
			if got := strings.ReplaceAll(strings.Join(told, " "), "composio: ", ""); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

// A document with several versions of the API says for each what it asks for, and a fault of one is no fault of another.
func TestEachVersionIsCheckedAgainstItsOwn(t *testing.T) {
	for name, tt := range map[string]struct {
		body any // of v3.1
		want map[string]string
	}{
		"another body": {object{"content": object{"text/plain": object{}}}, map[string]string{
			"v3": "", "v4": "", "v3.1": "composio: request at Content-Type: content-type, want text/plain",
		}},
		"a fault": {object{"$ref": "#/lost"}, map[string]string{
			"v3": "", "v4": "", "v3.1": "composio: nothing is checked, because the OpenAPI document cannot be used: " +
				`PATCH /api/v3.1/connected_accounts/{nanoid}: the request's body: the reference "#/lost" leads nowhere in the document`,
		}},
	} {
		doc := published(t, 1)
		paths := doc["paths"].(object)
		other := inline(paths[operationPath], doc["components"].(object)["schemas"].(object)).(object)
		other["patch"].(object)["requestBody"] = tt.body
		paths["/api/v3.1/connected_accounts/{nanoid}"] = other
		spec, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		for version, want := range tt.want {
			var report contract.Report
			tb := &fakeTB{}
			req := newRequest(t, base, `{}`)
			req.URL.Path = strings.Replace(path, "v3", version, 1)
			roundTrip(t, contract.Check(tb, &answering{fake: good()}, contract.WithDocument(spec), contract.Collect(&report, io.Discard)), req)
			if got := strings.Join(tb.errors, " "); got != want || (report.Err() == nil) != (want == "") {
				t.Errorf("%s, %s: %q, want %q; the report has %v", name, version, got, want, report.Err())
			}
		}
	}
}

// If there is no document, the error says why, and nobody's traffic is blamed.
func TestUnusableDocument(t *testing.T) {
	replace := func(before, after string) string {
		if !strings.Contains(string(api.Spec), before) {
			t.Fatalf("the document has no %q", before)
		}
		return strings.Replace(string(api.Spec), before, after, 1)
	}
	const (
		alias        = "        alias:\n          type: string"
		schemas      = "#/components/schemas/"
		schemaCircle = "PATCH /api/v3/connected_accounts/{nanoid}: the request's body: schemas refer to each other in a circle"
	)
	for name, tt := range map[string]struct{ spec, why string }{
		"empty":               {"", "it is empty, or no object"},
		"blank":               {" \n", "it is empty, or no object"},
		"JSON, cut":           {`{"openapi":"3.0.3",`, "unexpected end of JSON input"},
		"YAML, broken":        {"openapi: [", "yaml: line 1: did not find expected node content"},
		"a list":              {`[]`, "it is empty, or no object"},
		"a page":              {"<!DOCTYPE html><html></html>", "it is empty, or no object"},
		"an error":            {`{"error":"not found"}`, "it does not say that it is OpenAPI 3"},
		"Swagger":             {`{"swagger":"2.0","paths":{}}`, "it does not say that it is OpenAPI 3"},
		"no paths":            {"openapi: 3.0.3\npaths: {}\n", "it has no PATCH .../connected_accounts/{id}"},
		"another path":        {replace("/connected_accounts/", "/accounts/"), "it has no PATCH .../connected_accounts/{id}"},
		"another verb":        {replace("    patch:", "    put:"), "it has no PATCH .../connected_accounts/{id}"},
		"a lost schema":       {replace("#/components/schemas/AuthScheme", "#/components/schemas/Lost"), `PATCH /api/v3/connected_accounts/{nanoid}: the request's body: json-pointer in "#/components/schemas/Lost" not found`},
		"a lost answer":       {replace("          description: The account was changed.\n", "          $ref: \"#/components/responses/Lost\"\n"), `PATCH /api/v3/connected_accounts/{nanoid}: the answer 200: the reference "#/components/responses/Lost" leads nowhere in the document`},
		"another file":        {replace("#/components/schemas/Error\"", "errors.yaml\""), `PATCH /api/v3/connected_accounts/{nanoid}: the answer 400: failing loading "errors.yaml": it is outside of the document`},
		"a wrong type":        {replace("        alias:\n          type: string", "        alias:\n          type: strng"), `PATCH /api/v3/connected_accounts/{nanoid}: the request's body: #/components/schemas/PatchConnectedAccountBody is no valid schema at /properties/alias/type`},
		"a circle":            {replace("      requestBody:\n", "      requestBody: {$ref: \"#/paths/~1api~1v3~1connected_accounts~1{nanoid}/patch/requestBody\"}\n      x-body:\n"), "PATCH /api/v3/connected_accounts/{nanoid}: the request's body: references go in a circle"},
		"a circle of schemas": {replace(alias, "        alias:\n          $ref: '"+schemas+"PatchConnectedAccountBody/properties/alias'"), schemaCircle},
		"a circle of parts":   {replace(alias, "        alias:\n          items: {allOf: [{$ref: '"+schemas+"PatchConnectedAccountBody/properties/alias/items'}]}"), schemaCircle},
		"endless YAML":        {"openapi: 3.0.3\na: &a [*a]\n", "yaml: anchor 'a' value contains itself"},
		"a YAML bomb":         {"a0: &a0 [x,x,x,x,x,x,x,x]\n" + bomb(), "yaml: document contains excessive aliasing"},
	} {
		t.Run(name, func(t *testing.T) {
			why := "composio: nothing is checked, because the OpenAPI document cannot be used: " + tt.why
			document := contract.WithDocument([]byte(tt.spec))
			seen, next := &log{}, &answering{fake: good()}

			req := newRequest(t, base, ``)
			body := &tracked{Reader: strings.NewReader(`{}`)}
			req.Body = body
			_, err := contract.Transport(next, document, seen.option()).RoundTrip(req)
			if fmt.Sprint(err) != why || !body.closed || next.sent != nil {
				t.Errorf("error %v, want %s; body closed: %t, sent %q", err, why, body.closed, next.sent)
			}
			if _, blamed := errors.AsType[contract.Violation](err); blamed {
				t.Error("a violation is told of")
			}

			handled := good()
			res, answer := send(t, contract.Handler(handled, document, seen.option()), "PATCH", path, jsonType, `{}`)
			wantMessage := struct {
				Error struct{ Message string }
			}{}
			if err := json.Unmarshal([]byte(answer), &wantMessage); err != nil || res.StatusCode != 500 || wantMessage.Error.Message != why || handled.called {
				t.Errorf("status %d, %s", res.StatusCode, answer)
			}

			report := contract.Report{AllowNone: true}
			var told strings.Builder
			collect := contract.Collect(&report, &told)
			collected := contract.Transport(next, collect, document, seen.option())
			if report.Err() == nil {
				t.Error("the report is content before any traffic")
			}
			if _, answer := roundTrip(t, collected, newRequest(t, base, `{}`)); answer != next.body {
				t.Errorf("the answer arrived as %q", answer)
			}
			if res, _ := send(t, contract.Handler(handled, document, collect), "PATCH", path, jsonType, `{}`); res.StatusCode != 200 {
				t.Errorf("status %d", res.StatusCode)
			}
			if diff := cmp.Diff(why+"\n"+why+"\n", told.String()); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if err := report.Err(); err == nil || !strings.Contains(err.Error(), "\n"+strings.TrimPrefix(why, "composio: ")) || report.Findings() != nil {
				t.Errorf("the report's error is %v, findings %v", err, report.Findings())
			}

			tb := &fakeTB{}
			checked := contract.Check(tb, next, document)
			roundTrip(t, checked, newRequest(t, base, `{}`))
			if diff := cmp.Diff([]string{why}, tb.errors); diff != "" {
				t.Errorf("errors of a test (-want +got):\n%s", diff)
			}
			seen.want(t)
		})
	}
}

// bomb makes eight to the tenth of eight.
func bomb() string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 8), ","))
	}
	return b.String()
}
