package sandbox_test

import (
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
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// protocols are the two ways in which a client can reach the sandbox.
var protocols = []protocol{{"HTTP/1.1", false, false}, {"HTTP/1.1 over TLS", true, false}, {"HTTP/2 over TLS", true, true}}

type protocol struct {
	name     string
	tls, two bool
}

// serveOver serves a handler, and returns its URL and a new pool of connections to it, on which no request can meet a
// stale one.
func serveOver(t *testing.T, over protocol, h http.Handler) (url string, transport *http.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that give up in the middle of a handshake
	transport = composio.NewTransport()
	if over.tls {
		srv.EnableHTTP2 = over.two
		srv.StartTLS()
		transport.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	} else {
		srv.Start()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL, transport
}

// newPatch is an update of ca_1, as a client sends it.
func newPatch(ctx context.Context, t *testing.T, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, url+path+"ca_1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	req.Header.Set("Content-Type", "application/json")
	return req
}

// plainly tells what a client without the wrapper sees of one update.
func plainly(ctx context.Context, t *testing.T, url string, transport *http.Transport) string {
	t.Helper()
	transport = transport.Clone() // also the pool is its own
	transport.DisableCompression = true
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // no fault may hang a test
	defer cancel()
	res, err := transport.RoundTrip(newPatch(ctx, t, url, tokenBody))
	if err != nil {
		return failureOf(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if encoding := res.Header.Get("Content-Encoding"); encoding == "gzip" {
		zip, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err.Error()
		}
		if data, err = io.ReadAll(zip); err != nil {
			return err.Error()
		}
		data = append([]byte("gzip "), data...)
	}
	text := fmt.Sprintf("%d %s %s", res.StatusCode, res.Header.Get("Content-Type"), data)
	if err != nil {
		text += ", " + failureOf(err)
	}
	return text
}

func failureOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case errors.Is(err, io.EOF):
		return "EOF"
	case strings.HasPrefix(err.Error(), "stream error: ") && strings.HasSuffix(err.Error(), "INTERNAL_ERROR; received from peer"):
		return "stream reset"
	}
	return err.Error()
}

var sentinels = []struct {
	name string
	err  error
}{
	{"invalid", composio.ErrInvalid}, {"bad request", composio.ErrBadRequest}, {"unauthorized", composio.ErrUnauthorized},
	{"forbidden", composio.ErrForbidden}, {"not found", composio.ErrNotFound}, {"account not found", composio.ErrAccountNotFound},
	{"conflict", composio.ErrConflict}, {"alias taken", composio.ErrAliasTaken}, {"unprocessable", composio.ErrUnprocessable},
	{"rate limited", composio.ErrRateLimited}, {"server", composio.ErrServer}, {"redirect", composio.ErrRedirect},
	{"too large", composio.ErrResponseTooLarge}, {"outcome unknown", composio.ErrOutcomeUnknown},
}

// wrapped tells what the wrapper makes of one update without retries: every sentinel that holds, and its status.
func wrapped(t *testing.T, url string, transport *http.Transport, timeout time.Duration) string {
	t.Helper()
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(url), composio.WithMaxRetries(0),
		composio.WithTimeout(timeout), composio.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	result, err := client.UpdateConnectedAccount(t.Context(), "ca_1",
		composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new")}})
	if err == nil {
		return "ok " + string(result.Status)
	}
	failure, _ := errors.AsType[*composio.Error](err)
	text := fmt.Sprint(failure.StatusCode)
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			text += ", " + s.name
		}
	}
	if failure.RetryAfter > 0 {
		text += fmt.Sprintf(", after %v", failure.RetryAfter)
	}
	if failure.Code != 0 {
		text += fmt.Sprintf(", code %d", failure.Code)
	}
	return text
}

const (
	tokenBody = `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new"}}}}`
	goodBody  = `{"id":"ca_1","status":"EXPIRED","success":true}`
	goodHalf  = `{"id":"ca_1","status":"E`
	page502   = "<html><head><title>502 Bad Gateway</title></head></html>\n"
	htmlType  = "text/html; charset=utf-8"
)

type faultRow struct {
	name    string
	plain   string
	plain2  string // over HTTP/2, where it differs
	wrapper string
	applied bool
	waits   bool // for the client to give up
}

// faultRows have each ready fault, as a plain client and as the wrapper sees it.
var faultRows = []faultRow{
	{"close-before", "EOF", "stream reset", "0, outcome unknown", false, false},
	{"close-during", "reset", "stream reset", "0, outcome unknown", true, false},
	{"close-after", "EOF", "stream reset", "0, outcome unknown", true, false},
	{"cut", "200 application/json " + goodHalf[:23] + ", unexpected EOF", "200 application/json " + goodHalf[:23] + ", stream reset", "200, outcome unknown", true, false},
	{"hang", "timeout", "", "0, outcome unknown", true, true},
	{"stall", "200 application/json " + goodHalf[:23] + ", timeout", "", "200, outcome unknown", true, true},
	{"slow", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"slow-body", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"length-short", "200 application/json " + goodBody[:10], "", "200, outcome unknown", true, false},
	{"length-long", "200 application/json " + goodBody + ", unexpected EOF", "", "200, outcome unknown", true, false},
	{"media-type", "200 text/plain; charset=utf-8 " + goodBody, "", "ok EXPIRED", true, false},
	{"gzip", "200 application/json gzip " + goodBody, "", "ok EXPIRED", true, false},
	{"goaway", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"empty", "200 application/json ", "", "200, outcome unknown", true, false},
	{"html", "200 " + htmlType + " <html><head><title>200 OK</title></head></html>\n", "", "200, outcome unknown", true, false},
	{"rate-limit", `429 application/json {"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`, "", "429, rate limited, after 1s", false, false},
	{"rate-limit-bare", `429 application/json {"error":{"message":"Rate limit exceeded","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`, "", "429, rate limited, code 10429", false, false},
	{"conflict", `409 application/json {"error":{"message":"Another update of this connected account is under way","code":600,"slug":"ConnectedAccount_Conflict","status":409}}`, "", "409, conflict, code 600", false, false},
	{"408", "408 " + htmlType + " <html><head><title>408 Request Timeout</title></head></html>\n", "", "408", false, false},
	{"500", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", "500, server, outcome unknown, code 10500", false, false},
	{"500-applied", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", "500, server, outcome unknown, code 10500", true, false},
	{"502", "502 " + htmlType + " " + page502, "", "502, server, outcome unknown", false, false},
	{"502-applied", "502 " + htmlType + " " + page502, "", "502, server, outcome unknown", true, false},
	{"503", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", "503, server, outcome unknown", false, false},
	{"503-applied", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", "503, server, outcome unknown", true, false},
	{"504", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", "504, server, outcome unknown", false, false},
	{"504-applied", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", "504, server, outcome unknown", true, false},
}

// fault returns a ready fault whose delays, if they end, are short enough for a test.
func fault(t *testing.T, name string) sandbox.Answer {
	t.Helper()
	found, err := sandbox.Faults(name)
	if err != nil {
		t.Fatal(err)
	}
	f := found[0]
	for _, d := range []*time.Duration{&f.Delay, &f.BodyDelay} {
		if *d == time.Second {
			*d = 5 * time.Millisecond
		}
	}
	return f
}

func TestFaults(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range faultRows {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					want := tt.plain
					if protocol.two && tt.plain2 != "" {
						want = tt.plain2
					}
					meet(t, protocol, tt, want, func(url string, transport *http.Transport, timeout time.Duration) string {
						ctx, cancel := context.WithTimeout(t.Context(), timeout)
						defer cancel()
						return plainly(ctx, t, url, transport)
					})
					meet(t, protocol, tt, tt.wrapper, func(url string, transport *http.Transport, timeout time.Duration) string {
						return wrapped(t, url, transport, timeout)
					})
				})
			}
		})
	}
}

// meet has one update meet a fault. Where the client waits in vain it gives up soon, but for a machine under load, on
// which it would not have got as far as it should, later.
func meet(t *testing.T, over protocol, tt faultRow, want string, ask func(string, *http.Transport, time.Duration) string) {
	t.Helper()
	timeout := 30 * time.Second
	if tt.waits {
		timeout = 20 * time.Millisecond
	}
	for {
		s := sandbox.New(sandbox.WithFaults(1, 1, fault(t, tt.name)))
		s.Put(bearer("ca_1"))
		url, transport := serveOver(t, over, s)
		start := time.Now()
		got := ask(url, transport, timeout)
		all := s.Requests()
		if tt.waits && timeout < 4*time.Second && (got != want || len(all) == 0 || !all[0].Applied) {
			timeout *= 4
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seen (-want +got):\n%s", diff)
		}
		if took := time.Since(start); strings.HasPrefix(tt.name, "slow") && took < 5*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		stored := bearer("ca_1")
		if tt.applied {
			stored.Credentials["token"] = "new"
		}
		wantStored(t, s, stored)
		if len(all) != 1 || all[0].Fault != tt.name || all[0].Applied != tt.applied || !all[0].Exempt || all[0].Violations != nil {
			t.Errorf("journal: %+v", all)
		}
		return
	}
}

func TestFaultsHasEveryName(t *testing.T) {
	all, err := sandbox.Faults()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, f := range all {
		got = append(got, f.Name)
	}
	for _, tt := range faultRows {
		want = append(want, tt.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-tested +ready):\n%s", diff)
	}
}

func TestFaultsAreFoundByName(t *testing.T) {
	got, err := sandbox.Faults("hang", "503", "hang")
	if err != nil || len(got) != 3 || got[0].Name != "hang" || got[1].Status != 503 || got[2].Name != "hang" {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = sandbox.Faults("503", "no such")
	if err == nil || got != nil || !strings.HasPrefix(err.Error(), `composio: the sandbox has no fault "no such"; it has close-before, close-during, `) {
		t.Errorf("got %v, %v", got, err)
	}
}

// A caller may change what it got, for a test of its own.
func TestFaultsAreTheCallers(t *testing.T) {
	for range 2 {
		all, err := sandbox.Faults("rate-limit", "rate-limit")
		if err != nil || all[0].Header.Get("Retry-After") != "1" {
			t.Fatalf("got %v, %v", all, err)
		}
		all[0].Header.Set("Retry-After", "2")
		if got := all[1].Header.Get("Retry-After"); got != "1" {
			t.Errorf("one fault changed with another: Retry-After %s", got)
		}
	}
}

func TestRateLimitFaultHasTheHeaders(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(0, 0))
	for name, want := range map[string][]string{
		"rate-limit":      {"2000", "0", "60s", "1"},
		"rate-limit-bare": {"", "", "", ""},
	} {
		s.Script(fault(t, name))
		h := patch(t, s, "ca_1", `{}`).header
		got := []string{h.Get("X-RateLimit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Window-Size"), h.Get("Retry-After")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBareRateLimitFaultTakesTheHeadersOff(t *testing.T) {
	s := sandbox.New()
	s.Script(fault(t, "rate-limit-bare"))
	for name := range patch(t, s, "ca_1", `{}`).header {
		if strings.HasPrefix(name, "X-Ratelimit") {
			t.Errorf("header %s", name)
		}
	}
}

// An answer that says that nothing was done is never a lie.
func TestAnswersThatSayNothingWasAppliedAreTrue(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 400: true, 409: true, 500: true, 502: true, 503: true, 504: true, 408: false, 429: false,
	} {
		s := sandbox.New()
		s.Put(bearer("ca_1"))
		s.Script(sandbox.Answer{Status: status, Apply: true})
		got := patch(t, s, "ca_1", `{"alias":"work"}`)
		if a, _ := s.Account("ca_1"); got.status != status || (a.Alias == "work") != want || last(s).Applied != want {
			t.Errorf("%d: got %d, account %v, journal %v", status, got.status, a, last(s))
		}
	}
}

// What would be refused is refused, and the answer is the script's where it has one.
func TestApplyRefusesWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		key, id, body string
		own           int
	}{
		"key":     {"ak_wrong", "ca_1", `{"alias":"work"}`, 401},
		"account": {sandbox.DefaultAPIKey, "ca_gone", `{"alias":"work"}`, 404},
		"scheme":  {sandbox.DefaultAPIKey, "ca_1", `{"connection":{"state":{"authScheme":"BASIC","val":{}}}}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New()
			s.Put(bearer("ca_1"))
			s.Script(sandbox.Answer{Apply: true}, sandbox.Answer{Apply: true, Status: 500})
			for _, want := range []int{tt.own, 500} {
				got := call(t, s, "PATCH", path+tt.id, tt.body, "X-Api-Key", tt.key)
				if got.status != want || last(s).Applied {
					t.Errorf("got %d %s, want %d; journal %v", got.status, got.body, want, last(s))
				}
			}
			wantStored(t, s, bearer("ca_1"))
		})
	}
}

func TestApplyKeepsToTheRateLimit(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(1, time.Hour))
	s.Put(bearer("ca_1"))
	s.Script(sandbox.Answer{Apply: true}, sandbox.Answer{Apply: true}, sandbox.Answer{Status: 418})
	for _, want := range []int{200, 429, 418} {
		got := patch(t, s, "ca_1", `{"alias":"work"}`)
		if got.status != want || last(s).Applied != (want == 200) || (got.header.Get("Retry-After") == "3600") != (want == 429) {
			t.Errorf("got %d %v %s, want %d", got.status, got.header, got.body, want)
		}
	}
}

func TestAnswerChangesTheSandboxsOwn(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	s.Script(
		sandbox.Answer{Apply: true, Body: "other"},
		sandbox.Answer{Apply: true, Header: http.Header{"x-added": {"yes"}, "X-Request-Id": nil}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"nonsense"}}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"-1"}}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"0"}}},
		sandbox.Answer{Status: 418, Body: "cut", Header: http.Header{"Content-Length": {"2"}}},
	)
	for i, want := range []struct {
		status      int
		body, added string
	}{{200, "other", ""}, {200, goodBody, "yes"}, {200, goodBody, ""}, {200, goodBody, ""}, {200, "", ""}, {418, "cu", ""}} {
		w := serve(s, `{}`)
		if w.Code != want.status || w.Body.String() != want.body || w.Header().Get("X-Added") != want.added || (w.Header().Get("X-Request-Id") == "") != (i == 1) {
			t.Errorf("%d: got %d %v %s", i, w.Code, w.Header(), w.Body)
		}
	}
}

// Two updates that are sent one after another take effect in that order, also if the first one's answer is late.
func TestUpdateTakesEffectBeforeTheDelay(t *testing.T) {
	for name, f := range map[string]sandbox.Answer{
		"before the headers": {Apply: true, Delay: time.Hour},
		"in the body":        {Apply: true, BodyDelay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sandbox.New()
				s.Put(bearer("ca_1"))
				s.Script(f)
				start := time.Now()
				answer := make(chan *httptest.ResponseRecorder)
				go func() { answer <- serve(s, `{"alias":"work"}`) }()
				synctest.Wait()
				if a, _ := s.Account("ca_1"); a.Alias != "work" || !last(s).Applied {
					t.Errorf("while it waits: account %v, journal %v", a, last(s))
				}
				w := <-answer
				if took := time.Since(start); took != time.Hour || w.Code != 200 || w.Body.String() != goodBody || last(s).Status != 200 {
					t.Errorf("after %v: answer %v, journal %v", took, w, last(s))
				}
			})
		})
	}
}

// Whoever sees that a connection was reset finds the account as it is afterwards.
func TestResetIsNotSeenBeforeTheChange(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			s := sandbox.New()
			url, transport := serveOver(t, protocol, s)
			for range 20 {
				s.Put(bearer("ca_1"))
				s.Script(fault(t, "close-during"))
				_ = plainly(t.Context(), t, url, transport)
				if a, _ := s.Account("ca_1"); a.Credentials["token"] != "new" {
					t.Fatalf("account %v", a)
				}
			}
		})
	}
}

// The connection is gone also if there was nothing to apply.
func TestResetOfAnUpdateThatIsRefused(t *testing.T) {
	for name, f := range map[string]sandbox.Answer{
		"unknown account": {Apply: true, Break: sandbox.BreakWhileApplying},
		"not applied":     {Break: sandbox.BreakWhileApplying},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New()
			url, transport := serveOver(t, protocols[0], s)
			s.Script(f)
			if got := plainly(t.Context(), t, url, transport); got != "reset" {
				t.Errorf("seen: %s", got)
			}
		})
	}
}

// After GOAWAY, or "Connection: close", the client has to open another connection.
func TestGoawayEndsTheConnection(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			s := sandbox.New()
			s.Put(bearer("ca_1"))
			url, transport := serveOver(t, protocol, s)
			reused := func() (reused bool) {
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
				})
				res, err := transport.RoundTrip(newPatch(ctx, t, url, `{}`))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if _, err := io.Copy(io.Discard, res.Body); err != nil || (res.ProtoMajor == 2) != protocol.two || res.StatusCode != 200 {
					t.Fatalf("answer %v, %v", res, err)
				}
				return reused
			}
			if reused() || !reused() {
				t.Fatal("connections are not reused as they should be")
			}
			s.Script(fault(t, "goaway"))
			if !reused() {
				t.Error("the connection was closed before the answer")
			}
			for i := 0; reused(); i++ { // GOAWAY is a frame of its own, and comes a little later
				if i == 1000 {
					t.Fatal("the connection goes on being used")
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// ended wraps a handler, and tells when a request has been dealt with, and whether with a panic.
func ended(h http.Handler) (http.Handler, <-chan any) {
	done := make(chan any, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			failure := recover()
			done <- failure
			if failure != nil {
				panic(failure)
			}
		}()
		h.ServeHTTP(w, r)
	}), done
}

func wantAborted(t *testing.T, done <-chan any) {
	t.Helper()
	select {
	case failure := <-done:
		if failure != http.ErrAbortHandler {
			t.Errorf("the handler ended with %v", failure)
		}
	case <-time.After(20 * time.Second):
		t.Error("the handler still waits")
	}
}

// awaitFault returns when a request has met a fault.
func awaitFault(s *sandbox.Server) {
	for len(s.Requests()) == 0 || last(s).Fault == "" {
		time.Sleep(time.Millisecond)
	}
}

func TestWaitEndsWhenTheClientGoesAway(t *testing.T) {
	for _, protocol := range protocols {
		for _, name := range []string{"hang", "stall"} {
			t.Run(protocol.name+" "+name, func(t *testing.T) {
				t.Parallel()
				s := sandbox.New()
				s.Script(fault(t, name))
				h, done := ended(s)
				url, transport := serveOver(t, protocol, h)
				ctx, leave := context.WithCancel(t.Context())
				gone := make(chan string)
				go func() { gone <- plainly(ctx, t, url, transport) }()
				awaitFault(s)
				leave()
				wantAborted(t, done)
				<-gone
			})
		}
	}
}

// A client that still waits is told nothing that looks like an answer when the server goes away.
func TestWaitEndsWhenTheServerIsClosed(t *testing.T) {
	for name, end := range map[string]func(srv *http.Server, stop func()){
		"Close":       func(srv *http.Server, _ func()) { _ = srv.Close() },
		"BaseContext": func(_ *http.Server, stop func()) { stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sandbox.New()
			s.Script(fault(t, "hang"))
			h, done := ended(s)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			base, stop := context.WithCancel(t.Context())
			srv := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return base }}
			served, seen := make(chan error, 1), make(chan string, 1)
			go func() { served <- srv.Serve(listener) }()
			go func() { seen <- plainly(t.Context(), t, "http://"+listener.Addr().String(), &http.Transport{}) }()
			awaitFault(s)
			end(srv, stop)
			wantAborted(t, done)
			if got := <-seen; got != "EOF" {
				t.Errorf("the client saw %s", got)
			}
			stop()
			_ = srv.Close()
			<-served
		})
	}
}

// visit makes a request that costs little, since it is to nothing that there is.
func visit(s *sandbox.Server) {
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// meets returns the faults that n requests met.
func meets(s *sandbox.Server, n int) []string {
	for range n {
		visit(s)
	}
	var met []string
	for _, q := range s.Requests() {
		met = append(met, q.Fault)
	}
	return met
}

func count(met []string, name string) (n int) {
	for _, m := range met {
		if m == name {
			n++
		}
	}
	return n
}

func TestWithFaultsStrikesAtItsRate(t *testing.T) {
	a, b, c := sandbox.Answer{Name: "a"}, sandbox.Answer{Name: "b"}, sandbox.Answer{Name: "c"}
	for name, tt := range map[string]struct {
		opts []sandbox.Option
		want [3]int // of 1,000
	}{
		"one":             {[]sandbox.Option{sandbox.WithFaults(1, 0.2, a)}, [3]int{200, 0, 0}},
		"two alike":       {[]sandbox.Option{sandbox.WithFaults(1, 0.4, a, b)}, [3]int{200, 200, 0}},
		"rates add up":    {[]sandbox.Option{sandbox.WithFaults(1, 0.2, a), sandbox.WithFaults(1, 0.5, b, c)}, [3]int{200, 250, 250}},
		"all":             {[]sandbox.Option{sandbox.WithFaults(1, 1, a)}, [3]int{1000, 0, 0}},
		"more than all":   {[]sandbox.Option{sandbox.WithFaults(1, 0.7, a), sandbox.WithFaults(1, 5, b), sandbox.WithFaults(1, 1, c)}, [3]int{700, 300, 0}},
		"none":            {[]sandbox.Option{sandbox.WithFaults(1, 0, a)}, [3]int{}},
		"less than none":  {[]sandbox.Option{sandbox.WithFaults(1, -1, a), sandbox.WithFaults(1, 0.2, b)}, [3]int{0, 200, 0}},
		"without a fault": {[]sandbox.Option{sandbox.WithFaults(1, 1), sandbox.WithFaults(1, 0.2, b)}, [3]int{0, 200, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			met := meets(sandbox.New(tt.opts...), 1000)
			for i, name := range []string{"a", "b", "c"} {
				got, want := count(met, name), tt.want[i]
				exact := want == 0 || want == 1000
				if got != want && (exact || got < want-50 || got > want+50) { // more than three standard deviations
					t.Errorf("%s struck %d times of 1,000, want about %d", name, got, want)
				}
			}
		})
	}
}

func TestWithFaultsRepeatsItself(t *testing.T) {
	a, b := sandbox.Answer{Name: "a"}, sandbox.Answer{Name: "b"}
	with := func(seeds ...uint64) []string {
		var opts []sandbox.Option
		for _, seed := range seeds {
			opts = append(opts, sandbox.WithFaults(seed, 0.25, a, b))
		}
		return meets(sandbox.New(opts...), 100)
	}
	if diff := cmp.Diff(with(7), with(7)); diff != "" {
		t.Errorf("the same seed (-one +other):\n%s", diff)
	}
	if slices.Equal(with(7), with(8)) {
		t.Error("another seed makes no difference")
	}
	if diff := cmp.Diff(with(9, 7), with(8, 7)); diff != "" {
		t.Errorf("the last seed does not count (-one +other):\n%s", diff)
	}
}

func TestWithFaultsCopies(t *testing.T) {
	f := sandbox.Answer{Status: 418, Header: http.Header{"X-Fault": {"mine"}}}
	s := sandbox.New(sandbox.WithFaults(1, 1, f))
	f.Header.Set("X-Fault", "changed")
	if got := serve(s, `{}`).Header().Get("X-Fault"); got != "mine" {
		t.Errorf("header %q", got)
	}
}

func TestWithFaultsLeavesTheRestAlone(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(3, time.Hour), sandbox.WithFaults(1, 1, sandbox.Answer{Name: "teapot", Status: 418}))
	s.Script(sandbox.Answer{Name: "scripted", Status: 410})
	for i, want := range []struct {
		body   string
		status int
		fault  string
	}{
		{`{}`, 410, "scripted"},
		{`{"alias":1}`, 400, ""},
		{`{}`, 418, "teapot"},
		{`{}`, 429, ""},
	} {
		if w := serve(s, want.body); w.Code != want.status || last(s).Fault != want.fault {
			t.Errorf("%d: got %d, journal %v", i, w.Code, last(s))
		}
	}
}
