package composio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
)

// requestBody is the body of one attempt's request. net/http asks GetBody for it anew when a connection dies before an
// answer, and gets it for one replay, which is enough for a connection that the server closed just as it was reused.
type requestBody struct {
	ctx     context.Context // the attempt's
	payload []byte
	traced  bool         // whether sent counts
	sent    atomic.Int32 // how often net/http began the request

	mu       sync.Mutex
	reader   *bytes.Reader // the latest one given
	asked    bool          // for one more
	replayed bool          // one was given after the one before was read
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
	begun := b.reader.Len() < len(b.payload)
	again := begun && b.replayed
	if b.traced { // then others may read the body as often as they like, for a signature or a log
		again = b.sent.Load() > 1
	}
	if again {
		return nil, errReplayedOnce
	}
	b.asked = true
	b.replayed = b.replayed || begun
	b.reader = bytes.NewReader(b.payload)
	return io.NopCloser(b.reader), nil
}

// trace returns ctx with a count of how often net/http begins the request, known by its id among others that a transport
// makes with ctx. A transport around net/http's may read the body for what it sends itself, and send that again: then
// neither reader nor getBody tell.
func (b *requestBody) trace(ctx context.Context) context.Context {
	b.traced = true
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: func(name string, _ []string) {
		if strings.EqualFold(name, "X-Request-Id") { // HTTP/2 writes names in lower case
			b.sent.Add(1)
		}
	}})
}

// wasReplayed reports whether the request may have been sent more than once.
func (b *requestBody) wasReplayed() bool {
	if n := b.sent.Load(); n > 0 { // none if there is no net/http below the transport
		return n > 1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.replayed
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
