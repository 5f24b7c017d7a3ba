package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// A page is no answer of Composio's own.
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
		s := filled()
		got := call(t, s, tt.method, tt.path, `{}`)
		q, allow := last(s), got.header.Get("Allow")
		page := strings.HasPrefix(got.header.Get("Content-Type"), "text/html") && !strings.Contains(got.body, "ConnectedAccount")
		if got.status != tt.want || page != (tt.want != 200) || (allow == "PATCH") != (tt.want == 405) {
			t.Errorf("%s %s: %d %v %s", tt.method, tt.path, got.status, got.header, got.body)
		}
		if q.Status != tt.want || q.Exempt != page || q.Violations != nil {
			t.Errorf("%s %s: journal: %+v", tt.method, tt.path, q)
		}
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
			got := request(t.Context(), t, srv.Client(), "PATCH", srv.URL+path+id, body)
			if a, _ := s.Account(id); got.status != 200 || a.Alias != id || a.Credentials["api_key"] != "k" {
				t.Errorf("status %d, account %v", got.status, a)
			}
			s.Requests()
		})
	}
	wg.Wait()
	if n := len(s.Requests()); n != 50 {
		t.Errorf("%d requests in the journal", n)
	}
}
