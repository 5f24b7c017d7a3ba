package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

func isUnknown(err error) bool { return errors.Is(err, composio.ErrOutcomeUnknown) }

func statusOf(err error) int {
	if e, ok := errors.AsType[*composio.Error](err); ok {
		return e.StatusCode
	}
	return 0
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	client := (&server{}).client(t)
	for _, tt := range []struct {
		client *composio.Client
		opt    bulk.Option
		want   string
	}{
		{nil, bulk.WithShare(1), "bulk: the client is nil"},
		{client, nil, "bulk: option 1 is nil"},
		{client, bulk.WithConcurrency(0), "bulk: WithConcurrency: 0 is less than 1"},
		{client, bulk.WithShare(0), "bulk: WithShare: 0 is not above 0 and up to 1"},
		{client, bulk.WithShare(80), "bulk: WithShare: 80 is not above 0 and up to 1"},
		{client, bulk.WithShare(math.NaN()), "bulk: WithShare: NaN is not above 0 and up to 1"},
		{client, bulk.WithGrace(-1), "bulk: WithGrace: -1ns is negative"},
		{client, bulk.OnResult(nil), "bulk: OnResult: the function is nil"},
	} {
		if runner, err := bulk.New(tt.client, tt.opt); err == nil || err.Error() != tt.want || runner != nil {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestResultOfEach(t *testing.T) {
	t.Parallel()
	s := &server{limit: 1000, window: time.Second}
	s.answer = func(r request) *http.Response {
		switch r.id {
		case "ca_gone":
			return response(404, `{"error":{"message":"not found","code":606}}`)
		case "ca_lost":
			return response(500, "", "X-RateLimit", "1000", "X-RateLimit-Remaining", "7", "X-RateLimit-Window-Size", "1s")
		}
		return nil
	}
	got := make([]bulk.Result, 4)
	for r := range newRunner(t, s.client(t, composio.WithMaxRetries(0))).Run(t.Context(), of("ca_ok", "ca_gone", "ca_lost", "..")) {
		got[r.Index] = r
	}
	for i, want := range []struct {
		id       string
		is       error
		attempts int
		left     int
	}{
		{"ca_ok", nil, 1, -1}, // whichever goes first
		{"ca_gone", composio.ErrAccountNotFound, 1, 0},
		{"ca_lost", composio.ErrOutcomeUnknown, 1, 7},
		{"..", composio.ErrInvalid, 0, 0},
	} {
		r := got[i]
		if r.ID != want.id || !errors.Is(r.Err, want.is) || r.Sent != (want.attempts > 0) || r.Attempts != want.attempts ||
			want.left >= 0 && r.RateLimit.Remaining != want.left {
			t.Errorf("%d: %+v", i, r)
		}
		if (r.Updated != nil) != (r.Err == nil) || r.Updated != nil && r.Updated.Status != composio.StatusActive {
			t.Errorf("%d: updated %+v with error %v", i, r.Updated, r.Err)
		}
		if _, ok := r.Err.(*composio.Error); r.Err != nil && !ok {
			t.Errorf("%d: a %T", i, r.Err)
		}
	}
}

func TestUpdatesOfOneAccountKeepTheirOrder(t *testing.T) {
	simulate(t, func(t *testing.T) {
		// A retry must not be overtaken either.
		s := &server{rtt: 10 * time.Millisecond, answer: when(func(r request) bool { return r.number%7 == 0 }, 503)}
		ids := []string{"ca_a", "ca_a", "ca_b", "ca_a", "ca_c"}
		const n = 200
		results, want, sent := map[string][]int{}, map[string][]int{}, map[string][]int{}
		for r := range newRunner(t, s.client(t, composio.WithMaxRetries(9))).Run(t.Context(), updates(n, func(i int) string { return ids[i%len(ids)] })) {
			if r.Err != nil {
				t.Error(r.Err)
			}
			results[r.ID] = append(results[r.ID], r.Index)
		}
		for i := range n {
			want[ids[i%len(ids)]] = append(want[ids[i%len(ids)]], i)
		}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		for _, r := range s.requests {
			var i int
			if _, err := fmt.Sscanf(r.body, `{"alias":"%d"}`, &i); err != nil {
				t.Fatal(err)
			}
			if seen := sent[r.id]; len(seen) == 0 || seen[len(seen)-1] != i { // not a retry
				sent[r.id] = append(seen, i)
			}
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// That is the documented choice: to wait would not settle what became of the earlier one.
func TestAnUpdateIsSentAfterOneOfUnknownOutcome(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{answer: when(func(r request) bool { return r.number == 1 }, 502)}
		var unknown []bool
		for r := range newRunner(t, s.client(t, composio.WithMaxRetries(0))).Run(t.Context(), of("ca_1", "ca_1")) {
			unknown = append(unknown, isUnknown(r.Err))
		}
		if diff := cmp.Diff([]bool{true, false}, unknown); diff != "" || len(s.requests) != 2 {
			t.Errorf("%d requests, of unknown outcome (-want +got):\n%s", len(s.requests), diff)
		}
	})
}

// An account that has many updates, or a slow one, does not hold up the others; and it can come again after its last.
func TestBusyAccountDoesNotHoldUpOthers(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{answer: func(r request) *http.Response {
			if r.id == "ca_0" {
				time.Sleep(time.Second)
			}
			return nil
		}}
		start := time.Now()
		var others time.Duration
		n := 0
		for r := range s.runner(t, bulk.WithConcurrency(4)).Run(t.Context(), updates(100, func(i int) string { return accountID(max(0, i-5) % 50) })) {
			if n++; r.ID != "ca_0" && r.Index < 50 {
				others = time.Since(start)
			}
		}
		if took := time.Since(start); others > time.Second || took != 7*time.Second || n != 100 {
			t.Errorf("%d results; the others took %v of %v", n, others, took)
		}
	})
}

// The sequence is read no further than the updates can be worked on.
func TestSequenceIsReadAsItGoes(t *testing.T) {
	simulate(t, func(t *testing.T) {
		for _, accounts := range []int{1, 2, 1 << 30} {
			taken, n := 0, 0
			endless := updates(math.MaxInt, func(i int) string { taken = i; return accountID(i % accounts) })
			for r := range (&server{rtt: time.Second}).runner(t, bulk.WithConcurrency(3)).Run(t.Context(), endless) {
				if n++; r.Err != nil || n == 300 {
					break
				}
			}
			if n != 300 || taken > 300+4*3+1 {
				t.Errorf("%d accounts: %d results, %d updates taken", accounts, n, taken)
			}
		}
	})
}

func TestCancellation(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 600, window: time.Minute, rtt: 3 * time.Second} // eight in a second, 24 under way
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(errors.New("closing time")) })
		start := time.Now()
		taken, results, sent := 0, 0, map[string]bool{}
		for r := range s.runner(t).Run(ctx, updates(1000, func(i int) string { taken++; return accountID(i) })) {
			results++
			switch {
			case r.Sent:
				sent[r.ID] = true
				if r.Err != nil {
					t.Errorf("sent, and then: %v", r.Err)
				}
			case r.Attempts != 0 || r.Updated != nil:
				t.Errorf("%+v", r)
			case r.Err == nil || r.Err.Error() != "composio: "+r.ID+": the run was ended: closing time" || isUnknown(r.Err):
				t.Errorf("not sent: %v", r.Err)
			}
		}
		if took := time.Since(start); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("took %v: what was under way at ten seconds takes three more at most", took)
		}
		if results != taken || taken <= len(sent) || taken > len(sent)+4*bulk.DefaultConcurrency+1 {
			t.Errorf("%d taken from the sequence, %d results, %d of them sent", taken, results, len(sent))
		}
		for _, r := range s.requests {
			if !sent[r.id] {
				t.Errorf("%s was sent, and its result says no", r.id)
			}
		}
		if len(s.requests) != len(sent) {
			t.Errorf("%d requests, %d results", len(s.requests), len(sent))
		}
	})
}

// A wait is nothing that is under way. An attempt is: it may end, within the grace, and is not followed by a retry.
func TestCancellationOfOneUpdate(t *testing.T) {
	for name, tt := range map[string]struct {
		server *server
		took   time.Duration // the context ends after ten seconds
		status int
	}{
		"a wait for a retry":        {&server{answer: when(always, 503, "Retry-After", "50")}, 10 * time.Second, 503},
		"a wait for the rate limit": {&server{answer: when(always, 429, "Retry-After", "500")}, 10 * time.Second, 429},
		"an attempt":                {&server{rtt: 12 * time.Second, answer: when(always, 502)}, 12 * time.Second, 502},
		"an attempt without an end": {&server{rtt: 18 * time.Second}, 15 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				r, took := one(ctx, t, newRunner(t, tt.server.client(t, composio.WithTimeout(0)), bulk.WithGrace(5*time.Second)))
				if took != tt.took || statusOf(r.Err) != tt.status || isUnknown(r.Err) != (tt.status != 429) || !r.Sent || r.Attempts != 1 ||
					len(tt.server.requests) != 1 {
					t.Errorf("took %v and %d requests: %+v", took, len(tt.server.requests), r)
				}
			})
		})
	}
}

func TestStop(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{rtt: 10 * time.Second}
		runner := s.runner(t, bulk.WithConcurrency(2))
		start := time.Now()
		time.AfterFunc(13*time.Second, runner.Stop) // after the first, amid the next two
		var done, unknown, unsent int
		for r := range runner.Run(t.Context(), accounts(100)) {
			switch {
			case r.Err == nil:
				done++
			case isUnknown(r.Err):
				unknown++
			case !r.Sent && errors.Is(r.Err, context.Canceled):
				unsent++
			default:
				t.Errorf("%+v", r)
			}
		}
		if took := time.Since(start); took != 13*time.Second || done != 1 || unknown != 2 || unsent == 0 {
			t.Errorf("took %v; %d done, %d unknown, %d not sent", took, done, unknown, unsent)
		}
		for r := range runner.Run(t.Context(), accounts(1)) {
			t.Errorf("after Stop: %+v", r)
		}
	})
}

// One run's end does not hold up another that shares the pace, even when its request was the next.
func TestEndOfOneRunFreesTheOther(t *testing.T) {
	simulate(t, func(t *testing.T) {
		runner := (&server{limit: 60, window: time.Minute, rtt: time.Second}).runner(t)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var runs sync.WaitGroup
		runs.Go(func() {
			for range runner.Run(ctx, accounts(10)) {
				continue
			}
		})
		synctest.Wait()
		start := time.Now()
		all(t, runner.Run(t.Context(), accounts(10)))
		runs.Wait()
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A run that is left early gives up what is under way and takes nothing more; the bubble sees that no goroutine stays.
func TestLeavingTheLoop(t *testing.T) {
	for _, how := range []string{"break", "panic"} {
		t.Run(how, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{limit: 60, window: time.Minute, rtt: time.Second}
				start := time.Now()
				func() {
					defer func() { _ = recover() }()
					for range s.runner(t).Run(t.Context(), accounts(1000)) {
						if how == "panic" {
							panic("enough")
						}
						break
					}
				}()
				sent := len(s.requests)
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %v", took)
				}
				time.Sleep(time.Hour)
				if len(s.requests) != sent {
					t.Errorf("%d requests after the loop", len(s.requests)-sent)
				}
			})
		})
	}
}

func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for r := range (&server{}).runner(t).Run(ctx, func(func(string, composio.Update) bool) { t.Error("the sequence was read") }) {
		t.Errorf("%+v", r)
	}
}

// The same sequence of results can be ranged over again: it is a new run.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	s := &server{}
	results := s.runner(t).Run(t.Context(), accounts(10))
	all(t, results)
	if n := all(t, results); n != 10 || len(s.requests) != 20 {
		t.Errorf("%d results, %d requests", n, len(s.requests))
	}
}

func TestOnResultEndsTheRunBeforeAnythingElseIsSent(t *testing.T) {
	simulate(t, func(t *testing.T) {
		for _, concurrency := range []int{1, 32} {
			s := &server{answer: when(always, 401)}
			seen, n := 0, 0
			runner := s.runner(t, bulk.WithConcurrency(concurrency), bulk.OnResult(func(bulk.Result) error {
				seen++
				return errors.New("the key is wrong")
			}))
			for r := range runner.Run(t.Context(), accounts(1000)) {
				if n++; !r.Sent && (r.Err == nil || r.Err.Error() != "composio: "+r.ID+": the run was ended: the key is wrong") {
					t.Errorf("%+v", r)
				}
			}
			if len(s.requests) != 1 || seen != n {
				t.Errorf("%d requests, %d results, %d of them seen", len(s.requests), n, seen)
			}
		}
	})
}

// nowhere answers without remembering anything.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return response(200, `{"success":true,"status":"ACTIVE"}`), nil
}

// Not parallel: it looks at the memory of the whole process.
func TestMemoryIsFlat(t *testing.T) {
	client, err := composio.New("ak_test", composio.WithHTTPClient(&http.Client{Transport: nowhere{}}))
	if err != nil {
		t.Fatal(err)
	}
	runner := newRunner(t, client)
	live := func(updates iter.Seq2[string, composio.Update], at int) uint64 {
		n := 0
		for range runner.Run(t.Context(), updates) {
			if n++; n == at {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
		}
		t.Fatalf("%d results", n)
		return 0
	}
	few, many := live(accounts(1000), 500), live(accounts(4000), 3500)
	if many > few+300<<10 {
		t.Errorf("%d bytes live after 500 updates, %d after 3,500", few, many)
	}
}
