package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
)

// Listen starts a server for each variant, which answers every request with success, and returns their URLs. Each has a
// port to itself: a variant that opens a connection for most of its requests leaves so many behind, waiting, that the
// others would run out of ports.
func (*Child) Listen(secure bool, urls *map[string]string) error {
	*urls = map[string]string{}
	for _, v := range variants {
		(*urls)[v.name] = startServer(secure, answer).URL // it ends with the process
	}
	return nil
}

func startServer(secure bool, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	if server.EnableHTTP2 = secure; secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

func answer(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client went away
	}
	maps.Copy(w.Header(), answerHeader)
	_, _ = io.WriteString(w, answers[http.StatusOK])
}
