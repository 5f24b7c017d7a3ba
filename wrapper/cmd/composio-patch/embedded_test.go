package main

import (
	"regexp"
	"strings"
	"testing"

	"example.com/composio/wrapper/internal/example"
)

var (
	port      = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
	requestID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
)

// steady replaces what differs from run to run.
func steady(got outcome) outcome {
	for _, text := range []*string{&got.Out, &got.Err} {
		*text = requestID.ReplaceAllString(port.ReplaceAllString(*text, "127.0.0.1:PORT"), "REQUEST-ID")
	}
	return got
}

// The three commands of make demo, and two more. All of it is compared, so that each part is known to be there: what was
// sent with its secrets masked, what was answered, and the account before and after.
func TestTheSandboxFlagShowsWhatGoesOverTheWire(t *testing.T) {
	// Neither is looked at.
	t.Setenv("COMPOSIO_API_KEY", "a bad key")
	t.Setenv("COMPOSIO_BASE_URL", "not a url")
	const (
		account  = "  ca_1a2b3c4d5e6f  BEARER_TOKEN  ACTIVE  github of user_1  alias "
		sent     = "> PATCH /api/v3/connected_accounts/ca_1a2b3c4d5e6f\n> Content-Type: application/json\n> X-Api-Key: [redacted]\n> X-Request-Id: REQUEST-ID\n>\n> "
		answered = "\n< Content-Type: application/json\n< X-Request-Id: REQUEST-ID\n< X-Ratelimit: 2000\n< X-Ratelimit-Remaining: 1999\n<\n< "
		updated  = "ca_1a2b3c4d5e6f: updated; status ACTIVE, request id REQUEST-ID, 1 attempt\n"
	)
	success := "200 OK" + answered + example.JSON("ca_1a2b3c4d5e6f", "ACTIVE")
	for name, tt := range map[string]struct {
		args                []string
		status              int
		out                 string
		body, answer, after string
		failure             string
	}{
		"the reference page's example": {[]string{"--scheme", "BEARER_TOKEN", "--set", "token=new_access_token"}, exitDone, updated,
			`{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"[redacted]"}}}}`, success, `"personal"  token: new`, ""},
		"a null": {[]string{"--scheme", "BEARER_TOKEN", "--clear", "token"}, exitDone, updated,
			`{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null}}}}`, success, `"personal"  token: removed`, ""},
		"an alias clash": {[]string{"--alias", "work"}, exitFailed, "",
			`{"alias":"work"}`, "409 Conflict" + answered +
				`{"error":{"code":600,"message":"Alias \"work\" is already in use by another connection for this entity","request_id":"REQUEST-ID",` +
				`"slug":"ConnectedAccount_Conflict","status":409,"suggested_fix":"Choose another alias, or clear the other account's"}}`, `"personal"  token: set`,
			`composio-patch: ca_1a2b3c4d5e6f: 409 ConnectedAccount_Conflict (600): Alias "work" is already in use by another connection for this entity; ` +
				"fix: Choose another alias, or clear the other account's; request id REQUEST-ID\n" +
				"fix: choose another --alias, or clear it first on the account that has it\n"},
		"an alias, with JSON": {[]string{"--alias", "new", "--json"}, exitDone,
			`{"event":"row","id":"ca_1a2b3c4d5e6f","outcome":"done","status":"ACTIVE","http_status":200,"code":0,"slug":"","request_id":"REQUEST-ID","attempts":1,` +
				`"rate_limit":{"limit":2000,"remaining":1999,"window_seconds":60}}` + "\n",
			`{"alias":"new"}`, success, `"new"  token: set`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, steady(command(t, append([]string{"update", "ca_1a2b3c4d5e6f", "--sandbox"}, tt.args...)...)), outcome{tt.status, tt.out,
				"sandbox at http://127.0.0.1:PORT\n\nbefore" + account + `"personal"  token: set` + "\n\n" + sent + tt.body + "\n\n< " + tt.answer +
					"\n\nafter " + account + tt.after + "\n\n" + tt.failure})
		})
	}
}

func TestTheSandboxFlagShowsThatThereIsNoSuchAccount(t *testing.T) {
	got := steady(command(t, "update", "ca_gone", "--alias=x", "--sandbox"))
	if got.Status != exitFailed || !strings.Contains(got.Err, "\nbefore  no such account\n") || !strings.Contains(got.Err, "\nafter   no such account\n") ||
		!strings.HasSuffix(got.Err, "\nfix: check the ID: the project of this API key has no such account\n") {
		t.Errorf("%+v", got)
	}
}
