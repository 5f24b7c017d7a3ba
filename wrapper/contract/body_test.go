package contract_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/composio/wrapper/contract"
)

// A body that net/http does not know to be in memory goes out in a packet of its own, after its header.
func TestTransportKeepsOneWriteToTheWire(t *testing.T) {
	srv := httptest.NewServer(good())
	defer srv.Close()
	var writes atomic.Int32
	pool := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &counting{conn, &writes}, err
	}}
	defer pool.CloseIdleConnections()
	roundTrip(t, contract.Transport(pool), newRequest(t, srv.URL, `{"alias":"work"}`))
	if n := writes.Load(); n != 1 {
		t.Errorf("%d writes", n)
	}
}

type counting struct {
	net.Conn
	writes *atomic.Int32
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestTransportAsksForABodyAgainOnlyAfterItWasRead(t *testing.T) {
	const text = `{"alias":"work"}`
	refused := errors.New("not again")
	for name, tt := range map[string]struct {
		read  int // bytes of the first body
		want  string
		err   error
		asked int
	}{
		"unread":    {0, text, nil, 0},
		"half read": {5, "", refused, 1},
		"read":      {len(text), "", refused, 1},
	} {
		t.Run(name, func(t *testing.T) {
			req, asked := newRequest(t, base, text), 0
			req.GetBody = func() (io.ReadCloser, error) {
				asked++
				return nil, refused
			}
			rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
				_, _ = io.ReadFull(req.Body, make([]byte, tt.read))
				again, err := req.GetBody()
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if err == nil {
					if data, _ := io.ReadAll(again); string(data) != tt.want {
						t.Errorf("the second body is %q", data)
					}
				}
				return (&answering{fake: good()}).RoundTrip(req)
			}))
			roundTrip(t, rt, req)
			if asked != tt.asked {
				t.Errorf("the caller's GetBody was called %d times, want %d", asked, tt.asked)
			}
		})
	}
}

// What went through the check is what goes out, whatever GetBody says later.
func TestTransportSendsAgainWhatWasChecked(t *testing.T) {
	req := newRequest(t, base, `{"alias":"work"}`)
	other := &tracked{Reader: strings.NewReader(`{"alias":7}`)}
	req.GetBody = func() (io.ReadCloser, error) { return other, nil }
	rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		_, _ = io.ReadAll(req.Body)
		again, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := io.ReadAll(again); string(data) != `{"alias":"work"}` {
			t.Errorf("the second body is %q", data)
		}
		return (&answering{fake: good()}).RoundTrip(req)
	}))
	roundTrip(t, rt, req)
	if !other.closed {
		t.Error("the body that the caller gave was not closed")
	}
}

func TestTransportGivesNoBodyAgainWhenTheRequestIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rt := contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		cancel()
		if _, err := req.GetBody(); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		return (&answering{fake: good()}).RoundTrip(req)
	}))
	roundTrip(t, rt, newRequest(t, base, `{}`).WithContext(ctx))
}

func TestTransportAddsNoReplay(t *testing.T) {
	req := newRequest(t, base, `{}`)
	req.GetBody = nil
	roundTrip(t, contract.Transport(nextFunc(func(req *http.Request) (*http.Response, error) {
		if req.GetBody != nil {
			t.Error("there is a GetBody now")
		}
		return (&answering{fake: good()}).RoundTrip(req)
	})), req)
}

func TestTransportPassesRequestsWithoutBody(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{"nil": nil, "NoBody": http.NoBody} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, base, ``)
			req.Body = body
			roundTrip(t, contract.Transport(nextFunc(func(sent *http.Request) (*http.Response, error) {
				if sent != req {
					t.Error("the request is another one")
				}
				return (&answering{fake: good()}).RoundTrip(sent)
			})), req)
		})
	}
}

func TestTransportReturnsTheErrorOfReadingABody(t *testing.T) {
	req := newRequest(t, base, ``)
	body := &tracked{Reader: readerFunc(func([]byte) (int, error) { return 0, errOwn })}
	req.Body = body
	res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		t.Error("the request left")
		return nil, errors.New("left")
	})).RoundTrip(req)
	if res != nil || !errors.Is(err, errOwn) || !body.closed {
		t.Errorf("got %v, %v; body closed: %v", res, err, body.closed)
	}
}
