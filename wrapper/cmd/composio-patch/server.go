package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// server serves a sandbox over real connections.
type server struct {
	http.Server
	url   string
	ended chan error // why it ended
}

// startServer serves at an address; fix is what to do if that cannot be.
func startServer(ctx context.Context, addr, fix string, box http.Handler) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, &problem{exitFailed, err.Error(), fix}
	}
	s := &server{http.Server{Handler: box, ReadHeaderTimeout: 10 * time.Second}, urlOf(listener.Addr()), make(chan error, 1)}
	go func() { s.ended <- s.Serve(listener) }()
	return s, nil
}

// startEmbedded serves for this process alone.
func startEmbedded(ctx context.Context, box http.Handler) (*server, error) {
	return startServer(ctx, "127.0.0.1:0", "see why this machine has no free port on 127.0.0.1", box)
}

// grace is how long requests under way have to end.
const grace = 3 * time.Second

// stop lets requests under way end within the time and before ctx is done.
func (s *server) stop(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		_ = s.Close() // it closes listeners, which Shutdown has done
	}
}

// urlOf returns the URL of a listener for somebody on this machine: one on all addresses is reached as localhost.
func urlOf(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", tcp.Port)
	}
	return "http://" + addr.String()
}
