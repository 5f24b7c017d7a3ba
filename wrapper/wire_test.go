package composio_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
)

var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.Spec) })

// schema is one of the document's, so that a change of the document reaches the tests that go through it.
func schema(t testing.TB, name string) *openapi3.Schema {
	t.Helper()
	document, err := document()
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
	var names []string
	for name, property := range schema(t, "CredentialPatch").Properties {
		if property.Value.Nullable && property.Value.Type.Is("string") { // a guard speaks of others
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatal("the document has no credential fields")
	}
	return names
}

// bodyOf returns the bytes that are sent for u.
func bodyOf(t testing.TB, u composio.Update) (body string) {
	t.Helper()
	_, failure := callInMemory(t, testKey, testID, u, func(req *http.Request) (*http.Response, error) {
		sent, err := io.ReadAll(req.Body)
		body = string(sent)
		return answerInMemory(req, http.StatusOK, success), err
	})
	if failure != nil {
		t.Errorf("the update was not sent: %v", failure)
	}
	return body
}

// wantBody fails the test if u is sent as anything but want.
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

// A field is absent where all the others are there, whether it is not in the map or in it as the zero value.
func TestEachCredentialFieldIsAbsentWhileAllOthersAreSet(t *testing.T) {
	t.Parallel()
	names := credentialNames(t)
	for _, absent := range names {
		for _, inMap := range []bool{false, true} {
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
			wantBody(t, composio.Update{Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: fields}},
				`{"connection":{"state":{"authScheme":"BASIC","val":{`+strings.Join(sent, ",")+`}}}}`)
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
	want, got := map[string]bool{}, map[string]bool{}
	for _, test := range typedFields {
		got[test.name] = true
		credentials := reflect.TypeOf(test.with(composio.Field{}))
		for f := range credentials.Fields() {
			want[credentials.Name()+"."+f.Name] = true
		}
	}
	wantSame(t, "the fields of the structs, and of the rows", want, got)
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
			want := fmt.Sprintf(`{"connection":{"state":{"authScheme":%q,"val":{%q:%s}}}}`, test.scheme, test.wire, state.json)
			wantBody(t, composio.Update{Credentials: test.with(state.field)}, want)
			wantBody(t, composio.Update{Credentials: pointerTo(test.with(state.field))}, want)
		}
	}
}

// What changes nothing is not sent beside what does, since a scheme with no credential could still be refused by Composio;
// alone it is refused.
func TestPartsThatChangeNothing(t *testing.T) {
	t.Parallel()
	empty := []composio.Credentials{
		nil,
		composio.CredentialFields{Scheme: composio.SchemeBasic},
		composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{}},
	}
	for _, name := range credentialNames(t) {
		empty = append(empty, fieldUpdate(name, composio.Field{}).Credentials)
	}
	for _, row := range typedFields {
		empty = append(empty, row.with(composio.Field{}), pointerTo(row.with(composio.Field{})))
	}
	for _, credentials := range empty {
		for _, sharing := range []*composio.Sharing{nil, {}} {
			refused(t, testID, composio.Update{Credentials: credentials, Sharing: sharing},
				"composio: ca_1a2b3c4d5e6f: the update changes nothing: set an alias, a credential or sharing")
			wantBody(t, composio.Update{Alias: composio.Set("work"), Credentials: credentials, Sharing: sharing}, `{"alias":"work"}`)
		}
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
