package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"

	"example.com/composio/wrapper/internal/bench/call"
)

// TestMain also is the server, when a test starts it.
func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		exit(serve())
	}
	os.Exit(m.Run())
}

// received is one request as the server saw it.
type received struct {
	Method, Path, Key, ContentType string
	Body                           any
}

// exchange makes the call with v's own pool, and returns what the server got and the call what it answered.
func exchange(t *testing.T, v variant, config call.Config, status int, body string) (got []received, result call.Result, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var decoded any
		if err := json.Unmarshal(text, &decoded); err != nil {
			t.Errorf("the body is %s: %v", text, err)
		}
		got = append(got, received{r.Method, r.RequestURI, r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"), decoded})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	pool := v.pool()
	defer pool.CloseIdleConnections()
	config.BaseURL, config.Client = server.URL, &http.Client{Transport: pool}
	f, err := v.make(config)
	if err != nil {
		t.Fatal(err)
	}
	result, err = f(t.Context())
	return got, result, err
}

// A comparison is fair only between those that do the same.
func TestEveryVariantSendsTheSameRequest(t *testing.T) {
	t.Parallel()
	want := []received{{
		Method: "PATCH", Path: "/api/v3/connected_accounts/" + call.ID, Key: call.Key, ContentType: "application/json",
		Body: map[string]any{"connection": map[string]any{"state": map[string]any{
			"authScheme": "BEARER_TOKEN", "val": map[string]any{"token": call.Token},
		}}},
	}}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			got, result, err := exchange(t, v, call.Config{}, http.StatusOK, success)
			if err != nil || result != (call.Result{ID: call.ID, Status: "ACTIVE"}) {
				t.Errorf("the result is %+v, the error %v", result, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("sent %+v, want %+v", got, want)
			}
		})
	}
}

func TestEveryVariantReadsTheError(t *testing.T) {
	t.Parallel()
	want := call.Error{Status: 409, Code: 4090, Slug: "ConnectedAccount_Conflict", Message: "Another update of this account is under way"}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			sent, result, err := exchange(t, v, call.Config{NoRetries: true}, http.StatusConflict, conflict)
			if got := asError(t, err); got != want || result != (call.Result{}) {
				t.Errorf("the result is %+v, the error %+v, want %+v", result, got, want)
			}
			if len(sent) != 1 {
				t.Errorf("%d requests were sent", len(sent))
			}
		})
	}
}

// asError is what an error says, whether it is of the variant's own type or of this module's.
func asError(t *testing.T, err error) call.Error {
	t.Helper()
	if e, ok := errors.AsType[*composio.Error](err); ok {
		return call.Error{Status: e.StatusCode, Code: e.Code, Slug: e.Slug, Message: e.Message}
	}
	e, ok := errors.AsType[*call.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	return *e
}

func TestEveryVariantChecksThatTheAnswerSaysSuccess(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			_, result, err := exchange(t, v, call.Config{NoRetries: true}, http.StatusOK, strings.Replace(success, "true", "false", 1))
			if err == nil {
				t.Errorf("the result is %+v, and there is no error", result)
			}
		})
	}
}

func TestEveryVariantHasTheSameTimeoutThroughItsContext(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			left := time.Duration(-1)
			client := &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
				if deadline, ok := req.Context().Deadline(); ok {
					left = time.Until(deadline)
				}
				return (&memory{http.StatusOK, success}).RoundTrip(req)
			})}
			f, err := v.make(call.Config{BaseURL: "http://127.0.0.1", Client: client})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f(context.Background()); err != nil {
				t.Fatal(err)
			}
			if left > call.Timeout || left < call.Timeout/2 {
				t.Errorf("the request has %v left, want %v", left, call.Timeout)
			}
		})
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// With so few calls the numbers mean nothing; that there is one for each variant does.
func TestMemoryBenchMeasuresEveryVariant(t *testing.T) {
	table := &table{}
	b, err := newMemoryBench(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.round(); err != nil {
		t.Fatal(err)
	}
	for _, r := range table.rows {
		for _, v := range variants {
			if cell := r.cell(v.name); (cell == "–") != (v.pkg == "") {
				t.Errorf("%s, %s: %q", r.label, v.name, cell)
			}
		}
	}
	if len(table.rows) != 6 {
		t.Errorf("there are %d rows", len(table.rows))
	}
}

func TestServerInAnotherProcess(t *testing.T) {
	t.Parallel()
	s, stop, err := startServers()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*loopbackCase{
		{name: "HTTP/1.1", callers: 4, calls: 20},
		{name: "HTTP/2", callers: 4, calls: 20, secure: true}, // the server refuses any other version there
	} {
		if err := c.prepare(s); err != nil {
			t.Fatal(err)
		}
		for name, client := range c.clients {
			_, _, times, err := client.slice(c.callers, c.calls)
			if err != nil {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
			if len(times) != c.calls || client.calls != int64(c.calls) || client.writes < client.calls {
				t.Errorf("%s, %s: %d times, %d calls, %d writes", c.name, name, len(times), client.calls, client.writes)
			}
			client.pool.CloseIdleConnections()
		}
	}
	if err := stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

func TestMakeCallsMakesEachCallOnce(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{1, 7} {
		made := make(chan struct{}, 100)
		times, err := makeCalls(func(context.Context) (call.Result, error) {
			made <- struct{}{}
			return call.Result{}, nil
		}, callers, 100)
		if err != nil || len(made) != 100 || len(times) != 100 {
			t.Errorf("%d callers made %d calls, with %d times and error %v", callers, len(made), len(times), err)
		}
	}
}

func TestMakeCallsEndsWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	made := make(chan struct{}, 100)
	_, err := makeCalls(func(context.Context) (call.Result, error) {
		made <- struct{}{}
		return call.Result{}, broken
	}, 3, 100)
	if !errors.Is(err, broken) || len(made) > 3 {
		t.Errorf("the error is %v after %d calls", err, len(made))
	}
}
