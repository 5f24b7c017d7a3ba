package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/sandbox"
)

func TestScriptAnswersInOrder(t *testing.T) {
	s := filled()
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

// What was handed over stays as it was, and what was handed out is the caller's.
func TestAnswersAreCopied(t *testing.T) {
	two, err := sandbox.Faults("rate-limit", "rate-limit")
	if err != nil {
		t.Fatal(err)
	}
	s := sandbox.New(sandbox.WithFaults(1, 1, two[0]))
	s.Script(two[0])
	two[0].Header.Set("Retry-After", "2")
	again, _ := sandbox.Faults("rate-limit")
	got := []string{two[1].Header.Get("Retry-After"), again[0].Header.Get("Retry-After"),
		serve(t, s, `{}`).Header().Get("Retry-After"), serve(t, s, `{}`).Header().Get("Retry-After")}
	if diff := cmp.Diff([]string{"1", "1", "1", "1"}, got); diff != "" {
		t.Errorf("Retry-After of another, a later, a scripted and a drawn one (-want +got):\n%s", diff)
	}
}

// An answer that says that nothing was done is never a lie.
func TestAnswersThatSayNothingWasAppliedAreTrue(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 400: true, 409: true, 500: true, 502: true, 503: true, 504: true, 408: false, 429: false,
	} {
		s := filled()
		s.Script(sandbox.Answer{Status: status, Apply: true})
		got := patch(t, s, "ca_1", `{"alias":"work"}`)
		if a, _ := s.Account("ca_1"); got.status != status || (a.Alias == "work") != want || last(s).Applied != want {
			t.Errorf("%d: got %d, account %v, journal %v", status, got.status, a, last(s))
		}
	}
}

// What would be refused is refused, and the answer is the script's where it has one.
func TestApplyRefusesWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		key, id, body string
		own           int
	}{
		"key":     {"ak_wrong", "ca_1", `{"alias":"work"}`, 401},
		"account": {sandbox.DefaultAPIKey, "ca_gone", `{"alias":"work"}`, 404},
		"scheme":  {sandbox.DefaultAPIKey, "ca_1", `{"connection":{"state":{"authScheme":"BASIC","val":{}}}}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled()
			s.Script(sandbox.Answer{Apply: true}, sandbox.Answer{Apply: true, Status: 500})
			for _, want := range []int{tt.own, 500} {
				got := call(t, s, "PATCH", path+tt.id, tt.body, "X-Api-Key", tt.key)
				if got.status != want || last(s).Applied {
					t.Errorf("got %d %s, want %d; journal %v", got.status, got.body, want, last(s))
				}
			}
			wantStored(t, s, bearer("ca_1"))
		})
	}
}

func TestApplyKeepsToTheRateLimit(t *testing.T) {
	s := filled(sandbox.WithRateLimit(1, time.Hour))
	s.Script(sandbox.Answer{Apply: true}, sandbox.Answer{Apply: true}, sandbox.Answer{Status: 418})
	for _, want := range []int{200, 429, 418} {
		got := patch(t, s, "ca_1", `{"alias":"work"}`)
		if got.status != want || last(s).Applied != (want == 200) || (got.header.Get("Retry-After") == "3600") != (want == 429) {
			t.Errorf("got %d %v %s, want %d", got.status, got.header, got.body, want)
		}
	}
}

func TestAnswerChangesTheSandboxsOwn(t *testing.T) {
	s := filled()
	s.Script(
		sandbox.Answer{Apply: true, Body: "other"},
		sandbox.Answer{Apply: true, Header: http.Header{"x-added": {"yes"}, "X-Request-Id": nil}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"nonsense"}}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"-1"}}},
		sandbox.Answer{Apply: true, Header: http.Header{"Content-Length": {"0"}}},
		sandbox.Answer{Status: 418, Body: "cut", Header: http.Header{"Content-Length": {"2"}}},
	)
	for i, want := range []struct {
		status      int
		body, added string
	}{{200, "other", ""}, {200, goodBody, "yes"}, {200, goodBody, ""}, {200, goodBody, ""}, {200, "", ""}, {418, "cu", ""}} {
		w := serve(t, s, `{}`)
		if w.Code != want.status || w.Body.String() != want.body || w.Header().Get("X-Added") != want.added || (w.Header().Get("X-Request-Id") == "") != (i == 1) {
			t.Errorf("%d: got %d %v %s", i, w.Code, w.Header(), w.Body)
		}
	}
}

// Two updates that are sent one after another take effect in that order, also if the first one's answer is late.
func TestUpdateTakesEffectBeforeTheDelay(t *testing.T) {
	for name, f := range map[string]sandbox.Answer{
		"before the headers": {Apply: true, Delay: time.Hour},
		"in the body":        {Apply: true, BodyDelay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := filled()
				s.Script(f)
				start := time.Now()
				answer := make(chan *httptest.ResponseRecorder)
				go func() { answer <- serve(t, s, `{"alias":"work"}`) }()
				synctest.Wait()
				if a, _ := s.Account("ca_1"); a.Alias != "work" || !last(s).Applied {
					t.Errorf("while it waits: account %v, journal %v", a, last(s))
				}
				w := <-answer
				if took := time.Since(start); took != time.Hour || w.Code != 200 || w.Body.String() != goodBody || last(s).Status != 200 {
					t.Errorf("after %v: answer %v, journal %v", took, w, last(s))
				}
			})
		})
	}
}
