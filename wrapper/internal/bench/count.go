package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// counters count what the connections of one pool do.
type counters struct {
	connections atomic.Int64 // that were opened
	writes      atomic.Int64 // calls of Write: one a system call
}

// countOn makes t count, and returns its counters.
func countOn(t *http.Transport) *counters {
	c := &counters{}
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.connections.Add(1)
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
