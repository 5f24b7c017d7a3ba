package sandbox_test

import (
	"strconv"
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
					h := w.Header()
					if w.Code != step.status || h.Get("X-RateLimit-Remaining") != step.remaining || h.Get("Retry-After") != step.retryAfter ||
						h.Get("X-RateLimit") != strconv.Itoa(tt.limit) || h.Get("X-RateLimit-Window-Size") != size {
						t.Errorf("step %d: got %d %v", i, w.Code, h)
					}
					if limited := step.status == 429; limited != last(s).Exempt || limited && w.Body.String() != tt.message {
						t.Errorf("step %d: %s, %v", i, w.Body, last(s))
					}
				}
			})
		})
	}
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
