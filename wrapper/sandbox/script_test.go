package sandbox_test

import (
	"net/http"
	"testing"

	"example.com/composio/wrapper/sandbox"
)

func TestScriptAnswersInOrder(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	s.Script(sandbox.Answer{Status: 502, Header: http.Header{"content-type": {"text/html"}, "X-Ratelimit": nil}, Body: "<p>"})
	s.Script(sandbox.Answer{Status: 200, Body: `{"error":"no envelope"}`}, sandbox.Answer{})
	for _, want := range []struct {
		status          int
		body, mediaType string
		limit           string
	}{
		{502, "<p>", "text/html", ""},
		{200, `{"error":"no envelope"}`, "application/json", "2000"},
		{200, "", "application/json", "2000"},
	} {
		got := patch(t, s, "ca_1", `{"alias":"work"}`)
		if got.status != want.status || got.body != want.body || got.header.Get("Content-Type") != want.mediaType || got.header.Get("X-RateLimit") != want.limit {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if q := last(s); !q.Exempt || q.Status != want.status || q.Violations != nil {
			t.Errorf("journal: %+v", q)
		}
		wantStored(t, s, bearer("ca_1"))
	}
	if got := patch(t, s, "ca_1", `{"alias":"work"}`); got.status != 200 || last(s).Exempt {
		t.Errorf("after the script: %+v", got)
	}
	if a, _ := s.Account("ca_1"); a.Alias != "work" {
		t.Error("after the script nothing is applied")
	}
}

func TestScriptIsUsedByAnyRequestThatTheDocumentAllows(t *testing.T) {
	s := sandbox.New()
	s.Script(sandbox.Answer{Status: 503}, sandbox.Answer{Status: 504})
	for _, tt := range []struct {
		method, path, body, key string
		want                    int
	}{
		{"PATCH", path + "ca_gone", `{"alias":1}`, "", 400},
		{"PATCH", path + "ca_gone", `{}`, "-", 503},
		{"GET", "/elsewhere", ``, "-", 504},
		{"PATCH", path + "ca_gone", `{}`, sandbox.DefaultAPIKey, 404},
	} {
		if got := call(t, s, tt.method, tt.path, tt.body, "X-Api-Key", tt.key); got.status != tt.want {
			t.Errorf("%+v: status %d", tt, got.status)
		}
	}
}

func TestScriptIsCopied(t *testing.T) {
	s := sandbox.New()
	header := http.Header{"X-A": {"a"}}
	s.Script(sandbox.Answer{Header: header})
	header["X-A"][0] = "b"
	if got := patch(t, s, "ca_1", `{}`); got.header.Get("X-A") != "a" {
		t.Errorf("header %v", got.header)
	}
}
