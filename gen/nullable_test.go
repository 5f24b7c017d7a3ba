package gen_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/composio/api"
	"example.com/composio/gen"
)

// TestMain fails the package if something leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNullableStringKeepsItsThreeStates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		json   string
		value  gen.NullableString
		want   string
		ok     bool
		isNull bool
	}{
		{"absent", `{}`, gen.NullableString{}, "", false, false},
		{"null", `{"token":null}`, gen.Null(), "", false, true},
		{"empty", `{"token":""}`, gen.String(""), "", true, false},
		{"a string", `{"token":"x"}`, gen.String("x"), "x", true, false},
		{"the word null", `{"token":"null"}`, gen.String("null"), "null", true, false},
		{"escapes", `{"token":"\"\\\n\u0000"}`, gen.String("\"\\\n\x00"), "\"\\\n\x00", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			encoded, err := json.Marshal(gen.CredentialPatch{Token: test.value})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(encoded); got != test.json {
				t.Errorf("it is encoded as %s, want %s", got, test.json)
			}
			var decoded gen.CredentialPatch
			if err := json.Unmarshal([]byte(test.json), &decoded); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded, gen.CredentialPatch{Token: test.value}) { // a list among the credentials has no !=
				t.Errorf("%s is decoded as %+v", test.json, decoded)
			}
			if got, ok := decoded.Token.Get(); got != test.want || ok != test.ok {
				t.Errorf("Get() = %q, %t, want %q, %t", got, ok, test.want, test.ok)
			}
			if got := decoded.Token.IsNull(); got != test.isNull {
				t.Errorf("IsNull() = %t, want %t", got, test.isNull)
			}
		})
	}
}

// Decoding goes into whatever was there before.
func TestNullableStringIsReplacedByDecoding(t *testing.T) {
	t.Parallel()
	for _, before := range []gen.NullableString{{}, gen.Null(), gen.String("before")} {
		for text, want := range map[string]gen.NullableString{`null`: gen.Null(), `""`: gen.String(""), `"x"`: gen.String("x")} {
			got := before
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s into %+v gives %+v, want %+v", text, before, got, want)
			}
		}
	}
}

func TestNullableStringRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`1`, `true`, `{}`, `[]`, `["x"]`} {
		var decoded gen.CredentialPatch
		if err := json.Unmarshal([]byte(`{"token":`+text+`}`), &decoded); err == nil {
			t.Errorf("%s is decoded as %+v", text, decoded.Token)
		}
	}
}

// Absence outside of an object cannot be said in JSON; null removes no more than one property.
func TestNullableStringAbsentByItselfIsNull(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(gen.NullableString{})
	if err != nil || string(got) != "null" {
		t.Errorf("it is encoded as %s, %v", got, err)
	}
}

// The generator's own float32 would make 16777216 of it.
func TestErrorCodeStaysItself(t *testing.T) {
	t.Parallel()
	const body = `{"error":{"code":16777217,"message":"m","slug":"s","status":16777217}}`
	var decoded gen.Error
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatal(err)
	}
	if code, status := int(decoded.Error.Code), int(decoded.Error.Status); code != 16777217 || status != 16777217 {
		t.Errorf("code = %d, status = %d, want 16777217", code, status)
	}
	encoded, err := json.Marshal(decoded)
	if err != nil || string(encoded) != body {
		t.Errorf("it is encoded as %s, %v, want %s", encoded, err, body)
	}
}

// Look-up by wire name and redaction go by Nullables, so a property that it lacks could be neither set nor hidden.
func TestNullablesAreTheNullableCredentialsOfTheDocument(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for name := range new(gen.CredentialPatch).Nullables() {
		got = append(got, name)
	}
	credentials := document.Components.Schemas["CredentialPatch"].Value.Properties
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		if is := credentials[name].Value; is.Nullable && is.Type.Is("string") {
			want = append(want, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || want == nil {
		t.Errorf("nullable credentials (-document +generated):\n%s", diff)
	}
}

// Each name must reach the property that is sent under it, and no other.
func TestNullablesReachThePropertyOfTheirName(t *testing.T) {
	t.Parallel()
	names := 0
	for name := range new(gen.CredentialPatch).Nullables() {
		names++
		var patch gen.CredentialPatch
		for candidate, property := range patch.Nullables() {
			if candidate == name {
				*property = gen.String("x")
			}
		}
		encoded, err := json.Marshal(patch)
		if want := `{"` + name + `":"x"}`; err != nil || string(encoded) != want {
			t.Errorf("%s is encoded as %s, %v, want %s", name, encoded, err, want)
		}
	}
	if names == 0 {
		t.Error("there are no names")
	}
}

// A loop that has found what it looks for may end.
func TestNullablesEndWithTheLoop(t *testing.T) {
	t.Parallel()
	all := 0
	for range new(gen.CredentialPatch).Nullables() {
		all++
	}
	for stop := 1; stop <= all; stop++ {
		seen := 0
		for range new(gen.CredentialPatch).Nullables() {
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("a loop that ends after %d saw %d", stop, seen)
		}
	}
}
