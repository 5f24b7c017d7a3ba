package composio_test

import (
	"context"
	"fmt"
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

// What one call may allocate, from the caller's Update to the Result or the error. Raise these only for something that is
// worth being dearer than a hand-written client.
const (
	maxAllocationsOverNetHTTP          = 35 // with a success, over net/http's own transport
	maxAllocationsOverAnother          = 34 // with a success, over another
	maxAllocationsOfRefusalOverNetHTTP = 42 // with a 409 and its envelope
	maxAllocationsOfRefusalOverAnother = 41
)

// newToken is the update that Composio's callers make most: it does not refresh bearer tokens by itself.
func newToken() composio.Update {
	return composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new_access_token")}}
}

// It is not parallel, because allocations are counted for the whole process. A protocol registered with net/http's transport
// makes a call cost what it costs over that, but for the network.
func TestAllocationsOfOneCall(t *testing.T) {
	header := http.Header{"Content-Type": {"application/json"}, "X-Ratelimit": {"2000"}, "X-Ratelimit-Remaining": {"1999"}, "X-Ratelimit-Window-Size": {"60s"}}
	for _, test := range []struct {
		status int
		body   string

		overNetHTTP, overAnother float64
	}{
		{http.StatusOK, success, maxAllocationsOverNetHTTP, maxAllocationsOverAnother},
		{http.StatusConflict, `{"error":{"message":"Another update of this account is under way","code":4090,"slug":"ConnectedAccount_Conflict",` +
			`"status":409,"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":"Try again","errors":["lease held"]}}`, maxAllocationsOfRefusalOverNetHTTP, maxAllocationsOfRefusalOverAnother},
	} {
		inMemory := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
			return &http.Response{
				StatusCode: test.status, Header: header, Body: io.NopCloser(strings.NewReader(test.body)), ContentLength: int64(len(test.body)), Request: req,
			}, nil
		})
		direct := composio.NewTransport()
		direct.RegisterProtocol("http", inMemory)
		for name, over := range map[string]struct {
			transport http.RoundTripper
			most      float64
		}{
			"net/http's transport": {direct, test.overNetHTTP},
			"another transport":    {inMemory, test.overAnother},
		} {
			t.Run(fmt.Sprint(test.status, " over ", name), func(t *testing.T) {
				client := newTestClient(t, "http://127.0.0.1", composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: over.transport}))
				if _, err := client.UpdateConnectedAccount(t.Context(), testID, newToken()); (err == nil) != (test.status == http.StatusOK) {
					t.Fatal(err)
				}
				allocations := testing.AllocsPerRun(1000, func() {
					_, _ = client.UpdateConnectedAccount(context.Background(), testID, newToken())
				})
				t.Logf("one call allocates %.0f times", allocations)
				if most := over.most + raceAllocations; allocations > most {
					t.Errorf("one call allocates %.0f times, more than %.0f", allocations, most)
				}
			})
		}
	}
}

// The body grows once, however long its credential is.
func TestLongCredentialAllocatesOnceMore(t *testing.T) {
	client := newTestClient(t, "http://127.0.0.1", composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return answerInMemory(req, http.StatusOK, success), nil
	})}))
	count := func(u composio.Update) float64 {
		mustUpdate(t, client, testID, u)
		return testing.AllocsPerRun(200, func() { _, _ = client.UpdateConnectedAccount(context.Background(), testID, u) })
	}
	long := composio.Update{Credentials: composio.BearerToken{Token: composio.Set(strings.Repeat("x", 8<<10))}}
	if short, long := count(newToken()), count(long); long > short+1+raceAllocations {
		t.Errorf("a call with a long token allocates %.0f times, with a short one %.0f, want one more at most", long, short)
	}
}

// countWrites makes the connections of transport count how often they are written to.
func countWrites(transport *http.Transport) (writes *atomic.Int64) {
	writes = new(atomic.Int64)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &writeCounter{conn, writes}, err
	}
	return writes
}

type writeCounter struct {
	net.Conn
	writes *atomic.Int64
}

func (c *writeCounter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Each write is a system call, and may be a packet. Headers and body go in one if both fit into the transport's buffer.
func TestWritesOfOneRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		credential int // bytes
		writes     int64
	}{
		{16, 1},
		{5 << 10, 1},
		{15 << 10, 1},
		{32 << 10, 2},
	} {
		inParallel(t, fmt.Sprintf("credential of %d bytes", test.credential), func(t *testing.T) {
			rec := newRecorder(t, nil)
			pool, transport := ownPool(t)
			writes := countWrites(transport)
			client := newTestClient(t, rec.URL, composio.WithHTTPClient(pool))
			u := composio.Update{Credentials: composio.BearerToken{Token: composio.Set(strings.Repeat("x", test.credential))}}
			for n := range int64(3) {
				mustUpdate(t, client, testID, u)
				if got, want := writes.Load(), (n+1)*test.writes; got != want {
					t.Fatalf("%d requests took %d writes, want %d", n+1, got, want)
				}
			}
		})
	}
}

// Over HTTP/2 headers and body are frames of their own, and how many writes they take is net/http's affair: it is
// reported, not bounded.
func TestWritesOverHTTP2(t *testing.T) {
	t.Parallel()
	server, transport := newHTTP2(t, answerWith(http.StatusOK, success))
	t.Cleanup(transport.CloseIdleConnections)
	writes := countWrites(transport)
	client := newTestClient(t, server.URL, composio.WithHTTPClient(&http.Client{Transport: transport}))
	mustUpdate(t, client, testID, newToken()) // the handshake and the settings
	before := writes.Load()
	const requests = 10
	for range requests {
		mustUpdate(t, client, testID, newToken())
	}
	t.Logf("%d requests over HTTP/2 took %d writes", requests, writes.Load()-before)
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
// ones a host, 62 callers of each would open new ones. That is about reuse: while a pool is cold, net/http can open some
// more, because a caller that gets another's connection leaves its own to be opened. The clock is a false one, because net/http gives a connection up
// that it cannot reuse within 50 ms of a busy machine's time.
func TestOneConnectionACaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, requests = 64, 16 * 64
		together := make([]chan struct{}, requests/callers) // each closed when a whole wave has arrived
		for wave := range together {
			together[wave] = make(chan struct{})
		}
		var opened, arrived atomic.Int64
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := arrived.Add(1)
			wave := together[(n-1)/callers]
			if n%callers == 0 {
				close(wave)
			}
			<-wave
			answerWith(http.StatusOK, success)(w, r)
		})}
		listener := make(pipeListener)
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) }) // until the listener is closed

		pool, transport := ownPool(t)
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			opened.Add(1)
			return listener.dial(ctx, network, address)
		}
		client := newTestClient(t, "http://127.0.0.1", composio.WithHTTPClient(pool))
		for range together {
			var calling sync.WaitGroup
			for range callers {
				calling.Go(func() {
					if _, err := client.UpdateConnectedAccount(t.Context(), testID, newToken()); err != nil {
						t.Error(err)
					}
				})
			}
			calling.Wait()
		}
		if got := arrived.Load(); got != requests {
			t.Errorf("%d requests arrived, want %d", got, requests)
		}
		if got := opened.Load(); got > callers {
			t.Errorf("%d callers opened %d connections for %d requests", callers, got, requests)
		}
		client.CloseIdleConnections()
		_ = server.Close()
		serving.Wait()
	})
}
