package composio_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
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

// rawServer hands every connection to serve and closes it afterwards. It returns the server's address.
func rawServer(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	return newConnServer(t, nil, func(conn net.Conn, _ int) { serve(conn) }).addr
}

// answerBytes is a rawServer's function that reads one request to its end and then writes text.
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

// tlsServer is a server whose certificate only the client that it returns trusts.
func tlsServer(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(answerWith(http.StatusOK, success))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log each handshake that fails
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// net/http replays x-api-key and the credential in the body to whatever host a 307 or 308 names.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		for name, change := range map[string]func(t *testing.T, client *http.Client){
			"a client":                func(*testing.T, *http.Client) {},
			"a transport around ours": func(_ *testing.T, client *http.Client) { client.Transport = &closable{RoundTripper: client.Transport} },
			"CheckRedirect and a jar": func(t *testing.T, client *http.Client) {
				client.Jar, _ = cookiejar.New(nil) // never fails
				client.CheckRedirect = func(*http.Request, []*http.Request) error {
					t.Error("CheckRedirect was asked")
					return nil
				}
			},
		} {
			inParallel(t, fmt.Sprintf("%d with %s", status, name), func(t *testing.T) {
				var connections atomic.Int32
				other := httptest.NewUnstartedServer(answerWith(http.StatusOK, success))
				other.Config.ConnState = func(net.Conn, http.ConnState) { connections.Add(1) }
				other.Start()
				defer other.Close()
				rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", other.URL+r.URL.Path)
					w.Header().Set("Set-Cookie", "session=1")
					w.WriteHeader(status)
				})
				theirs, _ := ownPool(t)
				change(t, theirs)
				failure := mustFail(t, t.Context(), newTestClient(t, rec.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(theirs)), testID, tokenUpdate)
				if got := holding(failure); got != "ErrRedirect" || failure.StatusCode != status {
					t.Errorf("StatusCode %d, sentinels %q: %v", failure.StatusCode, got, failure)
				}
				if n := connections.Load(); n != 0 {
					t.Errorf("the other host saw %d changes of a connection", n)
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
	for _, location := range []string{"http://[::1", "%zz", "http://a b/", ":", "http://host:port/", "https://%41:8080/", "/api/v3.1/connected_accounts/" + testID, "?again", "", "//example.com/"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			inParallel(t, fmt.Sprintf("%d to %s", status, location), func(t *testing.T) {
				got := answerTo(t, tokenUpdate, status, http.Header{"Location": {location}, "X-Request-Id": {"req_1"}}, "moved")
				if got.StatusCode != status || got.Is != "ErrRedirect" || got.RequestID != "req_1" || got.Body != "moved" {
					t.Errorf("the error is %+v", got)
				}
			})
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

// memoryLimit is what one call may allocate for an answer of any size.
func memoryLimit() uint64 {
	if underRace {
		return 8 * mebibyte
	}
	return 4 * mebibyte
}

// Not parallel: TotalAlloc counts what all goroutines allocate. The server's part is in it too, and is small.
func TestHugeAnswersCostLittle(t *testing.T) {
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
		{"400 of nothing but backslashes", 400, jsonAnswer, filler(`\`), "ErrBadRequest ErrResponseTooLarge"},
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

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
			runtime.ReadMemStats(&after)

			if got := holding(failure); got != test.is || failure.StatusCode != test.status {
				t.Errorf("StatusCode %d, sentinels %q, want %d and %q", failure.StatusCode, got, test.status, test.is)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > memoryLimit() {
				t.Errorf("the call allocated %.1f MiB, want at most %d", float64(allocated)/mebibyte, memoryLimit()/mebibyte)
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

// Just below the limit an answer is read, so its text must not cost more than reading it: each of these once took
// gigabytes or hours.
func TestAnswersMadeToBeSlowToRedact(t *testing.T) {
	for name, message := range map[string]string{
		"escapes over and over": `\\` + strings.Repeat("u005c", 180_000),
		"backslashes":           strings.Repeat(`\\`, 500_000),
		"keys":                  strings.Repeat("ak_ ", 250_000),
		"keys escaped":          strings.Repeat(`\\nak_`, 170_000),
		"parts of a secret":     strings.Repeat("new_access_", 90_000),
		"entities of entities":  "&" + strings.Repeat("amp;", 250_000),
		"ampersands":            strings.Repeat("&", 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"error":{"message":"` + message + `","code":1,"errors":["` + message[:1000] + `"]}}`
			rec := newRecorder(t, answerWith(http.StatusBadRequest, body))
			client := newTestClient(t, rec.URL, composio.WithMaxRetries(0))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
			_ = failure.Error()
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if failure.Code != 1 || failure.Message == "" {
				t.Errorf("the answer was not read: %.200q", failure)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 64*mebibyte {
				t.Errorf("the call allocated %.1f MiB for an answer of 1", float64(allocated)/mebibyte)
			}
			if took > 5*time.Second {
				t.Errorf("the call took %v", took)
			}
		})
	}
}

// Headers come before any limit on the body. The default of net/http is 10 MiB, so 8 MiB would be read without ours.
func TestHugeHeadersAreNotRead(t *testing.T) {
	line := []byte("X-Filler: " + strings.Repeat("0123456789abcdef", 64) + "\r\n")
	for name, status := range map[string]string{"200": "200 OK", "400": "400 Bad Request", "307": "307 Temporary Redirect"} {
		t.Run(name, func(t *testing.T) {
			written := make(chan int64, 1)
			address := rawServer(t, func(conn net.Conn) {
				readRequest(conn)
				_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\n")
				var n int64
				for n < 8*mebibyte {
					m, err := conn.Write(line)
					n += int64(m)
					if err != nil {
						break
					}
				}
				_, _ = io.WriteString(conn, "Content-Length: 0\r\n\r\n")
				written <- n
			})
			theirs, counts := countingPool(t)
			client := newTestClient(t, "http://"+address, composio.WithMaxRetries(0), composio.WithHTTPClient(theirs))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			failure := mustFail(t, t.Context(), client, testID, rename)
			runtime.ReadMemStats(&after)
			if got := holding(failure); got != "ErrResponseTooLarge ErrOutcomeUnknown" {
				t.Errorf("sentinels %q: %v", got, failure)
			}
			if n := counts.read.Load(); n > 128<<10 {
				t.Errorf("the client read %d bytes of headers, want at most 64 KiB and a buffer", n)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > memoryLimit() {
				t.Errorf("the call allocated %.1f MiB, want at most %d", float64(allocated)/mebibyte, memoryLimit()/mebibyte)
			}
			<-written
		})
	}
}

// HTTP/2 counts headers in another way and says so in other words; far beyond the limit it only breaks the connection.
func TestHugeHeadersAreNotReadOverHTTP2(t *testing.T) {
	t.Parallel()
	for kib, want := range map[int]string{1: "", 66: "ErrResponseTooLarge ErrOutcomeUnknown", 1 << 10: "ErrOutcomeUnknown"} {
		server, transport := newHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
			for i := range kib {
				w.Header().Set(fmt.Sprintf("X-Filler-%d", i), strings.Repeat("0123456789abcdef", 64))
			}
			succeed(w, r)
		})
		client := newTestClient(t, server.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}))
		if _, err := client.UpdateConnectedAccount(t.Context(), testID, rename); holding(err) != want || (err == nil) != (want == "") {
			t.Errorf("%d KiB: sentinels %q: %v", kib, holding(err), err)
		}
	}
}

// 60 KiB of headers are within the limit of 64: a proxy may add a lot.
func TestLargeHeadersWithinTheLimitAreRead(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Filler", strings.Repeat("x", 60<<10))
		answerWith(http.StatusOK, success)(w, r)
	})
	mustUpdate(t, newTestClient(t, rec.URL, composio.WithMaxRetries(0)), testID, rename)
}

// An answer that breaks off keeps the status that it began with, and what of its body arrived.
func TestAnswerCutShortKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		status       int
		is, body     string
	}{
		{"200 within the JSON", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30]},
		{"200 after the JSON", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(success)+1, success), 200, "ErrOutcomeUnknown", success},
		{"200 before the body", "HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n", 200, "ErrOutcomeUnknown", ""},
		{"200 within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + success[:30], 200, "ErrOutcomeUnknown", success[:30]},
		{"200 before the last chunk", fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(success), success), 200, "ErrOutcomeUnknown", success},
		{"400", "HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":", 400, "ErrBadRequest", `{"error":`},
		{"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 99\r\n\r\n<html>", 502, "ErrServer ErrOutcomeUnknown", "<html>"},
		{"503", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\n<html>", 503, "ErrServer ErrOutcomeUnknown", "<html>"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			client := newTestClient(t, "http://"+rawServer(t, answerBytes(test.answer)), composio.WithMaxRetries(0))
			failure := mustFail(t, t.Context(), client, testID, rename)
			if got := holding(failure); got != test.is || failure.StatusCode != test.status || string(failure.Body) != test.body {
				t.Errorf("StatusCode %d, sentinels %q, Body %q: %v", failure.StatusCode, got, failure.Body, failure)
			}
			if !errors.Is(failure, io.ErrUnexpectedEOF) {
				t.Errorf("the cause is %v, want %v", failure.Err, io.ErrUnexpectedEOF)
			}
		})
	}
}

// Without a length, an answer ends where the connection does: then only the JSON shows that it is whole.
func TestAnswerThatEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	whole := newTestClient(t, "http://"+rawServer(t, answerBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+success)), composio.WithMaxRetries(0))
	mustUpdate(t, whole, testID, rename)
	cut := newTestClient(t, "http://"+rawServer(t, answerBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+success[:30])), composio.WithMaxRetries(0))
	failure := mustFail(t, t.Context(), cut, testID, rename)
	if got := holding(failure); got != "ErrOutcomeUnknown" || failure.StatusCode != 200 || failure.Err.Error() != notReadable {
		t.Errorf("StatusCode %d, sentinels %q: %v", failure.StatusCode, got, failure)
	}
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
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n"+success)
		},
	} {
		for _, secure := range []bool{false, true} {
			inParallel(t, fmt.Sprintf("%s, TLS %t", name, secure), func(t *testing.T) {
				theirs, transport := ownPool(t)
				address, config := "http://", (*tls.Config)(nil)
				if secure {
					lender := tlsServer(t)
					address, config = "https://", lender.TLS.Clone()
					config.NextProtos = []string{"http/1.1"}
					transport.TLSClientConfig = lender.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
				}
				server := newConnServer(t, config, func(conn net.Conn, _ int) { answerBytes(answer)(conn); then(conn) })
				client := newTestClient(t, address+server.addr, composio.WithHTTPClient(theirs), composio.WithTimeout(0))
				failure := mustFail(t, t.Context(), client, testID, rename)
				want := "composio: ca_1a2b3c4d5e6f: 101: Switching Protocols; " + notApplied + "; the update may have been applied; request id req_1"
				if failure.Error() != want || holding(failure) != "ErrOutcomeUnknown" || failure.StatusCode != 101 || failure.Attempts != 1 {
					t.Errorf("StatusCode %d, %d attempts, sentinels %q: %v", failure.StatusCode, failure.Attempts, holding(failure), failure)
				}
			})
		}
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
			if took := time.Since(start); took != time.Second || failure.StatusCode != 400 || !strings.Contains(failure.Error(), test.text) {
				t.Errorf("took %v, want a second: %v", took, failure)
			}
		})
	}
}

// The caller's own end is not the attempt's, and must not read as if the server had been slow.
func TestContextThatEndsWhileTheAnswerStalls(t *testing.T) {
	t.Parallel()
	for _, beginning := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n{"} {
		ctx, cancel := context.WithCancel(t.Context())
		client := newTestClient(t, "http://"+rawServer(t, func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, beginning)
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		}), composio.WithMaxRetries(0))
		failure := mustFail(t, ctx, client, testID, rename)
		if got := holding(failure); got != "ErrOutcomeUnknown" || !errors.Is(failure, context.Canceled) || strings.Contains(failure.Error(), "no complete answer") {
			t.Errorf("sentinels %q: %v", got, failure)
		}
	}
}

// failingResolver knows no host, without asking anybody.
func failingResolver() *net.Dialer {
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server here")
	}}}
}

// No answer at all: the update may have been applied unless no server can have got it.
func TestTransportFailures(t *testing.T) {
	t.Parallel()
	alert := func(number byte) func(t *testing.T) (string, []composio.Option) {
		return func(t *testing.T) (string, []composio.Option) {
			return "https://" + rawServer(t, func(conn net.Conn) {
				_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, number}) // a fatal alert in place of a ServerHello
				_, _ = io.Copy(io.Discard, conn)
			}), nil
		}
	}
	with := func(transport http.RoundTripper) []composio.Option {
		return []composio.Option{composio.WithHTTPClient(&http.Client{Transport: transport})}
	}
	inMemory := func(transport roundTripFunc) func(*testing.T) (string, []composio.Option) {
		return func(*testing.T) (string, []composio.Option) { return "https://composio.invalid", with(transport) }
	}
	plain := func(serve func(net.Conn)) func(t *testing.T) (string, []composio.Option) {
		return func(t *testing.T) (string, []composio.Option) { return "http://" + rawServer(t, serve), nil }
	}
	secure := func(serve func(net.Conn)) func(t *testing.T) (string, []composio.Option) {
		return func(t *testing.T) (string, []composio.Option) { return "https://" + rawServer(t, serve), nil }
	}
	reset := func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
	own := errors.New("the tracer is out of ink")
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for _, test := range []struct {
		name    string
		server  func(t *testing.T) (baseURL string, opts []composio.Option)
		unknown bool
		cause   func(error) bool
	}{
		{
			"refused connection", func(t *testing.T) (string, []composio.Option) { return "http://" + closedPort(t), nil },
			false, func(err error) bool { // down to the operating system, each link
				op, ok1 := errors.AsType[*net.OpError](err)
				_, ok2 := errors.AsType[*os.SyscallError](err)
				return ok1 && ok2 && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
			},
		},
		{
			"unknown host", func(t *testing.T) (string, []composio.Option) {
				_, transport := ownPool(t)
				transport.DialContext = failingResolver().DialContext
				return "https://composio.invalid", with(transport)
			},
			false, func(err error) bool { _, ok := errors.AsType[*net.DNSError](err); return ok },
		},
		{
			"unknown host, without net's own error around it", inMemory(func(*http.Request) (*http.Response, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "composio.invalid", IsNotFound: true}
			}),
			false, func(err error) bool { _, ok := errors.AsType[*net.DNSError](err); return ok },
		},
		{
			"a proxy that cannot be reached", func(t *testing.T) (string, []composio.Option) {
				_, transport := ownPool(t)
				proxy := closedPort(t)
				transport.Proxy = func(req *http.Request) (*url.URL, error) { return req.URL.Parse("http://" + proxy) }
				return "https://composio.invalid", with(transport)
			},
			false, is(syscall.ECONNREFUSED),
		},
		{
			"untrusted certificate", func(t *testing.T) (string, []composio.Option) { return tlsServer(t).URL, nil },
			false, func(err error) bool { _, ok := errors.AsType[*tls.CertificateVerificationError](err); return ok },
		},
		{
			"HTTP where TLS was expected", func(t *testing.T) (string, []composio.Option) {
				return strings.Replace(newRecorder(t, nil).URL, "http://", "https://", 1), nil
			},
			false, func(err error) bool { _, ok := errors.AsType[tls.RecordHeaderError](err); return ok },
		},
		{
			"SSH where TLS was expected", secure(func(conn net.Conn) {
				_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n")
				_, _ = io.Copy(io.Discard, conn)
			}),
			false, func(err error) bool { _, ok := errors.AsType[tls.RecordHeaderError](err); return ok },
		},
		{"alert: handshake failure", alert(40), false, nil},
		{"alert: protocol version", alert(70), false, nil},
		{"alert: insufficient security", alert(71), false, nil},
		{"alert: unrecognized name", alert(112), false, nil},
		{"alert: no application protocol", alert(120), false, nil},
		{"alert: internal error", alert(80), false, nil},
		{"closed within the handshake", secure(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }), false, is(io.EOF)},
		{"reset within the handshake", secure(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); reset(conn) }), false, is(syscall.ECONNRESET)},
		{
			"handshake timeout", func(t *testing.T) (string, []composio.Option) {
				_, transport := ownPool(t)
				transport.TLSHandshakeTimeout = 20 * time.Millisecond
				return "https://" + rawServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }), with(transport)
			},
			false, func(err error) bool { e, ok := errors.AsType[net.Error](err); return ok && e.Timeout() },
		},

		{"closed before an answer", plain(readRequest), true, is(io.EOF)},
		{"closed within the headers", plain(answerBytes("HTTP/1.1 200 OK\r\nContent-")), true, nil},
		{"reset before an answer", plain(func(conn net.Conn) { readRequest(conn); reset(conn) }), true, is(syscall.ECONNRESET)},
		{"not HTTP", plain(answerBytes("+OK POP3 ready\r\n\r\n")), true, nil},
		{"status 000", plain(answerBytes("HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n")), true, nil},
		{"status 042", plain(answerBytes("HTTP/1.1 042 Answer\r\nContent-Length: 57\r\n\r\n" + success)), true, nil},
		{"unreadable header", plain(answerBytes("HTTP/1.1 400 Bad Request\r\nno colon\r\n\r\n")), true, nil},
		{"a transport's own error", inMemory(func(*http.Request) (*http.Response, error) { return nil, own }), true, is(own)},
		{
			"refused connection, the body read by a transport around net/http's", func(t *testing.T) (string, []composio.Option) {
				_, transport := ownPool(t)
				return "http://" + closedPort(t), with(buffering{transport})
			},
			false, is(syscall.ECONNREFUSED),
		},
		{"a transport that returns nothing", inMemory(func(*http.Request) (*http.Response, error) { return nil, nil }), true, nil},
		{"a transport that returns an empty response", inMemory(func(*http.Request) (*http.Response, error) { return &http.Response{}, nil }), true, nil},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			address, opts := test.server(t)
			if opts == nil { // a connection of another test's could be in the shared pool
				theirs, _ := ownPool(t)
				opts = []composio.Option{composio.WithHTTPClient(theirs)}
			}
			client := newTestClient(t, address, append(opts, composio.WithMaxRetries(0))...)
			failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
			want := ""
			if test.unknown {
				want = "ErrOutcomeUnknown"
			}
			if got := holding(failure); got != want {
				t.Errorf("sentinels %q, want %q: %v", got, want, failure)
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

// A compressed body that is none gives no text, but its status stands.
func TestAnswerThatIsNotGzipAsItSays(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 503} {
		got := answerTo(t, rename, status, http.Header{"Content-Encoding": {"gzip"}}, success)
		if got.StatusCode != status || got.Body != "" || !strings.Contains(got.Err, "gzip") {
			t.Errorf("the error is %+v", got)
		}
		if unknown := strings.Contains(got.Is, "ErrOutcomeUnknown"); unknown == (status == 400) {
			t.Errorf("after %d: sentinels %q", status, got.Is)
		}
	}
}

func TestGzipAnswersAreRead(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.WriteString(packed, success)
		_ = packed.Close()
	})
	mustUpdate(t, newTestClient(t, rec.URL), testID, rename)
}

// The transport that a service wraps is the one that the package promises.
func TestNewTransport(t *testing.T) {
	t.Parallel()
	one, two := composio.NewTransport(), composio.NewTransport()
	if one == two {
		t.Error("two calls share one pool")
	}
	if one.MaxResponseHeaderBytes != 64<<10 {
		t.Errorf("MaxResponseHeaderBytes = %d, want 64 KiB", one.MaxResponseHeaderBytes)
	}
	if one.MaxIdleConnsPerHost < 64 || one.MaxConnsPerHost != 0 || one.MaxIdleConns != 0 && one.MaxIdleConns < one.MaxIdleConnsPerHost {
		t.Errorf("idle connections: %d a host, %d in all; connections: %d a host", one.MaxIdleConnsPerHost, one.MaxIdleConns, one.MaxConnsPerHost)
	}
	if one.TLSHandshakeTimeout != 10*time.Second || one.IdleConnTimeout != 90*time.Second {
		t.Errorf("TLSHandshakeTimeout %v, IdleConnTimeout %v", one.TLSHandshakeTimeout, one.IdleConnTimeout)
	}
	if one.Proxy == nil || !one.ForceAttemptHTTP2 || one.DialContext == nil {
		t.Error("no proxy from the environment, no HTTP/2, or no dial timeout")
	}
	if one.HTTP2 == nil || one.HTTP2.SendPingTimeout <= 0 || one.HTTP2.PingTimeout <= 0 {
		t.Errorf("HTTP/2 is configured as %+v, want pings", one.HTTP2)
	}
}

// net/http itself says only "Forbidden" of a proxy's refusal, which reads as if Composio had answered.
func TestProxyThatRefusesToConnectIsNamedAndNothingWasApplied(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	theirs, transport := ownPool(t)
	transport.Proxy = http.ProxyURL(address)
	client := newTestClient(t, "https://composio.invalid", composio.WithHTTPClient(theirs), composio.WithMaxRetries(0))
	failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
	if got := holding(failure); got != "" {
		t.Errorf("sentinels %q, want none: %v", got, failure)
	}
	if want := "proxyconnect tcp: the proxy " + address.Host + " answered 403"; !strings.Contains(failure.Error(), want) {
		t.Errorf("%v, want %q in it", failure, want)
	}
}
