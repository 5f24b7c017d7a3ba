package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// counters count what the connections of one pool do.
type counters struct {
	connections atomic.Int64 // that were or are being opened
	writes      atomic.Int64 // calls of Write: one a system call
}

// countOn makes t count, and returns its counters. A connection counts from the moment its dial begins, unless that
// fails: so it is counted where it was asked for, even if the call that asked found another one meanwhile.
func countOn(t *http.Transport) *counters {
	c := &counters{}
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.connections.Add(1)
		conn, err := dial(ctx, network, address)
		if err != nil {
			c.connections.Add(-1)
			return nil, err
		}
		return &countedConn{conn, c}, nil
	}
	return c
}

type countedConn struct {
	net.Conn
	counters *counters
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.counters.writes.Add(1)
	return c.Conn.Write(p)
}
