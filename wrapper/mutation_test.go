package composio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

// The contract will move again, so each single change of the document has to be noticed: by a guard, which says what the
// hand-written code lacks, or by a recorded exchange, which the document suddenly refuses, or no longer refuses.
func TestEachChangeOfTheDocumentIsNoticed(t *testing.T) {
	t.Parallel()
	document, survey := decode(t, api.Spec), newSurvey(t)
	if survey.guard(document, true) != nil {
		t.Log("the document itself is not covered yet: TestWrapperDoesWhatTheDocumentHas says by what")
		return
	}
	changing := &changing{t: t, document: document, to: map[string]any{}}
	changing.walk(document)
	var excused sync.Map
	t.Run("change", func(t *testing.T) {
		for name, changed := range changing.to {
			inParallel(t, name, func(t *testing.T) {
				noticed := survey.notice(t, changed)
				row := excuse(name)
				excused.Store(row, true)
				switch {
				case noticed == "" && row == "" && isValid(t, changed):
					t.Error("nothing notices this: add an exchange to wrapper/exchanges_test.go or a guard to wrapper/guards_test.go; if it cannot be seen on the wire, say why in unseen of wrapper/mutation_test.go")
				case noticed != "" && row != "":
					t.Errorf("this is noticed (%s), so take the row of %q out of unseen in wrapper/mutation_test.go", noticed, row)
				}
			})
		}
	})
	for row := range unseen {
		if _, ok := excused.Load(row); !ok {
			t.Errorf("there is no change of %q any more: take its row out of unseen in wrapper/mutation_test.go", row)
		}
	}
	t.Logf("%d changes", len(changing.to))
}

// isValid reports whether a document is one that Composio could publish. What is none need not be noticed.
func isValid(t testing.TB, document any) bool {
	loaded, err := openapi3.NewLoader().LoadFromData([]byte(jsonOf(t, document)))
	return err == nil && loaded.Validate(t.Context(), openapi3.DisableExamplesValidation()) == nil
}

// excuse is the row of unseen that a change belongs to.
func excuse(name string) string {
	for row := range unseen {
		if strings.Contains(name, row) {
			return row
		}
	}
	return ""
}

// unseen are the changes that cannot be seen on the wire, by a part of their names, each with the reason.
var unseen = map[string]string{
	"operationId":                   "the name is a function's in gen: make generate says so",
	"everywhere in schemas":         "the name is a type's in gen: make generate says so where our code uses it",
	"everywhere in securitySchemes": "the name of a security scheme stands nowhere but in the document",
	"tags":                          "tags sort the reference pages",
	"x-experimental":                "an extension that says how stable a part is",
	": drop format":                 "a format is a name that OpenAPI gives no rule; with it or without, any text fits",
}

// notice returns what notices that a document is not the one that the wrapper was written for; "" if nothing does.
func (s *survey) notice(t testing.TB, document any) string {
	o, _ := document.(object)
	if said := s.guard(o, true); said != nil {
		return said[0]
	}
	against := contract.WithDocument([]byte(jsonOf(t, document)))
	for _, e := range slices.Backward(s.exchanges) { // those that break the contract see most
		if got := e.violationsOf(t, against); !slices.Equal(got, e.violations) {
			return fmt.Sprintf("the exchange %s has the violations %q, recorded with %q", e.name, got, e.violations)
		}
	}
	return ""
}

// changing collects the single steps away from a document, by name. All that is in it is dropped, renamed and given another
// value, in whatever part of OpenAPI it stands. What each part may gain besides is in add.
type changing struct {
	t        testing.TB
	document object
	to       map[string]any
}

// put has another value at a path.
func (c *changing) put(does string, value any, at ...string) {
	at = slices.Concat([]string{"document"}, at)
	name := strings.Replace(strings.Join(at, "/"), "document/paths//api/v3/connected_accounts/{nanoid}/patch", "patch", 1)
	c.to[name+": "+does] = replaced(c.document, value, at[1:]...)
}

// everywhere has another name for what is called so in several places: as a member, in a reference and in a path.
func (c *changing) everywhere(in, name string) {
	var document object
	renaming := strings.NewReplacer(`"`+name+`"`, `"`+name+`X"`, `/`+name+`"`, `/`+name+`X"`, `{`+name+`}`, `{`+name+`X}`)
	if err := json.Unmarshal([]byte(renaming.Replace(jsonOf(c.t, c.document))), &document); err != nil {
		c.t.Errorf("%s: %v", name, err)
	}
	c.to["everywhere in "+in+": rename "+name] = document
}

// prose says nothing to a program.
var prose = []string{"openapi", "info", "description", "summary", "example", "examples"}

// walk changes what is at a path, and all that is in it.
func (c *changing) walk(v any, at ...string) {
	switch v := v.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if slices.Contains(prose, name) {
				continue
			}
			rest := less(v, name)
			c.put("drop "+name, rest, at...)
			for _, other := range otherNames(name, at) {
				c.put("rename "+name+" to "+other, replaced(rest, v[name], other), at...)
			}
			if slices.Contains([]string{"schemas", "securitySchemes", "properties"}, last(at)) {
				c.everywhere(last(at), name)
			}
			c.walk(v[name], slices.Concat(at, []string{name})...)
		}
		c.add(v, at)
	case []any:
		for i, item := range v {
			c.put("drop "+jsonOf(c.t, item), slices.Delete(slices.Clone(v), i, i+1), at...)
			c.walk(item, slices.Concat(at, []string{strconv.Itoa(i)})...)
		}
	case string:
		c.put("another text", v+"X", at...)
		switch last(at) {
		case "name":
			c.everywhere("name", v)
		case "$ref":
			if !slices.Contains(at, "content") { // or it might contain itself
				break
			}
			for name := range c.document["components"].(object)["schemas"].(object) {
				if ref := "#/components/schemas/" + name; ref != v {
					c.put("refer to "+name, ref, at...)
				}
			}
		}
	case float64:
		c.put("one more", v+1, at...)
		c.put("one less", v-1, at...)
	case bool:
		c.put("the opposite", !v, at...)
	}
}

// otherNames are what a member may be called instead.
func otherNames(name string, in []string) []string {
	switch {
	case len(in) == 1 && in[0] == "paths":
		return []string{name + "/update", strings.Replace(name, "/v3/", "/v4/", 1), strings.Replace(name, "connected_accounts", "accounts", 1)}
	case len(in) == 2 && in[0] == "paths":
		return []string{"put"}
	case last(in) == "responses":
		return []string{"418", "default"}
	}
	return []string{name + "X"}
}

func less(o object, name string) object {
	o = maps.Clone(o)
	delete(o, name)
	return o
}

func last(at []string) string { return append([]string{""}, at...)[len(at)] }

// add has an object gain what its part of OpenAPI can have.
func (c *changing) add(v object, at []string) {
	in, above := last(at), last(at[:max(0, len(at)-1)])
	under := func(steps ...string) []string { return slices.Concat(at, steps) }
	gain := func(value any, steps ...string) { c.put("gain "+jsonOf(c.t, value), value, under(steps...)...) }
	more := func(item any, list string) {
		items, _ := v[list].([]any)
		c.put("one more "+jsonOf(c.t, item), append(slices.Clone(items), item), under(list)...)
	}
	operation := object{"responses": object{"200": object{"description": "d"}}}
	text := object{"type": "string"}
	switch {
	case in == "":
		more(object{"url": "https://other.composio.test"}, "servers")
		gain(object{"get": operation}, "paths", "/api/v3/other")
	case above == "paths":
		gain(operation, "get")
	case v["responses"] != nil: // an operation
		gain(true, "deprecated")
		gain(true, "requestBody", "required")
		for _, in := range []string{"header", "query", "cookie"} {
			more(object{"name": "X-Added", "in": in, "required": true, "schema": text}, "parameters")
			more(object{"name": "X-Added", "in": in, "schema": text}, "parameters")
		}
		more(object{}, "security")
		ways, _ := v["security"].([]any)
		other := object{"Added": []any{}}
		known := replaced(c.document, object{"type": "apiKey", "in": "header", "name": "x-user-api-key"}, "components", "securitySchemes", "Added")
		c.to["another way to authenticate"] = replaced(known, append(slices.Clone(ways), other), under("security")...)
		c.to["another way to authenticate alone"] = replaced(known, []any{other}, under("security")...)
		for _, way := range ways {
			c.to["two credentials at once"] = replaced(known, []any{replaced(way, other["Added"], "Added")}, under("security")...)
		}
	case v["in"] == "path": // a parameter
		gain(true, "deprecated")
		gain("query", "in")
	case v["in"] == "header": // a security scheme
		gain("query", "in")
		gain("cookie", "in")
		gain(object{"type": "http", "scheme": "bearer"})
	case in == "responses":
		for status := range strings.FieldsSeq("201 202 204 2XX 304 307 402 408 410 413 415 418 422 429 451 501 502 503 504 default 4XX 5XX") {
			if like := map[bool]string{true: "200", false: "400"}[status[0] == '2']; v[status] == nil {
				c.put("answer "+status, v[like], under(status)...)
			}
		}
	case above == "responses":
		gain(object{"required": true, "schema": object{"type": "integer"}}, "headers", "X-Added")
		gain(object{"schema": object{"type": "integer"}}, "headers", "X-Added")
	case in == "content":
		gain(v["application/json"], "application/x-added")
	case slices.Contains([]string{"schemas", "properties"}, above), in == "schema", in == "items":
		c.addToSchema(v, at, gain, more)
	}
}

// keywords are those that a schema can gain, by its type, each with a value that is hardly felt.
var keywords = []struct {
	kinds   []any
	keyword string
	value   any
}{
	{anyKind, "deprecated", true}, {anyKind, "nullable", true}, {anyKind, "format", "uuid"},
	{[]any{"string"}, "minLength", 1.}, {[]any{"string"}, "maxLength", 4096.},
	{[]any{"string"}, "pattern", "^[^\\x00]*$"}, {[]any{"string"}, "enum", []any{"ADDED", "OTHER"}},
	{[]any{"integer", "number"}, "minimum", -1e9}, {[]any{"integer", "number"}, "maximum", 1e9},
	{[]any{"array"}, "minItems", 1.}, {[]any{"array"}, "maxItems", 5000.}, {[]any{"array"}, "uniqueItems", true},
	{[]any{"object"}, "minProperties", 1.}, {[]any{"object"}, "maxProperties", 100.},
	{[]any{"object"}, "additionalProperties", false}, {[]any{"object"}, "additionalProperties", object{"type": "string"}},
}

var anyKind = []any{"string", "integer", "number", "boolean", "array", "object"}

func (c *changing) addToSchema(schema object, at []string, gain func(any, ...string), more func(any, string)) {
	text := object{"type": "string"}
	for _, kind := range anyKind {
		if kind != schema["type"] {
			gain(object{"type": kind, "items": text}) // which a list alone heeds
		}
	}
	if schema["$ref"] != nil { // what it gains is tried where it is defined
		return
	}
	for _, row := range keywords {
		if slices.Contains(row.kinds, schema["type"]) && !reflect.DeepEqual(schema[row.keyword], row.value) {
			gain(row.value, row.keyword)
		}
	}
	if schema["enum"] != nil {
		more("ADDED", "enum")
	}
	if properties, ok := schema["properties"].(object); ok {
		gain(text, "properties", "added")
		gain(object{"type": "string", "nullable": true}, "properties", "added")
		required, _ := schema["required"].([]any)
		c.put("gain a required property", replaced(replaced(schema, text, "properties", "added"), append(slices.Clone(required), "added"), "required"), at...)
		for name := range properties {
			others := slices.DeleteFunc(slices.Clone(required), func(r any) bool { return r == name })
			if len(others) == len(required) {
				more(name, "required")
				continue
			}
			c.put("drop "+name+", which was required", replaced(replaced(schema, less(properties, name), "properties"), others, "required"), at...)
		}
	}
}

// violationsOf sends a recorded exchange through the check once more.
func (e exchange) violationsOf(t testing.TB, document ...contract.Option) []string {
	var report contract.Report
	replay := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: e.status, Header: e.response, Body: io.NopCloser(strings.NewReader(e.received)), Request: req}, nil
	})
	req := &http.Request{Method: e.method, URL: &url.URL{Path: e.path}, Header: e.request}
	if e.sent != "" {
		req.Body = io.NopCloser(strings.NewReader(e.sent))
	}
	resp, err := contract.Transport(replay, append(document, contract.Collect(&report, io.Discard))...).RoundTrip(req)
	if err != nil {
		t.Errorf("%s: %v", e.name, err)
		return nil
	}
	_ = resp.Body.Close()
	var found []string
	for _, f := range report.Findings() {
		found = append(found, fmt.Sprintf("%s %s: %s", f.Direction, f.Location, f.Rule))
	}
	if report.Exchanges() == 0 {
		found = append(found, "no operation of the document")
	}
	return found
}
