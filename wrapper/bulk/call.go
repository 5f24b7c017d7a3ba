package bulk

import (
	"context"
	"errors"
	"net/http"
	"sync"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/hook"
)

// call is one update that the client makes, once or, after refusals, again.
type call struct {
	run *run
	end func()

	mu      sync.Mutex
	sending bool // an attempt was allowed, and perhaps is under way
	drained bool
	ticket  ticket
	failed  bool // an attempt was neither applied nor refused
}

// make has the client make the update. Its context ends with the run, but not while an attempt is under way.
func (c *call) make(u update) (*composio.Result, error) {
	ctx, cancel := context.WithCancelCause(c.run.calling)
	defer cancel(nil)
	c.end = func() { cancel(context.Cause(c.run.draining)) }
	defer context.AfterFunc(c.run.draining, c.drain)()
	ctx = hook.With(ctx, hook.Attempts{Before: c.beforeAttempt, After: c.afterAttempt})
	return c.run.client.UpdateConnectedAccount(ctx, u.id, u.Update)
}

// beforeAttempt waits until the pace lets an attempt be made.
func (c *call) beforeAttempt(ctx context.Context, limiter func(context.Context) error) error {
	ticket, err := c.run.pace.admit(ctx, limiter)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticket = ticket
	if ctx.Err() != nil || c.run.draining.Err() != nil { // the latter alone, if drain is still to be called
		return c.run.ended()
	}
	c.sending = err == nil
	return err
}

// afterAttempt tells the pace what was answered.
func (c *call) afterAttempt(limit hook.RateLimit, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending = false
	if c.drained {
		c.end() // no retry
	}
	e, _ := errors.AsType[*composio.Error](err)
	c.failed = c.failed || e != nil && !isRefused(e)
	c.run.pace.record(c.ticket, composio.RateLimit(limit), e)
}

// drain ends the call, unless an attempt is under way: that may end first.
func (c *call) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = true
	if !c.sending {
		c.end()
	}
}

// finish follows the last result. The last attempt may have been admitted, and then not been made.
func (c *call) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.pace.finish(c.ticket)
}

// maySendAgain reports whether the update is sent again after it failed so. It is if all its attempts were refused. A 503,
// after which it may have been applied all the same, has to be one that the client retries itself, which its attempts
// show: WithMaxRetries(0) means that nothing is sent again that a server may have processed.
func (c *call) maySendAgain(e *composio.Error) bool {
	return isRefused(e) && !c.failed && (e.Attempts > 1 || e.StatusCode == http.StatusTooManyRequests)
}
