package contract_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
)

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
	answer *tracked
	sent   []string
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	var data []byte
	if req.Body != nil {
		data, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	a.sent = append(a.sent, string(data))
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

func TestTransportPassesWhatTheDocumentAllows(t *testing.T) {
	next, seen := &answering{fake: good()}, &log{}
	req := newRequest(t, base, `{"alias":"work"}`)
	res, answer := roundTrip(t, contract.Transport(next, seen.option()), req)
	if res.StatusCode != 200 || answer != next.body || res.Header.Get("X-Kept") != "yes" || res.ContentLength != int64(len(answer)) {
		t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
	}
	if res.Request != req {
		t.Error("the answer does not name the caller's request")
	}
	if diff := cmp.Diff([]string{`{"alias":"work"}`}, next.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if lines := seen.lines(); lines != nil || !next.answer.closed {
		t.Errorf("violations: %q, answer closed: %v", lines, next.answer.closed)
	}
}

// What a service does with an endless answer is its own matter; checking must not read it all.
func TestTransportReadsAtMostOneMiBOfAnAnswer(t *testing.T) {
	next := &answering{fake: &fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: strings.Repeat(" ", 4<<20)}}
	if _, err := contract.Transport(next).RoundTrip(newRequest(t, base, `{}`)); err == nil {
		t.Error("no error")
	}
	if next.answer.read != 1<<20+1 {
		t.Errorf("read %d bytes", next.answer.read)
	}
}

func TestTransportAcceptsAnAnswerOfOneMiB(t *testing.T) {
	next := &answering{fake: good()}
	next.body += strings.Repeat(" ", 1<<20-len(next.body))
	if _, answer := roundTrip(t, contract.Transport(next), newRequest(t, base, `{}`)); answer != next.body {
		t.Errorf("%d bytes arrived", len(answer))
	}
}

func TestTransportPassesOnUndocumentedStatus(t *testing.T) {
	next, seen := &answering{fake: &fake{status: 429, header: http.Header{"Retry-After": {"3"}}, body: `{"message":"slow down"}`}}, &log{}
	res, err := contract.Transport(next, seen.option()).RoundTrip(newRequest(t, base, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if next.answer.read != 0 || next.answer.closed {
		t.Error("the answer was read, although there is nothing to compare it with")
	}
	data, _ := io.ReadAll(res.Body)
	if res.StatusCode != 429 || string(data) != next.body || res.Header.Get("Retry-After") != "3" {
		t.Errorf("got %d %q %v", res.StatusCode, data, res.Header)
	}
	if diff := cmp.Diff([]string{"response status: undocumented"}, seen.lines()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// The answer is wrong because the network failed, and the caller has to see that it did.
func TestTransportPassesOnAnAnswerThatBreaksOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"success":true`)
	}))
	defer srv.Close()
	seen := &log{}
	res, err := contract.Transport(srv.Client().Transport, seen.option()).RoundTrip(newRequest(t, srv.URL, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(data) != `{"success":true` {
		t.Errorf("read %q, %v", data, err)
	}
	if lines := seen.lines(); lines != nil {
		t.Errorf("violations: %q", lines)
	}
}

// A body that says once that it broke off would otherwise seem to have ended.
func TestTransportKeepsTheErrorOfAnAnswer(t *testing.T) {
	first := true
	body := &tracked{Reader: readerFunc(func([]byte) (int, error) {
		if first {
			first = false
			return 0, errOwn
		}
		return 0, io.EOF
	})}
	res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: body}, nil
	})).RoundTrip(newRequest(t, base, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := res.Body.Read(make([]byte, 1)); err != errOwn {
			t.Errorf("error %v", err)
		}
	}
	_ = res.Body.Close()
	if !body.closed {
		t.Error("the answer was not closed")
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestTransportChecksWhatNetHTTPUnzipped(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"right": {good().body, ""},
		"wrong": {`{}`, "composio: response breaks the contract at /id: required; at /status: required; at /success: required"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", jsonType)
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, tt.body)
				_ = z.Close()
			}))
			defer srv.Close()
			res, err := contract.Transport(srv.Client().Transport).RoundTrip(newRequest(t, srv.URL, `{}`))
			if res != nil {
				_ = res.Body.Close()
			}
			if got := fmt.Sprint(err); got != tt.want && (tt.want != "" || err != nil) {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTransportLeavesRequestOfCallerAlone(t *testing.T) {
	req := newRequest(t, base, `{"alias":"work"}`)
	body, header, length := req.Body, req.Header.Clone(), req.ContentLength
	var sent *http.Request
	next := &answering{fake: good()}
	roundTrip(t, contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		sent = req
		return next.RoundTrip(req)
	})), req)
	if req.Body != body || req.ContentLength != length || !cmp.Equal(req.Header, header) {
		t.Error("the caller's request was changed")
	}
	if sent.ContentLength != length || !cmp.Equal(sent.Header, header) || sent.Context() != req.Context() || sent.URL != req.URL {
		t.Errorf("sent %+v", sent)
	}
}

// A body that net/http does not know to be in memory goes out in a packet of its own, after its header.
func TestTransportKeepsOneWriteToTheWire(t *testing.T) {
	srv := httptest.NewServer(good())
	defer srv.Close()
	var writes atomic.Int32
	pool := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &counting{conn, &writes}, err
	}}
	defer pool.CloseIdleConnections()
	roundTrip(t, contract.Transport(pool), newRequest(t, srv.URL, `{"alias":"work"}`))
	if n := writes.Load(); n != 1 {
		t.Errorf("%d writes", n)
	}
}

type counting struct {
	net.Conn
	writes *atomic.Int32
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// stale serves one request a connection and cuts it when it is used again, as a server does whose idle timeout is over.
func stale(t *testing.T) (url string, served func() []string) {
	var mu sync.Mutex
	var bodies []string
	seen := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		again := seen[r.RemoteAddr]
		seen[r.RemoteAddr] = true
		mu.Unlock()
		data, _ := io.ReadAll(r.Body)
		if again {
			panic(http.ErrAbortHandler)
		}
		mu.Lock()
		bodies = append(bodies, string(data))
		mu.Unlock()
		good().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
}

func TestTransportLetsNetHTTPReplay(t *testing.T) {
	url, served := stale(t)
	pool := &http.Transport{}
	defer pool.CloseIdleConnections()
	rt := contract.Transport(pool)
	var asked int
	for _, body := range []string{`{"alias":"first"}`, `{"alias":"second"}`} {
		req := newRequest(t, url, body)
		req.Header["Idempotency-Key"] = []string{} // without it net/http replays no PATCH
		leave := req.GetBody
		req.GetBody = func() (io.ReadCloser, error) {
			asked++
			return leave()
		}
		roundTrip(t, rt, req)
	}
	if diff := cmp.Diff([]string{`{"alias":"first"}`, `{"alias":"second"}`}, served()); diff != "" || asked != 1 {
		t.Errorf("GetBody was called %d times, want 1; served (-want +got):\n%s", asked, diff)
	}
}

func TestTransportAsksForABodyAgainOnlyAfterItWasRead(t *testing.T) {
	const text = `{"alias":"work"}`
	refused := errors.New("not again")
	for name, tt := range map[string]struct {
		read  int // bytes of the first body
		want  string
		err   error
		asked int
	}{
		"unread":    {0, text, nil, 0},
		"half read": {5, "", refused, 1},
		"read":      {len(text), "", refused, 1},
	} {
		t.Run(name, func(t *testing.T) {
			req, asked := newRequest(t, base, text), 0
			req.GetBody = func() (io.ReadCloser, error) {
				asked++
				return nil, refused
			}
			rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
				_, _ = io.ReadFull(req.Body, make([]byte, tt.read))
				again, err := req.GetBody()
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if err == nil {
					if data, _ := io.ReadAll(again); string(data) != tt.want {
						t.Errorf("the second body is %q", data)
					}
				}
				return (&answering{fake: good()}).RoundTrip(req)
			}))
			roundTrip(t, rt, req)
			if asked != tt.asked {
				t.Errorf("the caller's GetBody was called %d times, want %d", asked, tt.asked)
			}
		})
	}
}

// What went through the check is what goes out, whatever GetBody says later.
func TestTransportSendsAgainWhatWasChecked(t *testing.T) {
	req := newRequest(t, base, `{"alias":"work"}`)
	other := &tracked{Reader: strings.NewReader(`{"alias":7}`)}
	req.GetBody = func() (io.ReadCloser, error) { return other, nil }
	rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		_, _ = io.ReadAll(req.Body)
		again, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := io.ReadAll(again); string(data) != `{"alias":"work"}` {
			t.Errorf("the second body is %q", data)
		}
		return (&answering{fake: good()}).RoundTrip(req)
	}))
	roundTrip(t, rt, req)
	if !other.closed {
		t.Error("the body that the caller gave was not closed")
	}
}

func TestTransportGivesNoBodyAgainWhenTheRequestIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		cancel()
		if _, err := req.GetBody(); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		return (&answering{fake: good()}).RoundTrip(req)
	}))
	roundTrip(t, rt, newRequest(t, base, `{}`).WithContext(ctx))
}

func TestTransportAddsNoReplay(t *testing.T) {
	req := newRequest(t, base, `{}`)
	req.GetBody = nil
	roundTrip(t, contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		if req.GetBody != nil {
			t.Error("there is a GetBody now")
		}
		return (&answering{fake: good()}).RoundTrip(req)
	})), req)
}

func TestTransportPassesRequestsWithoutBody(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{"nil": nil, "NoBody": http.NoBody} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, base, ``)
			req.Body = body
			roundTrip(t, contract.Transport(nextFunc(func(sent *http.Request) (*http.Response, error) {
				if sent != req {
					t.Error("the request is another one")
				}
				return (&answering{fake: good()}).RoundTrip(sent)
			})), req)
		})
	}
}

func TestTransportReturnsTheErrorOfReadingABody(t *testing.T) {
	req := newRequest(t, base, ``)
	body := &tracked{Reader: readerFunc(func([]byte) (int, error) { return 0, errOwn })}
	req.Body = body
	res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		t.Error("the request left")
		return nil, errors.New("left")
	})).RoundTrip(req)
	if res != nil || !errors.Is(err, errOwn) || !body.closed {
		t.Errorf("got %v, %v; body closed: %v", res, err, body.closed)
	}
}

var errOwn = errors.New("of one's own")

func TestTransportReturnsTheErrorOfNext(t *testing.T) {
	seen := &log{}
	res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		return nil, errOwn
	}), seen.option()).RoundTrip(newRequest(t, base, `{}`))
	if res != nil || err != errOwn || seen.lines() != nil {
		t.Errorf("got %v, %v, violations %q", res, err, seen.lines())
	}
}

// Neither is allowed, but a fake does it, and net/http has a better error than a panic here.
func TestTransportSurvivesANextThatReturnsNothing(t *testing.T) {
	client := &http.Client{Transport: contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) { return nil, nil }))}
	if _, err := client.Do(newRequest(t, base, `{}`)); err == nil {
		t.Error("no error for no answer")
	}
	client.Transport = contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}}, nil
	}))
	if _, err := client.Do(newRequest(t, base, `{}`)); err == nil || !strings.HasSuffix(err.Error(), "at body: json") {
		t.Errorf("error %v for an answer without a body", err)
	}
}

func TestTransportLeavesARequestWithoutURLToNext(t *testing.T) {
	_, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) { return nil, errOwn })).RoundTrip(&http.Request{})
	if err != errOwn {
		t.Errorf("error %v", err)
	}
}

func TestTransportWithoutNextUsesTheDefaultOne(t *testing.T) {
	defer func(was http.RoundTripper) { http.DefaultTransport = was }(http.DefaultTransport)
	next := &answering{fake: good()}
	http.DefaultTransport = next
	roundTrip(t, contract.Transport(nil), newRequest(t, base, `{}`))
	if len(next.sent) != 1 {
		t.Errorf("it sent %q", next.sent)
	}
}

type closes struct {
	http.RoundTripper
	closed int
}

func (c *closes) CloseIdleConnections() { c.closed++ }

func TestTransportForwardsCloseIdleConnections(t *testing.T) {
	next := &closes{}
	(&http.Client{Transport: contract.Transport(next)}).CloseIdleConnections()
	if next.closed != 1 {
		t.Errorf("closed %d times", next.closed)
	}
	(&http.Client{Transport: contract.Transport(nextFunc(nil))}).CloseIdleConnections() // has none, and needs none
}

func TestTransportNilOptionsAreIgnored(t *testing.T) {
	rt := contract.Transport(&answering{fake: good()}, nil, contract.OnViolation(nil), contract.Collect(nil))
	if _, err := rt.RoundTrip(newRequest(t, base, `no JSON`)); err == nil {
		t.Error("no error")
	}
}

// The client's error leads to the violation and shows it, and the client does not try again.
func TestTransportErrorsReachTheCallerOfTheClientOnce(t *testing.T) {
	old := &fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `{"success":true,"id":"ca_1"}`}
	for name, tt := range map[string]struct {
		document  contract.Option
		violation contract.Violation // none if there is no document
		sent      int
	}{
		"answer":      {nil, contract.Violation{Direction: contract.Response, Location: "/status", Rule: "required"}, 1},
		"request":     {contract.WithDocument(bytes.ReplaceAll(api.Spec, []byte("name: x-api-key"), []byte("name: x-other-key"))), contract.Violation{Direction: contract.Request, Location: "x-other-key", Rule: "security"}, 0},
		"no document": {contract.WithDocument(nil), contract.Violation{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			next := &answering{fake: old}
			client, err := composio.New("ak_test", composio.WithHTTPClient(&http.Client{Transport: contract.Transport(next, tt.document)}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{Alias: composio.Set("work")})
			failure, ok := errors.AsType[*composio.Error](err)
			if !ok || failure.Attempts != 1 || failure.Retryable() || len(next.sent) != tt.sent {
				t.Errorf("error %v; sent %q", err, next.sent)
			}
			if v, _ := errors.AsType[contract.Violation](err); v != tt.violation {
				t.Errorf("errors.AsType finds %v in %v", v, err)
			}
			if tt.sent > 0 && !errors.Is(err, composio.ErrOutcomeUnknown) {
				t.Error("an answer that was withheld does not say whether the update was applied")
			}
		})
	}
	var found error = contract.Violation{}
	if says, ok := found.(interface{ Retryable() bool }); !ok || says.Retryable() {
		t.Error("a violation by itself is worth another attempt")
	}
}
