package contract_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

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
func violationsBy(t *testing.T, document string, req *http.Request, answer *fake) string {
	t.Helper()
	var report contract.Report
	seen := &log{}
	roundTrip(t, contract.Transport(&answering{fake: answer}, contract.WithDocument([]byte(document)), contract.Collect(&report, io.Discard), seen.option()), req)
	if report.Exchanges() != 1 {
		t.Fatal(&report)
	}
	return strings.Join(seen.lines(), ", ")
}

// Nothing about the operation stands in the code: a changed document is obeyed.
func TestDocumentDecidesAboutRequests(t *testing.T) {
	const (
		in         = "        alias:\n          "
		alias      = in + "type: string"
		connection = "          $ref: \"#/components/schemas/ConnectionPatch\"\n"
		schemas    = "#/components/schemas/"
	)
	for name, tt := range map[string]struct{ before, after, request, want string }{
		"body required":          {"description: The properties to change, and no others.", "required: true", ``, "request body: required"},
		"no body":                {"requestBody:", "x-requestBody:", `{}`, "request body: invalid"},
		"no body, and none sent": {"requestBody:", "x-requestBody:", ``, ""},
		"any media type":         {"application/json:", "'*/*':", `{"alias":7}`, "request /alias: type"},
		"request header required": {
			"      requestBody:", "        - {name: X-Trace, in: header, required: true, schema: {type: string}}\n      requestBody:",
			`{}`, "request X-Trace: required",
		},
		"path pattern":          {"format: connectedAccountId\n          example", "pattern: '^xx'\n          example", `{}`, "request path: pattern"},
		"query, a number":       {"      requestBody:", "        - {name: q, in: query, schema: {type: integer}}\n      requestBody:", `{}`, ""},
		"query, a large number": {"      requestBody:", "        - {name: large, in: query, schema: {type: number, maximum: 5}}\n      requestBody:", `{}`, "request large: maximum"},
		"query, no number": {
			"      requestBody:", "        - {name: word, in: query, schema: {type: integer}}\n      requestBody:",
			`{}`, "request word: type",
		},
		"a parameter of the path": {
			"    patch:\n", "    parameters: [{name: accept, in: header, required: true}, {name: X-A, in: header, required: true, schema: {type: string}}, {name: nanoid, in: path, schema: {pattern: x}}]\n    patch:\n",
			`{}`, "request X-A: required",
		},
		"a scheme dropped": {
			"        - API_KEY\n", "",
			`{"connection":{"state":{"authScheme":"API_KEY","val":{}}}}`, "request /connection/state/authScheme: enum",
		},
		"a number too large for a float64": {
			alias, "        list:\n          type: array\n          items: {type: integer, maximum: 1.5e+3}\n" + alias,
			`{"list":[1E400,-1E400,1501,-1e99999]}`, "request /list/0: maximum, request /list/2: maximum",
		},
		"a pattern of JavaScript":       {alias, alias + "\n          pattern: '^\\u{41}\\u0042$'", `{"alias":"AB"}`, ""},
		"a pattern that looks ahead":    {alias, alias + "\n          pattern: '^(?!A)'", `{"alias":"A"}`, "request /alias: pattern"},
		"no pattern that looks ahead":   {alias, in + "not: {pattern: '^(?=A)'}", `{"alias":"B"}`, ""},
		"a pattern that is none":        {alias, alias + "\n          pattern: '(?<=x'", `{"alias":"B"}`, ""},
		"a format":                      {alias, alias + "\n          format: date-time", `{"alias":"` + secret + `"}`, "request /alias: format"},
		"null, beside an enum":          {alias, alias + "\n          nullable: true\n          enum: [a]", `{"alias":null}`, ""},
		"null, beside a reference":      {alias, in + "nullable: true\n          $ref: '" + schemas + "AuthScheme'", `{"alias":null}`, ""},
		"null, beside all of, not null": {alias, in + "nullable: true\n          allOf: [{type: string}]", `{"alias":7}`, "request /alias: type"},
		"null, beside all of":           {alias, in + "type: string\n          nullable: true\n          allOf: [{type: string}]", `{"alias":null}`, ""},
		"null, an enum alone":           {alias, in + "nullable: true\n          enum: [a]", `{"alias":null}`, ""},
		"properties with names of notes": {
			alias, in + "additionalProperties: false\n          properties: {title: {}, default: {type: string, default: {nullable: []}}, $id: true, enum: {maximum: 1}}",
			`{"alias":{"title":1,"default":7,"$id":1,"enum":2}}`, "request /alias/default: type, request /alias/enum: maximum",
		},
		"values with names of notes": {alias, in + "enum: [{title: t, nullable: true, type: x}]", `{"alias":{"title":"t","nullable":true,"type":"x"}}`, ""},
		"examples of another form":   {alias, alias + "\n          examples: {one: {value: a}}", `{"alias":7}`, "request /alias: type"},
		"a number too small for a float64": {
			alias, "        list: {type: array, items: {minimum: 0, exclusiveMinimum: true}}\n        whole: {type: integer}\n" + alias,
			`{"list":[1e-400,-1E-400,0e5],"whole":1e-999}`, "request /list/1: exclusiveMinimum, request /list/2: exclusiveMinimum, request /whole: type",
		},
		"exclusive, as 3.0 has it": {
			alias, in + "type: number\n          minimum: 5\n          exclusiveMinimum: true",
			`{"alias":5}`, "request /alias: exclusiveMinimum",
		},
		"not exclusive": {alias, in + "type: number\n          maximum: 5\n          exclusiveMaximum: false", `{"alias":5}`, ""},
		"all, one, none": {
			alias, in + "allOf: [{minLength: 2}]\n          oneOf: [{type: number}, {type: string}]\n          not: {maxLength: 0}",
			`{"alias":"B"}`, "request /alias: minLength",
		},
		"one of": {alias, in + "oneOf: [{type: number}, {type: boolean}]", `{"alias":"B"}`, "request /alias: oneOf"},
		"not":    {alias, in + "not: {type: string}", `{"alias":"B"}`, "request /alias: not"},
		"all of, below": {
			connection, "          allOf: [{$ref: '" + schemas + "ConnectionPatch'}, {allOf: [{properties: {x: {required: [y], properties: {y: {type: string}}}}}]}]\n",
			`{"connection":{"state":{"authScheme":1,"val":{}},"x":{"y":[]}}}`, "request /connection/state/authScheme: type, request /connection/x/y: type",
		},
		"beside a reference": {
			connection, connection + "          items: 7\n          minProperties: 9\n",
			`{"connection":{"state":7}}`, "request /connection/state: type",
		},
		"two schemas of one name": {
			alias, "        third: {$ref: '" + schemas + "PatchConnectedAccountResponse/properties/status'}\n" + in + "$ref: '" + schemas + "ErrorDetail/properties/status'",
			`{"alias":"a","third":1}`, "request /alias: type, request /third: type",
		},
		"recursive": {
			alias, "        again: {$ref: '" + schemas + "PatchConnectedAccountBody'}\n" + alias,
			`{"again":{"again":{"alias":7}}}`, "request /again/again/alias: type",
		},
		"merged YAML": {
			alias, in + "<<: {type: number, maximum: 1}\n          type: string\n          example: .inf",
			`{"alias":1}`, "request /alias: type",
		},
		"merged YAML, alone": {alias, in + "<<: {type: number, maximum: 1}\n          enum: [2, .inf, .nan]", `{"alias":2}`, "request /alias: maximum"},
		"twice in YAML":      {alias, in + "type: number\n          type: string", `{"alias":7}`, "request /alias: type"},
	} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, base, tt.request)
			req.URL.RawQuery = "q=1&word=one&large=1E400"
			if got := violationsBy(t, changed(t, string(api.Spec), tt.before, tt.after), req, good()); got != tt.want {
				t.Errorf("violations %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDocumentDecidesAboutAnswers(t *testing.T) {
	const first = "description: The account was changed."
	header := func(required, kind string) string {
		return first + "\n          headers: {content-type: {schema: {type: integer}}, X-Count: {required: " + required + ", schema: {type: " + kind + "}}}"
	}
	for name, tt := range map[string]struct {
		before, after string
		status        int
		count         []string // the header
		answer, want  string
	}{
		"header missing":  {first, header("true", "integer"), 200, nil, goodBody, "response X-Count: required"},
		"header optional": {first, header("false", "integer"), 200, nil, goodBody, ""},
		"header wrong, and the body": {
			first, header("true", "integer"), 200, []string{"1.5"},
			strings.Replace(goodBody, "true", "1", 1), "response /success: type, response X-Count: type",
		},
		"a list in a header": {first, header("true", "array"), 200, []string{"1,2"}, goodBody, ""},
		"a status dropped":   {`"409":`, `"410":`, 409, nil, goodBody, "response status: undocumented"},
		"answers of a kind":  {`"409":`, "4XX:", 418, nil, goodBody, "response /error: required"},
		"a default answer":   {`"409":`, "default:", 418, nil, goodBody, "response /error: required"},
	} {
		answer := &fake{status: tt.status, header: http.Header{"Content-Type": {jsonType}, "X-Count": tt.count}, body: tt.answer}
		if got := violationsBy(t, changed(t, string(api.Spec), tt.before, tt.after), newRequest(t, base, `{}`), answer); got != tt.want {
			t.Errorf("%s: violations %q, want %q", name, got, tt.want)
		}
	}
}

// Handler does not look for it, since to refuse is next's: its tests send none.
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
		"header, empty":        {scheme, scheme, "", http.Header{"X-Api-Key": {""}}, "x-api-key"},
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
			got := strings.NewReplacer("request ", "", ",", "", ": security", "").Replace(violationsBy(t, changed(t, text, tt.before, tt.after), req, good()))
			if got != tt.want {
				t.Errorf("violations at %q, want %q", got, tt.want)
			}
		})
	}
}
