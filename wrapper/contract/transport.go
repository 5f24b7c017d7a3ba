package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxResponseBody is the most that is read of an answer's body, in bytes. The wrapper reads no more either.
const maxResponseBody = 1 << 20

// Transport checks what a client sends through next, and what it is answered. A nil next is [http.DefaultTransport].
//
// A request that breaks the contract does not leave: RoundTrip returns an error, in which errors.AsType[Violation]
// finds the first violation, and whose text and Unwrap have all of them. An answer that breaks it is withheld in the
// same way; by then the other side may have acted on the request. With [Collect] nothing is held up.
//
// What is sent is what was checked, in one piece, with the caller's ContentLength; when next has to send it again, it
// asks the caller's GetBody for leave. An answer is read to its end, but for at most 1 MiB, before it is returned. One
// that breaks off is returned as it is, with its error, since that is the network's fault.
//
// A request to another operation goes to next as it is, but for one that was meant for this operation: a PATCH on a path
// that is nearly its own, and a PUT or POST on its own. Failures of next are returned as they are.
// CloseIdleConnections of an [http.Client] reaches next.
func Transport(next http.RoundTripper, opts ...Option) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{next, newConfig(opts)}
}

type transport struct {
	next http.RoundTripper
	*config
}

// CloseIdleConnections forwards to next, if it can do that.
func (t *transport) CloseIdleConnections() { (&http.Client{Transport: t.next}).CloseIdleConnections() }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.unusable != nil && !t.lenient {
		closeBody(req)
		return nil, t.unusable
	}
	if t.unusable != nil || req.URL == nil { // next's to refuse
		return t.next.RoundTrip(req)
	}
	op, found, ok := t.match(req)
	sent := req
	if ok {
		var err error
		if sent, found, err = op.readRequest(req); err != nil {
			return nil, err
		}
	}
	if err := t.judge(req, 0, found); err != nil {
		closeBody(sent)
		return nil, err
	}
	resp, err := t.next.RoundTrip(sent)
	if !ok || err != nil || resp == nil { // a next that returns neither is net/http's to refuse
		return resp, err
	}
	if resp.Request == sent {
		resp.Request = req
	}
	answer, ok := t.documented(req, op, resp.StatusCode)
	if !ok {
		return resp, nil
	}
	if err := t.judge(req, resp.StatusCode, answer.read(resp)); err != nil {
		_ = resp.Body.Close() // the violation says more
		return nil, err
	}
	return resp, nil
}

// judge reports findings. It returns the error that they end the exchange with, if any.
func (t *transport) judge(req *http.Request, status int, found []finding) error {
	t.report(req, status, found)
	if len(found) == 0 || t.lenient {
		return nil
	}
	return violations(found)
}

// readRequest checks a request and returns the one to send in its place. The caller's body is closed, unless there was
// too much of it to check: then the other request reads on in it. An error is one of reading the body.
func (op operation) readRequest(req *http.Request) (sent *http.Request, found []finding, err error) {
	var data []byte
	sent = req
	if req.Body != nil && req.Body != http.NoBody {
		data, err = io.ReadAll(io.LimitReader(req.Body, maxRequestBody+1))
		if err != nil {
			closeBody(req)
			return nil, nil, err
		}
		sent = req.WithContext(req.Context()) // a copy, since a RoundTripper must not change its request
		if len(data) > maxRequestBody {
			sent.Body = joined{io.MultiReader(bytes.NewReader(data), req.Body), req.Body}
			return sent, []finding{newFinding(Request, body, "size")}, nil
		}
		closeBody(req)
		out := &outgoing{ctx: req.Context(), data: data, leave: req.GetBody}
		sent.Body = out.body()
		if req.GetBody != nil {
			sent.GetBody = out.again
		}
	}
	found = op.checkSecurity(req.URL, req.Header)
	found = append(found, op.checkRequest(req.URL, req.Header, data)...)
	return sent, tidy(found), nil
}

// outgoing is the body of a request that was checked.
type outgoing struct {
	ctx   context.Context // the request's
	data  []byte
	leave func() (io.ReadCloser, error) // the caller's GetBody

	mu   sync.Mutex
	last *bytes.Reader // what the transport below got last
}

// body returns the data from its start, in a type that net/http knows to be in memory: it sends any other in a packet of
// its own.
func (o *outgoing) body() io.ReadCloser {
	o.last = bytes.NewReader(o.data)
	return io.NopCloser(o.last)
}

// again is the sent request's GetBody. The caller may count how often it is asked, or refuse; but a body of which
// nothing was read was not sent, and needs nobody's leave.
func (o *outgoing) again() (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ctx.Err(); err != nil {
		return nil, err // before last is looked at, which a transport that gave up may still read
	}
	if len(o.data) == 0 || o.last.Len() < len(o.data) {
		theirs, err := o.leave()
		if err != nil {
			return nil, err
		}
		_ = theirs.Close() // what goes out again is what was checked
	}
	return o.body(), nil
}

// read checks an answer, and gives it a body to be read once more.
func (a answer) read(resp *http.Response) []finding {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return []finding{newFinding(Response, "Content-Encoding", "content-encoding")}
	}
	from := resp.Body
	data, err := io.ReadAll(io.LimitReader(from, maxResponseBody+1))
	switch {
	case err != nil: // not read from again: net/http tells of a cut only once
		resp.Body = joined{io.MultiReader(bytes.NewReader(data), failing{err}), from}
		return nil
	case len(data) > maxResponseBody:
		resp.Body = joined{io.MultiReader(bytes.NewReader(data), from), from}
		return []finding{newFinding(Response, body, "size")}
	}
	_ = from.Close() // it was read to its end
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return a.check(resp.Header, data)
}

// joined reads here and closes there.
type joined struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // there is nobody to tell
	}
}
