package sandbox_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"example.com/composio/wrapper/sandbox"
)

// The connection is gone also if there was nothing to apply.
func TestResetOfAnUpdateThatIsRefused(t *testing.T) {
	for name, f := range map[string]sandbox.Answer{
		"unknown account": {Apply: true, Break: sandbox.BreakWhileApplying},
		"not applied":     {Break: sandbox.BreakWhileApplying},
	} {
		s := sandbox.New()
		srv, transport := serveOver(t, protocols[0], s)
		s.Script(f)
		if got := seen(t.Context(), t, srv.URL, transport); got != "reset" {
			t.Errorf("%s: seen: %s", name, got)
		}
	}
}

// After GOAWAY, or "Connection: close", the client has to open another connection.
func TestGoawayEndsTheConnection(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			s := filled()
			srv, transport := serveOver(t, protocol, s)
			reused := func() (reused bool) {
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
				})
				if got := seen(ctx, t, srv.URL, transport); got != "200 application/json "+goodBody {
					t.Fatal(got)
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

// A client that still waits is told nothing that looks like an answer when the server goes away. That no handler waits on
// is for goleak to see.
func TestWaitEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		fault string
		end   func(srv *http.Server, stop, leave func())
		seen  string
	}{
		"with the client, before the headers": {"hang", func(_ *http.Server, _, leave func()) { leave() }, "context canceled"},
		"with the client, in the body":        {"stall", func(_ *http.Server, _, leave func()) { leave() }, "context canceled"},
		"with the server":                     {"hang", func(srv *http.Server, _, _ func()) { _ = srv.Close() }, "EOF"},
		"with its BaseContext":                {"hang", func(_ *http.Server, stop, _ func()) { stop() }, "EOF"},
	} {
		for _, protocol := range protocols {
			t.Run(name+", "+protocol.name, func(t *testing.T) {
				t.Parallel()
				s := filled()
				s.Script(fault(t, tt.fault))
				base, stop := context.WithCancel(t.Context())
				defer stop()
				srv, transport := serveOver(t, protocol, s, func(srv *http.Server) {
					srv.BaseContext = func(net.Listener) context.Context { return base }
				})
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				saw := make(chan string)
				go func() { saw <- seen(ctx, t, srv.URL, transport) }()
				awaitFault(s)
				tt.end(srv.Config, stop, leave)
				got := <-saw
				if ok := strings.HasSuffix(got, tt.seen) || protocol.two && got == "stream reset"; !ok || tt.fault == "hang" && strings.HasPrefix(got, "200") {
					t.Errorf("the client saw %s", got)
				}
			})
		}
	}
}
