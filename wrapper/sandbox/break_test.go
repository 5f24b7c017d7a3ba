package sandbox_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"example.com/composio/wrapper/sandbox"
)

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
			s := filled()
			url, transport := serveOver(t, protocol, s)
			reused := func() (reused bool) {
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
				})
				res, err := transport.RoundTrip(newRequest(ctx, t, "PATCH", url+path+"ca_1", `{}`))
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
