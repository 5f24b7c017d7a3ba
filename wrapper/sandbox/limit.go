package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// budget counts requests in fixed windows.
type budget struct {
	limit  int
	window time.Duration

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
	e.limited, e.wait = b.used > b.limit, b.end.Sub(now)
	h := e.Header()
	h.Set("X-RateLimit", strconv.Itoa(b.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, b.limit-b.used)))
	h.Set("X-RateLimit-Window-Size", fmt.Sprintf("%gs", b.window.Seconds()))
}

func (s *Server) writeLimited(w http.ResponseWriter, wait time.Duration) {
	data, _ := json.Marshal(map[string]string{"message": fmt.Sprintf( // a string always encodes
		"Rate limit exceeded. Limit: %d requests per %g minutes", s.budget.limit, s.budget.window.Minutes())})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(data)
}
