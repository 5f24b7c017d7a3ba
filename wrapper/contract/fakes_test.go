package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/internal/example"
)

const (
	path     = "/api/v3/connected_accounts/ca_1"
	jsonType = "application/json"
	secret   = "s3cr3t-v4lue!"
)

// fake is a handler that answers with what it is told, and keeps what it was asked.
type fake struct {
	status int
	header http.Header
	body   string

	called bool
	got    string
	nanoid string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	f.called, f.got, f.nanoid = true, string(data), r.PathValue("nanoid")
	for name, values := range f.header {
		w.Header()[name] = values
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.body)
}

// goodBody is the document's own example of an answer.
var goodBody = example.JSON("ca_1", "ACTIVE")

// without is goodBody without some properties.
func without(t testing.TB, properties ...string) string {
	t.Helper()
	answer := example.Answer("ca_1", "ACTIVE")
	for _, property := range properties {
		delete(answer, property)
	}
	data, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func jsonAnswer(status int, body string) *fake {
	return &fake{status: status, header: http.Header{"Content-Type": {jsonType}, "X-Kept": {"yes"}}, body: body}
}

func good() *fake { return jsonAnswer(200, goodBody) }

// log collects violations.
type log struct {
	mu  sync.Mutex
	all []contract.Violation
}

func (l *log) option() contract.Option {
	return contract.OnViolation(func(_ *http.Request, v contract.Violation) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, v)
	})
}

func (l *log) lines() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.all {
		lines = append(lines, fmt.Sprintf("%s %s: %s", v.Direction, v.Location, v.Rule))
	}
	return lines
}

// want compares all violations with what was to be found.
func (l *log) want(t testing.TB, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, l.lines()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// send serves one request over a real connection.
func send(t *testing.T, h http.Handler, method, path, contentType, body string) (*http.Response, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return roundTrip(t, srv.Client().Transport, req)
}

// base is an address that nothing is sent to.
const base = "https://composio.test"

// nextFunc is an in-memory transport.
type nextFunc func(*http.Request) (*http.Response, error)

func (f nextFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// tracked is a body that notes how far it was read, and whether it was closed.
type tracked struct {
	io.Reader
	read   int
	closed bool
}

func (b *tracked) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *tracked) Close() error {
	b.closed = true
	return nil
}

// answering is a transport that reads the request and gives the answer of f; sent has the body of each request.
type answering struct {
	*fake
	answer  *tracked
	request *http.Request // the last one
	sent    []string
	idle    int // how often it was told to close idle connections
}

func (a *answering) CloseIdleConnections() { a.idle++ }

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	var data []byte
	if req.Body != nil {
		data, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	a.request, a.sent = req, append(a.sent, string(data))
	a.answer = &tracked{Reader: strings.NewReader(a.body)}
	return &http.Response{
		StatusCode: a.status, Header: a.header.Clone(), Body: a.answer, ContentLength: int64(len(a.body)), Request: req,
	}, nil
}

// newRequest makes a request that the contract allows, but for its body.
func newRequest(t testing.TB, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "PATCH", url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("X-Api-Key", "ak_test")
	return req
}

// roundTrip sends a request that must be answered.
func roundTrip(t testing.TB, rt http.RoundTripper, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

var errOwn = errors.New("of one's own")
