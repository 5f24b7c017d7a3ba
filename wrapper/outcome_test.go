package composio_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
)

// sentinels are all of the package's, by name.
var sentinels = []struct {
	name string
	err  error
}{
	{"ErrInvalid", composio.ErrInvalid},
	{"ErrBadRequest", composio.ErrBadRequest},
	{"ErrUnauthorized", composio.ErrUnauthorized},
	{"ErrForbidden", composio.ErrForbidden},
	{"ErrNotFound", composio.ErrNotFound},
	{"ErrAccountNotFound", composio.ErrAccountNotFound},
	{"ErrConflict", composio.ErrConflict},
	{"ErrAliasTaken", composio.ErrAliasTaken},
	{"ErrUnprocessable", composio.ErrUnprocessable},
	{"ErrRateLimited", composio.ErrRateLimited},
	{"ErrServer", composio.ErrServer},
	{"ErrRedirect", composio.ErrRedirect},
	{"ErrResponseTooLarge", composio.ErrResponseTooLarge},
	{"ErrOutcomeUnknown", composio.ErrOutcomeUnknown},
}

// holding names the sentinels that hold for err; those that it does not name do not hold.
func holding(err error) string {
	var names []string
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel.err) {
			names = append(names, sentinel.name)
		}
	}
	return strings.Join(names, " ")
}

// reading is all that an *Error says, so that a test compares the whole of it. The id that was sent with the request,
// which differs from call to call, reads "{sent}".
type reading struct {
	StatusCode                  int
	Code                        int
	Slug, Message, SuggestedFix string
	Details                     []string
	RequestID                   string
	RetryAfter                  time.Duration
	RateLimit                   composio.RateLimit
	Body                        string
	Err                         string
	Text                        string // Error()
	Is                          string // the sentinels that hold, and no others
}

// readingOf returns what failure says.
func readingOf(failure *composio.Error, sentID string) reading {
	r := reading{
		failure.StatusCode, failure.Code, failure.Slug, failure.Message, failure.SuggestedFix, failure.Details,
		strings.ReplaceAll(failure.RequestID, sentID, "{sent}"), failure.RetryAfter, failure.RateLimit,
		string(failure.Body), "", strings.ReplaceAll(failure.Error(), sentID, "{sent}"), holding(failure),
	}
	if failure.Err != nil {
		r.Err = failure.Err.Error()
	}
	return r
}

// answerTo makes one request, with u, to a server that gives this answer, and returns what the error says of it.
func answerTo(t testing.TB, u composio.Update, status int, header http.Header, body string) reading {
	t.Helper()
	rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a 204 takes none
	})
	// A pool of its own: net/http loses an answer without a body if its idle connections are closed as it arrives.
	pool, _ := ownPool(t)
	failure := mustFail(t, t.Context(), newTestClient(t, rec.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(pool)), testID, u)
	if failure.AccountID != testID || failure.Attempts != 1 {
		t.Errorf("AccountID = %q, Attempts = %d, want %q and 1", failure.AccountID, failure.Attempts, testID)
	}
	return readingOf(failure, rec.only(t).Header.Get("X-Request-Id"))
}

var (
	jsonAnswer = http.Header{"Content-Type": {"application/json"}}
	htmlAnswer = http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	rateHeader = http.Header{
		"Content-Type":            {"application/json"},
		"X-RateLimit":             {"2000"},
		"X-RateLimit-Remaining":   {"0"},
		"X-RateLimit-Window-Size": {"60s"},
		"Retry-After":             {"17"},
	}
	htmlPage    = "<html>\r\n<head><title>Gateway</title></head>\r\n<body><h1>Something\tbroke</h1></body>\r\n</html>\r\n"
	notReadable = "the answer is not readable JSON: it was cut short, or a gateway or proxy gave it"
	notApplied  = `the answer does not say "success": true`
	saidTwice   = `the answer says "success" more than once`
)

// The answers that Composio and its gateways are known to give, each byte for byte.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		update composio.Update
		status int
		header http.Header
		is     string
		body   string
		text   string  // Error(), from the status to what stands before the request id
		want   reading // the other fields; Body and RequestID where they are not as they were sent
	}{
		{"400 without a slug", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"No connected account found","code":1803,"status":400,"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":""}}`,
			"400 (1803): No connected account found", reading{Code: 1803, Message: "No connected account found", RequestID: "8b628209-81f4-414a-a1c2-28806e2d7480"}},
		{"400 alias clash", rename, 400, jsonAnswer, "ErrBadRequest ErrAliasTaken",
			`{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":600,"slug":"ConnectedAccount_BadRequest","status":400}}`,
			`400 ConnectedAccount_BadRequest (600): Alias "work" is already in use by another connection for this entity`, reading{Code: 600, Slug: "ConnectedAccount_BadRequest", Message: `Alias "work" is already in use by another connection for this entity`}},
		{"409 alias clash", rename, 409, jsonAnswer, "ErrConflict ErrAliasTaken",
			`{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":609,"slug":"ConnectedAccount_Conflict","status":409}}`,
			`409 ConnectedAccount_Conflict (609): Alias "work" is already in use by another connection for this entity`, reading{Code: 609, Slug: "ConnectedAccount_Conflict", Message: `Alias "work" is already in use by another connection for this entity`}},
		{"409 of a held lease", tokenUpdate, 409, jsonAnswer, "ErrConflict",
			`{"error":{"message":"Another write holds the connection lease; retry","code":609,"slug":"ConnectedAccount_Conflict","status":409}}`,
			"409 ConnectedAccount_Conflict (609): Another write holds the connection lease; retry", reading{Code: 609, Slug: "ConnectedAccount_Conflict", Message: "Another write holds the connection lease; retry"}},
		{"400 with a fix and no request id", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"User ID does not match","code":1812,"slug":"ActionExecute_ConnectedAccountEntityIdMismatch","status":400,"suggested_fix":"Use the user ID of the account."}}`,
			"400 ActionExecute_ConnectedAccountEntityIdMismatch (1812): User ID does not match; fix: Use the user ID of the account.", reading{Code: 1812, Slug: "ActionExecute_ConnectedAccountEntityIdMismatch", Message: "User ID does not match", SuggestedFix: "Use the user ID of the account."}},
		{"400 with error_code", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"Validation error while processing request","error_code":10400,"suggested_fix":"Send a string.","errors":["Error in payload.alias: expected string","Error in payload: empty"]}}`,
			"400 (10400): Validation error while processing request; Error in payload.alias: expected string; Error in payload: empty; fix: Send a string.", reading{Code: 10400, Message: "Validation error while processing request", SuggestedFix: "Send a string.", Details: []string{"Error in payload.alias: expected string", "Error in payload: empty"}}},
		{"401 that quotes the key's beginning", tokenUpdate, 401, jsonAnswer, "ErrUnauthorized",
			`{"error":{"message":"Invalid API key: ak_o1Og5*****","code":10401,"slug":"HTTP_Unauthorized","status":401}}`,
			"401 HTTP_Unauthorized (10401): Invalid API key: [redacted]", reading{Code: 10401, Slug: "HTTP_Unauthorized", Message: "Invalid API key: [redacted]", Body: `{"error":{"message":"Invalid API key: [redacted]","code":10401,"slug":"HTTP_Unauthorized","status":401}}`}},
		{"401 of a wrong key", tokenUpdate, 401, jsonAnswer, "ErrUnauthorized",
			`{"error":{"message":"Invalid API key","code":801,"slug":"APIKey_InvalidAPIKey","status":401}}`,
			"401 APIKey_InvalidAPIKey (801): Invalid API key", reading{Code: 801, Slug: "APIKey_InvalidAPIKey", Message: "Invalid API key"}},
		{"404 of an account that is gone", tokenUpdate, 404, jsonAnswer, "ErrNotFound ErrAccountNotFound",
			`{"error":{"message":"Connected account \"ca_gone\" not found","code":606,"slug":"ConnectedAccount_ResourceNotFound","status":404}}`,
			`404 ConnectedAccount_ResourceNotFound (606): Connected account "ca_gone" not found`, reading{Code: 606, Slug: "ConnectedAccount_ResourceNotFound", Message: `Connected account "ca_gone" not found`}},
		{"404 of a gateway", tokenUpdate, 404, htmlAnswer, "ErrNotFound",
			htmlPage,
			"404: Not Found; " + notReadable, reading{Err: notReadable}},
		{"429 with headers and a bare message", tokenUpdate, 429, rateHeader, "ErrRateLimited",
			`{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`,
			"429: Rate limit exceeded. Limit: 2000 requests per 1 minutes", reading{Message: "Rate limit exceeded. Limit: 2000 requests per 1 minutes", RetryAfter: 17 * time.Second, RateLimit: composio.RateLimit{Limit: 2000, Remaining: 0, Window: time.Minute, Known: true}}},
		{"502 with HTML", tokenUpdate, 502, htmlAnswer, "ErrServer ErrOutcomeUnknown",
			htmlPage,
			"502: Bad Gateway; " + notReadable + "; the update may have been applied", reading{Err: notReadable}},
		{"502 with nothing", tokenUpdate, 502, nil, "ErrServer ErrOutcomeUnknown", "", "502: Bad Gateway; the update may have been applied", reading{}},
		{"503 with nothing but Retry-After", tokenUpdate, 503, http.Header{"Retry-After": {"0.25"}}, "ErrServer ErrOutcomeUnknown", "", "503: Service Unavailable; the update may have been applied", reading{RetryAfter: 250 * time.Millisecond}},
		{"408", tokenUpdate, 408, jsonAnswer, "",
			`{"error":{"message":"Timed out","code":10408,"slug":"HTTP_RequestTimeout","status":408}}`,
			"408 HTTP_RequestTimeout (10408): Timed out", reading{Code: 10408, Slug: "HTTP_RequestTimeout", Message: "Timed out"}},
		{"422", tokenUpdate, 422, jsonAnswer, "ErrUnprocessable",
			`{"error":{"message":"Unprocessable","code":10422,"slug":"HTTP_UnprocessableEntity","status":422,"errors":["val.token is too short"]}}`,
			"422 HTTP_UnprocessableEntity (10422): Unprocessable; val.token is too short", reading{Code: 10422, Slug: "HTTP_UnprocessableEntity", Message: "Unprocessable", Details: []string{"val.token is too short"}}},
		{"500 of the document", tokenUpdate, 500, jsonAnswer, "ErrServer ErrOutcomeUnknown",
			`{"error":{"message":"string","code":0,"slug":"string","status":0,"request_id":"string","suggested_fix":"string","errors":["string"]}}`,
			"500 string: string; string; fix: string; the update may have been applied", reading{Slug: "string", Message: "string", SuggestedFix: "string", Details: []string{"string"}, RequestID: "string"}},
		{"error as a string", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":"Bad Request"}`,
			"400: Bad Request", reading{Message: "Bad Request"}},
		{"error as a list", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":["first","second"]}`,
			`400: ["first","second"]`, reading{Message: `["first","second"]`}},
		{"members at the top level", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"message":"m","code":7,"slug":"S","suggested_fix":"f","request_id":"req_1","errors":["d"]}`,
			"400 S (7): m; d; fix: f", reading{Code: 7, Slug: "S", Message: "m", SuggestedFix: "f", Details: []string{"d"}, RequestID: "req_1"}},
		{"members at the top level beside an error of null", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"code":"7","error":null,"message":"m"}`,
			"400 (7): m", reading{Code: 7, Message: "m"}},
		{"members at the top level beside an error as a string", tokenUpdate, 403, jsonAnswer, "ErrForbidden",
			`{"message":null,"error":"Forbidden by policy","error_code":7,"slug":"S","errors":"d"}`,
			"403 S (7): Forbidden by policy; d", reading{Code: 7, Slug: "S", Message: "Forbidden by policy", Details: []string{"d"}}},
		{"members at the top level beside an envelope", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"message":"outer","code":1,"error":{"slug":"S"},"request_id":"req_outer"}`,
			"400 S: Bad Request", reading{Slug: "S"}},
		{"message as a list, and a byte order mark", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			"\ufeff" + ` { "error" : { "message" : [ "alias: too long" , { "at" : [ 1 , 2 ] } ] , "code" : 7 } } `,
			`400 (7): ["alias: too long",{"at":[1,2]}]`, reading{Code: 7, Message: `["alias: too long",{"at":[1,2]}]`}},
		{"code that is no number", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"odd","code":"E_ODD","slug":"Odd_Code","suggested_fix":"wait","request_id":"req_1"}}`,
			"400 Odd_Code: odd; fix: wait", reading{Slug: "Odd_Code", Message: "odd", SuggestedFix: "wait", RequestID: "req_1"}},
		{"errors holding objects", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"Validation","code":10400,"slug":"HTTP_BadRequest","errors":[{"path":["alias"],"message":"too long"},null,"plain",7,"",null]}}`,
			`400 HTTP_BadRequest (10400): Validation; {"path":["alias"],"message":"too long"}; plain; 7`, reading{Code: 10400, Slug: "HTTP_BadRequest", Message: "Validation", Details: []string{`{"path":["alias"],"message":"too long"}`, "plain", "7"}}},
		{"errors as an object", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":"Validation","code":1,"errors":{"alias":"too long"}}}`,
			`400 (1): Validation; {"alias":"too long"}`, reading{Code: 1, Message: "Validation", Details: []string{`{"alias":"too long"}`}}},
		{"envelope with every property of another type", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`{"error":{"message":{"text":"no"},"code":{},"slug":7,"status":[],"request_id":8,"suggested_fix":[],"errors":null}}`,
			`400: {"text":"no"}`, reading{Message: `{"text":"no"}`}},
		{"envelope with every property null", tokenUpdate, 500, jsonAnswer, "ErrServer ErrOutcomeUnknown",
			`{"error":{"message":null,"code":null,"slug":null,"status":null,"request_id":null,"suggested_fix":null,"errors":null},"message":null}`,
			"500: Internal Server Error; the update may have been applied", reading{}},
		{"empty envelope", tokenUpdate, 401, jsonAnswer, "ErrUnauthorized",
			`{"error":{}}`,
			"401: Unauthorized", reading{}},
		{"JSON that is no object", tokenUpdate, 400, jsonAnswer, "ErrBadRequest",
			`"nope"`,
			"400: Bad Request", reading{}},
		{"JSON cut short", tokenUpdate, 409, jsonAnswer, "ErrConflict",
			`{"error":{"message":"Another wri`,
			"409: Conflict; " + notReadable, reading{Err: notReadable}},
		{"a status without a name", tokenUpdate, 599, nil, "ErrServer ErrOutcomeUnknown", "", "599: no message; the update may have been applied", reading{}},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			want := test.want
			want.StatusCode, want.Is = test.status, test.is
			if want.Body == "" {
				want.Body = test.body
			}
			if want.RequestID == "" {
				want.RequestID = "{sent}"
			}
			want.Text = "composio: ca_1a2b3c4d5e6f: " + test.text + "; request id " + want.RequestID
			wantSame(t, "the error", want, answerTo(t, test.update, test.status, test.header, test.body))
		})
	}
}

// The id in the body is the one that Composio's support can find; the header may be a gateway's; ours is always there.
func TestRequestIDOfTheBodyBeatsTheHeadersBeatsOurs(t *testing.T) {
	t.Parallel()
	const inBody, without = `{"error":{"message":"m","code":1,"request_id":"req_body"}}`, `{"error":{"message":"m","code":1}}`
	header := http.Header{"X-Request-Id": {"req_header"}}
	for _, test := range []struct {
		name   string
		header http.Header
		body   string
		want   string
	}{
		{"body and header", header, inBody, "req_body"},
		{"body alone", nil, inBody, "req_body"},
		{"header alone", header, without, "req_header"},
		{"header and an empty one in the body", header, `{"error":{"message":"m","code":1,"request_id":""}}`, "req_header"},
		{"header and an unreadable body", header, htmlPage, "req_header"},
		{"neither", nil, without, "{sent}"},
		{"an empty header", http.Header{"X-Request-Id": {""}}, without, "{sent}"},
		{"nothing at all", nil, "", "{sent}"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			if got := answerTo(t, rename, 400, test.header, test.body).RequestID; got != test.want {
				t.Errorf("RequestID = %q, want %q", got, test.want)
			}
		})
	}
}

// The window's length differs between plans and has changed before, so it is read and never assumed.
func TestRateLimitIsReadFromTheHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                     string
		limit, remaining, window string
		want                     composio.RateLimit
	}{
		{"one minute", "2000", "12", "60s", composio.RateLimit{Limit: 2000, Remaining: 12, Window: time.Minute, Known: true}},
		{"ten minutes", "100000", "99999", "10m", composio.RateLimit{Limit: 100000, Remaining: 99999, Window: 10 * time.Minute, Known: true}},
		{"seconds without a unit", "10000", "1", "60", composio.RateLimit{Limit: 10000, Remaining: 1, Window: time.Minute, Known: true}},
		{"no window", "10000", "1", "", composio.RateLimit{Limit: 10000, Remaining: 1, Known: true}},
		{"unreadable window", "10000", "1", "soon", composio.RateLimit{Limit: 10000, Remaining: 1, Known: true}},
		{"negative window", "10000", "1", "-60s", composio.RateLimit{Limit: 10000, Remaining: 1, Known: true}},
		{"nothing left", "1", "0", "1s", composio.RateLimit{Limit: 1, Remaining: 0, Window: time.Second, Known: true}},
		{"nothing allowed", "0", "0", "60s", composio.RateLimit{Window: time.Minute, Known: true}},
		{"no limit", "", "1", "60s", composio.RateLimit{}},
		{"no remainder", "2000", "", "60s", composio.RateLimit{}},
		{"unreadable limit", "many", "1", "60s", composio.RateLimit{}},
		{"unreadable remainder", "2000", "1.5", "60s", composio.RateLimit{}},
		{"negative limit", "-1", "1", "60s", composio.RateLimit{}},
		{"negative remainder", "2000", "-1", "60s", composio.RateLimit{}},
		{"beyond an int", "99999999999999999999", "1", "60s", composio.RateLimit{}},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			header := http.Header{}
			for name, value := range map[string]string{
				"X-RateLimit": test.limit, "X-RateLimit-Remaining": test.remaining, "X-RateLimit-Window-Size": test.window,
			} {
				if value != "" {
					header.Set(name, value)
				}
			}
			wantSame(t, "RateLimit", test.want, answerTo(t, rename, 400, header, "").RateLimit)
		})
	}
}

// Success that cannot be read is no success, but it is no failure either: the update may well have been applied.
func TestSuccessThatIsNoReadableSuccess(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   reading
	}{
		{name: "HTML", status: 200, header: htmlAnswer, body: htmlPage, want: reading{Err: notReadable}},
		{name: "empty", status: 200, header: jsonAnswer, want: reading{Err: notApplied}},
		{name: "204", status: 204, want: reading{Err: notApplied}},
		{name: "205", status: 205, want: reading{Err: notApplied}},
		{name: "206 of a success", status: 206, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b3c4d5e6f","st`, want: reading{Err: notReadable}},
		{name: "success false", status: 200, header: jsonAnswer, body: `{"success":false}`, want: reading{Err: notApplied}},
		{name: "success false with the account", status: 200, header: jsonAnswer, body: `{"success":false,"id":"ca_1a2b3c4d5e6f","status":"ACTIVE"}`, want: reading{Err: notApplied}},
		{name: "success null", status: 200, header: jsonAnswer, body: `{"success":null}`, want: reading{Err: notApplied}},
		{name: "success as a string", status: 200, header: jsonAnswer, body: `{"success":"true"}`, want: reading{Err: notApplied}},
		{name: "success as a number", status: 200, header: jsonAnswer, body: `{"success":1}`, want: reading{Err: notApplied}},
		{name: "success absent", status: 200, header: jsonAnswer, body: `{"id":"ca_1a2b3c4d5e6f","status":"ACTIVE"}`, want: reading{Err: notApplied}},
		{name: "empty object", status: 200, header: jsonAnswer, body: `{}`, want: reading{Err: notApplied}},
		{name: "null", status: 200, header: jsonAnswer, body: `null`, want: reading{Err: notApplied}},
		{name: "list", status: 200, header: jsonAnswer, body: `[{"success":true}]`, want: reading{Err: notApplied}},
		{name: "cut short", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b`, want: reading{Err: notReadable}},
		{name: "two answers in one", status: 200, header: jsonAnswer, body: success + success, want: reading{Err: notReadable}},
		{name: "nested 100,000 deep", status: 200, header: jsonAnswer, body: `{"success":true,"extra":` + deep + `}`, want: reading{Err: notReadable}},
		{
			name: "error envelope", status: 200, header: jsonAnswer,
			body: `{"error":{"message":"Internal error","code":10500,"slug":"HTTP_InternalServerError","status":500,"request_id":"req_1","suggested_fix":"Try later","errors":["e"]}}`,
			want: reading{Code: 10500, Slug: "HTTP_InternalServerError", Message: "Internal error", RequestID: "req_1", SuggestedFix: "Try later", Details: []string{"e"}, Err: notApplied},
		},
		{
			name: "success beside an error", status: 200, header: jsonAnswer, body: `{"success":false,"error":"Lease lost"}`,
			want: reading{Message: "Lease lost", Err: notApplied},
		},
		{name: "success twice", status: 200, header: jsonAnswer, body: `{"success":true,"success":true}`, want: reading{Err: saidTwice}},
		{name: "success true, then false", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b3c4d5e6f","success":false}`, want: reading{Err: saidTwice}},
		{name: "success false, then true", status: 200, header: jsonAnswer, body: `{"success":false,"success":true}`, want: reading{Err: saidTwice}},
		{name: "success by another name", status: 200, header: jsonAnswer, body: `{"Success":true,"SUCCESS":true,"ſuccess":true}`, want: reading{Err: notApplied}},
		{name: "success of something within", status: 200, header: jsonAnswer, body: `{"data":{"success":true}}`, want: reading{Err: notApplied}},
		{name: "success in a list", status: 200, header: jsonAnswer, body: `{"success":[true]}`, want: reading{Err: notApplied}},
		{name: "byte order mark alone", status: 200, header: jsonAnswer, body: "\ufeff", want: reading{Err: notApplied}},
		{name: "another account", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_other","status":"ACTIVE"}`, want: reading{Err: `the answer is about another account, "ca_other"`}},
		{name: "another account, not even a success", status: 201, header: jsonAnswer, body: `{"id":"ca_1a2b3c4d5e6","success":false}`, want: reading{Err: `the answer is about another account, "ca_1a2b3c4d5e6"`}},
		{name: "another account, behind a blank", status: 200, header: jsonAnswer, body: `{"success":true,"id":" ca_other","status":"ACTIVE"}`, want: reading{Err: `the answer is about another account, "ca_other"`}},
		{name: "two accounts", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b3c4d5e6f","id":"ca_other"}`, want: reading{Err: `the answer is about another account, "ca_other"`}},
		{name: "success false with 201", status: 201, header: jsonAnswer, body: `{"success":false}`, want: reading{Err: notApplied}},
		{name: "202 with a ticket", status: 202, header: jsonAnswer, body: `{"ticket":"t_1"}`, want: reading{Err: notApplied}},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			got := answerTo(t, rename, test.status, test.header, test.body)
			if !strings.HasSuffix(got.Text, "; the update may have been applied; request id "+got.RequestID) ||
				!strings.HasPrefix(got.Text, fmt.Sprintf("composio: ca_1a2b3c4d5e6f: %d", test.status)) {
				t.Errorf("Error() = %q", got.Text)
			}
			want := test.want
			want.StatusCode, want.Is, want.Text = test.status, "ErrOutcomeUnknown", got.Text
			want.Body = test.body[:min(len(test.body), 64<<10)]
			if want.RequestID == "" {
				want.RequestID = "{sent}"
			}
			wantSame(t, "the error", want, got)
		})
	}
}

func TestErrorAnswerNestedVeryDeepKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"lists":     strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"objects":   strings.Repeat(`{"error":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		"in errors": `{"error":{"message":"m","errors":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}}`,
		"open":      strings.Repeat("[", 100_000),
	} {
		inParallel(t, name, func(t *testing.T) {
			got := answerTo(t, rename, 400, jsonAnswer, body)
			if got.StatusCode != 400 || got.Is != "ErrBadRequest" || got.Err != notReadable || got.Body != body[:min(len(body), 64<<10)] {
				t.Errorf("status %d, sentinels %q, Err %q, %d bytes of Body", got.StatusCode, got.Is, got.Err, len(got.Body))
			}
		})
	}
}

// An account of another form has nothing to compare: Composio renames ids now and then.
func TestIDsOfDifferentFormsAreNotCompared(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ asked, answered string }{{"con_1", "ca_1"}, {"con_1", "con_2"}, {"ca_1", "con_1"}, {"ca_1", "CA_2"}} {
		rec := newRecorder(t, answerWith(200, `{"success":true,"id":"`+test.answered+`"}`))
		if got := mustUpdate(t, newTestClient(t, rec.URL), test.asked, rename).ID; got != test.answered {
			t.Errorf("asked for %s, answered %s: ID = %q", test.asked, test.answered, got)
		}
	}
}

// Cut first, a secret would not be recognised.
func TestIDOfAnotherAccountIsRedactedBeforeItIsCut(t *testing.T) {
	t.Parallel()
	body := `{"success":true,"id":"ca_` + strings.Repeat("x", 117) + `new_access_token"}`
	got := answerTo(t, tokenUpdate, 200, jsonAnswer, body)
	if !strings.HasPrefix(got.Err, "the answer is about another account, ") || strings.Contains(got.Text, "new_acc") {
		t.Errorf("the error is %s", got.Text)
	}
}

// What the document does not know must not turn a success into an error, or a service would repeat what was applied.
func TestSuccessInOtherForms(t *testing.T) {
	t.Parallel()
	whole := composio.Result{ID: testID, Status: composio.StatusActive, Attempts: 1}
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   composio.Result
	}{
		{"as documented", 200, success, whole},
		{"201", 201, success, whole},
		{"202", 202, success, whole},
		{"extra properties", 200, `{"success":true,"id":"ca_1a2b3c4d5e6f","status":"ACTIVE","alias":"work","experimental":{"a":[1,null]},"error":null}`, whole},
		{"spaces around", 200, " \r\n\t" + success + "\n", whole},
		{"another order, escapes", 200, `{"status":"\u0041CTIVE","id":"ca_1a2b3c4d5e6f","success":true}`, whole},
		{"unknown status", 200, `{"success":true,"id":"ca_1a2b3c4d5e6f","status":"HALF_ACTIVE"}`, composio.Result{ID: testID, Status: "HALF_ACTIVE", Attempts: 1}},
		{"without a status", 200, `{"success":true,"id":"ca_1a2b3c4d5e6f"}`, composio.Result{ID: testID, Attempts: 1}},
		{"without an id", 200, `{"success":true,"status":"ACTIVE"}`, whole},
		{"an id of another form", 200, `{"success":true,"id":"con_successor","status":"ACTIVE"}`, composio.Result{ID: "con_successor", Status: composio.StatusActive, Attempts: 1}},
		{"success alone", 200, `{"success":true}`, composio.Result{ID: testID, Attempts: 1}},
		{"blanks around the id", 200, `{"success":true,"id":" ca_1a2b3c4d5e6f\n","status":"ACTIVE"}`, whole},
		{"an id and a status of other types", 200, `{"id":{"ca":"ca_other"},"success":true,"status":["ACTIVE"]}`, composio.Result{ID: testID, Attempts: 1}},
		{"an id of null", 200, `{"success":true,"id":null,"status":"ACTIVE"}`, whole},
		{"an empty id", 200, `{"success":true,"id":"","status":"ACTIVE"}`, whole},
		{"a status of null", 200, `{"success":true,"id":"ca_1a2b3c4d5e6f","status":null}`, composio.Result{ID: testID, Attempts: 1}},
		{"a byte order mark in front", 200, "\ufeff" + success, whole},
		{"the name escaped", 200, `{"succes\u0073":true,"\u0069d":"ca_1a2b3c4d5e6f","status":"ACTIVE"}`, whole},
		{"other names beside it", 200, `{"Success":false,"SUCCESS":"no","success":true,"ID":"ca_other","Id":"ca_other","id":"ca_1a2b3c4d5e6f","STATUS":"FAILED","status":"ACTIVE"}`, whole},
		{"another account in a nested object", 200, `{"before":{"id":"ca_other","success":false},"success":true,"id":"ca_1a2b3c4d5e6f","status":"ACTIVE","data":[{"id":"ca_other"}]}`, whole},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			rec := newRecorder(t, answerWith(test.status, test.body))
			got := mustUpdate(t, newTestClient(t, rec.URL, composio.WithMaxRetries(0)), testID, rename)
			test.want.RequestID = rec.only(t).Header.Get("X-Request-Id")
			wantSame(t, "the result", &test.want, got)
		})
	}
}

// Codes are numbers in the document but come as strings too, and nothing that is no whole number may become one.
func TestCodesThatAreNoWholeNumbers(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		`606`: 606, `"606"`: 606, `606.0`: 606, `6.06e2`: 606, `-1`: -1, `0`: 0, `""`: 0, `" 606"`: 0, `"0x1p4"`: 0, `"606.0"`: 0, `"6e2"`: 0, `"-1"`: 0, `"+1"`: 0, `"1_0"`: 0, `"0606"`: 606,
		fmt.Sprint(math.MaxInt): math.MaxInt, fmt.Sprint(math.MinInt): math.MinInt, fmt.Sprint(uint(math.MaxInt) + 1): 0, // however wide an int is
		`18446744073709552222`: 0, `4294967902.5e9`: 0, `9007199254740993.0`: 0, // as a float64 it would be another number
		`606.5`: 0, `"606.5"`: 0, `1e300`: 0, `1e400`: 0, `"1e400"`: 0, `"NaN"`: 0, `"Inf"`: 0, `"-Inf"`: 0,
		`true`: 0, `null`: 0, `[606]`: 0, `{"code":606}`: 0,
	} {
		inParallel(t, code, func(t *testing.T) {
			got := answerTo(t, rename, 400, jsonAnswer, `{"error":{"message":"m","code":`+code+`}}`)
			if got.Code != want || got.Message != "m" {
				t.Errorf("Code = %d, Message = %q, want %d and m", got.Code, got.Message, want)
			}
			got = answerTo(t, rename, 400, jsonAnswer, `{"error":{"message":"m","error_code":`+code+`}}`)
			if got.Code != want || got.Message != "m" {
				t.Errorf("as error_code: Code = %d, Message = %q, want %d and m", got.Code, got.Message, want)
			}
		})
	}
}

// The word of a body counts only under a status of success: 300 is the first that is none.
func TestSuccessUnderAnotherStatusIsNoResult(t *testing.T) {
	t.Parallel()
	for status, is := range map[int]string{300: "ErrRedirect", 400: "ErrBadRequest", 503: "ErrServer ErrOutcomeUnknown"} {
		if got := answerTo(t, rename, status, jsonAnswer, success); got.StatusCode != status || got.Is != is {
			t.Errorf("status %d: %d, %q, want %q: %s", status, got.StatusCode, got.Is, is, got.Text)
		}
	}
}
