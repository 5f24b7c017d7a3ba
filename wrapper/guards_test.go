package composio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
)

// The guards compare the document with what the client does. When Composio's contract moves and api/openapi.yaml with it,
// each of them says in a sentence what the hand-written code lacks, and where to add it.
func TestWrapperDoesWhatTheDocumentHas(t *testing.T) {
	t.Parallel()
	for _, sentence := range newSurvey(t).guard(decode(t, api.Spec), false) {
		t.Error(sentence)
	}
}

// schemeConstants are the wrapper's constants. A new authScheme gets a row here and in typedFields.
var schemeConstants = []composio.Scheme{
	composio.SchemeBearerToken, composio.SchemeAPIKey, composio.SchemeBasic, composio.SchemeBasicWithJWT,
	composio.SchemeGoogleServiceAccount, composio.SchemeServiceAccount,
}

// senders send each property of the body, but for authScheme and the credentials, which have tables of their own.
var senders = map[string]sender{
	"/alias": sends("string", func(v string) composio.Update { return composio.Update{Alias: composio.Set(v)} }),
	"/experimental/acl_config_for_shared/allow_all_users": sends("boolean", func(v bool) composio.Update {
		return composio.Update{Sharing: &composio.Sharing{AllowAllUsers: &v}}
	}),
	"/experimental/acl_config_for_shared/allowed_user_ids": sends("array", func(v []string) composio.Update {
		return composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: v}}
	}),
	"/experimental/acl_config_for_shared/not_allowed_user_ids": sends("array", func(v []string) composio.Update {
		return composio.Update{Sharing: &composio.Sharing{NotAllowedUserIDs: v}}
	}),
}

// notRead are the properties of answers that the wrapper reads nothing of, each with the reason.
var notRead = map[string]string{
	"/error/status": "it repeats the status of the answer, which no body may hide",
}

// knownFormats are those that the wrapper has an opinion on, by place. A format is a name, with no rule of its own.
var knownFormats = map[string]string{
	"path parameter nanoid": "connectedAccountId", // checkID
	"the answer's /id":      "connectedAccountId", // Result.ID, which is handed on as it is
}

// toldDeprecated are the places that are deprecated in the document, and whose doc comments say so.
var toldDeprecated []string

const (
	schemeAt      = "/connection/state/authScheme"
	credentialsAt = "/connection/state/val/"
)

// object is a JSON object of a document.
type object = map[string]any

// decode reads an OpenAPI document, in YAML or JSON, as the JSON that it is.
func decode(t testing.TB, spec []byte) (document object) {
	t.Helper()
	loaded, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(jsonOf(t, loaded)), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

func jsonOf(t testing.TB, value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		t.Errorf("%v has no JSON: %v", value, err)
	}
	return string(data)
}

// memberAt is what a path leads to, nil where nothing is. A step in a list is its index.
func memberAt(v any, path ...string) any {
	for _, step := range path {
		switch inner := v.(type) {
		case object:
			v = inner[step]
		case []any:
			i, _ := strconv.Atoi(step)
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// replaced is v with another value where a path leads. It shares with v what did not change.
func replaced(v, value any, path ...string) any {
	if len(path) == 0 {
		return value
	}
	inner := replaced(memberAt(v, path[0]), value, path[1:]...)
	if list, ok := v.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		return slices.Concat(list[:i], []any{inner}, list[i+1:])
	}
	o, _ := v.(object)
	copied := object{}
	maps.Copy(copied, o)
	copied[path[0]] = inner
	return copied
}

// steps are the path of a JSON pointer.
func steps(pointer string) []string { return strings.Split(pointer, "/")[1:] }

// survey asks the client what it does, and each question once: the mutation test has a thousand documents with mostly the
// same questions. The client's transport is in memory, since what the wire is like is for other tests.
type survey struct {
	t         testing.TB
	exchanges []exchange
	known     sync.Map // outcomes by question
}

func newSurvey(t testing.TB) *survey { return &survey{t: t, exchanges: recordAll(t)} }

// outcome is what came of one call.
type outcome struct {
	sent    received // the zero value if nothing was
	body    any      // of what was sent
	arrived bool     // whether body is what it ought to be
	says    string   // everything that the caller can see, but for the raw body
	is      string   // the sentinels that hold
}

// ask has an update answered with a body. The question is a name for all of it.
func (s *survey) ask(question string, u composio.Update, status int, header http.Header, body string) outcome {
	if known, ok := s.known.Load(question); ok {
		return known.(outcome)
	}
	var o outcome
	transport := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(req.Body)
		if err != nil || json.Unmarshal(data, &o.body) != nil {
			s.t.Errorf("the body %q is no JSON: %v", data, err)
		}
		o.sent = received{req.Method, req.URL.String(), req.Header.Clone(), string(data)}
		answer := answerInMemory(req, status, body)
		// Of the rate headers, one alone says nothing; without a request id each error has one of its own.
		for _, group := range []http.Header{rateHeader, {"X-Request-Id": {"req_survey"}}, header} {
			for name, values := range group {
				answer.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
		return answer, nil
	})
	client := mustNew(s.t, testKey, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}))
	result, err := client.UpdateConnectedAccount(s.t.Context(), testID, u)
	o.is, o.says = holding(err), fmt.Sprintf("%+v %v", result, err)
	if failure, ok := errors.AsType[*composio.Error](err); ok {
		o.says += fmt.Sprint(failure.RetryAfter, failure.RateLimit)
	}
	s.known.Store(question, o)
	return o
}

// answered is an update with an answer.
func (s *survey) answered(status int, header http.Header, body string) outcome {
	return s.ask(fmt.Sprint("answered ", status, header, body), rename, status, header, body)
}

// send sends a value, which has a name, to a place in the body.
func (s *survey) send(place, name string, by sender, value any) outcome {
	question := "send " + place + " " + name
	if known, ok := s.known.Load(question + "?"); ok {
		return known.(outcome)
	}
	o := s.ask(question, by.update(value), http.StatusOK, nil, success)
	want := replaced(nil, value, steps(place)...)
	if strings.HasPrefix(place, credentialsAt) {
		want = replaced(want, composio.SchemeAPIKey, steps(schemeAt)...)
	}
	o.arrived = jsonOf(s.t, o.body) == jsonOf(s.t, want)
	s.known.Store(question+"?", o)
	return o
}

// sender sends one property of the body.
type sender struct {
	kind   string // the type that the document must give it
	update func(value any) composio.Update
}

func sends[T any](kind string, f func(T) composio.Update) sender {
	return sender{kind, func(v any) composio.Update { return f(v.(T)) }}
}

// sendsCredential sends a credential by its name on the wire. Null clears it.
func sendsCredential(name string) sender {
	return sender{"string", func(v any) composio.Update {
		field := composio.Clear()
		if text, ok := v.(string); ok {
			field = composio.Set(text)
		}
		return composio.Update{Credentials: composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{name: field}}}
	}}
}

// guard says what the wrapper lacks of a document, or has beyond it, in one sentence each; if brief, not all of it.
func (s *survey) guard(document object, brief bool) []string {
	plain := s.ask("plain", rename, http.StatusOK, nil, success)
	g := &guarding{survey: s, document: document, brief: brief, sent: plain.sent, found: map[string]bool{}, unread: map[string][]string{}}
	for _, ask := range []func(){g.operations, g.security, g.parameters, g.request, g.responses} {
		ask()
		if g.operation == nil || g.brief && g.said != nil {
			break
		}
	}
	return g.said
}

type guarding struct {
	*survey
	document  object
	brief     bool
	operation object
	shared    []any               // the parameters of the operation's path
	sent      received            // an ordinary request
	found     map[string]bool     // the places in the body that the document has
	unread    map[string][]string // the answers whose property at a place is not read
	said      []string
}

// say says each thing once: many answers have the same body.
func (g *guarding) say(format string, args ...any) {
	if sentence := fmt.Sprintf(format, args...); !slices.Contains(g.said, sentence) {
		g.said = append(g.said, sentence)
	}
}

// get is an object of the document behind any references; an empty one for nothing.
func (g *guarding) get(v any, path ...string) object {
	o, _ := memberAt(v, path...).(object)
	for ref, ok := o["$ref"].(string); ok; ref, ok = o["$ref"].(string) {
		o, _ = memberAt(g.document, steps(ref)...).(object)
	}
	return o
}

func (g *guarding) operations() {
	base, path, _ := strings.Cut(strings.TrimPrefix(g.sent.URI, "https://"), "/")
	paths := g.get(g.document, "paths")
	for _, template := range slices.Sorted(maps.Keys(paths)) {
		item := g.get(paths, template)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			switch {
			case slices.Contains([]string{"parameters", "summary", "description", "servers"}, method):
			case strings.ToUpper(method) == g.sent.Method && pathParameter.ReplaceAllString(template, testID) == "/"+path:
				g.operation = g.get(item, method)
				g.deprecation("the operation", g.operation, "UpdateConnectedAccount of wrapper/client.go")
				g.shared, _ = item["parameters"].([]any)
			default:
				g.say("the document has %s %s, which nothing calls: take it out of api/openapi.yaml, or give it a call of its own beside UpdateConnectedAccount in wrapper/client.go", strings.ToUpper(method), template)
			}
		}
	}
	if g.operation == nil {
		g.say("the wrapper sends %s /%s, which the document lacks: run make generate; wrapper/exchange.go takes both from gen", g.sent.Method, path)
	}
	if servers, want := jsonOf(g.t, g.document["servers"]), jsonOf(g.t, []any{object{"url": "https://" + base}}); servers != want {
		g.say("the document's servers are %s, and the wrapper's default is %s: change defaultBaseURL in wrapper/options.go", servers, want)
	}
}

var pathParameter = regexp.MustCompile(`\{[^/{}]*\}`)

func (g *guarding) security() {
	ways, ok := g.operation["security"].([]any)
	if !ok {
		ways, _ = g.document["security"].([]any)
	}
	carried := map[string]bool{} // headers
	if len(ways) == 0 {
		g.say("the document asks for no credential: see whether the wrapper still has to send its key, in send in wrapper/exchange.go")
	}
	for _, way := range ways {
		names := slices.Sorted(maps.Keys(g.get(way)))
		if len(names) == 0 {
			g.say("the document lets a request do without a credential: see whether New in wrapper/options.go should too")
		}
		for _, name := range names {
			scheme := g.get(g.document, "components", "securitySchemes", name)
			header, _ := scheme["name"].(string)
			if scheme["type"] == "apiKey" && scheme["in"] == "header" && g.sent.Header.Get(header) == testKey {
				carried[http.CanonicalHeaderKey(header)] = true
				continue
			}
			g.say("the document's security scheme %s (%v %v %v) is one that the wrapper does not send: set it in send in wrapper/exchange.go, and offer it in wrapper/options.go", name, scheme["type"], scheme["in"], scheme["name"])
		}
	}
	for _, header := range slices.Sorted(maps.Keys(g.sent.Header)) {
		if g.sent.Header.Get(header) == testKey && !carried[header] {
			g.say("the wrapper sends the key in %s, which the document does not ask for: take it out of send in wrapper/exchange.go", header)
		}
	}
}

func (g *guarding) parameters() {
	own, _ := g.operation["parameters"].([]any)
	for _, parameter := range slices.Concat(g.shared, own) {
		p := g.get(parameter)
		name, _ := p["name"].(string)
		g.deprecation(fmt.Sprintf("the %v parameter %s", p["in"], name), p, "UpdateConnectedAccount of wrapper/client.go")
		schema := g.get(p, "schema")
		switch {
		case p["in"] == "path" && schema["type"] != "string":
			g.say("the path parameter %s is of type %v, and the wrapper sends a string: change UpdateConnectedAccount in wrapper/client.go", name, schema["type"])
		case p["in"] == "path":
			g.keywords("path parameter "+name, schema, "checkID in wrapper/validate.go", "type")
		case p["in"] != "header" || len(g.sent.Header.Values(name)) == 0:
			g.say("the document has the %v parameter %s, which no request has: set it in send in wrapper/exchange.go", p["in"], name)
		}
	}
}

func (g *guarding) request() {
	content := g.get(g.get(g.operation, "requestBody"), "content")
	sent := g.sent.Header.Get("Content-Type")
	for _, media := range slices.Sorted(maps.Keys(content)) {
		if media != sent {
			g.say("the document also takes a body of %s, which the wrapper cannot send: if it must, see send in wrapper/exchange.go", media)
		}
	}
	schema := g.get(content, sent, "schema")
	if schema == nil {
		g.say("the wrapper sends a body of %s, for which the document has no schema: change send in wrapper/exchange.go", sent)
		return
	}
	g.property("", schema)
	remedies := map[string]string{schemeAt: "change setCredentials in wrapper/update.go"}
	for place := range senders {
		remedies[place] = "take it out of wrapper/update.go, and out of senders in wrapper/guards_test.go"
	}
	for _, row := range typedFields {
		remedies[credentialsAt+row.wire] = "take " + row.name + " out of wrapper/credentials.go, and out of typedFields in wrapper/wire_test.go"
	}
	for _, place := range slices.Sorted(maps.Keys(remedies)) {
		if !g.found[place] {
			g.say("the wrapper sends %s, which the document lacks: %s", place, remedies[place])
		}
	}
}

// property goes through the body's properties.
func (g *guarding) property(place string, schema object) {
	g.found[place] = true
	if g.brief && g.said != nil {
		return
	}
	s, ok := senders[place]
	credential, isCredential := strings.CutPrefix(place, credentialsAt)
	if isCredential {
		s, ok = sendsCredential(credential), true
	}
	switch {
	case place == schemeAt:
		g.scheme(schema)
	case ok:
		g.leaf(place, schema, s)
	case schema["properties"] != nil:
		if schema["type"] != "object" {
			g.say("the body%s is of type %v in the document, and the wrapper sends an object: see wrapper/update.go", of(place), schema["type"])
		}
		g.keywords("the body"+of(place), schema, "wrapper/update.go", "type", "properties", "required", "additionalProperties")
		properties := g.get(schema, "properties")
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			g.property(place+"/"+name, g.get(properties, name))
		}
	default:
		g.say("the body%s is in the document, and no Update sends it: add a field in wrapper/update.go, send it in set, and add a row to senders in wrapper/guards_test.go", of(place))
	}
}

// scheme compares the values of authScheme with the constants and the credential structs.
func (g *guarding) scheme(schema object) {
	values, _ := schema["enum"].([]any)
	g.keywords("the body's "+schemeAt, schema, "wrapper/credentials.go", "type", "enum")
	if schema["type"] != "string" || values == nil {
		g.say("authScheme is no string with an enum any more: see Scheme in wrapper/credentials.go")
		return
	}
	var typed []any
	for _, row := range typedFields {
		o := g.ask("typed "+row.name, composio.Update{Credentials: row.with(composio.Set("x"))}, http.StatusOK, nil, success)
		typed = append(typed, memberAt(o.body, steps(schemeAt)...))
	}
	for _, value := range values {
		if !slices.Contains(schemeConstants, composio.Scheme(fmt.Sprint(value))) {
			g.say("the authScheme %s has no constant: add one to Scheme in wrapper/credentials.go, and to schemeConstants in wrapper/guards_test.go", value)
		}
		if !slices.Contains(typed, value) {
			g.say("the authScheme %s has no typed credential: add a struct to wrapper/credentials.go, and a row for each field to typedFields in wrapper/wire_test.go", value)
		}
	}
	for _, constant := range schemeConstants {
		if !slices.Contains(values, any(string(constant))) {
			g.say("the document lacks the authScheme %s: take its constant and its struct out of wrapper/credentials.go", constant)
		}
	}
}

// leaf sends a property, with ordinary values and at the bounds that the document sets.
func (g *guarding) leaf(place string, schema object, s sender) {
	if schema["type"] != s.kind {
		g.say("the body's %s is of type %v in the document, and the wrapper sends a value of type %s: change it in wrapper/update.go or wrapper/credentials.go", place, schema["type"], s.kind)
		return
	}
	known, values := []string{"type"}, []any{}
	isCredential := strings.HasPrefix(place, credentialsAt)
	switch s.kind {
	case "string":
		known, values = append(known, "minLength", "maxLength", "nullable"), []any{"x"}
		if schema["minLength"] == nil { // or else it is tried below
			values = append(values, "")
		}
		g.bounds(place, schema, "Length", s, func(n int) any { return strings.Repeat("é", n) })
	case "boolean":
		values = []any{true, false}
	case "array":
		items := g.get(schema, "items")
		if items["type"] != "string" {
			g.say("the items of the body's %s are of type %v in the document, and the wrapper sends strings: change it in wrapper/update.go", place, items["type"])
			return
		}
		known, values = append(known, "items", "maxItems"), []any{[]string{}, []string{"x", "y"}}
		g.keywords("the items of the body's "+place, items, "checkUserIDs in wrapper/validate.go", "type", "minLength", "maxLength")
		g.bounds(place, schema, "Items", s, func(n int) any { return slices.Repeat([]string{"x"}, n) })
		g.bounds(place, items, "Length", s, func(n int) any { return []string{strings.Repeat("é", n)} })
	}
	switch nullable := schema["nullable"] == true; {
	case isCredential && nullable:
		values = append(values, nil)
	case isCredential:
		g.say("the credential at %s may not be null in the document: have Clear refused for it, in wrapper/validate.go", place)
	case nullable:
		g.say("the body's %s may be null in the document, which the wrapper cannot send: see wrapper/update.go and api/go.overlay.yaml, then teach it to the guards in wrapper/guards_test.go", place)
	}
	for _, value := range values {
		if name := jsonOf(g.t, value); !g.send(place, name, s, value).arrived {
			g.say("the body's %s does not arrive when it is sent as %s: run make generate; if that is done, see wrapper/update.go or wrapper/credentials.go", place, name)
		}
	}
	g.keywords("the body's "+place, schema, "wrapper/update.go or wrapper/credentials.go", known...)
}

// bounds tries the values at both bounds of a property and the first ones beyond; value makes one of a size.
func (g *guarding) bounds(place string, schema object, what string, s sender, value func(n int) any) {
	for keyword, beyond := range map[string]int{"min" + what: -1, "max" + what: +1} {
		bound, ok := schema[keyword].(float64)
		if !ok || int(bound)+beyond < 0 || bound > 100_000 {
			continue
		}
		at := func(size int) outcome { return g.send(place, fmt.Sprint(what, " ", size), s, value(size)) }
		if !at(int(bound)).arrived {
			g.say("the body's %s does not arrive at its %s %v: see wrapper/update.go or wrapper/credentials.go", place, keyword, bound)
		}
		if o := at(int(bound) + beyond); o.sent.Method != "" || o.is != "ErrInvalid" {
			g.say("the body's %s has %s %v in the document, and the wrapper sends what is beyond it: refuse it in wrapper/validate.go", place, keyword, bound)
		}
	}
}

// deprecation says that Composio will take something away.
func (g *guarding) deprecation(place string, of object, where string) {
	if of["deprecated"] == true && !slices.Contains(toldDeprecated, place) {
		g.say("%s is deprecated in the document: tell the callers by a Deprecated: comment in %s, and add %q to toldDeprecated in wrapper/guards_test.go", place, where, place)
	}
}

// keywords finds those of a schema that the code knows nothing of. Prose and extensions say nothing to a program.
func (g *guarding) keywords(place string, schema object, where string, known ...string) {
	known = append(known, "description", "example", "title", "deprecated")
	g.deprecation(place, schema, where)
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		switch value := schema[keyword]; {
		case slices.Contains(known, keyword), strings.HasPrefix(keyword, "x-"):
		case keyword == "format" && knownFormats[place] == value:
		default:
			g.say("%s has %s %.60s in the document, which the wrapper knows nothing of: see whether %s must, then teach it to the guards in wrapper/guards_test.go (a format: in knownFormats)", place, keyword, jsonOf(g.t, value), where)
		}
	}
}

func (g *guarding) responses() {
	responses := g.get(g.operation, "responses")
	if responses["200"] == nil {
		g.say("the document lacks an answer 200, the one that makes a Result: see decide in wrapper/outcome.go")
	}
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		if g.brief && g.said != nil {
			return
		}
		code, err := strconv.Atoi(status)
		if err != nil {
			g.say("the document has the answer %q, and the sentinels are for single statuses: see statusError in wrapper/outcome.go, then teach it to the guards in wrapper/guards_test.go", status)
			continue
		}
		g.response(code, g.get(responses, status))
	}
	for _, place := range slices.Sorted(maps.Keys(g.unread)) {
		g.say("the answer%s is in the document (%s), and the wrapper does not read it: read it in wrapper/outcome.go or wrapper/envelope.go, or give the reason in notRead of wrapper/guards_test.go",
			of(place), strings.Join(g.unread[place], ", "))
	}
}

func (g *guarding) response(code int, response object) {
	for _, name := range slices.Sorted(maps.Keys(g.get(response, "headers"))) {
		if g.answered(code, http.Header{name: {"1"}}, "null").says == g.answered(code, http.Header{name: {"2"}}, "null").says {
			g.say("the answer %d has the header %s in the document, which the wrapper does not read: read it in wrapper/headers.go", code, name)
		}
	}
	content, accepted := g.get(response, "content"), g.sent.Header.Get("Accept")
	for _, media := range slices.Sorted(maps.Keys(content)) {
		if media != accepted {
			g.say("the answer %d can be %s in the document, and the wrapper asks for %s: see send in wrapper/exchange.go and wrapper/outcome.go", code, media, accepted)
		}
	}
	for _, fits := range []bool{true, false} {
		if !slices.ContainsFunc(g.exchanges, func(e exchange) bool { return e.status == code && (e.violations == nil) == fits }) {
			g.say("no recorded exchange has an answer %d that the document allows (%t), so that a change of it might go unseen: add one to answerRecordings in wrapper/exchanges_test.go", code, fits)
		}
	}
	schema := g.get(content, accepted, "schema")
	if schema == nil {
		g.say("the answer %d has no %s in the document, and the wrapper reads it: see wrapper/outcome.go", code, accepted)
		return
	}
	usual := g.sample(schema, true, 1, "one")
	body := jsonOf(g.t, usual)
	o := g.answered(code, nil, body)
	switch {
	case code < 300 && o.is != "":
		g.say("the answer %d makes no Result (%s): see readResult in wrapper/outcome.go", code, o.says)
	case code >= 300 && strings.TrimSpace(strings.ReplaceAll(o.is, "ErrOutcomeUnknown", "")) == "":
		g.say("the answer %d has no sentinel: add one to wrapper/errors.go, to statusErrors in wrapper/outcome.go, and to the tables in wrapper/doc.go, README.md, wrapper/outcome_test.go (sentinels) and wrapper/retry_test.go (TestEveryStatus)", code)
	}
	g.answer(code, "", schema, usual, body)
}

// answer goes through the properties of an answer: another value must make a difference to the caller.
func (g *guarding) answer(code int, place string, schema object, usual any, body string) {
	const where = "wrapper/outcome.go"
	if properties := g.get(schema, "properties"); properties != nil {
		if schema["type"] != "object" {
			g.say("the answer %d%s is of type %v in the document, and the wrapper reads an object: see %s", code, of(place), schema["type"], where)
		}
		g.keywords("the answer"+of(place), schema, where, "type", "properties", "required", "additionalProperties")
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			g.answer(code, place+"/"+name, g.get(properties, name), usual, body)
		}
		return
	}
	g.keywords("the answer's "+place, schema, where, "type", "items")
	if items := g.get(schema, "items"); items != nil {
		g.keywords("the items of the answer's "+place, items, where, "type")
	}
	changed := jsonOf(g.t, replaced(usual, g.sample(schema, false, 2, "two"), steps(place)...))
	if notRead[place] == "" && g.answered(code, nil, changed).says == g.answered(code, nil, body).says {
		g.unread[place] = append(g.unread[place], strconv.Itoa(code))
	}
}

// sample is a value of a schema, with these scalars in it.
func (g *guarding) sample(schema object, b bool, n float64, s string) any {
	switch properties := g.get(schema, "properties"); {
	case properties != nil:
		value := object{}
		for name := range properties {
			value[name] = g.sample(g.get(properties, name), b, n, s)
		}
		return value
	case schema["type"] == "array":
		return []any{g.sample(g.get(schema, "items"), b, n, s)}
	case schema["type"] == "boolean":
		return b
	case schema["type"] == "number", schema["type"] == "integer":
		return n
	}
	return s
}

// of names a place within a body.
func of(place string) string {
	if place == "" {
		return ""
	}
	return "'s " + place
}
