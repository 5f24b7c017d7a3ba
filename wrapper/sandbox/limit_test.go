package sandbox_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/composio/wrapper/sandbox"
)

// serve serves one update without a connection, which a synctest bubble could not wait for.
func serve(s *sandbox.Server, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("PATCH", path+"ca_1", strings.NewReader(body))
	r.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.WithRateLimit(2, 90*time.Second))
		s.Put(bearer("ca_1"))
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
			w := serve(s, `{}`)
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

func TestRateLimitOfComposio(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(2000, 0))
	h := serve(s, `{}`).Header()
	if h.Get("X-RateLimit") != "2000" || h.Get("X-RateLimit-Remaining") != "1999" || h.Get("X-RateLimit-Window-Size") != "60s" {
		t.Errorf("%v", h)
	}
	for range 1999 {
		serve(s, `{}`)
	}
	if w := serve(s, `{}`); w.Code != 429 || w.Body.String() != `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRateLimitIsDefault(t *testing.T) {
	if limit := serve(sandbox.New(), `{}`).Header().Get("X-RateLimit"); limit != "2000" {
		t.Errorf("limit %q", limit)
	}
}

func TestRateLimitOff(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(0, 0))
	s.Put(bearer("ca_1"))
	for range 3 {
		w := serve(s, `{}`)
		for name := range w.Header() {
			if strings.HasPrefix(name, "X-Ratelimit") || w.Code != 200 {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		}
	}
}

// A test has windows of milliseconds, and no second to wait for their end.
func TestRateLimitOfAShortWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.WithRateLimit(1, 20*time.Millisecond))
		s.Put(bearer("ca_1"))
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
			w := serve(s, `{}`)
			if got := w.Header().Get("Retry-After"); w.Code != step.status || got != step.retryAfter || w.Header().Get("X-RateLimit-Window-Size") != "0.02s" {
				t.Errorf("step %d: got %d %v", i, w.Code, w.Header())
			}
		}
	})
}

func TestBareRateLimit(t *testing.T) {
	s := sandbox.New(sandbox.WithBareRateLimit(1, time.Hour))
	s.Put(bearer("ca_1"))
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

func TestTheLastRateLimitCounts(t *testing.T) {
	w := serve(sandbox.New(sandbox.WithBareRateLimit(1, 0), sandbox.WithRateLimit(7, 0)), `{}`)
	if limit := w.Header().Get("X-RateLimit"); limit != "7" {
		t.Errorf("limit %q", limit)
	}
}
