package bulk_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// TestMain fails the package if a test, or a run itself, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a Composio without a network, so that a synctest bubble can wait for it: it counts in fixed windows and
// remembers when it got what. It takes half of rtt to reach and half to answer.
type server struct {
	limit  int           // 0: no limit, and no headers
	window time.Duration // of the budget
	grid   bool          // windows follow one another whether or not there are requests; else the first opens one
	rtt    time.Duration
	answer func(request) *http.Response // nil, or returning nil: 200, or 429 beyond the limit

	mu       sync.Mutex
	begin    time.Time
	windows  []int // requests in each
	requests []request
}

type request struct {
	id, body string
	at       time.Time
	number   int // from 1
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := wait(r, s.rtt/2); err != nil {
		return nil, err
	}
	req, answer := s.serve(path.Base(r.URL.Path), string(body))
	if s.answer != nil {
		if special := s.answer(req); special != nil {
			answer = special
		}
	}
	if err := wait(r, s.rtt-s.rtt/2); err != nil {
		return nil, err
	}
	return answer, nil
}

func wait(r *http.Request, d time.Duration) error {
	if d <= 0 {
		return r.Context().Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

func (s *server) serve(id, body string) (request, *http.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := request{id, body, time.Now(), len(s.requests) + 1}
	s.requests = append(s.requests, req)
	ok := fmt.Sprintf(`{"success":true,"id":%q,"status":"ACTIVE"}`, id)
	if s.limit == 0 {
		return req, response(200, ok)
	}
	used := s.spend()
	headers := []string{
		"X-RateLimit", strconv.Itoa(s.limit),
		"X-RateLimit-Remaining", strconv.Itoa(max(0, s.limit-used)),
		"X-RateLimit-Window-Size", fmt.Sprintf("%gs", s.window.Seconds()),
	}
	if used > s.limit {
		left := s.begin.Add(s.window).Sub(req.at)
		return req, response(429, `{"message":"Rate limit exceeded"}`, append(headers, "Retry-After", fmt.Sprint(left.Seconds()))...)
	}
	return req, response(200, ok, headers...)
}

// spend counts one request, with s.mu held, and returns how many the window has had.
func (s *server) spend() int {
	now := time.Now()
	if s.windows == nil || !now.Before(s.begin.Add(s.window)) {
		begin := now
		if s.grid && s.windows != nil {
			begin = s.begin.Add(now.Sub(s.begin).Truncate(s.window))
		}
		s.begin = begin
		s.windows = append(s.windows, 0)
	}
	s.windows[len(s.windows)-1]++
	return s.windows[len(s.windows)-1]
}

// other is a request of somebody else's on the same budget. It reports whether the budget allowed it.
func (s *server) other() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spend() <= s.limit
}

func response(status int, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewBufferString(body))}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// when returns an answer for the requests of which a condition is true.
func when(condition func(request) bool, status int, headers ...string) func(request) *http.Response {
	return func(r request) *http.Response {
		if condition(r) {
			return response(status, "{}", headers...)
		}
		return nil
	}
}

func always(request) bool { return true }

func (s *server) client(t *testing.T, opts ...composio.Option) *composio.Client {
	t.Helper()
	opts = append([]composio.Option{composio.WithHTTPClient(&http.Client{Transport: s})}, opts...)
	client, err := composio.New("ak_test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// runner returns one whose client has the defaults.
func (s *server) runner(t *testing.T, opts ...bulk.Option) *bulk.Runner {
	t.Helper()
	return newRunner(t, s.client(t), opts...)
}

func newRunner(t *testing.T, client *composio.Client, opts ...bulk.Option) *bulk.Runner {
	t.Helper()
	runner, err := bulk.New(client, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

// simulate runs a test in a bubble, where time passes only while everything waits for it.
func simulate(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// updates are n updates. Each sets its account's alias to its place in the sequence.
func updates(n int, id func(i int) string) iter.Seq2[string, composio.Update] {
	return func(yield func(string, composio.Update) bool) {
		for i := range n {
			if !yield(id(i), composio.Update{Alias: composio.Set(strconv.Itoa(i))}) {
				return
			}
		}
	}
}

func accountID(i int) string { return fmt.Sprintf("ca_%d", i) }

// accounts are n updates, of one account each.
func accounts(n int) iter.Seq2[string, composio.Update] { return updates(n, accountID) }

// of are updates of these accounts.
func of(ids ...string) iter.Seq2[string, composio.Update] {
	return updates(len(ids), func(i int) string { return ids[i] })
}

// all ranges over results to the end, and fails the test for each error.
func all(t *testing.T, results iter.Seq[bulk.Result]) (n int) {
	t.Helper()
	for r := range results {
		if r.Err != nil {
			t.Errorf("update %d: %v", r.Index, r.Err)
		}
		n++
	}
	return n
}

// one returns the result of a run of one update, and how long it took.
func one(ctx context.Context, t *testing.T, runner *bulk.Runner) (bulk.Result, time.Duration) {
	t.Helper()
	start := time.Now()
	results := slices.Collect(runner.Run(ctx, accounts(1)))
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0], time.Since(start)
}
