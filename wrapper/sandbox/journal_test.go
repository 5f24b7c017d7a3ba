package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

func TestJournalHasWhatWasSent(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
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

// A request is in the journal while its body still comes in.
func TestJournalHasRequestsUnderWay(t *testing.T) {
	s := sandbox.New()
	body, feed := io.Pipe()
	r := httptest.NewRequest("PATCH", path+"ca_1", body)
	r.Header.Set("Content-Type", "application/json")
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}()
	_, _ = feed.Write([]byte(`{"al`))
	_, _ = feed.Write([]byte(`i`)) // returns once the first part has been taken in
	if q := last(s); q.Status != 0 || !strings.HasPrefix(string(q.Body), `{"al`) {
		t.Errorf("under way: %v", q)
	}
	_ = feed.CloseWithError(io.ErrUnexpectedEOF)
	<-done
	if q := last(s); q.Status != 400 || len(q.Violations) != 1 || q.Violations[0].Rule != "read" {
		t.Errorf("at the end: %v", q)
	}
}

func TestServerTakesNilBody(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	r := httptest.NewRequest("PATCH", path+"ca_1", nil)
	r.Body = nil
	r.Header = http.Header{"X-Api-Key": {sandbox.DefaultAPIKey}}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 || last(s).Body != nil {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestJournalKeepsTheLatest(t *testing.T) {
	for _, tt := range []struct{ size, sent, kept int }{
		{3, 2, 2}, {3, 3, 3}, {3, 8, 3}, {1, 5, 1}, {0, 5, 5}, {-1, 5, 5},
	} {
		s := sandbox.New(sandbox.WithJournal(tt.size), sandbox.WithRateLimit(0, 0))
		var want, got []string
		for i := range tt.sent {
			body := fmt.Sprintf(`{"alias":"%d"}`, i)
			serve(s, body)
			if i >= tt.sent-tt.kept {
				want = append(want, body)
			}
		}
		for _, q := range s.Requests() {
			got = append(got, string(q.Body))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt, diff)
		}
	}
}

func TestJournalIsBounded(t *testing.T) {
	s := sandbox.New(sandbox.WithRateLimit(0, 0))
	for range 10_001 {
		visit(s)
	}
	if n := len(s.Requests()); n != 10_000 {
		t.Errorf("%d requests in the journal", n)
	}
}
