package bulk_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// perSecond allows n requests in each second of the clock.
func perSecond(n int) func() bool {
	second, used := time.Time{}, 0
	return func() bool {
		if now := time.Now().Truncate(time.Second); now != second {
			second, used = now, 0
		}
		used++
		return used <= n
	}
}

// A gateway that tells nothing is used to four fifths at least, and loses no row, whatever its way to count.
func TestRunFindsTheRateOfAGateway(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]func() func() bool{
		"each second anew":        func() func() bool { return perSecond(50) },
		"without a burst":         func() func() bool { return rate.NewLimiter(50, 1).Allow },
		"with a burst":            func() func() bool { return rate.NewLimiter(50, 10).Allow },
		"with a second's burst":   func() func() bool { return rate.NewLimiter(50, 50).Allow },
		"with three seconds' one": func() func() bool { return rate.NewLimiter(50, 150).Allow },
	} {
		for _, status := range []int{429, 503} {
			for _, rtt := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s,%d,%v", name, status, rtt), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						var mu sync.Mutex
						allow := allow()
						var done []time.Time
						s := &server{rtt: rtt, answer: func(request) *http.Response {
							mu.Lock()
							defer mu.Unlock()
							if !allow() {
								return response(status, "<html>")
							}
							done = append(done, time.Now())
							return nil
						}}
						start := time.Now()
						all(t, newRunner(t, s.client(t)).Run(t.Context(), accounts(700)))
						per := 500 / done[599].Sub(done[99]).Seconds()
						t.Logf("rows 1 to 100 took %v, then %.1f a second; %d requests", done[99].Sub(start), per, len(s.requests))
						if per < 40 {
							t.Errorf("%.1f a second over rows 101 to 600", per)
						}
					})
				})
			}
		}
	}
}

func TestARefusalThatTellsHowLongPausesEverybody(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*http.Response{
		"429 with Retry-After": response(429, "<html>", "Retry-After", "2"),
		"503 with Retry-After": response(503, "<html>", "Retry-After", "2"),
		"429 with headers":     response(429, "", "X-RateLimit", "200000", "X-RateLimit-Remaining", "0", "X-RateLimit-Window-Size", "60s"),
		"429 with the code":    response(429, `{"error":{"code":10429}}`),
		"429 with the message": response(429, `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(r request) *http.Response {
					if r.number == 1 {
						return answer
					}
					return nil
				}}
				runner := newRunner(t, s.client(t))
				start := time.Now()
				paused := make(chan time.Time, 1)
				time.AfterFunc(time.Millisecond, func() { paused <- runner.PausedUntil() })
				all(t, runner.Run(t.Context(), accounts(50)))
				until := <-paused
				second := s.requests[1].at
				if second.Sub(start) < time.Second || second.Before(until) || until.Sub(start) < time.Second || until.Sub(start) > 2*time.Second {
					t.Errorf("PausedUntil said %v; the second request came after %v", until.Sub(start), second.Sub(start))
				}
				if last := s.requests[50].at; last.Sub(second) > time.Millisecond {
					t.Errorf("after the pause the requests took %v", last.Sub(second))
				}
				if until := runner.PausedUntil(); !until.IsZero() {
					t.Errorf("after the run it is paused until %v", until)
				}
			})
		})
	}
}

// What 503 says may be untrue, so without retries it is not sent again; and what it left open, no later answer settles.
func TestUpdatesThatWereAnswered503(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		retries, attempts int
		answers           []int
		done              bool // or else unknown
	}{
		"without retries":    {0, 1, []int{503, 200}, false},
		"429, no retries":    {0, 2, []int{429, 200}, true},
		"done in the end":    {2, 5, []int{503, 503, 503, 503, 200}, true},
		"refused in the end": {2, 5, []int{503, 503, 503, 503, 404}, false},
		"never done":         {1, 20, []int{503}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(r request) *http.Response {
					if status := tt.answers[min(r.number, len(tt.answers))-1]; status != 200 {
						return response(status, "")
					}
					return nil
				}}
				for r := range newRunner(t, s.client(t, composio.WithMaxRetries(tt.retries))).Run(t.Context(), accounts(1)) {
					if r.Attempts != tt.attempts || (r.Err == nil) != tt.done || isUnknown(r.Err) == tt.done {
						t.Errorf("%+v", r)
					}
				}
			})
		})
	}
}

func TestOnResultEndsTheRunBeforeAnythingElseIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, concurrency := range []int{1, 32} {
			s := &server{answer: func(request) *http.Response { return response(401, "{}") }}
			wrongKey := fmt.Errorf("the key is wrong")
			var seen []int
			runner := newRunner(t, s.client(t), bulk.WithConcurrency(concurrency), bulk.OnResult(func(r bulk.Result) error {
				seen = append(seen, r.Index)
				return wrongKey
			}))
			n := 0
			for r := range runner.Run(t.Context(), accounts(1000)) {
				if n++; !r.Sent && (r.Err == nil || r.Err.Error() != "composio: "+r.ID+": the run was ended: the key is wrong") {
					t.Errorf("%+v", r)
				}
			}
			if len(s.requests) != 1 || len(seen) != n {
				t.Errorf("%d requests, %d results, %d of them seen", len(s.requests), n, len(seen))
			}
		}
	})
}

// A server that is out of order now and then is not asked ever more slowly.
func TestRefusalsAtRandomDoNotStopTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{rtt: 10 * time.Millisecond, answer: func(r request) *http.Response {
			if r.number%3 == 0 {
				return response(503, "")
			}
			return nil
		}}
		start := time.Now()
		all(t, newRunner(t, s.client(t)).Run(t.Context(), accounts(400)))
		if took := time.Since(start); took > 31*time.Second { // 600 requests at 20 a second, and what the last one waits
			t.Errorf("took %v", took)
		}
	})
}
