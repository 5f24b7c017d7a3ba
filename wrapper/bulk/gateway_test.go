package bulk_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// perWindow allows n requests in each window of the clock.
func perWindow(n int, window time.Duration) func() bool {
	begin, used := time.Time{}, 0
	return func() bool {
		if now := time.Now().Truncate(window); now != begin {
			begin, used = now, 0
		}
		used++
		return used <= n
	}
}

// sliding allows n requests in any second, of those that it refuses none or all counted.
func sliding(n int, refusedToo bool) func() bool {
	var counted []time.Time
	return func() bool {
		now := time.Now()
		counted = slices.DeleteFunc(counted, func(at time.Time) bool { return now.Sub(at) >= time.Second })
		ok := len(counted) < n
		if ok || refusedToo {
			counted = append(counted, now)
		}
		return ok
	}
}

// behind returns a server behind a gateway that refuses what it does not allow, and when it let each request through. A
// request reaches it up to jitter late.
func behind(allow func() bool, status int, rtt, jitter time.Duration) (*server, *[]time.Time) {
	var mu sync.Mutex
	random, passed := rand.New(rand.NewPCG(1, 1)), &[]time.Time{}
	return &server{rtt: rtt, answer: func(request) *http.Response {
		mu.Lock()
		late := time.Duration(random.Float64() * float64(jitter))
		mu.Unlock()
		time.Sleep(late)
		mu.Lock()
		defer mu.Unlock()
		if !allow() {
			return response(status, "<html>")
		}
		*passed = append(*passed, time.Now())
		return nil
	}}, passed
}

// A gateway that tells nothing is used to more than four fifths, and loses no row, whatever its way to count.
func TestRunFindsTheRateOfAGateway(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]func() func() bool{
		"each second anew":        func() func() bool { return perWindow(50, time.Second) },
		"any second":              func() func() bool { return sliding(50, false) },
		"any second, refused too": func() func() bool { return sliding(50, true) },
		"without a burst":         func() func() bool { return rate.NewLimiter(50, 1).Allow },
		"with a burst of two":     func() func() bool { return rate.NewLimiter(50, 2).Allow },
		"with a burst of five":    func() func() bool { return rate.NewLimiter(50, 5).Allow },
		"with a burst of ten":     func() func() bool { return rate.NewLimiter(50, 10).Allow },
		"with a second's burst":   func() func() bool { return rate.NewLimiter(50, 50).Allow },
		"with three seconds' one": func() func() bool { return rate.NewLimiter(50, 150).Allow },
	} {
		for _, tt := range []struct {
			status      int
			rtt, jitter time.Duration
		}{
			{429, time.Millisecond, time.Millisecond},
			{429, 30 * time.Millisecond, time.Millisecond},
			{503, 100 * time.Millisecond, 0},
		} {
			t.Run(fmt.Sprintf("%s,%+v", name, tt), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					s, passed := behind(allow(), tt.status, tt.rtt, tt.jitter)
					all(t, s.runner(t).Run(t.Context(), accounts(700)))
					per := 500 / (*passed)[599].Sub((*passed)[99]).Seconds()
					if per < 42 {
						t.Errorf("%.1f a second over rows 101 to 600", per)
					}
				})
			})
		}
	}
}

// A refusal halves the rate, which then rises again.
func TestARefusalOfAGatewayHalvesTheRate(t *testing.T) {
	simulate(t, func(t *testing.T) {
		var s *server
		begin, refused, limit := time.Now(), 0, perWindow(50, time.Second)
		s, _ = behind(func() bool { // by the limit for three seconds, and one request after five
			since := time.Since(begin)
			if refused > 0 || since < 5*time.Second {
				return since > 3*time.Second || limit()
			}
			refused = len(s.requests)
			return false
		}, 429, time.Millisecond, 0)
		all(t, s.runner(t).Run(t.Context(), accounts(400)))
		gap := func(n int) float64 { return s.requests[n].at.Sub(s.requests[n-1].at).Seconds() }
		before, after, later := gap(refused-1), gap(refused), gap(refused+50)
		if after < 1.9*before || after > 2.2*before || later > 1.1*before {
			t.Errorf("gaps of %.4f s before it, %.4f s after it and %.4f s later", before, after, later)
		}
	})
}

// A gateway that allows less than the least rate refuses most of the requests, and yet no row is lost. One that refuses at
// random, however slowly it is asked, does not bring the run to a stop.
func TestSlowAndFaultyGatewaysLoseNoRow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		allow  func() func() bool
		within time.Duration // 60 rows
	}{
		"five a second":         {func() func() bool { return perWindow(5, time.Second) }, 13 * time.Second},
		"five a second, evenly": {func() func() bool { return rate.NewLimiter(5, 1).Allow }, 18 * time.Second},
		"one a second, evenly":  {func() func() bool { return rate.NewLimiter(1, 1).Allow }, 90 * time.Second},
		"one a second":          {func() func() bool { return perWindow(1, time.Second) }, 61 * time.Second},
		"fifty a minute":        {func() func() bool { return perWindow(50, time.Minute) }, 62 * time.Second},
		"two of three":          {func() func() bool { n := 0; return func() bool { n++; return n%3 != 0 } }, 12 * time.Second},
	} {
		for status, concurrency := range map[int]int{429: 2, 503: bulk.DefaultConcurrency} {
			t.Run(fmt.Sprintf("%s,%d,concurrency=%d", name, status, concurrency), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					s, _ := behind(tt.allow(), status, 10*time.Millisecond, 0)
					start := time.Now()
					all(t, s.runner(t, bulk.WithConcurrency(concurrency)).Run(t.Context(), accounts(60)))
					if took := time.Since(start); took > tt.within {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

// Where nothing gets through, the rows fail after a minute or so, and not after hours.
func TestAGatewayThatLetsNothingThroughEndsInErrors(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s, _ := behind(func() bool { return false }, 503, time.Millisecond, 0)
		start := time.Now()
		for r := range s.runner(t).Run(t.Context(), accounts(20)) {
			if statusOf(r.Err) != 503 || r.Attempts < 3 {
				t.Errorf("%+v", r)
			}
		}
		if took := time.Since(start); took < time.Minute || took > 75*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// What came of a refused update. What 503 says may be untrue, so without retries it is not sent again; and what it, or a
// failure, left open, no later answer settles.
func TestUpdateThatIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		retries, attempts int // -1: some dozens
		answers           []int
		status            int // of the result
		unknown           bool
	}{
		"503, no retries":      {0, 1, []int{503, 200}, 503, true},
		"429, no retries":      {0, 2, []int{429, 200}, 0, false},
		"done in the end":      {2, 5, []int{503, 503, 503, 503, 200}, 0, false},
		"refused in the end":   {2, 4, []int{503, 503, 503, 404}, 404, true},
		"503 for ever":         {1, -1, []int{503}, 503, true},
		"429 for ever":         {2, -1, []int{429}, 429, false},
		"after a failure, 429": {1, 2, []int{502, 429}, 429, true},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{answer: func(r request) *http.Response {
					if status := tt.answers[min(r.number, len(tt.answers))-1]; status != 200 {
						return response(status, "", "Retry-After", "1")
					}
					return nil
				}}
				r, _ := one(t.Context(), t, newRunner(t, s.client(t, composio.WithMaxRetries(tt.retries))))
				dozens := r.Attempts >= 30 && r.Attempts <= 100
				if r.Attempts != tt.attempts && (tt.attempts > 0 || !dozens) || statusOf(r.Err) != tt.status || isUnknown(r.Err) != tt.unknown {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// A refusal that says how long, or is Composio's own, pauses everybody, whether or not the client would try again.
func TestARefusalPausesEverybody(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func() *http.Response
		pause  time.Duration
	}{
		"429 with Retry-After": {func() *http.Response { return response(429, "<html>", "Retry-After", "7") }, 7 * time.Second},
		"503 with Retry-After": {func() *http.Response { return response(503, "<html>", "Retry-After", "7") }, 7 * time.Second},
		"429 for ten minutes":  {func() *http.Response { return response(429, "", "Retry-After", "600") }, 10 * time.Minute},
		"429 with headers":     {func() *http.Response { return response(429, "", "X-RateLimit", "200000", "X-RateLimit-Remaining", "0") }, time.Second},
		"429 with the code":    {func() *http.Response { return response(429, `{"error":{"code":10429}}`) }, time.Second},
		"429 with the message": {func() *http.Response { return response(429, `{"message":"Rate limit exceeded. Limit: 2"}`) }, time.Second},
	} {
		for _, retries := range []int{0, 2} {
			if name[:3] == "503" && retries == 0 {
				continue // that is not sent again
			}
			t.Run(fmt.Sprintf("%s,retries=%d", name, retries), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					const rtt = 100 * time.Millisecond
					s := &server{rtt: rtt}
					runner := newRunner(t, s.client(t, composio.WithMaxRetries(retries)), bulk.WithConcurrency(4))
					var refused time.Time
					paused := make(chan time.Time, 1)
					s.answer = func(r request) *http.Response {
						if r.number != 20 {
							return nil
						}
						refused = r.at.Add(rtt / 2) // there the answer arrives
						time.AfterFunc(rtt, func() { paused <- runner.PausedUntil() })
						return tt.answer()
					}
					attempts := 0
					for r := range runner.Run(t.Context(), accounts(100)) {
						if attempts += r.Attempts; r.Err != nil {
							t.Error(r.Err)
						}
					}
					until := <-paused
					if end := refused.Add(tt.pause); until.Before(end) || until.After(end.Add(rtt)) || !runner.PausedUntil().IsZero() {
						t.Errorf("paused for %v", until.Sub(refused))
					}
					if attempts != 101 || len(s.requests) != 101 {
						t.Errorf("%d attempts, %d requests", attempts, len(s.requests))
					}
					for _, r := range s.requests { // what was under way when the answer came may still arrive
						if d := r.at.Sub(refused); d > rtt && d < tt.pause {
							t.Errorf("request %d came %v after the refusal", r.number, d)
						}
					}
				})
			})
		}
	}
}
