package composio_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// recording makes one exchange. The client sends update; without one, a bare HTTP client sends body.
type recording struct {
	name, about string
	update      *composio.Update
	body        string
	header      http.Header // of a bare request, over the usual ones; a name without values takes it off
	key         string      // in the place of the right one
	version     string
	id          string            // in the place of testID
	scheme      composio.Scheme   // of the account, in the place of BEARER_TOKEN
	accounts    []sandbox.Account // in the place of that one
	answer      *sandbox.Answer   // scripted, in the place of the sandbox's own
}

// exchange is what the client sent to the sandbox, what came back, and where either breaks the contract.
type exchange struct {
	recording
	method, path, sent string
	request            http.Header

	status   int
	received string
	response http.Header

	violations []string // "request /alias: type"; none if the exchange fits the contract
}

// usual are the parts of an exchange that its record leaves out.
var usual = exchange{
	recording: recording{name: "usual", about: "An update of nothing."},
	method:    "PATCH", path: "/api/v3/connected_accounts/" + testID, sent: "{}", status: http.StatusOK, received: success,
	request: http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"composio-go"}, "X-Api-Key": {sandbox.DefaultAPIKey},
	},
	response: http.Header{
		"Content-Type": {"application/json"}, "X-Ratelimit": {"2000"}, "X-Ratelimit-Remaining": {"1999"}, "X-Ratelimit-Window-Size": {"60s"},
	},
}

// One record for each form of request and of answer, for people and for the mutation test.
func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	survey := newSurvey(t)
	if survey.guard(decode(t, api.Spec), true) != nil && !*update {
		t.Log("the document is not covered yet, so the records may differ: TestWrapperDoesWhatTheDocumentHas comes first")
		return
	}
	text := "A record begins at its name: > was sent, < came back, ! breaks the contract. What it does not say is as in the first.\n\n" + usual.record(exchange{})
	for _, e := range survey.exchanges {
		text += e.record(usual)
		for _, violation := range e.violations {
			if e.update != nil && strings.HasPrefix(violation, "request ") {
				t.Errorf("%s: the client's request breaks the contract at %s; correct wrapper/update.go or wrapper/client.go", e.name, violation)
			}
		}
	}
	golden(t, "testdata/exchanges.txt", text)
}

// documentStatuses are those of the operations of a document.
func documentStatuses(document object) []string {
	statuses := map[string]bool{}
	g := &guarding{document: document}
	for _, path := range g.get(document, "paths") {
		for _, operation := range g.get(path) {
			for status := range g.get(g.get(operation), "responses") {
				statuses[status] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(statuses))
}

// updateRecordings are the forms of update that the client can send.
func updateRecordings(t testing.TB) []recording {
	all := func(field composio.Field) composio.Credentials {
		fields := map[string]composio.Field{}
		for _, name := range credentialNames(t) {
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
		{name: "update-credentials-all-set", about: "Each credential is replaced.", scheme: composio.SchemeAPIKey, update: &composio.Update{Credentials: all(composio.Set("new value"))}},
		{name: "update-credentials-all-empty", about: "Each credential is replaced with an empty one.", scheme: composio.SchemeAPIKey, update: &composio.Update{Credentials: all(composio.Set(""))}},
		{name: "update-credentials-all-cleared", about: "Each credential is removed.", scheme: composio.SchemeAPIKey, update: &composio.Update{Credentials: all(composio.Clear())}},
		{name: "update-sharing-all-users", about: "Every user may use the account.", update: &composio.Update{Sharing: &composio.Sharing{AllowAllUsers: new(true)}}},
		{name: "update-sharing-not-all-users", about: "Not every user may use the account.", update: &composio.Update{Sharing: &composio.Sharing{AllowAllUsers: new(false)}}},
		{name: "update-sharing-lists", about: "Lists of users, with the shortest and the longest id.", update: &composio.Update{
			Sharing: &composio.Sharing{AllowedUserIDs: []string{"u", longest}, NotAllowedUserIDs: []string{"v", longest}}}},
		{name: "update-sharing-lists-emptied", about: "Lists of users are emptied.", update: &composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: []string{}, NotAllowedUserIDs: []string{}}}},
		{name: "update-sharing-lists-longest", about: "The longest lists of users, with repetitions.", update: &composio.Update{
			Sharing: &composio.Sharing{AllowedUserIDs: slices.Repeat([]string{"u"}, 1000), NotAllowedUserIDs: slices.Repeat([]string{"v"}, 1000)}}},
		{name: "update-everything", about: "Alias, credential and sharing in one update.", scheme: composio.SchemeBasic, update: &composio.Update{
			Alias:       composio.Set("work"),
			Credentials: composio.Basic{Password: composio.Set("new value")},
			Sharing:     &composio.Sharing{AllowAllUsers: new(true), AllowedUserIDs: []string{"user_1"}, NotAllowedUserIDs: []string{}},
		}},
	}
	for i, row := range typedFields {
		if i > 0 && typedFields[i-1].scheme == row.scheme {
			continue
		}
		list = append(list, recording{
			name:   "update-credentials-" + strings.ToLower(strings.ReplaceAll(row.scheme, "_", "-")),
			about:  "A credential of an account with the scheme " + row.scheme + ".",
			scheme: composio.Scheme(row.scheme),
			update: &composio.Update{Credentials: row.with(composio.Set("new value"))},
		})
	}
	return list
}

// answerRecordings are the answers that a client can meet.
func answerRecordings() []recording {
	account := sandbox.Account{ID: testID, Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken}
	other := sandbox.Account{ID: "ca_other", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "work"}
	expired := account
	expired.Status = composio.StatusExpired
	token := &composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new value")}}
	detail := func(status int, members string) *sandbox.Answer {
		return &sandbox.Answer{Status: status, Body: fmt.Sprintf(`{"error":{%s,"status":%d}}`, members, status)}
	}
	page := func(status int) *sandbox.Answer {
		return &sandbox.Answer{Status: status, Header: http.Header{"Content-Type": {"text/html"}},
			Body: fmt.Sprintf("<html><h1>%d %s</h1></html>", status, http.StatusText(status))}
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
		{name: "answer-400-other-scheme", about: "The account has another scheme.", update: &composio.Update{Credentials: composio.Basic{Password: composio.Set("new value")}}},
		{name: "answer-400-oauth", about: "Accounts of OAuth cannot be updated.", scheme: "OAUTH2", update: &rename},
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
	}
}

// each is an object with the same value for each property of a schema.
func each(t testing.TB, name, value string) string {
	names := slices.Sorted(maps.Keys(schema(t, name).Properties))
	return `{"` + strings.Join(names, `":`+value+`,"`) + `":` + value + `}`
}

// wrongRequests are those that the document forbids. The client cannot send them, so a bare one does.
func wrongRequests(t testing.TB) []recording {
	val := func(m string) string { return `{"connection":{"state":{"authScheme":"BASIC","val":` + m + `}}}` }
	acl := func(members string) string { return `{"experimental":{"acl_config_for_shared":` + members + `}}` }
	list := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	long := `"` + strings.Repeat("é", 257) + `"`
	return []recording{
		{name: "wrong-request-type-of-body", about: "The body is a list.", body: `[]`},
		{name: "wrong-request-null-body", about: "The body is null.", body: `null`},
		{name: "wrong-request-types-of-parts", about: "Each part of an update is a number.", body: each(t, "PatchConnectedAccountBody", "7")},
		{name: "wrong-request-nulls-of-parts", about: "Each part of an update is null.", body: each(t, "PatchConnectedAccountBody", "null")},
		{name: "wrong-request-type-of-state", about: "The state is a number.", body: `{"connection":{"state":7}}`},
		{name: "wrong-request-null-state", about: "The state is null.", body: `{"connection":{"state":null}}`},
		{name: "wrong-request-no-state", about: "The state is missing.", body: `{"connection":{}}`},
		{name: "wrong-request-types-of-state", about: "Scheme and credentials are numbers.", body: `{"connection":{"state":{"authScheme":7,"val":7}}}`},
		{name: "wrong-request-nulls-of-state", about: "Scheme and credentials are null.", body: `{"connection":{"state":{"authScheme":null,"val":null}}}`},
		{name: "wrong-request-no-scheme", about: "Scheme and credentials are missing.", body: `{"connection":{"state":{}}}`},
		{name: "wrong-request-scheme", about: "The scheme is one that the document lacks.", body: `{"connection":{"state":{"authScheme":"OAUTH2","val":{}}}}`},
		{name: "wrong-request-empty-scheme", about: "The scheme is empty.", body: `{"connection":{"state":{"authScheme":"","val":{}}}}`},
		{name: "wrong-request-types-of-credentials", about: "Each credential is a number.", body: val(each(t, "CredentialPatch", "7"))},
		{name: "wrong-request-lists-of-credentials", about: "Each credential is a list.", body: val(each(t, "CredentialPatch", "[]"))},
		{name: "wrong-request-unknown-credentials", about: "Toolkit parameters, which the document had before, and what never was a credential.", body: val(`{"subdomain":"acme","region":null,"later":7}`)},
		{name: "wrong-request-type-of-sharing", about: "The sharing is a number.", body: acl(`7`)},
		{name: "wrong-request-null-sharing", about: "The sharing is null.", body: acl(`null`)},
		{name: "wrong-request-types-of-sharing", about: "Each part of the sharing is a number.", body: acl(each(t, "SharedAccountACL", "7"))},
		{name: "wrong-request-nulls-of-sharing", about: "Each part of the sharing is null.", body: acl(each(t, "SharedAccountACL", "null"))},
		{name: "wrong-request-types-of-users", about: "Users are a number and null.", body: acl(`{"allowed_user_ids":[7,null],"not_allowed_user_ids":[7,null]}`)},
		{name: "wrong-request-too-many-users", about: "Lists of users that are too long.", body: acl(`{"allowed_user_ids":` + list(`"u"`, 1001) + `,"not_allowed_user_ids":` + list(`"v"`, 1001) + `}`)},
		{name: "wrong-request-users-without-name", about: "Users whose id is empty.", body: acl(`{"allowed_user_ids":[""],"not_allowed_user_ids":[""]}`)},
		{name: "wrong-request-users-with-long-names", about: "Users whose id is too long.", body: acl(`{"allowed_user_ids":[` + long + `],"not_allowed_user_ids":[` + long + `]}`)},
		{name: "wrong-request-no-key", about: "The key is missing.", body: `{}`, header: http.Header{"X-Api-Key": nil}},
		{name: "wrong-request-key-elsewhere", about: "The key is in the headers that other APIs use.", body: `{}`, header: http.Header{
			"X-Api-Key": nil, "X-User-Api-Key": {sandbox.DefaultAPIKey}, "Authorization": {"Bearer " + sandbox.DefaultAPIKey}, "Cookie": {"x-api-key=" + sandbox.DefaultAPIKey},
		}},
		{name: "wrong-request-no-media-type", about: "The media type is missing.", body: `{}`, header: http.Header{"Content-Type": nil}},
		{name: "wrong-request-media-type-application-xml", about: "The media type is another one.", body: `{}`, header: http.Header{"Content-Type": {"application/xml"}}},
		{name: "wrong-request-media-type-application-x-www-form-urlencoded", about: "The media type is another one.", body: `{}`, header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		{name: "wrong-request-media-type-text-plain", about: "The media type is another one.", body: `{}`, header: http.Header{"Content-Type": {"text/plain"}}},
	}
}

// wrongAnswers are those that the document forbids: some of them do arrive.
func wrongAnswers(t testing.TB) []recording {
	wrong := func(name, about string, status int, body string) recording {
		return recording{name: "wrong-answer-" + name, about: about, update: &rename, answer: &sandbox.Answer{Status: status, Body: body}}
	}
	list := []recording{
		wrong("type", "The answer is a list.", 200, `[]`),
		wrong("null", "The answer is null.", 200, `null`),
		wrong("types", "Each property is a list.", 200, each(t, "PatchConnectedAccountResponse", "[]")),
		wrong("other-types", "Each property is a number.", 200, each(t, "PatchConnectedAccountResponse", "7")),
		wrong("nulls", "Each property is null.", 200, each(t, "PatchConnectedAccountResponse", "null")),
		wrong("error-type", "The error is a list.", 400, `[]`),
		wrong("error-null", "The error is null.", 400, `null`),
		wrong("error-text", "The error is a text.", 400, `{"error":"Bad request"}`),
		wrong("error-text-null", "The error's content is null.", 400, `{"error":null}`),
		wrong("error-empty", "The error's content is empty.", 400, `{"error":{}}`),
		wrong("error-types", "Each property of the error is an object.", 400, `{"error":`+each(t, "ErrorDetail", "{}")+`}`),
		wrong("error-texts", "Each property of the error is a text.", 400, `{"error":`+each(t, "ErrorDetail", `"7"`)+`}`),
		wrong("error-numbers", "Each property of the error is a number.", 400, `{"error":`+each(t, "ErrorDetail", "7")+`}`),
		wrong("error-nulls", "Each property of the error is null.", 400, `{"error":`+each(t, "ErrorDetail", "null")+`}`),
		wrong("error-findings", "The single findings are objects, as seen in the wild, a number and null.", 400, `{"error":{"message":"m","code":1,"slug":"s","status":400,"errors":[{"path":"alias"},7,null]}}`),
		wrong("error-code-elsewhere", "The error as seen in the wild, with error_code and without slug and status.", 400,
			`{"error":{"message":"Validation error while processing request","error_code":10400,"suggested_fix":"Check the payload","errors":["Error in payload"]}}`),
	}
	for _, status := range documentStatuses(decode(t, api.Spec)) {
		code, _ := strconv.Atoi(status) // a guard speaks of one that is no number
		page := wrong(status+"-page", "A page, as gateways answer.", code, "<h1>"+http.StatusText(code)+"</h1>")
		page.answer.Header = http.Header{"Content-Type": {"text/html"}}
		list = append(list, wrong(status, "The answer has none of its properties.", code, `{}`), page)
	}
	return list
}

// recordAll makes the exchanges, in the order of the recordings.
func recordAll(t testing.TB) []exchange {
	var all []exchange
	for _, r := range slices.Concat(updateRecordings(t), answerRecordings(), wrongRequests(t), wrongAnswers(t)) {
		all = append(all, r.make(t))
	}
	return all
}

func (r recording) make(t testing.TB) exchange {
	box := sandbox.New()
	if r.accounts == nil {
		r.accounts = []sandbox.Account{{ID: cmp.Or(r.id, testID), Toolkit: "github", UserID: "user_1", Scheme: cmp.Or(r.scheme, composio.SchemeBearerToken)}}
	}
	for _, a := range r.accounts {
		box.Put(a)
	}
	if r.answer != nil {
		box.Script(*r.answer)
	}
	answer := httptest.NewRecorder()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		box.ServeHTTP(answer, req)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // the client may be gone
	}))
	defer server.Close()
	if r.update != nil {
		client := mustNew(t, cmp.Or(r.key, sandbox.DefaultAPIKey), composio.WithBaseURL(server.URL), composio.WithAPIVersion(cmp.Or(r.version, "v3")), composio.WithMaxRetries(0))
		_, err := client.UpdateConnectedAccount(t.Context(), cmp.Or(r.id, testID), *r.update)
		if len(box.Requests()) == 0 {
			t.Fatalf("%s: nothing was sent: %v", r.name, err)
		}
	} else {
		req, err := http.NewRequestWithContext(t.Context(), usual.method, server.URL+usual.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(req.Header, usual.request)
		maps.Copy(req.Header, r.header)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	server.Close()
	q := box.Requests()[0]
	e := exchange{
		recording: r, method: q.Method, path: q.Path, sent: string(q.Body), request: q.Header, status: answer.Code, response: answer.Header(),
		received: strings.ReplaceAll(answer.Body.String(), answer.Header().Get("X-Request-Id"), "the request's id"),
	}
	e.violations = e.violationsOf(t)
	return e
}

// record writes an exchange down, but for what is usual: its name, > what was sent, < what came back, ! what breaks the contract.
func (e exchange) record(usual exchange) string {
	lines := []string{e.name + ": " + e.about}
	if line := e.method + " " + e.path; line != usual.method+" "+usual.path {
		lines = append(lines, "> "+line)
	}
	lines = append(lines, unusual(">", e.request, usual.request)...)
	lines = append(lines, strings.TrimSpace("> "+e.sent))
	if e.status != usual.status || e.received != usual.received {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("< %d %s", e.status, e.received)))
	}
	lines = append(lines, unusual("<", e.response, usual.response)...)
	for _, violation := range e.violations {
		lines = append(lines, "! "+violation)
	}
	return strings.Join(lines, "\n") + "\n"
}

// unusual are the headers that are not as usual, but for those that differ from run to run or only say how a body is sent.
func unusual(mark string, header, usual http.Header) []string {
	var lines []string
	all := http.Header{}
	maps.Copy(all, usual)
	maps.Copy(all, header)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Equal(header[name], usual[name]) && !slices.Contains([]string{"Accept-Encoding", "Content-Length", "X-Request-Id"}, name) {
			lines = append(lines, mark+" "+name+": "+strings.Join(header[name], ", "))
		}
	}
	return lines
}
