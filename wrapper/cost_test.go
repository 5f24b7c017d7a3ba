package composio_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	composio "example.com/composio/wrapper"
)

// What a call costs, as far as it can be counted. Times are measured by the module in internal/bench.

// tokenAlone is the update that Composio's callers make most: it does not refresh bearer tokens by itself.
func tokenAlone(token string) composio.Update {
	return composio.Update{Credentials: composio.BearerToken{Token: composio.Set(token)}}
}

// From the caller's Update to the Result or the error. Raise a bound only for something that is worth being dearer than a
// hand-written client. Not parallel, because allocations are counted for the whole process.
func TestAllocationsOfOneCall(t *testing.T) {
	const busy = `{"error":{"message":"Another update of this account is under way","code":4090,"slug":"ConnectedAccount_Conflict","status":409,` +
		`"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":"Try again","errors":["lease held"]}}`
	for _, test := range []struct {
		name   string
		token  string
		status int
		body   string
		direct bool // over net/http's own transport
		atMost float64
	}{
		{"success over net/http", "new_access_token", 200, success, true, 35},
		{"success over another transport", "new_access_token", 200, success, false, 34},
		{"success with a long token, for which the body grows once", strings.Repeat("x", 8<<10), 200, success, false, 35},
		{"409 over net/http", "new_access_token", 409, busy, true, 42},
		{"409 over another transport", "new_access_token", 409, busy, false, 41},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := http.Header{"Content-Type": {"application/json"}, "X-Ratelimit": {"2000"}, "X-Ratelimit-Remaining": {"1999"}, "X-Ratelimit-Window-Size": {"60s"}}
			inMemory := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				_, _ = io.Copy(io.Discard, req.Body)
				_ = req.Body.Close()
				return &http.Response{
					StatusCode: test.status, Header: header, Body: io.NopCloser(strings.NewReader(test.body)), ContentLength: int64(len(test.body)), Request: req,
				}, nil
			})
			var transport http.RoundTripper = inMemory
			if test.direct { // a registered protocol costs what net/http does, but for the network
				direct := composio.NewTransport()
				direct.RegisterProtocol("http", inMemory)
				transport = direct
			}
			client := newTestClient(t, "http://127.0.0.1", composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: transport}))
			if _, err := client.UpdateConnectedAccount(t.Context(), testID, tokenAlone(test.token)); (err == nil) != (test.status == http.StatusOK) {
				t.Fatal(err)
			}
			atMost := test.atMost
			if underRace {
				atMost += 4
			}
			got := testing.AllocsPerRun(200, func() { _, _ = client.UpdateConnectedAccount(context.Background(), testID, tokenAlone(test.token)) })
			if got > atMost {
				t.Errorf("one call allocates %.0f times, more than %.0f", got, atMost)
			}
		})
	}
}

// counts is what goes over the connections of a pool.
type counts struct{ read, writes atomic.Int64 }

// countingPool is a pool of a test's own that counts.
func countingPool(t testing.TB) (client *http.Client, c *counts) {
	t.Helper()
	client, transport := ownPool(t)
	c = new(counts)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &countingConn{conn, c}, err
	}
	return client, c
}

type countingConn struct {
	net.Conn
	counts *counts
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.counts.read.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.counts.writes.Add(1)
	return c.Conn.Write(p)
}

// Each write is a system call, and may be a packet. Headers and body go in one if both fit into the transport's buffer.
func TestWritesOfOneRequest(t *testing.T) {
	t.Parallel()
	for size, writes := range map[int]int64{16: 1, 5 << 10: 1, 15 << 10: 1, 32 << 10: 2} { // bytes of a credential
		rec := newRecorder(t, nil)
		pool, counts := countingPool(t)
		client := newTestClient(t, rec.URL, composio.WithHTTPClient(pool))
		for n := range int64(3) {
			mustUpdate(t, client, testID, tokenAlone(strings.Repeat("x", size)))
			if got, want := counts.writes.Load(), (n+1)*writes; got != want {
				t.Fatalf("%d requests with %d bytes took %d writes, want %d", n+1, size, got, want)
			}
		}
	}
}

// pipeListener is a listener whose connections do without sockets, which a synctest bubble cannot wait for.
type pipeListener chan net.Conn

func (p pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p <- server
	return client, nil
}

func (p pipeListener) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipeListener) Close() error   { close(p); return nil }
func (p pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// 64 callers come in waves, and each wave finds the connections of the one before. With net/http's default of two idle
// ones a host, 62 callers of each would open new ones. In a bubble, because net/http gives up a connection that it cannot
// reuse within 50 ms of a busy machine's time.
func TestOneConnectionACaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, waves = 64, 8
		var opened, arrived atomic.Int64
		together := make([]chan struct{}, waves) // each closed when a whole wave has arrived
		for wave := range together {
			together[wave] = make(chan struct{})
		}
		listener := make(pipeListener)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := arrived.Add(1)
			wave := together[(n-1)/callers]
			if n%callers == 0 {
				close(wave)
			}
			<-wave
			succeed(w, r)
		})}
		go server.Serve(listener)
		pool, transport := ownPool(t)
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			opened.Add(1)
			return listener.dial(ctx, network, address)
		}
		client := newTestClient(t, "http://127.0.0.1", composio.WithHTTPClient(pool))
		for range waves {
			var calling sync.WaitGroup
			for range callers {
				calling.Go(func() {
					if _, err := client.UpdateConnectedAccount(t.Context(), testID, rename); err != nil {
						t.Error(err)
					}
				})
			}
			calling.Wait()
		}
		if n, m := arrived.Load(), opened.Load(); n != callers*waves || m > callers {
			t.Errorf("%d callers opened %d connections for %d requests", callers, m, n)
		}
		client.CloseIdleConnections()
		_ = server.Close()
	})
}
