package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"example.com/composio/wrapper/sandbox"
)

// serveEmbedded serves a sandbox in this process over a real connection, until stop.
func serveEmbedded(ctx context.Context, box http.Handler) (url string, stop func(), err error) {
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", nil, &problem{exitFailed, err.Error(), "see why this machine has no free port on 127.0.0.1"}
	}
	server := newHTTPServer(box)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // it ends with stop
	return urlOf(listener.Addr()), func() {
		shutDown(context.WithoutCancel(ctx), server, grace)
		serving.Wait()
	}, nil
}

// recorder is a sandbox that keeps what it answered.
type recorder struct {
	box     *sandbox.Server
	answers []*answer // of the requests in the journal; to be read after the last
}

// ServeHTTP serves one request. There is one at a time.
func (e *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w}
	e.answers = append(e.answers, a)
	e.box.ServeHTTP(a, r)
}

// answer keeps the body that goes through it.
type answer struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (a *answer) Write(p []byte) (int, error) {
	a.body.Write(p)
	return a.ResponseWriter.Write(p)
}

// show prints the account before, what went over the wire, and the account after, unless nothing went. It goes to
// standard error, because standard output has the result alone.
func (e *recorder) show(std *stdio, url string, before, after sandbox.Account) {
	requests := e.box.Requests()
	if len(requests) == 0 {
		return
	}
	std.errf("sandbox at %s\n\nbefore  %s\n\n", url, line(before, before))
	for i, request := range requests {
		q := masked(request)
		std.errf("> %s %s\n", q.Method, q.Path)
		writeHeader(std, "> ", q.Header, "Content-Type", "X-Api-Key", "X-Request-Id")
		std.errf(">\n> %s\n\n", q.Body)
		a := e.answers[i]
		std.errf("< %d %s\n", request.Status, http.StatusText(request.Status))
		writeHeader(std, "< ", a.Header(), "Content-Type", "X-Request-Id", "X-Ratelimit", "X-Ratelimit-Remaining")
		std.errf("<\n< %s\n\n", printable(strings.TrimSpace(a.body.String())))
	}
	std.errf("after   %s\n\n", line(before, after))
}

func line(before, a sandbox.Account) string {
	if a.ID == "" {
		return "no such account"
	}
	return strings.Join(describe(before, a), "  ")
}

// maskedRequest is a journal's request as it encodes itself, which hides the secrets.
type maskedRequest struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

func masked(request sandbox.Request) (q maskedRequest) {
	data, err := json.Marshal(request)
	if err == nil {
		err = json.Unmarshal(data, &q)
	}
	if err != nil {
		return maskedRequest{Body: fmt.Sprintf("[a request that cannot be shown: %v]", err)}
	}
	return q
}

// writeHeader prints the headers that matter.
func writeHeader(std *stdio, prefix string, h http.Header, names ...string) {
	for _, name := range names {
		for _, value := range h.Values(name) {
			std.errf("%s%s: %s\n", prefix, name, value)
		}
	}
}
