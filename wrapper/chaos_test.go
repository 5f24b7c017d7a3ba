package composio_test

import (
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
	"slices"
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan.run(t, secure, name)
		})
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
	value    string
	attempts int
	err      error
}

func (c chaosCall) unknown() bool { return errors.Is(c.err, composio.ErrOutcomeUnknown) }

const chaosInitial = "initial"

func chaosAccount(caller int) string { return fmt.Sprintf("ca_%d", caller) }

func (p chaosPlan) run(t *testing.T, secure bool, protocol string) {
	faults := chaosFaults(t)
	box := sandbox.New(sandbox.WithJournal(0), sandbox.WithRateLimit(400, 100*time.Millisecond),
		sandbox.WithFaults(p.seed, 0.2, faults...))
	for caller := range p.callers {
		box.Put(sandbox.Account{
			ID: chaosAccount(caller), Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": chaosInitial},
		})
	}
	var others atomic.Int64 // requests of another protocol
	server := startChaosServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != protocol {
			others.Add(1)
		}
		box.ServeHTTP(w, r)
	}), secure)
	transport := composio.NewTransport()
	transport.TLSClientConfig = server.clientTLS
	defer transport.CloseIdleConnections()
	var clients []*composio.Client // with fewer retries, less is made good, and more left to be told
	for retries := range 4 {
		client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(server.url), composio.WithMaxRetries(retries),
			composio.WithTimeout(p.timeout), composio.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
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
				call := chaosCall{value: fmt.Sprintf("%s-%d", chaosAccount(caller), n)}
				call.attempts, call.err = chaosUpdate(t, clients[caller%len(clients)], chaosAccount(caller), call.value)
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

	violations := chaosViolations(box, calls)
	for _, v := range violations {
		t.Error(v)
	}
	struck := chaosReport(t, box, calls, time.Since(start), server.starts-1, len(violations))
	for _, f := range faults {
		if p.long && struck[f.Name] == 0 {
			t.Errorf("no request has met %s", f.Name)
		}
	}
	if n := others.Load(); n > 0 {
		t.Errorf("%d requests came by another protocol than %s", n, protocol)
	}
	if server.starts-1 != p.restarts {
		t.Errorf("the sandbox was restarted %d times, not %d", server.starts-1, p.restarts)
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
			faults[i].Header = maps.Clone(f.Header)
			if f.Header == nil {
				faults[i].Header = http.Header{}
			}
			faults[i].Header.Set("Retry-After", "0.01")
		}
	}
	return faults
}

// chaosUpdate makes one update.
func chaosUpdate(t *testing.T, client *composio.Client, id, value string) (attempts int, err error) {
	result, err := client.UpdateConnectedAccount(t.Context(), id,
		composio.Update{Credentials: composio.BearerToken{Token: composio.Set(value)}})
	if err == nil {
		return result.Attempts, nil
	}
	failure, ok := errors.AsType[*composio.Error](err)
	if !ok {
		t.Errorf("an error that is a %T: %v", err, err)
		return 0, err
	}
	return failure.Attempts, err
}

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

const chaosNeighbourPath = "/api/v3/connected_accounts/ca_neighbour"

// chaosLimited is what the report calls a request beyond the rate limit.
const chaosLimited = "rate limit's window"

// chaosViolations returns what the client said that is not so.
func chaosViolations(box *sandbox.Server, calls [][]chaosCall) []string {
	applied := map[string]bool{}
	for _, q := range box.Requests() {
		var body gen.PatchConnectedAccountBody
		if q.Applied && json.Unmarshal(q.Body, &body) == nil {
			value, _ := body.Connection.State.Val.Token.Get()
			applied[value] = true
		}
	}
	var found []string
	for caller, all := range calls {
		allowed := []string{chaosInitial}
		for _, call := range all {
			switch {
			case call.err == nil:
				allowed = []string{call.value}
				if !applied[call.value] {
					found = append(found, call.value+": a success that was not applied")
				}
			case call.unknown():
				allowed = append(allowed, call.value)
			case applied[call.value]:
				found = append(found, fmt.Sprintf("%s: applied, although the client says it was not: %v", call.value, call.err))
			}
		}
		account, _ := box.Account(chaosAccount(caller))
		if got := account.Credentials["token"]; !slices.Contains(allowed, got) {
			found = append(found, fmt.Sprintf("%s: holds %q, and may hold %q", account.ID, got, allowed))
		}
	}
	return found
}

// chaosReport prints what was met, and returns how often each fault struck.
func chaosReport(t *testing.T, box *sandbox.Server, calls [][]chaosCall, took time.Duration, restarts, violations int) map[string]int {
	t.Helper()
	var total, retries, unknown, failed int
	for _, all := range calls {
		for _, call := range all {
			total++
			retries += max(0, call.attempts-1)
			switch {
			case call.unknown():
				unknown++
			case call.err != nil:
				failed++
			}
		}
	}
	var requests int
	struck := map[string]int{chaosLimited: 0} // is printed in any case
	for _, q := range box.Requests() {
		if q.Path == chaosNeighbourPath {
			continue
		}
		requests++
		if q.Fault != "" {
			struck[q.Fault]++
		} else if q.Status == http.StatusTooManyRequests {
			struck[chaosLimited]++
		}
	}
	var faults strings.Builder
	var sum int
	for _, name := range slices.Sorted(maps.Keys(struck)) {
		fmt.Fprintf(&faults, "\n  %6d %s", struck[name], name)
		sum += struck[name]
	}
	t.Logf("%d calls in %v: %d applied, %d unknown, %d not applied; %d retries, %d requests, %d restarts; %d faults:%s\nviolations: %d",
		total, took.Round(time.Millisecond), total-unknown-failed, unknown, failed, retries, requests, restarts, sum, faults.String(), violations)
	return struck
}

// chaosServer serves a handler at one address, from one start to the next.
type chaosServer struct {
	handler              http.Handler
	serverTLS, clientTLS *tls.Config // nil: without TLS
	addr, url            string
	starts               int

	server  *http.Server
	serving sync.WaitGroup
	gate    *chaosGate
}

func startChaosServer(t *testing.T, handler http.Handler, secure bool) *chaosServer {
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
	s.gate = &chaosGate{next: s.handler}
	s.server = &http.Server{Handler: s.gate, TLSConfig: s.serverTLS.Clone(), ErrorLog: log.New(io.Discard, "", 0)}
	server := s.server
	s.serving.Go(func() {
		if s.serverTLS != nil {
			_ = server.ServeTLS(listener, "", "")
		} else {
			_ = server.Serve(listener)
		}
	})
}

// stop closes the listener, cuts all connections, and returns when nothing goes on behind them.
func (s *chaosServer) stop() {
	_ = s.server.Close()
	s.serving.Wait()
	s.gate.close()
}

// chaosGate lets nobody in after close: what still runs when a server is gone is not to change anything, as if it had
// been a process.
type chaosGate struct {
	next   http.Handler
	inside sync.RWMutex
	closed bool
}

func (g *chaosGate) close() {
	g.inside.Lock()
	defer g.inside.Unlock()
	g.closed = true
}

func (g *chaosGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.inside.RLock()
	defer g.inside.RUnlock()
	if g.closed {
		panic(http.ErrAbortHandler)
	}
	g.next.ServeHTTP(w, r)
}
