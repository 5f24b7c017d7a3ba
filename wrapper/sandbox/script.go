package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Answer is what one request meets in place of a good answer; see [Server.Script], [WithFaults] and [Faults]. The zero
// value is an empty 200 to an update that is not carried out.
type Answer struct {
	// Name is what the journal calls the answer, in Request.Fault. It changes nothing else.
	Name string

	// Status is the HTTP status, 200 to 999; 0 is 200 or, with Apply, the sandbox's own.
	Status int

	// Header is added to the headers that every answer has, and replaces those of the same name; a name without values
	// takes the header off. Without a Content-Type here, it is application/json. A Content-Length is sent as it is: a
	// shorter one cuts the body, a longer one promises what does not come. "Connection: close" closes the connection
	// after the answer, over HTTP/2 with GOAWAY.
	Header http.Header

	// Body is sent as it is. With Apply and a Status of 0, the sandbox's own body stands in for an empty one.
	Body string

	// Apply has the request first dealt with as if there were no script: its account changes, unless path, key or
	// content are wrong. Without it no account changes, nor does one with the status 408 or 429, which say so.
	// Everything below comes after.
	Apply bool

	// Delay is the time before the headers are sent, BodyDelay the time after the first half of the body. If the
	// request's context ends before, nothing more is sent.
	Delay, BodyDelay time.Duration

	// Break is where the connection is closed too early, if anywhere.
	Break Break

	// Gzip compresses the body and says so in Content-Encoding, whether the client accepts that or not.
	Gzip bool
}

// Break is a point at which the sandbox closes the connection; over HTTP/2 it resets the stream. Except for
// BreakWhileApplying over HTTP/1 it does so by the panic with [http.ErrAbortHandler] that net/http has for it.
type Break int

const (
	// BreakNever does not close it.
	BreakNever Break = iota

	// BreakBeforeHeader closes it in place of an answer: before the update is carried out, or after it with Apply.
	BreakBeforeHeader

	// BreakInBody closes it after the first half of the body, and after BodyDelay.
	BreakInBody

	// BreakWhileApplying resets it, also for TCP, while the account is changed: who sees the reset at once, and reads
	// the account or sends the next update, has to wait for the change. Over HTTP/2 the reset comes after the change.
	// Nothing else of the answer matters then.
	BreakWhileApplying
)

func (a Answer) clone() Answer {
	a.Header = a.Header.Clone()
	return a
}

// Script has the next requests meet answers, one each and in order, in place of what the sandbox would do: but for
// Answer.Apply nothing except the contract is looked at, neither path nor key nor rate limit. Answers that are left from
// earlier calls come first. A request that the document forbids is answered 400 and uses up none.
func (s *Server) Script(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range answers {
		s.script = append(s.script, a.clone())
	}
}

// nextAnswer returns the scripted answer whose turn it is, or else a fault if the dice say so.
func (s *Server) nextAnswer(limited bool) (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) > 0 {
		a := s.script[0]
		s.script = s.script[1:]
		return a, true
	}
	if limited {
		return Answer{}, false
	}
	return s.chance.draw()
}

// misbehave has a request meet an answer.
func (s *Server) misbehave(a Answer, w http.ResponseWriter, r *http.Request) {
	e := exchangeOf(r)
	w = e.exempt(w)
	e.note(func(q *Request) { q.Fault = a.Name })
	var conn net.Conn
	if a.Break == BreakWhileApplying {
		conn, _, _ = http.NewResponseController(w).Hijack() // HTTP/2 has none to give
		e.applying = func() { reset(conn) }
	}
	own := &held{header: http.Header{}, status: http.StatusOK}
	if a.Apply && a.Status != http.StatusRequestTimeout && a.Status != http.StatusTooManyRequests {
		s.carryOut(own, r)
	}
	if a.Break != BreakWhileApplying {
		a.write(r.Context(), w, own)
		return
	}
	reset(conn) // of an update that was refused, or not to be applied
	if conn == nil {
		panic(http.ErrAbortHandler)
	}
}

// write sends an answer; own is the one that the sandbox would have given.
func (a Answer) write(ctx context.Context, w http.ResponseWriter, own *held) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	status, body := a.Status, a.Body
	if status == 0 {
		maps.Copy(h, own.header)
		status = own.status
		if body == "" {
			body = own.body.String()
		}
	}
	if a.Gzip {
		h.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	for name, values := range a.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if n, err := strconv.Atoi(h.Get("Content-Length")); err == nil && 0 <= n && n < len(body) {
		body = body[:n] // net/http sends nothing of what is too long
	}
	pause(ctx, a.Delay)
	if a.Break == BreakBeforeHeader {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	// What cannot be written concerns a client that is gone, or a status without a body.
	if a.BodyDelay > 0 || a.Break == BreakInBody {
		_, _ = io.WriteString(w, body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		body = body[len(body)/2:]
		pause(ctx, a.BodyDelay)
		if a.Break == BreakInBody {
			panic(http.ErrAbortHandler)
		}
	}
	_, _ = io.WriteString(w, body)
}

// pause waits, and goes on only if the time is up: the client of a server that is closing would take an answer cut short
// for the whole.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

// reset closes a connection so that the other end sees a reset, where the connection can do that. A nil one is left.
func reset(conn net.Conn) {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn() // TLS would say goodbye
	}
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	if conn != nil {
		_ = conn.Close()
	}
}

func compress(body string) string {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b) // into memory, which never fails
	_, _ = io.WriteString(zip, body)
	_ = zip.Close()
	return b.String()
}

// held is an answer that is kept rather than sent.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header                { return h.header }
func (h *held) WriteHeader(status int)             { h.status = status }
func (h *held) Write(data []byte) (n int, _ error) { return h.body.Write(data) }
