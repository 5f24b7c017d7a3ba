// Package hook lets package bulk act around each attempt that the client makes for a call. It stands apart because
// services should not see it: what they may set is a limiter.
package hook

import (
	"context"
	"time"
)

// Attempts are the functions that the client calls around each attempt of a call.
type Attempts struct {
	// Before returns when the attempt may be made; an error ends the call. It calls limiter, which waits for the limiter
	// of the client's own, after everything else it waits for.
	Before func(ctx context.Context, limiter func(context.Context) error) error

	// After follows every attempt that was made. One that Before allowed is not made, and the call ends, if the key
	// function fails or the context is done by then. err is nil if the update was applied, or else a *composio.Error.
	After func(limit RateLimit, err error)
}

// RateLimit has the fields of composio.RateLimit and can be converted to it; that package imports this one.
type RateLimit struct {
	Limit     int
	Remaining int
	Window    time.Duration
	Known     bool
}

type key struct{}

// With returns a context whose call, if the client is given it, is hooked into by a.
func With(ctx context.Context, a Attempts) context.Context { return context.WithValue(ctx, key{}, a) }

// From returns what With put into ctx; its functions are nil if it put nothing.
func From(ctx context.Context) Attempts {
	a, _ := ctx.Value(key{}).(Attempts)
	return a
}
