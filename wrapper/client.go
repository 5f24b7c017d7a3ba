package composio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"example.com/composio/gen"
)

// Client updates connected accounts. It is safe for many goroutines at once. Make one with [New] or [NewFromEnv]: the
// zero value is of no use.
type Client struct{ config }

// CloseIdleConnections closes the connections that are not in use now. Clients without a transport of their own share
// one pool, so this concerns all of them.
func (c *Client) CloseIdleConnections() { c.httpClient.CloseIdleConnections() }

// UpdateConnectedAccount changes what u says of the account id, such as "ca_1a2b3c4d5e6f", and nothing else. It returns
// a result if, and only if, Composio said that the update was applied. Every error is an *[Error]: if it is
// [ErrOutcomeUnknown], the update may have been applied, otherwise it was not. Failures that may pass are tried again
// as the package page says.
//
// See https://docs.composio.dev for the operation's reference page.
func (c *Client) UpdateConnectedAccount(ctx context.Context, id string, u Update) (*Result, error) {
	call, err := newCall(id, u)
	if err != nil {
		return nil, invalidError(id, err)
	}
	for {
		result, failure := c.attempt(ctx, call)
		if failure == nil {
			return result, nil
		}
		call.mayBeApplied = call.mayBeApplied || failure.outcomeUnknown
		failure.outcomeUnknown = call.mayBeApplied
		wait, again := c.retryDelay(ctx, failure, call.attempts)
		if !again {
			return nil, failure
		}
		c.logRetry(ctx, failure, wait)
		if failure.StatusCode == 0 {
			c.CloseIdleConnections() // the next attempt must not meet another connection that is as dead
		}
		if err := sleep(ctx, wait); err != nil {
			failure.Err = interrupted(failure.Err, err)
			return nil, failure
		}
	}
}

// call is one update on its way: what every attempt sends again, and what came of those before.
type call struct {
	id           string
	update       *gen.PatchConnectedAccountBody
	body         []byte
	requestID    string
	attempts     int
	mayBeApplied bool
}

func newCall(id string, u Update) (*call, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	update, err := u.body()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(update)
	if err != nil {
		return nil, err
	}
	return &call{id: id, update: update, body: body, requestID: uuid.NewString()}, nil
}

// attempt makes one request. The limiter and the key function have the caller's time, the exchange has the attempt's.
func (c *Client) attempt(ctx context.Context, call *call) (*Result, *Error) {
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return nil, call.notSent("", fmt.Errorf("limiter: %w", err))
		}
	}
	key, err := c.key(ctx)
	if err != nil {
		return nil, call.notSent("", fmt.Errorf("WithAPIKeyFunc: %w", err))
	}
	if err := checkKey(key); err != nil {
		failure := call.notSent(key, fmt.Errorf("WithAPIKeyFunc: %w", err))
		failure.invalid = call.attempts == 0
		return nil, failure
	}
	if err := ctx.Err(); err != nil {
		return nil, call.notSent(key, err)
	}
	call.attempts++
	start := time.Now()
	result, failure := c.exchange(ctx, call, key)
	c.logAttempt(ctx, call, failure, time.Since(start))
	return result, failure
}

// exchange sends the request and reads the answer, within the attempt's timeout.
func (c *Client) exchange(ctx context.Context, call *call, key string) (*Result, *Error) {
	attemptCtx := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		attemptCtx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, replayed, err := c.newRequest(attemptCtx, call, key)
	if err != nil {
		return nil, call.notSent(key, err)
	}
	answer := c.send(req)
	if answer.err != nil && attemptCtx.Err() != nil && ctx.Err() == nil {
		answer.err = fmt.Errorf("no complete answer within %v: %w", c.timeout, answer.err)
	}
	result, failure := call.read(answer, key)
	if failure != nil {
		failure.outcomeUnknown = failure.outcomeUnknown || replayed()
		failure.lost = failure.lost && ctx.Err() == nil
	}
	return result, failure
}

// newRequest builds the request of one attempt. replayed tells afterwards whether the transport sent it twice: it may
// do so once, when a reused connection dies before an answer.
func (c *Client) newRequest(ctx context.Context, call *call, key string) (req *http.Request, replayed func() bool, err error) {
	path, err := gen.PatchConnectedAccountsByNanoidPath(call.id)
	if err != nil {
		return nil, nil, err
	}
	path = strings.Replace(path, "/api/v3/", "/api/"+c.version+"/", 1)
	req, err = http.NewRequestWithContext(ctx, gen.PatchConnectedAccountsByNanoidMethod, c.server+path, bytes.NewReader(call.body))
	if err != nil {
		return nil, nil, err
	}
	req.Header["Accept"] = []string{"application/json"}
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header["User-Agent"] = []string{c.userAgent}
	req.Header["X-Api-Key"] = []string{key}
	req.Header["X-Request-Id"] = []string{call.requestID}
	// Without values it is not sent, but lets net/http send a PATCH again, which it does once for every idle connection
	// that is dead, also when a server applied the update before it died. Hence the bound.
	req.Header["Idempotency-Key"] = []string{}
	var replays atomic.Int32
	req.GetBody = func() (io.ReadCloser, error) {
		if replays.Add(1) > 1 {
			return nil, errReplayedOnce
		}
		return io.NopCloser(bytes.NewReader(call.body)), nil
	}
	return req, func() bool { return replays.Load() > 0 }, nil
}

// notSent is the error of an attempt that ended before its request.
func (call *call) notSent(key string, err error) *Error {
	e := &Error{AccountID: call.id, Attempts: call.attempts, Err: call.secrets(key).cause(err)}
	if call.attempts > 0 {
		e.RequestID = call.requestID // which an attempt before this one sent
	}
	return e
}

// secrets are what the call's errors must not show.
func (call *call) secrets(key string) secrets {
	var s secrets
	s.add(key)
	if call.update.Connection != nil {
		for _, property := range call.update.Connection.State.Val.Nullables() {
			if value, ok := property.Get(); ok {
				s.add(value)
			}
		}
	}
	return s
}

// interrupted is the cause of a call whose context ended while it waited to try again after before.
func interrupted(before, ctxErr error) error {
	if before == nil {
		return fmt.Errorf("%w while waiting to try again", ctxErr)
	}
	return fmt.Errorf("%w; %w while waiting to try again", before, ctxErr)
}

func (c *Client) logAttempt(ctx context.Context, call *call, failure *Error, took time.Duration) {
	if c.logger == nil || !c.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	status := http.StatusOK
	if failure != nil {
		status = failure.StatusCode
	}
	c.logger.LogAttrs(ctx, slog.LevelDebug, "composio: attempt",
		slog.String("account_id", call.id), slog.Int("attempt", call.attempts), slog.Int("status", status),
		slog.Duration("duration", took), slog.String("request_id", call.requestID))
}

func (c *Client) logRetry(ctx context.Context, failure *Error, wait time.Duration) {
	if c.logger == nil {
		return
	}
	c.logger.LogAttrs(ctx, slog.LevelWarn, "composio: trying again",
		slog.String("account_id", failure.AccountID), slog.Int("attempt", failure.Attempts), slog.Int("status", failure.StatusCode),
		slog.Duration("wait", wait), slog.String("request_id", failure.RequestID), slog.String("error", failure.Error()))
}
