package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"example.com/composio/gen"
	"example.com/composio/wrapper/sandbox"
)

// Scripted answers have their turn one after another, whatever the request that the document allows, and after them the
// sandbox is itself again. What Apply would have refused is refused, and an answer that says that nothing was done is true.
func TestScript(t *testing.T) {
	type seen struct {
		status       int
		header, body string // of an error body its slug
		applied      bool
	}
	const plain, right = "application/json 2000", sandbox.DefaultAPIKey
	work := `{"alias":"work"}`
	apply := func(status int) sandbox.Answer { return sandbox.Answer{Status: status, Apply: true} }
	own := func(name, value string) sandbox.Answer {
		return sandbox.Answer{Apply: true, Header: http.Header{name: {value}}}
	}
	good := seen{200, plain, goodBody, true}
	for name, tt := range map[string]struct {
		method, path, body, key string
		answers                 []sandbox.Answer
		want                    []seen
	}{
		"in order": {"PATCH", path + "ca_1", work, right, []sandbox.Answer{
			{Status: 502, Header: http.Header{"content-type": {"text/html"}, "X-Ratelimit": nil}, Body: "<p>"}, {Status: 200, Body: `{"error":"no envelope"}`}, {},
		}, []seen{{502, "text/html", "<p>", false}, {200, plain, `{"error":"no envelope"}`, false}, {200, plain, "", false}, good}},
		"the sandbox's own, changed": {"PATCH", path + "ca_1", work, right, []sandbox.Answer{
			{Apply: true, Body: "other"}, own("x-added", "yes"), own("Content-Length", "nonsense"), own("Content-Length", "-1"), own("Content-Length", "0"),
			{Status: 418, Body: "cut", Header: http.Header{"Content-Length": {"2"}}}, {Apply: true, Header: http.Header{"X-Request-Id": nil}},
		}, []seen{
			{200, plain, "other", true}, {200, plain + " yes", goodBody, true}, good, good, {200, plain, "", true},
			{418, plain, "cu", false}, {200, plain + " no id", goodBody, true},
		}},
		"applied whatever is said": {"PATCH", path + "ca_1", work, right,
			[]sandbox.Answer{apply(200), apply(400), apply(409), apply(500), apply(503)},
			[]seen{{200, plain, "", true}, {400, plain, "", true}, {409, plain, "", true}, {500, plain, "", true}, {503, plain, "", true}}},
		"said not to be applied": {"PATCH", path + "ca_1", work, right, []sandbox.Answer{apply(408), apply(429)}, []seen{{408, plain, "", false}, {429, plain, "", false}}},
		"a wrong key":            {"PATCH", path + "ca_1", work, "ak_wrong", []sandbox.Answer{apply(0), apply(500)}, []seen{{401, plain, "HTTP_Unauthorized", false}, {500, plain, "", false}}},
		"a wrong account": {"PATCH", path + "ca_gone", work, right, []sandbox.Answer{apply(0), apply(500)},
			[]seen{{404, plain, "ConnectedAccount_ResourceNotFound", false}, {500, plain, "", false}}},
		"a wrong scheme": {"PATCH", path + "ca_1", `{"alias":"work","connection":{"state":{"authScheme":"BASIC","val":{}}}}`, right, []sandbox.Answer{apply(0), apply(500)},
			[]seen{{400, plain, "ConnectedAccount_BadRequest", false}, {500, plain, "", false}}},
		"no key":    {"PATCH", path + "ca_gone", `{}`, "-", []sandbox.Answer{{Status: 503}}, []seen{{503, plain, "", false}}},
		"elsewhere": {"GET", "/elsewhere", ``, "-", []sandbox.Answer{{Status: 504}}, []seen{{504, plain, "", false}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled()
			s.Script(tt.answers[0])
			s.Script(tt.answers[1:]...)
			stored := bearer("ca_1")
			for i, want := range tt.want {
				w := record(t, s, tt.method, tt.path, tt.body, "X-Api-Key", tt.key)
				h := w.Header()
				got := seen{w.Code, strings.Join(strings.Fields(h.Get("Content-Type")+" "+h.Get("X-Ratelimit")+" "+h.Get("X-Added")), " "), w.Body.String(), last(s).Applied}
				if uuid.Validate(h.Get("X-Request-Id")) != nil {
					got.header += " no id"
				}
				var e gen.Error
				if json.Unmarshal(w.Body.Bytes(), &e) == nil && e.Error.Slug != "" {
					got.body = e.Error.Slug
				}
				if got != want || last(s).Exempt != (i < len(tt.answers)) {
					t.Errorf("%d: got %+v, want %+v; journal %v", i, got, want, last(s))
				}
				if want.applied {
					stored.Alias = "work"
				}
				wantStored(t, s, stored)
			}
		})
	}
}

// Scripted answers come before the rate limit, which only Apply looks at, and faults after it. What the document forbids
// meets none of them.
func TestScriptRateLimitAndFaultsTogether(t *testing.T) {
	s := filled(sandbox.WithRateLimit(5, time.Hour), sandbox.WithFaults(1, 1, sandbox.Answer{Name: "teapot", Status: 418}))
	script := []sandbox.Answer{{Name: "gone", Status: 410}, {Name: "own", Apply: true}}
	s.Script(script...)
	for i, want := range []struct {
		body   string
		status int
		fault  string
	}{
		{`{"alias":1}`, 400, ""}, {`{}`, 410, "gone"}, {`{}`, 200, "own"}, {`{"alias":1}`, 400, ""}, {`{}`, 418, "teapot"}, {`{}`, 429, ""},
		{`{}`, 410, "gone"}, {`{}`, 429, "own"},
	} {
		w := serve(t, s, want.body)
		if limited := w.Header().Get("Retry-After") == "3600"; w.Code != want.status || last(s).Fault != want.fault || limited != (want.status == 429) {
			t.Errorf("%d: got %d, journal %v", i, w.Code, last(s))
		}
		if i == 5 {
			s.Script(script...)
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
