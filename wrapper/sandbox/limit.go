package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// budget counts requests in fixed windows.
type budget struct {
	limit  int
	window time.Duration
	bare   bool

	used int
	end  time.Time
}

// spend counts a request and sets the rate-limit headers of its answer.
func (s *Server) spend(e *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.budget
	if b.limit <= 0 {
		return
	}
	now := time.Now()
	if !now.Before(b.end) {
		b.used, b.end = 0, now.Add(b.window)
	}
	b.used++
	e.limited, e.wait, e.budget = b.used > b.limit, b.end.Sub(now), *b
	if b.bare {
		return
	}
	h := e.Header()
	h.Set("X-RateLimit", strconv.Itoa(b.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, b.limit-b.used)))
	h.Set("X-RateLimit-Window-Size", fmt.Sprintf("%gs", b.window.Seconds()))
}

// writeLimited tells a request that it is one too many.
func (e *exchange) writeLimited(w http.ResponseWriter) {
	if e.budget.bare {
		refused := failure{
			status: http.StatusTooManyRequests, code: 10429, slug: "HTTP_TooManyRequests", message: "Rate limit exceeded",
		}
		refused.write(w)
		return
	}
	w.Header().Set("Retry-After", retryAfter(e.wait, e.budget.window))
	writeJSON(w, http.StatusTooManyRequests, map[string]string{
		"message": fmt.Sprintf("Rate limit exceeded. Limit: %d requests per %g minutes", e.budget.limit, e.budget.window.Minutes()),
	})
}

// retryAfter returns a wait in seconds, rounded up to whole ones or, if the window is not made of those, to a millisecond:
// a test that has a window of 20 ms will not wait for a second.
func retryAfter(wait, window time.Duration) string {
	unit := time.Second
	if window%time.Second != 0 {
		unit = time.Millisecond
	}
	up := (wait + unit - 1).Truncate(unit)
	return strconv.FormatFloat(up.Seconds(), 'f', -1, 64)
}
