package contract

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing/iotest"
)

// maxResponseBody is the most that is read of an answer's body, in bytes. The wrapper reads no more either.
const maxResponseBody = 1 << 20

// Transport checks what a client sends through next, and what it is answered. A nil next is [http.DefaultTransport].
//
// A request that breaks the contract does not leave: RoundTrip returns an error, in which errors.AsType[Violation]
// finds the first violation, and whose text and Unwrap have all of them. An answer that breaks it is withheld in the
// same way; by then the other side may have acted on the request. With [Collect] nothing is held up.
//
// What is sent is what was checked, with the caller's ContentLength and GetBody. An answer is read to its
// end, but for at most 1 MiB, before it is returned. One that breaks off is returned as it is, with its error, since that
// is the network's fault.
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
	if req.URL == nil { // next's to refuse
		return t.next.RoundTrip(req)
	}
	op, found, err := t.match(req)
	sent := req
	if err == nil && op != nil {
		sent, found, err = op.readRequest(req)
	}
	if err == nil && t.report(req, 0, found) {
		err = refused(found)
	}
	if err != nil {
		closeBody(sent)
		return nil, err
	}
	resp, err := t.next.RoundTrip(sent)
	if op == nil || err != nil || resp == nil { // a next that returns neither is net/http's to refuse
		return resp, err
	}
	if resp.Request == sent {
		resp.Request = req
	}
	if found := t.documented(req, op, resp.StatusCode).read(resp); t.report(req, resp.StatusCode, found) {
		_ = resp.Body.Close() // the violation says more
		return nil, refused(found)
	}
	return resp, nil
}

// readRequest checks a request and returns the one to send in its place. The caller's body is closed, unless there was
// too much of it to check: then the other request reads on in it. An error is one of reading the body.
func (op *operation) readRequest(req *http.Request) (sent *http.Request, found []finding, err error) {
	var data []byte
	sent = req
	if req.Body != nil && req.Body != http.NoBody {
		if data, err = io.ReadAll(io.LimitReader(req.Body, maxRequestBody+1)); err != nil {
			return req, nil, err
		}
		sent = req.WithContext(req.Context()) // a copy, since a RoundTripper must not change its request
		if len(data) > maxRequestBody {
			sent.Body = joined{io.MultiReader(bytes.NewReader(data), req.Body), req.Body}
			return sent, []finding{newFinding(Request, body, "size")}, nil
		}
		closeBody(req)
		sent.Body = io.NopCloser(bytes.NewReader(data))
	}
	return sent, op.checkRequest(req.URL, req.Header, data, true), nil
}

// read checks an answer, and gives it a body to be read once more.
func (a *answer) read(resp *http.Response) []finding {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if a == nil {
		return a.check(resp.Header, nil)
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return []finding{newFinding(Response, "Content-Encoding", "content-encoding")}
	}
	from := resp.Body
	data, err := io.ReadAll(io.LimitReader(from, maxResponseBody+1))
	switch {
	case err != nil: // not read from again: net/http tells of a cut only once
		resp.Body = joined{io.MultiReader(bytes.NewReader(data), iotest.ErrReader(err)), from}
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

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // there is nobody to tell
	}
}
