package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"example.com/composio/wrapper/sandbox"
)

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
	for i, request := range e.box.Requests() {
		if i == 0 {
			std.errf("sandbox at %s\n\nbefore  %s\n\n", url, line(before, before))
		}
		var q struct { // a request as it encodes itself, which hides the secrets
			Method, Path, Body string
			Header             http.Header
		}
		data, _ := json.Marshal(request)
		_ = json.Unmarshal(data, &q)
		std.errf("> %s %s\n", q.Method, q.Path)
		writeHeader(std, "> ", q.Header, "Content-Type", "X-Api-Key", "X-Request-Id")
		std.errf(">\n> %s\n\n< %d %s\n", q.Body, request.Status, http.StatusText(request.Status))
		a := e.answers[i]
		writeHeader(std, "< ", a.Header(), "Content-Type", "X-Request-Id", "X-Ratelimit", "X-Ratelimit-Remaining")
		std.errf("<\n< %s\n\n", printable(strings.TrimSpace(a.body.String())))
	}
	if len(e.answers) > 0 {
		std.errf("after   %s\n\n", line(before, after))
	}
}

func line(before, a sandbox.Account) string {
	if a.ID == "" {
		return "no such account"
	}
	return strings.Join(describe(before, a), "  ")
}

// writeHeader prints the headers that matter.
func writeHeader(std *stdio, prefix string, h http.Header, names ...string) {
	for _, name := range names {
		for _, value := range h.Values(name) {
			std.errf("%s%s: %s\n", prefix, name, value)
		}
	}
}
