package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
)

// serveVariable, when set, makes this program the server of another one of its kind.
const serveVariable = "COMPOSIO_BENCH_SERVE"

// servers is where the other process listens. Each variant has a port to itself: one that opens a connection for most of
// its requests leaves so many behind, waiting, that the others would run out of ports.
type servers struct {
	HTTP, HTTPS []string // URLs, by index of the variant
	Certificate []byte   // of HTTPS
}

// startServers runs this program again as the server. stop ends it.
func startServers() (s *servers, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), serveVariable+"=1")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe() // the server ends with it, also if this process dies
	if err != nil {
		return nil, nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(stdin.Close(), command.Wait()) }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the server said %q: %w", line, err), stop())
	}
	return s, stop, nil
}

// trust returns what a client needs to know to speak TLS with the servers.
func (s *servers) trust() (*tls.Config, error) {
	certificate, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &tls.Config{RootCAs: roots}, nil
}

// serve answers every request with success, until standard input ends.
func serve() error {
	certificate := testCertificate()
	said := servers{Certificate: certificate.Certificate[0]}
	for range variants {
		for _, secure := range []bool{false, true} {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			if !secure {
				said.HTTP = append(said.HTTP, "http://"+listener.Addr().String())
				go func() { _ = http.Serve(listener, http.HandlerFunc(answer)) }() // it ends with the process
				continue
			}
			said.HTTPS = append(said.HTTPS, "https://"+listener.Addr().String())
			server := &http.Server{
				Handler:   http.HandlerFunc(answerHTTP2),
				TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
			}
			go func() { _ = server.ServeTLS(listener, "", "") }()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
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
