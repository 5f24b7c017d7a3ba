package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func TestUpdateChangesWhatIsSentAlone(t *testing.T) {
	val := func(members string) string {
		return `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":` + members + `}}}`
	}
	acl := func(members string) string { return `{"experimental":{"acl_config_for_shared":` + members + `}}` }
	every := map[string]string{}
	for name := range new(gen.CredentialPatch).Nullables() {
		every[name] = "new"
	}
	all, _ := json.Marshal(every)
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
		"every credential":        {val(string(all)), func(a *sandbox.Account) { a.Credentials = every }},
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
			s := filled()
			other := bearer("ca_2") // an empty alias never clashes
			other.Alias = ""
			s.Put(other)
			want := bearer("ca_1")
			tt.change(&want)
			if got := serve(t, s, tt.body); got.Code != 200 || got.Body.String() != goodBody {
				t.Fatalf("got %d %s", got.Code, got.Body)
			}
			wantStored(t, s, want)
			if q := last(s); q.Exempt || q.Status != 200 || q.Violations != nil {
				t.Errorf("journal: %+v", q)
			}
		})
	}
}

// An update that is refused has changed nothing, neither the alias nor the token.
func TestUpdateIsRefused(t *testing.T) {
	both := func(scheme string) string {
		return `{"alias":"work","connection":{"state":{"authScheme":"` + scheme + `","val":{"token":"new"}}}}`
	}
	refused := func(message, fix string) gen.ErrorDetail {
		return gen.ErrorDetail{Code: 600, Slug: "ConnectedAccount_BadRequest", Status: 400, Message: message, SuggestedFix: fix}
	}
	noKey := gen.ErrorDetail{Code: 906, Slug: "Auth_NoAuthProvided", Status: 401, Message: "No authentication was provided",
		SuggestedFix: "Send the API key of the project in the header x-api-key"}
	wrongKey := func(echo string) gen.ErrorDetail {
		return gen.ErrorDetail{Code: 10401, Slug: "HTTP_Unauthorized", Status: 401, Message: "Invalid API key: " + echo + "*****"}
	}
	for name, tt := range map[string]struct {
		id, scheme, body, header, value string
		want                            gen.ErrorDetail
	}{
		"alias taken": {"ca_1", "BEARER_TOKEN", both("BEARER_TOKEN"), "", "", gen.ErrorDetail{Code: 600, Slug: "ConnectedAccount_Conflict", Status: 409,
			Message: `Alias "work" is already in use by another connection for this entity`, SuggestedFix: "Choose another alias, or clear the other account's"}},
		"another scheme": {"ca_1", "BEARER_TOKEN", both("API_KEY"), "", "",
			refused("Auth scheme mismatch: the connected account uses BEARER_TOKEN, not API_KEY", "Send authScheme BEARER_TOKEN")},
		"OAuth 2":           {"ca_1", "OAUTH2", both("BEARER_TOKEN"), "", "", refused(`Connected accounts with auth scheme "OAUTH2" cannot be updated`, "Connect the account again")},
		"OAuth 1, an alias": {"ca_1", "OAUTH1", `{"alias":"new"}`, "", "", refused(`Connected accounts with auth scheme "OAUTH1" cannot be updated`, "Connect the account again")},
		"no scheme":         {"ca_1", "", `{}`, "", "", refused(`Connected accounts with auth scheme "" cannot be updated`, "Connect the account again")},
		"unknown account": {"ca_gone", "BEARER_TOKEN", both("BEARER_TOKEN"), "", "", gen.ErrorDetail{Code: 606, Slug: "ConnectedAccount_ResourceNotFound", Status: 404,
			Message: `Connected account "ca_gone" not found`}},
		"no key":              {"ca_1", "BEARER_TOKEN", `{"alias":"new"}`, "X-Api-Key", "-", noKey},
		"empty key":           {"ca_1", "BEARER_TOKEN", `{"alias":"new"}`, "X-Api-Key", "", noKey},
		"wrong key":           {"ca_1", "BEARER_TOKEN", `{"alias":"new"}`, "X-Api-Key", "ak_o1Og5aaaaaaaaaaaa", wrongKey("ak_o1Og5")},
		"short wrong key":     {"ca_1", "BEARER_TOKEN", `{"alias":"new"}`, "X-Api-Key", "ak_1", wrongKey("ak")},
		"a second credential": {"ca_1", "BEARER_TOKEN", `{"alias":"new"}`, "X-User-Api-Key", "uak_1", wrongKey("ak_sa")},
		"against the document": {"ca_1", "BEARER_TOKEN", `{"alias":null,"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"extra":"x"}}}}`, "", "", gen.ErrorDetail{
			Code: 10400, Slug: "HTTP_BadRequest", Status: 400, Message: "Validation error while processing request",
			Errors: []string{"/alias: nullable", "/connection/state/val/extra: additionalProperties"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox.New(sandbox.WithAPIKey(""), nil) // neither changes anything
			stored, other := bearer("ca_1"), bearer("ca_2")
			stored.Scheme, other.Alias, other.Scheme = composio.Scheme(tt.scheme), "work", composio.SchemeBasic
			s.Put(stored)
			s.Put(other)
			got := call(t, s, "PATCH", path+tt.id, tt.body, "X-Request-Id", "r1", tt.header, tt.value)
			tt.want.RequestID = "r1"
			var e gen.Error
			err := json.Unmarshal([]byte(got.body), &e)
			if diff := cmp.Diff(tt.want, e.Error); diff != "" || err != nil || float64(got.status) != tt.want.Status || got.header.Get("X-RateLimit") != "2000" {
				t.Errorf("status %d, %v, error (-want +got):\n%s", got.status, got.header, diff)
			}
			wantStored(t, s, stored)
			if q := last(s); q.Exempt || q.Applied || len(q.Violations) != len(tt.want.Errors) {
				t.Errorf("journal: %+v", q)
			}
		})
	}
}

func TestUpdateTakesAnAliasThatIsFree(t *testing.T) {
	for name, other := range map[string]sandbox.Account{
		"another user's":    {Toolkit: "github", UserID: "user_2", Alias: "work"},
		"another toolkit's": {Toolkit: "gitlab", UserID: "user_1", Alias: "work"},
		"in another case":   {Toolkit: "github", UserID: "user_1", Alias: "Work"},
	} {
		s := filled()
		s.Put(other)
		if got := serve(t, s, `{"alias":"work"}`); got.Code != 200 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

func TestAccountsAreCopied(t *testing.T) {
	s := sandbox.New()
	spoil := func(a sandbox.Account) {
		a.Credentials["token"], a.AllowedUserIDs[0], a.NotAllowedUserIDs[0] = "x", "x", "x"
	}
	in := bearer("ca_1")
	s.Put(in)
	spoil(in)
	wantStored(t, s, bearer("ca_1"))
	out, _ := s.Account("ca_1")
	spoil(out)
	wantStored(t, s, bearer("ca_1"))
}
