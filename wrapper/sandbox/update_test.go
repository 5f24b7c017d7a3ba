package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func wantStored(t *testing.T, s *sandbox.Server, want sandbox.Account) {
	t.Helper()
	got, ok := s.Account(want.ID)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("stored account (-want +got):\n%s", diff)
	}
}

func TestUpdateChangesWhatIsSentAlone(t *testing.T) {
	val := func(members string) string {
		return `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":` + members + `}}}`
	}
	acl := func(members string) string { return `{"experimental":{"acl_config_for_shared":` + members + `}}` }
	for name, tt := range map[string]struct {
		body   string
		change func(*sandbox.Account)
	}{
		"nothing":                 {``, func(*sandbox.Account) {}},
		"empty object":            {`{}`, func(*sandbox.Account) {}},
		"alias":                   {`{"alias":"work"}`, func(a *sandbox.Account) { a.Alias = "work" }},
		"alias cleared":           {`{"alias":""}`, func(a *sandbox.Account) { a.Alias = "" }},
		"own alias again":         {`{"alias":"home"}`, func(*sandbox.Account) {}},
		"no credential":           {val(`{}`), func(*sandbox.Account) {}},
		"credential replaced":     {val(`{"token":"new"}`), func(a *sandbox.Account) { a.Credentials["token"] = "new" }},
		"credential added":        {val(`{"api_key":"k"}`), func(a *sandbox.Account) { a.Credentials["api_key"] = "k" }},
		"credential emptied":      {val(`{"token":""}`), func(a *sandbox.Account) { a.Credentials["token"] = "" }},
		"credential removed":      {val(`{"token":null}`), func(a *sandbox.Account) { delete(a.Credentials, "token") }},
		"absent one removed":      {val(`{"api_key":null}`), func(*sandbox.Account) {}},
		"credential with quotes":  {val(`{"token":"<\"\u0000é\ud83d\ude00>"}`), func(a *sandbox.Account) { a.Credentials["token"] = "<\"\x00é😀>" }},
		"no sharing":              {acl(`{}`), func(*sandbox.Account) {}},
		"experimental alone":      {`{"experimental":{}}`, func(*sandbox.Account) {}},
		"all users off":           {acl(`{"allow_all_users":false}`), func(a *sandbox.Account) { a.AllowAllUsers = false }},
		"allowed list replaced":   {acl(`{"allowed_user_ids":["x","y"]}`), func(a *sandbox.Account) { a.AllowedUserIDs = []string{"x", "y"} }},
		"allowed list emptied":    {acl(`{"allowed_user_ids":[]}`), func(a *sandbox.Account) { a.AllowedUserIDs = []string{} }},
		"denied list replaced":    {acl(`{"not_allowed_user_ids":["x"]}`), func(a *sandbox.Account) { a.NotAllowedUserIDs = []string{"x"} }},
		"denied list emptied":     {acl(`{"not_allowed_user_ids":[]}`), func(a *sandbox.Account) { a.NotAllowedUserIDs = []string{} }},
		"a name in another case":  {`{"Alias":"x","Connection":{"state":{}}}`, func(*sandbox.Account) {}},
		"a nested one":            {acl(`{"Allow_all_users":false}`), func(*sandbox.Account) {}},
		"a number beyond float64": {`{"alias":"work","later":1e999}`, func(a *sandbox.Account) { a.Alias = "work" }},
		"unknown members outside": {`{"later":{"token":"x"}}`, func(*sandbox.Account) {}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New()
			s.Put(bearer("ca_1"))
			s.Put(bearer("ca_2"))
			want := bearer("ca_1")
			tt.change(&want)
			if name == "own alias again" { // bearer("ca_2") has the alias too
				other := bearer("ca_2")
				other.Alias = "other"
				s.Put(other)
			}
			got := patch(t, s, "ca_1", tt.body)
			if got.status != 200 || got.body != `{"id":"ca_1","status":"EXPIRED","success":true}` {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			wantStored(t, s, want)
			if q := last(s); q.Exempt || q.Status != 200 || q.Violations != nil {
				t.Errorf("journal: %+v", q)
			}
		})
	}
}

func TestUpdateEachCredential(t *testing.T) {
	var none gen.CredentialPatch
	for name := range none.Nullables() {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New()
			s.Put(sandbox.Account{ID: "ca_1", Scheme: composio.SchemeAPIKey})
			body := `{"connection":{"state":{"authScheme":"API_KEY","val":{%q:%s}}}}`
			for _, step := range []struct {
				value string
				want  map[string]string
			}{
				{`"v"`, map[string]string{name: "v"}},
				{`""`, map[string]string{name: ""}},
				{`null`, map[string]string{}},
			} {
				if got := patch(t, s, "ca_1", fmt.Sprintf(body, name, step.value)); got.status != 200 {
					t.Fatalf("got %d %s", got.status, got.body)
				}
				a, _ := s.Account("ca_1")
				if diff := cmp.Diff(step.want, a.Credentials); diff != "" {
					t.Errorf("after %s (-want +got):\n%s", step.value, diff)
				}
			}
		})
	}
}

func TestUpdateAliasClash(t *testing.T) {
	for name, tt := range map[string]struct {
		other func(*sandbox.Account)
		want  int
	}{
		"same user and toolkit": {func(*sandbox.Account) {}, 409},
		"other scheme":          {func(a *sandbox.Account) { a.Scheme = composio.SchemeAPIKey }, 409},
		"other user":            {func(a *sandbox.Account) { a.UserID = "user_2" }, 200},
		"other toolkit":         {func(a *sandbox.Account) { a.Toolkit = "gitlab" }, 200},
		"other alias":           {func(a *sandbox.Account) { a.Alias = "Work" }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New()
			s.Put(bearer("ca_1"))
			other := bearer("ca_2")
			other.Alias = "work"
			tt.other(&other)
			s.Put(other)
			got := patch(t, s, "ca_1", `{"alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new"}}}}`)
			if got.status != tt.want {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if tt.want == 200 {
				return
			}
			d := got.failure(t)
			if d.Message != `Alias "work" is already in use by another connection for this entity` || d.Status != 409 || d.RequestID == "" || d.SuggestedFix == "" {
				t.Errorf("error: %s", got.body)
			}
			wantStored(t, s, bearer("ca_1")) // not the token either
			if q := last(s); q.Exempt || q.Violations != nil {
				t.Errorf("journal: %+v", q)
			}
		})
	}
}

func TestUpdateEmptyAliasNeverClashes(t *testing.T) {
	s := sandbox.New()
	for _, id := range []string{"ca_1", "ca_2"} {
		a := bearer(id)
		a.Alias = ""
		s.Put(a)
	}
	if got := patch(t, s, "ca_1", `{"alias":""}`); got.status != 200 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestUpdateSchemeMismatch(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	got := patch(t, s, "ca_1", `{"alias":"new","connection":{"state":{"authScheme":"API_KEY","val":{"token":"new"}}}}`)
	if d := got.failure(t); got.status != 400 || d.Code != 600 || d.Slug != "ConnectedAccount_BadRequest" ||
		d.SuggestedFix != "Send authScheme BEARER_TOKEN" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	wantStored(t, s, bearer("ca_1")) // not the alias either
	if q := last(s); q.Exempt || q.Violations != nil {
		t.Errorf("journal: %+v", q)
	}
}

func TestUpdateOfOtherSchemesIsRefused(t *testing.T) {
	for _, scheme := range []composio.Scheme{"OAUTH2", "OAUTH1", ""} {
		t.Run(string(scheme), func(t *testing.T) {
			s := sandbox.New()
			want := bearer("ca_1")
			want.Scheme = scheme
			s.Put(want)
			for _, body := range []string{`{"alias":"new"}`, `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{}}}}`} {
				if got := patch(t, s, "ca_1", body); got.status != 400 || got.failure(t).Slug != "ConnectedAccount_BadRequest" {
					t.Errorf("%s: got %d %s", body, got.status, got.body)
				}
			}
			wantStored(t, s, want)
		})
	}
}

func TestUpdateOfUnknownAccount(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	got := call(t, s, "PATCH", path+"ca_gone", `{"alias":"new"}`, "X-Request-Id", "r1")
	want := gen.ErrorDetail{
		Code: 606, Slug: "ConnectedAccount_ResourceNotFound", Status: 404, RequestID: "r1",
		Message: `Connected account "ca_gone" not found`,
	}
	if diff := cmp.Diff(want, got.failure(t)); diff != "" || got.status != 404 {
		t.Errorf("status %d, error (-want +got):\n%s", got.status, diff)
	}
	if q := last(s); q.Exempt || q.Violations != nil {
		t.Errorf("journal: %+v", q)
	}
}
