package composio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	composio "example.com/composio/wrapper"
)

// refused makes a call that must be refused with want as its whole text, before anything is sent.
func refused(t testing.TB, id string, u composio.Update, want string) {
	t.Helper()
	rec := newRecorder(t, nil)
	failure := mustFail(t, t.Context(), newTestClient(t, rec.URL), id, u)
	if !errors.Is(failure, composio.ErrInvalid) {
		t.Errorf("the error is not ErrInvalid: %v", failure)
	}
	if got := failure.Error(); got != want {
		t.Errorf("the error reads\n%s\nwant\n%s", got, want)
	}
	if errors.Is(failure, composio.ErrOutcomeUnknown) || failure.Retryable() || failure.Attempts != 0 || failure.StatusCode != 0 ||
		failure.RequestID != "" || failure.AccountID != id {
		t.Errorf("the error of a call that sent nothing reads %+v", failure)
	}
	if got := rec.requests(); len(got) != 0 {
		t.Errorf("the server received %v", got)
	}
}

// With the stock generated code ".." addresses another endpoint, and "" and "." the whole collection.
func TestIDsThatWouldChangeThePathAreRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		".", "..", "...", "a/b", "/", "ca_1/..", "../ca_1", "%2e%2e", "%2F", "ca_1?x=1", "ca_1#x", "ca_1;x", `ca_1\x`, "ca:1", "ca@1", "ca[1", "ca`1", "ca{1",
		" ", " ca_1", "ca_1 ", "ca 1", "ca_1\n", "ca_1\r\nX-Evil: 1", "ca\x00", "ca\t1", "ca\x7f", "ca_é", "ca_\u202e", "ca_１", "ca_\xff",
	} {
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
		for way, put := range map[string]func(string) composio.Field{"Set": composio.Set, "SetVerbatim": composio.SetVerbatim} {
			inParallel(t, fmt.Sprintf("%s %q", way, bad), func(t *testing.T) {
				refused(t, testID, composio.Update{Alias: put(bad)},
					"composio: ca_1a2b3c4d5e6f: the alias is not valid UTF-8, which JSON cannot carry")
				for _, name := range credentialNames(t) {
					refused(t, testID, fieldUpdate(name, put(bad)),
						"composio: ca_1a2b3c4d5e6f: credential "+name+": the value is not valid UTF-8, which JSON cannot carry")
				}
				for _, test := range typedFields {
					refused(t, testID, composio.Update{Credentials: test.with(put(bad))},
						"composio: ca_1a2b3c4d5e6f: credential "+test.wire+": the value is not valid UTF-8, which JSON cannot carry")
				}
			})
		}
		inParallel(t, fmt.Sprintf("user id %q", bad), func(t *testing.T) {
			ids := []string{"user_1", bad}
			refused(t, testID, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: ids}},
				"composio: ca_1a2b3c4d5e6f: AllowedUserIDs[1] is not valid UTF-8, which JSON cannot carry")
			refused(t, testID, composio.Update{Sharing: &composio.Sharing{NotAllowedUserIDs: ids}},
				"composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs[1] is not valid UTF-8, which JSON cannot carry")
		})
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

func TestMaskedCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range masked {
		inParallel(t, value, func(t *testing.T) {
			want := func(name string) string {
				return "composio: ca_1a2b3c4d5e6f: credential " + name +
					": the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim"
			}
			for _, name := range credentialNames(t) {
				refused(t, testID, fieldUpdate(name, composio.Set(value)), want(name))
			}
			for _, test := range typedFields {
				refused(t, testID, composio.Update{Credentials: test.with(composio.Set(value))}, want(test.wire))
			}
		})
	}
}

func TestSetVerbatimLetsMaskedCredentialsPass(t *testing.T) {
	t.Parallel()
	for _, value := range masked {
		inParallel(t, value, func(t *testing.T) {
			for _, name := range credentialNames(t) {
				wantBody(t, fieldUpdate(name, composio.SetVerbatim(value)),
					fmt.Sprintf(`{"connection":{"state":{"authScheme":"API_KEY","val":{%q:%q}}}}`, name, value))
			}
		})
	}
}

func TestCredentialsThatOnlyResembleMaskedOnesPass(t *testing.T) {
	t.Parallel()
	for _, value := range notMasked {
		inParallel(t, fmt.Sprintf("%q", value), func(t *testing.T) {
			wantBody(t, composio.Update{Credentials: composio.BearerToken{Token: composio.Set(value)}},
				fmt.Sprintf(`{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":%q}}}}`, value))
		})
	}
}

// Values as they come from a file, an editor, a table or a form: with more than the credential.
func TestCredentialsWithMoreThanTheCredentialAreRefused(t *testing.T) {
	t.Parallel()
	const (
		bom   = "the value begins with a byte order mark, as some editors write; take it off, or use SetVerbatim"
		nul   = "the value holds a NUL character; take it out, or use SetVerbatim"
		edges = "the value has white space at an edge, as from the end of a file; trim it, or use SetVerbatim"
	)
	for _, test := range []struct {
		value string
		// why it is refused as a token, as a password or user name, and as credentials_json; "" if it is not
		token, password, json string
	}{
		{"token", "", "", ""},
		{"to ken", "", "", ""},
		{"to\tken", "", "", ""},
		{"", "", "", ""},
		{"\ufefftoken", bom, bom, bom},
		{"\ufeff", bom, bom, bom},
		{"\ufeffline one\nline two", bom, bom, bom},
		{"token\ufeff", "", "", ""},
		{"\x00token", nul, nul, nul},
		{"to\x00ken", nul, nul, nul},
		{"line one\nline\x00two", nul, nul, nul},
		{"token\n", edges, edges, ""},
		{"token\r\n", edges, edges, ""},
		{"token\r", edges, edges, ""},
		{"\ntoken", edges, edges, ""},
		{"token\t", edges, edges, ""},
		{"\ttoken", edges, edges, ""},
		{" \ttoken", edges, edges, ""},
		{"token \n", edges, edges, ""},
		{"token\u2028", edges, edges, ""},
		{"token\u0085", edges, edges, ""},
		{"token\v", edges, edges, ""},
		{" token", edges, "", ""},
		{"token ", edges, "", ""},
		{"  to ken  ", edges, "", ""},
		{" ", edges, "", ""},
		{"\n", edges, edges, ""},
		{"\t", edges, edges, ""},
		{"line one\nline two\n", "", "", ""},
		{" line one\r\nline two \t", "", "", ""},
		{"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", "", "", ""},
	} {
		inParallel(t, fmt.Sprintf("%q", test.value), func(t *testing.T) {
			check := func(name, why string, with func(composio.Field) composio.Update) {
				if why != "" {
					refused(t, testID, with(composio.Set(test.value)), "composio: ca_1a2b3c4d5e6f: credential "+name+": "+why)
				}
				for _, put := range []func(string) composio.Field{composio.Set, composio.SetVerbatim} {
					var sent struct {
						Connection struct {
							State struct{ Val map[string]string }
						}
					}
					if why == "" {
						if err := json.Unmarshal([]byte(bodyOf(t, with(put(test.value)))), &sent); err != nil || sent.Connection.State.Val[name] != test.value {
							t.Errorf("%s: sent %q: %v", name, sent.Connection.State.Val[name], err)
						}
					}
					why = "" // SetVerbatim sends all
				}
			}
			reasons := map[string]string{"username": test.password, "password": test.password, "credentials_json": test.json}
			for _, name := range credentialNames(t) {
				why, ok := reasons[name]
				if !ok {
					why = test.token
				}
				check(name, why, func(f composio.Field) composio.Update { return fieldUpdate(name, f) })
			}
			for _, typed := range typedFields {
				why, ok := reasons[typed.wire]
				if !ok {
					why = test.token
				}
				check(typed.wire, why, func(f composio.Field) composio.Update { return composio.Update{Credentials: typed.with(f)} })
			}
			bodyOf(t, composio.Update{Alias: composio.Set(test.value)}) // an alias may be anything
		})
	}
}

// An alias is never shown masked, so one of this form is what somebody wants.
func TestAliasesAreNotCheckedForMasks(t *testing.T) {
	t.Parallel()
	for _, value := range masked {
		inParallel(t, value, func(t *testing.T) {
			wantBody(t, composio.Update{Alias: composio.Set(value)}, fmt.Sprintf(`{"alias":%q}`, value))
		})
	}
}

func TestUnknownSchemesAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scheme composio.Scheme
		want   string
	}{
		{"", `unknown scheme ""`},
		{"OAUTH2", `unknown scheme "OAUTH2"`},
		{"api_key", `unknown scheme "api_key"`},
		{"API_KEY ", `unknown scheme "API_KEY "`},
		{"BASIC\n", `unknown scheme "BASIC\n"`},
		{composio.Scheme(strings.Repeat("X", 1000)), `unknown scheme "` + strings.Repeat("X", 64) + `"`},
	} {
		inParallel(t, fmt.Sprintf("%.20q", test.scheme), func(t *testing.T) {
			for _, fields := range []map[string]composio.Field{{"token": composio.Set("x")}, {"token": composio.Clear()}, nil} {
				refused(t, testID, composio.Update{Credentials: composio.CredentialFields{Scheme: test.scheme, Fields: fields}},
					"composio: ca_1a2b3c4d5e6f: "+test.want)
			}
		})
	}
}

func TestUnknownFieldsAreRefusedAndTheKnownOnesListed(t *testing.T) {
	t.Parallel()
	there := fmt.Sprintf("; there are %v", credentialNames(t))
	for _, name := range []string{"", "Token", "tokens", "subdomain", "to ken", "token\n"} {
		for _, state := range append(states, struct {
			name  string
			field composio.Field
			json  string
		}{name: "keep"}) {
			inParallel(t, fmt.Sprintf("%q/%s", name, state.name), func(t *testing.T) {
				want := fmt.Sprintf("composio: ca_1a2b3c4d5e6f: unknown credential field %q", name) + there
				refused(t, testID, fieldUpdate(name, state.field), want)
				refused(t, testID, composio.Update{Credentials: &composio.CredentialFields{
					Scheme: composio.SchemeBearerToken,
					Fields: map[string]composio.Field{"token": composio.Set("x"), name: state.field},
				}}, want)
			})
		}
	}
}

// Of several unknown names the message has the first, whatever the order of the map.
func TestFirstUnknownFieldIsNamed(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, newRecorder(t, nil).URL)
	for range 20 {
		failure := mustFail(t, t.Context(), client, testID, composio.Update{Credentials: composio.CredentialFields{
			Scheme: composio.SchemeBasic,
			Fields: map[string]composio.Field{"z": {}, "username": {}, "b": {}, "a": {}, "password": composio.Set("p")},
		}})
		if !strings.Contains(failure.Error(), `unknown credential field "a";`) {
			t.Fatalf("the error is %q", failure)
		}
	}
}

// Of several values that are refused, too, the message has the first.
func TestFirstRefusedValueIsNamed(t *testing.T) {
	t.Parallel()
	refused(t, testID, composio.Update{Credentials: composio.ServiceAccount{
		ApplicationID: composio.Set("12345"), InstallationID: composio.Set("\xff"), PrivateKey: composio.Set("***"),
	}}, "composio: ca_1a2b3c4d5e6f: credential installation_id: the value is not valid UTF-8, which JSON cannot carry")
}

// Schema SharedAccountACL bounds lists and the ids in them; the numbers are the document's.
func TestUserIDsOutOfTheDocumentsBoundsAreRefused(t *testing.T) {
	t.Parallel()
	list := schema(t, "SharedAccountACL").Properties["allowed_user_ids"].Value
	maxIDs, maxLength := int(*list.MaxItems), int(*list.Items.Value.MaxLength)
	for _, test := range []struct {
		name string
		ids  []string
		want string // after the list's name
	}{
		{"one too many", users(maxIDs + 1), fmt.Sprintf(" has %d ids, more than %d", maxIDs+1, maxIDs)},
		{"many too many", users(5 * maxIDs), fmt.Sprintf(" has %d ids, more than %d", 5*maxIDs, maxIDs)},
		{"empty", []string{""}, fmt.Sprintf("[0] has 0 characters, not 1 to %d", maxLength)},
		{"empty among others", []string{"a", "b", ""}, fmt.Sprintf("[2] has 0 characters, not 1 to %d", maxLength)},
		{"too long", []string{"a", strings.Repeat("a", maxLength+1)}, fmt.Sprintf("[1] has %d characters, not 1 to %d", maxLength+1, maxLength)},
		{"too long in characters of four bytes", []string{strings.Repeat("🔑", maxLength+1)}, fmt.Sprintf("[0] has %d characters, not 1 to %d", maxLength+1, maxLength)},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			refused(t, testID, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: test.ids}},
				"composio: ca_1a2b3c4d5e6f: AllowedUserIDs"+test.want)
			refused(t, testID, composio.Update{Sharing: &composio.Sharing{NotAllowedUserIDs: test.ids}},
				"composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs"+test.want)
		})
	}
}

func TestUserIDsWithinTheDocumentsBoundsAreSent(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]string{
		"1,000 ids":                    users(1000),
		"one character":                {"a"},
		"256 characters":               {strings.Repeat("a", 256)},
		"256 characters of two bytes":  {strings.Repeat("é", 256)},
		"256 characters of four bytes": {strings.Repeat("🔑", 256)},
	} {
		inParallel(t, name, func(t *testing.T) {
			quoted := `["` + strings.Join(ids, `","`) + `"]`
			wantBody(t, composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: ids, NotAllowedUserIDs: ids}},
				`{"experimental":{"acl_config_for_shared":{"allowed_user_ids":`+quoted+`,"not_allowed_user_ids":`+quoted+`}}}`)
		})
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
	for _, test := range []struct {
		credentials composio.Credentials
		want        string
	}{
		{(*composio.BearerToken)(nil), "BearerToken"},
		{(*composio.APIKey)(nil), "APIKey"},
		{(*composio.Basic)(nil), "Basic"},
		{(*composio.BasicWithJWT)(nil), "BasicWithJWT"},
		{(*composio.GoogleServiceAccount)(nil), "GoogleServiceAccount"},
		{(*composio.ServiceAccount)(nil), "ServiceAccount"},
		{(*composio.CredentialFields)(nil), "CredentialFields"},
	} {
		inParallel(t, test.want, func(t *testing.T) {
			want := "composio: ca_1a2b3c4d5e6f: the credentials are a nil *composio." + test.want
			refused(t, testID, composio.Update{Credentials: test.credentials}, want)
			refused(t, testID, composio.Update{Alias: composio.Set("work"), Credentials: test.credentials}, want)
		})
	}
}

func TestUpdatesThatChangeNothingAreRefused(t *testing.T) {
	t.Parallel()
	updates := map[string]composio.Update{
		"the zero value":          {},
		"zero sharing":            {Sharing: &composio.Sharing{}},
		"zero sharing and token":  {Sharing: &composio.Sharing{}, Credentials: composio.BearerToken{}},
		"no fields":               {Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic}},
		"an empty map":            {Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{}}},
		"no fields, by pointer":   {Credentials: &composio.CredentialFields{Scheme: composio.SchemeBasic}},
		"zero fields, by pointer": {Credentials: &composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{"password": {}}}},
	}
	for _, name := range credentialNames(t) {
		updates["zero "+name] = fieldUpdate(name, composio.Field{})
	}
	for _, test := range typedFields {
		updates["zero "+test.name] = composio.Update{Credentials: test.with(composio.Field{})}
		updates["zero "+test.name+", by pointer"] = composio.Update{Credentials: pointerTo(test.with(composio.Field{}))}
	}
	for name, u := range updates {
		inParallel(t, name, func(t *testing.T) {
			refused(t, testID, u, "composio: ca_1a2b3c4d5e6f: the update changes nothing: set an alias, a credential or sharing")
		})
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
	alias, credentials, sharing := good, good, good
	alias.Alias = composio.Set("\xff")
	credentials.Credentials = composio.Basic{Username: composio.Set("u"), Password: composio.Set("***")}
	sharing.Sharing = &composio.Sharing{AllowAllUsers: new(true), NotAllowedUserIDs: []string{""}}
	refused(t, testID, alias, "composio: ca_1a2b3c4d5e6f: the alias is not valid UTF-8, which JSON cannot carry")
	refused(t, testID, credentials, "composio: ca_1a2b3c4d5e6f: credential password: the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim")
	refused(t, testID, sharing, "composio: ca_1a2b3c4d5e6f: NotAllowedUserIDs[0] has 0 characters, not 1 to 256")
}
