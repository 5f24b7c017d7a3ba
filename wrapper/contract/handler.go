package contract

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
)

// maxRequestBody is the most that is read of a request's body, in bytes.
const maxRequestBody = 10 << 20

// Option configures [Handler] and [Transport].
type Option func(*config)

type config struct {
	document func() (*document, error)
	observe  []func(*http.Request, Violation)
	reports  []*Report
}

func newConfig(opts []Option) *config {
	c := &config{document: own}
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
	return c
}

func (c *config) report(r *http.Request, vs []Violation) {
	for _, f := range c.observe {
		for _, v := range vs {
			f(r, v)
		}
	}
	for _, report := range c.reports {
		report.add(vs)
	}
}

// collects reports whether violations are collected, so that no traffic is held up.
func (c *config) collects() bool { return len(c.reports) > 0 }

// OnViolation has f called for each violation, with the request that it belongs to, before the answer is written or
// returned. The request's body may have been read. f is called by the goroutine that serves or sends the request, so by
// several at a time. Each OnViolation adds an observer. A nil f is ignored.
func OnViolation(f func(*http.Request, Violation)) Option {
	return func(c *config) {
		if f != nil {
			c.observe = append(c.observe, f)
		}
	}
}

// Collect has violations counted in report, and lets the traffic through that has them: for the end of a service's test
// run, which then fails with [Report.Err]. A [Handler] still refuses a request whose body it cannot read to the end.
// Each Collect adds a report. A nil report is ignored.
func Collect(report *Report) Option {
	return func(c *config) {
		if report != nil {
			c.reports = append(c.reports, report)
		}
	}
}

// WithDocument checks against another OpenAPI 3.0 document, in YAML or JSON, in the place of this module's own: say, the
// one that Composio publishes today. A document that cannot be used makes each request a violation, with location
// "document" and rule "load".
func WithDocument(spec []byte) Option {
	doc, err := load(spec)
	return func(c *config) { c.document = func() (*document, error) { return doc, err } }
}

// Handler checks what next is asked and what it answers.
//
// A request that breaks the contract is answered 400 with the document's error body, which lists every location and
// rule, and next is not called. Otherwise next gets the request with its body unread and the path parameters as
// [http.Request.PathValue], by the document's names. Its answer is held back until it returns; one that breaks the
// contract is replaced by a 500 of the same form, so that a wrong fake fails loudly. See [Exempt] for answers that
// are meant to be wrong, or that need [http.ResponseController]. A panic of next goes through, nothing being written.
//
// A request that matches no operation of the document goes to next as it is.
func Handler(next http.Handler, opts ...Option) http.Handler {
	return &handler{next, newConfig(opts)}
}

type handler struct {
	next http.Handler
	*config
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, err := h.document()
	if err != nil {
		if h.passes(w, r, http.StatusInternalServerError, []Violation{unusable}) {
			h.next.ServeHTTP(w, r)
		}
		return
	}
	op, ok := doc.match(r.Method, r.URL)
	h.count(ok)
	if !ok {
		h.next.ServeHTTP(w, r)
		return
	}

	data, found := readBody(w, r)
	if found != nil {
		h.refuse(w, r, http.StatusBadRequest, found)
		return
	}
	if !h.passes(w, r, http.StatusBadRequest, op.checkRequest(r.Context(), r.URL, r.Header, data)) {
		return
	}

	r = r.WithContext(r.Context()) // a copy, since a handler must not change its request
	r.Body = io.NopCloser(bytes.NewReader(data))
	op.setPathValues(r)
	held := &answer{w: w, header: w.Header().Clone()}
	h.next.ServeHTTP(held, r)
	if held.exempt {
		return
	}
	if op.answer(held.code()) == nil {
		h.lacks(r, held.code())
	} else {
		found = op.checkResponse(r.Context(), r.URL, held.code(), held.header, held.body.Bytes())
		if !h.passes(w, r, http.StatusInternalServerError, found) {
			return
		}
	}
	held.release()
}

// passes reports violations. Unless they are collected, it answers in place of next and returns false.
func (h *handler) passes(w http.ResponseWriter, r *http.Request, status int, found []Violation) bool {
	if len(found) > 0 && !h.collects() {
		h.refuse(w, r, status, found)
		return false
	}
	h.report(r, found)
	return true
}

// readBody reads a request's body, up to maxRequestBody.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, []Violation) {
	if r.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err == nil {
		return data, nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, []Violation{{Request, body, "size"}}
	}
	return nil, []Violation{{Request, body, "read"}}
}

// answer holds back what next writes. It has no Unwrap on purpose: a flush or a hijack of the writer below would send
// what has not been checked.
type answer struct {
	w      http.ResponseWriter
	header http.Header
	status int // 0: not written yet
	body   bytes.Buffer
	exempt bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	// The first final status counts, as in net/http. Informational ones are not part of the contract.
	if a.status == 0 && (status < 100 || status > 199 || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.status = a.code()
	return a.body.Write(p)
}

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// passHeader gives the header to the writer below.
func (a *answer) passHeader() {
	clear(a.w.Header())
	maps.Copy(a.w.Header(), a.header)
}

// release sends the answer.
func (a *answer) release() {
	a.passHeader()
	a.w.WriteHeader(a.code())
	_, _ = a.w.Write(a.body.Bytes()) // a client that is gone is nobody's error
}

// Exempt says that the answer about to be written departs from the contract on purpose: an error page of a gateway, a
// body cut short, a connection closed. It returns the writer below, with the headers that were set on w, on which
// [http.ResponseController] works; nothing written to it is checked or held back. Call it once, before anything is
// written to w, and leave w alone after that.
//
// A w that is not from [Handler], also one reached through no Unwrap method, is returned as it is.
func Exempt(w http.ResponseWriter) http.ResponseWriter {
	for under := w; ; {
		if held, ok := under.(*answer); ok {
			held.exempt = true
			held.passHeader()
			return held.w
		}
		wrapped, ok := under.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		under = wrapped.Unwrap()
	}
}
