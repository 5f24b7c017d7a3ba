package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	composio "example.com/composio/wrapper"

	"example.com/composio/wrapper/internal/bench/call"
)

// TestMain also is the server, or a client, when a test starts it as one.
func TestMain(m *testing.M) {
	if work := childsWork(); work != nil {
		exit(work())
	}
	// With -race, each process that a test starts would sleep for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		exit(err)
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

// With so few calls the numbers mean nothing; that there is one for each variant in every round does.
func TestRunMeasuresEveryVariantAndAllCasesEquallyOften(t *testing.T) {
	t.Parallel()
	want := map[string]bool{ // whether there is a cell for hand-written code on our pool
		"in memory, 409: time":                                false,
		"in memory, 409: client CPU":                          false,
		"in memory, 409: allocations":                         false,
		"in memory, 409: garbage collections in 10,000 calls": false,

		"one: p50":           true,
		"one: client CPU":    true,
		"one: writes a call": true,

		"HTTP/2: calls/s":    true,
		"HTTP/2: p50":        true,
		"HTTP/2: p99":        true,
		"HTTP/2: client CPU": true,
		"HTTP/2: connections, first 1,000 calls + per 1,000 later": true,

		"our pool: calls/s":    false,
		"our pool: p50":        false,
		"our pool: p99":        false,
		"our pool: client CPU": false,
	}
	table := &table{}
	done, err := newBench(table, io.Discard).run([]benchCase{
		{Name: "in memory, 409", Status: http.StatusConflict, Callers: 1, WarmUp: 5, Calls: 20},
		{Name: "one", Callers: 1, WarmUp: 5, Calls: 20},
		{Name: "HTTP/2", Callers: 3, WarmUp: 5, Calls: 20, Secure: true}, // the server refuses any other version there
		{Name: "our pool", Callers: 3, WarmUp: 5, Calls: 20, OurPool: true},
	}, 3, time.Hour)
	if err != nil || done != 3 {
		t.Fatalf("%d rounds, error %v", done, err)
	}
	for _, r := range table.rows {
		ourPool, ok := want[r.label]
		if !ok {
			t.Errorf("%s is too much", r.label)
		}
		delete(want, r.label)
		if len(r.rounds)+len(r.texts) == 0 || len(r.rounds) > 0 && len(r.rounds) != 3 {
			t.Errorf("%s: %d rounds", r.label, len(r.rounds))
		}
		for _, v := range variants {
			if cell := r.cell(v.name); (cell == "–") != (v.pkg == "" && !ourPool) {
				t.Errorf("%s, %s: %q", r.label, v.name, cell)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("there are no %v", want)
	}
}

func TestRowsHoldWhatTheSamplesSay(t *testing.T) {
	t.Parallel()
	several, single, memory := benchCase{Name: "many", Callers: 16, Calls: 2000}, benchCase{Name: "one", Callers: 1, Calls: 2000},
		benchCase{Name: "memory", Callers: 1, Calls: 2000, Status: http.StatusOK}
	want := map[string]string{
		"many: calls/s":    "1 = 4.0k",
		"many: p50":        "1 = 3 ms",
		"many: p99":        "1 = 9 ms",
		"many: client CPU": "1 = 100 µs",
		"many: connections, first 1,000 calls + per 1,000 later": "30 + 3",

		"one: p50":           "1 = 3 ms",
		"one: client CPU":    "1 = 100 µs",
		"one: writes a call": "2.00",

		"memory: time":                                "1 = 250 µs",
		"memory: client CPU":                          "1 = 100 µs",
		"memory: allocations":                         "35",
		"memory: garbage collections in 10,000 calls": "20.0",
	}
	table := &table{}
	b := newBench(table, io.Discard)
	for _, c := range []*benchCase{&several, &single, &memory} {
		for _, cold := range []int64{20, 40} { // two processes, with a slice each
			p := &clientProcess{variant: "hand-written", first: sample{Connections: cold, Writes: 7, Allocations: 35}}
			s := sample{Wall: 0.5, CPU: 0.2, P50: 0.003, P99: 0.009, Writes: 4000, Connections: 6, Collections: 4}
			b.total(c, p.variant).addFirst(p.first)
			b.total(c, p.variant).add(s, c.Calls)
			b.note(c, map[string]sample{p.variant: s})
			b.noteTotal(c, p)
		}
	}
	got := map[string]string{}
	for _, r := range table.rows {
		got[r.label] = r.cell("hand-written")
	}
	if !maps.Equal(got, want) {
		t.Errorf("the cells are\n%v\nwant\n%v", got, want)
	}
}

func TestCasesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range slices.Concat(memoryCases(), loopbackCases()) {
		if seen[c.Name] || c.WarmUp == 0 || c.Calls < c.Callers {
			t.Errorf("%+v", c)
		}
		seen[c.Name] = true
	}
	if len(seen) != 12 {
		t.Errorf("there are %d cases", len(seen))
	}
}

func TestCheckTellsARightOutcome(t *testing.T) {
	t.Parallel()
	right, refused := call.Result{ID: call.ID, Status: "ACTIVE"}, errors.New("refused")
	for _, test := range []struct {
		status int
		result call.Result
		err    error
		ok     bool
	}{
		{0, right, nil, true},
		{0, call.Result{ID: call.ID}, nil, false},
		{0, call.Result{}, refused, false},
		{http.StatusOK, right, nil, true},
		{http.StatusOK, call.Result{}, refused, false},
		{http.StatusConflict, call.Result{}, refused, true},
		{http.StatusConflict, right, nil, false},
	} {
		c := &benchCase{Status: test.status}
		if err := c.check(test.result, test.err); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestRunMakesOneRoundWhateverTheBudget(t *testing.T) {
	t.Parallel()
	done, err := newBench(&table{}, io.Discard).run([]benchCase{{Name: "little time", Status: http.StatusOK, WarmUp: 1, Calls: 1}}, 30, 1)
	if err != nil || done != 1 {
		t.Errorf("%d rounds, error %v", done, err)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		left, starting, round time.Duration
		want                  int
	}{
		{100, 10, 30, 3},
		{99, 10, 30, 2},
		{39, 10, 30, 0},
		{-100, 10, 30, -3},
	} {
		if got := fit(test.left, test.starting, test.round); got != test.want {
			t.Errorf("fit(%d, %d, %d) = %d, want %d", test.left, test.starting, test.round, got, test.want)
		}
	}
}

// Whoever comes first has cold caches, and whoever follows another has what that one left in them.
func TestInRandomOrderEachFollowsEveryOther(t *testing.T) {
	t.Parallel()
	random := newBench(&table{}, io.Discard).random
	const rounds = 600
	follows := map[string]int{}
	for range rounds {
		order := strings.Join(inRandomOrder(random, []string{"a", "b", "c"}), "")
		follows["^"+order[:1]]++
		follows[order[:2]]++
		follows[order[1:]]++
	}
	for _, pair := range []string{"^a", "^b", "^c", "ab", "ac", "ba", "bc", "ca", "cb"} {
		if got := follows[pair]; got < rounds/4 || got > rounds/2 { // a third on average
			t.Errorf("%s came %d times in %d rounds", pair, got, rounds)
		}
	}
	if len(follows) != 9 {
		t.Errorf("orders are no permutations: %v", follows)
	}
}

func TestMakeCallsMakesEachCallOnce(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{1, 7} {
		var made atomic.Int64
		times, err := makeCalls(func() error {
			time.Sleep(time.Millisecond)
			made.Add(1)
			return nil
		}, callers, 100)
		if err != nil || made.Load() != 100 || len(times) != 100 || slices.Min(times) < 0.001 {
			t.Errorf("%d callers made %d calls, with times %v and error %v", callers, made.Load(), times, err)
		}
	}
}

func TestMakeCallsEndsWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var made atomic.Int64
	_, err := makeCalls(func() error {
		made.Add(1)
		return broken
	}, 3, 100)
	if !errors.Is(err, broken) || made.Load() > 3 {
		t.Errorf("the error is %v after %d calls", err, made.Load())
	}
}
