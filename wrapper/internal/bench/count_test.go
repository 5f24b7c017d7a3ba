package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ownReader hides from net/http that it is a strings.Reader.
type ownReader struct{ io.Reader }

func TestConnectionsAndWritesAreCounted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(answer))
	defer server.Close()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	counters := countOn(transport)
	send := func(body io.Reader) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = int64(len("body"))
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	want := func(connections, writes int64) {
		t.Helper()
		if c, w := counters.connections.Load(), counters.writes.Load(); c != connections || w != writes {
			t.Errorf("%d connections, %d writes, want %d and %d", c, w, connections, writes)
		}
	}
	want(0, 0)
	send(strings.NewReader("body"))
	want(1, 1)
	transport.CloseIdleConnections()
	send(strings.NewReader("body"))
	want(2, 2)
	// A body of an unknown type makes net/http write the headers by themselves.
	transport.CloseIdleConnections()
	send(ownReader{strings.NewReader("body")})
	want(3, 4)
}

func TestConnectionsThatFailAreNotCounted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	transport := &http.Transport{DialContext: http.DefaultTransport.(*http.Transport).DialContext}
	counters := countOn(transport)
	if _, err := transport.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://")); err == nil {
		t.Fatal("a closed port accepts connections")
	}
	if got := counters.connections.Load(); got != 0 {
		t.Errorf("%d connections", got)
	}
}

// A pool goes on dialing for a call that has found another connection by then.
func TestConnectionsCountFromTheBeginningOfTheirDial(t *testing.T) {
	t.Parallel()
	var atDial int64
	var counters *counters
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		atDial = counters.connections.Load()
		return nil, errors.New("no network")
	}}
	counters = countOn(transport)
	_, _ = transport.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if after := counters.connections.Load(); atDial != 1 || after != 0 {
		t.Errorf("%d connections during the dial, %d after it failed", atDial, after)
	}
}
