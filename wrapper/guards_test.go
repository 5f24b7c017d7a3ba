package composio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
)

// The guards compare the document with what the client does on the wire. When Composio's contract moves and
// api/openapi.yaml with it, each of them says in a sentence what the hand-written code lacks, and where to add it.
func TestWrapperDoesWhatTheDocumentHas(t *testing.T) {
	t.Parallel()
	for _, sentence := range newSurvey(t).guards(decode(t, api.Spec)) {
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
	"/alias": sendsString(func(v string) composio.Update { return composio.Update{Alias: composio.Set(v)} }),
	"/experimental/acl_config_for_shared/allow_all_users": sendsBool(func(v bool) composio.Update {
		return composio.Update{Sharing: &composio.Sharing{AllowAllUsers: &v}}
	}),
	"/experimental/acl_config_for_shared/allowed_user_ids": sendsStrings(func(v []string) composio.Update {
		return composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: v}}
	}),
	"/experimental/acl_config_for_shared/not_allowed_user_ids": sendsStrings(func(v []string) composio.Update {
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

// decode reads an OpenAPI 3.0 document, in YAML or JSON, as the JSON that it is, without its examples.
func decode(t testing.TB, spec []byte) object {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var decoded object
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	dropExamples(decoded)
	return decoded
}

func dropExamples(v any) {
	switch v := v.(type) {
	case object:
		delete(v, "examples")
		for _, member := range v {
			dropExamples(member)
		}
	case []any:
		for _, item := range v {
			dropExamples(item)
		}
	}
}

// survey asks the client what it does, over a loopback connection, and each question once. Many guards can share it.
type survey struct {
	t    testing.TB
	url  string
	pool *http.Transport

	mu       sync.Mutex
	exchange map[string]*surveyed // by the first segment of the path, which is each question's base URL
	answers  map[string]outcome
	requests map[string]outcome
}

// surveyed is one exchange: what the server is to answer, and what it was asked.
type surveyed struct {
	status  int
	header  http.Header
	body    string
	request *received
}

// outcome is what came of one call.
type outcome struct {
	sent    *received // nil if nothing was
	arrived bool      // whether the value that was asked about is what sent has
	body    any       // sent.Body, decoded
	success bool
	says    string // everything that the caller can see, but for the raw body
	is      string // the sentinels that hold
}

func newSurvey(t testing.TB) *survey {
	s := &survey{t: t, exchange: map[string]*surveyed{}, answers: map[string]outcome{}, requests: map[string]outcome{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url, s.pool = server.URL, composio.NewTransport()
	t.Cleanup(s.pool.CloseIdleConnections)
	return s
}

func (s *survey) serve(w http.ResponseWriter, r *http.Request) {
	question, rest, _ := strings.Cut(strings.TrimPrefix(r.RequestURI, "/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("the survey could not read a request: %v", err)
	}
	s.mu.Lock()
	e := s.exchange[question]
	e.request = &received{r.Method, "/" + rest, r.Header.Clone(), string(body)}
	s.mu.Unlock()
	for name, value := range map[string]string{
		"Content-Type":            "application/json",
		"X-Request-Id":            "req_survey", // else each error has an id of its own
		"X-RateLimit":             "2000",       // of these, one alone says nothing
		"X-RateLimit-Remaining":   "1999",
		"X-RateLimit-Window-Size": "60s",
	} {
		w.Header().Set(name, value)
	}
	for name, values := range e.header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.body) // the client may be gone
}

// ask makes one call.
func (s *survey) ask(u composio.Update, e *surveyed) outcome {
	s.mu.Lock()
	question := strconv.Itoa(len(s.exchange))
	s.exchange[question] = e
	s.mu.Unlock()
	client, err := composio.New(testKey, composio.WithBaseURL(s.url+"/"+question), composio.WithMaxRetries(0),
		composio.WithHTTPClient(&http.Client{Transport: s.pool}))
	if err != nil {
		s.t.Errorf("the survey has no client: %v", err)
		return outcome{}
	}
	result, err := client.UpdateConnectedAccount(s.t.Context(), testID, u)
	s.mu.Lock()
	defer s.mu.Unlock()
	o := outcome{sent: e.request, is: holding(err)}
	if e.request != nil {
		_ = json.Unmarshal([]byte(e.request.Body), &o.body) // a body that is no JSON has nothing in it
	}
	if result != nil {
		o.success, o.says = true, fmt.Sprintf("%+v", *result)
	}
	if failure, ok := errors.AsType[*composio.Error](err); ok {
		o.says = fmt.Sprintf("%d %d %q %q %q %q %q %v %+v %v", failure.StatusCode, failure.Code, failure.Slug, failure.Message,
			failure.SuggestedFix, failure.Details, failure.RequestID, failure.RetryAfter, failure.RateLimit, failure.Err)
	}
	return o
}

// sends makes an update, which the name tells apart from others.
func (s *survey) sends(name string, update func() composio.Update) outcome {
	return s.once(s.requests, name, func() outcome {
		return s.ask(update(), &surveyed{status: 200, body: success})
	})
}

// tries sends a value at a place in the body; the name tells it apart from others at that place.
func (s *survey) tries(place, name string, sender sender, value func() any) outcome {
	return s.once(s.requests, place+" "+name, func() outcome {
		v := value()
		o := s.ask(sender.update(v), &surveyed{status: 200, body: success})
		got, ok := valueAt(o.body, place)
		o.arrived = ok && reflect.DeepEqual(got, v)
		return o
	})
}

// answered has an update answered.
func (s *survey) answered(status int, header http.Header, body any) outcome {
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Errorf("the survey cannot answer %v: %v", body, err)
	}
	return s.once(s.answers, fmt.Sprintf("%d %v %s", status, header, data), func() outcome {
		return s.ask(rename, &surveyed{status: status, header: header, body: string(data)})
	})
}

func (s *survey) once(known map[string]outcome, question string, ask func() outcome) outcome {
	s.mu.Lock()
	o, ok := known[question]
	s.mu.Unlock()
	if ok {
		return o
	}
	o = ask()
	s.mu.Lock()
	known[question] = o
	s.mu.Unlock()
	return o
}

// plain is the request of an ordinary update.
func (s *survey) plain() received {
	o := s.sends("plain", func() composio.Update { return rename })
	if o.sent == nil {
		s.t.Error("an ordinary update sends nothing")
		return received{Header: http.Header{}}
	}
	return *o.sent
}

// sender sends one property of the body.
type sender struct {
	kind   string // the type that the document must give it
	update func(value any) composio.Update
}

func sendsString(f func(string) composio.Update) sender {
	return sender{"string", func(v any) composio.Update { return f(v.(string)) }}
}

func sendsBool(f func(bool) composio.Update) sender {
	return sender{"boolean", func(v any) composio.Update { return f(v.(bool)) }}
}

func sendsStrings(f func([]string) composio.Update) sender {
	return sender{"array", func(v any) composio.Update {
		var list []string
		for _, item := range v.([]any) {
			list = append(list, item.(string))
		}
		if list == nil {
			list = []string{}
		}
		return f(list)
	}}
}

// guards says what the wrapper lacks of a document, or has beyond it, in one sentence each.
func (s *survey) guards(document object) []string { return s.guard(document, false) }

// guard asks one guard after the other, and if brief no more once there is something to say.
func (s *survey) guard(document object, brief bool) []string {
	g := &guarding{survey: s, document: document, sent: s.plain(), found: map[string]bool{}, unread: map[string][]string{}}
	g.operations()
	for _, ask := range []func(){g.servers, g.security, g.parameters, g.request, g.responses} {
		if g.operation == nil || brief && g.said != nil {
			break
		}
		ask()
	}
	return g.said
}

type guarding struct {
	*survey
	document  object
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

// get returns an object of the document behind any references; an empty one for nothing.
func (g *guarding) get(v any) object {
	for range 10 {
		o, _ := v.(object)
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		v = g.document
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			o, _ := v.(object)
			v = o[name]
		}
	}
	return nil
}

func (g *guarding) operations() {
	paths := g.get(g.document["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := g.get(paths[path])
		for _, method := range slices.Sorted(maps.Keys(item)) {
			switch {
			case method == "parameters" || method == "summary" || method == "description" || method == "servers":
			case strings.ToUpper(method) == g.sent.Method && isPath(path, g.sent.URI):
				g.operation = g.get(item[method])
				g.deprecation("the operation", g.operation, "UpdateConnectedAccount of wrapper/client.go")
				g.shared, _ = item["parameters"].([]any)
			default:
				g.say("the document has %s %s, which nothing calls: take it out of api/openapi.yaml, or give it a call of its own beside UpdateConnectedAccount in wrapper/client.go", strings.ToUpper(method), path)
			}
		}
	}
	if g.operation == nil {
		g.say("the wrapper sends %s %s, which the document lacks: run make generate; newRequest in wrapper/client.go takes both from gen", g.sent.Method, g.sent.URI)
	}
}

// isPath reports whether a path is of a template, whose parameters all stand for testID.
func isPath(template, path string) bool {
	for segment := range strings.SplitSeq(template, "/") {
		if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
			template = strings.ReplaceAll(template, segment, testID)
		}
	}
	return template == path
}

func (g *guarding) servers() {
	var urls []string
	servers, _ := g.document["servers"].([]any)
	for _, server := range servers {
		url, _ := g.get(server)["url"].(string)
		urls = append(urls, url)
	}
	if want := defaultServer(g.t); !slices.Equal(urls, []string{want}) {
		g.say("the document's servers are %q, and the wrapper's default is %s: change defaultBaseURL in wrapper/options.go", urls, want)
	}
}

// defaultServer is where a client sends that was told nothing.
var defaultServer = func() func(testing.TB) string {
	var once sync.Once
	var server string
	return func(t testing.TB) string {
		once.Do(func() {
			transport := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				server = req.URL.Scheme + "://" + req.URL.Host
				return answerInMemory(req, http.StatusOK, success), nil
			})
			client, err := composio.New(testKey, composio.WithHTTPClient(&http.Client{Transport: transport}))
			if err != nil {
				t.Errorf("there is no client for the default server: %v", err)
				return
			}
			_, _ = client.UpdateConnectedAccount(t.Context(), testID, rename) // the URL is all that is asked
		})
		return server
	}
}()

func (g *guarding) security() {
	ways, ok := g.operation["security"].([]any)
	if !ok {
		ways, _ = g.document["security"].([]any)
	}
	schemes := g.get(g.get(g.document["components"])["securitySchemes"])
	carried := map[string]bool{} // headers
	if len(ways) == 0 {
		g.say("the document asks for no credential: see whether the wrapper still has to send its key, in newRequest of wrapper/client.go")
	}
	for _, way := range ways {
		if len(g.get(way)) == 0 {
			g.say("the document lets a request do without a credential: see whether New in wrapper/options.go should too")
		}
		for _, name := range slices.Sorted(maps.Keys(g.get(way))) {
			scheme := g.get(schemes[name])
			where, _ := scheme["name"].(string)
			if scheme["type"] == "apiKey" && scheme["in"] == "header" && g.sent.Header.Get(where) == testKey {
				carried[http.CanonicalHeaderKey(where)] = true
				continue
			}
			g.say("the document's security scheme %s (%v %v %v) is one that the wrapper does not send: set it in newRequest of wrapper/client.go, and offer it in wrapper/options.go", name, scheme["type"], scheme["in"], scheme["name"])
		}
	}
	for _, header := range slices.Sorted(maps.Keys(g.sent.Header)) {
		if g.sent.Header.Get(header) == testKey && !carried[header] {
			g.say("the wrapper sends the key in %s, which the document does not ask for: take it out of newRequest in wrapper/client.go", header)
		}
	}
}

func (g *guarding) parameters() {
	own, _ := g.operation["parameters"].([]any)
	for _, parameter := range slices.Concat(g.shared, own) {
		p := g.get(parameter)
		name, _ := p["name"].(string)
		g.deprecation(fmt.Sprintf("the %v parameter %s", p["in"], name), p, "UpdateConnectedAccount of wrapper/client.go")
		switch p["in"] {
		case "path":
			g.keywords("path parameter "+name, g.get(p["schema"]), "checkID in wrapper/update.go", "type")
			if kind := g.get(p["schema"])["type"]; kind != "string" {
				g.say("the path parameter %s is of type %v, and the wrapper sends a string: change UpdateConnectedAccount in wrapper/client.go", name, kind)
			}
		case "header":
			if len(g.sent.Header.Values(name)) == 0 {
				g.say("the document has the header parameter %s, which no request has: set it in newRequest of wrapper/client.go", name)
			}
		default:
			g.say("the document has the %v parameter %s, which no request has: add it in newRequest of wrapper/client.go", p["in"], name)
		}
	}
}

func (g *guarding) request() {
	content := g.get(g.get(g.operation["requestBody"])["content"])
	sent := g.sent.Header.Get("Content-Type")
	for _, media := range slices.Sorted(maps.Keys(content)) {
		if media != sent {
			g.say("the document also takes a body of %s, which the wrapper cannot send: if it must, see newRequest in wrapper/client.go", media)
		}
	}
	schema := g.get(g.get(content[sent])["schema"])
	if schema == nil {
		g.say("the wrapper sends a body of %s, for which the document has no schema: change newRequest in wrapper/client.go", sent)
		return
	}
	g.property("", schema)
	for _, place := range slices.Sorted(maps.Keys(senders)) {
		if !g.found[place] {
			g.say("the wrapper sends %s, which the document lacks: take it out of wrapper/update.go, and out of senders in wrapper/guards_test.go", place)
		}
	}
	for _, row := range typedFields {
		if !g.found[credentialsAt+row.wire] {
			g.say("the wrapper sends the credential %s, which the document lacks: take %s out of wrapper/credentials.go, and out of typedFields in wrapper/wire_test.go", row.wire, row.name)
		}
	}
	if !g.found[schemeAt] {
		g.say("the wrapper sends %s, which the document lacks: change connectionOf in wrapper/update.go", schemeAt)
	}
}

// property goes through the body's properties.
func (g *guarding) property(place string, schema object) {
	g.found[place] = true
	credential, isCredential := strings.CutPrefix(place, credentialsAt)
	s, ok := senders[place]
	if isCredential {
		s, ok = sendsString(func(v string) composio.Update { return withCredential(credential, composio.Set(v)) }), true
	}
	switch {
	case place == schemeAt:
		g.scheme(schema)
	case isCredential && schema["type"] == "string" && !g.tries(place, `"x"`, s, func() any { return "x" }).arrived:
		g.say("the credential %s is in the document, and the wrapper can neither set nor clear it: run make generate, after which CredentialFields in wrapper/credentials.go takes it by its name; if its scheme is known, add a field to that scheme's struct there", credential)
	case ok:
		g.leaf(place, schema, s)
		if isCredential {
			g.clear(place, credential, schema)
		}
	case schema["properties"] != nil:
		if schema["type"] != "object" {
			g.say("the body%s is of type %v in the document, and the wrapper sends an object: see wrapper/update.go", of(place), schema["type"])
		}
		g.keywords("the body"+of(place), schema, "wrapper/update.go", "type", "properties", "required", "additionalProperties")
		properties := g.get(schema["properties"])
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			g.property(place+"/"+name, g.get(properties[name]))
		}
	default:
		g.say("the body%s is in the document, and no Update sends it: add a field in wrapper/update.go, send it in body, and add a row to senders in wrapper/guards_test.go", of(place))
	}
}

func withCredential(name string, field composio.Field) composio.Update {
	return composio.Update{Credentials: composio.CredentialFields{
		Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{name: field},
	}}
}

// scheme compares the values of authScheme with the constants and the credential structs.
func (g *guarding) scheme(schema object) {
	values, _ := schema["enum"].([]any)
	g.keywords("the body's "+schemeAt, schema, "wrapper/update.go", "type", "enum")
	if schema["type"] != "string" || values == nil {
		g.say("authScheme is no string with an enum any more: see Scheme in wrapper/update.go, which refuses other values")
	}
	for _, value := range values {
		scheme := composio.Scheme(fmt.Sprint(value))
		if !slices.Contains(schemeConstants, scheme) {
			g.say("the authScheme %s has no constant: add one to Scheme in wrapper/update.go, and to schemeConstants in wrapper/guards_test.go", scheme)
		}
		if !g.hasStruct(scheme) {
			g.say("the authScheme %s has no typed credential: add a struct to wrapper/credentials.go, and a row for each field to typedFields in wrapper/wire_test.go", scheme)
		}
	}
	for _, constant := range schemeConstants {
		if values != nil && !slices.Contains(values, any(string(constant))) {
			g.say("the document lacks the authScheme %s: take its constant out of wrapper/update.go and its struct out of wrapper/credentials.go", constant)
		}
	}
}

// hasStruct reports whether a credential struct sends a scheme.
func (g *guarding) hasStruct(scheme composio.Scheme) bool {
	for _, row := range typedFields {
		o := g.sends("typed "+row.name, func() composio.Update {
			return composio.Update{Credentials: row.with(composio.Set("x"))}
		})
		if sent, ok := valueAt(o.body, schemeAt); ok && sent == string(scheme) {
			return true
		}
	}
	return false
}

// leaf sends a property, with ordinary values and at the bounds that the document sets.
func (g *guarding) leaf(place string, schema object, s sender) {
	if schema["type"] != s.kind {
		g.say("the body's %s is of type %v in the document, and the wrapper sends a value of type %s: change it in wrapper/update.go or wrapper/credentials.go", place, schema["type"], s.kind)
		return
	}
	known := []string{"type"}
	switch s.kind {
	case "string":
		known = append(known, "minLength", "maxLength", "nullable")
		g.bounds(place, schema, "Length", s, func(n int) any { return strings.Repeat("é", n) })
		if schema["minLength"] == nil { // or else it is tried above
			g.mustSend(place, `""`, s, func() any { return "" })
		}
		g.mustSend(place, `"x"`, s, func() any { return "x" })
	case "boolean":
		g.mustSend(place, "true", s, func() any { return true })
		g.mustSend(place, "false", s, func() any { return false })
	case "array":
		known = append(known, "items", "maxItems")
		items := g.get(schema["items"])
		if items["type"] != "string" {
			g.say("the items of the body's %s are of type %v in the document, and the wrapper sends strings: change it in wrapper/update.go", place, items["type"])
			return
		}
		g.keywords("the items of the body's "+place, items, "checkUserIDs in wrapper/update.go", "type", "minLength", "maxLength")
		g.bounds(place, schema, "Items", s, func(n int) any { return slices.Repeat([]any{"x"}, n) })
		g.bounds(place, items, "Length", s, func(n int) any { return []any{strings.Repeat("é", n)} })
		g.mustSend(place, "[]", s, func() any { return []any{} })
		g.mustSend(place, `["x","y"]`, s, func() any { return []any{"x", "y"} })
	}
	if schema["nullable"] == true && !strings.HasPrefix(place, credentialsAt) {
		g.say("the body's %s may be null in the document, which the wrapper cannot send: see wrapper/update.go", place)
	}
	g.keywords("the body's "+place, schema, "wrapper/update.go or wrapper/credentials.go", known...)
}

// clear removes a credential.
func (g *guarding) clear(place, name string, schema object) {
	o := g.sends(place+" cleared", func() composio.Update { return withCredential(name, composio.Clear()) })
	got, sent := valueAt(o.body, place)
	switch {
	case schema["nullable"] != true:
		g.say("the credential %s may not be null in the document: have Clear refused for it, in wrapper/credentials.go", name)
	case !sent || got != nil:
		g.say("the credential %s does not arrive as null when it is cleared: see set in wrapper/credentials.go", name)
	}
}

// mustSend has a value arrive as it is.
func (g *guarding) mustSend(place, name string, s sender, value func() any) {
	if !g.tries(place, name, s, value).arrived {
		g.say("the body's %s does not arrive when it is sent as %s: see wrapper/update.go or wrapper/credentials.go", place, name)
	}
}

// mustRefuse has a value refused before anything is sent.
func (g *guarding) mustRefuse(place, name string, s sender, value func() any, bound string) {
	if o := g.tries(place, name, s, value); o.sent != nil || o.is != "ErrInvalid" {
		g.say("the body's %s has %s in the document, and the wrapper sends what is beyond it: refuse it in wrapper/update.go or wrapper/credentials.go", place, bound)
	}
}

// bounds tries the values at both bounds of a property and the first ones beyond; value makes one of a size.
func (g *guarding) bounds(place string, schema object, what string, s sender, value func(n int) any) {
	const tryable = 100_000
	try := func(keyword string, bound, beyond int) {
		named := func(n int) (string, sender, func() any) {
			return fmt.Sprintf("%d %s", n, map[string]string{"Items": "items", "Length": "characters"}[what]), s, func() any { return value(n) }
		}
		name, s, v := named(bound)
		g.mustSend(place, name, s, v)
		name, s, v = named(beyond)
		g.mustRefuse(place, name, s, v, fmt.Sprintf("%s %d", keyword, bound))
	}
	if low, ok := schema["min"+what].(float64); ok && low > 0 && low < tryable {
		try("min"+what, int(low), int(low)-1)
	}
	if high, ok := schema["max"+what].(float64); ok && high < tryable {
		try("max"+what, int(high), int(high)+1)
	}
}

// prose are the keywords that say nothing to a program.
var prose = []string{"description", "example", "title"}

// deprecation says that Composio will take something away.
func (g *guarding) deprecation(place string, of object, where string) {
	if of["deprecated"] == true && !slices.Contains(toldDeprecated, place) {
		g.say("%s is deprecated in the document: tell the callers by a Deprecated: comment in %s, and add %q to toldDeprecated in wrapper/guards_test.go", place, where, place)
	}
}

// keywords finds those of a schema that the code knows nothing of.
func (g *guarding) keywords(place string, schema object, where string, known ...string) {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		switch {
		case slices.Contains(known, keyword), slices.Contains(prose, keyword), strings.HasPrefix(keyword, "x-"):
		case keyword == "deprecated":
			g.deprecation(place, schema, where)
		case keyword == "format" && knownFormats[place] == schema[keyword]:
		default:
			value, _ := json.Marshal(schema[keyword])
			g.say("%s has %s %.60s in the document, which the wrapper knows nothing of: see whether %s must, then teach it to the guards in wrapper/guards_test.go", place, keyword, value, where)
		}
	}
}

func (g *guarding) responses() {
	responses := g.get(g.operation["responses"])
	if responses["200"] == nil {
		g.say("the document lacks an answer 200, the one that makes a Result: see read in wrapper/answer.go")
	}
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		code, err := strconv.Atoi(status)
		if err != nil {
			g.say("the document has the answer %q, and the sentinels are for single statuses: see Is in wrapper/errors.go, then teach it to the guards in wrapper/guards_test.go", status)
			continue
		}
		g.response(code, g.get(responses[status]))
	}
	for _, place := range slices.Sorted(maps.Keys(g.unread)) {
		g.say("the answer%s is in the document (%s), and the wrapper does not read it: read it in wrapper/answer.go, or give the reason in notRead of wrapper/guards_test.go",
			of(place), strings.Join(g.unread[place], ", "))
	}
}

func (g *guarding) response(code int, response object) {
	headers := g.get(response["headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if g.answered(code, http.Header{name: {"1"}}, nil).says == g.answered(code, http.Header{name: {"2"}}, nil).says {
			g.say("the answer %d has the header %s in the document, which the wrapper does not read: read it in wrapper/answer.go", code, name)
		}
	}
	content := g.get(response["content"])
	accepted := g.sent.Header.Get("Accept")
	for _, media := range slices.Sorted(maps.Keys(content)) {
		if media != accepted {
			g.say("the answer %d can be %s in the document, and the wrapper asks for %s: see newRequest in wrapper/client.go and wrapper/answer.go", code, media, accepted)
		}
	}
	schema := g.get(g.get(content[accepted])["schema"])
	if schema == nil {
		g.say("the answer %d has no %s in the document, and the wrapper reads it: see wrapper/answer.go", code, accepted)
		return
	}
	usual := g.sample(schema)
	o := g.answered(code, nil, usual)
	switch {
	case code < 300 && !o.success:
		g.say("the answer %d makes no Result (%s): see readResult in wrapper/answer.go", code, o.says)
	case code >= 300 && strings.TrimSpace(strings.ReplaceAll(o.is, "ErrOutcomeUnknown", "")) == "":
		g.say("the answer %d has no sentinel: add one to wrapper/errors.go (the variable, and its line in Is) and to the tables in wrapper/doc.go, README.md and sentinels of wrapper/answer_test.go", code)
	}
	g.answer(code, "", schema, usual)
}

// answer goes through the properties of an answer: another value must make a difference to the caller.
func (g *guarding) answer(code int, place string, schema object, usual any) {
	where := "wrapper/answer.go"
	if properties := g.get(schema["properties"]); properties != nil {
		if schema["type"] != "object" {
			g.say("the answer %d%s is of type %v in the document, and the wrapper reads an object: see %s", code, of(place), schema["type"], where)
		}
		g.keywords("the answer"+of(place), schema, where, "type", "properties", "required", "additionalProperties")
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			g.answer(code, place+"/"+name, g.get(properties[name]), usual)
		}
		return
	}
	g.keywords("the answer's "+place, schema, where, "type", "items")
	if items := g.get(schema["items"]); items != nil {
		g.keywords("the items of the answer's "+place, items, where, "type")
	}
	changed := clone(usual)
	setAt(changed, place, g.other(schema))
	same := g.answered(code, nil, changed).says == g.answered(code, nil, usual).says
	if _, excused := notRead[place]; same && !excused {
		g.unread[place] = append(g.unread[place], strconv.Itoa(code))
	}
}

// sample is a value of a schema, and other is one of the same schema at a leaf, every part of it different.
func (g *guarding) sample(schema object) any {
	properties := g.get(schema["properties"])
	if properties == nil {
		return g.leafValue(schema, true, 1, "one")
	}
	value := object{}
	for name, property := range properties {
		value[name] = g.sample(g.get(property))
	}
	return value
}

func (g *guarding) other(schema object) any { return g.leafValue(schema, false, 2, "two") }

func (g *guarding) leafValue(schema object, b bool, n float64, s string) any {
	switch schema["type"] {
	case "boolean":
		return b
	case "number", "integer":
		return n
	case "array":
		return []any{g.leafValue(g.get(schema["items"]), b, n, s)}
	case "object":
		return object{s: s}
	default:
		return s
	}
}

// of names a place within a body.
func of(place string) string {
	if place == "" {
		return ""
	}
	return "'s " + place
}

// valueAt returns what a JSON pointer leads to.
func valueAt(v any, pointer string) (value any, ok bool) {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		o, isObject := v.(object)
		if v, ok = o[name]; !isObject || !ok {
			return nil, false
		}
	}
	return v, true
}

// setAt changes what a JSON pointer leads to, in place.
func setAt(v any, pointer string, value any) {
	at := strings.LastIndexByte(pointer, '/')
	if at > 0 {
		v, _ = valueAt(v, pointer[:at])
	}
	if o, ok := v.(object); ok {
		o[pointer[at+1:]] = value
	}
}

// clone copies JSON that was decoded.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		c := make(object, len(v))
		for name, member := range v {
			c[name] = clone(member)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = clone(item)
		}
		return c
	}
	return v
}
