package composio

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

const (
	// maxRetryAfter is Composio's rate-limit window. A longer wait is the caller's to decide on.
	maxRetryAfter = 60 * time.Second
	minBackoff    = 500 * time.Millisecond
	maxBackoff    = 8 * time.Second
)

// retriedStatuses are those under which the same request may be answered otherwise later. From 520 on they are a content
// network's, about the server behind it.
var retriedStatuses = []int{408, 409, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530}

// retryDelay returns how long to wait before the attempt after the latest, and whether to make it.
func retryDelay(ctx context.Context, maxRetries int, call *call) (wait time.Duration, again bool) {
	e := call.last
	if e.Attempts > maxRetries || !e.Retryable() || e.RetryAfter > maxRetryAfter || ctx.Err() != nil {
		return 0, false
	}
	if call.disconnected && !call.retriedAtOnce {
		call.retriedAtOnce = true
		return 0, true // the server perhaps closed an idle connection, which says nothing about its health
	}
	wait = cmp.Or(e.RetryAfter, backoff(e.Attempts))
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
