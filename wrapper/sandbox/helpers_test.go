package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/api/v3/connected_accounts/"

// bearer is an account with everything set.
func bearer(id string) sandbox.Account {
	return sandbox.Account{
		ID: id, Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "home",
		Credentials: map[string]string{"token": "old", "user_agent": "robot"}, Status: composio.StatusExpired,
		AllowAllUsers: true, AllowedUserIDs: []string{"a"}, NotAllowedUserIDs: []string{"b"},
	}
}

// filled is a sandbox with one account.
func filled(opts ...sandbox.Option) *sandbox.Server {
	s := sandbox.New(opts...)
	s.Put(bearer("ca_1"))
	return s
}

// answered is an answer that has been read.
type answered struct {
	status int
	header http.Header
	body   string
}

// newRequest is a request with the right key; header is name, value, and a header whose value is "-" is left out.
func newRequest(ctx context.Context, tb testing.TB, method, url, body string, header ...string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "":
		case header[i] == "Host":
			req.Host = header[i+1]
		case header[i+1] == "-":
			req.Header.Del(header[i])
		default:
			req.Header.Set(header[i], header[i+1])
		}
	}
	return req
}

// request sends one request and reads the answer; status 0 is none.
func request(ctx context.Context, t *testing.T, client *http.Client, method, url, body string, header ...string) answered {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // for a stream that should have been refused
	defer cancel()
	res, err := client.Do(newRequest(ctx, t, method, url, body, header...))
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

// call sends one request to a sandbox over a real connection.
func call(t *testing.T, s *sandbox.Server, method, path, body string, header ...string) answered {
	t.Helper()
	srv := httptest.NewServer(s)
	defer srv.Close()
	return request(t.Context(), t, srv.Client(), method, srv.URL+path, body, header...)
}

// record serves one request without a connection, which costs less, and for which a synctest bubble can wait.
func record(tb testing.TB, s *sandbox.Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest(context.Background(), tb, method, "http://localhost"+path, body, header...))
	return w
}

// send serves n requests to paths that end with their numbers from 0, with one recorder since there may be many.
func send(s *sandbox.Server, n int, path string) {
	w, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	for i := range n {
		req.URL.Path = path + strconv.Itoa(i)
		s.ServeHTTP(w, req)
		w.Body.Reset()
	}
}

// serve serves one update of ca_1 without a connection.
func serve(tb testing.TB, s *sandbox.Server, body string) *httptest.ResponseRecorder {
	return record(tb, s, "PATCH", path+"ca_1", body)
}

func last(s *sandbox.Server) sandbox.Request {
	all := s.Requests()
	return all[len(all)-1]
}

func wantStored(t *testing.T, s *sandbox.Server, want sandbox.Account) {
	t.Helper()
	got, ok := s.Account(want.ID)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("stored account (-want +got):\n%s", diff)
	}
}

// fault returns a ready fault whose delays, if they end, are short enough for a test.
func fault(t *testing.T, name string) sandbox.Answer {
	t.Helper()
	found, err := sandbox.Faults(name)
	if err != nil {
		t.Fatal(err)
	}
	f := found[0]
	for _, d := range []*time.Duration{&f.Delay, &f.BodyDelay} {
		if *d == time.Second {
			*d = 5 * time.Millisecond
		}
	}
	return f
}

// awaitFault returns when a request has met a fault.
func awaitFault(s *sandbox.Server) {
	for len(s.Requests()) == 0 || last(s).Fault == "" {
		time.Sleep(time.Millisecond)
	}
}
