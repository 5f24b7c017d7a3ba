package contract_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

// changed is a document with one piece of text replaced.
func changed(t *testing.T, document, before, after string) string {
	t.Helper()
	if !strings.Contains(document, before) {
		t.Fatalf("the document has no %q", before)
	}
	return strings.Replace(document, before, after, 1)
}

// violationsBy returns how an exchange departs from a document.
func violationsBy(t *testing.T, document string, req *http.Request, answer *fake) []string {
	t.Helper()
	var report contract.Report
	seen := &log{}
	roundTrip(t, contract.Transport(&answering{fake: answer}, contract.WithDocument([]byte(document)), contract.Collect(&report, io.Discard), seen.option()), req)
	if report.Exchanges() != 1 {
		t.Fatal(&report)
	}
	return seen.lines()
}

// Nothing about the operation stands in the code: a changed document is obeyed.
func TestDocumentDecides(t *testing.T) {
	responseHeader := func(required string) string {
		return "description: The account was changed.\n          headers:\n            X-Count:\n              required: " + required +
			"\n              schema:\n                type: integer"
	}
	for name, tt := range map[string]struct {
		before, after string
		request       string
		status        int
		header        http.Header
		answer        string
		want          []string
	}{
		"body required": {
			before: "description: The properties to change, and no others.", after: "description: D.\n        required: true",
			want: []string{"request body: required"},
		},
		"request header required": {
			before: "      requestBody:", after: "        - {name: X-Trace, in: header, required: true, schema: {type: string}}\n      requestBody:",
			request: `{}`, want: []string{"request X-Trace: required"},
		},
		"path pattern": {
			before: "format: connectedAccountId\n          example", after: "pattern: '^xx'\n          example",
			request: `{}`, want: []string{"request path: pattern"},
		},
		"a scheme dropped": {
			before: "        - API_KEY\n", after: "",
			request: `{"connection":{"state":{"authScheme":"API_KEY","val":{}}}}`,
			want:    []string{"request /connection/state/authScheme: enum"},
		},
		"response header missing": {
			before: "description: The account was changed.", after: responseHeader("true"),
			status: 200, answer: goodBody, want: []string{"response X-Count: required"},
		},
		"response header optional": {
			before: "description: The account was changed.", after: responseHeader("false"),
			status: 200, answer: goodBody,
		},
		"response header wrong, and the body": {
			before: "description: The account was changed.", after: responseHeader("true"),
			status: 200, header: http.Header{"X-Count": {"1.5"}}, answer: strings.Replace(goodBody, "true", "1", 1),
			want: []string{"response /success: type", "response X-Count: type"},
		},
		"a status dropped": {
			before: "\"409\":", after: "\"410\":",
			status: 409, answer: goodBody, want: []string{"response status: undocumented"},
		},
		"answers of a kind": {
			before: "\"409\":", after: "4XX:",
			status: 418, answer: goodBody, want: []string{"response /error: required"},
		},
		"a number too large for a float64": {
			before: "        alias:\n          type: string", after: "        list:\n          type: array\n          items: {type: integer, maximum: 1.5e+3}\n        alias:\n          type: string",
			request: `{"list":[1E400,-1E400,1501,-1e99999]}`,
			want:    []string{"request /list/0: maximum", "request /list/2: maximum"},
		},
		"a pattern of JavaScript": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: string\n          pattern: '^\\u0041$'",
			request: `{"alias":"B"}`, want: []string{"request /alias: pattern"},
		},
		"a pattern that Go lacks": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: string\n          pattern: '^(?=A)'",
			request: `{"alias":"B"}`,
		},
		"all, one, none": {
			before: "        alias:\n          type: string", after: "        alias:\n          allOf: [{minLength: 2}]\n          oneOf: [{type: number}, {type: string}]\n          not: {maxLength: 0}",
			request: `{"alias":"B"}`, want: []string{"request /alias: minLength"},
		},
		"all of, below": {
			before: "          $ref: \"#/components/schemas/ConnectionPatch\"\n", after: "          allOf: [{$ref: \"#/components/schemas/ConnectionPatch\"}, {allOf: [{properties: {x: {type: object, required: [y], properties: {y: {type: string}}}}}]}]\n",
			request: `{"connection":{"state":{"authScheme":1,"val":{}},"x":{"y":[]}}}`, want: []string{"request /connection/state/authScheme: type", "request /connection/x/y: type"},
		},
		"one of": {
			before: "        alias:\n          type: string", after: "        alias:\n          oneOf: [{type: number}, {type: boolean}]",
			request: `{"alias":"B"}`, want: []string{"request /alias: oneOf"},
		},
		"not": {
			before: "        alias:\n          type: string", after: "        alias:\n          not: {type: string}",
			request: `{"alias":"B"}`, want: []string{"request /alias: not"},
		},
		"merged YAML": {
			before: "        alias:\n          type: string", after: "        alias:\n          <<: {type: number, maximum: 1}\n          type: string\n          example: .inf",
			request: `{"alias":1}`, want: []string{"request /alias: type"},
		},
		"merged YAML, alone": {
			before: "        alias:\n          type: string", after: "        alias:\n          <<: {type: number, maximum: 1}\n          enum: [2, .inf, .nan]",
			request: `{"alias":2}`, want: []string{"request /alias: maximum"},
		},
		"a parameter of the path": {
			before: "    patch:\n", after: "    parameters: [{name: X-A, in: header, required: true, schema: {type: string}}, {name: nanoid, in: path, schema: {pattern: x}}]\n    patch:\n",
			request: `{}`, want: []string{"request X-A: required"},
		},
		"beside a reference": {
			before: "          $ref: \"#/components/schemas/ConnectionPatch\"\n", after: "          $ref: \"#/components/schemas/ConnectionPatch\"\n          items: 7\n          minProperties: 9\n",
			request: `{"connection":{"state":7}}`, want: []string{"request /connection/state: type"},
		},
		"two schemas of one name": {
			before: "        alias:\n          type: string", after: "        other: {$ref: '#/components/schemas/PatchConnectedAccountResponse/properties/success'}\n        alias:\n          $ref: '#/components/schemas/ErrorDetail/properties/status'\n        third:\n          $ref: '#/components/schemas/PatchConnectedAccountResponse/properties/status'",
			request: `{"alias":"a","third":1}`, want: []string{"request /alias: type", "request /third: type"},
		},
		"a default answer": {
			before: "\"409\":", after: "default:",
			status: 418, answer: goodBody, want: []string{"response /error: required"},
		},
		"a name twice in YAML": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: number\n          type: string",
			request: `{"alias":7}`, want: []string{"request /alias: type"},
		},
		"null, beside an enum": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: string\n          nullable: true\n          enum: [a]",
			request: `{"alias":null}`,
		},
		"exclusive, as 3.0 has it": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: number\n          minimum: 5\n          exclusiveMinimum: true",
			request: `{"alias":5}`, want: []string{"request /alias: exclusiveMinimum"},
		},
		"not exclusive": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: number\n          minimum: 5\n          exclusiveMinimum: false",
			request: `{"alias":5}`,
		},
		"a format": {
			before: "        alias:\n          type: string", after: "        alias:\n          type: string\n          format: date-time",
			request: `{"alias":"` + secret + `"}`, want: []string{"request /alias: format"},
		},
		"any media type": {
			before: "application/json:", after: "'*/*':",
			request: `{"alias":7}`, want: []string{"request /alias: type"},
		},
		"a list in a header": {
			before: "description: The account was changed.", after: strings.Replace(responseHeader("true"), "integer", "array", 1),
			status: 200, header: http.Header{"X-Count": {"1,2"}}, answer: goodBody,
		},
		"no body": {
			before: "requestBody:", after: "x-requestBody:",
			request: `{}`, want: []string{"request body: invalid"},
		},
		"no body, and none sent": {before: "requestBody:", after: "x-requestBody:"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := good()
			if tt.status != 0 {
				answer.status, answer.body = tt.status, tt.answer
				maps.Copy(answer.header, tt.header)
			}
			got := violationsBy(t, changed(t, string(api.Spec), tt.before, tt.after), newRequest(t, base, tt.request), answer)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCredentialIsLookedForWhereTheDocumentHasIt(t *testing.T) {
	const scheme = "      type: apiKey\n      in: header\n      name: x-api-key\n"
	const ways = "      security:\n        - ApiKeyAuth: []\n"
	two := "  securitySchemes:\n    Other: &other {type: apiKey, in: header, name: x-other}\n    default: *other\n"
	for name, tt := range map[string]struct {
		before, after string
		query         string
		header        http.Header
		want          string // the locations
	}{
		"header, none":         {scheme, scheme, "", nil, "x-api-key"},
		"header, other":        {scheme, scheme, "x-api-key=k", http.Header{"Cookie": {"x-api-key=k"}, "Authorization": {"k"}}, "x-api-key"},
		"header":               {scheme, scheme, "", http.Header{"X-Api-Key": {"k"}}, ""},
		"header as it is sent": {scheme, scheme, "", http.Header{"x-api-key": {"k"}}, ""},
		"not defined":          {ways, "      security: [{Lost: []}]\n", "", nil, ""},
		"not defined, either":  {ways, "      security: [{Lost: []}, {ApiKeyAuth: []}]\n", "", nil, "x-api-key"},
		"query, none":          {"in: header\n", "in: query\n", "", http.Header{"X-Api-Key": {"k"}}, "x-api-key"},
		"query":                {"in: header\n", "in: query\n", "x-api-key=k", nil, ""},
		"cookie, none":         {"in: header\n", "in: cookie\n", "", http.Header{"X-Api-Key": {"k"}}, "x-api-key"},
		"cookie, empty":        {"in: header\n", "in: cookie\n", "", http.Header{"Cookie": {"x-api-key="}}, "x-api-key"},
		"cookie":               {"in: header\n", "in: cookie\n", "", http.Header{"Cookie": {"x-api-key=k"}}, ""},
		"bearer, none":         {scheme, "      type: http\n      scheme: bearer\n", "", http.Header{"X-Api-Key": {"k"}}, "Authorization"},
		"bearer":               {scheme, "      type: http\n      scheme: bearer\n", "", http.Header{"Authorization": {"Bearer k"}}, ""},
		"none asked for":       {ways, "", "", nil, ""},
		"optional":             {ways, ways + "        - {}\n", "", nil, ""},
		"either, none":         {ways, "      security: [{ApiKeyAuth: []}, {Other: []}]\n", "", nil, "x-api-key"},
		"either, the second":   {ways, "      security: [{ApiKeyAuth: []}, {Other: []}]\n", "", http.Header{"X-Other": {"k"}}, ""},
		"both, none":           {ways, "      security: [{ApiKeyAuth: [], Other: []}]\n", "", nil, "x-api-key x-other"},
		"both, the second":     {ways, "      security: [{ApiKeyAuth: [], Other: []}]\n", "", http.Header{"X-Other": {"k"}}, "x-api-key"},
		"both":                 {ways, "      security: [{ApiKeyAuth: [], Other: []}]\n", "", http.Header{"X-Other": {"k"}, "X-Api-Key": {"k"}}, ""},
		"called default":       {"ApiKeyAuth: []", "default: []", "", nil, "x-other"},
		"of all operations":    {ways, "", "", nil, "x-other"},
	} {
		t.Run(name, func(t *testing.T) {
			text := changed(t, string(api.Spec), "  securitySchemes:\n", two)
			if name == "of all operations" {
				text += "security: [{Other: []}]\n"
			}
			req := newRequest(t, base, `{}`)
			req.URL.RawQuery = tt.query
			delete(req.Header, "X-Api-Key")
			maps.Copy(req.Header, tt.header)
			var want []string
			for location := range strings.FieldsSeq(tt.want) {
				want = append(want, "request "+location+": security")
			}
			if diff := cmp.Diff(want, violationsBy(t, changed(t, text, tt.before, tt.after), req, good())); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}
