package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// controlRouter finds what the control document says of a request.
var controlRouter = sync.OnceValues(func() (routers.Router, error) {
	document, err := openapi3.NewLoader().LoadFromFile("control.yaml")
	if err != nil {
		return nil, err
	}
	document.Servers = nil // each test has its own
	return legacy.NewRouter(document)
})

// remote is a sandbox that is talked to over HTTP alone. Its control traffic is checked against the document.
type remote struct {
	*testing.T
	box *sandbox.Server
	url string
}

func controlled(t *testing.T, opts ...sandbox.Option) *remote {
	t.Helper()
	r := &remote{T: t, box: sandbox.New(append(opts, sandbox.WithControl())...)}
	r.box.Put(sandbox.Account{ID: "ca_1", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "home",
		Credentials: map[string]string{"token": "s3cret-old", "user_agent": "s3cret-robot"}})
	srv := httptest.NewServer(r.box)
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// send makes one control request and returns status and body. The document must allow the answer, and a request that
// succeeds.
func (r *remote) send(method, path, body string, header ...string) (int, string) {
	r.Helper()
	res := request(r.Context(), r.T, http.DefaultClient, method, r.url+"/_sandbox/"+path, body, header...)
	router, err := controlRouter()
	if err != nil {
		r.Fatal(err)
	}
	req := newRequest(r.Context(), r.T, method, r.url+"/_sandbox/"+path, body, header...)
	route, params, err := router.FindRoute(req)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, err)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	asked := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), asked); err != nil && res.status < 400 {
		r.Errorf("%s %s is done: %v", method, path, err)
	}
	answered := &openapi3filter.ResponseValidationInput{RequestValidationInput: asked, Status: res.status, Header: res.header, Options: options}
	if err := openapi3filter.ValidateResponse(r.Context(), answered.SetBodyBytes([]byte(res.body))); err != nil {
		r.Errorf("%s %s is answered %d: %v", method, path, res.status, err)
	}
	return res.status, res.body
}

// get returns what a control route answers, which must be 200.
func (r *remote) get(path string) string {
	r.Helper()
	status, body := r.send("GET", path, "")
	if status != 200 {
		r.Fatalf("GET %s: %d %s", path, status, body)
	}
	return body
}

// do makes a control request that has nothing to answer.
func (r *remote) do(method, path, body string) {
	r.Helper()
	if status, answer := r.send(method, path, body); status != 204 || answer != "" {
		r.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// update makes one update of ca_1 and returns the status.
func (r *remote) update(body string) int {
	r.Helper()
	return request(r.Context(), r.T, http.DefaultClient, "PATCH", r.url+path+"ca_1", body).status
}

func (r *remote) want(path, want string) {
	r.Helper()
	if diff := cmp.Diff(want, r.get(path)); diff != "" {
		r.Errorf("GET %s (-want +got):\n%s", path, diff)
	}
}

const ca1JSON = `{"id":"ca_1","toolkit":"github","user":"user_1","scheme":"BEARER_TOKEN","alias":"home","status":"ACTIVE",` +
	`"credentials":{"token":"s3cret-old","user_agent":"s3cret-robot"}}`

func TestControlStoresAndReadsAccounts(t *testing.T) {
	r := controlled(t)
	r.want("accounts/ca_1", ca1JSON)
	whole := strings.ReplaceAll(ca1JSON, "ca_1", "a b")
	r.do("PUT", "accounts/a%20b", whole)
	r.want("accounts/a%20b", whole)
	r.do("PUT", "accounts/ca_2", `{"scheme":"OAUTH2","credentials":{"access_token":""}}`)
	r.want("accounts/ca_2", `{"id":"ca_2","toolkit":"","user":"","scheme":"OAUTH2","alias":"","status":"ACTIVE","credentials":{"access_token":""}}`)
	r.want("accounts", `{"accounts":[`+
		`{"id":"a b","toolkit":"github","user":"user_1","scheme":"BEARER_TOKEN","alias":"home","status":"ACTIVE","credentials":["token","user_agent"]},`+
		`{"id":"ca_1","toolkit":"github","user":"user_1","scheme":"BEARER_TOKEN","alias":"home","status":"ACTIVE","credentials":["token","user_agent"]},`+
		`{"id":"ca_2","toolkit":"","user":"","scheme":"OAUTH2","alias":"","status":"ACTIVE","credentials":[]}],"total":3}`)
	r.do("DELETE", "accounts/ca_2", "")
	for _, method := range []string{"GET", "DELETE"} {
		if status, body := r.send(method, "accounts/ca_2", ""); status != 404 || body != `{"error":{"code":0,`+
			`"message":"The sandbox has no account with this id","slug":"Sandbox_NotFound","status":404}}` {
			t.Errorf("%s: %d %s", method, status, body)
		}
	}
	if _, ok := r.box.Account("ca_2"); ok {
		t.Error("it is still there")
	}
}

func TestControlRefusesAccountsAsAFileWould(t *testing.T) {
	for name, tt := range wrongAccounts {
		t.Run(name, func(t *testing.T) {
			r := controlled(t)
			status, body := r.send("PUT", "accounts/ca_1", tt.json)
			if status != 400 || strings.Contains(body, "s3cret") {
				t.Errorf("%d %s", status, body)
			}
			r.want("accounts/ca_1", ca1JSON)
		})
	}
	r := controlled(t)
	if status, body := r.send("PUT", "accounts/ca_1", `{"id":"ca_2","scheme":"BASIC"}`); status != 400 {
		t.Errorf("another id: %d %s", status, body)
	}
	r.want("accounts/ca_1", ca1JSON)
}

func TestControlKnowsItsRoutes(t *testing.T) {
	r := controlled(t)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "nothing", 404, ""}, {"GET", "accounts/ca_1/more", 404, ""}, {"GET", "Accounts", 404, ""}, {"GET", "index.html", 404, ""},
		{"POST", "accounts", 405, "GET, HEAD"}, {"PATCH", "accounts/ca_1", 405, "DELETE, GET, HEAD, PUT"}, {"GET", "reset", 405, "POST"}, {"POST", "", 405, "GET, HEAD"},
	} {
		got := request(t.Context(), t, http.DefaultClient, tt.method, r.url+"/_sandbox/"+tt.path, "")
		want := fmt.Sprintf(`{"error":{"code":0,"message":%q,"slug":%q,"status":%d}}`, http.StatusText(tt.status),
			"Sandbox_"+strings.ReplaceAll(http.StatusText(tt.status), " ", ""), tt.status)
		if got.status != tt.status || got.header.Get("Allow") != tt.allow || got.body != want || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %v %s", tt.method, tt.path, got.status, got.header, got.body)
		}
	}
}

// What is asked of the control routes is none of the journal's, the rate limit's and the faults' business.
func TestControlIsApartFromWhatItControls(t *testing.T) {
	r := controlled(t, sandbox.WithRateLimit(1, time.Hour), sandbox.WithFaults(1, 1, fault(t, "504")))
	r.do("POST", "script", `{"answers":[{"status":418}]}`)
	for range 3 {
		r.want("accounts/ca_1", ca1JSON)
	}
	if got := r.update(`{}`); got != 418 || len(r.box.Requests()) != 1 {
		t.Errorf("got %d, journal %v", got, r.box.Requests())
	}
	plain := sandbox.New()
	for _, path := range []string{"/_sandbox/", "/_sandbox/accounts", "/_sandbox/openapi.yaml"} {
		if got := call(t, plain, "GET", path, ""); got.status != 404 || last(plain).Path != path {
			t.Errorf("without control routes, %s: %d %s", path, got.status, got.body)
		}
	}
}

func TestControlRefusesAddressesThatItWouldNotRead(t *testing.T) {
	r := controlled(t)
	r.update(`{}`)
	for _, route := range []string{
		"GET requests?limit=0", "GET requests?limit=-1", "GET requests?limit=many", "GET requests?limit=1.5", "GET requests?limit=-99999999999999999999",
		"GET requests?limit=", "GET requests?limit=1&limit=2", "GET requests?limit=1;account=ca_1", "GET requests?limit=%zz", "GET requests?account=",
		"GET requests?acount=ca_1", "GET requests?Limit=1", "GET accounts?limit=0", "GET accounts?account=ca_1", "GET accounts/ca_1?limit=1",
		"DELETE requests?account=ca_1", "DELETE accounts/ca_1?x", "POST reset?account=ca_1", "DELETE accounts/%ff", "GET accounts/%ff", `PUT accounts/%ff {"scheme":"BASIC"}`,
	} {
		parts := append(strings.Split(route, " "), "")
		if got := request(t.Context(), t, http.DefaultClient, parts[0], r.url+"/_sandbox/"+parts[1], parts[2]); got.status != 400 {
			t.Errorf("%s: %d %s", route, got.status, got.body)
		}
	}
	r.want("accounts/ca_1", ca1JSON)
	if all := r.box.Requests(); len(all) != 1 {
		t.Errorf("the journal has %d requests", len(all))
	}
	for _, list := range []string{"requests", "accounts"} { // more than an int holds
		got := request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox/"+list+"?limit=99999999999999999999", "")
		if got.body != r.get(list) {
			t.Errorf("a large limit of %s: %d %s", list, got.status, got.body)
		}
	}
}

func TestControlTakesBodiesWhateverTheyAreSaidToBe(t *testing.T) {
	r := controlled(t)
	for _, route := range [][3]string{{"PUT", "accounts/ca_1", ca1JSON}, {"POST", "script", `{"answers":[]}`}, {"PUT", "faults", `{"faults":{}}`}} {
		for _, contentType := range []string{"-", "application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""} {
			got := request(t.Context(), t, http.DefaultClient, route[0], r.url+"/_sandbox/"+route[1], route[2], "Content-Type", contentType)
			if got.status != 204 {
				t.Errorf("%v as %q: %d %s", route, contentType, got.status, got.body)
			}
		}
	}
}
