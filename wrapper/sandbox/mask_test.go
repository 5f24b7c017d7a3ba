package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// A handler of slog that is not the standard library's may look at nothing else.
var (
	_ slog.LogValuer = sandbox.Account{}
	_ slog.LogValuer = sandbox.Request{}
)

// printed returns v printed in every way there is.
func printed(t *testing.T, v any) string {
	t.Helper()
	var all bytes.Buffer
	in := struct{ Exported any }{v}
	for _, x := range []any{v, in, &in, []any{v}, map[string]any{"k": v}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3v"} {
			fmt.Fprintf(&all, format+"\n", x)
		}
		data, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
		slog.New(slog.NewTextHandler(&all, nil)).Info("m", "a", x)
		slog.New(slog.NewJSONHandler(&all, nil)).Info("m", "a", x)
	}
	return all.String()
}

func wantNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")} {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%q shows: …%s…", secret, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}

func TestAccountPrintsNoCredential(t *testing.T) {
	a := sandbox.Account{
		ID: "ca_1", Alias: "work", Scheme: composio.SchemeBasic,
		Credentials: map[string]string{"username": "", "password": "hunter2secret"},
	}
	text := printed(t, a) + printed(t, &a) + a.String()
	wantNone(t, text, "hunter2secret")
	for _, want := range []string{"ca_1", "work", "password", "[redacted]", `"username":""`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is hidden", want)
		}
	}
	if a.Credentials["password"] != "hunter2secret" {
		t.Error("printing changed the account")
	}
}

func TestRequestPrintsNoSecret(t *testing.T) {
	s := filled(sandbox.WithAPIKey("ak_right_key"))
	call(t, s, "PATCH", path+"ca_1", `{"alias":"work","later":["latersecret",81549300],"connection":{"state":{"authScheme":"BEARER_TOKEN",`+
		`"val":{"token":"tokensecret","api_key":"","password":null}}},"experimental":{"acl_config_for_shared":{"allow_all_users":true,"allowed_user_ids":["user_9"]}}}`,
		"X-Api-Key", "ak_right_key", "Authorization", "Bearer othersecret", "Cookie", "c=cookiesecret")
	call(t, s, "PATCH", path+"ca_1", `token=formsecret`, "X-Api-Key", "ak_wrong_key", "X-User-Api-Key", "uak_secret")
	text := printed(t, s)
	all := s.Requests()
	for _, q := range all {
		text += printed(t, q) + printed(t, &q) + q.String()
	}
	wantNone(t, text, "ak_right_key", "ak_wrong_key", "uak_secret", "othersecret", "cookiesecret", "tokensecret", "latersecret", "81549300", "formsecret", "robot")
	for _, want := range []string{
		"ca_1", "BEARER_TOKEN", "work", "user_9", "Content-Type", "[redacted]", "body: json", "sandbox.Server(1 accounts, 2 requests)",
		`{"state":{"authScheme":"BEARER_TOKEN","val":{"api_key":"","password":null,"token":"[redacted]"}}}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is hidden", want)
		}
	}
	// The fields have it all. The sandbox takes the key that it was given alone.
	q := all[0]
	if q.Status != 200 || serve(t, s, `{}`).Code != 401 {
		t.Errorf("its own key is answered %d, and DefaultAPIKey %d", q.Status, last(s).Status)
	}
	if q.Header.Get("X-Api-Key") != "ak_right_key" || !strings.Contains(string(q.Body), "tokensecret") {
		t.Errorf("fields are masked: %q %q", q.Header, q.Body)
	}
}
