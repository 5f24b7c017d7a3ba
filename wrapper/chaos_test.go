package composio_test

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// TestChaos sends many updates through everything that the sandbox can do wrong, and through restarts of it, and then
// compares what the client said of each with what became of it. It is short by default; with COMPOSIO_SOAK set to a
// number, which is the seed, it is long. It prints what it met with -v.
func TestChaos(t *testing.T) {
	plan := chaosPlan{seed: 1, callers: 32, updates: 256, restarts: 2, timeout: 500 * time.Millisecond}
	if soak := os.Getenv("COMPOSIO_SOAK"); soak != "" {
		seed, err := strconv.ParseUint(soak, 10, 64)
		if err != nil {
			t.Fatalf("COMPOSIO_SOAK: %v", err)
		}
		plan = chaosPlan{seed: seed, callers: 64, updates: 10_000, restarts: 10, timeout: time.Second, long: true}
	}
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		inParallel(t, name, func(t *testing.T) { plan.run(t, secure, name) })
	}
}

type chaosPlan struct {
	seed     uint64
	callers  int
	updates  int
	restarts int
	timeout  time.Duration // of an attempt; what hangs, hangs for so long
	long     bool          // enough that each fault must have struck
}

// chaosCall is one update, and what the client said of it.
type chaosCall struct {
	account, value string
	attempts       int
	err            error
}

const chaosInitial = "initial"

func (p chaosPlan) run(t *testing.T, secure bool, protocol string) {
	faults := chaosFaults(t)
	box := sandbox.New(sandbox.WithJournal(0), sandbox.WithRateLimit(400, 100*time.Millisecond), sandbox.WithFaults(p.seed, 0.2, faults...))
	for caller := range p.callers {
		box.Put(sandbox.Account{
			ID: fmt.Sprint("ca_", caller), Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": chaosInitial},
		})
	}
	var others atomic.Int64 // requests of another protocol
	server := newChaosServer(t, secure, func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != protocol {
			others.Add(1)
		}
		box.ServeHTTP(w, r)
	})
	pool, transport := ownPool(t)
	transport.TLSClientConfig = server.clientTLS
	var clients []*composio.Client // with fewer retries, less is made good, and more left to be told
	for retries := range 4 {
		clients = append(clients, mustNew(t, sandbox.DefaultAPIKey, composio.WithBaseURL(server.url), composio.WithMaxRetries(retries),
			composio.WithTimeout(p.timeout), composio.WithHTTPClient(pool)))
	}

	start := time.Now()
	calls := make([][]chaosCall, p.callers)
	events := make(chan int, 2*p.restarts) // by turns somebody who uses up the rate limit, and a restart
	step := p.updates / (2*p.restarts + 1)
	var done atomic.Int64
	var callers, fate sync.WaitGroup
	for caller := range p.callers {
		callers.Go(func() {
			for n := caller; n < p.updates; n += p.callers {
				account := fmt.Sprint("ca_", caller)
				call := chaosCall{account: account, value: fmt.Sprint(account, "-", n)}
				result, err := clients[caller%len(clients)].UpdateConnectedAccount(t.Context(), account, tokenAlone(call.value))
				if call.err = err; err == nil {
					call.attempts = result.Attempts
				} else if failure, ok := errors.AsType[*composio.Error](err); ok {
					call.attempts = failure.Attempts
				}
				calls[caller] = append(calls[caller], call)
				if n := int(done.Add(1)); n%step == 0 && n/step <= 2*p.restarts {
					events <- n / step
				}
			}
		})
	}
	fate.Go(func() {
		for event := range events {
			if event%2 == 1 {
				chaosNeighbour(box)
				continue
			}
			server.stop()
			server.start(t)
		}
	})
	callers.Wait()
	close(events)
	fate.Wait()
	server.stop()

	struck := chaosReport(t, box, calls, time.Since(start))
	for _, f := range faults {
		if p.long && struck[f.Name] == 0 {
			t.Errorf("no request has met %s", f.Name)
		}
	}
	if others.Load() > 0 || server.starts-1 != p.restarts {
		t.Errorf("%d requests came by another protocol than %s, and there were %d restarts, not %d", others.Load(), protocol, server.starts-1, p.restarts)
	}
}

// chaosFaults are all that the sandbox has, as fast as they can be, and a few answers of others.
func chaosFaults(t *testing.T) []sandbox.Answer {
	t.Helper()
	faults, err := sandbox.Faults()
	if err != nil {
		t.Fatal(err)
	}
	page := http.Header{"Content-Type": {"text/html"}}
	faults = append(faults,
		sandbox.Answer{Name: "403 of a gateway", Status: 403, Header: page, Body: "<p>no</p>"},
		sandbox.Answer{Name: "404 of a gateway", Status: 404, Header: page, Body: "<p>no</p>"},
		sandbox.Answer{Name: "redirect", Status: 307, Header: http.Header{"Location": {"/elsewhere"}}},
		sandbox.Answer{Name: "422", Status: 422, Body: `{"error":"no"}`},
		sandbox.Answer{Name: "no success", Status: 200, Body: `{"success":false}`},
		sandbox.Answer{Name: "599-applied", Status: 599, Body: `[`, Apply: true},
	)
	for i, f := range faults {
		for _, d := range []*time.Duration{&faults[i].Delay, &faults[i].BodyDelay} {
			if *d == time.Second { // not those that wait for ever
				*d = 5 * time.Millisecond
			}
		}
		// Where Composio is known to send none, the client waits by itself.
		if f.Status >= 408 && f.Name != "rate-limit-bare" {
			header := http.Header{"Retry-After": {"0.01"}}
			maps.Copy(header, f.Header)
			header.Set("Retry-After", "0.01")
			faults[i].Header = header
		}
	}
	return faults
}

const chaosNeighbourPath = "/api/v3/connected_accounts/ca_neighbour"

// chaosNeighbour uses up what is left of the rate limit, as another service of the organization can. Its requests break
// the contract, so they count and do nothing else. On a machine that is too slow to use it up within a window nobody is
// limited; the report says how many were.
func chaosNeighbour(box *sandbox.Server) {
	for range 1000 {
		w := httptest.NewRecorder()
		box.ServeHTTP(w, httptest.NewRequest(http.MethodPatch, chaosNeighbourPath, strings.NewReader("x")))
		if w.Header().Get("X-RateLimit-Remaining") == "0" {
			return
		}
	}
}

// chaosReport fails the test for what the client said that is not so, prints what was met, and returns how often each fault
// struck.
func chaosReport(t *testing.T, box *sandbox.Server, calls [][]chaosCall, took time.Duration) (struck map[string]int) {
	t.Helper()
	applied, struck, requests := map[string]bool{}, map[string]int{}, 0
	for _, q := range box.Requests() {
		if q.Path == chaosNeighbourPath {
			continue
		}
		requests++
		var body gen.PatchConnectedAccountBody
		if q.Applied && json.Unmarshal(q.Body, &body) == nil {
			value, _ := body.Connection.State.Val.Token.Get()
			applied[value] = true
		}
		if q.Fault != "" || q.Status == http.StatusTooManyRequests {
			struck[cmp.Or(q.Fault, "the rate limit's window")]++
		}
	}
	counts := map[string]int{"violations": 0, "landed late": 0}
	violation := func(format string, args ...any) {
		counts["violations"]++
		t.Errorf(format, args...)
	}
	for _, all := range calls {
		latest, open := chaosInitial, map[string]bool{} // the values of unknown outcome, and whether a success followed
		for _, call := range all {
			counts["calls"]++
			counts["retries"] += max(0, call.attempts-1)
			switch {
			case call.err == nil:
				counts["applied"]++
				for value := range open {
					open[value] = true
				}
				if latest = call.value; !applied[call.value] {
					violation("%s: a success that was not applied", call.value)
				}
			case errors.Is(call.err, composio.ErrOutcomeUnknown):
				counts["unknown"]++
				open[call.value] = false
			case applied[call.value]:
				violation("%s: applied, although the client says it was not: %v", call.value, call.err)
			}
		}
		account, _ := box.Account(all[0].account)
		got := account.Credentials["token"]
		if late, ok := open[got]; late {
			counts["landed late"]++ // as the package page says of an attempt that timed out
		} else if got != latest && !ok {
			violation("%s holds %q, and may hold %q or one of %v", account.ID, got, latest, open)
		}
	}
	t.Logf("in %v: %v, %d requests, faults %v", took.Round(time.Millisecond), counts, requests, struck)
	return struck
}

// chaosServer serves a handler at one address, from one start to the next.
type chaosServer struct {
	handler              http.HandlerFunc
	serverTLS, clientTLS *tls.Config // nil: without TLS
	addr, url            string
	starts               int
	stop                 func() // closes the listener, cuts all connections, and returns when nothing goes on behind them
}

func newChaosServer(t *testing.T, secure bool, handler http.HandlerFunc) *chaosServer {
	s := &chaosServer{handler: handler, addr: "127.0.0.1:0"}
	scheme := "http://"
	if secure {
		scheme = "https://"
		lender := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
		s.serverTLS = &tls.Config{Certificates: lender.TLS.Certificates}
		s.clientTLS = &tls.Config{RootCAs: lender.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
		lender.Close()
	}
	s.start(t)
	s.url = scheme + s.addr
	return s
}

func (s *chaosServer) start(t *testing.T) {
	var listener net.Listener
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		// Somebody who dials can have the port for a moment.
		if listener, err = net.Listen("tcp", s.addr); err == nil {
			break
		}
	}
	if err != nil {
		t.Error(err)
		return
	}
	s.addr = listener.Addr().String()
	s.starts++
	// What still runs when a server is gone is not to change anything, as if it had been a process.
	var inside sync.RWMutex
	closed := false
	server := &http.Server{TLSConfig: s.serverTLS.Clone(), ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.RLock()
		defer inside.RUnlock()
		if closed {
			panic(http.ErrAbortHandler)
		}
		s.handler(w, r)
	})}
	var serving sync.WaitGroup
	serving.Go(func() {
		if s.serverTLS != nil {
			_ = server.ServeTLS(listener, "", "")
		} else {
			_ = server.Serve(listener)
		}
	})
	s.stop = func() {
		_ = server.Close()
		serving.Wait()
		inside.Lock()
		closed = true
		inside.Unlock()
	}
}
