package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"example.com/composio/wrapper/contract"
)

// Request is one request in the journal, and what became of it. Printed as an [Account] is, the headers that carry a key
// and every value of the body that may be a credential read "[redacted]"; the fields have what was sent.
type Request struct {
	// Time is when the request arrived.
	Time time.Time `json:"time"`

	// Method and Path are the request line's; Path is as it was escaped, without the query.
	Method string `json:"method"`
	Path   string `json:"path"`

	// Header and Body are what was sent. Body is what was read of it, at most 10 MiB; nil as long as it comes in.
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`

	// Status is the answer's; 0 as long as there is none.
	Status int `json:"status"`

	// Applied says that the update was carried out, whatever was answered.
	Applied bool `json:"applied"`

	// Fault is the name of the scripted answer, or of the fault, that the request met; empty if it met none, or one
	// without a name.
	Fault string `json:"fault"`

	// Exempt says that the answer was not checked: it was scripted, a fault, or one that the document lacks.
	Exempt bool `json:"exempt"`

	// Violations are the ways in which the request, or the sandbox's own answer, broke the contract.
	Violations []contract.Violation `json:"violations"`
}

func (q Request) clone() Request {
	q.Header = q.Header.Clone()
	q.Body = bytes.Clone(q.Body)
	q.Violations = slices.Clone(q.Violations)
	return q
}

// view returns what prints as it is.
func (q Request) view() any {
	type view Request
	plain := view(q)
	plain.Header, plain.Body = maskHeader(q.Header), nil
	return struct {
		view
		Body string `json:"body"`
	}{plain, maskBody(q.Body)}
}

// String returns the request, its secrets masked.
func (q Request) String() string { return fmt.Sprintf("%+v", q.view()) }

// Format prints the request under any verb, its secrets masked.
func (q Request) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), q.view())
}

// LogValue returns the request for slog, its secrets masked.
func (q Request) LogValue() slog.Value { return slog.AnyValue(q.view()) }

// MarshalJSON encodes the request, its secrets masked and its body as a string.
func (q Request) MarshalJSON() ([]byte, error) { return json.Marshal(q.view()) }

// Requests returns the journal: every request since New, or the latest of them (see [WithJournal]), in the order of
// arrival, those under way included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.journal))
	for i, q := range s.journal {
		all[i] = q.clone()
	}
	return all
}

// record is a Request with what the sandbox alone knows of it.
type record struct {
	Request
	number  int      // counts requests, from 1
	account string   // the id in the path; empty if the path is not the operation's
	stored  []string // the fields that the account had when the request came
	ended   bool
}

// exchange is a request that is being served: its body, the writer of its answer, and its entry in the journal. The
// entry is complete before an answer is on the wire, so whoever has the answer finds it there.
type exchange struct {
	http.ResponseWriter
	server   *Server
	body     bytes.Buffer // what was read of the request's
	limited  bool
	wait     time.Duration // until the rate-limit window ends
	budget   budget        // as this request found it
	applying func()        // called when the account is about to change, with server.mu held; may be nil
	entry    *record       // guarded by server.mu
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// begin opens an entry in the journal, and returns the writer and the request to go on with.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) (*exchange, *http.Request) {
	e := &exchange{ResponseWriter: w, server: s, entry: &record{
		Request: Request{Time: time.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Header: r.Header.Clone()},
	}}
	e.entry.account = accountIn(e.entry.Path)
	s.mu.Lock()
	s.served++
	e.entry.number = s.served
	if a, ok := s.accounts[e.entry.account]; ok {
		e.entry.stored = a.fields()
	}
	s.journal = append(s.journal, e.entry)
	if s.journalSize > 0 && len(s.journal) > s.journalSize {
		s.journal[0] = nil // the array outlives the slice
		s.journal = s.journal[1:]
	}
	s.mu.Unlock()
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(limited, &e.body), limited}
	return e, r
}

// note writes to the journal, where the request's body is from then on too.
func (e *exchange) note(f func(*Request)) {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	e.entry.Body = e.body.Bytes()
	f(&e.entry.Request)
}

// exempt marks the answer as exempt from the contract, and returns the writer for it.
func (e *exchange) exempt(w http.ResponseWriter) http.ResponseWriter {
	e.note(func(q *Request) { q.Exempt = true })
	return contract.Exempt(w)
}

// WriteHeader begins the answer. Everything in this package calls it before it writes.
func (e *exchange) WriteHeader(status int) {
	e.note(func(q *Request) { q.Status = status })
	e.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }
