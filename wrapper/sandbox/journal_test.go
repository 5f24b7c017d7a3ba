package sandbox_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

func TestJournalHasWhatWasSent(t *testing.T) {
	s := filled()
	before := time.Now()
	call(t, s, "PATCH", path+"ca_1?q=1", `{"alias":"work"}`)
	call(t, s, "PATCH", path+"%2e%2e", `{"alias":1}`)
	call(t, s, "POST", "/other", `some text`)
	want := []sandbox.Request{
		{Method: "PATCH", Path: path + "ca_1", Body: []byte(`{"alias":"work"}`), Status: 200, Applied: true},
		{Method: "PATCH", Path: path + "%2e%2e", Body: []byte(`{"alias":1}`), Status: 400,
			Violations: []contract.Violation{{Direction: contract.Request, Location: "/alias", Rule: "type"}}},
		{Method: "POST", Path: "/other", Body: []byte(`some text`), Status: 404, Exempt: true},
	}
	got := s.Requests()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(sandbox.Request{}, "Header", "Time")); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	for _, q := range got {
		if q.Time.Before(before) || q.Time.After(time.Now()) {
			t.Errorf("time %v", q.Time)
		}
		if q.Header.Get("X-Api-Key") != sandbox.DefaultAPIKey || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("header %q", q.Header)
		}
	}
}

func TestJournalIsCopied(t *testing.T) {
	s := sandbox.New()
	call(t, s, "PATCH", path+"ca_1", `{"alias":1}`)
	q := last(s)
	q.Header.Set("X-Api-Key", "x")
	q.Body[0], q.Violations[0].Rule = 'x', "x"
	if q := last(s); q.Header.Get("X-Api-Key") == "x" || q.Body[0] == 'x' || q.Violations[0].Rule == "x" {
		t.Errorf("journal changed: %v", q)
	}
}

func TestJournalKeepsTheLatest(t *testing.T) {
	for name, tt := range map[string]struct {
		opts       []sandbox.Option
		sent, kept int
	}{
		"unless told otherwise": {nil, 10_001, 10_000},
		"more":                  {[]sandbox.Option{sandbox.WithJournal(3)}, 8, 3},
		"all":                   {[]sandbox.Option{sandbox.WithJournal(0)}, 10_001, 10_001},
		"fewer than none":       {[]sandbox.Option{sandbox.WithJournal(-1)}, 5, 5},
	} {
		s := sandbox.New(append(tt.opts, sandbox.WithRateLimit(0, 0))...)
		send(s, tt.sent, "/")
		all := s.Requests()
		if n := len(all); n != tt.kept || all[0].Path != fmt.Sprint("/", tt.sent-tt.kept) || all[n-1].Path != fmt.Sprint("/", tt.sent-1) {
			t.Errorf("%s: %d requests from %s", name, n, all[0].Path)
		}
	}
}

func TestLogHasALineARequest(t *testing.T) {
	var log bytes.Buffer
	noTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && time.Since(a.Value.Time()) < time.Minute {
			a.Value = slog.StringValue("now")
		}
		return a
	}}
	r := controlled(t, sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, noTime))))
	r.do("POST", "script", `{"answers":[{"fault":"502-applied"},{"fault":"close-before"}]}`)
	val := func(val string) string {
		return `{"alias":"","connection":{"state":{"authScheme":"BEARER_TOKEN","val":` + val + `}}}`
	}
	r.update(val(`{"token":"s3cret","user_agent":null}`))
	r.update(val(`{}`))
	r.update(`{"alias":"work"}`)
	r.update(`{"alias":1,"connection":{}}`)
	request(t.Context(), t, http.DefaultClient, "PATCH", r.url+path+"ca%0A_gone", `{}`)
	request(t.Context(), t, http.DefaultClient, "POST", r.url+"/elsewhere?key=s3cret", `s3cret`)
	r.do("POST", "reset", "")
	want := `time=now level=INFO msg=request method=PATCH id=ca_1 status=502 applied=true set=token cleared=alias,user_agent fault=502-applied
time=now level=INFO msg=request method=PATCH id=ca_1 status=0 applied=false cleared=alias fault=close-before
time=now level=INFO msg=request method=PATCH id=ca_1 status=200 applied=true set=alias
time=now level=INFO msg=request method=PATCH id=ca_1 status=400 applied=false violations="request /alias: type; request /connection/state: required"
time=now level=INFO msg=request method=PATCH id="ca\n_gone" status=404 applied=false
time=now level=INFO msg=request method=POST path=/elsewhere status=404 applied=false
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
