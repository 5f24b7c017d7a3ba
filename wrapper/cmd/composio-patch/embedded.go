package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"example.com/composio/wrapper/sandbox"
)

// embedded is a sandbox in this process that is talked to over a real connection, and keeps what it answered.
type embedded struct {
	box      *sandbox.Server
	key, url string
	server   *http.Server
	answers  []*answer // of the requests in the journal; to be read after stop
}

func startEmbedded(ctx context.Context) (*embedded, error) {
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, &problem{exitFailed, err.Error(), "see why this machine has no free port on 127.0.0.1"}
	}
	e := &embedded{key: sandbox.DefaultAPIKey, url: urlOf(listener.Addr())}
	e.box = newSandbox(e.key)
	e.server = newHTTPServer(e)
	go func() { _ = e.server.Serve(listener) }() // it ends with stop
	return e, nil
}

func (e *embedded) stop(ctx context.Context) { shutDown(context.WithoutCancel(ctx), e.server, grace) }

// account returns the account with an id; one without an ID if there is none.
func (e *embedded) account(id string) sandbox.Account {
	account, _ := e.box.Account(id)
	return account
}

// ServeHTTP serves one request. There is one at a time.
func (e *embedded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w}
	e.answers = append(e.answers, a)
	e.box.ServeHTTP(a, r)
}

// answer keeps what goes through it.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.body.Write(p)
	return a.ResponseWriter.Write(p)
}

// show prints the account before, what went over the wire, and the account after, unless nothing went. It goes to
// standard error, because standard output has the result alone.
func (e *embedded) show(std *stdio, before, after sandbox.Account) {
	requests := e.box.Requests()
	if len(requests) == 0 {
		return
	}
	std.errf("sandbox at %s\n\nbefore  %s\n\n", e.url, line(before, before))
	for i, request := range requests {
		q := masked(request)
		std.errf("> %s %s\n", q.Method, q.Path)
		writeHeader(std, "> ", q.Header, "Content-Type", "X-Api-Key", "X-Request-Id")
		std.errf(">\n> %s\n\n", q.Body)
		a := e.answers[i]
		std.errf("< %d %s\n", a.status, http.StatusText(a.status))
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
