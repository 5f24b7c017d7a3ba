package composio_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
)

// The answers that Composio and its gateways are known to give, each byte for byte.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	token := composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new_access_token")}}
	for _, test := range []struct {
		name   string
		update composio.Update
		status int
		header http.Header
		body   string
		want   reading // with Body left out where it is the body as it was sent
	}{
		{
			name: "400 without a slug", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"No connected account found","code":1803,"status":400,"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":""}}`,
			want: reading{
				StatusCode: 400, Code: 1803, Message: "No connected account found", RequestID: "8b628209-81f4-414a-a1c2-28806e2d7480",
				Text: "composio: ca_1a2b3c4d5e6f: 400 (1803): No connected account found; request id 8b628209-81f4-414a-a1c2-28806e2d7480",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "400 alias clash", update: rename, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":600,"slug":"ConnectedAccount_BadRequest","status":400}}`,
			want: reading{
				StatusCode: 400, Code: 600, Slug: "ConnectedAccount_BadRequest", RequestID: "{sent}",
				Message: `Alias "work" is already in use by another connection for this entity`,
				Text:    `composio: ca_1a2b3c4d5e6f: 400 ConnectedAccount_BadRequest (600): Alias "work" is already in use by another connection for this entity; request id {sent}`,
				Is:      "ErrBadRequest ErrAliasTaken",
			},
		},
		{
			name: "409 alias clash", update: rename, status: 409, header: jsonAnswer,
			body: `{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":609,"slug":"ConnectedAccount_Conflict","status":409}}`,
			want: reading{
				StatusCode: 409, Code: 609, Slug: "ConnectedAccount_Conflict", RequestID: "{sent}",
				Message: `Alias "work" is already in use by another connection for this entity`,
				Text:    `composio: ca_1a2b3c4d5e6f: 409 ConnectedAccount_Conflict (609): Alias "work" is already in use by another connection for this entity; request id {sent}`,
				Is:      "ErrConflict ErrAliasTaken",
			},
		},
		{
			name: "409 of a held lease", update: token, status: 409, header: jsonAnswer,
			body: `{"error":{"message":"Another write holds the connection lease; retry","code":609,"slug":"ConnectedAccount_Conflict","status":409}}`,
			want: reading{
				StatusCode: 409, Code: 609, Slug: "ConnectedAccount_Conflict", RequestID: "{sent}",
				Message: "Another write holds the connection lease; retry",
				Text:    "composio: ca_1a2b3c4d5e6f: 409 ConnectedAccount_Conflict (609): Another write holds the connection lease; retry; request id {sent}",
				Is:      "ErrConflict",
			},
		},
		{
			name: "400 missing fields", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"Missing required fields: Tenant Name","code":612,"slug":"ConnectedAccount_MissingRequiredFields","status":400}}`,
			want: reading{
				StatusCode: 400, Code: 612, Slug: "ConnectedAccount_MissingRequiredFields", Message: "Missing required fields: Tenant Name", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 ConnectedAccount_MissingRequiredFields (612): Missing required fields: Tenant Name; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "400 with a fix and no request id", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"User ID does not match","code":1812,"slug":"ActionExecute_ConnectedAccountEntityIdMismatch","status":400,"suggested_fix":"Use the user ID of the account."}}`,
			want: reading{
				StatusCode: 400, Code: 1812, Slug: "ActionExecute_ConnectedAccountEntityIdMismatch", Message: "User ID does not match",
				SuggestedFix: "Use the user ID of the account.", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 ActionExecute_ConnectedAccountEntityIdMismatch (1812): User ID does not match; fix: Use the user ID of the account.; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "400 with error_code", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"Validation error while processing request","error_code":10400,"suggested_fix":"Send a string.","errors":["Error in payload.alias: expected string","Error in payload: empty"]}}`,
			want: reading{
				StatusCode: 400, Code: 10400, Message: "Validation error while processing request", SuggestedFix: "Send a string.",
				Details: []string{"Error in payload.alias: expected string", "Error in payload: empty"}, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 (10400): Validation error while processing request; Error in payload.alias: expected string; Error in payload: empty; fix: Send a string.; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "401 that quotes the key's beginning", update: token, status: 401, header: jsonAnswer,
			body: `{"error":{"message":"Invalid API key: ak_o1Og5*****","code":10401,"slug":"HTTP_Unauthorized","status":401}}`,
			want: reading{
				StatusCode: 401, Code: 10401, Slug: "HTTP_Unauthorized", Message: "Invalid API key: [redacted]", RequestID: "{sent}",
				Body: `{"error":{"message":"Invalid API key: [redacted]","code":10401,"slug":"HTTP_Unauthorized","status":401}}`,
				Text: "composio: ca_1a2b3c4d5e6f: 401 HTTP_Unauthorized (10401): Invalid API key: [redacted]; request id {sent}",
				Is:   "ErrUnauthorized",
			},
		},
		{
			name: "401 of a wrong key", update: token, status: 401, header: jsonAnswer,
			body: `{"error":{"message":"Invalid API key","code":801,"slug":"APIKey_InvalidAPIKey","status":401}}`,
			want: reading{
				StatusCode: 401, Code: 801, Slug: "APIKey_InvalidAPIKey", Message: "Invalid API key", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 401 APIKey_InvalidAPIKey (801): Invalid API key; request id {sent}",
				Is:   "ErrUnauthorized",
			},
		},
		{
			name: "401 without a key", update: token, status: 401, header: jsonAnswer,
			body: `{"error":{"message":"No authentication provided","code":906,"slug":"Auth_NoAuthProvided","status":401}}`,
			want: reading{
				StatusCode: 401, Code: 906, Slug: "Auth_NoAuthProvided", Message: "No authentication provided", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 401 Auth_NoAuthProvided (906): No authentication provided; request id {sent}",
				Is:   "ErrUnauthorized",
			},
		},
		{
			name: "404 of an account that is gone", update: token, status: 404, header: jsonAnswer,
			body: `{"error":{"message":"Connected account \"ca_gone\" not found","code":606,"slug":"ConnectedAccount_ResourceNotFound","status":404}}`,
			want: reading{
				StatusCode: 404, Code: 606, Slug: "ConnectedAccount_ResourceNotFound", Message: `Connected account "ca_gone" not found`, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 404 ConnectedAccount_ResourceNotFound (606): Connected account "ca_gone" not found; request id {sent}`,
				Is:   "ErrNotFound ErrAccountNotFound",
			},
		},
		{
			name: "404 of a gateway", update: token, status: 404, header: htmlAnswer, body: htmlPage,
			want: reading{
				StatusCode: 404, RequestID: "{sent}", Err: notReadable,
				Text: "composio: ca_1a2b3c4d5e6f: 404: Not Found; " + notReadable + "; request id {sent}",
				Is:   "ErrNotFound",
			},
		},
		{
			name: "429 with headers and a bare message", update: token, status: 429, header: rateHeader,
			body: `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`,
			want: reading{
				StatusCode: 429, Message: "Rate limit exceeded. Limit: 2000 requests per 1 minutes", RequestID: "{sent}",
				RetryAfter: 17 * time.Second, RateLimit: composio.RateLimit{Limit: 2000, Remaining: 0, Window: time.Minute, Known: true},
				Text: "composio: ca_1a2b3c4d5e6f: 429: Rate limit exceeded. Limit: 2000 requests per 1 minutes; request id {sent}",
				Is:   "ErrRateLimited",
			},
		},
		{
			name: "429 with an envelope and no headers", update: token, status: 429, header: jsonAnswer,
			body: `{"error":{"message":"Too many requests","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`,
			want: reading{
				StatusCode: 429, Code: 10429, Slug: "HTTP_TooManyRequests", Message: "Too many requests", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 429 HTTP_TooManyRequests (10429): Too many requests; request id {sent}",
				Is:   "ErrRateLimited",
			},
		},
		{
			name: "502 with HTML", update: token, status: 502, header: htmlAnswer, body: htmlPage,
			want: reading{
				StatusCode: 502, RequestID: "{sent}", Err: notReadable,
				Text: "composio: ca_1a2b3c4d5e6f: 502: Bad Gateway; " + notReadable + "; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "503 with HTML", update: token, status: 503, header: htmlAnswer, body: htmlPage,
			want: reading{
				StatusCode: 503, RequestID: "{sent}", Err: notReadable,
				Text: "composio: ca_1a2b3c4d5e6f: 503: Service Unavailable; " + notReadable + "; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "403 with HTML", update: token, status: 403, header: htmlAnswer, body: htmlPage,
			want: reading{
				StatusCode: 403, RequestID: "{sent}", Err: notReadable,
				Text: "composio: ca_1a2b3c4d5e6f: 403: Forbidden; " + notReadable + "; request id {sent}",
				Is:   "ErrForbidden",
			},
		},
		{
			name: "502 with nothing", update: token, status: 502,
			want: reading{
				StatusCode: 502, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 502: Bad Gateway; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "503 with nothing but Retry-After", update: token, status: 503, header: http.Header{"Retry-After": {"0.25"}},
			want: reading{
				StatusCode: 503, RequestID: "{sent}", RetryAfter: 250 * time.Millisecond,
				Text: "composio: ca_1a2b3c4d5e6f: 503: Service Unavailable; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "403 with nothing", update: token, status: 403,
			want: reading{
				StatusCode: 403, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 403: Forbidden; request id {sent}",
				Is:   "ErrForbidden",
			},
		},
		{
			name: "408", update: token, status: 408, header: jsonAnswer, body: `{"error":{"message":"Timed out","code":10408,"slug":"HTTP_RequestTimeout","status":408}}`,
			want: reading{
				StatusCode: 408, Code: 10408, Slug: "HTTP_RequestTimeout", Message: "Timed out", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 408 HTTP_RequestTimeout (10408): Timed out; request id {sent}",
			},
		},
		{
			name: "422", update: token, status: 422, header: jsonAnswer,
			body: `{"error":{"message":"Unprocessable","code":10422,"slug":"HTTP_UnprocessableEntity","status":422,"errors":["val.token is too short"]}}`,
			want: reading{
				StatusCode: 422, Code: 10422, Slug: "HTTP_UnprocessableEntity", Message: "Unprocessable", Details: []string{"val.token is too short"}, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 422 HTTP_UnprocessableEntity (10422): Unprocessable; val.token is too short; request id {sent}",
				Is:   "ErrUnprocessable",
			},
		},
		{
			name: "500 of the document", update: token, status: 500, header: jsonAnswer,
			body: `{"error":{"message":"string","code":0,"slug":"string","status":0,"request_id":"string","suggested_fix":"string","errors":["string"]}}`,
			want: reading{
				StatusCode: 500, Slug: "string", Message: "string", SuggestedFix: "string", Details: []string{"string"}, RequestID: "string",
				Text: "composio: ca_1a2b3c4d5e6f: 500 string: string; string; fix: string; the update may have been applied; request id string",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "504 with nothing", update: token, status: 504,
			want: reading{
				StatusCode: 504, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 504: Gateway Timeout; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "error as a string", update: token, status: 400, header: jsonAnswer, body: `{"error":"Bad Request"}`,
			want: reading{
				StatusCode: 400, Message: "Bad Request", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400: Bad Request; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "error as a list", update: token, status: 400, header: jsonAnswer, body: `{"error":["first","second"]}`,
			want: reading{
				StatusCode: 400, Message: `["first","second"]`, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 400: ["first","second"]; request id {sent}`,
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "members at the top level", update: token, status: 400, header: jsonAnswer,
			body: `{"message":"m","code":7,"slug":"S","suggested_fix":"f","request_id":"req_1","errors":["d"]}`,
			want: reading{
				StatusCode: 400, Code: 7, Slug: "S", Message: "m", SuggestedFix: "f", Details: []string{"d"}, RequestID: "req_1",
				Text: "composio: ca_1a2b3c4d5e6f: 400 S (7): m; d; fix: f; request id req_1",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "members at the top level beside an error of null", update: token, status: 400, header: jsonAnswer, body: `{"code":"7","error":null,"message":"m"}`,
			want: reading{
				StatusCode: 400, Code: 7, Message: "m", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 (7): m; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "members at the top level beside an error as a string", update: token, status: 403, header: jsonAnswer,
			body: `{"message":null,"error":"Forbidden by policy","error_code":7,"slug":"S","errors":"d"}`,
			want: reading{
				StatusCode: 403, Code: 7, Slug: "S", Message: "Forbidden by policy", Details: []string{"d"}, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 403 S (7): Forbidden by policy; d; request id {sent}",
				Is:   "ErrForbidden",
			},
		},
		{
			name: "members at the top level beside an envelope", update: token, status: 400, header: jsonAnswer,
			body: `{"message":"outer","code":1,"error":{"slug":"S"},"request_id":"req_outer"}`,
			want: reading{
				StatusCode: 400, Slug: "S", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 S: Bad Request; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "message as a list, and a byte order mark", update: token, status: 400, header: jsonAnswer,
			body: "\ufeff" + ` { "error" : { "message" : [ "alias: too long" , { "at" : [ 1 , 2 ] } ] , "code" : 7 } } `,
			want: reading{
				StatusCode: 400, Code: 7, Message: `["alias: too long",{"at":[1,2]}]`, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 400 (7): ["alias: too long",{"at":[1,2]}]; request id {sent}`,
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "code as a string", update: token, status: 404, header: jsonAnswer, body: `{"error":{"message":"gone","code":"606","status":"404"}}`,
			want: reading{
				StatusCode: 404, Code: 606, Message: "gone", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 404 (606): gone; request id {sent}",
				Is:   "ErrNotFound ErrAccountNotFound",
			},
		},
		{
			name: "code that is no number", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"odd","code":"E_ODD","slug":"Odd_Code","suggested_fix":"wait","request_id":"req_1"}}`,
			want: reading{
				StatusCode: 400, Slug: "Odd_Code", Message: "odd", SuggestedFix: "wait", RequestID: "req_1",
				Text: "composio: ca_1a2b3c4d5e6f: 400 Odd_Code: odd; fix: wait; request id req_1",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "code beyond float32", update: token, status: 400, header: jsonAnswer, body: `{"error":{"message":"big","code":16777217,"slug":"Big"}}`,
			want: reading{
				StatusCode: 400, Code: 16777217, Slug: "Big", Message: "big", RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400 Big (16777217): big; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "errors holding objects", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":"Validation","code":10400,"slug":"HTTP_BadRequest","errors":[{"path":["alias"],"message":"too long"},"plain",7,null]}}`,
			want: reading{
				StatusCode: 400, Code: 10400, Slug: "HTTP_BadRequest", Message: "Validation",
				Details: []string{`{"path":["alias"],"message":"too long"}`, "plain", "7", ""}, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 400 HTTP_BadRequest (10400): Validation; {"path":["alias"],"message":"too long"}; plain; 7; ; request id {sent}`,
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "errors as an object", update: token, status: 400, header: jsonAnswer, body: `{"error":{"message":"Validation","code":1,"errors":{"alias":"too long"}}}`,
			want: reading{
				StatusCode: 400, Code: 1, Message: "Validation", Details: []string{`{"alias":"too long"}`}, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 400 (1): Validation; {"alias":"too long"}; request id {sent}`,
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "envelope with every property of another type", update: token, status: 400, header: jsonAnswer,
			body: `{"error":{"message":{"text":"no"},"code":{},"slug":7,"status":[],"request_id":8,"suggested_fix":[],"errors":null}}`,
			want: reading{
				StatusCode: 400, Message: `{"text":"no"}`, RequestID: "{sent}",
				Text: `composio: ca_1a2b3c4d5e6f: 400: {"text":"no"}; request id {sent}`,
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "envelope with every property null", update: token, status: 500, header: jsonAnswer,
			body: `{"error":{"message":null,"code":null,"slug":null,"status":null,"request_id":null,"suggested_fix":null,"errors":null},"message":null}`,
			want: reading{
				StatusCode: 500, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 500: Internal Server Error; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
		{
			name: "empty envelope", update: token, status: 401, header: jsonAnswer, body: `{"error":{}}`,
			want: reading{
				StatusCode: 401, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 401: Unauthorized; request id {sent}",
				Is:   "ErrUnauthorized",
			},
		},
		{
			name: "JSON that is no object", update: token, status: 400, header: jsonAnswer, body: `"nope"`,
			want: reading{
				StatusCode: 400, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 400: Bad Request; request id {sent}",
				Is:   "ErrBadRequest",
			},
		},
		{
			name: "JSON cut short", update: token, status: 409, header: jsonAnswer, body: `{"error":{"message":"Another wri`,
			want: reading{
				StatusCode: 409, RequestID: "{sent}", Err: notReadable,
				Text: "composio: ca_1a2b3c4d5e6f: 409: Conflict; " + notReadable + "; request id {sent}",
				Is:   "ErrConflict",
			},
		},
		{
			name: "a status without a name", update: token, status: 599,
			want: reading{
				StatusCode: 599, RequestID: "{sent}",
				Text: "composio: ca_1a2b3c4d5e6f: 599: no message; the update may have been applied; request id {sent}",
				Is:   "ErrServer ErrOutcomeUnknown",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.want.Body == "" {
				test.want.Body = test.body
			}
			got := answerTo(t, test.update, test.status, test.header, test.body)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the error (-want +got):\n%s", diff)
			}
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
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
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
		{"no limit", "", "1", "60s", composio.RateLimit{}},
		{"no remainder", "2000", "", "60s", composio.RateLimit{}},
		{"unreadable limit", "many", "1", "60s", composio.RateLimit{}},
		{"unreadable remainder", "2000", "1.5", "60s", composio.RateLimit{}},
		{"negative limit", "-1", "1", "60s", composio.RateLimit{}},
		{"negative remainder", "2000", "-1", "60s", composio.RateLimit{}},
		{"beyond an int", "99999999999999999999", "1", "60s", composio.RateLimit{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			for name, value := range map[string]string{
				"X-RateLimit": test.limit, "X-RateLimit-Remaining": test.remaining, "X-RateLimit-Window-Size": test.window,
			} {
				if value != "" {
					header.Set(name, value)
				}
			}
			if diff := cmp.Diff(test.want, answerTo(t, rename, 400, header, "").RateLimit); diff != "" {
				t.Errorf("RateLimit (-want +got):\n%s", diff)
			}
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
		{name: "success twice", status: 200, header: jsonAnswer, body: `{"success":true,"success":true}`, want: reading{Err: notApplied}},
		{name: "success true, then false", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b3c4d5e6f","success":false}`, want: reading{Err: notApplied}},
		{name: "success false, then true", status: 200, header: jsonAnswer, body: `{"success":false,"success":true}`, want: reading{Err: notApplied}},
		{name: "success by another name", status: 200, header: jsonAnswer, body: `{"Success":true,"SUCCESS":true,"ſuccess":true}`, want: reading{Err: notApplied}},
		{name: "success of something within", status: 200, header: jsonAnswer, body: `{"data":{"success":true}}`, want: reading{Err: notApplied}},
		{name: "success in a list", status: 200, header: jsonAnswer, body: `{"success":[true]}`, want: reading{Err: notApplied}},
		{name: "byte order mark alone", status: 200, header: jsonAnswer, body: "\ufeff", want: reading{Err: notApplied}},
		{name: "another account", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_other","status":"ACTIVE"}`, want: reading{Err: `the answer is about another account, "ca_other"`}},
		{name: "another account, not even a success", status: 201, header: jsonAnswer, body: `{"id":"ca_1a2b3c4d5e6","success":false}`, want: reading{Err: `the answer is about another account, "ca_1a2b3c4d5e6"`}},
		{name: "two accounts", status: 200, header: jsonAnswer, body: `{"success":true,"id":"ca_1a2b3c4d5e6f","id":"ca_other"}`, want: reading{Err: `the answer is about another account, "ca_other"`}},
		{name: "success false with 201", status: 201, header: jsonAnswer, body: `{"success":false}`, want: reading{Err: notApplied}},
		{name: "202 with a ticket", status: 202, header: jsonAnswer, body: `{"ticket":"t_1"}`, want: reading{Err: notApplied}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
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
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the error (-want +got):\n%s", diff)
			}
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
		{"an id and a status of other types", 200, `{"id":{"ca":"ca_other"},"success":true,"status":["ACTIVE"]}`, composio.Result{ID: testID, Attempts: 1}},
		{"an id of null", 200, `{"success":true,"id":null,"status":"ACTIVE"}`, whole},
		{"an empty id", 200, `{"success":true,"id":"","status":"ACTIVE"}`, whole},
		{"a status of null", 200, `{"success":true,"id":"ca_1a2b3c4d5e6f","status":null}`, composio.Result{ID: testID, Attempts: 1}},
		{"a byte order mark in front", 200, "\ufeff" + success, whole},
		{"the name escaped", 200, `{"succes\u0073":true,"\u0069d":"ca_1a2b3c4d5e6f","status":"ACTIVE"}`, whole},
		{"other names beside it", 200, `{"Success":false,"SUCCESS":"no","success":true,"ID":"ca_other","Id":"ca_other","id":"ca_1a2b3c4d5e6f","STATUS":"FAILED","status":"ACTIVE"}`, whole},
		{"another account in a nested object", 200, `{"before":{"id":"ca_other","success":false},"success":true,"id":"ca_1a2b3c4d5e6f","status":"ACTIVE","data":[{"id":"ca_other"}]}`, whole},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rec := newRecorder(t, answerWith(test.status, test.body))
			got := mustUpdate(t, newTestClient(t, rec.URL, composio.WithMaxRetries(0)), testID, rename)
			test.want.RequestID = rec.only(t).Header.Get("X-Request-Id")
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("the result (-want +got):\n%s", diff)
			}
		})
	}
}

// Codes are numbers in the document but come as strings too, and nothing that is no whole number may become one.
func TestCodesThatAreNoWholeNumbers(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		`606`: 606, `"606"`: 606, `606.0`: 606, `6.06e2`: 606, `-1`: -1, `0`: 0, `""`: 0, `" 606"`: 0,
		fmt.Sprint(math.MaxInt): math.MaxInt, fmt.Sprint(math.MinInt): math.MinInt, fmt.Sprint(uint(math.MaxInt) + 1): 0, // however wide an int is
		`18446744073709552222`: 0, `4294967902.5e9`: 0, `9007199254740993.0`: 0, // as a float64 it would be another number
		`606.5`: 0, `"606.5"`: 0, `1e300`: 0, `1e400`: 0, `"1e400"`: 0, `"NaN"`: 0, `"Inf"`: 0, `"-Inf"`: 0,
		`true`: 0, `null`: 0, `[606]`: 0, `{"code":606}`: 0,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
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

// A status of HTTP's is kept from 100 on, although net/http itself hands out none so low.
func TestLowestStatusIsKept(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{99: 0, 100: 100} {
		_, failure := callInMemory(t, testKey, testID, rename, func(req *http.Request) (*http.Response, error) {
			return answerInMemory(req, status, ""), nil
		})
		if failure == nil || failure.StatusCode != want {
			t.Errorf("status %d: %+v", status, failure)
		}
	}
}
