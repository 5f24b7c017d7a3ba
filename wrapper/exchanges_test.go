package composio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

// update accepts what the tests found in place of the files in testdata.
var update = flag.Bool("update", false, "write the files in testdata anew")

// exchangesDir has one file for each form of request and of answer: what the client sent to the sandbox, what came back,
// and where either breaks the contract. People read them, and the mutation test holds changed documents against them.
const exchangesDir = "testdata/exchanges"

// recording makes one exchange. The client sends update; without one, a bare HTTP client sends body.
type recording struct {
	name, about string
	update      *composio.Update
	body        string
	header      http.Header // of a bare request, over the usual ones; a name without values takes it off
	key         string      // in the place of the right one
	version     string
	id          string            // in the place of testID
	accounts    []sandbox.Account // in the place of one that the update fits
	answer      *sandbox.Answer   // scripted, in the place of the sandbox's own
}

// requestID stands for the random one of each call.
const requestID = "00000000-0000-4000-8000-000000000000"

// recordedExchange is what a file holds.
type recordedExchange struct {
	name, about string

	method, path string
	request      http.Header
	body         string

	status   int
	response http.Header
	answer   string

	violations []string // "request /alias: type"; none if the exchange fits the contract
}

func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, r := range recordings(t) {
		if _, twice := want[r.name+".txt"]; twice {
			t.Fatalf("two recordings are called %s", r.name)
		}
		want[r.name+".txt"] = r.record(t).String()
	}
	compareFiles(t, exchangesDir, want, "go test ./wrapper -run TestRecordedExchanges -update")
}

// Each documented answer needs one that fits and one that does not, or a change of the document would go unseen.
func TestEachDocumentedStatusIsRecordedBothWays(t *testing.T) {
	t.Parallel()
	for _, sentence := range unrecorded(decode(t, api.Spec), readExchanges(t)) {
		t.Error(sentence)
	}
}

// unrecorded says which documented answers no exchange has.
func unrecorded(document object, exchanges []recordedExchange) []string {
	fits, breaks := map[string]bool{}, map[string]bool{}
	for _, e := range exchanges {
		status := strconv.Itoa(e.status)
		fits[status] = fits[status] || e.violations == nil
		breaks[status] = breaks[status] || e.violations != nil
	}
	var said []string
	for _, status := range documentStatuses(document) {
		if !fits[status] {
			said = append(said, "no recorded exchange has a good answer "+status+": add one to answerRecordings in wrapper/exchanges_test.go, and run go test ./wrapper -run TestRecordedExchanges -update")
		}
		if !breaks[status] {
			said = append(said, "no recorded exchange has a wrong answer "+status+": run go test ./wrapper -run TestRecordedExchanges -update")
		}
	}
	return said
}

// What the client sends, which is what has a User-Agent, is good whoever answers.
func TestTheClientsRequestsFitTheContract(t *testing.T) {
	t.Parallel()
	for _, e := range readExchanges(t) {
		for _, violation := range e.violations {
			if e.request.Get("User-Agent") != "" && strings.HasPrefix(violation, "request ") {
				t.Errorf("%s: the client's request breaks the contract at %s; correct wrapper/update.go or wrapper/client.go", e.name, violation)
			}
		}
	}
}

// documentStatuses are those of the operations of a document.
func documentStatuses(document object) []string {
	statuses := map[string]bool{}
	g := &guarding{document: document}
	for _, path := range g.get(document["paths"]) {
		for _, operation := range g.get(path) {
			for status := range g.get(g.get(operation)["responses"]) {
				statuses[status] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(statuses))
}

func recordings(t testing.TB) []recording {
	return slices.Concat(updateRecordings(t), answerRecordings(), wrongRequests(t), wrongAnswers(t))
}

// updateRecordings are the forms of update that the client can send.
func updateRecordings(t testing.TB) []recording {
	names := credentialNames(t)
	all := func(field composio.Field) composio.Credentials {
		fields := map[string]composio.Field{}
		for _, name := range names {
			fields[name] = field
		}
		return composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: fields}
	}
	longest := strings.Repeat("é", 256)
	list := []recording{
		{name: "update-alias", about: "The alias is set.", update: &composio.Update{Alias: composio.Set("work")}},
		{name: "update-alias-cleared", about: "The alias is cleared.", update: &composio.Update{Alias: composio.Clear()}},
		{name: "update-alias-long", about: "An alias may have any length and any character.", update: &composio.Update{Alias: composio.Set(strings.Repeat("Büro 世界 ", 50))}},
		{name: "update-alias-v3.1", about: "The same operation, under the version that newer official clients call.", version: "v3.1", update: &composio.Update{Alias: composio.Set("work")}},
		{name: "update-id-short", about: "The shortest id that the client sends.", id: "a", update: &rename},
		{name: "update-id-long", about: "The longest id that the client sends.", id: strings.Repeat("Zz9-_", 25) + "end", update: &rename},
		{name: "update-credentials-all-set", about: "Each credential is replaced.", update: &composio.Update{Credentials: all(composio.Set("new value"))}},
		{name: "update-credentials-all-empty", about: "Each credential is replaced with an empty one.", update: &composio.Update{Credentials: all(composio.Set(""))}},
		{name: "update-credentials-all-cleared", about: "Each credential is removed.", update: &composio.Update{Credentials: all(composio.Clear())}},
		{name: "update-sharing-all-users", about: "Every user may use the account.", update: &composio.Update{Sharing: &composio.Sharing{AllowAllUsers: new(true)}}},
		{name: "update-sharing-not-all-users", about: "Not every user may use the account.", update: &composio.Update{Sharing: &composio.Sharing{AllowAllUsers: new(false)}}},
		{name: "update-sharing-lists", about: "Lists of users, with the shortest and the longest id.", update: &composio.Update{Sharing: &composio.Sharing{
			AllowedUserIDs: []string{"u", longest}, NotAllowedUserIDs: []string{"v", longest},
		}}},
		{name: "update-sharing-lists-emptied", about: "Lists of users are emptied.", update: &composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: []string{}, NotAllowedUserIDs: []string{}}}},
		{name: "update-sharing-lists-longest", about: "The longest lists of users, with repetitions.", update: &composio.Update{Sharing: &composio.Sharing{
			AllowedUserIDs: slices.Repeat([]string{"u"}, 1000), NotAllowedUserIDs: slices.Repeat([]string{"v"}, 1000),
		}}},
		{name: "update-everything", about: "Alias, credential and sharing in one update.", update: &composio.Update{
			Alias:       composio.Set("work"),
			Credentials: composio.Basic{Password: composio.Set("new value")},
			Sharing:     &composio.Sharing{AllowAllUsers: new(true), AllowedUserIDs: []string{"user_1"}, NotAllowedUserIDs: []string{}},
		}},
	}
	schemes := map[string]bool{}
	for _, row := range typedFields {
		if schemes[row.scheme] {
			continue
		}
		schemes[row.scheme] = true
		list = append(list, recording{
			name:   "update-credentials-" + strings.ToLower(strings.ReplaceAll(row.scheme, "_", "-")),
			about:  "A credential of an account with the scheme " + row.scheme + ".",
			update: &composio.Update{Credentials: row.with(composio.Set("new value"))},
		})
	}
	return list
}

// answerRecordings are the answers that a client can meet.
func answerRecordings() []recording {
	account := sandbox.Account{ID: testID, Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken}
	other := sandbox.Account{ID: "ca_other", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "work"}
	oauth := account
	oauth.Scheme = "OAUTH2"
	expired := account
	expired.Status = composio.StatusExpired
	token := &composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new value")}}
	detail := func(status int, members string) *sandbox.Answer {
		return &sandbox.Answer{Status: status, Body: fmt.Sprintf(`{"error":{%s,"status":%d}}`, members, status)}
	}
	page := func(status int) *sandbox.Answer {
		return &sandbox.Answer{Status: status, Header: http.Header{"Content-Type": {"text/html"}},
			Body: fmt.Sprintf("<html>\n<h1>%d %s</h1>\n</html>\n", status, http.StatusText(status))}
	}
	return []recording{
		{name: "answer-200-expired", about: "The update was applied, and the account needs more than that.", accounts: []sandbox.Account{expired}, update: token},
		{name: "answer-200-more", about: "The answer may have properties that the document lacks.", update: &rename,
			answer: &sandbox.Answer{Body: `{"success":true,"id":"ca_1a2b3c4d5e6f","status":"SOMETHING NEW","later":{"more":1}}`}},
		{name: "answer-200-empty-texts", about: "The texts of an answer may be empty.", update: &rename, answer: &sandbox.Answer{Body: `{"success":false,"id":"","status":""}`}},
		{name: "answer-201", about: "A status that the document lacks, which is no error by itself.", update: &rename, answer: &sandbox.Answer{Status: 201, Body: success}},
		{name: "answer-204", about: "Nothing at all, with a status that the document lacks.", update: &rename, answer: &sandbox.Answer{Status: 204, Header: http.Header{"Content-Type": nil}}},
		{name: "answer-307", about: "A redirect, which the client does not follow.", update: &rename,
			answer: &sandbox.Answer{Status: 307, Header: http.Header{"Content-Type": nil, "Location": {"https://elsewhere.test/"}}}},
		{name: "answer-400-other-scheme", about: "The account has another scheme.", accounts: []sandbox.Account{account}, update: &composio.Update{Credentials: composio.Basic{Password: composio.Set("new value")}}},
		{name: "answer-400-oauth", about: "Accounts of OAuth cannot be updated.", accounts: []sandbox.Account{oauth}, update: &rename},
		{name: "answer-400-missing-fields", about: "A toolkit wants more than the update has.", update: token,
			answer: detail(400, `"message":"Missing required fields: Tenant Name","code":612,"slug":"ConnectedAccount_MissingRequiredFields"`)},
		{name: "answer-400-everything", about: "An error with every property that the document has, and others.", update: &rename,
			answer: detail(400, `"message":"m","code":16777217,"slug":"s","request_id":"r","suggested_fix":"f","errors":["one",""],"later":[]`)},
		{name: "answer-400-fractions", about: "Numbers may have fractions, and signs; texts may be empty, as may lists.", update: &rename,
			answer: &sandbox.Answer{Status: 400, Body: `{"error":{"message":"","code":-600.5,"slug":"","status":400.5,"request_id":"","suggested_fix":"","errors":[]},"later":1}`}},
		{name: "answer-401", about: "The key is wrong.", key: "ak_wrong_key_01234", update: &rename},
		{name: "answer-403", about: "The key may not change this account.", update: &rename, answer: detail(403, `"message":"Forbidden","code":10403,"slug":"HTTP_Forbidden"`)},
		{name: "answer-404", about: "There is no such account.", accounts: []sandbox.Account{other}, update: &rename},
		{name: "answer-408", about: "A gateway waited too long.", update: &rename, answer: page(408)},
		{name: "answer-409-alias", about: "Another account has the alias.", accounts: []sandbox.Account{account, other}, update: &rename},
		{name: "answer-409-lease", about: "Somebody else writes at the same time.", update: &rename,
			answer: detail(409, `"message":"Another update holds the lease of the connection","code":600,"slug":"ConnectedAccount_Conflict"`)},
		{name: "answer-422", about: "A status that the document lacks, with its error body.", update: &rename, answer: detail(422, `"message":"Unprocessable","code":10422,"slug":"HTTP_UnprocessableEntity"`)},
		{name: "answer-429", about: "The rate limit, as Composio tells of it.", update: &rename, answer: &sandbox.Answer{
			Status: 429, Header: http.Header{"Retry-After": {"17"}, "X-RateLimit-Remaining": {"0"}},
			Body: `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`,
		}},
		{name: "answer-429-bare", about: "The rate limit in its other form.", update: &rename, answer: detail(429, `"message":"Too many requests","code":10429,"slug":"HTTP_TooManyRequests"`)},
		{name: "answer-500", about: "Composio failed.", update: &rename, answer: detail(500, `"message":"Internal Server Error","code":10500,"slug":"HTTP_InternalServerError"`)},
		{name: "answer-502", about: "A gateway had no answer.", update: &rename, answer: page(502)},
		{name: "answer-503", about: "A gateway is closed.", update: &rename, answer: page(503)},
		{name: "answer-504", about: "A gateway waited too long for Composio.", update: &rename, answer: page(504)},
		{name: "bare-no-body", about: "The document does not ask for a body. The client always sends one."},
		{name: "bare-unknown-properties", about: "All objects but the credentials may have properties that the document lacks. The client sends none.",
			body: `{"later":1,"connection":{"later":1,"state":{"later":1,"authScheme":"BEARER_TOKEN","val":{}}},"experimental":{"later":1,"acl_config_for_shared":{"later":1}}}`},
		{name: "bare-empty", about: "An update of nothing, which the client refuses to send.", body: `{}`},
		{name: "bare-empty-experimental", about: "Nothing about sharing.", body: `{"experimental":{}}`},
		{name: "bare-many-properties", about: "An object may have any number of properties that the document lacks.", body: manyProperties()},
	}
}

func manyProperties() string {
	many := object{}
	for i := range 101 {
		many[fmt.Sprintf("p%d", i)] = nil
	}
	data, _ := json.Marshal(object{"later": many})
	return string(data)
}

// wrongRequests are those that the document forbids. The client cannot send them, so a bare one does.
func wrongRequests(t testing.TB) []recording {
	var types, nulls []string
	for _, name := range credentialNames(t) {
		types = append(types, fmt.Sprintf("%q:7", name))
		nulls = append(nulls, fmt.Sprintf("%q:[]", name))
	}
	val := func(members string) string {
		return `{"connection":{"state":{"authScheme":"API_KEY","val":{` + members + `}}}}`
	}
	acl := func(members string) string { return `{"experimental":{"acl_config_for_shared":` + members + `}}` }
	list := func(item string, n int) string {
		return `[` + strings.Join(slices.Repeat([]string{item}, n), ",") + `]`
	}
	long := `"` + strings.Repeat("é", 257) + `"`
	wrong := []recording{
		{name: "type-of-body", about: "The body is a list.", body: `[]`},
		{name: "null-body", about: "The body is null.", body: `null`},
		{name: "types-of-parts", about: "Each part of an update is a number.", body: `{"alias":7,"connection":7,"experimental":7}`},
		{name: "nulls-of-parts", about: "Each part of an update is null.", body: `{"alias":null,"connection":null,"experimental":null}`},
		{name: "type-of-state", about: "The state is a number.", body: `{"connection":{"state":7}}`},
		{name: "null-state", about: "The state is null.", body: `{"connection":{"state":null}}`},
		{name: "no-state", about: "The state is missing.", body: `{"connection":{}}`},
		{name: "types-of-state", about: "Scheme and credentials are numbers.", body: `{"connection":{"state":{"authScheme":7,"val":7}}}`},
		{name: "nulls-of-state", about: "Scheme and credentials are null.", body: `{"connection":{"state":{"authScheme":null,"val":null}}}`},
		{name: "no-scheme", about: "Scheme and credentials are missing.", body: `{"connection":{"state":{}}}`},
		{name: "scheme", about: "The scheme is one that the document lacks.", body: `{"connection":{"state":{"authScheme":"OAUTH2","val":{}}}}`},
		{name: "empty-scheme", about: "The scheme is empty.", body: `{"connection":{"state":{"authScheme":"","val":{}}}}`},
		{name: "types-of-credentials", about: "Each credential is a number.", body: val(strings.Join(types, ","))},
		{name: "lists-of-credentials", about: "Each credential is a list.", body: val(strings.Join(nulls, ","))},
		{name: "unknown-credentials", about: "Toolkit parameters, which the document had before, and what never was a credential.", body: val(`"subdomain":"acme","region":null,"later":7`)},
		{name: "type-of-sharing", about: "The sharing is a number.", body: acl(`7`)},
		{name: "null-sharing", about: "The sharing is null.", body: acl(`null`)},
		{name: "types-of-sharing", about: "Each part of the sharing is a number.", body: acl(`{"allow_all_users":7,"allowed_user_ids":7,"not_allowed_user_ids":7}`)},
		{name: "nulls-of-sharing", about: "Each part of the sharing is null.", body: acl(`{"allow_all_users":null,"allowed_user_ids":null,"not_allowed_user_ids":null}`)},
		{name: "types-of-users", about: "Users are a number and null.", body: acl(`{"allowed_user_ids":[7,null],"not_allowed_user_ids":[7,null]}`)},
		{name: "too-many-users", about: "Lists of users that are too long.", body: acl(`{"allowed_user_ids":` + list(`"u"`, 1001) + `,"not_allowed_user_ids":` + list(`"v"`, 1001) + `}`)},
		{name: "users-without-name", about: "Users whose id is empty.", body: acl(`{"allowed_user_ids":[""],"not_allowed_user_ids":[""]}`)},
		{name: "users-with-long-names", about: "Users whose id is too long.", body: acl(`{"allowed_user_ids":[` + long + `],"not_allowed_user_ids":[` + long + `]}`)},
		{name: "no-key", about: "The key is missing.", body: `{}`, header: http.Header{"X-Api-Key": nil}},
		{name: "key-elsewhere", about: "The key is in the headers that other APIs use.", body: `{}`, header: http.Header{
			"X-Api-Key": nil, "X-User-Api-Key": {sandbox.DefaultAPIKey}, "Authorization": {"Bearer " + sandbox.DefaultAPIKey}, "Cookie": {"x-api-key=" + sandbox.DefaultAPIKey},
		}},
		{name: "no-media-type", about: "The media type is missing.", body: `{}`, header: http.Header{"Content-Type": nil}},
	}
	for _, media := range []string{"application/xml", "application/x-www-form-urlencoded", "text/plain"} {
		wrong = append(wrong, recording{name: "media-type-" + strings.ReplaceAll(media, "/", "-"), about: "The media type is another one.", body: `{}`, header: http.Header{"Content-Type": {media}}})
	}
	for i := range wrong {
		wrong[i].name = "wrong-request-" + wrong[i].name
	}
	return wrong
}

// wrongAnswers are those that the document forbids: some of them do arrive.
func wrongAnswers(t testing.TB) []recording {
	wrong := func(name, about string, status int, body string) recording {
		return recording{name: "wrong-answer-" + name, about: about, update: &rename, answer: &sandbox.Answer{Status: status, Body: body}}
	}
	list := []recording{
		wrong("type", "The answer is a list.", 200, `[]`),
		wrong("null", "The answer is null.", 200, `null`),
		wrong("types", "Each property is a list.", 200, `{"success":[],"id":[],"status":[]}`),
		wrong("other-types", "Each property is a number.", 200, `{"success":7,"id":7,"status":7}`),
		wrong("nulls", "Each property is null.", 200, `{"success":null,"id":null,"status":null}`),
		wrong("error-type", "The error is a list.", 400, `[]`),
		wrong("error-null", "The error is null.", 400, `null`),
		wrong("error-text", "The error is a text.", 400, `{"error":"Bad request"}`),
		wrong("error-text-null", "The error's content is null.", 400, `{"error":null}`),
		wrong("error-empty", "The error's content is empty.", 400, `{"error":{}}`),
		wrong("error-types", "Each property of the error is an object.", 400, `{"error":{"message":{},"code":{},"slug":{},"status":{},"request_id":{},"suggested_fix":{},"errors":{}}}`),
		wrong("error-other-types", "Texts are numbers and numbers are texts.", 400, `{"error":{"message":7,"code":"7","slug":7,"status":"7","request_id":7,"suggested_fix":7,"errors":"7"}}`),
		wrong("error-nulls", "Each property of the error is null.", 400, `{"error":{"message":null,"code":null,"slug":null,"status":null,"request_id":null,"suggested_fix":null,"errors":null}}`),
		wrong("error-findings", "The single findings are objects, as seen in the wild, a number and null.", 400, `{"error":{"message":"m","code":1,"slug":"s","status":400,"errors":[{"path":"alias"},7,null]}}`),
		wrong("error-code-elsewhere", "The error as seen in the wild, with error_code and without slug and status.", 400,
			`{"error":{"message":"Validation error while processing request","error_code":10400,"suggested_fix":"Check the payload","errors":["Error in payload"]}}`),
	}
	for _, status := range documentStatuses(decode(t, api.Spec)) {
		code, err := strconv.Atoi(status)
		if err != nil {
			t.Errorf("the document's status %s has no example here: %v", status, err)
			continue
		}
		page := wrong(status+"-page", "A page, as gateways answer.", code, "<h1>"+http.StatusText(code)+"</h1>")
		page.answer.Header = http.Header{"Content-Type": {"text/html"}}
		list = append(list, wrong(status, "The answer has none of its properties.", code, `{}`), page)
	}
	return list
}

// account is one that an update fits.
func (r recording) account() sandbox.Account {
	a := sandbox.Account{ID: testID, Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken}
	if r.id != "" {
		a.ID = r.id
	}
	if r.update != nil && r.update.Credentials != nil {
		a.Scheme = schemeOf(r.update.Credentials)
	}
	return a
}

// schemeOf returns the scheme that credentials are of.
func schemeOf(c composio.Credentials) composio.Scheme {
	if fields, ok := c.(composio.CredentialFields); ok {
		return fields.Scheme
	}
	for _, row := range typedFields {
		if fmt.Sprintf("%T", row.with(composio.Field{})) == fmt.Sprintf("%T", c) {
			return composio.Scheme(row.scheme)
		}
	}
	return ""
}

// record makes the exchange.
func (r recording) record(t testing.TB) recordedExchange {
	t.Helper()
	box := sandbox.New()
	accounts := r.accounts
	if accounts == nil {
		accounts = []sandbox.Account{r.account()}
	}
	for _, a := range accounts {
		box.Put(a)
	}
	if r.answer != nil {
		box.Script(*r.answer)
	}
	server := httptest.NewServer(box)
	defer server.Close()
	pool := composio.NewTransport()
	defer pool.CloseIdleConnections()

	e := recordedExchange{name: r.name, about: r.about}
	var report contract.Report
	checked := contract.Transport(pool, contract.Collect(&report, io.Discard), contract.OnViolation(func(_ *http.Request, v contract.Violation) {
		e.violations = append(e.violations, fmt.Sprintf("%s %s: %s", v.Direction, v.Location, v.Rule))
	}))
	taps := roundTripFunc(func(req *http.Request) (*http.Response, error) { return e.tap(t, checked, req) })
	if r.update != nil {
		r.byClient(t, server.URL, taps)
	} else {
		r.byHand(t, server.URL, taps)
	}
	if report.Exchanges() != 1 {
		t.Fatalf("%s: %s", r.name, &report)
	}
	return e
}

func (r recording) byClient(t testing.TB, url string, transport http.RoundTripper) {
	key, version, id := sandbox.DefaultAPIKey, "v3", testID
	if r.key != "" {
		key = r.key
	}
	if r.version != "" {
		version = r.version
	}
	if r.id != "" {
		id = r.id
	}
	client := mustNew(t, key, composio.WithBaseURL(url), composio.WithAPIVersion(version), composio.WithMaxRetries(0),
		composio.WithHTTPClient(&http.Client{Transport: transport}))
	result, err := client.UpdateConnectedAccount(t.Context(), id, *r.update)
	if _, ok := errors.AsType[*composio.Error](err); result == nil && !ok {
		t.Fatalf("%s: neither a result nor an *Error: %v", r.name, err)
	}
}

func (r recording) byHand(t testing.TB, url string, transport http.RoundTripper) {
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), "PATCH", url+"/api/v3/connected_accounts/"+testID, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"X-Api-Key": {sandbox.DefaultAPIKey}, "X-Request-Id": {requestID}}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(req.Header, r.header)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// tap writes an exchange down on its way.
func (e *recordedExchange) tap(t testing.TB, next http.RoundTripper, req *http.Request) (*http.Response, error) {
	e.method, e.path, e.request = req.Method, req.URL.EscapedPath(), http.Header{}
	for name, values := range req.Header {
		if len(values) > 0 { // others are not sent
			e.request[name] = values
		}
	}
	id := req.Header.Get("X-Request-Id")
	e.request.Set("X-Request-Id", requestID)
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Fatal(err)
		}
		e.body = string(body)
		req = req.WithContext(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	e.status, e.answer, e.response = resp.StatusCode, strings.ReplaceAll(string(answer), id, requestID), resp.Header.Clone()
	e.response.Del("Date")
	for _, values := range e.response {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], id, requestID)
		}
	}
	return resp, nil
}

// String writes an exchange as its file has it: what was sent behind >, what came back behind <, and at the end what
// breaks the contract, behind !.
func (e recordedExchange) String() string {
	var b strings.Builder
	b.WriteString(e.about + "\n\n")
	message(&b, ">", e.method+" "+e.path, e.request, e.body)
	b.WriteString("\n")
	message(&b, "<", strconv.Itoa(e.status)+" "+http.StatusText(e.status), e.response, e.answer)
	b.WriteString("\n")
	for _, v := range e.violations {
		b.WriteString("! " + v + "\n")
	}
	if e.violations == nil {
		b.WriteString("It fits the contract.\n")
	}
	return b.String()
}

func message(b *strings.Builder, mark, first string, header http.Header, body string) {
	lines := []string{first}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			lines = append(lines, name+": "+value)
		}
	}
	if body != "" {
		lines = append(lines, "")
		lines = append(lines, strings.Split(body, "\n")...)
	}
	for _, line := range lines {
		b.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
}

// readExchanges reads the files, without looking at how they came about.
func readExchanges(t testing.TB) []recordedExchange {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(exchangesDir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no recorded exchanges in %s: run go test ./wrapper -run TestRecordedExchanges -update (%v)", exchangesDir, err)
	}
	var all []recordedExchange
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		e := parseExchange(string(data))
		e.name = strings.TrimSuffix(filepath.Base(path), ".txt")
		if e.String() != string(data) {
			t.Fatalf("%s is not what the test writes; run go test ./wrapper -run TestRecordedExchanges -update", path)
		}
		all = append(all, e)
	}
	return all
}

func parseExchange(text string) recordedExchange {
	var e recordedExchange
	var sent, came []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case ">":
			sent = append(sent, rest)
		case "<":
			came = append(came, rest)
		case "!":
			e.violations = append(e.violations, rest)
		default:
			if e.about == "" {
				e.about = line
			}
		}
	}
	var first string
	first, e.request, e.body = parseMessage(sent)
	e.method, e.path, _ = strings.Cut(first, " ")
	first, e.response, e.answer = parseMessage(came)
	status, _, _ := strings.Cut(first, " ")
	e.status, _ = strconv.Atoi(status) // a wrong one is not written as it was
	return e
}

func parseMessage(lines []string) (first string, header http.Header, body string) {
	header = http.Header{}
	for i, line := range lines {
		switch name, value, _ := strings.Cut(line, ": "); {
		case i == 0:
			first = line
		case line == "":
			return first, header, strings.Join(lines[i+1:], "\n")
		default:
			header[name] = append(header[name], value)
		}
	}
	return first, header, ""
}

// compareFiles compares the files of a directory with what they ought to hold, or writes them.
func compareFiles(t *testing.T, dir string, want map[string]string, accept string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%v; run: %s", err, accept)
	}
	names := maps.Clone(want)
	for _, entry := range have {
		if _, ok := names[entry.Name()]; !ok {
			names[entry.Name()] = ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		path := filepath.Join(dir, name)
		text, wanted := want[name]
		data, err := os.ReadFile(path)
		missing := errors.Is(err, os.ErrNotExist)
		switch {
		case err != nil && !missing:
			t.Error(err)
		case wanted && !missing && string(data) == text:
		case *update && wanted:
			err = os.WriteFile(path, []byte(text), 0o644)
		case *update:
			err = os.Remove(path)
		case missing:
			t.Errorf("%s is missing; to accept it, run: %s", path, accept)
		case !wanted:
			t.Errorf("%s is of nothing any more; to remove it, run: %s", path, accept)
		default:
			t.Errorf("%s (-file +now):\n%s\nto accept it, run: %s", path,
				cmp.Diff(strings.Split(string(data), "\n"), strings.Split(text, "\n")), accept)
		}
		if *update && err != nil && !missing {
			t.Error(err)
		}
	}
}
