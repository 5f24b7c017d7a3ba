package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// The main promise: the share is used up, evenly and to the last twentieth, and nothing beyond it.
func TestRunUsesItsShare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit  int
		window time.Duration
		share  float64
		rtt    time.Duration
	}{
		{5, time.Second, 0.8, time.Millisecond},
		{20, time.Second, 0.8, 0},
		{100, time.Second, 0.8, time.Millisecond},
		{100, time.Second, 0.8, 50 * time.Millisecond},
		{200, time.Second, 0.5, 20 * time.Millisecond},
		{500, time.Second, 0.8, 10 * time.Millisecond},
		{500, 15 * time.Second, 0.8, 100 * time.Millisecond}, // 2,000 in a minute
		{500, time.Minute, 0.05, 200 * time.Millisecond},
		{500, 3 * time.Second, 0.8, 150 * time.Millisecond}, // 10,000 in a minute
		{300, 10 * time.Minute, 0.8, time.Second},
		{100, time.Second, 1, time.Millisecond},
	} {
		for _, grid := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v,grid=%t", tt, grid), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					s := &server{limit: tt.limit, window: tt.window, grid: grid, rtt: tt.rtt}
					spendable := tt.share * float64(tt.limit)
					n := min(10*tt.limit, max(int(2.25*spendable), 250)) // windows enough, and not more for the race detector to watch
					start := time.Now()
					if got := all(t, s.runner(t, bulk.WithShare(tt.share)).Run(t.Context(), accounts(n))); got != n {
						t.Errorf("%d results of %d", got, n)
					}
					near(t, start, n, spendable/tt.window.Seconds())
					if len(s.requests) != n {
						t.Errorf("%d requests for %d updates", len(s.requests), n)
					}
					if most := float64(slices.Max(s.windows)); most > spendable*1.02+1 || most > float64(tt.limit) {
						t.Errorf("%v requests in one window, of a share of %v and a limit of %d", most, spendable, tt.limit)
					}
				})
			})
		}
	}
}

// near checks that n updates took the time that they should, at so many a second, to the twentieth part.
func near(t *testing.T, start time.Time, n int, perSecond float64) {
	t.Helper()
	took, want := time.Since(start).Seconds(), float64(n)/perSecond
	if took < want*0.95 || took > want*1.05 {
		t.Errorf("%d updates took %.2f s, which is %.1f %% of %.2f s", n, took, 100*took/want, want)
	}
}

// An update that is refused on this side makes no request, so it does not end the learning either.
func TestFirstRequestGoesAlone(t *testing.T) {
	for _, ids := range [][]string{{"ca_1", "ca_2", "ca_3"}, {"ca_1", "..", "ca_2"}} {
		t.Run(fmt.Sprint(ids), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{limit: 2000, window: time.Minute, rtt: time.Second}
				n := 0
				for range s.runner(t).Run(t.Context(), of(ids...)) {
					n++
				}
				if gap := s.requests[1].at.Sub(s.requests[0].at); n != 3 || gap < time.Second {
					t.Errorf("%d results; the second request came %v after the first, before that was answered", n, gap)
				}
			})
		})
	}
}

// A first request that fails, or was admitted and then not made, must not keep the others waiting.
func TestFirstRequestFails(t *testing.T) {
	for name, makes := range map[string]bool{"no success": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{limit: 2000, window: time.Minute, answer: when(func(r request) bool { return makes && r.number == 1 }, 502)}
				var asked atomic.Int32
				key := func(context.Context) (string, error) {
					if asked.Add(1) == 1 && !makes {
						return "", errors.New("the vault is closed")
					}
					return "ak_test", nil
				}
				client, err := composio.New("", composio.WithAPIKeyFunc(key), composio.WithHTTPClient(&http.Client{Transport: s}), composio.WithMaxRetries(0))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var failed []bulk.Result
				for r := range newRunner(t, client).Run(t.Context(), accounts(10)) {
					if r.Err != nil {
						failed = append(failed, r)
					}
				}
				if took := time.Since(start); took > time.Second || len(failed) != 1 || failed[0].Sent != makes || errors.Is(failed[0].Err, bulk.ErrEnded) {
					t.Errorf("took %v, failed: %+v", took, failed)
				}
			})
		})
	}
}

// Without headers there is no pace but that.
func TestConcurrencyIsBoundedAndUsed(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{rtt: time.Second}
		start := time.Now()
		all(t, s.runner(t, bulk.WithConcurrency(10)).Run(t.Context(), accounts(201)))
		if took := time.Since(start); took != 21*time.Second {
			t.Errorf("took %v, want one second alone and twenty with ten requests each", took)
		}
	})
}

func TestWindowOfUnknownLengthIsAMinute(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{answer: func(request) *http.Response {
			return response(200, `{"success":true}`, "X-RateLimit", "60", "X-RateLimit-Remaining", "50")
		}}
		start := time.Now()
		all(t, s.runner(t, bulk.WithShare(0.5)).Run(t.Context(), accounts(61)))
		if took := time.Since(start).Round(time.Second); took != 2*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// The limit can change, and the pace with it.
func TestPaceFollowsTheLimit(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{window: time.Second}
		runner := s.runner(t)
		for _, limit := range []int{100, 10, 400} {
			s.limit = limit
			all(t, runner.Run(t.Context(), accounts(1)))
			start := time.Now()
			all(t, runner.Run(t.Context(), accounts(4*limit)))
			near(t, start, 4*limit, 0.8*float64(limit))
		}
	})
}

// Whoever ranges over the results may be slow at times. What is lost is caught up with, and yet no window has more than
// the share.
func TestStallsAreCaughtUpWithinTheShare(t *testing.T) {
	for _, share := range []float64{0.8, 1} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{limit: 100, window: time.Second, grid: true, rtt: 2 * time.Millisecond}
				start := time.Now()
				n := 0
				for r := range s.runner(t, bulk.WithShare(share), bulk.WithConcurrency(1)).Run(t.Context(), accounts(1000)) {
					if r.Err != nil || r.Attempts != 1 {
						t.Errorf("%+v", r)
					}
					if n++; n%119 == 0 {
						time.Sleep(98 * time.Millisecond)
					}
				}
				near(t, start, 1000, 100*share)
				if most := slices.Max(s.windows); float64(most) > 100*share*1.02+4 || most > 100 {
					t.Errorf("%d requests in one window", most)
				}
			})
		})
	}
}

// Answers overtake one another, those of one window and of the next.
func TestUnevenAnswersDoNotMislead(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				var mu sync.Mutex
				s := &server{limit: 200, window: time.Second, grid: true}
				s.answer = func(request) *http.Response { // on the way back
					mu.Lock()
					late := time.Duration(random.ExpFloat64() * float64(15*time.Millisecond))
					mu.Unlock()
					time.Sleep(late)
					return nil
				}
				start := time.Now()
				all(t, s.runner(t).Run(t.Context(), accounts(500)))
				near(t, start, 500, 160)
				if most := slices.Max(s.windows); len(s.requests) != 500 || most > 175 {
					t.Errorf("%d requests, %d in one window", len(s.requests), most)
				}
			})
		})
	}
}

// What a run has learned, the next knows: it does not begin with a burst.
func TestRunsShareThePace(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 100, window: time.Second}
		runner := s.runner(t)
		start := time.Now()
		for range 100 {
			all(t, runner.Run(t.Context(), accounts(8)))
		}
		if took := time.Since(start); took < 9500*time.Millisecond {
			t.Errorf("800 updates took %v with 80 in a second", took)
		}
	})
}

func TestTwoRunnersShareABudget(t *testing.T) {
	for _, grid := range []bool{false, true} {
		for _, rtt := range []time.Duration{time.Millisecond, 30 * time.Millisecond} {
			t.Run(fmt.Sprintf("grid=%t,rtt=%v", grid, rtt), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					s := &server{limit: 200, window: time.Second, grid: grid, rtt: rtt}
					start := time.Now()
					var both sync.WaitGroup
					for range 2 {
						runner := s.runner(t)
						both.Go(func() { all(t, runner.Run(t.Context(), accounts(500))) })
					}
					both.Wait()
					if took := time.Since(start); took < 5*time.Second || took > 7500*time.Millisecond {
						t.Errorf("1000 updates took %v with 160 in a second", took)
					}
					if n := len(s.requests); n != 1000 {
						t.Errorf("%d requests: some were refused", n)
					}
					if most := slices.Max(s.windows); most > 190 {
						t.Errorf("%d requests in a window of 200: nothing was left to others", most)
					}
				})
			})
		}
	}
}

// Others always find what is left to them, and somewhat more; and whatever they spend, the run gets on.
func TestRunMakesWay(t *testing.T) {
	for _, theirs := range []int{15, 30, 60, 85} { // of 100 in each window
		t.Run(fmt.Sprint(theirs), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := &server{limit: 100, window: time.Second, grid: true, rtt: 2 * time.Millisecond}
				ctx, cancel := context.WithCancel(t.Context())
				var others sync.WaitGroup
				refused := 0
				others.Go(func() {
					for ctx.Err() == nil {
						if !s.other() {
							refused++
						}
						time.Sleep(time.Second / time.Duration(theirs))
					}
				})
				time.Sleep(970 * time.Millisecond) // the run begins when their window is nearly spent
				start := time.Now()
				all(t, s.runner(t).Run(t.Context(), accounts(500)))
				took := time.Since(start)
				cancel()
				others.Wait()
				if refused > 0 && theirs <= 30 {
					t.Errorf("others were refused %d times", refused)
				}
				if most := 500 * time.Second / time.Duration(100-theirs) * 2; took > most {
					t.Errorf("500 updates took %v beside %d requests a second of 100", took, theirs)
				}
			})
		})
	}
}

// A budget that others have spent when the run begins is waited for with a request now and then, or none.
func TestRunThatBeginsWithASpentBudget(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 100, window: time.Minute, grid: true}
		for range 95 {
			s.other()
		}
		start := time.Now()
		all(t, s.runner(t).Run(t.Context(), accounts(80)))
		if n := len(s.requests); n != 80 {
			t.Errorf("%d requests for 80 updates", n)
		}
		for i, r := range s.requests[1:5] {
			if gap := r.at.Sub(s.requests[i].at); gap < 7*time.Second {
				t.Errorf("request %d came %v after the one before, with %d left", i+2, gap, 4-i)
			}
		}
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// A 429 tells when the window ends; what was known of its length is of no account then.
func TestRunThatBeginsWithA429(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 100, window: time.Minute, grid: true}
		for range 100 {
			s.other()
		}
		time.Sleep(50 * time.Second)
		start := time.Now()
		all(t, s.runner(t).Run(t.Context(), accounts(40)))
		if took := time.Since(start); took < 33*time.Second || took > 45*time.Second {
			t.Errorf("took %v, of which ten seconds should be a pause", took)
		}
	})
}

// What was left a while ago says nothing of the present window.
func TestRunAfterAQuietTime(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 100, window: time.Second, grid: true}
		runner := s.runner(t)
		all(t, runner.Run(t.Context(), accounts(30)))
		time.Sleep(5*time.Second - time.Since(s.begin)%time.Second)
		for range 90 {
			s.other()
		}
		all(t, runner.Run(t.Context(), accounts(30)))
		if n := len(s.requests); n != 60 {
			t.Errorf("%d requests for 60 updates", n)
		}
	})
}

// Without a Retry-After the pause is a second, and twice as long each time; and one request alone finds out.
func Test429WithoutRetryAfter(t *testing.T) {
	simulate(t, func(t *testing.T) {
		start := time.Now()
		var refused []time.Duration
		var mu sync.Mutex
		s := &server{rtt: 10 * time.Millisecond, answer: func(r request) *http.Response {
			since := r.at.Sub(start)
			if since < time.Second || since > 5*time.Second && since < 9*time.Second || since > 9500*time.Millisecond {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			refused = append(refused, since.Round(time.Second))
			return response(429, `{"error":{"code":10429,"slug":"HTTP_TooManyRequests"}}`)
		}}
		n := all(t, newRunner(t, s.client(t, composio.WithMaxRetries(0)), bulk.WithConcurrency(4)).Run(t.Context(), accounts(1000)))
		// Four at once at the first second; one at the second, one at the fourth; all is well at the eighth. At the ninth it
		// begins anew, and the pause is a second again.
		if took := time.Since(start); n != 1000 || fmt.Sprint(refused) != "[1s 1s 1s 1s 2s 4s 9s 9s 9s 9s]" || took > 12*time.Second {
			t.Errorf("%d results; refused at %v", n, refused)
		}
	})
}

func TestLimiterIsNeverExceeded(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 2000, window: time.Minute, rtt: 50 * time.Millisecond}
		s.answer = func(r request) *http.Response {
			switch {
			case r.number == 30:
				return response(429, "{}", "Retry-After", "5")
			case r.number%10 == 0:
				return response(503, "")
			}
			return nil
		}
		client := s.client(t, composio.WithLimiter(rate.NewLimiter(10, 1)))
		all(t, newRunner(t, client).Run(t.Context(), accounts(100)))
		for i, r := range s.requests[1:] {
			if gap := r.at.Sub(s.requests[i].at); gap < 99*time.Millisecond {
				t.Errorf("request %d came %v after the one before", r.number, gap)
			}
		}
	})
}

// Retries are requests too, so they keep the pace.
func TestRetriesKeepThePace(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := &server{limit: 100, window: time.Second, answer: when(func(r request) bool { return r.number%2 == 0 }, 502)}
		for r := range s.runner(t).Run(t.Context(), accounts(600)) {
			if r.Attempts > 3 {
				t.Errorf("%d attempts", r.Attempts)
			}
		}
		if most := slices.Max(s.windows); most > 82 {
			t.Errorf("%d requests in one window", most)
		}
	})
}
