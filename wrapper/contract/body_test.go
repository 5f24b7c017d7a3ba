package contract_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// Whether a request is sent again is for the caller to say.
func TestTransportKeepsGetBodyOfTheCaller(t *testing.T) {
	for name, getBody := range map[string]func() (io.ReadCloser, error){
		"one": func() (io.ReadCloser, error) { return nil, errOwn }, "none": nil,
	} {
		req := newRequest(t, base, `{}`)
		req.GetBody = getBody
		roundTrip(t, contract.Transport(nextFunc(func(sent *http.Request) (*http.Response, error) {
			if (sent.GetBody == nil) != (getBody == nil) {
				t.Errorf("%s: there is another GetBody", name)
			} else if getBody != nil {
				if _, err := sent.GetBody(); err != errOwn {
					t.Errorf("%s: error %v", name, err)
				}
			}
			return (&answering{fake: good()}).RoundTrip(sent)
		})), req)
	}
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
