package sandbox_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/composio/wrapper/sandbox"
)

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled(sandbox.WithRateLimit(2, 90*time.Second))
		for i, step := range []struct {
			wait       time.Duration
			status     int
			remaining  string
			retryAfter string
		}{
			{0, 200, "1", ""},
			{80 * time.Second, 200, "0", ""},
			{9500 * time.Millisecond, 429, "0", "1"}, // half a second before the end
			{499 * time.Millisecond, 429, "0", "1"},
			{time.Millisecond, 200, "1", ""},
			{0, 200, "0", ""},
			{0, 429, "0", "90"},
			{time.Hour, 200, "1", ""},
		} {
			time.Sleep(step.wait)
			w := serve(t, s, `{}`)
			h := w.Header()
			if w.Code != step.status || h.Get("X-RateLimit-Remaining") != step.remaining || h.Get("Retry-After") != step.retryAfter {
				t.Errorf("step %d: got %d %v", i, w.Code, h)
			}
			if h.Get("X-RateLimit") != "2" || h.Get("X-RateLimit-Window-Size") != "90s" {
				t.Errorf("step %d: %v", i, h)
			}
			if limited := step.status == 429; limited != last(s).Exempt {
				t.Errorf("step %d: %v", i, last(s))
			}
			if w.Code == 429 && w.Body.String() != `{"message":"Rate limit exceeded. Limit: 2 requests per 1.5 minutes"}` {
				t.Errorf("step %d: %s", i, w.Body)
			}
		}
	})
}

func TestRateLimitsThatAreGiven(t *testing.T) {
	for name, tt := range map[string]struct {
		opts  []sandbox.Option
		taken int // before one is refused, if any is
		want  [3]string
	}{
		"none is given":   {nil, 2000, [3]string{"2000", "1999", "60s"}},
		"without windows": {[]sandbox.Option{sandbox.WithRateLimit(3, 0)}, 3, [3]string{"3", "2", "60s"}},
		"off":             {[]sandbox.Option{sandbox.WithRateLimit(0, 0)}, 0, [3]string{}},
		"the last counts": {[]sandbox.Option{sandbox.WithBareRateLimit(1, 0), sandbox.WithRateLimit(7, 0)}, 7, [3]string{"7", "6", "60s"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New(tt.opts...)
			h := serve(t, s, `{}`).Header()
			if got := [3]string{h.Get("X-RateLimit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Window-Size")}; got != tt.want {
				t.Errorf("headers %q, want %q", got, tt.want)
			}
			for i := 1; i < max(tt.taken, 10); i++ {
				if w := serve(t, s, `{}`); w.Code == 429 && (tt.taken == 0 || i < tt.taken) {
					t.Fatalf("request %d is refused", i)
				}
			}
			if w := serve(t, s, `{}`); (w.Code == 429) != (tt.taken > 0) || tt.taken > 0 &&
				w.Body.String() != `{"message":"Rate limit exceeded. Limit: `+tt.want[0]+` requests per 1 minutes"}` {
				t.Errorf("the last: %d %s", w.Code, w.Body)
			}
		})
	}
}

// A test has windows of milliseconds, and no second to wait for their end.
func TestRateLimitOfAShortWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled(sandbox.WithRateLimit(1, 20*time.Millisecond))
		for i, step := range []struct {
			wait       time.Duration
			status     int
			retryAfter string
		}{
			{0, 200, ""},
			{0, 429, "0.02"},
			{4900 * time.Microsecond, 429, "0.016"}, // never too short
			{15100 * time.Microsecond, 200, ""},
		} {
			time.Sleep(step.wait)
			w := serve(t, s, `{}`)
			if got := w.Header().Get("Retry-After"); w.Code != step.status || got != step.retryAfter || w.Header().Get("X-RateLimit-Window-Size") != "0.02s" {
				t.Errorf("step %d: got %d %v", i, w.Code, w.Header())
			}
		}
	})
}

func TestBareRateLimit(t *testing.T) {
	s := filled(sandbox.WithBareRateLimit(1, time.Hour))
	for i, want := range []struct {
		status int
		body   string
	}{
		{200, goodBody},
		{429, `{"error":{"code":10429,"message":"Rate limit exceeded","request_id":"r1","slug":"HTTP_TooManyRequests","status":429}}`},
	} {
		got := call(t, s, "PATCH", path+"ca_1", `{}`, "X-Request-Id", "r1")
		if got.status != want.status || got.body != want.body {
			t.Errorf("%d: got %d %s", i, got.status, got.body)
		}
		for name := range got.header {
			if strings.HasPrefix(name, "X-Ratelimit") || name == "Retry-After" {
				t.Errorf("%d: header %s", i, name)
			}
		}
	}
	if q := last(s); !q.Exempt || q.Applied {
		t.Errorf("journal: %v", q)
	}
}
