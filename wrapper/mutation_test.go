package composio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

// The contract will move again, so each single change of the document has to be noticed: by a guard, which says what the
// hand-written code lacks, or by a recorded exchange, which the document suddenly refuses, or no longer refuses.
func TestEachChangeOfTheDocumentIsNoticed(t *testing.T) {
	t.Parallel()
	document, survey, exchanges := decode(t, api.Spec), newSurvey(t), readExchanges(t)
	if noticed := notice(t, survey, exchanges, document); noticed != "" {
		t.Fatalf("the document itself is not covered yet, so nothing can be said of changes: first do what the other tests in guards_test.go and exchanges_test.go say (%s)", noticed)
	}
	changes := changesOf(document)
	if len(changes) < 500 {
		t.Fatalf("there are but %d changes", len(changes))
	}

	unnoticed, seen := make([]bool, len(changes)), make([]string, len(changes))
	queue := make(chan int, len(changes))
	for i := range changes {
		queue <- i
	}
	close(queue)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range queue {
				changed := clone(document).(object)
				changes[i].apply(changed)
				if reflect.DeepEqual(changed, document) {
					t.Errorf("the change %q changes nothing", changes[i].name)
				}
				seen[i] = notice(t, survey, exchanges, changed)
				unnoticed[i] = seen[i] == ""
			}
		})
	}
	workers.Wait()

	excused := map[string]bool{}
	for i, change := range changes {
		reason, ok := unseen[change.name]
		excused[change.name] = ok
		switch {
		case unnoticed[i] && !ok:
			t.Errorf("nothing notices the change %q: add an exchange to wrapper/exchanges_test.go or a guard to wrapper/guards_test.go; if it cannot be seen on the wire, say why in unseen of wrapper/mutation_test.go", change.name)
		case !unnoticed[i] && ok:
			t.Errorf("the change %q is noticed (%s), so take its row (%s) out of unseen in wrapper/mutation_test.go", change.name, seen[i], reason)
		}
	}
	for name := range unseen {
		if !excused[name] {
			t.Errorf("there is no change %q any more: take its row out of unseen in wrapper/mutation_test.go", name)
		}
	}
	t.Logf("%d changes, %d of them not to be seen on the wire", len(changes), len(unseen))
}

// unseen are the changes that cannot be seen on the wire, each with the reason.
var unseen = map[string]string{
	"patch: rename the operationId": inGoAlone,
	"patch: drop the operationId":   inGoAlone,
	"patch: drop the tags":          "tags sort the reference pages",

	"AuthScheme: rename the component":                    inGoAlone,
	"ConnectionPatch: rename the component":               inGoAlone,
	"ConnectionStatePatch: rename the component":          inGoAlone,
	"CredentialPatch: rename the component":               inGoAlone,
	"Error: rename the component":                         inGoAlone,
	"ErrorDetail: rename the component":                   inGoAlone,
	"ExperimentalPatch: rename the component":             inGoAlone,
	"PatchConnectedAccountBody: rename the component":     inGoAlone,
	"PatchConnectedAccountResponse: rename the component": inGoAlone,
	"SharedAccountACL: rename the component":              inGoAlone,

	"ApiKeyAuth: rename, where it is used too": "the name of a security scheme stands nowhere but in the document",

	"parameter nanoid: drop":       inThePath,
	"parameter nanoid: un-require": inThePath,

	"parameter nanoid: drop the format":                 aName,
	"PatchConnectedAccountResponse.id: drop the format": aName,

	"ExperimentalPatch: drop x-experimental": "an extension that says how stable a part is",
	"SharedAccountACL: drop x-experimental":  "an extension that says how stable a part is",
}

const (
	inGoAlone = "the name is that of a type or function in gen: after make generate the compiler says where it is used"
	inThePath = "the path has it, whatever its parameters say, and no path goes without"
	aName     = "connectedAccountId is a name that OpenAPI gives no rule; with it or without, any text fits"
)

// notice returns what notices that a document is not the one that the wrapper was written for; "" if nothing does.
func notice(t testing.TB, survey *survey, exchanges []recordedExchange, document object) string {
	if said := survey.guard(document, true); said != nil {
		return said[0]
	}
	if said := unrecorded(document, exchanges); said != nil {
		return said[0]
	}
	spec, err := json.Marshal(document)
	if err != nil {
		t.Error(err)
	}
	against := contract.WithDocument(spec)
	for _, e := range exchanges {
		if got := e.violationsAgainst(t, against); !slices.Equal(got, e.violations) {
			return fmt.Sprintf("the exchange %s has the violations %q, recorded with %q", e.name, got, e.violations)
		}
	}
	return ""
}

// violationsAgainst sends a recorded exchange through the check once more.
func (e recordedExchange) violationsAgainst(t testing.TB, document contract.Option) []string {
	var found []string
	var report contract.Report
	replay := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: e.status, Header: e.response, Body: io.NopCloser(strings.NewReader(e.answer)), Request: req}, nil
	})
	req := &http.Request{Method: e.method, URL: &url.URL{Path: e.path}, Header: e.request}
	if e.body != "" {
		req.Body = io.NopCloser(strings.NewReader(e.body))
	}
	resp, err := contract.Transport(replay, document, contract.Collect(&report, io.Discard), contract.OnViolation(func(_ *http.Request, v contract.Violation) {
		found = append(found, fmt.Sprintf("%s %s: %s", v.Direction, v.Location, v.Rule))
	})).RoundTrip(req)
	if err != nil {
		t.Errorf("%s: %v", e.name, err)
		return nil
	}
	_ = resp.Body.Close()
	if report.Exchanges() == 0 {
		found = append(found, "no operation of the document")
	}
	return found
}

// change is one step away from a document.
type change struct {
	name  string
	apply func(document object)
}

// changesOf lists every single-step change of a document: to drop, add, rename, retype, require, un-require, narrow,
// widen, un-null, close and open, for each operation, parameter, header, status, media type, property and enum value.
func changesOf(document object) []change {
	c := &changing{document: document}
	c.operations(document)
	components, _ := document["components"].(object)
	schemas, _ := components["schemas"].(object)
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		at := []string{"components", "schemas", name}
		c.schema(name, at, schemas[name].(object))
		c.add(name+": rename the component", func(d object) {
			renameMember(d, at, name+"Renamed")
			replaceRefs(d, "#/components/schemas/"+name, "#/components/schemas/"+name+"Renamed")
		})
	}
	return c.list
}

type changing struct {
	document object
	list     []change
}

// follow returns what is behind any references at a path, and the path to it.
func (c *changing) follow(at ...string) ([]string, object) {
	o, _ := memberAt(c.document, at).(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return at, o
	}
	return c.follow(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

func (c *changing) add(name string, apply func(object)) { c.list = append(c.list, change{name, apply}) }

// set, drop and rename change the member that a path leads to.
func (c *changing) set(name string, at []string, value any) {
	c.add(name, func(d object) { parentOf(d, at)[at[len(at)-1]] = clone(value) })
}

func (c *changing) drop(name string, at []string) {
	c.add(name, func(d object) { delete(parentOf(d, at), at[len(at)-1]) })
}

func (c *changing) rename(name string, at []string, to string) {
	c.add(name, func(d object) { renameMember(d, at, to) })
}

// under is a path one step further.
func under(at []string, steps ...string) []string { return slices.Concat(at, steps) }

// memberAt follows a path; a step in a list is its index.
func memberAt(v any, at []string) any {
	for _, step := range at {
		switch inner := v.(type) {
		case object:
			v = inner[step]
		case []any:
			var i int
			_, _ = fmt.Sscan(step, &i)
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

func parentOf(d object, at []string) object { return memberAt(d, at[:len(at)-1]).(object) }

func renameMember(d object, at []string, to string) {
	parent, name := parentOf(d, at), at[len(at)-1]
	parent[to] = parent[name]
	delete(parent, name)
}

func replaceRefs(v any, from, to string) {
	switch v := v.(type) {
	case object:
		for name, member := range v {
			if name == "$ref" && member == from {
				v[name] = to
			}
			replaceRefs(member, from, to)
		}
	case []any:
		for _, item := range v {
			replaceRefs(item, from, to)
		}
	}
}

func (c *changing) operations(document object) {
	servers, _ := document["servers"].([]any)
	another := object{"url": "https://other.composio.test"}
	c.set("servers: another", []string{"servers"}, []any{another})
	c.set("servers: add one", []string{"servers"}, append(slices.Clone(servers), another))
	c.drop("servers: drop", []string{"servers"})
	paths := document["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		at := []string{"paths", path}
		c.rename(path+": rename the path", at, strings.Replace(path, "connected_accounts", "accounts", 1))
		c.rename(path+": another version", at, strings.Replace(path, "/v3/", "/v4/", 1))
		c.rename(path+": lengthen the path", at, path+"/update")
		c.drop(path+": drop the path", at)
		c.set(path+": add an operation", under(at, "get"), object{"responses": object{"200": object{"description": "d"}}})
		c.set(path+": add a path", []string{"paths", "/api/v3/other"}, object{"get": object{"responses": object{"200": object{"description": "d"}}}})
		for _, method := range slices.Sorted(maps.Keys(paths[path].(object))) {
			operation, ok := paths[path].(object)[method].(object)
			if ok {
				c.operation(method, under(at, method), operation)
			}
		}
	}
	c.security(document)
}

func (c *changing) operation(method string, at []string, operation object) {
	c.rename(method+": rename the method", at, "put")
	c.drop(method+": drop the operation", at)
	c.set(method+": rename the operationId", under(at, "operationId"), "updateAccount")
	c.drop(method+": drop the operationId", under(at, "operationId"))
	c.set(method+": deprecate", under(at, "deprecated"), true)
	c.drop(method+": drop the tags", under(at, "tags"))

	parameters, _ := operation["parameters"].([]any)
	for i := range parameters {
		place, p := c.follow(under(at, "parameters", fmt.Sprint(i))...)
		name := p["name"].(string)
		label := "parameter " + name
		c.schema(label, under(place, "schema"), p["schema"].(object))
		c.add(label+": drop", func(d object) {
			o := memberAt(d, at).(object)
			o["parameters"] = slices.Delete(slices.Clone(o["parameters"].([]any)), i, i+1)
		})
		c.set(label+": un-require", under(place, "required"), false)
		c.add(label+": rename, in the path too", func(d object) {
			memberAt(d, place).(object)["name"] = "renamed"
			renameMember(d, at[:2], strings.Replace(at[1], "{"+name+"}", "{renamed}", 1))
		})
		c.set(label+": rename", under(place, "name"), "renamed")
		c.set(label+": move to the query", under(place, "in"), "query")
	}
	for _, in := range []string{"header", "query", "cookie"} {
		for _, required := range []bool{false, true} {
			c.set(fmt.Sprintf("parameters: add one in the %s, required %t", in, required), under(at, "parameters"),
				append(slices.Clone(parameters), object{"name": "X-Added", "in": in, "required": required, "schema": object{"type": "string"}}))
		}
	}

	c.drop("body: drop", under(at, "requestBody"))
	c.set("body: require", under(at, "requestBody", "required"), true)
	place, body := c.follow(under(at, "requestBody")...)
	c.content("body", under(place, "content"), body["content"].(object))

	responses := operation["responses"].(object)
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		place, label := under(at, "responses", status), "answer "+status
		c.drop(label+": drop", place)
		c.rename(label+": rename to 418", place, "418")
		c.rename(label+": rename to default", place, "default")
		place, response := c.follow(place...)
		content, _ := response["content"].(object)
		c.content(label, under(place, "content"), content)
		c.drop(label+": drop the content", under(place, "content"))
		headers, _ := response["headers"].(object)
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			c.drop(label+": drop the header "+name, under(place, "headers", name))
			c.rename(label+": rename the header "+name, under(place, "headers", name), "X-Renamed")
			if schema, ok := headers[name].(object)["schema"].(object); ok {
				c.schema(label+", header "+name, under(place, "headers", name, "schema"), schema)
			}
		}
		for _, required := range []bool{false, true} {
			added := object{}
			maps.Copy(added, headers)
			added["X-Added"] = object{"required": required, "schema": object{"type": "integer"}}
			c.set(fmt.Sprintf("%s: add a header, required %t", label, required), under(place, "headers"), added)
		}
		for _, other := range slices.Sorted(maps.Keys(responses)) {
			if _, o := c.follow(under(at, "responses", other)...); !reflect.DeepEqual(o["content"], response["content"]) {
				c.set(label+": the content of "+other, under(place, "content"), o["content"])
			}
		}
		for _, added := range []string{"201", "202", "204", "304", "307", "402", "408", "410", "413", "415", "418", "422", "429", "451", "501", "502", "503", "504", "default", "2XX", "4XX", "5XX"} {
			if responses[added] == nil && (status == "200") == (added[0] == '2') && (status == "200" || status == "400") {
				c.set("answers: add "+added+" like "+status, under(at, "responses", added), responses[status])
			}
		}
	}
}

// content changes the media types of a body.
func (c *changing) content(label string, at []string, content object) {
	for _, media := range slices.Sorted(maps.Keys(content)) {
		c.drop(label+": drop "+media, under(at, media))
		c.rename(label+": rename "+media, under(at, media), "application/x-renamed")
		c.drop(label+": drop the schema of "+media, under(at, media, "schema"))
		c.set(label+": add a media type like "+media, under(at, "application/x-added"), content[media])
		if schema, ok := content[media].(object)["schema"].(object); ok && schema["$ref"] == nil { // else it is changed where it is defined
			c.schema(label, under(at, media, "schema"), schema)
		}
	}
}

func (c *changing) security(document object) {
	holders := map[string][]string{"security": {"security"}}
	for path, item := range document["paths"].(object) {
		for method, operation := range item.(object) {
			if o, ok := operation.(object); ok && o["security"] != nil {
				holders["security of "+method] = []string{"paths", path, method, "security"}
			}
		}
	}
	for _, label := range slices.Sorted(maps.Keys(holders)) {
		at := holders[label]
		ways, ok := memberAt(document, at).([]any)
		if !ok {
			continue
		}
		c.drop(label+": drop", at)
		c.set(label+": none", at, []any{})
		c.set(label+": optional", at, append(slices.Clone(ways), object{}))
		other := func(d object) {
			schemes := memberAt(d, []string{"components", "securitySchemes"}).(object)
			schemes["Added"] = object{"type": "apiKey", "in": "header", "name": "x-user-api-key"}
		}
		c.add(label+": add another way", func(d object) {
			other(d)
			parentOf(d, at)["security"] = append(slices.Clone(ways), object{"Added": []any{}})
		})
		c.add(label+": another way alone", func(d object) {
			other(d)
			parentOf(d, at)["security"] = []any{object{"Added": []any{}}}
		})
		c.add(label+": want two credentials", func(d object) {
			other(d)
			both := object{"Added": []any{}}
			maps.Copy(both, ways[0].(object))
			parentOf(d, at)["security"] = []any{both}
		})
	}
	schemes := memberAt(document, []string{"components", "securitySchemes"}).(object)
	for _, name := range slices.Sorted(maps.Keys(schemes)) {
		at := []string{"components", "securitySchemes", name}
		c.drop(name+": drop", at)
		c.rename(name+": rename", at, "Renamed")
		c.add(name+": rename, where it is used too", func(d object) {
			renameMember(d, at, "Renamed")
			for _, holder := range holders {
				ways, _ := memberAt(d, holder).([]any)
				for _, way := range ways {
					if _, ok := way.(object)[name]; ok {
						renameMember(way.(object), []string{name}, "Renamed")
					}
				}
			}
		})
		c.set(name+": another header", under(at, "name"), "x-other-key")
		c.set(name+": in the query", under(at, "in"), "query")
		c.set(name+": in a cookie", under(at, "in"), "cookie")
		c.set(name+": a bearer token", at, object{"type": "http", "scheme": "bearer"})
	}
}

// scalars are the types that one may become another of.
var scalars = []string{"string", "integer", "number", "boolean"}

// schema changes a schema and what is in it. What it refers to is changed where it is defined.
func (c *changing) schema(label string, at []string, schema object) {
	if schema["$ref"] != nil {
		for _, kind := range append(slices.Clone(scalars), "object", "array") {
			c.set(label+": retype to "+kind, at, plainSchema(kind))
		}
		c.set(label+": any type", at, object{})
		return
	}
	kind, _ := schema["type"].(string)
	for _, other := range append(slices.Clone(scalars), "object", "array") {
		if other != kind {
			c.set(label+": retype to "+other, at, plainSchema(other))
		}
	}
	c.drop(label+": any type", under(at, "type"))
	c.set(label+": deprecate", under(at, "deprecated"), true)
	if schema["nullable"] == true {
		c.drop(label+": un-null", under(at, "nullable"))
	} else {
		c.set(label+": null", under(at, "nullable"), true)
	}
	if format, ok := schema["format"].(string); ok {
		c.drop(label+": drop the format", under(at, "format"))
		c.set(label+": rename the format", under(at, "format"), format+"Renamed")
	} else {
		c.set(label+": add a format", under(at, "format"), "uuid")
	}
	for _, name := range slices.Sorted(maps.Keys(schema)) {
		if strings.HasPrefix(name, "x-") {
			c.drop(label+": drop "+name, under(at, name))
		}
	}
	c.values(label, at, schema, kind)
	switch kind {
	case "string":
		c.bound(label, at, schema, "minLength", 1)
		c.bound(label, at, schema, "maxLength", 4096)
		c.set(label+": add a pattern", under(at, "pattern"), "^[^\\x00]*$")
	case "integer", "number":
		c.bound(label, at, schema, "minimum", -1e9)
		c.bound(label, at, schema, "maximum", 1e9)
	case "array":
		c.bound(label, at, schema, "minItems", 1)
		c.bound(label, at, schema, "maxItems", 5000)
		c.set(label+": unique items", under(at, "uniqueItems"), true)
		if items, ok := schema["items"].(object); ok {
			c.schema(label+"[]", under(at, "items"), items)
		}
	case "object":
		c.object(label, at, schema)
	}
}

func plainSchema(kind string) object {
	if kind == "array" {
		return object{"type": kind, "items": object{"type": "string"}}
	}
	return object{"type": kind}
}

// values changes the values that a property may have.
func (c *changing) values(label string, at []string, schema object, kind string) {
	values, ok := schema["enum"].([]any)
	if !ok {
		if kind == "string" {
			c.set(label+": narrow to an enum", under(at, "enum"), []any{"ADDED", "OTHER"})
		}
		return
	}
	c.drop(label+": open the enum", under(at, "enum"))
	c.set(label+": add a value", under(at, "enum"), append(slices.Clone(values), "ADDED"))
	for i, value := range values {
		c.set(fmt.Sprintf("%s: drop the value %v", label, value), under(at, "enum"), slices.Delete(slices.Clone(values), i, i+1))
		renamed := slices.Clone(values)
		renamed[i] = fmt.Sprint(value) + "_RENAMED"
		c.set(fmt.Sprintf("%s: rename the value %v", label, value), under(at, "enum"), renamed)
	}
}

// bound narrows and widens a bound by one, and drops it; where there is none it adds a mild one.
func (c *changing) bound(label string, at []string, schema object, keyword string, mild float64) {
	at = under(at, keyword)
	is, ok := schema[keyword].(float64)
	if !ok {
		c.set(fmt.Sprintf("%s: add %s %v", label, keyword, mild), at, mild)
		return
	}
	c.drop(label+": drop "+keyword, at)
	c.set(fmt.Sprintf("%s: %s %v", label, keyword, is+1), at, is+1)
	if is > 0 {
		c.set(fmt.Sprintf("%s: %s %v", label, keyword, is-1), at, is-1)
	}
}

func (c *changing) object(label string, at []string, schema object) {
	switch schema["additionalProperties"] {
	case false:
		c.drop(label+": open", under(at, "additionalProperties"))
		c.set(label+": open to texts", under(at, "additionalProperties"), object{"type": "string"})
	case nil, true:
		c.set(label+": close", under(at, "additionalProperties"), false)
		c.set(label+": close but to texts", under(at, "additionalProperties"), object{"type": "string"})
	}
	c.bound(label, at, schema, "minProperties", 1)
	c.bound(label, at, schema, "maxProperties", 100)

	properties, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	c.set(label+": add a property", under(at, "properties", "added"), object{"type": "string"})
	c.set(label+": add a property that may be null", under(at, "properties", "added"), object{"type": "string", "nullable": true})
	c.add(label+": add a required property", func(d object) {
		s := memberAt(d, at).(object)
		s["properties"].(object)["added"] = object{"type": "string"}
		s["required"] = append(slices.Clone(required), "added")
	})
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		place, where := under(at, "properties", name), label+"."+name
		isRequired := slices.Index(required, any(name))
		without := func(d object) {
			if isRequired >= 0 {
				memberAt(d, at).(object)["required"] = slices.Delete(slices.Clone(required), isRequired, isRequired+1)
			}
		}
		c.add(where+": drop", func(d object) {
			delete(parentOf(d, place), name)
			without(d)
		})
		c.add(where+": rename", func(d object) {
			renameMember(d, place, name+"_renamed")
			if isRequired >= 0 {
				without(d)
				s := memberAt(d, at).(object)
				s["required"] = append(s["required"].([]any), name+"_renamed")
			}
		})
		if isRequired >= 0 {
			c.add(where+": un-require", without)
		} else {
			c.set(where+": require", under(at, "required"), append(slices.Clone(required), name))
		}
		c.schema(where, place, properties[name].(object))
	}
}
