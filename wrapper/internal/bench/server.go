package main

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"

	"example.com/composio/wrapper/internal/bench/call"
)

// answers are the bodies, by status.
var answers = map[int]string{
	http.StatusOK: `{"success":true,"id":"` + call.ID + `","status":"ACTIVE"}`,
	http.StatusConflict: `{"error":{"message":"Another update of this account is under way","code":4090,"slug":"ConnectedAccount_Conflict",` +
		`"status":409,"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":"Try again","errors":["lease held"]}}`,
}

// answerHeader is what Composio sends beside Content-Length and Date.
var answerHeader = http.Header{
	"Content-Type":            {"application/json"},
	"X-Request-Id":            {"8b628209-81f4-414a-a1c2-28806e2d7480"},
	"X-Ratelimit":             {"2000"},
	"X-Ratelimit-Remaining":   {"1999"},
	"X-Ratelimit-Window-Size": {"60s"},
}

// memory is a transport without a network. It costs as little as it can, because its own cost, the same for all, would
// draw every ratio towards 1: hence the one header for all answers, which nobody writes to.
type memory struct {
	status int
	body   string
}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, req.Body)
	if err := cmp.Or(err, req.Body.Close()); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(m.status), StatusCode: m.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answerHeader, Body: io.NopCloser(strings.NewReader(m.body)), ContentLength: int64(len(m.body)), Request: req,
	}, nil
}

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
