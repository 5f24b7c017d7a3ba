package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/sandbox"
)

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
			`"status":400,"applied":false,"fault":"","violations":[{"direction":"request","location":"/alias","rule":"type"},{"direction":"request","location":"/connection/state/val/*","rule":"additionalProperties"}]`},
		"an empty credential": {"ca_empty", `{}`, `[]`, `[]`, `["username"]`, `"status":200,"applied":true,"fault":"","violations":[]`},
		"a name twice, and a value for a name": {"ca_1", `{"s3cret":{"s3cret":1,"s3cret":2},"connection":{"state":{"authScheme":"BASIC","val":{"s3cret":"token","s3cret2":1}}},` +
			`"experimental":{"acl_config_for_shared":{"allowed_user_ids":["u",1]}}}`, `["allowed_user_ids"]`, `[]`, `["alias","token","user_agent"]`,
			`"status":400,"applied":false,"fault":"","violations":[` +
				`{"direction":"request","location":"/connection/state/val/*","rule":"additionalProperties"},` +
				`{"direction":"request","location":"/experimental/acl_config_for_shared/allowed_user_ids/1","rule":"type"},{"direction":"request","location":"/*/*","rule":"duplicate"}]`},
		"no account": {"ca_gone", `{"alias":"work"}`, `["alias"]`, `[]`, `[]`, `"status":404,"applied":false,"fault":"","violations":[]`},
		"no JSON":    {"ca_1", `s3cret`, `[]`, `[]`, `["alias","token","user_agent"]`, `"status":400,"applied":false,"fault":"","violations":[{"direction":"request","location":"body","rule":"json"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			r := controlled(t)
			r.box.Put(sandbox.Account{ID: "ca_empty", Scheme: "BASIC", Credentials: map[string]string{"password": "", "username": "u"}})
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
	r.update(`{}`)
	if q := r.requests("")[0]; q["number"] != 6.0 {
		t.Errorf("the numbers do not go on: %v", q)
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
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(newRequest(ctx, t, "GET", url+"/_sandbox/events", ""))
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

// Shutdown waits for requests that are under way, and would for a stream without end, and for a reader that has stopped.
func TestStreamsEndWhenTheServerShutsDown(t *testing.T) {
	for _, unread := range []int{0, 100} { // together more than a connection holds
		box := sandbox.New(sandbox.WithControl(), sandbox.WithRateLimit(0, 0))
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close) // after the reader has gone
		next := follow(t, srv.URL)
		send(box, unread, "/"+strings.Repeat("x", 100_000))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for range 2 { // some shut down again, with more patience
			if err := srv.Config.Shutdown(ctx); err != nil {
				t.Errorf("with %d unread: %v", unread, err)
			}
		}
		if unread == 0 && next() != "EOF" {
			t.Error("the stream goes on")
		}
	}
}

// A reader that does not read neither holds up updates nor gets a stream with a gap.
func TestStreamOfASlowReaderEnds(t *testing.T) {
	box := sandbox.New(sandbox.WithControl(), sandbox.WithRateLimit(0, 0), sandbox.WithJournal(1))
	srv := httptest.NewUnstartedServer(box)
	srv.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).SetWriteBuffer(4 << 10) // a connection that holds less needs fewer events
		return ctx
	}
	srv.Start()
	t.Cleanup(srv.Close)
	next := follow(t, srv.URL)
	const sent = 2000 // together more than a connection and 1,000 events
	send(box, sent, "/"+strings.Repeat("x", 1_000))
	defer time.AfterFunc(30*time.Second, srv.CloseClientConnections).Stop() // or a stream that goes on holds up the test
	n := 0
	for next() != "EOF" {
		n++
	}
	if n < 1000 || n >= sent {
		t.Errorf("%d events", n)
	}
}
