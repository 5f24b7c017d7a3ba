package composio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"example.com/composio/wrapper/internal/hook"
)

// Client updates connected accounts. It is safe for many goroutines at once. Make one with [New] or [NewFromEnv]: the
// zero value is of no use.
type Client struct {
	*config // A pointer so that fmt prints an address: printing the config would race with the transport.
}

// CloseIdleConnections closes the connections that are not in use now. Clients without a transport of their own share
// one pool, so this concerns all of them.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.transport}).CloseIdleConnections()
}

// UpdateConnectedAccount changes what u says of the account id, such as "ca_1a2b3c4d5e6f", and nothing else. It returns
// a result if, and only if, Composio said that the update was applied. Every error is an *[Error]: if it is
// [ErrOutcomeUnknown], the update may have been applied, otherwise it was not. Failures that may pass are tried again
// as the package page says.
// Composio's reference of the operation is at https://docs.composio.dev.
func (c *Client) UpdateConnectedAccount(ctx context.Context, id string, u Update) (*Result, error) {
	call, err := newCall(id, u)
	if err != nil {
		return nil, invalidError(id, err)
	}
	for {
		key, failure := c.beforeAttempt(ctx, call)
		if failure != nil {
			return nil, failure
		}
		result, failure := c.attempt(ctx, call, key)
		if failure == nil {
			return result, nil
		}
		wait, again := c.retryDelay(ctx, call)
		if !again {
			return nil, failure
		}
		call.logRetry(ctx, c.logger, wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if failure.StatusCode == 0 && failure.outcomeUnknown {
			// The next attempt must not meet a connection that is as dead. After the wait, because HTTP/2 counts a
			// connection as busy for a moment after a request on it was given up.
			c.CloseIdleConnections()
		}
	}
}

// call is one update on its way: what every attempt sends again, and what came of those before.
type call struct {
	id        string
	update    wireUpdate
	requestID string
	secrets   secrets // each credential value, and each key so far
	attempts  int
	last      *Error // how the latest attempt failed

	disconnected  bool // the latest attempt's connection ended without an answer
	retriedAtOnce bool // an attempt followed one of those without a wait
}

// newCall checks and converts what every attempt sends.
func newCall(id string, u Update) (*call, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	call := &call{id: id, requestID: uuid.NewString()}
	if err := call.update.set(u); err != nil {
		return nil, err
	}
	for _, property := range call.update.connection.State.Val.Nullables() {
		if value, ok := property.Get(); ok {
			call.secrets.add(value)
		}
	}
	call.secrets.addBasic(&call.update.connection.State.Val)
	return call, nil
}

// beforeAttempt waits for the limiter and fetches the key. WithTimeout bounds neither.
func (c *Client) beforeAttempt(ctx context.Context, call *call) (key string, failure *Error) {
	if err := ctx.Err(); err != nil {
		return "", call.stop(err)
	}
	wait := c.awaitLimiter
	if before := hook.From(ctx).Before; before != nil {
		wait = func(ctx context.Context) error { return before(ctx, c.awaitLimiter) }
	}
	if err := wait(ctx); err != nil {
		return "", call.stop(err)
	}
	key, err := c.key(ctx)
	call.secrets.add(key)
	if err != nil {
		return "", call.stop(fmt.Errorf("WithAPIKeyFunc: %w", err))
	}
	if err := checkKey(key); err != nil {
		failure := call.stop(fmt.Errorf("WithAPIKeyFunc: %w", err))
		if call.last == nil {
			failure.kind = ErrInvalid
		}
		return "", failure
	}
	if err := ctx.Err(); err != nil {
		return "", call.stop(err)
	}
	return key, nil
}

// awaitLimiter waits for the client's own limiter, if there is one.
func (c *config) awaitLimiter(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("WithLimiter: %w", err)
	}
	return nil
}

// stop ends the call before its next attempt. It returns the last attempt's error, if any, with err added as a cause.
func (call *call) stop(err error) *Error {
	if call.last == nil {
		return &Error{AccountID: call.id, Err: call.secrets.hide(err)}
	}
	e := *call.last
	if e.Err != nil {
		err = fmt.Errorf("%w; not tried again: %w", e.Err, err)
	} else {
		err = fmt.Errorf("not tried again: %w", err)
	}
	e.Err = call.secrets.hide(err)
	return &e
}

// attempt makes one exchange within the attempt's timeout, and says what came of it.
func (c *Client) attempt(ctx context.Context, call *call, key string) (*Result, *Error) {
	attemptCtx := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		attemptCtx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	call.attempts++
	var start time.Time
	if c.logger != nil {
		start = time.Now()
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer release(buffer)
	answer, sentTwice := c.send(attemptCtx, call, key, buffer)
	if answer.err != nil && attemptCtx.Err() != nil && ctx.Err() == nil {
		answer.err = fmt.Errorf("no complete answer within %v: %w", c.timeout, answer.err)
	}
	result, failure := call.decide(answer)
	if failure != nil {
		// An answer settles nothing that an earlier sending left open.
		failure.outcomeUnknown = failure.outcomeUnknown || sentTwice || call.last != nil && call.last.outcomeUnknown
		if ctx.Err() != nil && errors.Is(failure.kind, errPassing) {
			failure.kind = nil
		}
		call.last = failure
	}
	call.logAttempt(ctx, c.logger, answer.status, start)
	if after := hook.From(ctx).After; after != nil && failure != nil {
		after(hook.RateLimit(failure.RateLimit), failure)
	} else if after != nil {
		after(hook.RateLimit(result.RateLimit), nil)
	}
	return result, failure
}
