package composio_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
)

// How often a request is sent, and by whom: net/http sends one again where nothing of it was written or where HTTP/2 says
// that it was not processed, the client where retries are on. Connections that die are tested over real sockets: what a
// client sees of one is the kernel's doing.

// rawServer hands each connection, over TLS if there is a config, to serve with its number from 1, and closes it afterwards,
// or at the end of the test. It returns the server's address.
func rawServer(t testing.TB, config *tls.Config, serve func(conn net.Conn, number int)) (address string) {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	stop := make(chan struct{})
	serving.Go(func() {
		for number := 1; ; number++ {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			served := make(chan struct{})
			serving.Go(func() { defer close(served); serve(conn, number) })
			serving.Go(func() {
				select {
				case <-served:
				case <-stop:
				}
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() { _ = listen.Close(); close(stop); serving.Wait() })
	return listen.Addr().String()
}

// dies and resets are what a server may do with a request that it read, and may have applied, in place of an answer.
func dies(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		panic(err)
	}
}

func resets(w http.ResponseWriter, r *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// withIdle starts a server and returns it with a client that has n idle connections to it and a pool of its own. What the
// server does with requests that come over one of these is stale's to say; others succeed.
func withIdle(t *testing.T, n int, stale http.HandlerFunc, opts ...composio.Option) (*recorder, *composio.Client) {
	t.Helper()
	for range 20 {
		var idle sync.Map // the addresses of the n connections
		var arrived sync.WaitGroup
		arrived.Add(n)
		rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
			if _, ok := idle.Load(r.RemoteAddr); ok {
				stale(w, r)
				return
			}
			if r.Header.Get("User-Agent") == "first composio-go" {
				idle.Store(r.RemoteAddr, true)
				arrived.Done()
				arrived.Wait() // so that the n requests need n connections
			}
			succeed(w, r)
		})
		pool, _ := ownPool(t)
		opts := append([]composio.Option{composio.WithHTTPClient(pool)}, opts...)
		first := newTestClient(t, rec.URL, append(opts, composio.WithUserAgent("first"))...)
		var put atomic.Int32
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) {
			if err == nil {
				put.Add(1)
			}
		}})
		var calls sync.WaitGroup
		for range n {
			calls.Go(func() {
				if _, err := first.UpdateConnectedAccount(ctx, testID, rename); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if int(put.Load()) == n {
			return rec, newTestClient(t, rec.URL, opts...)
		}
		// On a busy machine net/http may not have seen in time that a request was written, and gives up the connection.
	}
	t.Fatalf("there are no %d idle connections", n)
	return nil, nil
}

// A PATCH that a dead connection may have carried is the caller's to repeat, or a retry's, which follows at once. A server
// that closes idle connections closes them all, so the retry must not take another of them.
func TestConnectionThatDiesWithARequest(t *testing.T) {
	t.Parallel()
	for name, death := range map[string]http.HandlerFunc{"dies": dies, "resets": resets} {
		for _, idle := range []int{1, 64} {
			for retries := range 2 {
				inParallel(t, fmt.Sprintf("%d idle connections, %s, %d retries", idle, name, retries), func(t *testing.T) {
					var logged bytes.Buffer
					rec, client := withIdle(t, idle, death, composio.WithMaxRetries(retries), composio.WithLogger(logTo(&logged, slog.LevelWarn)))
					result, err := client.UpdateConnectedAccount(t.Context(), testID, rename)
					if sent := len(rec.requests()) - idle; sent != 1+retries {
						t.Errorf("sent %d times, want %d", sent, 1+retries)
					}
					if retries == 1 {
						if err != nil || result.Attempts != 2 || strings.Count(logged.String(), "\n") != 1 || !strings.Contains(logged.String(), `"wait":0,`) {
							t.Errorf("result %+v, error %v; the one retry should not wait:\n%s", result, err, &logged)
						}
						return
					}
					failure, _ := errors.AsType[*composio.Error](err)
					if holding(err) != "ErrOutcomeUnknown" || failure.Attempts != 1 || !failure.Retryable() {
						t.Errorf("the error is not ErrOutcomeUnknown after one attempt: %v", err)
					}
					want := `composio: ca_1a2b3c4d5e6f: the server ended the connection without an answer: PATCH "` + rec.URL + `/api/v3/connected_accounts/ca_1a2b3c4d5e6f": EOF; ` +
						"the update may have been applied; request id " + failure.RequestID
					if name == "dies" && failure.Error() != want {
						t.Errorf("Error() = %q\nwant      %q", failure.Error(), want)
					}
				})
			}
		}
	}
}

// An immediate retry once a call: a server that goes on closing connections is in trouble.
func TestOnlyTheFirstRetryAfterADeadConnectionIsAtOnce(t *testing.T) {
	t.Parallel()
	busy, refused, eof := answers(503, ""), fails(errRefused), fails(io.EOF)
	first, second, third := 500*time.Millisecond, time.Second, 2*time.Second // the longest waits after so many attempts
	for _, test := range []struct {
		name  string
		steps []step
		want  []time.Duration
	}{
		{"EOF", []step{eof, eof, eof}, []time.Duration{0, second, third}},
		{"unexpected EOF", []step{fails(io.ErrUnexpectedEOF), eof}, []time.Duration{0, second}},
		{"reset", []step{fails(errReset), fails(errReset)}, []time.Duration{0, second}},
		{"reset, without net's own error around it", []step{fails(syscall.ECONNRESET)}, []time.Duration{0}},
		{"broken pipe", []step{fails(&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE})}, []time.Duration{0}},
		{"reset under a large body", []step{fails(&net.OpError{Op: "readfrom", Net: "tcp", Err: &net.OpError{Op: "write", Net: "tcp", Err: net.ErrClosed}})}, []time.Duration{0}},
		{"closed while idle", []step{fails(errors.New("http: server closed idle connection"))}, []time.Duration{0}},
		{"closed after GOAWAY", []step{fails(errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1"))}, []time.Duration{0}},
		{"after an answer", []step{busy, eof, eof}, []time.Duration{first, 0, third}},
		{"before an answer", []step{eof, busy, eof}, []time.Duration{0, second, third}},
		{"after a refused connection", []step{refused, eof, eof}, []time.Duration{first, 0, third}},
		{"lost without a word", []step{fails(errLost), eof}, []time.Duration{first, 0}},
		{"no host", []step{fails(errNoHost)}, []time.Duration{first}},
		{"a read that times out", []step{fails(&net.OpError{Op: "read", Net: "tcp", Err: context.DeadlineExceeded})}, []time.Duration{first}},
		{"REFUSED_STREAM", []step{fails(errors.New("stream error: stream ID 1; REFUSED_STREAM"))}, []time.Duration{first}},
		{"a transport's own error", []step{fails(errors.New("out of ink"))}, []time.Duration{first}},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			client, s := scriptedClient(t, append(test.steps, answers(200, success)), composio.WithMaxRetries(len(test.want)))
			mustUpdate(t, client, testID, rename)
			waits := s.waits()
			if len(waits) != len(test.want) {
				t.Fatalf("waits %v, want %v less at most a quarter", waits, test.want)
			}
			for i, most := range test.want {
				if waits[i] > most || waits[i] < most*3/4 {
					t.Errorf("waits %v, want %v less at most a quarter", waits, test.want)
				}
			}
		})
	}
}

// Each connection ends without a word after so many answers, so that its end races with its reuse in every way.
func TestShortConnectionsFailNoCallWithRetries(t *testing.T) {
	t.Parallel()
	for _, answered := range []int{1, 3} {
		inParallel(t, fmt.Sprint(answered, " requests a connection"), func(t *testing.T) {
			address := plainServer(t, func(conn net.Conn) {
				reader := bufio.NewReader(conn)
				for range answered {
					req, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(conn, successOverHTTP)
				}
			})
			pool, _ := ownPool(t)
			client := newTestClient(t, "http://"+address, composio.WithHTTPClient(pool))
			for range 200 {
				mustUpdate(t, client, testID, rename)
			}
		})
	}
}

// newHTTP2 starts a server of HTTP/2 over TLS, and returns a transport that trusts it.
func newHTTP2(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *http.Transport) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("a request came over %s", r.Proto)
		}
		handler(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of each connection that a test breaks
	server.StartTLS()
	t.Cleanup(server.Close)
	_, transport := ownPool(t)
	transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return server, transport
}

// Many calls without retries, while the server tells every other moment that it goes away.
func TestServersThatGoAwayLoseNoUpdate(t *testing.T) {
	t.Parallel()
	const callers, calls = 16, 20
	var mu sync.Mutex
	applied := map[string]int{} // by account and alias
	conns := map[string]bool{}
	server, transport := newHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		applied[r.URL.Path+string(body)]++
		conns[r.RemoteAddr] = true
		if len(applied)%25 == 0 {
			w.Header().Set("Connection", "close") // in HTTP/2 this is a GOAWAY
		}
		mu.Unlock()
		succeed(w, r)
	})
	client := newTestClient(t, server.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}))
	want := map[string]int{}
	var wg sync.WaitGroup
	for i := range callers {
		id := fmt.Sprintf("ca_%d", i)
		for j := range calls {
			want[fmt.Sprintf(`/api/v3/connected_accounts/%s{"alias":"%d"}`, id, j)] = 1
		}
		wg.Go(func() {
			for j := range calls {
				if _, err := client.UpdateConnectedAccount(t.Context(), id, composio.Update{Alias: composio.Set(fmt.Sprint(j))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(conns) < 10 {
		t.Errorf("there were %d connections, too few for the server to have gone away often", len(conns))
	}
	wantSame(t, "updates and how often each was applied", want, applied)
}

// Frames of HTTP/2 (RFC 9113, section 6), as far as a server needs them that refuses what net/http's never would.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7

	flagEndStream, flagAck, flagEndHeaders = 0x1, 0x1, 0x4

	codeRefusedStream = 0x7
)

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	w.Write(append(frame, payload...)) // a client that is gone needs no answer
}

func readFrame(r io.Reader) (kind, flags byte, stream uint32, payload []byte, err error) {
	header := make([]byte, 9)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, 0, 0, nil, err
	}
	length := binary.BigEndian.Uint32(header) >> 8
	payload = make([]byte, length)
	_, err = io.ReadFull(r, payload)
	return header[3], header[4], binary.BigEndian.Uint32(header[5:]), payload, err
}

// newFrames starts a server of HTTP/2 that answers the nth request of a connection with success, unless refuse writes
// something else and returns true. It returns the bodies of all requests, and those of the answered ones.
func newFrames(t *testing.T, refuse func(w io.Writer, conn, nth int, stream uint32) bool, opts ...composio.Option) (client *composio.Client, sent, applied func() []string) {
	t.Helper()
	// Its certificate is all that is needed of it.
	lender, transport := newHTTP2(t, func(http.ResponseWriter, *http.Request) {})
	var mu sync.Mutex
	var bodies, answered []string
	config := &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}}
	address := rawServer(t, config, func(conn net.Conn, number int) {
		if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		writeFrame(conn, frameSettings, 0, 0, nil)
		requests := map[uint32]string{}
		for {
			kind, flags, stream, payload, err := readFrame(conn)
			if err != nil {
				return
			}
			switch {
			case kind == frameSettings && flags&flagAck == 0:
				writeFrame(conn, frameSettings, flagAck, 0, nil)
			case kind == framePing && flags&flagAck == 0:
				writeFrame(conn, framePing, flagAck, 0, payload)
			case kind == frameHeaders:
				requests[stream] = ""
			case kind == frameData:
				requests[stream] += string(payload)
				if flags&flagEndStream == 0 {
					continue
				}
				mu.Lock()
				bodies = append(bodies, requests[stream])
				mu.Unlock()
				if refuse(conn, number, len(requests), stream) {
					continue
				}
				mu.Lock()
				answered = append(answered, requests[stream])
				mu.Unlock()
				writeFrame(conn, frameHeaders, flagEndHeaders, stream, []byte{0x88}) // ":status: 200" in HPACK's static table
				writeFrame(conn, frameData, flagEndStream, stream, []byte(success))
			}
		}
	})
	read := func(list *[]string) func() []string {
		return func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(*list)
		}
	}
	client = newTestClient(t, "https://"+address, append([]composio.Option{
		composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}),
	}, opts...)...)
	return client, read(&bodies), read(&answered)
}

// With GOAWAY and REFUSED_STREAM a server says that it did not look at a request.
var refusals = map[string]func(w io.Writer, stream uint32){
	"GOAWAY": func(w io.Writer, stream uint32) {
		writeFrame(w, frameGoAway, 0, 0, binary.BigEndian.AppendUint64(nil, uint64(max(stream, 2)-2)<<32)) // the last stream it saw, and no error
	},
	"REFUSED_STREAM": func(w io.Writer, stream uint32) {
		writeFrame(w, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, codeRefusedStream))
	},
}

// So it is sent again without a retry, and applied once.
func TestRequestThatHTTP2RefusesUnseenIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, refuse := range refusals {
		inParallel(t, name, func(t *testing.T) {
			client, sent, applied := newFrames(t, func(w io.Writer, conn, nth int, stream uint32) bool {
				if conn != 1 || nth != 2 {
					return false
				}
				refuse(w, stream)
				return true
			})
			for _, alias := range []string{"first", "second", "third"} {
				if got := mustUpdate(t, client, testID, composio.Update{Alias: composio.Set(alias)}).Attempts; got != 1 {
					t.Errorf("Attempts = %d for %s, want 1", got, alias)
				}
			}
			wantSame(t, "applied", []string{`{"alias":"first"}`, `{"alias":"second"}`, `{"alias":"third"}`}, applied())
			wantSame(t, "sent", []string{`{"alias":"first"}`, `{"alias":"second"}`, `{"alias":"second"}`, `{"alias":"third"}`}, sent())
		})
	}
}

// A server that says so of everything it read is not believed for ever.
func TestServerThatRefusesForEverIsSentTwoBodiesAnAttempt(t *testing.T) {
	t.Parallel()
	for name, refuse := range refusals {
		inParallel(t, name, func(t *testing.T) {
			client, sent, _ := newFrames(t, func(w io.Writer, _, _ int, stream uint32) bool { refuse(w, stream); return true })
			failure := mustFail(t, t.Context(), client, testID, rename)
			if n := len(sent()); n != 2 || failure.Attempts != 1 {
				t.Errorf("sent %d bodies in %d attempts, want 2 and 1", n, failure.Attempts)
			}
			if !strings.Contains(failure.Error(), "it was not sent a third time") || holding(failure) != "ErrOutcomeUnknown" || !failure.Retryable() {
				t.Errorf("the error does not say that the server refused twice, or is not ErrOutcomeUnknown: %v", failure)
			}
		})
	}
}

// Without a word before, HTTP/2 does not know what became of a request: it takes a retry, which follows at once.
func TestHTTP2ConnectionThatDiesWithARequest(t *testing.T) {
	t.Parallel()
	for retries := range 2 {
		inParallel(t, fmt.Sprint(retries, " retries"), func(t *testing.T) {
			var logged bytes.Buffer
			client, sent, _ := newFrames(t, func(w io.Writer, conn, nth int, _ uint32) bool {
				if nth == 2 {
					w.(io.Closer).Close()
				}
				return nth == 2
			}, composio.WithMaxRetries(retries), composio.WithLogger(logTo(&logged, slog.LevelWarn)))
			mustUpdate(t, client, testID, rename)
			result, err := client.UpdateConnectedAccount(t.Context(), testID, rename)
			if n := len(sent()); n != 2+retries {
				t.Errorf("two calls sent %d requests, want %d", n, 2+retries)
			}
			if retries == 0 && holding(err) != "ErrOutcomeUnknown" || retries == 1 && (err != nil || result.Attempts != 2 || !strings.Contains(logged.String(), `"wait":0,`)) {
				t.Errorf("result %+v, error %v, log %s", result, err, &logged)
			}
		})
	}
}

// overNetHTTP is a client of what looks to it like net/http's own transport, which asks it for bodies.
func overNetHTTP(t *testing.T, do roundTripFunc, opts ...composio.Option) *composio.Client {
	t.Helper()
	transport := &http.Transport{}
	transport.RegisterProtocol("http", do)
	return newTestClient(t, "http://127.0.0.1", append(opts, composio.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// Whether a request was sent, and how often, shows in its bodies. net/http asks for a new one each time a connection takes
// no request any more.
func TestBodiesShowWhatWasSent(t *testing.T) {
	t.Parallel()
	const again, read, readOne, readFirst = "again", "read", "read one byte", "read the first"
	for _, test := range []struct {
		name           string
		steps          []string
		refusedTwice   bool   // the last step is refused
		answered, lost string // the sentinels that hold after a 400, and after an error
	}{
		{"nothing read", nil, false, "ErrBadRequest", ""},
		{"new bodies, none read", []string{again, again, again, again, again}, false, "ErrBadRequest", ""},
		{"one read", []string{read}, false, "ErrBadRequest", "ErrOutcomeUnknown"},
		{"one read in part", []string{readOne}, false, "ErrBadRequest", "ErrOutcomeUnknown"},
		{"the last of many read", []string{again, again, again, read}, false, "ErrBadRequest", "ErrOutcomeUnknown"},
		{"one read late", []string{again, readFirst}, false, "ErrBadRequest", "ErrOutcomeUnknown"},
		{"a new one after one was read", []string{read, again}, false, "ErrBadRequest ErrOutcomeUnknown", "ErrOutcomeUnknown"},
		{"a new one after one was read in part", []string{readOne, again}, false, "ErrBadRequest ErrOutcomeUnknown", "ErrOutcomeUnknown"},
		{"two read", []string{read, again, read}, false, "ErrBadRequest ErrOutcomeUnknown", "ErrOutcomeUnknown"},
		{"new ones, not read, after one was", []string{read, again, again, again, read}, false, "ErrBadRequest ErrOutcomeUnknown", "ErrOutcomeUnknown"},
		{"a third after two were read", []string{read, again, read, again}, true, "", "ErrOutcomeUnknown"},
		{"a third after two were read in part", []string{again, readOne, again, again, readOne, again}, true, "", "ErrOutcomeUnknown"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			for _, answered := range []bool{true, false} {
				client := overNetHTTP(t, func(req *http.Request) (*http.Response, error) {
					for body, i := req.Body, 0; i < len(test.steps); i++ {
						var err error
						switch test.steps[i] {
						case again:
							body, err = req.GetBody()
						case readFirst:
							_, err = io.ReadAll(req.Body)
						case read:
							var text []byte
							if text, err = io.ReadAll(body); string(text) != `{"alias":"work"}` {
								t.Errorf("a body is %q", text)
							}
						default:
							_, err = body.Read(make([]byte, 1))
						}
						if err != nil {
							return nil, err
						}
					}
					if !answered {
						return nil, io.EOF
					}
					return answerInMemory(req, 400, ""), nil
				}, composio.WithMaxRetries(0))
				want := test.lost
				if answered && !test.refusedTwice {
					want = test.answered
				}
				failure := mustFail(t, t.Context(), client, testID, rename)
				if got := holding(failure); got != want || strings.Contains(failure.Error(), "it was not sent a third time") != test.refusedTwice {
					t.Errorf("sentinels %q, want %q, and refused twice %t: %v", got, want, test.refusedTwice, failure)
				}
			}
		})
	}
}

// The bound is each attempt's own, and retries after a refusal wait.
func TestEachAttemptMaySendTwoBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		var starts []time.Time
		client := overNetHTTP(t, func(req *http.Request) (*http.Response, error) {
			starts = append(starts, time.Now())
			for body := req.Body; ; {
				text, err := io.ReadAll(body)
				if err != nil {
					return nil, err
				}
				bodies = append(bodies, string(text))
				if body, err = req.GetBody(); err != nil {
					return nil, err
				}
			}
		})
		failure := mustFail(t, t.Context(), client, testID, rename)
		if diff := cmp.Diff(slices.Repeat([]string{`{"alias":"work"}`}, 6), bodies); diff != "" || failure.Attempts != 3 {
			t.Fatalf("Attempts = %d, want 3; the bodies (-want +got):\n%s", failure.Attempts, diff)
		}
		if one, two := starts[1].Sub(starts[0]), starts[2].Sub(starts[1]); one < 375*time.Millisecond || two < 750*time.Millisecond {
			t.Errorf("waits of %v and %v, want half a second and a second, less at most a quarter", one, two)
		}
	})
}

// Then the transport may still be busy with the body before.
func TestNoNewBodyAfterTheContextIsDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := overNetHTTP(t, func(req *http.Request) (*http.Response, error) {
		cancel()
		_, err := req.GetBody()
		return nil, err
	})
	if failure := mustFail(t, ctx, client, testID, rename); !errors.Is(failure, context.Canceled) || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("the error is not context.Canceled and ErrOutcomeUnknown: %v", failure)
	}
}

// A signer or a logger may read the body as often as it likes, and make requests of its own. It signs the headers that it
// sees, so they must be those that are sent.
func TestTransportThatSigns(t *testing.T) {
	t.Parallel()
	arrived := make(chan http.Header, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			arrived <- r.Header
		}
		answerWith(400, `{"error":{"message":"no"}}`)(w, r)
	}
	server, overHTTP2 := newHTTP2(t, handler)
	_, overHTTP1 := ownPool(t)
	for url, transport := range map[string]*http.Transport{newRecorder(t, handler).URL: overHTTP1, server.URL: overHTTP2} {
		var signed http.Header
		client := newTestClient(t, url, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
			Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
				resp, err := (&http.Client{Transport: transport}).Do((&http.Request{Method: "GET", URL: req.URL}).WithContext(req.Context()))
				if err != nil {
					return nil, err
				}
				_ = resp.Body.Close()
				for range 5 {
					body, err := req.GetBody()
					if err != nil {
						return nil, err
					}
					if text, err := io.ReadAll(body); string(text) != `{"alias":"work"}` {
						t.Errorf("signed %q: %v", text, err)
					}
				}
				signed = req.Header.Clone()
				return transport.RoundTrip(req)
			}),
		}))
		if failure := mustFail(t, t.Context(), client, testID, rename); holding(failure) != "ErrBadRequest" {
			t.Errorf("the error is not ErrBadRequest alone: %v", failure)
		}
		sent := <-arrived
		for _, added := range []string{"Accept-Encoding", "Content-Length"} { // by net/http, after the signature
			sent.Del(added)
		}
		wantSame(t, "the headers that are sent, and that are signed", sent, signed)
	}
}

// lossy is a network in memory: its connections can vanish without a trace, as behind a failed router.
type lossy struct {
	pipeListener
	lost atomic.Int32 // of the connections there have been, the first so many
	made atomic.Int32
}

func (l *lossy) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.pipeListener.dial(ctx, network, address)
	return &mutePipe{conn, l, l.made.Add(1)}, err
}

// lose lets the server never hear again of the connections that are open now.
func (l *lossy) lose() { l.lost.Store(l.made.Load()) }

// mutePipe is a connection's end on the client's side.
type mutePipe struct {
	net.Conn
	network *lossy
	number  int32
}

func (p *mutePipe) Write(data []byte) (int, error) {
	if p.number <= p.network.lost.Load() {
		return len(data), nil
	}
	return p.Conn.Write(data)
}

// newLossy starts a server of HTTP/2 behind a lossy network, and returns a client of it that has made one call.
func newLossy(t *testing.T, opts ...composio.Option) (*composio.Client, *lossy) {
	t.Helper()
	network := &lossy{pipeListener: make(pipeListener)}
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: http2, Handler: answerWith(200, success)}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	transport := composio.NewTransport()
	transport.Protocols, transport.DialContext = http2, network.dial
	client := newTestClient(t, "http://localhost", append(opts, composio.WithHTTPClient(&http.Client{Transport: transport}))...)
	mustUpdate(t, client, testID, rename)
	return client, network
}

func TestDeadHTTP2ConnectionIsLeftByTheFirstRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, network := newLossy(t, composio.WithTimeout(3*time.Second), composio.WithMaxRetries(1))
		network.lose()
		start := time.Now()
		result := mustUpdate(t, client, testID, rename)
		if result.Attempts != 2 || network.made.Load() != 2 {
			t.Errorf("%d attempts over %d connections, want 2 over 2", result.Attempts, network.made.Load())
		}
		if took := time.Since(start); took < 3375*time.Millisecond || took > 3500*time.Millisecond {
			t.Errorf("took %v, want an attempt of 3 s and a wait of 375 to 500 ms", took)
		}
	})
}

// Calls that share a dead connection cannot close it, for it is never idle. Pings end it, also with attempts too short for
// a ping to end them.
func TestShortAttemptsKeepADeadHTTP2ConnectionNoLongerThanAPing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, network := newLossy(t, composio.WithTimeout(time.Second), composio.WithMaxRetries(0))
		network.lose()
		lost := time.Now()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 125 * time.Millisecond)
				for range 40 {
					begun := time.Since(lost)
					if _, err := client.UpdateConnectedAccount(t.Context(), testID, rename); err != nil && begun > 20*time.Second {
						t.Errorf("a call that began %v after the connection was lost failed: %v", begun, err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if took := time.Since(lost); took < 20*time.Second {
			t.Errorf("the calls were over after %v", took)
		}
	})
}
