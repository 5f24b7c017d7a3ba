package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
)

// startServer starts a server in the process that waits while a client is measured. Each variant has a port to itself: one
// that opens a connection for most of its requests leaves so many behind, waiting, that the others would run out of ports.
func startServer(secure bool, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	if server.EnableHTTP2 = secure; secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

// answer answers a request with success.
func answer(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client went away
	}
	maps.Copy(w.Header(), answerHeader)
	_, _ = io.WriteString(w, answers[http.StatusOK])
}
