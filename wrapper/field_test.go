package composio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
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
		{"Set", composio.Set(secretValue), "[redacted]"},
		{"Set empty", composio.Set(""), "[redacted]"},
		{"SetVerbatim", composio.SetVerbatim(secretValue), "[redacted]"},
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
		Credentials: composio.APIKey{APIKey: composio.Set(secretValue), BearerToken: composio.Clear()},
		Sharing:     &composio.Sharing{AllowedUserIDs: []string{"user_1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Alias":"clear","Credentials":{"GenericAPIKey":"keep","APIKey":"[redacted]","BearerToken":"clear","BasicEncoded":"keep"},` +
		`"Sharing":{"AllowAllUsers":null,"AllowedUserIDs":["user_1"],"NotAllowedUserIDs":null}}`
	wantSame(t, "the JSON", want, string(got))
}

// secretValue is in no other word, in no encoding, so that finding it means a leak.
const secretValue = "Zq7#Xv9!Kw2$"

// service is how a service may hold secrets: in unexported fields, which fmt prints without calling any method of
// theirs.
type service struct {
	field       composio.Field
	pointer     *composio.Field
	fields      []composio.Field
	byName      map[string]composio.Field
	credentials composio.Credentials
	update      composio.Update
	updates     []*composio.Update
	client      *composio.Client
	copied      composio.Client
	anything    any
}

// Exported is the same with exported fields, which encoding/json and log/slog look into.
type Exported struct {
	Field       composio.Field
	Pointer     *composio.Field
	Fields      []composio.Field
	ByName      map[string]composio.Field
	Credentials composio.Credentials
	Update      composio.Update
	Updates     []*composio.Update
	Client      *composio.Client
	Copied      composio.Client
	Anything    any
}

// holders are everything that holds secretValue, alone and inside a service.
func holders(t *testing.T) map[string]any {
	t.Helper()
	field := composio.Set(secretValue)
	client := mustNew(t, secretValue)
	fields := composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{
		"token": field, "password": composio.SetVerbatim(secretValue),
	}}
	update := composio.Update{Alias: field, Credentials: fields}
	all := map[string]any{
		"Set":                    field,
		"SetVerbatim":            composio.SetVerbatim(secretValue),
		"pointer to a Field":     &field,
		"list of Fields":         []composio.Field{field},
		"map of Fields":          map[string]composio.Field{"token": field},
		"array of Fields":        [1]composio.Field{field},
		"CredentialFields":       fields,
		"pointer to CredentialF": &fields,
		"Update":                 update,
		"pointer to an Update":   &update,
		"Client":                 *client,
		"pointer to a Client":    client,
		"service":                service{field, &field, []composio.Field{field}, map[string]composio.Field{"a": field}, fields, update, []*composio.Update{&update}, client, *client, update},
		"pointer to a service":   &service{field, &field, []composio.Field{field}, map[string]composio.Field{"a": field}, &fields, update, nil, client, *client, &update},
		"exported":               Exported{field, &field, []composio.Field{field}, map[string]composio.Field{"a": field}, fields, update, []*composio.Update{&update}, client, *client, update},
		"pointer to exported":    &Exported{field, &field, []composio.Field{field}, map[string]composio.Field{"a": field}, &fields, update, nil, client, *client, &update},
		"service in a service":   struct{ inner struct{ service } }{struct{ service }{service{field: field, update: update, client: client}}},
	}
	for _, test := range typedFields {
		c := test.with(field)
		all[test.name] = c
		all["pointer to "+test.name] = pointerTo(c)
		all["Update with "+test.name] = composio.Update{Credentials: c}
		all["service with "+test.name] = service{credentials: c, update: composio.Update{Credentials: pointerTo(c)}, anything: c}
	}
	return all
}

// forms are secretValue, and its halves, in every form that a fmt verb or an encoder gives a string.
var forms = func() []string {
	var all []string
	for _, secret := range []string{secretValue, secretValue[:6], secretValue[6:]} {
		bytes := []byte(secret)
		all = append(all,
			secret, strings.Trim(fmt.Sprintf("%q", secret), `"`),
			fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret), fmt.Sprintf("% X", secret), fmt.Sprintf("% #x", secret),
			strings.Trim(fmt.Sprintf("%d", bytes), "[]"), strings.Trim(fmt.Sprintf("%#v", bytes), "[]byte{}"),
			base64.StdEncoding.EncodeToString(bytes)[:6])
	}
	return all
}()

// leaks reports whether text has secretValue, or a part of it worth having.
func leaks(text string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) })
}

// A test that looks for a secret must find it where it is.
func TestLeaksFindsASecretInEachForm(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "% X", "%# x", "%d"} {
		for _, shown := range []any{secretValue, []byte(secretValue), &struct{ s string }{secretValue}} {
			if text := fmt.Sprintf(format, shown); !leaks(text) {
				t.Errorf("%s of a %T gives %s, and no leak is seen", format, shown, text)
			}
		}
	}
	if leaks(fmt.Sprint(composio.Set("another"), "[redacted] composio-go")) {
		t.Error("a leak is seen where there is none")
	}
}

// formats are all letters as verbs, fitting and not, with flags.
func formats() []string {
	var all []string
	for verb := 'A'; verb <= 'z'; verb++ {
		if verb > 'Z' && verb < 'a' {
			continue
		}
		for _, flag := range []string{"", "+", "#", " ", "0", "-", "+#", "# ", "40", ".4"} {
			all = append(all, "%"+flag+string(verb))
		}
	}
	return all
}

// XML stands for the encoders that know nothing of Field: they must not find the value either.
func TestNoVerbLogOrEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(t) {
		inParallel(t, name, func(t *testing.T) {
			for _, format := range formats() {
				if text := fmt.Sprintf(format, holder); leaks(text) {
					t.Errorf("%s shows the secret: %s", format, text)
				}
			}
			for _, text := range []string{fmt.Sprint(holder), fmt.Sprintln(holder), fmt.Errorf("holds %v", holder).Error()} {
				if leaks(text) {
					t.Errorf("fmt shows the secret: %s", text)
				}
			}
			var out bytes.Buffer
			for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				logger := slog.New(handler)
				logger.Info("holds", "holder", holder)
				logger.With("with", holder).WithGroup("group").LogAttrs(context.Background(), slog.LevelWarn, "holds", slog.Any("holder", holder))
			}
			if strings.Count(out.String(), "\n") != 4 || leaks(out.String()) {
				t.Errorf("the log has the secret, or not four lines:\n%s", &out)
			}
			if text, err := json.Marshal(holder); err != nil || leaks(string(text)) {
				t.Errorf("the JSON has the secret, or an error: %s %v", text, err)
			}
			if text, err := xml.Marshal(holder); leaks(string(text)) || err != nil && leaks(err.Error()) {
				t.Errorf("the XML has the secret: %s %v", text, err)
			}
		})
	}
}

// signing is a transport with a secret, as the one of net/http has a proxy's password.
type signing struct {
	http.RoundTripper
	proxyPassword string
}

// fmt follows one pointer for a verb that does not fit. One more, and it would print the connection pool, in which
// other goroutines write at that moment.
func TestNoVerbReachesTheTransportOfAClient(t *testing.T) {
	t.Parallel()
	client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: &signing{proxyPassword: secretValue}}))
	for name, holder := range map[string]any{
		"Client":           *client,
		"pointer":          client,
		"service":          service{client: client, copied: *client},
		"pointer to it":    &service{client: client, copied: *client},
		"exported":         Exported{Client: client, Copied: *client},
		"list of pointers": []*composio.Client{client},
	} {
		inParallel(t, name, func(t *testing.T) {
			for _, format := range formats() {
				if text := fmt.Sprintf(format, holder); leaks(text) {
					t.Errorf("%s shows what the transport holds: %s", format, text)
				}
			}
		})
	}
}
