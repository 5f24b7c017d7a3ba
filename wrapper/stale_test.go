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

// Connections that die are tested over real sockets: what a client sees of one is the kernel's doing.

// connServer hands each connection to serve, numbered from 1, and closes all of them at the end of the test.
type connServer struct {
	addr   string
	listen net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newConnServer(t *testing.T, config *tls.Config, serve func(conn net.Conn, number int)) *connServer {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &connServer{addr: listen.Addr().String(), listen: listen}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			number := len(s.conns)
			s.mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				serve(conn, number)
			})
		}
	})
	t.Cleanup(func() {
		listen.Close()
		s.mu.Lock()
		for _, conn := range s.conns {
			conn.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
	return s
}

// opened is how many connections there have been.
func (s *connServer) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// What a mortal server may do with a request besides answering: close its end, or reset the connection.
const (
	dies   = "dies"
	resets = "resets"
)

// mortal is a server of HTTP/1 that can die just after it read a request, which it may have applied.
type mortal struct {
	*connServer
	sent atomic.Int32 // requests that were read to their end
}

// newMortal starts a server that does with the nth request of a connection what react says: an answer, or dies or
// resets.
func newMortal(t *testing.T, react func(conn, nth int) string) *mortal {
	t.Helper()
	m := &mortal{}
	m.connServer = newConnServer(t, nil, func(conn net.Conn, number int) {
		reader := bufio.NewReader(conn)
		for nth := 1; ; nth++ {
			req, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			m.sent.Add(1)
			switch what := react(number, nth); what {
			case dies:
				return
			case resets:
				conn.(*net.TCPConn).SetLinger(0)
				return
			default:
				io.WriteString(conn, what)
			}
		}
	})
	return m
}

// wire is an HTTP/1 answer as it goes over a connection.
func wire(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)
}

// pooledClient returns a client for m with a pool of its own, and no retries unless opts say so.
func (m *mortal) pooledClient(t *testing.T, opts ...composio.Option) *composio.Client {
	t.Helper()
	opts = append([]composio.Option{composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: composio.NewTransport()})}, opts...)
	return newTestClient(t, "http://"+m.addr, opts...)
}

// withIdle starts a mortal server and returns it with a pooledClient that has n idle connections to it. What the server
// does with requests from then on is react's to say, who is told whether one comes over one of the n.
func withIdle(t *testing.T, n int, react func(m *mortal, stale bool) string, opts ...composio.Option) (*mortal, *composio.Client) {
	t.Helper()
	for range 20 {
		var arrived sync.WaitGroup
		arrived.Add(n)
		var m *mortal
		m = newMortal(t, func(conn, nth int) string {
			if conn <= n && nth == 1 {
				arrived.Done()
				arrived.Wait() // so that the n requests need n connections
				return wire(200, success)
			}
			return react(m, conn <= n)
		})
		client := m.pooledClient(t, opts...)
		var idle atomic.Int32
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) {
			if err == nil {
				idle.Add(1)
			}
		}})
		var calls sync.WaitGroup
		for range n {
			calls.Go(func() {
				if _, err := client.UpdateConnectedAccount(ctx, testID, rename); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if int(idle.Load()) == n && m.opened() == n {
			m.sent.Store(0)
			return m, client
		}
		// On a busy machine net/http may not have seen in time that a request was written, and gives up the connection.
	}
	t.Fatalf("there are no %d idle connections", n)
	return nil, nil
}

func TestOneStaleConnectionFailsNoCall(t *testing.T) {
	t.Parallel()
	for _, death := range []string{dies, resets} {
		t.Run(death, func(t *testing.T) {
			t.Parallel()
			m, client := withIdle(t, 1, func(_ *mortal, stale bool) string {
				if stale {
					return death
				}
				return wire(200, success)
			})
			if got := mustUpdate(t, client, testID, rename).Attempts; got != 1 {
				t.Errorf("Attempts = %d, want 1", got)
			}
			if sent, opened := m.sent.Load(), m.opened(); sent != 2 || opened != 2 {
				t.Errorf("sent %d times over %d connections, want twice over 2", sent, opened)
			}
		})
	}
}

// The server closes every connection just after its answer, so that closing races with reuse in every way.
func TestConnectionsClosedAfterEachAnswerFailNoCall(t *testing.T) {
	t.Parallel()
	m := &mortal{}
	m.connServer = newConnServer(t, nil, func(conn net.Conn, _ int) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		m.sent.Add(1)
		io.WriteString(conn, wire(200, success))
	})
	client := m.pooledClient(t)
	for range 500 {
		mustUpdate(t, client, testID, rename)
	}
	if sent := m.sent.Load(); sent != 500 {
		t.Errorf("500 calls were answered after %d requests", sent)
	}
}

// A connection that dies with its first request is not stale: the server did it.
func TestFreshConnectionThatDiesIsNotReplayed(t *testing.T) {
	t.Parallel()
	for _, death := range []string{dies, resets} {
		t.Run(death, func(t *testing.T) {
			t.Parallel()
			m := newMortal(t, func(int, int) string { return death })
			failure := mustFail(t, t.Context(), m.pooledClient(t), testID, rename)
			if sent := m.sent.Load(); sent != 1 || failure.Attempts != 1 || !errors.Is(failure, composio.ErrOutcomeUnknown) {
				t.Errorf("sent %d times in %d attempts, want 1 and 1, and ErrOutcomeUnknown: %v", sent, failure.Attempts, failure)
			}
		})
	}
}

// The server applies and dies, so that every sending may count.
func TestManyStaleConnectionsWithoutRetriesAreSentAtMostTwice(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 64} {
		for _, death := range []string{dies, resets} {
			t.Run(fmt.Sprint(n, " ", death), func(t *testing.T) {
				t.Parallel()
				m, client := withIdle(t, n, func(*mortal, bool) string { return death })
				failure := mustFail(t, t.Context(), client, testID, rename)
				if sent := m.sent.Load(); sent != 2 || failure.Attempts != 1 {
					t.Errorf("sent %d times in %d attempts, want twice in one", sent, failure.Attempts)
				}
				if !errors.Is(failure, composio.ErrOutcomeUnknown) {
					t.Errorf("the error is not ErrOutcomeUnknown: %v", failure)
				}
			})
		}
	}
}

func TestSecondDeathIsNamed(t *testing.T) {
	t.Parallel()
	m, client := withIdle(t, 3, func(*mortal, bool) string { return dies })
	failure := mustFail(t, t.Context(), client, testID, rename)
	want := `composio: ca_1a2b3c4d5e6f: PATCH "http://` + m.addr + `/api/v3/connected_accounts/ca_1a2b3c4d5e6f": ` +
		"two reused connections in a row died before an answer; the update may have been applied; request id " +
		failure.RequestID
	if failure.Error() != want {
		t.Errorf("Error() = %q\nwant      %q", failure.Error(), want)
	}
}

func TestManyStaleConnectionsAreLeftAtOnceWithRetries(t *testing.T) {
	t.Parallel()
	const n = 64
	var logged bytes.Buffer
	m, client := withIdle(t, n, func(_ *mortal, stale bool) string {
		if stale {
			return dies
		}
		return wire(200, success)
	}, composio.WithMaxRetries(1), composio.WithLogger(logTo(&logged, slog.LevelWarn)))
	result := mustUpdate(t, client, testID, rename)
	if sent, opened := m.sent.Load(), m.opened(); sent != 3 || opened != n+1 || result.Attempts != 2 {
		t.Errorf("sent %d times over %d connections in %d attempts, want 3, %d and 2", sent, opened, result.Attempts, n+1)
	}
	if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"wait":0,`) {
		t.Errorf("the one retry should not wait:\n%s", got)
	}
}

// Each further attempt is on a new connection, whose death is the server's doing, and is sent once.
func TestDyingServerIsSentToOnceARetry(t *testing.T) {
	t.Parallel()
	m, client := withIdle(t, 8, func(*mortal, bool) string { return dies }, composio.WithMaxRetries(1))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if sent := m.sent.Load(); sent != 3 || failure.Attempts != 2 || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("sent %d times in %d attempts, want 3 and 2, and ErrOutcomeUnknown: %v", sent, failure.Attempts, failure)
	}
}

// The first sending may have been applied, whatever the second is answered.
func TestReplayThatIsRefusedIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		body   string
		is     error
	}{
		{400, `{"error":{"message":"no"}}`, composio.ErrBadRequest},
		{409, aliasClash, composio.ErrAliasTaken},
		{503, "", composio.ErrServer},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			t.Parallel()
			m, client := withIdle(t, 1, func(_ *mortal, stale bool) string {
				if stale {
					return dies
				}
				return wire(test.status, test.body)
			})
			failure := mustFail(t, t.Context(), client, testID, rename)
			if !errors.Is(failure, test.is) || !errors.Is(failure, composio.ErrOutcomeUnknown) || failure.StatusCode != test.status {
				t.Errorf("the error is not %v and ErrOutcomeUnknown: %v", test.is, failure)
			}
			if sent := m.sent.Load(); sent != 2 {
				t.Errorf("sent %d times, want twice", sent)
			}
		})
	}
}

// A refused connection alone shows that nothing was applied, but not after a first sending.
func TestReplayThatFindsNoServerIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	_, client := withIdle(t, 1, func(m *mortal, _ bool) string {
		m.listen.Close()
		return dies
	})
	failure := mustFail(t, t.Context(), client, testID, rename)
	if op, ok := errors.AsType[*net.OpError](failure); !ok || op.Op != "dial" || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("the error is not of dialing and ErrOutcomeUnknown: %v", failure)
	}
}

// A call without a stale connection must not be taken for one that was sent twice.
func TestRefusalWithoutReplayIsNotOutcomeUnknown(t *testing.T) {
	t.Parallel()
	m, client := withIdle(t, 1, func(*mortal, bool) string { return wire(400, `{"error":{"message":"no"}}`) })
	failure := mustFail(t, t.Context(), client, testID, rename)
	if errors.Is(failure, composio.ErrOutcomeUnknown) || m.sent.Load() != 1 {
		t.Errorf("sent %d times, and the error is %v", m.sent.Load(), failure)
	}
}

// buffering is a transport around another that reads the body, for a signature or a log, and sends a request of its own.
type buffering struct{ next http.RoundTripper }

func (b buffering) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	own, err := http.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	own.Header = req.Header.Clone()
	return b.next.RoundTrip(own)
}

// net/http then replays from a body of that transport, which the client does not see.
func TestReplayBehindATransportOfTheCallersIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	_, transport := ownPool(t)
	m, client := withIdle(t, 1, func(_ *mortal, stale bool) string {
		if stale {
			return dies
		}
		return wire(400, `{"error":{"message":"no"}}`)
	}, composio.WithHTTPClient(&http.Client{Transport: buffering{transport}}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if m.sent.Load() != 2 || holding(failure) != "ErrBadRequest ErrOutcomeUnknown" {
		t.Errorf("sent %d times, want twice, and ErrBadRequest and ErrOutcomeUnknown: %v", m.sent.Load(), failure)
	}
}

// A transport that hands the request on, for tracing, changes nothing of the bound.
func TestManyStaleConnectionsBehindATransportOfTheCallersAreSentAtMostTwice(t *testing.T) {
	t.Parallel()
	_, transport := ownPool(t)
	m, client := withIdle(t, 5, func(*mortal, bool) string { return dies },
		composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(transport.RoundTrip)}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if m.sent.Load() != 2 || failure.Attempts != 1 || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("sent %d times in %d attempts, want twice in one, and ErrOutcomeUnknown: %v", m.sent.Load(), failure.Attempts, failure)
	}
}

// Over HTTP/2 too, where the names of headers are written in another way.
func TestTransportThatSendsTwiceOverHTTP2IsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	server, transport := newHTTP2(t, answerWith(400, `{"error":{"message":"no"}}`))
	t.Cleanup(transport.CloseIdleConnections)
	client := newTestClient(t, server.URL, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
		Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			for n := 1; ; n++ {
				own := req.Clone(req.Context())
				own.Body = io.NopCloser(bytes.NewReader(body))
				resp, err := transport.RoundTrip(own)
				if err != nil || n == 2 {
					return resp, err
				}
				resp.Body.Close()
			}
		}),
	}))
	if failure := mustFail(t, t.Context(), client, testID, rename); holding(failure) != "ErrBadRequest ErrOutcomeUnknown" {
		t.Errorf("the error is not ErrBadRequest and ErrOutcomeUnknown: %v", failure)
	}
}

// The last failure alone would show that nothing was applied, but not after the sending before it.
func TestTransportThatSendsAgainByItselfIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	var m *mortal
	m = newMortal(t, func(int, int) string { m.listen.Close(); return dies })
	_, transport := ownPool(t)
	client := newTestClient(t, "http://"+m.addr, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
		Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if resp, err := (buffering{transport}).RoundTrip(req); err == nil {
				return resp, nil
			}
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = body
			return buffering{transport}.RoundTrip(req)
		}),
	}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if m.sent.Load() != 1 || !errors.Is(failure, syscall.ECONNREFUSED) || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("sent %d times, want once, a refused connection, and ErrOutcomeUnknown: %v", m.sent.Load(), failure)
	}
}

// A transport may make requests of its own, for a token, and read the body as often as it likes, for a signature.
func TestWhatATransportDoesForItselfIsNoSending(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", secure), func(t *testing.T) {
			t.Parallel()
			refuse := answerWith(400, `{"error":{"message":"no"}}`)
			url, transport := newRecorder(t, refuse).URL, composio.NewTransport()
			if secure {
				server, trusting := newHTTP2(t, refuse)
				url, transport = server.URL, trusting
			}
			client := newTestClient(t, url, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
				Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
					for range 2 {
						resp, err := (&http.Client{Transport: transport}).Do((&http.Request{Method: "GET", URL: req.URL}).WithContext(req.Context()))
						if err != nil {
							return nil, err
						}
						resp.Body.Close()
					}
					for range 3 {
						body, err := req.GetBody()
						if err != nil {
							return nil, err
						}
						drain(t, body)
					}
					return transport.RoundTrip(req)
				}),
			}))
			t.Cleanup(transport.CloseIdleConnections)
			if failure := mustFail(t, t.Context(), client, testID, rename); holding(failure) != "ErrBadRequest" {
				t.Errorf("the error is not ErrBadRequest alone: %v", failure)
			}
		})
	}
}

// A circuit breaker, for one, returns while the exchange goes on behind it.
func TestTransportThatReturnsBeforeItsExchangeIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, nil)
	_, transport := ownPool(t)
	var exchange sync.WaitGroup
	returned := make(chan struct{})
	client := newTestClient(t, rec.URL, composio.WithMaxRetries(0), composio.WithTimeout(0), composio.WithHTTPClient(&http.Client{
		Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			exchange.Go(func() {
				<-returned
				if resp, err := transport.RoundTrip(req); err == nil {
					resp.Body.Close()
				}
			})
			return nil, errors.New("the circuit is open")
		}),
	}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	close(returned)
	exchange.Wait()
	if len(rec.requests()) != 1 || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("%d requests, want one, and ErrOutcomeUnknown: %v", len(rec.requests()), failure)
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
	transport := composio.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return server, transport
}

// lossy is a network in memory, for a bubble of testing/synctest: connections from a transport to a server of HTTP/2
// that can vanish without a trace, as behind a failed router.
type lossy struct {
	accept chan net.Conn

	mu    sync.Mutex
	conns []*mutePipe
}

// mutePipe is a connection's end on the client's side.
type mutePipe struct {
	net.Conn
	mute atomic.Bool
}

func (p *mutePipe) Write(data []byte) (int, error) {
	if p.mute.Load() {
		return len(data), nil
	}
	return p.Conn.Write(data)
}

func (l *lossy) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	conn := &mutePipe{Conn: near}
	l.mu.Lock()
	l.conns = append(l.conns, conn)
	l.mu.Unlock()
	l.accept <- far
	return conn, nil
}

// lose lets the server never hear again of the connections that are open now.
func (l *lossy) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.mute.Store(true)
	}
}

// opened is how many connections there have been.
func (l *lossy) opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

func (l *lossy) Accept() (net.Conn, error) {
	conn, ok := <-l.accept
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *lossy) Close() error   { close(l.accept); return nil }
func (l *lossy) Addr() net.Addr { return &net.TCPAddr{} }

// newLossy starts a server of HTTP/2 behind a lossy network, and returns a client of it that has made one call.
func newLossy(t *testing.T, opts ...composio.Option) (*composio.Client, *lossy) {
	t.Helper()
	network := &lossy{accept: make(chan net.Conn)}
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
		if result.Attempts != 2 || network.opened() != 2 {
			t.Errorf("%d attempts over %d connections, want 2 over 2", result.Attempts, network.opened())
		}
		if took := time.Since(start); took < 3375*time.Millisecond || took > 3500*time.Millisecond {
			t.Errorf("took %v, want an attempt of 3 s and a wait of 375 to 500 ms", took)
		}
	})
}

// Calls that share a dead connection cannot close it, for it is never idle. With the default timeout a ping ends all of
// their attempts before it does.
func TestPingsEndADeadHTTP2ConnectionThatCallsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		client, network := newLossy(t, composio.WithMaxRetries(1), composio.WithLogger(logTo(&logged, slog.LevelWarn)))
		network.lose()
		start := time.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				result, err := client.UpdateConnectedAccount(t.Context(), testID, rename)
				if err != nil {
					t.Error(err)
				} else if took := time.Since(start); result.Attempts != 2 || took < 20375*time.Millisecond || took > 20500*time.Millisecond {
					t.Errorf("%d attempts in %v, want 2, the first of 20 s, and a wait of 375 to 500 ms", result.Attempts, took)
				}
			})
		}
		wg.Wait()
		if got := strings.Count(logged.String(), "http2: client connection lost"); got != 8 {
			t.Errorf("%d attempts ended by a ping, want 8:\n%s", got, &logged)
		}
	})
}

// The same with attempts too short for a ping to end them: the connection is kept busy, but not for longer.
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

func TestPingsAreOnAndFasterThanAnAttempt(t *testing.T) {
	t.Parallel()
	config := composio.NewTransport().HTTP2
	if config == nil || config.SendPingTimeout <= 0 || config.PingTimeout <= 0 || config.SendPingTimeout+config.PingTimeout >= 30*time.Second {
		t.Errorf("HTTP2 = %+v, want pings that find a dead connection within the default timeout of 30 s", config)
	}
}

// Many calls, while the server tells every other moment that it goes away.
func TestServersThatGoAwayLoseNoUpdate(t *testing.T) {
	t.Parallel()
	const callers, calls = 16, 40
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
		if len(applied)%50 == 0 {
			w.Header().Set("Connection", "close") // in HTTP/2 this is a GOAWAY
		}
		mu.Unlock()
		answerWith(200, success)(w, r)
	})
	client := newTestClient(t, server.URL, composio.WithHTTPClient(&http.Client{Transport: transport}))
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
	if diff := cmp.Diff(want, applied); diff != "" {
		t.Errorf("updates and how often each was applied (-want +got):\n%s", diff)
	}
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
func newFrames(t *testing.T, refuse func(w io.Writer, conn, nth int, stream uint32) bool) (client *composio.Client, sent, applied func() []string) {
	t.Helper()
	// Its certificate is all that is needed of it.
	lender, transport := newHTTP2(t, func(http.ResponseWriter, *http.Request) {})
	var mu sync.Mutex
	var bodies, answered []string
	config := &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}}
	server := newConnServer(t, config, func(conn net.Conn, number int) {
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
	client = newTestClient(t, "https://"+server.addr, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}))
	return client, read(&bodies), read(&answered)
}

// With GOAWAY and REFUSED_STREAM a server says that it did not look at a request, so it is sent again without a retry,
// and applied once.
func TestRequestThatHTTP2RefusesUnseenIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(w io.Writer, stream uint32){
		"GOAWAY": func(w io.Writer, stream uint32) {
			writeFrame(w, frameGoAway, 0, 0, binary.BigEndian.AppendUint64(nil, uint64(stream-2)<<32)) // the last stream it saw, and no error
		},
		"REFUSED_STREAM": func(w io.Writer, stream uint32) {
			writeFrame(w, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, codeRefusedStream))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, sent, applied := newFrames(t, func(w io.Writer, conn, nth int, stream uint32) bool {
				if conn != 1 || nth != 2 {
					return false
				}
				say(w, stream)
				return true
			})
			for _, alias := range []string{"first", "second", "third"} {
				if got := mustUpdate(t, client, testID, composio.Update{Alias: composio.Set(alias)}).Attempts; got != 1 {
					t.Errorf("Attempts = %d for %s, want 1", got, alias)
				}
			}
			if diff := cmp.Diff([]string{`{"alias":"first"}`, `{"alias":"second"}`, `{"alias":"third"}`}, applied()); diff != "" {
				t.Errorf("applied (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{`{"alias":"first"}`, `{"alias":"second"}`, `{"alias":"second"}`, `{"alias":"third"}`}, sent()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a word before, HTTP/2 does not know what became of a request, and net/http does not replay it as it does over
// HTTP/1: it takes a retry.
func TestHTTP2ConnectionThatDiesWithARequestIsNotReplayed(t *testing.T) {
	t.Parallel()
	client, sent, _ := newFrames(t, func(w io.Writer, conn, nth int, stream uint32) bool {
		if nth == 2 {
			w.(io.Closer).Close()
		}
		return nth == 2
	})
	mustUpdate(t, client, testID, rename)
	failure := mustFail(t, t.Context(), client, testID, rename)
	if n := len(sent()); n != 2 || !errors.Is(failure, composio.ErrOutcomeUnknown) || !failure.Retryable() {
		t.Errorf("two calls sent %d requests, want 2, and the second error to be ErrOutcomeUnknown and retryable: %v", n, failure)
	}
}

// drain reads all of a request's body, as a transport does that sends it.
func drain(t *testing.T, body io.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Error(err)
	}
}

// HTTP/2 asks for another body each time a connection would take no request any more, with the first as good as new.
func TestBodyThatWasNotReadIsNoSending(t *testing.T) {
	t.Parallel()
	client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		body := req.Body
		for range 5 {
			var err error
			if body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		drain(t, body)
		return answerInMemory(req, 400, ""), nil
	})}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if !errors.Is(failure, composio.ErrBadRequest) || errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("the error is not ErrBadRequest alone: %v", failure)
	}
}

func TestBodyThatWasReadInPartIsASending(t *testing.T) {
	t.Parallel()
	client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		req.Body.Read(make([]byte, 1))
		again, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		drain(t, again)
		return answerInMemory(req, 400, ""), nil
	})}))
	if failure := mustFail(t, t.Context(), client, testID, rename); !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("the error is not ErrOutcomeUnknown: %v", failure)
	}
}

// Each attempt has a replay of its own, with the same bytes, and no more than that.
func TestEachAttemptMayBeReplayedOnce(t *testing.T) {
	t.Parallel()
	var bodies []string
	transport := &http.Transport{} // net/http's, as far as the client can see
	transport.RegisterProtocol("http", roundTripFunc(func(req *http.Request) (*http.Response, error) {
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
	}))
	client := newTestClient(t, "http://127.0.0.1", composio.WithHTTPClient(&http.Client{Transport: transport}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	if diff := cmp.Diff(slices.Repeat([]string{`{"alias":"work"}`}, 6), bodies); diff != "" || failure.Attempts != 3 {
		t.Errorf("Attempts = %d, want 3; the bodies (-want +got):\n%s", failure.Attempts, diff)
	}
}

// Then the transport may still be busy with the body before.
func TestNoReplayAfterTheContextIsDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		drain(t, req.Body)
		cancel()
		_, err := req.GetBody()
		return nil, err
	})}))
	if failure := mustFail(t, ctx, client, testID, rename); !errors.Is(failure, context.Canceled) || !errors.Is(failure, composio.ErrOutcomeUnknown) {
		t.Errorf("the error is not context.Canceled and ErrOutcomeUnknown: %v", failure)
	}
}
