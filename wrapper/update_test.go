package composio_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
)

// refused makes a call that must be refused with want as its whole text, before anything is sent.
func refused(t testing.TB, id string, u composio.Update, want string) {
	t.Helper()
	_, failure := callInMemory(t, testKey, id, u, func(req *http.Request) (*http.Response, error) {
		t.Errorf("%s was sent", req.URL)
		return answerInMemory(req, http.StatusOK, success), nil
	})
	if failure == nil {
		t.Fatal("the call succeeded")
	}
	if got := failure.Error(); got != want {
		t.Errorf("the error reads\n%s\nwant\n%s", got, want)
	}
	if holding(failure) != "ErrInvalid" || failure.Retryable() || failure.Attempts != 0 || failure.StatusCode != 0 || failure.RequestID != "" || failure.AccountID != id {
		t.Errorf("the error of a call that sent nothing reads %+v", failure)
	}
}

// With the stock generated code ".." addresses another endpoint, and "" and "." the whole collection. So an id ends in the
// path as it is, or nowhere.
func TestIDsThatWouldChangeThePathAreRefused(t *testing.T) {
	t.Parallel()
	ids := []string{".", "..", "/", "ca_1/..", "../ca_1", "%2e%2e", " ", " ca_1", "ca_1 ", "ca_1\n", "ca_1\r\nX-Evil: 1", "ca_é", "ca_\u202e", "ca_１"}
	for b := range 256 {
		id := "ca" + string([]byte{byte(b)}) + "1"
		if strings.ContainsAny(id[2:3], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") {
			_, failure := callInMemory(t, testKey, id, rename, func(req *http.Request) (*http.Response, error) {
				wantSame(t, "the path", "/api/v3/connected_accounts/"+id, req.URL.RequestURI())
				return answerInMemory(req, http.StatusOK, `{"success":true}`), nil
			})
			if failure != nil {
				t.Error(failure)
			}
			continue
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		refused(t, id, rename, fmt.Sprintf("composio: the account id %q has a character other than A-Z, a-z, 0-9, _ and -", id))
	}
	for _, length := range []int{0, 129, 200} {
		refused(t, strings.Repeat("a", length), rename, fmt.Sprintf("composio: the account id has %d characters, not 1 to 128", length))
	}
}

// encoding/json would replace such bytes in silence, and the password that arrives would be another one.
func TestValuesThatAreNotUTF8AreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"\xff", "pass\xc3word", "cut short \xe4\xb8", "\xed\xa0\x80 half a surrogate pair"} {
		for _, put := range []func(string) composio.Field{composio.Set, composio.SetVerbatim} {
			refused(t, testID, composio.Update{Alias: put(bad)}, "composio: ca_1a2b3c4d5e6f: the alias is not valid UTF-8, which JSON cannot carry")
			for name, update := range everyCredential(t, put(bad)) {
				refused(t, testID, update, "composio: ca_1a2b3c4d5e6f: credential "+name+": the value is not valid UTF-8, which JSON cannot carry")
			}
		}
		ids := []string{"user_1", bad}
		refused(t, testID, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: ids}},
			"composio: ca_1a2b3c4d5e6f: AllowedUserIDs[1] is not valid UTF-8, which JSON cannot carry")
		refused(t, testID, composio.Update{Sharing: &composio.Sharing{NotAllowedUserIDs: ids}},
			"composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs[1] is not valid UTF-8, which JSON cannot carry")
	}
}

// everyCredential yields an update of each credential, by its wire name and by its struct's field.
func everyCredential(t testing.TB, field composio.Field) iter.Seq2[string, composio.Update] {
	return func(yield func(string, composio.Update) bool) {
		for _, name := range credentialNames(t) {
			if !yield(name, fieldUpdate(name, field)) {
				return
			}
		}
		for _, row := range typedFields {
			if !yield(row.wire, composio.Update{Credentials: row.with(field)}) {
				return
			}
		}
	}
}

// fieldUpdate is an update of one credential field by its wire name.
func fieldUpdate(name string, field composio.Field) composio.Update {
	return composio.Update{Credentials: composio.CredentialFields{
		Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{name: field},
	}}
}

// masked are the forms in which Composio shows a credential when it is read.
var masked = []string{
	"REDACTED", "redacted", "Redacted", "[redacted]", "[REDACTED]", "[Redacted]", "*", "***", "****************",
	"...", "s...", "sk-a...", "12345678...", "********...", "éèêëàâäå...",
}

// notMasked are close to a masked form, and may be somebody's password.
var notMasked = []string{
	"REDACTED!", "NOT REDACTED", "(redacted)", "[redacted", "redacted]", "**a", "a**", "* *",
	"123456789...", "éèêëàâäåæ...", "12345678..", "12345678....", "12345678...x", "…", ".", "..",
}

// What Set refuses: values as Composio shows them, and as they come from a file, an editor, a table or a form, with more
// than the credential. SetVerbatim sends them, and an alias may be anything.
func TestValuesThatSetRefuses(t *testing.T) {
	t.Parallel()
	const (
		mask  = "the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim"
		bom   = "the value begins with a byte order mark, as some editors write; take it off, or use SetVerbatim"
		nul   = "the value holds a NUL character; take it out, or use SetVerbatim"
		edges = "the value has white space at an edge, as from the end of a file; trim it, or use SetVerbatim"
	)
	type row struct {
		value string
		// why it is refused as a token, as a password or user name, and as credentials_json; "" if it is not
		token, password, json string
	}
	rows := []row{
		{"\ufefftoken", bom, bom, bom},
		{"\ufeff", bom, bom, bom},
		{"\ufeffline one\nline two", bom, bom, bom},
		{"\x00token", nul, nul, nul},
		{"to\x00ken", nul, nul, nul},
		{"line one\nline\x00two", nul, nul, nul},
		{" token", edges, "", ""},
		{"token ", edges, "", ""},
		{"  to ken  ", edges, "", ""},
		{" ", edges, "", ""},
	}
	for _, value := range masked {
		rows = append(rows, row{value, mask, mask, mask})
	}
	for _, value := range []string{
		"token\n", "token\r\n", "token\r", "\ntoken", "token\t", "\ttoken", " \ttoken", "token \n", "token\u2028", "token\u0085", "token\v", "\n", "\t",
	} {
		rows = append(rows, row{value, edges, edges, ""})
	}
	for _, value := range append(notMasked, "token", "to ken", "to\tken", "", "token\ufeff", "line one\nline two\n", " line one\r\nline two \t",
		"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n") {
		rows = append(rows, row{value: value})
	}
	for _, test := range rows {
		for name, update := range everyCredential(t, composio.Set(test.value)) {
			why := test.token
			switch name {
			case "username", "password":
				why = test.password
			case "credentials_json":
				why = test.json
			}
			if why != "" {
				refused(t, testID, update, "composio: ca_1a2b3c4d5e6f: credential "+name+": "+why)
			} else {
				wantSent(t, update, name, test.value)
			}
		}
		for name, update := range everyCredential(t, composio.SetVerbatim(test.value)) {
			wantSent(t, update, name, test.value)
		}
		for _, alias := range []composio.Field{composio.Set(test.value), composio.SetVerbatim(test.value)} {
			wantBody(t, composio.Update{Alias: alias}, `{"alias":`+jsonOf(t, test.value)+`}`)
		}
	}
}

// wantSent fails the test if u does not send value as the credential of that name.
func wantSent(t testing.TB, u composio.Update, name, value string) {
	t.Helper()
	var sent gen.PatchConnectedAccountBody
	err := json.Unmarshal([]byte(bodyOf(t, u)), &sent)
	if err != nil {
		t.Fatal(err)
	}
	for candidate, property := range sent.Connection.State.Val.Nullables() {
		if got, ok := property.Get(); candidate == name && (!ok || got != value) {
			t.Errorf("%s: sent %q, want %q", name, got, value)
		}
	}
}

func TestUnknownSchemesAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scheme composio.Scheme
		want   string
	}{
		{"", "of 0 characters"},
		{"OAUTH2", "of 6 characters"},
		{"api_key", `"api_key"`},
		{"API-KEY ", `"API-KEY "`},
		{"BASIC\n", `"BASIC\n"`},
		{"new_access_token", "of 16 characters"}, // it may be a token in the wrong place
	} {
		for _, fields := range []map[string]composio.Field{{"token": composio.Set("x")}, {"token": composio.Clear()}, nil} {
			refused(t, testID, composio.Update{Credentials: composio.CredentialFields{Scheme: test.scheme, Fields: fields}},
				"composio: ca_1a2b3c4d5e6f: unknown scheme "+test.want+"; there are [BEARER_TOKEN API_KEY BASIC BASIC_WITH_JWT GOOGLE_SERVICE_ACCOUNT SERVICE_ACCOUNT]")
		}
	}
}

// Of several unknown names the message has the first, whatever the order of the map.
func TestUnknownFieldsAreRefusedAndTheKnownOnesListed(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{
		"": "of 0 characters", "Token": `"Token"`, "subdomain": "of 9 characters", "to ken": `"to ken"`, "token\n": `"token\n"`,
		"new_access_token": "of 16 characters", "sëcret": "of 6 characters", // which may be a credential where its name should be
	} {
		for _, field := range []composio.Field{{}, composio.Set("x"), composio.Clear()} {
			want := fmt.Sprintf("composio: ca_1a2b3c4d5e6f: unknown credential field %s; there are %v", shown, credentialNames(t))
			refused(t, testID, fieldUpdate(name, field), want)
			refused(t, testID, composio.Update{Credentials: &composio.CredentialFields{
				Scheme: composio.SchemeBearerToken,
				Fields: map[string]composio.Field{"token": composio.Set("x"), name: field, "z": {}, "y": composio.Set("x")},
			}}, want)
		}
	}
}

// Schema SharedAccountACL bounds lists and the ids in them; the numbers are the document's.
func TestUserIDsHaveTheDocumentsBounds(t *testing.T) {
	t.Parallel()
	list := schema(t, "SharedAccountACL").Properties["allowed_user_ids"].Value
	maxIDs, maxLength := int(*list.MaxItems), int(*list.Items.Value.MaxLength)
	for _, test := range []struct {
		ids  []string
		want string // after the list's name
	}{
		{users(maxIDs + 1), fmt.Sprintf(" has %d ids, more than %d", maxIDs+1, maxIDs)},
		{users(5 * maxIDs), fmt.Sprintf(" has %d ids, more than %d", 5*maxIDs, maxIDs)},
		{[]string{""}, fmt.Sprintf("[0] has 0 characters, not 1 to %d", maxLength)},
		{[]string{"a", "b", ""}, fmt.Sprintf("[2] has 0 characters, not 1 to %d", maxLength)},
		{[]string{"a", strings.Repeat("a", maxLength+1)}, fmt.Sprintf("[1] has %d characters, not 1 to %d", maxLength+1, maxLength)},
		{[]string{strings.Repeat("🔑", maxLength+1)}, fmt.Sprintf("[0] has %d characters, not 1 to %d", maxLength+1, maxLength)},
	} {
		refused(t, testID, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: test.ids}}, "composio: ca_1a2b3c4d5e6f: AllowedUserIDs"+test.want)
		refused(t, testID, composio.Update{Sharing: &composio.Sharing{NotAllowedUserIDs: test.ids}}, "composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs"+test.want)
	}
	for _, ids := range [][]string{users(maxIDs), {"a"}, {strings.Repeat("a", maxLength)}, {strings.Repeat("é", maxLength)}, {strings.Repeat("🔑", maxLength)}} {
		list := `["` + strings.Join(ids, `","`) + `"]`
		wantBody(t, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: ids, NotAllowedUserIDs: ids}},
			`{"experimental":{"acl_config_for_shared":{"allowed_user_ids":`+list+`,"not_allowed_user_ids":`+list+`}}}`)
	}
}

// users returns n user ids.
func users(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("user_%d", i)
	}
	return ids
}

// A nil pointer is in the interface without the interface being nil, and any method called on it would panic.
func TestNilPointersAreRefused(t *testing.T) {
	t.Parallel()
	for _, nothing := range []composio.Credentials{
		(*composio.BearerToken)(nil), (*composio.APIKey)(nil), (*composio.Basic)(nil), (*composio.BasicWithJWT)(nil),
		(*composio.GoogleServiceAccount)(nil), (*composio.ServiceAccount)(nil), (*composio.CredentialFields)(nil),
	} {
		want := fmt.Sprintf("composio: ca_1a2b3c4d5e6f: the credentials are a nil %T", nothing)
		refused(t, testID, composio.Update{Credentials: nothing}, want)
		refused(t, testID, composio.Update{Alias: composio.Set("work"), Credentials: nothing}, want)
	}
}

// A part that is refused is not left out in favour of the others.
func TestOneRefusedPartRefusesTheWholeUpdate(t *testing.T) {
	t.Parallel()
	good := composio.Update{
		Alias:       composio.Set("work"),
		Credentials: composio.Basic{Username: composio.Set("u"), Password: composio.Set("p")},
		Sharing:     &composio.Sharing{AllowAllUsers: new(true)},
	}
	alias, credentials, several, sharing := good, good, good, good
	alias.Alias = composio.Set("\xff")
	credentials.Credentials = composio.Basic{Username: composio.Set("u"), Password: composio.Set("***")}
	several.Credentials = composio.Basic{Username: composio.Set("\xff"), Password: composio.Set("***")}
	sharing.Sharing = &composio.Sharing{AllowAllUsers: new(true), NotAllowedUserIDs: []string{""}}
	refused(t, testID, alias, "composio: ca_1a2b3c4d5e6f: the alias is not valid UTF-8, which JSON cannot carry")
	refused(t, testID, credentials, "composio: ca_1a2b3c4d5e6f: credential password: the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim")
	refused(t, testID, several, "composio: ca_1a2b3c4d5e6f: credential username: the value is not valid UTF-8, which JSON cannot carry") // the first
	refused(t, testID, sharing, "composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs[0] has 0 characters, not 1 to 256")
}
