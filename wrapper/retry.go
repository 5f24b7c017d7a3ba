package composio

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRetryAfter is Composio's rate-limit window. A longer wait is the caller's to decide on.
	maxRetryAfter = 60 * time.Second
	minBackoff    = 500 * time.Millisecond
	maxBackoff    = 8 * time.Second
)

// Retryable reports whether the same update may succeed if it is sent again: no answer arrived, or the status was 408,
// 429, 500, 502, 503, 504, or 409 for another reason than a taken alias. The client retries by the same rule, within
// [WithMaxRetries]; in an error that says "not tried again", what follows those words is why it stopped.
func (e *Error) Retryable() bool {
	if e.tooLarge {
		return false
	}
	switch e.StatusCode {
	case 0:
		return e.transient
	case http.StatusConflict:
		return !e.aliasTaken
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryDelay returns how long to wait before the attempt after the one that failed with e, and whether to make it.
func (c *config) retryDelay(ctx context.Context, e *Error) (wait time.Duration, again bool) {
	if e.Attempts > c.maxRetries || !e.Retryable() || e.RetryAfter > maxRetryAfter || ctx.Err() != nil {
		return 0, false
	}
	if errors.Is(e.Err, errReplayedOnce) {
		return 0, true // a stale connection says nothing about the server
	}
	wait = e.RetryAfter
	if wait <= 0 {
		wait = backoff(e.Attempts)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	return wait, true
}

// backoff doubles from minBackoff to maxBackoff, less a random part of at most a quarter, so that callers who failed
// together do not return together.
func backoff(attempts int) time.Duration {
	wait := min(minBackoff<<min(attempts-1, 10), maxBackoff) // 10, because much more would overflow
	return wait - rand.N(wait/4+1)
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3), in whole or fractional seconds or as a date. It
// returns 0 for one that is absent, unreadable or not in the future, and the longest Duration for one beyond it.
func retryAfter(value string) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil && !math.IsInf(seconds, 1) {
			return 0
		}
		if seconds >= math.MaxInt64/float64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(math.Round(seconds * float64(time.Second)))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, time.Until(at))
}
