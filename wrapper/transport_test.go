package composio_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	composio "example.com/composio/wrapper"
)

// tokenUpdate carries a credential, which must not reach a host that the caller did not name.
var tokenUpdate = composio.Update{
	Alias:       composio.Set("work"),
	Credentials: composio.BearerToken{Token: composio.Set("new_access_token")},
}

// ownPool is a caller's http.Client with a pool of its own, so that no other test's connections are in it.
func ownPool(t testing.TB) (client *http.Client, transport *http.Transport) {
	t.Helper()
	transport = composio.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, transport
}

// plainServer is a rawServer without TLS, and for which all connections are the same. It returns the server's address.
func plainServer(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	return rawServer(t, nil, func(conn net.Conn, _ int) { serve(conn) })
}

// successOverHTTP is an answer as it goes over a connection.
var successOverHTTP = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(success), success)

// answerBytes is a plainServer's function that reads one request to its end and then writes text.
func answerBytes(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, text)
	}
}

func readRequest(conn net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// net/http replays x-api-key and the credential in the body to whatever host a 307 or 308 names.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, change := range map[string]func(t *testing.T, client *http.Client){
			"a client":                func(*testing.T, *http.Client) {},
			"a transport around ours": func(_ *testing.T, client *http.Client) { client.Transport = roundTripFunc(client.Transport.RoundTrip) },
			"CheckRedirect and a jar": func(t *testing.T, client *http.Client) {
				client.Jar, _ = cookiejar.New(nil) // never fails
				client.CheckRedirect = func(*http.Request, []*http.Request) error {
					t.Error("CheckRedirect was asked")
					return nil
				}
			},
		} {
			inParallel(t, fmt.Sprintf("%d with %s", status, name), func(t *testing.T) {
				other := newRecorder(t, nil)
				rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", other.URL+r.URL.Path)
					w.Header().Set("Set-Cookie", "session=1")
					w.WriteHeader(status)
				})
				theirs, _ := ownPool(t)
				change(t, theirs)
				failure := mustFail(t, t.Context(), newTestClient(t, rec.URL, composio.WithHTTPClient(theirs)), testID, tokenUpdate)
				if got := holding(failure); got != "ErrRedirect" || failure.StatusCode != status || len(other.requests()) > 0 {
					t.Errorf("StatusCode %d, sentinels %q, the other host received %v: %v", failure.StatusCode, got, other.requests(), failure)
				}
				rec.only(t)
			})
		}
	}
}

// Not even on the same host: a 301 turns a PATCH into a GET, and a 307 may loop. For a malformed one Client.Do returns no
// response at all, so the status would be lost.
func TestRedirectToAnyLocationKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"http://[::1", "%zz", "http://a b/", ":", "http://host:port/", "/api/v3.1/connected_accounts/" + testID, "?again", ""} {
		for _, status := range []int{301, 307} {
			got := answerTo(t, tokenUpdate, status, http.Header{"Location": {location}, "X-Request-Id": {"req_1"}}, "moved")
			if got.StatusCode != status || got.Is != "ErrRedirect" || got.RequestID != "req_1" || got.Body != "moved" {
				t.Errorf("%d to %q: the error is %+v", status, location, got)
			}
		}
	}
}

const (
	mebibyte = 1 << 20
	hugeSize = 96 * mebibyte
)

// gzipBomb is 96 MiB in 100 KiB: one packed MiB over and over, which gzip reads as one text.
var gzipBomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(make([]byte, mebibyte)) // a bytes.Buffer takes all
	_ = writer.Close()
	return bytes.Repeat(packed.Bytes(), hugeSize/mebibyte)
})

// writeHuge writes 96 MiB of chunk over and over, as far as the client lets it, and returns how far that was.
func writeHuge(w io.Writer, chunk []byte) (written int64) {
	for written < hugeSize {
		n, err := w.Write(chunk)
		written += int64(n)
		if err != nil {
			break
		}
	}
	return written
}

// Not parallel: TotalAlloc counts what all goroutines allocate. The server's part is in it too, and is small.
func TestHugeAnswersCostLittle(t *testing.T) {
	var atMost uint64 = 4 * mebibyte
	if underRace {
		atMost *= 2
	}
	filler := func(text string) []byte { return []byte(strings.Repeat(text, 64<<10/len(text))) }
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		chunk  []byte
		is     string
	}{
		{"200 with a length", 200, http.Header{"Content-Length": {fmt.Sprint(hugeSize)}}, filler("0123456789abcdef"), "ErrResponseTooLarge ErrOutcomeUnknown"},
		{"200 chunked", 200, jsonAnswer, filler("0123456789abcdef"), "ErrResponseTooLarge ErrOutcomeUnknown"},
		{"200 beginning with a success", 200, jsonAnswer, filler(" " + success + strings.Repeat(" ", 8)), "ErrResponseTooLarge ErrOutcomeUnknown"},
		{"400 chunked", 400, jsonAnswer, filler("0123456789abcdef"), "ErrBadRequest ErrResponseTooLarge"},
		{"500 chunked", 500, jsonAnswer, filler("0123456789abcdef"), "ErrServer ErrResponseTooLarge ErrOutcomeUnknown"},
		{"307 chunked", 307, jsonAnswer, filler("0123456789abcdef"), "ErrRedirect ErrResponseTooLarge"},
		{"400 of escaped escapes", 400, jsonAnswer, filler(`\u005c`), "ErrBadRequest ErrResponseTooLarge"},
		{"400 of escapes escaped over and over", 400, jsonAnswer, append([]byte(`\`), filler(`u005c`)...), "ErrBadRequest ErrResponseTooLarge"},
		{"400 of keys", 400, jsonAnswer, filler("ak_ "), "ErrBadRequest ErrResponseTooLarge"},
		{"200 gzip bomb", 200, http.Header{"Content-Encoding": {"gzip"}}, nil, "ErrResponseTooLarge ErrOutcomeUnknown"},
		{"400 gzip bomb", 400, http.Header{"Content-Encoding": {"gzip"}}, nil, "ErrBadRequest ErrResponseTooLarge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bomb := gzipBomb()
			written := make(chan int64, 1)
			rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range test.header {
					w.Header()[name] = values
				}
				w.WriteHeader(test.status)
				if test.chunk == nil {
					n, _ := w.Write(bomb)
					written <- int64(n)
					return
				}
				written <- writeHuge(w, test.chunk)
			})
			theirs, counts := countingPool(t)
			client := newTestClient(t, rec.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(theirs))

			failure, allocated, _ := measured(t, client)
			if got := holding(failure); got != test.is || failure.StatusCode != test.status {
				t.Errorf("StatusCode %d, sentinels %q, want %d and %q", failure.StatusCode, got, test.status, test.is)
			}
			if allocated > atMost {
				t.Errorf("the call allocated %.1f MiB, want at most %d", float64(allocated)/mebibyte, atMost/mebibyte)
			}
			// More than the limit are the headers, what net/http's buffer reads ahead, and 256 KiB that closing a body reads from
			// Go 1.27 on.
			if n := counts.read.Load(); n > mebibyte+(256+16)<<10 {
				t.Errorf("the client read %d bytes, want at most 1 MiB", n)
			}
			if n := <-written; n >= hugeSize {
				t.Errorf("the server could write all of its %d bytes", n)
			}
			if len(failure.Body) != 64<<10 {
				t.Errorf("Body has %d bytes, want 64 KiB", len(failure.Body))
			}
			if !strings.Contains(failure.Error(), "the answer has more than 1048576 bytes") || len(failure.Error()) > 300 {
				t.Errorf("the text is %.400q", failure)
			}
		})
	}
}

// The limit itself is not beyond the limit.
func TestAnswerOfExactlyOneMiBIsRead(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, answerWith(http.StatusOK, success+strings.Repeat(" ", mebibyte-len(success))))
	mustUpdate(t, newTestClient(t, rec.URL, composio.WithMaxRetries(0)), testID, rename)

	got := answerTo(t, rename, 200, jsonAnswer, success+strings.Repeat(" ", mebibyte-len(success)+1))
	if got.Is != "ErrResponseTooLarge ErrOutcomeUnknown" {
		t.Errorf("one byte more: %s: %s", got.Is, got.Text)
	}
}

// measured makes a call that must fail, and returns what it allocated and how long it took.
func measured(t *testing.T, client *composio.Client) (failure *composio.Error, allocated uint64, took time.Duration) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	failure = mustFail(t, t.Context(), client, testID, tokenUpdate)
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return failure, after.TotalAlloc - before.TotalAlloc, took
}

// Below the limit an answer is read, so its text must not cost more than reading it: each of these once took gigabytes or
// hours.
func TestAnswersMadeToBeSlowToRedact(t *testing.T) {
	const size = 256 << 10
	var ordinary time.Duration
	for _, test := range []struct{ name, before, unit string }{
		{"an ordinary text", "", "ordinary "},
		{"escapes over and over", `\\`, "u005c"},
		{"backslashes", "", `\\`},
		{"keys", "", "ak_ "},
		{"keys escaped", "", `\\nak_`},
		{"parts of a secret", "", "new_access_"},
		{"entities of entities", "&", "amp;"},
		{"ampersands", "", "&"},
	} {
		message := test.before + strings.Repeat(test.unit, size/len(test.unit))
		rec := newRecorder(t, answerWith(http.StatusBadRequest, `{"error":{"message":"`+message+`","code":1,"errors":["`+message[:1000]+`"]}}`))
		failure, allocated, took := measured(t, newTestClient(t, rec.URL, composio.WithMaxRetries(0)))
		if failure.Code != 1 || failure.Message == "" {
			t.Errorf("%s: the answer was not read: %.200q", test.name, failure)
		}
		ordinary = cmp.Or(ordinary, took)
		if allocated > 64*size || took > 500*ordinary {
			t.Errorf("%s: the call allocated %d bytes for an answer of %d, and took %v to %v for an ordinary one", test.name, allocated, size, took, ordinary)
		}
	}
}

// Headers come before any limit on the body, and net/http's own is 10 MiB. A proxy may add a lot. HTTP/2 counts in another
// way and says so in other words; far beyond the limit it only breaks the connection.
func TestHugeHeadersAreNotRead(t *testing.T) {
	const unknown, tooLarge = "ErrOutcomeUnknown", "ErrResponseTooLarge ErrOutcomeUnknown"
	for _, test := range []struct {
		http2 bool
		kib   int
		want  string
	}{
		{false, 60, ""}, {false, 66, tooLarge}, {false, 8 << 10, tooLarge},
		{true, 60, ""}, {true, 66, tooLarge}, {true, 1 << 10, unknown},
	} {
		handler := func(w http.ResponseWriter, r *http.Request) {
			for i := range test.kib {
				w.Header().Set(fmt.Sprintf("X-Filler-%d", i), strings.Repeat("x", 1<<10-20))
			}
			succeed(w, r)
		}
		pool, counts := countingPool(t)
		url := ""
		if test.http2 {
			server, transport := newHTTP2(t, handler)
			url, pool = server.URL, &http.Client{Transport: transport}
		} else {
			url = newRecorder(t, handler).URL
		}
		client := newTestClient(t, url, composio.WithMaxRetries(0), composio.WithHTTPClient(pool))
		if _, err := client.UpdateConnectedAccount(t.Context(), testID, rename); holding(err) != test.want || (err == nil) != (test.want == "") {
			t.Errorf("%d KiB, HTTP/2 %t: sentinels %q: %v", test.kib, test.http2, holding(err), err)
		}
		if n := counts.read.Load(); n > 128<<10 {
			t.Errorf("of %d KiB of headers the client read %d bytes, want at most 64 KiB and a buffer", test.kib, n)
		}
	}
}

// An answer that breaks off keeps the status that it began with, and what of its body arrived.
func TestAnswerCutShortKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		status       int
		is, body     string
		ends         bool // with the connection, so that only the JSON shows that it is not whole
	}{
		{"200 within the JSON", "200 OK\r\nContent-Length: 99\r\n\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30], false},
		{"200 after the JSON", fmt.Sprintf("200 OK\r\nContent-Length: %d\r\n\r\n%s", len(success)+1, success), 200, "ErrOutcomeUnknown", success, false},
		{"200 before the body", "200 OK\r\nContent-Length: 57\r\n\r\n", 200, "ErrOutcomeUnknown", "", false},
		{"200 without a length", "200 OK\r\nConnection: close\r\n\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30], true},
		{"200 within a chunk", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30], false},
		{"200 before the last chunk", fmt.Sprintf("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(success), success), 200, "ErrOutcomeUnknown", success, false},
		{"400", "400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":", 400, "ErrBadRequest", `{"error":`, false},
		{"503", "503 Service Unavailable\r\nContent-Length: 99\r\n\r\n<html>", 503, "ErrServer ErrOutcomeUnknown", "<html>", false},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			client := newTestClient(t, "http://"+plainServer(t, answerBytes("HTTP/1.1 "+test.answer)), composio.WithMaxRetries(0))
			failure := mustFail(t, t.Context(), client, testID, rename)
			if got := holding(failure); got != test.is || failure.StatusCode != test.status || string(failure.Body) != test.body {
				t.Errorf("StatusCode %d, sentinels %q, Body %q: %v", failure.StatusCode, got, failure.Body, failure)
			}
			if errors.Is(failure, io.ErrUnexpectedEOF) == test.ends || test.ends && failure.Err.Error() != notReadable {
				t.Errorf("the cause is %v", failure.Err)
			}
		})
	}
	client := newTestClient(t, "http://"+plainServer(t, answerBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+success)), composio.WithMaxRetries(0))
	mustUpdate(t, client, testID, rename) // whole, without a length
}

// stalling answers with the beginning of an answer, and then with nothing until the client has gone.
func stalling(beginning string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, beginning)
		_, _ = io.Copy(io.Discard, conn)
	}
}

func TestStalledAnswerEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, beginning string
		status          int
		is, body        string
	}{
		{"before the headers", "", 0, "ErrOutcomeUnknown", ""},
		{"within the headers", "HTTP/1.1 400 Bad Request\r\nContent-", 0, "ErrOutcomeUnknown", ""},
		{"200 within the body", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30]},
		{"200 before the body", "HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n", 200, "ErrOutcomeUnknown", ""},
		{"400 within the body", "HTTP/1.1 400 Bad Request\r\nContent-Length: 57\r\n\r\n{", 400, "ErrBadRequest", "{"},
		{"500 within the body", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 57\r\n\r\n{", 500, "ErrServer ErrOutcomeUnknown", "{"},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			pool, transport := ownPool(t)
			transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					defer far.Close()
					stalling(test.beginning)(far)
				}()
				return near, nil
			}
			client := newTestClient(t, "http://127.0.0.1", composio.WithHTTPClient(pool), composio.WithMaxRetries(0), composio.WithTimeout(time.Second))
			start := time.Now()
			failure := mustFail(t, t.Context(), client, testID, rename)
			if took := time.Since(start); took != time.Second {
				t.Errorf("the call took %v, want a second", took)
			}
			if got := holding(failure); got != test.is || failure.StatusCode != test.status || string(failure.Body) != test.body {
				t.Errorf("StatusCode %d, sentinels %q, Body %q: %v", failure.StatusCode, got, failure.Body, failure)
			}
			if !errors.Is(failure, context.DeadlineExceeded) || !strings.Contains(failure.Error(), "no complete answer within 1s: ") {
				t.Errorf("the text is %q", failure)
			}
		})
	}
}

// After a 101 the connection belongs to another protocol, which may never end, or never begin.
func TestSwitchedProtocolsReturnAtOnce(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Request-Id: req_1\r\n\r\n"
	for name, then := range map[string]func(net.Conn){
		"and hangs":  func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"and closes": func(net.Conn) {},
		"and floods": func(conn net.Conn) { _ = writeHuge(conn, make([]byte, 64<<10)) },
		"and says success": func(conn net.Conn) {
			_, _ = io.WriteString(conn, successOverHTTP)
		},
	} {
		inParallel(t, name, func(t *testing.T) {
			theirs, _ := ownPool(t)
			address := plainServer(t, func(conn net.Conn) { answerBytes(answer)(conn); then(conn) })
			client := newTestClient(t, "http://"+address, composio.WithHTTPClient(theirs), composio.WithTimeout(0))
			failure := mustFail(t, t.Context(), client, testID, rename)
			want := "composio: ca_1a2b3c4d5e6f: 101: Switching Protocols; the server switched to another protocol in place of an answer; the update may have been applied; request id req_1"
			if failure.Error() != want || holding(failure) != "ErrOutcomeUnknown" || failure.StatusCode != 101 || failure.Attempts != 1 {
				t.Errorf("StatusCode %d, %d attempts, sentinels %q: %v", failure.StatusCode, failure.Attempts, holding(failure), failure)
			}
		})
	}
}

// deafBody is a body whose Read ends with Close alone.
type deafBody struct {
	once   sync.Once
	closed chan struct{}
}

func (b *deafBody) Read([]byte) (int, error) { <-b.closed; return 0, net.ErrClosed }
func (b *deafBody) Close() error             { b.once.Do(func() { close(b.closed) }); return nil }

func TestBodyThatIgnoresTheContextIsClosedWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout, deadline time.Duration
		text              string
	}{
		"the attempt's": {time.Second, time.Hour, "no complete answer within 1s: "},
		"the call's":    {time.Hour, time.Second, ""},
	} {
		inBubble(t, name, func(t *testing.T) {
			client, _ := scriptedClient(t, []step{func(req *http.Request) (*http.Response, error) {
				resp := answerInMemory(req, 400, "")
				resp.Body = &deafBody{closed: make(chan struct{})}
				return resp, nil
			}}, composio.WithTimeout(test.timeout))
			ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
			defer cancel()
			start := time.Now()
			failure := mustFail(t, ctx, client, testID, rename)
			if took := time.Since(start); took != time.Second || failure.StatusCode != 400 || !strings.Contains(failure.Error(), "; "+test.text+"context deadline exceeded: use of closed network connection; ") || !errors.Is(failure, context.DeadlineExceeded) {
				t.Errorf("took %v, want a second: %v", took, failure)
			}
		})
	}
}

// as returns a function that reports whether an error has one of type E in its chain.
func as[E error]() func(error) bool {
	return func(err error) bool { _, ok := errors.AsType[E](err); return ok }
}

// No answer at all: the update may have been applied unless no server can have got it, and nothing is gained by another
// attempt at a server that is not the right one.
func TestTransportFailures(t *testing.T) {
	t.Parallel()
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	alert := func(number byte) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, number}) // a fatal alert in place of a ServerHello
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	says := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, text); _, _ = io.Copy(io.Discard, conn) }
	}
	reset := func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
	proxy := func(address string) func(*http.Transport) {
		return func(transport *http.Transport) {
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
		}
	}
	nobody := closedPort(t)
	forbidding := plainServer(t, answerBytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
	noName := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server here")
	}}}
	for _, test := range []struct {
		name, scheme string
		serve        func(net.Conn) // nil: nobody listens
		change       func(*http.Transport)
		unknown      bool
		permanent    bool
		cause        func(error) bool
	}{
		{"refused connection", "http", nil, nil, false, false, func(err error) bool { // down to the operating system, each link
			op, ok := errors.AsType[*net.OpError](err)
			return ok && op.Op == "dial" && as[*os.SyscallError]()(err) && errors.Is(err, syscall.ECONNREFUSED)
		}},
		{"unknown host", "https", nil, func(transport *http.Transport) {
			transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return noName.DialContext(ctx, "tcp", "composio.invalid:443")
			}
		}, false, false, as[*net.DNSError]()},
		{"a proxy that cannot be reached", "https", nil, proxy(nobody), false, false, is(syscall.ECONNREFUSED)},
		// net/http itself says only "Forbidden", which reads as if Composio had answered.
		{"a proxy that refuses", "https", nil, proxy(forbidding), false, false, func(err error) bool {
			return strings.Contains(err.Error(), "proxyconnect tcp: the proxy "+forbidding+" answered 403")
		}},
		{"HTTP where TLS was expected", "https", answerBytes("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, false, true, as[tls.RecordHeaderError]()},
		{"SSH where TLS was expected", "https", says("SSH-2.0-OpenSSH_9.9\r\n"), nil, false, true, as[tls.RecordHeaderError]()},
		{"no version of TLS is allowed", "https", says(""), func(transport *http.Transport) {
			transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}
		}, false, true, nil},
		{"a ServerHello of TLS 1.0", "https", says("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + strings.Repeat("r", 32) + "\x00\x00\x2f\x00"), nil, false, true, nil},
		{"alert: handshake failure", "https", alert(40), nil, false, true, nil},
		{"alert: protocol version", "https", alert(70), nil, false, true, nil},
		{"alert: insufficient security", "https", alert(71), nil, false, true, nil},
		{"alert: unrecognized name", "https", alert(112), nil, false, true, nil},
		{"alert: no application protocol", "https", alert(120), nil, false, true, nil},
		{"alert: internal error", "https", alert(80), nil, false, false, nil},
		{"closed within the handshake", "https", func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }, nil, false, false, is(io.EOF)},
		{"reset within the handshake", "https", func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); reset(conn) }, nil, false, false, is(syscall.ECONNRESET)},
		{"handshake timeout", "https", says(""), func(transport *http.Transport) { transport.TLSHandshakeTimeout = 20 * time.Millisecond }, false, false,
			func(err error) bool { e, ok := errors.AsType[net.Error](err); return ok && e.Timeout() }},

		{"closed before an answer", "http", readRequest, nil, true, false, is(io.EOF)},
		{"closed within the headers", "http", answerBytes("HTTP/1.1 200 OK\r\nContent-"), nil, true, false, nil},
		{"reset before an answer", "http", func(conn net.Conn) { readRequest(conn); reset(conn) }, nil, true, false, is(syscall.ECONNRESET)},
		{"not HTTP", "http", answerBytes("+OK POP3 ready\r\n\r\n"), nil, true, false, nil},
		{"status 042", "http", answerBytes(strings.Replace(successOverHTTP, "200", "042", 1)), nil, true, false, nil},
		{"unreadable header", "http", answerBytes("HTTP/1.1 400 Bad Request\r\nno colon\r\n\r\n"), nil, true, false, nil},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			address := nobody
			if test.serve != nil {
				address = plainServer(t, test.serve)
			}
			theirs, transport := ownPool(t) // a connection of another test's could be in the shared pool
			if test.change != nil {
				test.change(transport)
			}
			client := newTestClient(t, test.scheme+"://"+address, composio.WithMaxRetries(0), composio.WithHTTPClient(theirs))
			failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
			want := ""
			if test.unknown {
				want = "ErrOutcomeUnknown"
			}
			if got := holding(failure); got != want || failure.Retryable() == test.permanent {
				t.Errorf("sentinels %q, want %q; Retryable() = %t: %v", got, want, failure.Retryable(), failure)
			}
			if test.cause != nil && !test.cause(failure) {
				t.Errorf("the cause is %#v: %v", failure.Err, failure)
			}
			if failure.Attempts != 1 || !uuidV4.MatchString(failure.RequestID) {
				t.Errorf("Attempts = %d, RequestID = %q", failure.Attempts, failure.RequestID)
			}
		})
	}
}

// What is not net/http's own may have read the body for itself, so that the error's kind alone tells.
func TestFailuresOfOtherTransports(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		resp *http.Response
		err  error
		want string
	}{
		{nil, errors.New("the tracer is out of ink"), "ErrOutcomeUnknown"},
		{nil, &net.DNSError{Err: "no such host", Name: "composio.invalid", IsNotFound: true}, ""},
		{nil, errRefused, ""},
		{nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: io.EOF}, ""},
		{nil, &net.OpError{Op: "socks connect", Net: "tcp", Err: io.EOF}, ""},
		{nil, errors.New("net/http: TLS handshake timeout"), ""},
		{nil, &net.OpError{Op: "read", Net: "tcp", Err: io.EOF}, "ErrOutcomeUnknown"},
		{nil, nil, "ErrOutcomeUnknown"},
		{&http.Response{}, nil, "ErrOutcomeUnknown"},
		{&http.Response{StatusCode: 404}, nil, "ErrNotFound"}, // without a body, as test doubles answer
	} {
		_, failure := callInMemory(t, testKey, testID, rename, func(req *http.Request) (*http.Response, error) {
			_, err := io.Copy(io.Discard, req.Body)
			return test.resp, errors.Join(test.err, err)
		})
		if got := holding(failure); got != test.want || test.err != nil && !errors.Is(failure, test.err) {
			t.Errorf("after %v, %v: sentinels %q, want %q: %v", test.resp, test.err, got, test.want, failure)
		}
	}
}

// A compressed body that is none gives no text, but its status stands.
func TestGzip(t *testing.T) {
	t.Parallel()
	packed := httptest.NewRecorder()
	writer := gzip.NewWriter(packed)
	_, _ = io.WriteString(writer, success) // a recorder takes all
	_ = writer.Close()
	rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Body.Bytes())
	})
	mustUpdate(t, newTestClient(t, rec.URL), testID, rename)
	for status, is := range map[int]string{200: "ErrOutcomeUnknown", 400: "ErrBadRequest", 503: "ErrServer ErrOutcomeUnknown"} {
		got := answerTo(t, rename, status, http.Header{"Content-Encoding": {"gzip"}}, success)
		if got.StatusCode != status || got.Is != is || got.Body != "" || !strings.Contains(got.Err, "gzip") {
			t.Errorf("the error is %+v", got)
		}
	}
}

// The transport that a service wraps is the one that the package promises. Its limits, pings and idle connections have
// tests that feel them.
func TestNewTransport(t *testing.T) {
	t.Parallel()
	one, two := composio.NewTransport(), composio.NewTransport()
	if one == two {
		t.Error("two calls share one pool")
	}
	if one.TLSHandshakeTimeout != 10*time.Second || one.IdleConnTimeout != 90*time.Second {
		t.Errorf("TLSHandshakeTimeout %v, IdleConnTimeout %v", one.TLSHandshakeTimeout, one.IdleConnTimeout)
	}
	if one.Proxy == nil || !one.ForceAttemptHTTP2 || one.MaxConnsPerHost != 0 {
		t.Error("no proxy from the environment, no HTTP/2, or a limit of connections")
	}
}

// A host that drops packets is given up before the attempt is, so that the update is known not to be applied. The name server
// stands for it: a bubble's time cannot wait for a socket. Not parallel, since the resolver is everybody's.
func TestHostThatDoesNotAnswerIsGivenUpAfterTenSeconds(t *testing.T) {
	defer func(resolver *net.Resolver) { net.DefaultResolver = resolver }(net.DefaultResolver)
	done := make(chan struct{})
	close(done)
	answerless := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		<-done
		return nil, net.ErrClosed
	}}
	_, _ = answerless.LookupHost(t.Context(), "composio.invalid") // outside the bubble first, for what package net keeps
	net.DefaultResolver = answerless
	synctest.Test(t, func(t *testing.T) {
		done = make(chan struct{})
		pool, _ := ownPool(t)
		client := mustNew(t, testKey, composio.WithBaseURL("https://composio.invalid"), composio.WithMaxRetries(0), composio.WithHTTPClient(pool))
		start := time.Now()
		failure := mustFail(t, t.Context(), client, testID, rename)
		if took := time.Since(start); took != 10*time.Second || holding(failure) != "" || !failure.Retryable() {
			t.Errorf("took %v, want 10 s and no sentinel: %q, %v", took, holding(failure), failure)
		}
		close(done)
	})
}
