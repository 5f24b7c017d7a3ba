package contract

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"sync"
)

// maxRequestBody is the most that is read of a request's body, in bytes.
const maxRequestBody = 10 << 20

// Option configures [Handler], [Transport] and [Check].
type Option func(*config)

type config struct {
	load    func(every bool) (*document, error)
	every   bool // operation of the document is checked, not Composio's alone
	observe []func(*http.Request, Violation)
	tell    []func(text string) // of what is wrong, as soon as it is known
	reports []*Report
	lenient bool // what is wrong is told, and not held up

	document *document
	unusable error // why there is no document
}

func newConfig(opts []Option) *config {
	c := &config{load: own}
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
	if c.document, c.unusable = c.load(c.every); c.unusable != nil {
		for _, tell := range c.tell {
			tell(c.unusable.Error())
		}
		for _, r := range c.reports {
			r.cannot(c.unusable)
		}
	}
	return c
}

// report tells of findings; status is that of the answer that they are about, 0 for a request.
func (c *config) report(r *http.Request, status int, all []finding) {
	for _, f := range all {
		for _, observe := range c.observe {
			observe(r, f.Violation)
		}
		for _, tell := range c.tell {
			if f != undocumented {
				tell("composio: " + place{f, status}.text())
			}
		}
	}
	for _, r := range c.reports {
		r.add(status, all)
	}
}

// match returns the operation that a request calls, and counts the request either way. found is how a request that calls
// none departs from one that was meant for it.
func (c *config) match(r *http.Request) (op operation, found []finding, ok bool) {
	verb := cmp.Or(r.Method, http.MethodGet)
	to := target{other: shown(verb) + " elsewhere"}
	if c.every {
		op, ok = c.document.find(verb, r.URL)
	} else if to = address(verb, r.URL); to.id != "" {
		op, ok = c.document.operation(to), true
	} else if to.near != "" {
		want := method + " " + c.document.operations[0].path
		found = []finding{{Violation{Request, to.near, "operation"}, want}}
	}
	for _, r := range c.reports {
		if ok {
			r.began(op)
		} else {
			r.missed(to.other)
		}
	}
	return op, found, ok
}

// documented notes the status of an answer, and reports whether the document has it.
func (c *config) documented(req *http.Request, op operation, status int) bool {
	key, _, ok := op.answer(status)
	for _, r := range c.reports {
		r.answered(key, status)
	}
	if !ok {
		c.report(req, status, []finding{undocumented})
	}
	return ok
}

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
// run, which then fails with [Report.Err]. Each violation is written to w as well, as soon as it is found, so that a run
// which ends in a panic has told of it: to [os.Stderr] if no w is given; give [io.Discard] for silence.
//
// A [Handler] still refuses a request whose body it cannot read to the end. Each Collect adds a report. A nil report is
// ignored.
func Collect(report *Report, w ...io.Writer) Option {
	if report == nil {
		return nil
	}
	if len(w) == 0 {
		w = []io.Writer{os.Stderr}
	}
	var mu sync.Mutex
	return func(c *config) {
		c.lenient = true
		c.reports = append(c.reports, report)
		c.tell = append(c.tell, func(text string) {
			mu.Lock()
			defer mu.Unlock()
			for _, to := range w {
				if to != nil {
					_, _ = io.WriteString(to, text+"\n") // the report has it, whatever becomes of the line
				}
			}
		})
	}
}

// WithDocument checks against another OpenAPI document, 3.0 or 3.1, YAML or JSON, in the place of this module's own: say,
// the whole of what Composio publishes today. Of that only the operation is read and what it refers to; other operations
// may have faults. It is read once, however many transports and handlers have the option.
//
// If the operation cannot be had, nothing is checked, and an error says why: it is the error of [Report.Err]; [Check] gives
// it to its test; and without either, each request ends with it.
func WithDocument(spec []byte) Option {
	load := loader(spec)
	return func(c *config) { c.load = load }
}

// WithEveryOperation checks all operations of the document, and not Composio's alone: for the document of another API.
func WithEveryOperation() Option { return func(c *config) { c.every = true } }

// Handler checks what next is asked and what it answers.
//
// A request that breaks the contract is answered 400 with the document's error body, which lists every location and
// rule, and next is not called. Otherwise next gets the request with its body unread and the path parameters as
// [http.Request.PathValue], by the document's names. Its answer is held back until it returns; one that breaks the
// contract is replaced by a 500 of the same form, so that a wrong fake fails loudly. See [Exempt] for answers that
// are meant to be wrong, or that need [http.ResponseController]. A panic of next goes through, nothing being written.
//
// A request to another operation goes to next as it is, which knows best what to answer.
func Handler(next http.Handler, opts ...Option) http.Handler {
	return &handler{next, newConfig(opts)}
}

type handler struct {
	next http.Handler
	*config
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.unusable != nil {
		if h.lenient {
			h.next.ServeHTTP(w, r)
		} else {
			refuse(w, r, http.StatusInternalServerError, h.unusable.Error(), nil)
		}
		return
	}
	op, found, ok := h.match(r)
	if !ok {
		h.report(r, 0, found)
		h.next.ServeHTTP(w, r)
		return
	}

	data, found := readBody(w, r)
	whole := found == nil
	if whole {
		found = op.checkRequest(r.URL, r.Header, data)
	}
	h.report(r, 0, found)
	if len(found) > 0 && (!whole || !h.lenient) {
		refuse(w, r, http.StatusBadRequest, "Validation error while processing request", found)
		return
	}

	r = r.WithContext(r.Context()) // a copy, since a handler must not change its request
	r.Body = io.NopCloser(bytes.NewReader(data))
	for name, value := range op.params {
		r.SetPathValue(name, value)
	}
	held := &heldAnswer{w: w, header: w.Header().Clone()}
	h.next.ServeHTTP(held, r)
	if held.exempt {
		return
	}
	status := held.code()
	if h.documented(r, op, status) {
		found = op.checkResponse(status, held.header, held.body.Bytes())
		h.report(r, status, found)
		if len(found) > 0 && !h.lenient {
			refuse(w, r, http.StatusInternalServerError, "The answer to this request breaks the contract, and was withheld", found)
			return
		}
	}
	held.release()
}

// readBody reads a request's body, up to maxRequestBody.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, []finding) {
	if r.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err == nil {
		return data, nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, []finding{newFinding(Request, body, "size")}
	}
	return nil, []finding{newFinding(Request, body, "read")}
}

// heldAnswer holds back what next writes. It has no Unwrap on purpose: a flush or a hijack of the writer below would send
// what has not been checked.
type heldAnswer struct {
	w      http.ResponseWriter
	header http.Header
	status int // 0: not written yet
	body   bytes.Buffer
	exempt bool
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) {
	// The first final status counts, as in net/http. Informational ones are not part of the contract.
	if a.status == 0 && (status < 100 || status > 199 || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
}

func (a *heldAnswer) Write(p []byte) (int, error) {
	a.status = a.code()
	return a.body.Write(p)
}

func (a *heldAnswer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// passHeader gives the header to the writer below.
func (a *heldAnswer) passHeader() {
	clear(a.w.Header())
	maps.Copy(a.w.Header(), a.header)
}

// release sends the answer.
func (a *heldAnswer) release() {
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
		if held, ok := under.(*heldAnswer); ok {
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
