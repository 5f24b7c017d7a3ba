package composio_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	composio "example.com/composio/wrapper"
)

func TestFieldShowsItsStateAndNotItsValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		field composio.Field
		want  string
	}{
		{"zero", composio.Field{}, "keep"},
		{"Set", composio.Set(secretToken), "[redacted]"},
		{"Set empty", composio.Set(""), "[redacted]"},
		{"SetVerbatim", composio.SetVerbatim(secretToken), "[redacted]"},
		{"SetVerbatim empty", composio.SetVerbatim(""), "[redacted]"},
		{"Clear", composio.Clear(), "clear"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			if got := test.field.String(); got != test.want {
				t.Errorf("String() = %q, want %q", got, test.want)
			}
			for _, format := range []string{"%v", "%+v", "%s"} {
				if got := fmt.Sprintf(format, test.field); got != test.want {
					t.Errorf("%s gives %q, want %q", format, got, test.want)
				}
			}
			encoded, err := json.Marshal(test.field)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(encoded), `"`+test.want+`"`; got != want {
				t.Errorf("its JSON is %s, want %s", got, want)
			}
		})
	}
}

// What a Field marshals to has lost the value: read back, "[redacted]" would become somebody's password.
func TestFieldCannotBeReadFromJSON(t *testing.T) {
	t.Parallel()
	const want = "composio: a Field cannot be read from JSON; use Set, SetVerbatim or Clear"
	for _, text := range []string{`"keep"`, `"clear"`, `"[redacted]"`, `"a value"`, `""`, `null`, `1`, `{}`, `[]`} {
		inParallel(t, text, func(t *testing.T) {
			field := composio.Set("before")
			if err := json.Unmarshal([]byte(text), &field); err == nil || err.Error() != want {
				t.Errorf("the error is %v, want %s", err, want)
			}
			var u composio.Update
			if err := json.Unmarshal([]byte(`{"Alias":`+text+`}`), &u); err == nil {
				t.Error("an Update with such an alias was read")
			}
			wantBody(t, composio.Update{Alias: field}, `{"alias":"before"}`)
		})
	}
}

// An update may be logged as JSON, to say what it would do.
func TestUpdateAsJSONSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(composio.Update{
		Alias:       composio.Clear(),
		Credentials: composio.APIKey{APIKey: composio.Set(secretToken), BearerToken: composio.Clear()},
		Sharing:     &composio.Sharing{AllowedUserIDs: []string{"user_1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Alias":"clear","Credentials":{"GenericAPIKey":"keep","APIKey":"[redacted]","BearerToken":"clear","BasicEncoded":"keep"},` +
		`"Sharing":{"AllowAllUsers":null,"AllowedUserIDs":["user_1"],"NotAllowedUserIDs":null}}`
	wantSame(t, "the JSON", want, string(got))
}

// What holds a secret shows none, alone or inside a service.
func TestNoVerbLogOrEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	field := composio.Set(secretToken)
	inParallel(t, "Field", func(t *testing.T) { wantHeldUnseen(t, field) })
	inParallel(t, "SetVerbatim", func(t *testing.T) { wantHeldUnseen(t, composio.SetVerbatim(secretToken)) })
	fields := composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{"token": field}}
	inParallel(t, "CredentialFields", func(t *testing.T) { wantHeldUnseen(t, fields) })
	for _, test := range typedFields {
		inParallel(t, test.name, func(t *testing.T) {
			wantHeldUnseen(t, pointerTo(test.with(field)))
			wantHeldUnseen(t, composio.Update{Alias: field, Credentials: test.with(field)})
		})
	}
	// fmt follows one pointer for a verb that does not fit. One more, and it would print the connection pool, in which other
	// goroutines write at that moment, or a transport's secret, as a proxy's password is one.
	client := mustNew(t, secretKey, composio.WithHTTPClient(&http.Client{Transport: &signing{password: secretToken}}))
	inParallel(t, "Client", func(t *testing.T) { wantHeldUnseen(t, *client); wantHeldUnseen(t, client) })
}

// signing is a transport with a secret.
type signing struct {
	http.RoundTripper
	password string
}
