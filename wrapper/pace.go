package composio

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// paced is a context that has a say in when the attempts of its call are made, and is told what each was answered.
// Package bulk calls with one: many calls share a budget, and what a retry learns of it concerns them all. Only the
// call's own context is asked, never the one it was derived from.
type paced interface {
	context.Context

	// Admit returns when an attempt may be made. It calls limiter, which waits for the client's own, last of all.
	Admit(limiter func(context.Context) error) error

	// Answered follows every attempt; status is 0 if there was no answer.
	Answered(status int, limit RateLimit, retryAfter time.Duration)
}

// awaitTurn returns when the limiter, and whoever paces the call, let one more attempt be made.
func (c *Client) awaitTurn(ctx context.Context) error {
	if p, ok := ctx.(paced); ok {
		return p.Admit(c.awaitLimiter)
	}
	return c.awaitLimiter(ctx)
}

func (c *Client) awaitLimiter(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("WithLimiter: %w", err)
	}
	return nil
}

// reportAnswer tells whoever paces the call how an attempt ended.
func reportAnswer(ctx context.Context, result *Result, failure *Error) {
	p, ok := ctx.(paced)
	switch {
	case !ok:
	case failure != nil:
		p.Answered(failure.StatusCode, failure.RateLimit, failure.RetryAfter)
	default:
		p.Answered(http.StatusOK, result.RateLimit, 0)
	}
}
