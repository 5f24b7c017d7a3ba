package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
)

// serveVariable, when set, makes this program the server of another one of its kind: it holds the scheme of its URLs.
const serveVariable = "COMPOSIO_BENCH_SERVE"

// servers is where the other process listens. Each variant has a port to itself: one that opens a connection for most of
// its requests leaves so many behind, waiting, that the others would run out of ports.
type servers struct {
	URLs        map[string]string // by variant
	Certificate []byte            // if they speak TLS
}

// startServers runs this program again as the server. stop ends it.
func startServers(secure bool) (s *servers, stop func() error, err error) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	p, err := startProcess(serveVariable, scheme)
	if err != nil {
		return nil, nil, err
	}
	if err := p.read(&s); err != nil {
		return nil, nil, fmt.Errorf("the server: %w", err)
	}
	return s, p.stop, nil
}

// serve answers every request with success, until standard input ends.
func serve() error {
	scheme := os.Getenv(serveVariable)
	s := servers{URLs: map[string]string{}}
	serveOn := func(l net.Listener) error { return http.Serve(l, http.HandlerFunc(answer)) }
	if scheme == "https" {
		certificate := testCertificate()
		s.Certificate = certificate.Certificate[0]
		server := &http.Server{
			Handler:   http.HandlerFunc(answerHTTP2),
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		}
		serveOn = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	for _, v := range variants {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() { _ = serveOn(listener) }() // it ends with the process
		s.URLs[v.name] = scheme + "://" + listener.Addr().String()
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// testCertificate is the one for 127.0.0.1 that net/http/httptest brings along.
func testCertificate() tls.Certificate {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}

func answer(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client went away
	}
	maps.Copy(w.Header(), answerHeader)
	_, _ = io.WriteString(w, success)
}

// answerHTTP2 refuses any other version, so that nothing else is measured by mistake.
func answerHTTP2(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 {
		http.Error(w, "this is not HTTP/2", http.StatusHTTPVersionNotSupported)
		return
	}
	answer(w, r)
}
