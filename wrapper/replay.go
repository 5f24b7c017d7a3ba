package composio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// requestBody is the body of one attempt's request. net/http asks GetBody for it anew when a connection dies before an
// answer, and gets it once: one replay is enough for a connection that the server closed just as it was reused.
type requestBody struct {
	ctx     context.Context // the attempt's
	payload []byte
	sent    atomic.Int32 // requests that were begun, if they are traced

	mu       sync.Mutex
	reader   *bytes.Reader // the latest one given
	asked    bool          // for one more
	replayed bool
}

func newRequestBody(ctx context.Context, payload []byte) *requestBody {
	return &requestBody{ctx: ctx, payload: payload, reader: bytes.NewReader(payload)}
}

// getBody is the request's GetBody.
func (b *requestBody) getBody() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ctx.Err(); err != nil {
		return nil, err // before the reader is looked at, which a transport may still use now
	}
	// HTTP/2 also asks when a connection took no request any more, so that nothing was sent.
	if b.reader.Len() < len(b.payload) {
		if b.replayed {
			return nil, errReplayedOnce
		}
		b.replayed = true
	}
	b.asked = true
	b.reader = bytes.NewReader(b.payload)
	return io.NopCloser(b.reader), nil
}

// traced returns ctx with a count of the requests that net/http begins. A transport around net/http's may read the body
// for what it sends itself, and send that again: then neither reader nor getBody tell.
func (b *requestBody) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { b.sent.Add(1) }})
}

// wasReplayed reports whether the request may have been sent more than once.
func (b *requestBody) wasReplayed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.replayed || b.sent.Load() > 1
}

// untouched reports whether it is shown that the request was not sent, because nobody read its body. It is for when
// net/http's own transport has returned an error: by then that is done with the body, unless the context has ended.
func (b *requestBody) untouched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ctx.Err() == nil && !b.asked && b.reader.Len() == len(b.payload)
}

// errReplayedOnce ends an attempt whose one replay met a dead connection too. A retry, if there is one, follows at once.
var errReplayedOnce = errors.New("two reused connections in a row died before an answer")
