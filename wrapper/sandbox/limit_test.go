package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/composio/wrapper/sandbox"
)

func TestRateLimit(t *testing.T) {
	type step struct {
		wait       time.Duration
		status     int
		remaining  string
		retryAfter string
	}
	for size, tt := range map[string]struct {
		limit   int
		window  time.Duration
		steps   []step
		message string
	}{
		"90s": {2, 90 * time.Second, []step{
			{0, 200, "1", ""},
			{80 * time.Second, 200, "0", ""},
			{9500 * time.Millisecond, 429, "0", "1"}, // half a second before the end
			{499 * time.Millisecond, 429, "0", "1"},
			{time.Millisecond, 200, "1", ""},
			{0, 200, "0", ""},
			{0, 429, "0", "90"},
			{time.Hour, 200, "1", ""},
		}, `{"message":"Rate limit exceeded. Limit: 2 requests per 1.5 minutes"}`},
		"0.03s": {1, 30 * time.Millisecond, []step{ // a test has no second to wait for its end
			{0, 200, "0", ""},
			{0, 429, "0", "0.03"},
			{4900 * time.Microsecond, 429, "0", "0.026"}, // never too short
			{25100 * time.Microsecond, 200, "0", ""},
		}, `{"message":"Rate limit exceeded. Limit: 1 requests per 0.0005 minutes"}`},
	} {
		t.Run(size, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := filled(sandbox.WithRateLimit(tt.limit, tt.window))
				for i, step := range tt.steps {
					time.Sleep(step.wait)
					w := serve(t, s, `{}`)
					if got := limits(w.Header()); w.Code != step.status || got != fmt.Sprint(tt.limit, " ", step.remaining, " ", size, " ", step.retryAfter) {
						t.Errorf("step %d: got %d %q", i, w.Code, got)
					}
					if limited := step.status == 429; limited != last(s).Exempt || limited && w.Body.String() != tt.message {
						t.Errorf("step %d: %s, %v", i, w.Body, last(s))
					}
				}
			})
		})
	}
}

// limits are the headers about the rate limit.
func limits(h http.Header) string {
	return strings.Join([]string{h.Get("X-RateLimit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Window-Size"), h.Get("Retry-After")}, " ")
}

func TestRateLimitsThatAreGiven(t *testing.T) {
	message := func(limit int) string {
		return fmt.Sprintf(`429 {"message":"Rate limit exceeded. Limit: %d requests per 1 minutes"}`, limit)
	}
	for name, tt := range map[string]struct {
		opts        []sandbox.Option
		taken       int
		first, next string // headers of the first that is taken, and of the one that is not
		answer      string
	}{
		"none is given":   {nil, 2000, "2000 1999 60s ", "2000 0 60s 60", message(2000)},
		"without windows": {[]sandbox.Option{sandbox.WithRateLimit(3, 0)}, 3, "3 2 60s ", "3 0 60s 60", message(3)},
		"off":             {[]sandbox.Option{sandbox.WithRateLimit(0, 0)}, 10, "   ", "   ", "200 " + goodBody},
		"the last counts": {[]sandbox.Option{sandbox.WithBareRateLimit(1, 0), sandbox.WithRateLimit(7, 0)}, 7, "7 6 60s ", "7 0 60s 60", message(7)},
		"bare": {[]sandbox.Option{sandbox.WithBareRateLimit(1, time.Hour)}, 1, "   ", "   ",
			`429 {"error":{"code":10429,"message":"Rate limit exceeded","request_id":"r1","slug":"HTTP_TooManyRequests","status":429}}`},
		"a fault": {[]sandbox.Option{sandbox.WithFaults(1, 1, fault(t, "rate-limit"))}, 0, "", "2000 0 60s 1", message(2000)},
		"a bare fault": {[]sandbox.Option{sandbox.WithFaults(1, 1, fault(t, "rate-limit-bare"))}, 0, "", "   ",
			`429 {"error":{"message":"Rate limit exceeded","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := filled(tt.opts...)
				for i := range tt.taken {
					if w := serve(t, s, `{}`); w.Code != 200 || i == 0 && limits(w.Header()) != tt.first {
						t.Fatalf("request %d: %d %q", i, w.Code, limits(w.Header()))
					}
				}
				w := record(t, s, "PATCH", path+"ca_1", `{}`, "X-Request-Id", "r1")
				if got := fmt.Sprint(w.Code, " ", w.Body); got != tt.answer || limits(w.Header()) != tt.next {
					t.Errorf("the next: %s %q", got, limits(w.Header()))
				}
				if limited := w.Code == 429; last(s).Exempt != limited || last(s).Applied == limited {
					t.Errorf("journal: %v", last(s))
				}
			})
		})
	}
}
