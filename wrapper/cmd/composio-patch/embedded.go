package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"example.com/composio/wrapper/sandbox"
)

// shownSandbox is a sandbox that shows each exchange, and the account of it before and after. It goes to standard error, because
// standard output has the result alone.
type shownSandbox struct {
	*sandbox.Server
	std *stdio
	id  string
}

func (s *shownSandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	before, _ := s.Account(s.id)
	a := &answer{ResponseWriter: w}
	s.Server.ServeHTTP(a, r)
	after, _ := s.Account(s.id)
	requests := s.Requests()
	var q struct { // the latest, as it encodes itself, which hides the secrets
		Method, Path, Body string
		Header             http.Header
		Status             int
	}
	data, _ := json.Marshal(requests[len(requests)-1])
	_ = json.Unmarshal(data, &q)
	s.std.errf("sandbox at http://%s\n\nbefore  %s\n\n> %s %s\n%s>\n> %s\n\n< %d %s\n%s<\n< %s\n\nafter   %s\n\n",
		r.Host, line(before, before), q.Method, q.Path, headerLines("> ", q.Header, "Content-Type", "X-Api-Key", "X-Request-Id"), q.Body,
		q.Status, http.StatusText(q.Status), headerLines("< ", a.Header(), "Content-Type", "X-Request-Id", "X-Ratelimit", "X-Ratelimit-Remaining"),
		printable(strings.TrimSpace(a.body.String())), line(before, after))
}

func line(before, a sandbox.Account) string {
	if a.ID == "" {
		return "no such account"
	}
	return strings.Join(describe(before, a), "  ")
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

// headerLines are the headers that matter.
func headerLines(prefix string, h http.Header, names ...string) (lines string) {
	for _, name := range names {
		for _, value := range h.Values(name) {
			lines += fmt.Sprintf("%s%s: %s\n", prefix, name, value)
		}
	}
	return lines
}
