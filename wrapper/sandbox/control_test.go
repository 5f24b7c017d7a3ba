package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

// controlDocument is what the control traffic is checked against.
var controlDocument = sync.OnceValue(func() contract.Option {
	spec, err := os.ReadFile("control.yaml")
	if err != nil {
		panic(err)
	}
	return contract.WithDocument(spec)
})

// remote is a sandbox that is talked to over HTTP alone. Its control traffic is checked against the document.
type remote struct {
	*testing.T
	box    *sandbox.Server
	url    string
	client *http.Client
	broken []contract.Violation // of the last request
}

func controlled(t *testing.T, opts ...sandbox.Option) *remote {
	t.Helper()
	r := &remote{T: t, box: sandbox.New(append(opts, sandbox.WithControl())...)}
	r.box.Put(sandbox.Account{ID: "ca_1", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "home",
		Credentials: map[string]string{"token": "s3cret-old", "user_agent": "s3cret-robot"}})
	srv := httptest.NewServer(r.box)
	t.Cleanup(srv.Close)
	var traffic contract.Report
	r.url, r.client = srv.URL, &http.Client{Transport: contract.Transport(srv.Client().Transport, controlDocument(), contract.WithEveryOperation(),
		contract.Collect(&traffic, io.Discard), contract.OnViolation(func(_ *http.Request, v contract.Violation) { r.broken = append(r.broken, v) }))}
	return r
}

// send makes one control request and returns status and body. The document must allow the answer, and a request that
// succeeds.
func (r *remote) send(method, path, body string, header ...string) (int, string) {
	r.Helper()
	r.broken = nil
	res := request(r.Context(), r.T, r.client, method, r.url+"/_sandbox/"+path, body, header...)
	for _, v := range r.broken {
		if v.Direction == contract.Response || res.status < 400 {
			r.Errorf("%s %s: %d %s: %v", method, path, res.status, res.body, v)
		}
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

// request sends one request; header is name, value, and a name that is "-" is taken off. Status 0 is no answer.
func request(ctx context.Context, t *testing.T, client *http.Client, method, url, body string, header ...string) answered {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // for a stream that should have been refused
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			req.Host = header[i+1]
		case header[i+1] == "-":
			req.Header.Del(header[i])
		default:
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := client.Do(req)
	if err != nil {
		return answered{}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res.StatusCode, res.Header, string(data)}
}

func (r *remote) want(path, want string) {
	r.Helper()
	if diff := cmp.Diff(want+"\n", r.get(path)); diff != "" {
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
	r.do("PUT", "accounts/ca_2", `{"scheme":"OAUTH2"}`)
	r.want("accounts/ca_2", `{"id":"ca_2","toolkit":"","user":"","scheme":"OAUTH2","alias":"","status":"ACTIVE","credentials":{}}`)
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
	for name, tt := range map[string][]string{ // path, header, body
		"another id":    {"accounts/ca_1", "application/json", `{"id":"ca_2","scheme":"BASIC"}`},
		"no media type": {"accounts/ca_1", "-", ca1JSON},
		"a form":        {"accounts/ca_1", "application/x-www-form-urlencoded", ca1JSON},
	} {
		if status, body := r.send("PUT", tt[0], tt[2], "Content-Type", tt[1]); status != 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	r.want("accounts/ca_1", ca1JSON)
}

// requests returns the journal over HTTP.
func (r *remote) requests(query string) (list []map[string]any) {
	r.Helper()
	var answer struct{ Requests []map[string]any }
	if err := json.Unmarshal([]byte(r.get("requests"+query)), &answer); err != nil {
		r.Fatal(err)
	}
	return answer.Requests
}

func TestControlTellsOfRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		id, body, set, cleared, kept, rest string
	}{
		"a field":     {"ca_1", `{"alias":"work"}`, `["alias"]`, `[]`, `["token","user_agent"]`, `"status":200,"applied":true,"fault":"","violations":[]`},
		"all cleared": {"ca_1", `{"alias":"","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null,"user_agent":null}}}}`, `[]`, `["alias","token","user_agent"]`, `[]`, `"status":200,"applied":true,"fault":"","violations":[]`},
		"some set":    {"ca_1", `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"","api_key":"s3cret"}}}}`, `["api_key","token"]`, `[]`, `["alias","user_agent"]`, `"status":200,"applied":true,"fault":"","violations":[]`},
		"sharing": {"ca_1", `{"experimental":{"acl_config_for_shared":{"allow_all_users":false,"allowed_user_ids":[],"not_allowed_user_ids":["u"]}}}`,
			`["allow_all_users","not_allowed_user_ids"]`, `["allowed_user_ids"]`, `["alias","token","user_agent"]`, `"status":200,"applied":true,"fault":"","violations":[]`},
		"what the document forbids": {"ca_1", `{"alias":1,"Alias":"s3cret","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"s3cret","Token":null}}}}`, `["token"]`, `[]`, `["alias","user_agent"]`,
			`"status":400,"applied":false,"fault":"","violations":[{"direction":"request","location":"/alias","rule":"type"},{"direction":"request","location":"/connection/state/val/Token","rule":"additionalProperties"}]`},
		"no account": {"ca_gone", `{"alias":"work"}`, `["alias"]`, `[]`, `[]`, `"status":404,"applied":false,"fault":"","violations":[]`},
		"no JSON":    {"ca_1", `s3cret`, `[]`, `[]`, `["alias","token","user_agent"]`, `"status":400,"applied":false,"fault":"","violations":[{"direction":"request","location":"body","rule":"json"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			r := controlled(t)
			request(t.Context(), t, http.DefaultClient, "PATCH", r.url+path+tt.id, tt.body)
			at, _ := r.box.Requests()[0].Time.MarshalJSON()
			r.want("requests", `{"requests":[{"number":1,"time":`+string(at)+`,"method":"PATCH","path":"/api/v3/connected_accounts/`+tt.id+`","account":"`+tt.id+`",`+
				`"set":`+tt.set+`,"cleared":`+tt.cleared+`,"kept":`+tt.kept+`,`+tt.rest+`,"ended":true}],"total":1}`)
		})
	}
}

func TestControlFindsTheRequestsOfAnAccount(t *testing.T) {
	r := controlled(t)
	for _, p := range []string{path + "ca_1", path + "ca_2", "/elsewhere", "/api/v3.1/connected_accounts/ca%5F1", "/api/v2/connected_accounts/ca_1"} {
		request(t.Context(), t, http.DefaultClient, "PATCH", r.url+p, "{}")
	}
	for query, want := range map[string][]float64{
		"": {1, 2, 3, 4, 5}, "?account=ca_1": {1, 4}, "?account=ca_2": {2}, "?account=ca_3": nil, "?limit=2": {4, 5}, "?account=ca_1&limit=1": {4}, "?limit=9": {1, 2, 3, 4, 5},
	} {
		var got []float64
		for _, q := range r.requests(query) {
			got = append(got, q["number"].(float64))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	r.do("DELETE", "requests", "")
	r.want("requests", `{"requests":[],"total":0}`)
	if all := r.box.Requests(); len(all) != 0 {
		t.Errorf("the journal has %d requests", len(all))
	}
}

func TestControlRefusesAddressesThatItWouldNotRead(t *testing.T) {
	r := controlled(t)
	r.update(`{}`)
	for _, route := range []string{
		"GET requests?limit=0", "GET requests?limit=-1", "GET requests?limit=many", "GET requests?limit=1.5", "GET requests?limit=99999999999999999999",
		"GET requests?limit=", "GET requests?limit=1&limit=2", "GET requests?limit=1;account=ca_1", "GET requests?limit=%zz", "GET requests?account=",
		"GET requests?acount=ca_1", "GET requests?Limit=1", "GET accounts?limit=0", "GET accounts?account=ca_1", "GET accounts/ca_1?limit=1",
		"DELETE requests?account=ca_1", "DELETE accounts/ca_1?x", "POST reset?account=ca_1", "DELETE accounts/%ff", "GET accounts/%ff",
	} {
		method, path, _ := strings.Cut(route, " ")
		if got := request(t.Context(), t, http.DefaultClient, method, r.url+"/_sandbox/"+path, ""); got.status != 400 {
			t.Errorf("%s: %d %s", route, got.status, got.body)
		}
	}
	if got := request(t.Context(), t, http.DefaultClient, "PUT", r.url+"/_sandbox/accounts/%ff", `{"scheme":"BASIC"}`); got.status != 400 {
		t.Errorf("an id that is no text: %d %s", got.status, got.body)
	}
	r.want("accounts/ca_1", ca1JSON)
	if all := r.box.Requests(); len(all) != 1 {
		t.Errorf("the journal has %d requests", len(all))
	}
}

func TestControlStreamsRequestsAsTheyEnd(t *testing.T) {
	r := controlled(t)
	next := follow(t, r.url)
	hung, leave := context.WithCancel(t.Context())
	r.do("POST", "script", `{"answers":[{"fault":"hang"},{"fault":"close-after"}]}`)
	done := make(chan answered)
	go func() { done <- request(hung, t, http.DefaultClient, "PATCH", r.url+path+"ca_1", `{"alias":"one"}`) }()
	awaitFault(r.box)
	if q := r.requests("")[0]; q["ended"] != false || q["status"] != 0.0 || q["applied"] != true || q["fault"] != "hang" {
		t.Errorf("under way: %v", q)
	}
	r.update(`{"alias":"two"}`)
	second := next()
	leave()
	<-done
	first := next()
	request(t.Context(), t, http.DefaultClient, "GET", r.url+"/elsewhere", "")
	want := strings.TrimSuffix(r.get("requests"), "\n")
	if got := `{"requests":[` + first + "," + second + "," + next() + `],"total":3}`; got != want {
		t.Errorf("streamed %s\nlisted   %s", got, want)
	}
}

// follow opens the stream of events and returns what reads the next.
func follow(t *testing.T, url string) func() string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/_sandbox/events", nil)
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("the stream: %d %s", res.StatusCode, got)
	}
	reader := bufio.NewReader(res.Body)
	return func() string {
		t.Helper()
		line, _ := reader.ReadString('\n')
		blank, err := reader.ReadString('\n')
		data, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "data: ")
		if err == io.EOF && line == "" {
			return "EOF"
		}
		if err != nil || !ok || blank != "\n" {
			t.Fatalf("no event: %v: %q %q", err, line, blank)
		}
		return data
	}
}

// A HEAD request is over with the headers, or the connection could serve no other.
func TestStreamHasNothingForHead(t *testing.T) {
	r := controlled(t)
	for range 2 {
		if got := request(t.Context(), t, http.DefaultClient, "HEAD", r.url+"/_sandbox/events", ""); got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%d %v", got.status, got.header)
		}
	}
}

// Shutdown waits for requests that are under way, and would for a stream without end.
func TestStreamsEndWhenTheServerShutsDown(t *testing.T) {
	srv := httptest.NewServer(sandbox.New(sandbox.WithControl()))
	defer srv.Close()
	next := follow(t, srv.URL)
	for range 2 { // some shut down again, with more patience
		if err := srv.Config.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := next(); got != "EOF" {
		t.Errorf("the stream goes on with %s", got)
	}
}

// Neither does a reader that does not read hold up updates, nor does it get a stream with a gap.
func TestStreamOfASlowReaderEnds(t *testing.T) {
	s := sandbox.New(sandbox.WithControl(), sandbox.WithRateLimit(0, 0))
	release, began := make(chan struct{}), make(chan struct{})
	w := &stuck{httptest.NewRecorder(), began, release}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequest("GET", "http://localhost/_sandbox/events", nil)
		r.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
		s.ServeHTTP(w, r)
	}()
	<-began
	for range 1002 {
		visit(s)
	}
	close(release)
	<-ended
	if n := strings.Count(w.Body.String(), "data: "); n < 1000 || n > 1001 {
		t.Errorf("%d events", n)
	}
}

// stuck does not flush before it is released.
type stuck struct {
	*httptest.ResponseRecorder
	began, release chan struct{}
}

func (s *stuck) Flush() {
	select {
	case <-s.release:
	default:
		close(s.began)
		<-s.release
	}
}

func TestControlPlansAnswers(t *testing.T) {
	r := controlled(t)
	r.do("POST", "script", `{"answers":[{"fault":"502-applied"},{"status":409,"body":{"error" : {"message":"<x>","code":1}}}]}`)
	r.do("POST", "script", `{"answers":[{"status":503,"body":"<p>down</p>","headers":{"content-type":"text/html","retry-after":"7"}},{"status":500.0,"apply":true},{"status":200,"body":null}]}`)
	for i, want := range []struct {
		answered
		fault   string
		applied bool
	}{
		{answered{502, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page502}, "502-applied", true},
		{answered{409, http.Header{"Content-Type": {"application/json"}}, `{"error" : {"message":"<x>","code":1}}`}, "script", false},
		{answered{503, http.Header{"Content-Type": {"text/html"}, "Retry-After": {"7"}}, `<p>down</p>`}, "script", false},
		{answered{500, http.Header{"Content-Type": {"application/json"}}, ``}, "script", true},
		{answered{200, http.Header{"Content-Type": {"application/json"}}, `null`}, "script", false},
		{answered{200, http.Header{"Content-Type": {"application/json"}}, goodBody}, "", true},
	} {
		alias := fmt.Sprint("alias-", i)
		got := request(t.Context(), t, http.DefaultClient, "PATCH", r.url+path+"ca_1", `{"alias":"`+alias+`"}`)
		maps.DeleteFunc(got.header, func(name string, _ []string) bool { return name != "Content-Type" && name != "Retry-After" })
		want.body = strings.ReplaceAll(want.body, "EXPIRED", "ACTIVE")
		if diff := cmp.Diff(want.answered, got, cmp.AllowUnexported(answered{})); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
		a, _ := r.box.Account("ca_1")
		if q := last(r.box); q.Fault != want.fault || q.Applied != want.applied || (a.Alias == alias) != want.applied {
			t.Errorf("%d: %v, %v", i, q, a)
		}
	}
}

func TestControlRefusesWhatCannotBePlanned(t *testing.T) {
	r := controlled(t)
	for _, tt := range []struct{ method, path, body, about string }{
		{"POST", "script", ``, `body`},
		{"POST", "script", `{"answers":`, `json`},
		{"POST", "script", `{"answers":[{"status":502}],"Answers":[]}`, `/Answers: additionalProperties`},
		{"POST", "script", `{"answer":[{"status":502}]}`, `/answer: additionalProperties`},
		{"POST", "script", `{"answers":[{"status":502},{}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"fault":"earthquake"}]}`, `/answers/1: the sandbox has no fault \"earthquake\"; it has close-before`},
		{"POST", "script", `{"answers":[{"status":502},{"fault":""}]}`, `/answers/1: the sandbox has no fault \"\"`},
		{"POST", "script", `{"answers":[{"status":502},{"fault":"hang","status":409}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"Fault":"hang"}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"status":100}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"status":1000}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"status":"502"}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"status":410}]}`, `/answers/1/status: duplicate`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a":1}}]}`, `/answers/1`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a b":"x"}}]}`, `/answers/1: /headers: \"a b\" is no name of a header`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a":"x\r\nb: y"}}]}`, `/answers/1: /headers: \"a\" is no name of a header, or its value none`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a":"x","A":"y"}}]}`, `is there twice, in another case`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"body":"\ud800"}]}`, `/answers/1/body: surrogate`},
		{"PUT", "faults", `{"faults":{"502":1,"earthquake":0}}`, `the sandbox has no fault \"earthquake\"; it has close-before`},
		{"PUT", "faults", `{"faults":{"502":1.5}}`, `/faults/502: maximum`},
		{"PUT", "faults", `{"faults":{"502":-0.5}}`, `/faults/502: minimum`},
		{"PUT", "faults", `{"faults":{"502":"1"}}`, `/faults/502: type`},
		{"PUT", "faults", `{"faults":{"502":0.6,"503":0.6}}`, `/faults: the rates add up to more than 1`},
		{"PUT", "faults", `{"faults":{"502":0.6,"502":0.1}}`, `/faults/502: duplicate`},
		{"PUT", "faults", `{"faults":["502"]}`, `/faults: type`},
		{"PUT", "faults", `{"502":1}`, `/502: additionalProperties`},
	} {
		status, body := r.send(tt.method, tt.path, tt.body)
		if status != 400 || !strings.Contains(body, tt.about) || strings.Contains(body, "composio: ") {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, status, body)
		}
	}
	if status := r.update(`{}`); status != 200 || last(r.box).Fault != "" {
		t.Errorf("a part of what was refused was done: %d %v", status, last(r.box))
	}
}

func TestControlTurnsFaultsOnAndOff(t *testing.T) {
	r := controlled(t, sandbox.WithFaults(7, 1, fault(t, "503-applied")))
	all, _ := sandbox.Faults()
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	list, _ := json.Marshal(names)
	for _, step := range []struct {
		put, on string
		status  int
	}{
		{``, `{"503-applied":1}`, 503},
		{`{}`, `{}`, 200},
		{`{"502":1}`, `{"502":1}`, 502},
		{`{"500":0.3,"504":0.7,"502":0}`, `{"500":0.3,"504":0.7}`, 0},
		{`{"408":0.2,"500":0.4,"502":0.3,"504":0.1}`, `{"408":0.2,"500":0.4,"502":0.3,"504":0.1}`, 0}, // as numbers a little more than 1
	} {
		if step.put != "" {
			r.do("PUT", "faults", `{"faults":`+step.put+`}`)
		}
		r.want("faults", `{"faults":`+step.on+`,"names":`+string(list)+`}`)
		if status := r.update(`{}`); status != step.status && step.status != 0 {
			t.Errorf("%s: %d", step.on, status)
		}
	}
}

// A run against a server can be repeated: the dice are thrown alike after each PUT and each reset.
func TestControlFaultsRepeatThemselves(t *testing.T) {
	var runs [2][]string
	for i := range runs {
		r := controlled(t, sandbox.WithRateLimit(0, 0))
		for range i * 3 {
			r.update(`{}`)
		}
		r.do("PUT", "faults", `{"faults":{"504":0.2,"500":0.4}}`)
		r.do("DELETE", "requests", "")
		runs[i] = meets(r.box, 50)
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" || !slices.Contains(runs[0], "500") || !slices.Contains(runs[0], "504") {
		t.Errorf("runs (-one +other):\n%s", diff)
	}
}

func TestResetPutsBackTheStart(t *testing.T) {
	r := controlled(t, sandbox.WithRateLimit(4, time.Hour), sandbox.WithFaults(1, 1, fault(t, "504")))
	r.box.Script(sandbox.Answer{Status: 418}, sandbox.Answer{Status: 410, Apply: true})
	for range 2 {
		for i, want := range []int{418, 410, 504, 504, 429} {
			if status := r.update(`{"alias":"new","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null}}}}`); status != want {
				t.Errorf("request %d: %d, want %d", i, status, want)
			}
		}
		r.do("PUT", "accounts/ca_2", `{"scheme":"BASIC"}`)
		r.do("PUT", "faults", `{"faults":{"hang":1}}`)
		r.do("POST", "script", `{"answers":[{"fault":"hang"}]}`)
		r.do("POST", "reset", "")
		r.want("accounts/ca_1", ca1JSON)
		if status, _ := r.send("GET", "accounts/ca_2", ""); status != 404 {
			t.Errorf("an account that was added: %d", status)
		}
		r.want("requests", `{"requests":[],"total":0}`)
	}
}

// everyRoute is each control route with a body that it takes.
var everyRoute = [][3]string{
	{"GET", "accounts"}, {"GET", "accounts/ca_1"}, {"PUT", "accounts/ca_1", ca1JSON}, {"DELETE", "accounts/ca_1"}, {"GET", "requests"}, {"DELETE", "requests"},
	{"GET", "events"}, {"POST", "script", `{"answers":[{"status":409}]}`}, {"GET", "faults"}, {"PUT", "faults", `{"faults":{"502":1}}`}, {"POST", "reset"},
}

// everyFile is what is served without a key.
var everyFile = map[string]string{"": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8", "openapi.yaml": "application/yaml"}

func TestControlTakesTheKeyAlone(t *testing.T) {
	r := controlled(t)
	r.update(`{}`)
	for _, route := range everyRoute {
		for key, code := range map[string]string{"-": "906", "": "906", "ak_wrong_key": "10401"} {
			if status, body := r.send(route[0], route[1], route[2], "X-Api-Key", key); status != 401 || !strings.HasPrefix(body, `{"error":{"code":`+code+`,`) {
				t.Errorf("%v with key %q: %d %s", route, key, status, body)
			}
		}
	}
	r.want("accounts/ca_1", ca1JSON)
	if status := r.update(`{}`); status != 200 || len(r.box.Requests()) != 2 {
		t.Error("something was done without the key")
	}
}

func TestNobodyGetsInFromAnotherSite(t *testing.T) {
	box := sandbox.New(sandbox.WithControl("BOX.test", "other.test:81", "FD00:0::1"))
	box.Put(bearer("ca_1"))
	srv := httptest.NewServer(box)
	defer srv.Close()
	own := strings.TrimPrefix(srv.URL, "http://")
	for name, tt := range map[string]struct {
		header  []string
		refused bool
	}{
		"its address":                    {nil, false},
		"localhost":                      {[]string{"Host", "LocalHost:8787"}, false},
		"localhost without a port":       {[]string{"Host", "localhost"}, false},
		"another loopback address":       {[]string{"Host", "127.8.9.1:1"}, false},
		"IPv6's":                         {[]string{"Host", "[::1]:8787"}, false},
		"IPv6's without a port":          {[]string{"Host", "[::1]"}, false},
		"an allowed name":                {[]string{"Host", "Box.test:9"}, false},
		"an allowed address":             {[]string{"Host", "[fd00::1]:9"}, false},
		"the whole name":                 {[]string{"Host", "LOCALHOST.:8787"}, false},
		"IPv6's in full":                 {[]string{"Host", "[0:0:0:0:0:0:0:1]:8787"}, false},
		"IPv4 in IPv6":                   {[]string{"Host", "[::ffff:127.0.0.1]"}, false},
		"an allowed name in whole":       {[]string{"Host", "box.test."}, false},
		"an allowed name and port":       {[]string{"Host", "other.test:81"}, false},
		"its own origin":                 {[]string{"Origin", srv.URL}, false},
		"an allowed name's origin":       {[]string{"Host", "box.test", "Origin", "http://box.test"}, false},
		"the same origin":                {[]string{"Sec-Fetch-Site", "same-origin"}, false},
		"the address field":              {[]string{"Sec-Fetch-Site", "none"}, false},
		"an allowed name's other port":   {[]string{"Host", "other.test:82"}, true},
		"a name in brackets":             {[]string{"Host", "[localhost]"}, true},
		"half of brackets":               {[]string{"Host", "[::1"}, true},
		"a port that is none":            {[]string{"Host", "localhost:evil"}, true},
		"a name and a password":          {[]string{"Host", "localhost:80@evil.test"}, true},
		"another name":                   {[]string{"Host", "evil.test"}, true},
		"a name that begins well":        {[]string{"Host", "localhost.evil.test"}, true},
		"an address as a name":           {[]string{"Host", "127.0.0.1.evil.test:8787"}, true},
		"a name that ends well":          {[]string{"Host", "evil-box.test"}, true},
		"a private address":              {[]string{"Host", "192.168.1.1:8787"}, true},
		"every address":                  {[]string{"Host", "0.0.0.0:8787"}, true},
		"another origin":                 {[]string{"Origin", "http://evil.test"}, true},
		"another port's":                 {[]string{"Origin", "http://127.0.0.1:1"}, true},
		"another scheme's":               {[]string{"Origin", "https://" + own}, true},
		"nobody's":                       {[]string{"Origin", "null"}, true},
		"an origin that begins well":     {[]string{"Origin", srv.URL + ".evil.test"}, true},
		"an empty one":                   {[]string{"Origin", ""}, true},
		"an allowed name's, not its own": {[]string{"Origin", "http://box.test"}, true},
		"another site":                   {[]string{"Sec-Fetch-Site", "cross-site"}, true},
		"another site, in capitals":      {[]string{"Sec-Fetch-Site", " Cross-Site"}, true},
		"another site, among others":     {[]string{"Sec-Fetch-Site", "same-origin, cross-site"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var all [][3]string
			for file := range everyFile {
				all = append(all, [3]string{"GET", file})
			}
			if all = append(all, [3]string{"GET", "accounts"}); tt.refused {
				all = append(all, everyRoute...)
				all = append(all, [3]string{"OPTIONS", "accounts"}, [3]string{"GET", "nothing"})
			}
			for _, route := range all {
				for _, key := range []string{sandbox.DefaultAPIKey, "-"} {
					got := request(t.Context(), t, http.DefaultClient, route[0], srv.URL+"/_sandbox/"+route[1], route[2], append(tt.header, "X-Api-Key", key)...)
					if (got.status == 403) != tt.refused || got.header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%v with key %q: %d %s", route, key, got.status, got.body)
					}
				}
			}
		})
	}
	wantStored(t, box, bearer("ca_1"))
	// Composio's own routes are not guarded: a client may reach them by any name.
	if got := request(t.Context(), t, http.DefaultClient, "PATCH", srv.URL+path+"ca_1", `{}`, "Host", "backend.composio.dev", "Origin", "http://evil.test"); got.status != 200 {
		t.Errorf("an update: %d", got.status)
	}
}

func TestThePageIsStaticAndMayUseItselfAlone(t *testing.T) {
	r := controlled(t)
	r.update(`{"alias":"s3cret"}`)
	for file, mediaType := range everyFile {
		got := request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox/"+file, "", "X-Api-Key", "-")
		if got.status != 200 || got.header.Get("Content-Type") != mediaType || len(got.body) < 100 || strings.Contains(got.body, "s3cret") || strings.Contains(got.body, "ca_1\"") {
			t.Errorf("%q: %d %v, %d bytes", file, got.status, got.header, len(got.body))
		}
	}
	for _, path := range []string{"/_sandbox/", "/_sandbox/page.js", "/_sandbox/accounts", "/_sandbox/nothing"} {
		h := request(t.Context(), t, http.DefaultClient, "GET", r.url+path, "").header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Cache-Control":           "no-store",
			"X-Sandbox":               "control routes, not part of Composio",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %s", path, name, h.Get(name))
			}
		}
	}
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

func TestThePageIsFoundWithoutItsLastSlash(t *testing.T) {
	r := controlled(t)
	if got := request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox", "", "X-Api-Key", "-"); got.status != 200 || !strings.HasPrefix(got.body, "<!doctype html>") {
		t.Errorf("%d %s", got.status, got.body)
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

// The list, the requests, the events, the log and the page show no credential; an account by itself does.
func TestNoListShowsACredential(t *testing.T) {
	var log bytes.Buffer
	r := controlled(t, sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	next := follow(t, r.url)
	var shown string
	for _, body := range []string{
		`{"alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"s3cret-new","user_agent":null}}}}`,
		`{"connection":{"state":{"authScheme":"s3cret","val":{"token":["s3cret"],"s3cret of a name":"x"}}},"s3cret":1}`,
		`token=s3cret`,
	} {
		r.update(body)
		shown += next()
	}
	shown += r.get("accounts") + r.get("requests") + r.get("faults") + log.String()
	for file := range everyFile {
		shown += request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox/"+file, "").body
	}
	wantNone(t, shown, "s3cret", sandbox.DefaultAPIKey)
	if got := r.get("accounts/ca_1"); !strings.Contains(got, "s3cret-new") {
		t.Errorf("the account: %s", got)
	}
}

func TestLogHasALineARequest(t *testing.T) {
	var log bytes.Buffer
	noTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && time.Since(a.Value.Time()) < time.Minute {
			a.Value = slog.StringValue("now")
		}
		return a
	}}
	r := controlled(t, sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, noTime))))
	r.do("POST", "script", `{"answers":[{"fault":"502-applied"},{"fault":"close-before"}]}`)
	val := func(val string) string {
		return `{"alias":"","connection":{"state":{"authScheme":"BEARER_TOKEN","val":` + val + `}}}`
	}
	r.update(val(`{"token":"s3cret","user_agent":null}`))
	r.update(val(`{}`))
	r.update(`{"alias":"work"}`)
	r.update(`{"alias":1,"connection":{}}`)
	request(t.Context(), t, http.DefaultClient, "PATCH", r.url+path+"ca%0A_gone", `{}`)
	request(t.Context(), t, http.DefaultClient, "POST", r.url+"/elsewhere?key=s3cret", `s3cret`)
	r.do("POST", "reset", "")
	want := `time=now level=INFO msg=request method=PATCH id=ca_1 status=502 applied=true set=token cleared=alias,user_agent fault=502-applied
time=now level=INFO msg=request method=PATCH id=ca_1 status=0 applied=false cleared=alias fault=close-before
time=now level=INFO msg=request method=PATCH id=ca_1 status=200 applied=true set=alias
time=now level=INFO msg=request method=PATCH id=ca_1 status=400 applied=false violations="request /alias: type; request /connection/state: required"
time=now level=INFO msg=request method=PATCH id="ca\n_gone" status=404 applied=false
time=now level=INFO msg=request method=POST path=/elsewhere status=404 applied=false
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
