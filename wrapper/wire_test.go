package composio_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
)

// schema is one of the document's, so that a change of the document reaches the tests that go through it.
func schema(t testing.TB, name string) *openapi3.Schema {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	ref, ok := document.Components.Schemas[name]
	if !ok {
		t.Fatalf("the document has no schema %s", name)
	}
	return ref.Value
}

// credentialNames are the wire names of the document's credential fields, in the order in which they are sent.
func credentialNames(t testing.TB) []string {
	t.Helper()
	names := slices.Sorted(maps.Keys(schema(t, "CredentialPatch").Properties))
	if len(names) == 0 {
		t.Fatal("the document has no credential fields")
	}
	return names
}

// documentSchemes are the document's schemes.
func documentSchemes(t testing.TB) []composio.Scheme {
	t.Helper()
	var schemes []composio.Scheme
	for _, value := range schema(t, "AuthScheme").Enum {
		schemes = append(schemes, composio.Scheme(value.(string)))
	}
	if len(schemes) == 0 {
		t.Fatal("the document has no schemes")
	}
	return schemes
}

// bodyOf sends u to a server and returns the bytes that arrive.
func bodyOf(t testing.TB, u composio.Update) string {
	t.Helper()
	rec := newRecorder(t, nil)
	mustUpdate(t, newTestClient(t, rec.URL), testID, u)
	return rec.only(t).Body
}

// wantBody fails the test if u arrives as anything but want.
func wantBody(t testing.TB, u composio.Update, want string) {
	t.Helper()
	if got := bodyOf(t, u); got != want {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}

// states are what a credential field can be told, with the JSON that says it.
var states = []struct {
	name  string
	field composio.Field
	json  string
}{
	{"set", composio.Set("new-value"), `"new-value"`},
	{"set verbatim", composio.SetVerbatim("new-value"), `"new-value"`},
	{"set empty", composio.Set(""), `""`},
	{"set verbatim empty", composio.SetVerbatim(""), `""`},
	{"clear", composio.Clear(), `null`},
}

// Each field alone: a client whose only test sets every field can send null for each one that is not.
func TestEachCredentialFieldAloneByItsWireName(t *testing.T) {
	t.Parallel()
	for _, name := range credentialNames(t) {
		for _, state := range states {
			inParallel(t, name+"/"+state.name, func(t *testing.T) {
				wantBody(t,
					composio.Update{Credentials: composio.CredentialFields{
						Scheme: composio.SchemeAPIKey,
						Fields: map[string]composio.Field{name: state.field},
					}},
					fmt.Sprintf(`{"connection":{"state":{"authScheme":"API_KEY","val":{%q:%s}}}}`, name, state.json))
			})
		}
	}
}

// A field is absent where all the others are there, whether it is not in the map or in it as the zero value.
func TestEachCredentialFieldIsAbsentWhileAllOthersAreSet(t *testing.T) {
	t.Parallel()
	names := credentialNames(t)
	for _, absent := range names {
		for _, inMap := range []bool{false, true} {
			inParallel(t, fmt.Sprintf("%s/in the map %t", absent, inMap), func(t *testing.T) {
				fields := map[string]composio.Field{}
				var sent []string
				for i, name := range names {
					switch {
					case name != absent:
						state := states[i%len(states)]
						fields[name] = state.field
						sent = append(sent, fmt.Sprintf("%q:%s", name, state.json))
					case inMap:
						fields[name] = composio.Field{}
					}
				}
				wantBody(t,
					composio.Update{Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: fields}},
					`{"connection":{"state":{"authScheme":"BASIC","val":{`+strings.Join(sent, ",")+`}}}}`)
			})
		}
	}
}

// typedFields is every field of the credential structs, with its scheme and name on the wire as Composio publishes them.
var typedFields = []struct {
	name, scheme, wire string
	with               func(composio.Field) composio.Credentials
}{
	{"BearerToken.Token", "BEARER_TOKEN", "token",
		func(f composio.Field) composio.Credentials { return composio.BearerToken{Token: f} }},
	{"APIKey.GenericAPIKey", "API_KEY", "generic_api_key",
		func(f composio.Field) composio.Credentials { return composio.APIKey{GenericAPIKey: f} }},
	{"APIKey.APIKey", "API_KEY", "api_key",
		func(f composio.Field) composio.Credentials { return composio.APIKey{APIKey: f} }},
	{"APIKey.BearerToken", "API_KEY", "bearer_token",
		func(f composio.Field) composio.Credentials { return composio.APIKey{BearerToken: f} }},
	{"APIKey.BasicEncoded", "API_KEY", "basic_encoded",
		func(f composio.Field) composio.Credentials { return composio.APIKey{BasicEncoded: f} }},
	{"Basic.Username", "BASIC", "username",
		func(f composio.Field) composio.Credentials { return composio.Basic{Username: f} }},
	{"Basic.Password", "BASIC", "password",
		func(f composio.Field) composio.Credentials { return composio.Basic{Password: f} }},
	{"BasicWithJWT.Username", "BASIC_WITH_JWT", "username",
		func(f composio.Field) composio.Credentials { return composio.BasicWithJWT{Username: f} }},
	{"BasicWithJWT.Password", "BASIC_WITH_JWT", "password",
		func(f composio.Field) composio.Credentials { return composio.BasicWithJWT{Password: f} }},
	{"GoogleServiceAccount.CredentialsJSON", "GOOGLE_SERVICE_ACCOUNT", "credentials_json",
		func(f composio.Field) composio.Credentials { return composio.GoogleServiceAccount{CredentialsJSON: f} }},
	{"ServiceAccount.ApplicationID", "SERVICE_ACCOUNT", "application_id",
		func(f composio.Field) composio.Credentials { return composio.ServiceAccount{ApplicationID: f} }},
	{"ServiceAccount.InstallationID", "SERVICE_ACCOUNT", "installation_id",
		func(f composio.Field) composio.Credentials { return composio.ServiceAccount{InstallationID: f} }},
	{"ServiceAccount.PrivateKey", "SERVICE_ACCOUNT", "private_key",
		func(f composio.Field) composio.Credentials { return composio.ServiceAccount{PrivateKey: f} }},
}

// A field added to a struct without a row above would be tested by nothing.
func TestTypedFieldsHasEveryFieldOfTheStructs(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, c := range []composio.Credentials{
		composio.BearerToken{}, composio.APIKey{}, composio.Basic{}, composio.BasicWithJWT{},
		composio.GoogleServiceAccount{}, composio.ServiceAccount{},
	} {
		for f := range reflect.TypeOf(c).Fields() {
			want[reflect.TypeOf(c).Name()+"."+f.Name] = true
		}
	}
	got := map[string]bool{}
	for _, test := range typedFields {
		got[test.name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the fields (-structs +rows):\n%s", diff)
	}
}

// pointerTo is the credentials by pointer, the other form in which they may be given.
func pointerTo(c composio.Credentials) composio.Credentials {
	p := reflect.New(reflect.TypeOf(c))
	p.Elem().Set(reflect.ValueOf(c))
	return p.Interface().(composio.Credentials)
}

func TestEachTypedFieldAloneByValueAndByPointer(t *testing.T) {
	t.Parallel()
	for _, test := range typedFields {
		for _, state := range states {
			inParallel(t, test.name+"/"+state.name, func(t *testing.T) {
				want := fmt.Sprintf(`{"connection":{"state":{"authScheme":%q,"val":{%q:%s}}}}`, test.scheme, test.wire, state.json)
				wantBody(t, composio.Update{Credentials: test.with(state.field)}, want)
				wantBody(t, composio.Update{Credentials: pointerTo(test.with(state.field))}, want)
			})
		}
	}
}

func TestWholeCredentialStructs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		credentials composio.Credentials
		want        string
	}{
		{
			composio.APIKey{GenericAPIKey: composio.Set("g"), APIKey: composio.Clear(), BearerToken: composio.Set(""), BasicEncoded: composio.Set("e")},
			`{"authScheme":"API_KEY","val":{"api_key":null,"basic_encoded":"e","bearer_token":"","generic_api_key":"g"}}`,
		},
		{
			composio.Basic{Username: composio.Set("u"), Password: composio.Set("p")},
			`{"authScheme":"BASIC","val":{"password":"p","username":"u"}}`,
		},
		{
			composio.BasicWithJWT{Username: composio.Clear(), Password: composio.Set("p")},
			`{"authScheme":"BASIC_WITH_JWT","val":{"password":"p","username":null}}`,
		},
		{
			composio.ServiceAccount{ApplicationID: composio.Set("1"), InstallationID: composio.Set("2"), PrivateKey: composio.Set("k")},
			`{"authScheme":"SERVICE_ACCOUNT","val":{"application_id":"1","installation_id":"2","private_key":"k"}}`,
		},
		{
			composio.CredentialFields{Scheme: composio.SchemeGoogleServiceAccount, Fields: map[string]composio.Field{
				"credentials_json": composio.Set("{}"), "generic_token": composio.Clear(), "user_agent": {},
			}},
			`{"authScheme":"GOOGLE_SERVICE_ACCOUNT","val":{"credentials_json":"{}","generic_token":null}}`,
		},
	} {
		inParallel(t, fmt.Sprintf("%T", test.credentials), func(t *testing.T) {
			want := `{"connection":{"state":` + test.want + `}}`
			wantBody(t, composio.Update{Credentials: test.credentials}, want)
			wantBody(t, composio.Update{Credentials: pointerTo(test.credentials)}, want)
		})
	}
}

func TestEachSchemeIsSentAsTheDocumentSpellsIt(t *testing.T) {
	t.Parallel()
	for _, scheme := range documentSchemes(t) {
		inParallel(t, string(scheme), func(t *testing.T) {
			wantBody(t,
				composio.Update{Credentials: composio.CredentialFields{
					Scheme: scheme, Fields: map[string]composio.Field{"token": composio.Set("x")},
				}},
				fmt.Sprintf(`{"connection":{"state":{"authScheme":%q,"val":{"token":"x"}}}}`, scheme))
		})
	}
}

func TestEverySchemeOfTheDocumentHasAConstant(t *testing.T) {
	t.Parallel()
	constants := []composio.Scheme{
		composio.SchemeBearerToken, composio.SchemeAPIKey, composio.SchemeBasic, composio.SchemeBasicWithJWT,
		composio.SchemeGoogleServiceAccount, composio.SchemeServiceAccount,
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(documentSchemes(t))), slices.Sorted(slices.Values(constants))); diff != "" {
		t.Errorf("the schemes (-document +constants):\n%s", diff)
	}
}

func TestAliasInEachState(t *testing.T) {
	t.Parallel()
	token := composio.BearerToken{Token: composio.Set("x")}
	const connection = `"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"x"}}}`
	for _, test := range []struct {
		name   string
		update composio.Update
		want   string
	}{
		{"set", composio.Update{Alias: composio.Set("work")}, `{"alias":"work"}`},
		{"set verbatim", composio.Update{Alias: composio.SetVerbatim("work")}, `{"alias":"work"}`},
		{"set empty", composio.Update{Alias: composio.Set("")}, `{"alias":""}`},
		{"clear", composio.Update{Alias: composio.Clear()}, `{"alias":""}`},
		{"kept beside a credential", composio.Update{Credentials: token}, `{` + connection + `}`},
		{"set beside a credential", composio.Update{Alias: composio.Set("work"), Credentials: token}, `{"alias":"work",` + connection + `}`},
		{"cleared beside a credential", composio.Update{Alias: composio.Clear(), Credentials: token}, `{"alias":"",` + connection + `}`},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			wantBody(t, test.update, test.want)
		})
	}
}

func TestSharing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		sharing composio.Sharing
		want    string
	}{
		{"all users", composio.Sharing{AllowAllUsers: new(true)}, `{"allow_all_users":true}`},
		{"not all users", composio.Sharing{AllowAllUsers: new(false)}, `{"allow_all_users":false}`},
		{"allowed", composio.Sharing{AllowedUserIDs: []string{"user_1", "user_2"}}, `{"allowed_user_ids":["user_1","user_2"]}`},
		{"none allowed", composio.Sharing{AllowedUserIDs: []string{}}, `{"allowed_user_ids":[]}`},
		{"not allowed", composio.Sharing{NotAllowedUserIDs: []string{"user_1"}}, `{"not_allowed_user_ids":["user_1"]}`},
		{"none not allowed", composio.Sharing{NotAllowedUserIDs: []string{}}, `{"not_allowed_user_ids":[]}`},
		{
			"everything",
			composio.Sharing{AllowAllUsers: new(false), AllowedUserIDs: []string{"a"}, NotAllowedUserIDs: []string{}},
			`{"allow_all_users":false,"allowed_user_ids":["a"],"not_allowed_user_ids":[]}`,
		},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			wantBody(t, composio.Update{Sharing: &test.sharing}, `{"experimental":{"acl_config_for_shared":`+test.want+`}}`)
		})
	}
}

func TestAllThreePartsTogether(t *testing.T) {
	t.Parallel()
	wantBody(t,
		composio.Update{
			Alias:       composio.Set("work"),
			Credentials: composio.Basic{Password: composio.Set("p")},
			Sharing:     &composio.Sharing{AllowAllUsers: new(true)},
		},
		`{"alias":"work","connection":{"state":{"authScheme":"BASIC","val":{"password":"p"}}},`+
			`"experimental":{"acl_config_for_shared":{"allow_all_users":true}}}`)
}

// What changes nothing is not sent: a scheme with no credential could still be refused by Composio.
func TestPartsThatChangeNothingAreNotSentBesideOnesThatDo(t *testing.T) {
	t.Parallel()
	empty := []composio.Credentials{
		composio.CredentialFields{Scheme: composio.SchemeBasic},
		composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{}},
		composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{"password": {}}},
	}
	for _, c := range typedFields {
		empty = append(empty, c.with(composio.Field{}))
	}
	for _, c := range empty {
		wantBody(t, composio.Update{Alias: composio.Set("work"), Credentials: c}, `{"alias":"work"}`)
		wantBody(t, composio.Update{Alias: composio.Set("work"), Credentials: pointerTo(c)}, `{"alias":"work"}`)
	}
	wantBody(t, composio.Update{Alias: composio.Set("work"), Sharing: &composio.Sharing{}}, `{"alias":"work"}`)
	wantBody(t, composio.Update{Alias: composio.Set("work"), Credentials: composio.BearerToken{}, Sharing: &composio.Sharing{}}, `{"alias":"work"}`)
}

// Values that JSON must escape come out of it as they went in.
func TestValuesSurviveJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`"quoted" \back\slash/`, "-----BEGIN PRIVATE KEY-----\nMIIE\r\n\t-----END PRIVATE KEY-----\n",
		"<a href='x'>&amp;</a>", "\u2028\u2029", "\x00\x01\x1f\x7f", "Grüße, 世界 🔑", `{"type":"service_account"}`, "\ufffd", " ",
	} {
		inParallel(t, fmt.Sprintf("%q", value), func(t *testing.T) {
			body := bodyOf(t, composio.Update{
				Alias:       composio.Set(value),
				Credentials: composio.GoogleServiceAccount{CredentialsJSON: composio.SetVerbatim(value)},
				Sharing:     &composio.Sharing{AllowedUserIDs: []string{value}},
			})
			var got any
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			want := any(map[string]any{
				"alias": value,
				"connection": map[string]any{"state": map[string]any{
					"authScheme": "GOOGLE_SERVICE_ACCOUNT", "val": map[string]any{"credentials_json": value},
				}},
				"experimental": map[string]any{"acl_config_for_shared": map[string]any{"allowed_user_ids": []any{value}}},
			})
			wantSame(t, "the body, decoded", want, got)
		})
	}
}

// An Update may be a package's variable, sent many times.
func TestAnUpdateIsNotChangedBySendingIt(t *testing.T) {
	t.Parallel()
	ids := []string{"b", "a"}
	fields := map[string]composio.Field{"token": composio.Set("x"), "username": {}}
	u := composio.Update{
		Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: fields},
		Sharing:     &composio.Sharing{AllowedUserIDs: ids},
	}
	first, second := bodyOf(t, u), bodyOf(t, u)
	if first != second {
		t.Errorf("the same update was sent as\n%s\nand then as\n%s", first, second)
	}
	if diff := cmp.Diff([]string{"b", "a"}, ids); diff != "" || len(fields) != 2 {
		t.Errorf("the caller's list (-want +got):\n%s\nand map: %v", diff, fields)
	}
}
