package contract

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"

	"example.com/composio/gen"
)

// maxRequestBody is the most that is read of a request's body, in bytes.
const maxRequestBody = 10 << 20

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
	op, found, err := h.match(r)
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, err.Error(), nil)
		return
	}
	if op == nil {
		h.report(r, 0, found)
		h.next.ServeHTTP(w, r)
		return
	}

	data, found := readBody(w, r)
	whole := found == nil
	if whole {
		found = op.checkRequest(r.URL, r.Header, data, false)
	}
	if h.report(r, 0, found) || !whole {
		refuse(w, r, http.StatusBadRequest, "Validation error while processing request", found)
		return
	}

	r = r.WithContext(r.Context()) // a copy, since a handler must not change its request
	r.Body = io.NopCloser(bytes.NewReader(data))
	r.SetPathValue(op.parameter(), op.id)
	held := &heldAnswer{w: w, header: w.Header().Clone()}
	h.next.ServeHTTP(held, r)
	if held.exempt {
		return
	}
	found = h.documented(r, op, held.code()).check(held.header, held.body.Bytes())
	if h.report(r, held.code(), found) {
		refuse(w, r, http.StatusInternalServerError, "The answer to this request breaks the contract, and was withheld", found)
		return
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
	return cmp.Or(a.status, http.StatusOK)
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

// refuse answers with the document's error body.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string, all []finding) {
	detail := gen.ErrorDetail{Message: message, Code: 10400, Slug: "HTTP_BadRequest", Status: float64(status)}
	if status == http.StatusInternalServerError {
		detail.Code, detail.Slug = 10500, "HTTP_InternalServerError"
	}
	for _, f := range all {
		detail.Errors = append(detail.Errors, f.Location+": "+f.Rule)
	}
	// A handler around this one may have named the request already.
	detail.RequestID = cmp.Or(w.Header().Get("X-Request-Id"), r.Header.Get("X-Request-Id"))
	body := gen.Error{Error: detail}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.AppendJSON(nil)) // a client that is gone is nobody's error
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
