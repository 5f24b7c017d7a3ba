package composio

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// first is h.Get for a name that is already canonical.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// requestID returns the request id that an answer names.
func requestID(h http.Header) string { return first(h, "X-Request-Id") }

// rateLimit reads the headers that Composio sends with an answer. One that does not have both numbers is not Known.
func rateLimit(h http.Header) RateLimit {
	if first(h, "X-Ratelimit") == "" {
		return RateLimit{}
	}
	limit, err1 := strconv.Atoi(first(h, "X-Ratelimit"))
	remaining, err2 := strconv.Atoi(first(h, "X-Ratelimit-Remaining"))
	if err1 != nil || err2 != nil || limit < 0 || remaining < 0 {
		return RateLimit{}
	}
	size := first(h, "X-Ratelimit-Window-Size")
	window, err := time.ParseDuration(size)
	if err != nil {
		window, _ = time.ParseDuration(size + "s")
	}
	return RateLimit{Limit: limit, Remaining: remaining, Window: max(0, window), Known: true}
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds, with a fraction or without, or a date. It
// returns 0, no wait given, for one that is absent, unreadable or not in the future, and the longest Duration for one
// beyond it.
func retryAfter(h http.Header) time.Duration {
	value := first(h, "Retry-After")
	if strings.Trim(value, "0123456789.") != "" {
		at, _ := http.ParseTime(value)
		return max(0, time.Until(at))
	}
	seconds, err := strconv.ParseFloat(cmp.Or(value, "0"), 64)
	switch {
	case err != nil && !math.IsInf(seconds, 1):
		return 0
	case seconds >= math.MaxInt64/float64(time.Second):
		return math.MaxInt64
	}
	return time.Duration(math.Round(seconds * float64(time.Second)))
}
