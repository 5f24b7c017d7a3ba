package composio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// requestBody is the body of one attempt's request. net/http asks GetBody for it anew when a connection dies before an
// answer, and gets it once: one replay is enough for a connection that the server closed just as it was reused.
type requestBody struct {
	ctx     context.Context // the attempt's
	payload []byte

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

// wasReplayed reports whether the request may have been sent more than once.
func (b *requestBody) wasReplayed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.replayed
}

// untouched reports whether it is shown that the request was not sent, because nobody read its body. It is for when the
// transport has returned an error: by then it is done with the body, unless the context has ended.
func (b *requestBody) untouched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ctx.Err() == nil && !b.asked && b.reader.Len() == len(b.payload)
}

// errReplayedOnce ends an attempt whose one replay met a dead connection too. A retry, if there is one, follows at once.
var errReplayedOnce = errors.New("two reused connections in a row died before an answer")
