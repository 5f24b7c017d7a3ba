package composio

import (
	"bytes"
	"context"
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
	call, failure := c.newCall(id, u)
	if failure != nil {
		return nil, failure
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
		wait, again := retryDelay(ctx, c.maxRetries, call)
		if !again {
			return nil, failure
		}
		logRetry(ctx, c.logger, call, wait)
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
	secrets   secrets // each credential value, and each key that is known so far
	attempts  int
	last      *Error // how the latest attempt failed

	disconnected  bool // the latest attempt's connection ended without an answer
	retriedAtOnce bool // an attempt followed one of those without a wait
}

// shownID returns the id for errors and logs: somebody may have given a key or a credential in its place.
func (call *call) shownID() string { return call.secrets.redact(call.id) }

// newCall checks and converts what every attempt sends.
func (c *Client) newCall(id string, u Update) (*call, *Error) {
	call := &call{id: id, requestID: uuid.NewString()}
	call.secrets.begin(c.secrets)
	err := call.update.set(u)
	for _, property := range call.update.connection.State.Val.Nullables() {
		if value, ok := property.Get(); ok {
			call.secrets.add(value)
		}
	}
	call.secrets.addBasic(&call.update.connection.State.Val)
	if idErr := checkID(id); idErr != nil {
		err = call.secrets.hide(idErr)
	}
	if err != nil {
		return nil, invalidError(call.shownID(), err)
	}
	return call, nil
}

// beforeAttempt waits for the limiter and fetches the key. WithTimeout bounds neither.
func (c *Client) beforeAttempt(ctx context.Context, call *call) (key string, failure *Error) {
	if err := ctx.Err(); err != nil {
		return "", stop(call, err, nil)
	}
	wait := c.awaitLimiter
	if before := hook.From(ctx).Before; before != nil {
		wait = func(ctx context.Context) error { return before(ctx, c.awaitLimiter) }
	}
	if err := wait(ctx); err != nil {
		return "", stop(call, err, nil)
	}
	key, err := c.key(ctx)
	call.secrets.add(key)
	if err != nil {
		return "", stop(call, fmt.Errorf("WithAPIKeyFunc: %w", err), nil)
	}
	if err := checkKey(key); err != nil {
		return "", stop(call, fmt.Errorf("WithAPIKeyFunc: %w", err), ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return "", stop(call, err, nil)
	}
	return key, nil
}

// awaitLimiter waits for the client's own limiter, if there is one.
func (c *Client) awaitLimiter(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("WithLimiter: %w", err)
	}
	return nil
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
	answer := send(attemptCtx, c.config, call, key, buffer)
	answer.callEnded = ctx.Err() != nil
	if answer.err != nil && attemptCtx.Err() != nil && !answer.callEnded {
		answer.err = fmt.Errorf("no complete answer within %v: %w", c.timeout, answer.err)
	}
	result, failure := decide(call, answer)
	call.last = failure
	logAttempt(ctx, c.logger, call, answer.status, start)
	if after := hook.From(ctx).After; after != nil && failure != nil {
		after(hook.RateLimit(failure.RateLimit), failure)
	} else if after != nil {
		after(hook.RateLimit(result.RateLimit), nil)
	}
	return result, failure
}
