package composio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	maxAnswer    = 1 << 20  // bytes that are read; far above any answer of Composio's
	maxErrorBody = 64 << 10 // bytes that Error.Body keeps
)

// answer is what came back for one request. With status 0 nothing did.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	err       error // why there is no answer, or no end of it
	notSent   bool  // with status 0: no server can have received the request
	sentTwice bool  // perhaps
	callEnded bool  // the caller's context is done
}

// buffers hold answers while they are read. Whatever is kept of one is copied.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// release gives a buffer back, unless an unusual answer has made it large.
func release(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxErrorBody {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// send sends the request and reads the answer.
func send(ctx context.Context, c *config, call *call, key string, buffer *bytes.Buffer) answer {
	var body *requestBody // nil over a transport that may read the body for itself
	if c.direct {
		body = new(requestBody)
	}
	resp, err := c.api.PatchConnectedAccountsByNanoid(ctx, call.id, call.update.body, func(ctx context.Context, req *http.Request) error {
		own := []string{key, call.requestID, c.userAgent} // one array for three headers, as in gen
		req.Header["X-Api-Key"], req.Header["X-Request-Id"], req.Header["User-Agent"] = own[0:1:1], own[1:2:2], own[2:3:3]
		c.setVersion(req.URL)
		if body != nil {
			return body.replace(ctx, req)
		}
		return nil
	})
	var a answer
	switch {
	case err == nil:
		a = readAnswer(ctx, resp, buffer, c.direct)
	case body == nil:
		a = answer{err: err, notSent: failedToConnect(err)}
	default: // once its context is done, the transport may still be reading the body
		a = answer{err: err, notSent: ctx.Err() == nil && !body.sent()}
	}
	a.sentTwice = body != nil && body.again
	return a
}

// readAnswer reads no more than maxAnswer bytes of resp, into buffer, until ctx is done.
func readAnswer(ctx context.Context, resp *http.Response, buffer *bytes.Buffer, direct bool) answer {
	defer func() { _ = resp.Body.Close() }() // a close error adds nothing to the read error
	a := answer{status: resp.StatusCode, header: resp.Header}
	switch {
	case a.status < 100:
		return answer{err: fmt.Errorf("the answer has a status that HTTP does not have: %d", a.status)}
	case a.status < 200: // what follows a 101 is another protocol, and may have no end
		return a
	}
	if !direct { // net/http's own transport ends a read by itself
		defer context.AfterFunc(ctx, func() { _ = resp.Body.Close() })()
	}
	limited := &io.LimitedReader{R: resp.Body, N: maxErrorBody}
	_, a.err = buffer.ReadFrom(limited)
	if limited.N == 0 {
		limited.N = maxAnswer + 1 - maxErrorBody
		buffer.Grow(int(limited.N) + bytes.MinRead) // at once: doubling would cost four times maxAnswer
		_, a.err = buffer.ReadFrom(limited)
	}
	if !direct && a.err != nil && ctx.Err() != nil && !errors.Is(a.err, ctx.Err()) {
		a.err = fmt.Errorf("%w: %w", ctx.Err(), a.err) // Read itself tells of Close alone
	}
	if buffer.Len() > maxAnswer {
		a.err = errTooLarge
	}
	a.body = buffer.Bytes()
	return a
}

var errTooLarge = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
