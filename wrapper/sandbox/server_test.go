package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func TestServerRoutes(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"PATCH", "/api/v3/connected_accounts/ca_1", 200},
		{"PATCH", "/api/v3.1/connected_accounts/ca_1", 200},
		{"PATCH", "/api/v3/connected_accounts/ca_1?x=y", 200},
		{"PATCH", "/api/v3/connected_accounts/ca%5F1", 200},
		{"PATCH", "/api/v2/connected_accounts/ca_1", 404},
		{"PATCH", "/api/v3.2/connected_accounts/ca_1", 404},
		{"PATCH", "/prefix/api/v3/connected_accounts/ca_1", 404},
		{"PATCH", "/api/v3/connected_accounts/ca_1/", 404},
		{"PATCH", "/api/v3/connected_accounts/", 404},
		{"PATCH", "/api/v3/", 404},
		{"PATCH", "/", 404},
		{"GET", "/api/v3/toolkits", 404},
		{"GET", "/api/v3/connected_accounts/ca_1", 405},
		{"POST", "/api/v3.1/connected_accounts/ca_1", 405},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			s := filled()
			got := call(t, s, tt.method, tt.path, `{}`)
			if got.status != tt.want {
				t.Fatalf("status %d, want %d: %s", got.status, tt.want, got.body)
			}
			q := last(s)
			if q.Status != tt.want || q.Exempt != (tt.want != 200) || q.Violations != nil {
				t.Errorf("journal: %+v", q)
			}
			if tt.want == 200 {
				return
			}
			if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || strings.Contains(got.body, "ConnectedAccount") {
				t.Errorf("this reads like Composio's own answer: %v %s", got.header, got.body)
			}
			if allow := got.header.Get("Allow"); (allow == "PATCH") != (tt.want == 405) {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

func TestServerAuthenticates(t *testing.T) {
	for name, tt := range map[string]struct {
		header []string
		want   gen.ErrorDetail
	}{
		"no key": {[]string{"X-Api-Key", "-"}, gen.ErrorDetail{
			Code: 906, Slug: "Auth_NoAuthProvided", Message: "No authentication was provided",
			SuggestedFix: "Send the API key of the project in the header x-api-key",
		}},
		"empty key": {[]string{"X-Api-Key", ""}, gen.ErrorDetail{
			Code: 906, Slug: "Auth_NoAuthProvided", Message: "No authentication was provided",
			SuggestedFix: "Send the API key of the project in the header x-api-key",
		}},
		"wrong key": {[]string{"X-Api-Key", "ak_o1Og5aaaaaaaaaaaa"}, gen.ErrorDetail{
			Code: 10401, Slug: "HTTP_Unauthorized", Message: "Invalid API key: ak_o1Og5*****",
		}},
		"short wrong key": {[]string{"X-Api-Key", "ak_1"}, gen.ErrorDetail{
			Code: 10401, Slug: "HTTP_Unauthorized", Message: "Invalid API key: ak*****",
		}},
		"a second credential": {[]string{"X-User-Api-Key", "uak_1"}, gen.ErrorDetail{
			Code: 10401, Slug: "HTTP_Unauthorized", Message: "Invalid API key: ak_sa*****",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled()
			got := call(t, s, "PATCH", path+"ca_1", `{"alias":"new"}`, append(tt.header, "X-Request-Id", "r1")...)
			tt.want.Status, tt.want.RequestID = 401, "r1"
			if diff := cmp.Diff(tt.want, got.failure(t)); diff != "" || got.status != 401 {
				t.Errorf("status %d, error (-want +got):\n%s", got.status, diff)
			}
			wantStored(t, s, bearer("ca_1"))
			if q := last(s); q.Exempt || q.Violations != nil {
				t.Errorf("journal: %+v", q)
			}
		})
	}
}

func TestServerTakesItsKeyAlone(t *testing.T) {
	s := filled(sandbox.WithAPIKey("ak_mine"), nil)
	for key, want := range map[string]int{"ak_mine": 200, sandbox.DefaultAPIKey: 401} {
		if got := call(t, s, "PATCH", path+"ca_1", `{}`, "X-Api-Key", key); got.status != want {
			t.Errorf("%s: status %d, want %d", key, got.status, want)
		}
	}
	if got := call(t, sandbox.New(sandbox.WithAPIKey("")), "PATCH", path+"ca_1", `{}`, "X-Api-Key", ""); got.status != 401 {
		t.Errorf("an empty key was taken: %d", got.status)
	}
}

func TestServerNamesRequests(t *testing.T) {
	s := sandbox.New()
	s.Script(sandbox.Answer{Status: 502}) // has the header as well
	for _, sent := range []string{"", "mine", ""} {
		got := call(t, s, "PATCH", path+"ca_gone", `{}`, "X-Request-Id", sent)
		id := got.header.Get("X-Request-Id")
		if sent != "" && id != sent {
			t.Errorf("sent %q, answered %q", sent, id)
		}
		if uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`); sent == "" && !uuid.MatchString(id) {
			t.Errorf("made %q", id)
		}
		if got.status == 404 && got.failure(t).RequestID != id {
			t.Errorf("body has %q, header %q", got.failure(t).RequestID, id)
		}
	}
}

func TestServerRefusesWhatTheDocumentForbids(t *testing.T) {
	s := filled()
	got := call(t, s, "PATCH", path+"ca_1", `{"alias":null,"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"extra":"x"}}}}`, "X-Request-Id", "r1")
	want := gen.ErrorDetail{
		Message: "Validation error while processing request", Code: 10400, Slug: "HTTP_BadRequest", Status: 400,
		RequestID: "r1", Errors: []string{"/alias: nullable", "/connection/state/val/extra: additionalProperties"},
	}
	if diff := cmp.Diff(want, got.failure(t)); diff != "" || got.status != 400 {
		t.Errorf("status %d, error (-want +got):\n%s", got.status, diff)
	}
	if got.header.Get("X-RateLimit") == "" {
		t.Error("no rate-limit headers")
	}
	wantStored(t, s, bearer("ca_1"))
	if q := last(s); q.Exempt || q.Status != 400 || len(q.Violations) != 2 {
		t.Errorf("journal: %+v", q)
	}
}

func TestServerServesManyAtOnce(t *testing.T) {
	s := sandbox.New()
	srv := httptest.NewServer(s)
	defer srv.Close()
	var wg sync.WaitGroup
	for i := range 50 {
		id := fmt.Sprintf("ca_%d", i)
		wg.Go(func() {
			s.Put(sandbox.Account{ID: id, Scheme: composio.SchemeAPIKey, UserID: id})
			body := fmt.Sprintf(`{"alias":"%s","connection":{"state":{"authScheme":"API_KEY","val":{"api_key":"k"}}}}`, id)
			req, _ := http.NewRequest("PATCH", srv.URL+path+id, strings.NewReader(body))
			req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
			req.Header.Set("Content-Type", "application/json")
			res, err := srv.Client().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			if a, _ := s.Account(id); res.StatusCode != 200 || a.Alias != id || a.Credentials["api_key"] != "k" {
				t.Errorf("status %d, account %v", res.StatusCode, a)
			}
			s.Requests()
		})
	}
	wg.Wait()
	if n := len(s.Requests()); n != 50 {
		t.Errorf("%d requests in the journal", n)
	}
}

func TestServerTakesNilBody(t *testing.T) {
	s := filled()
	r := httptest.NewRequest("PATCH", path+"ca_1", nil)
	r.Body = nil
	r.Header = http.Header{"X-Api-Key": {sandbox.DefaultAPIKey}}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 || last(s).Body != nil {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
