package sandbox_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func TestReadAccounts(t *testing.T) {
	long := strings.Repeat("k", 100_000)
	got, err := sandbox.ReadAccounts(strings.NewReader(
		`{"id":"ca_1","toolkit":"github","user":"user_1","scheme":"BEARER_TOKEN","alias":"work\ufffd","status":"EXPIRED","credentials":{"token":"<é\u00e9\n>","user_agent":""}}` + "\r\n" +
			" \n\n" +
			`  {"scheme":"OAUTH2","id":"ca_2","credentials":{"refresh_token":"` + long + `"}}  ` + "\n" +
			`{"id":"Id","scheme":"S2S_OAUTH2"}`))
	want := []sandbox.Account{
		{ID: "ca_1", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "work\ufffd", Status: composio.StatusExpired,
			Credentials: map[string]string{"token": "<éé\n>", "user_agent": ""}},
		{ID: "ca_2", Scheme: "OAUTH2", Status: composio.StatusActive, Credentials: map[string]string{"refresh_token": long}},
		{ID: "Id", Scheme: "S2S_OAUTH2", Status: composio.StatusActive},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := sandbox.ReadAccounts(strings.NewReader("\n")); len(got) != 0 || err != nil {
		t.Errorf("an empty file: %v, %v", got, err)
	}
}

// wrongAccounts are refused as a line of a file, and as the body of a PUT of ca_1.
var wrongAccounts = map[string]struct{ json, want string }{
	"no JSON":                      {`{"id":"ca_1"`, "body: not one JSON value"},
	"two values":                   {`{"id":"ca_1","scheme":"BASIC"} {}`, "body: not one JSON value"},
	"no Unicode":                   {"{\"id\":\"ca_1\",\"scheme\":\"BASIC\",\"alias\":\"\xff\"}", "body: text that is not Unicode"},
	"half a character":             {`{"id":"ca_1","scheme":"BASIC","alias":"s3cret\ud800"}`, "/alias: text that is not Unicode"},
	"a key twice":                  {`{"id":"ca_1","scheme":"BASIC","alias":"s3cret","\u0061lias":"s3cret"}`, "/alias: given twice"},
	"a credential twice":           {`{"id":"ca_1","scheme":"BASIC","credentials":{"token":"s3cret","token":"s3cret"}}`, "/credentials/token: given twice"},
	"null":                         {`null`, "body: Value is not nullable"},
	"an unknown key":               {`{"id":"ca_1","scheme":"BASIC","aliass":"s3cret"}`, "body: property \"aliass\" is unsupported"},
	"a key in another case":        {`{"id":"ca_1","scheme":"BASIC","Alias":"s3cret"}`, "body: property \"Alias\" is unsupported"},
	"a number":                     {`{"id":"ca_1","scheme":"BASIC","alias":81549300}`, "/alias: value must be a string"},
	"a null":                       {`{"id":"ca_1","scheme":"BASIC","alias":null}`, "/alias: Value is not nullable"},
	"a null credential":            {`{"id":"ca_1","scheme":"BASIC","credentials":{"token":null}}`, "/credentials/token: Value is not nullable"},
	"no scheme":                    {`{"id":"ca_1"}`, `/scheme: property "scheme" is missing`},
	"an unknown scheme":            {`{"id":"ca_1","scheme":"s3cret"}`, "/scheme: neither in the OpenAPI document nor one of OAuth's"},
	"a scheme in another case":     {`{"id":"ca_1","scheme":"basic"}`, "/scheme: neither in the OpenAPI document nor one of OAuth's"},
	"a scheme that is not OAuth's": {`{"id":"ca_1","scheme":"SAML"}`, "/scheme: neither in the OpenAPI document nor one of OAuth's"},
	"an empty id":                  {`{"id":"","scheme":"BASIC"}`, "/id: minimum string length is 1"},
}

func TestReadAccountsRefuses(t *testing.T) {
	lines := func(line string) string { return `{"id":"ca_2","scheme":"BASIC"}` + "\n\n" + line + "\n" }
	for name, tt := range wrongAccounts {
		t.Run(name, func(t *testing.T) {
			got, err := sandbox.ReadAccounts(strings.NewReader(lines(tt.json)))
			if err == nil || err.Error() != "composio: line 3: "+tt.want || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	for line, want := range map[string]string{
		`{"id":"ca_2","scheme":"OAUTH1"}`: "composio: line 3: /id: the account of line 1 has it too",
		`{"scheme":"OAUTH1"}`:             "composio: line 3: /id: missing",
	} {
		if _, err := sandbox.ReadAccounts(strings.NewReader(lines(line))); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
	broken := errors.New("the disk is broken")
	if _, err := sandbox.ReadAccounts(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}
