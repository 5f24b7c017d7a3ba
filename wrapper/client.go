package composio

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"example.com/composio/gen"
	"example.com/composio/wrapper/internal/hook"
)

// Client updates connected accounts. It is safe for many goroutines at once. Make one with [New] or [NewFromEnv]: the
// zero value is of no use.
type Client struct {
	*config // a pointer, because fmt stops at one within a struct: of a value it would read the transport's locks, in use
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
//
// See https://docs.composio.dev for the operation's reference page.
func (c *Client) UpdateConnectedAccount(ctx context.Context, id string, u Update) (*Result, error) {
	call, err := c.newCall(id, u)
	if err != nil {
		return nil, invalidError(id, err)
	}
	for {
		key, failure := c.admit(ctx, call)
		if failure != nil {
			return nil, failure
		}
		result, failure := c.attempt(ctx, call, key)
		if failure == nil {
			return result, nil
		}
		wait, again := c.retryDelay(ctx, failure)
		if !again {
			return nil, failure
		}
		c.logRetry(ctx, call, wait)
		sleep(ctx, wait)
		if failure.StatusCode == 0 && !failure.unsent {
			// The next attempt must not meet a connection that is as dead. After the wait, because HTTP/2 counts a
			// connection as busy for a moment after a request on it was given up.
			c.CloseIdleConnections()
		}
	}
}

// call is one update on its way: what every attempt sends again, and what came of those before.
type call struct {
	id        string
	path      string // below the API's version
	update    wireUpdate
	body      []byte
	requestID string
	secrets   secrets // each credential value, and each key so far
	attempts  int
	last      *Error // how the latest attempt failed
}

// newCall checks and converts what every attempt sends.
func (c *Client) newCall(id string, u Update) (*call, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	path, err := gen.PatchConnectedAccountsByNanoidPath(id)
	if err != nil {
		return nil, err
	}
	call := &call{id: id, path: strings.TrimPrefix(path, "/api/v3"), requestID: newRequestID()}
	if err := call.update.set(u); err != nil {
		return nil, err
	}
	size := 128 // of the body, without values that may be long
	for _, property := range call.update.connection.State.Val.Nullables() {
		if value, ok := property.Get(); ok {
			call.secrets.add(value)
			size += len(value)
		}
	}
	call.secrets.addBasic(&call.update.connection.State.Val)
	call.body = call.update.body.AppendJSON(make([]byte, 0, size))
	return call, nil
}

// admit waits for the limiter and asks for the key, for which an attempt has the caller's time and not its own.
func (c *Client) admit(ctx context.Context, call *call) (key string, failure *Error) {
	if err := ctx.Err(); err != nil {
		return "", call.notSent(err)
	}
	wait := c.awaitLimiter
	if before := hook.From(ctx).Before; before != nil {
		wait = func(ctx context.Context) error { return before(ctx, c.awaitLimiter) }
	}
	if err := wait(ctx); err != nil {
		return "", call.notSent(err)
	}
	key, err := c.key(ctx)
	call.secrets.add(key)
	if err != nil {
		return "", call.notSent(fmt.Errorf("WithAPIKeyFunc: %w", err))
	}
	if err := checkKey(key); err != nil {
		failure = call.notSent(fmt.Errorf("WithAPIKeyFunc: %w", err))
		failure.invalid = call.attempts == 0
		return "", failure
	}
	if err := ctx.Err(); err != nil {
		return "", call.notSent(err)
	}
	return key, nil
}

// attempt sends the request and reads the answer, within the attempt's timeout.
func (c *Client) attempt(ctx context.Context, call *call, key string) (*Result, *Error) {
	attemptCtx := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		attemptCtx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, body := c.newRequest(attemptCtx, call, key)
	call.attempts++
	var start time.Time
	if c.logger != nil {
		start = time.Now()
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer release(buffer)
	answer := c.send(req, body, buffer)
	if answer.err != nil && attemptCtx.Err() != nil && ctx.Err() == nil {
		answer.err = fmt.Errorf("no complete answer within %v: %w", c.timeout, answer.err)
	}
	result, failure := call.read(answer)
	if failure != nil {
		// What an earlier sending left open, in this attempt or before it, this answer does not settle.
		failure.outcomeUnknown = failure.outcomeUnknown || body.wasReplayed() || call.last != nil && call.last.outcomeUnknown
		failure.transient = failure.transient && ctx.Err() == nil
		call.last = failure
	}
	c.logAttempt(ctx, call, answer.status, start)
	if after := hook.From(ctx).After; after != nil && failure != nil {
		after(hook.RateLimit(failure.RateLimit), failure)
	} else if after != nil {
		after(hook.RateLimit(result.RateLimit), nil)
	}
	return result, failure
}

// awaitLimiter waits for the client's limiter, if there is one.
func (c *Client) awaitLimiter(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("WithLimiter: %w", err)
	}
	return nil
}

// newRequest builds the request of one attempt. Its body tells afterwards whether it was sent, and more than once.
//
// It fills in an http.Request by hand, because http.NewRequest would parse a URL that New has parsed.
func (c *Client) newRequest(ctx context.Context, call *call, key string) (*http.Request, *requestBody) {
	target := withPath(c.apiURL, call.path)
	// One array for two headers, each slice of it without room to append to the other.
	own := []string{key, call.requestID}
	body := newRequestBody(ctx, call.body)
	if c.wrapped {
		ctx = body.trace(ctx)
	}
	return (&http.Request{
		Method: gen.PatchConnectedAccountsByNanoidMethod,
		URL:    &target,
		Host:   target.Host,
		Header: http.Header{
			"Accept":       mediaType,
			"Content-Type": mediaType,
			"User-Agent":   c.userAgent,
			"X-Api-Key":    own[0:1:1],
			"X-Request-Id": own[1:2:2],
			// Without a value no header is sent, but net/http takes the request for idempotent. Otherwise a PATCH would
			// fail that meets an idle connection as the server closes it. net/http sends it again for each such
			// connection, also when a server applied the update before it died: requestBody allows that once.
			"Idempotency-Key": nil,
		},
		Body:          io.NopCloser(body.reader),
		GetBody:       body.getBody,
		ContentLength: int64(len(call.body)),
	}).WithContext(ctx), body
}

// mediaType is shared by all requests, which a transport must not change.
var mediaType = []string{"application/json"}

// withPath returns u with path, which has nothing to escape, behind its own.
func withPath(u url.URL, path string) url.URL {
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	return u
}

// newRequestID returns a random UUID (RFC 9562, version 4). It has to be unique but is no secret, so it is not made of
// the operating system's random numbers as uuid.NewString is, which costs several times as much.
func newRequestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40 // the version
	id[8] = id[8]&0x3f | 0x80 // the variant
	return id.String()
}

// notSent is the error of a call that ends before its next request. What came of the request before stands, if there
// was one, and err is one more cause.
func (call *call) notSent(err error) *Error {
	e := call.last
	switch {
	case e == nil:
		e = &Error{AccountID: call.id}
	case e.Err == nil:
		err = fmt.Errorf("not tried again: %w", err)
	default:
		err = fmt.Errorf("%w; not tried again: %w", e.Err, err)
	}
	e.Err = call.secrets.hide(err)
	return e
}

func (c *Client) logAttempt(ctx context.Context, call *call, status int, start time.Time) {
	if c.logger == nil || !c.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	c.logger.LogAttrs(ctx, slog.LevelDebug, "composio: attempt",
		slog.String("account_id", call.id), slog.Int("attempt", call.attempts), slog.Int("status", status),
		slog.Duration("duration", time.Since(start)), slog.String("request_id", call.requestID))
}

func (c *Client) logRetry(ctx context.Context, call *call, wait time.Duration) {
	if c.logger == nil {
		return
	}
	c.logger.LogAttrs(ctx, slog.LevelWarn, "composio: trying again",
		slog.String("account_id", call.id), slog.Int("attempt", call.attempts), slog.Int("status", call.last.StatusCode),
		slog.Duration("wait", wait), slog.String("request_id", call.requestID), slog.String("error", call.last.Error()))
}
