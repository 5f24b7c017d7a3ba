package gen_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
)

// mustEqualReflected fails unless AppendJSON wrote what encoding/json writes.
func mustEqualReflected(t *testing.T, value interface{ AppendJSON([]byte) []byte }) {
	t.Helper()
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(value.AppendJSON(nil))); diff != "" {
		t.Errorf("AppendJSON differs from encoding/json (-want +got):\n%s", diff)
	}
}

// fill gives v, and what is in it, values that dice draws. It finds the fields by itself, so that a property which the
// document gains is tested too.
func fill(t *testing.T, v reflect.Value, text string, dice *rand.Rand) {
	t.Helper()
	if v.Type() == reflect.TypeFor[gen.NullableString]() {
		v.Set(reflect.ValueOf([]gen.NullableString{{}, gen.Null(), gen.String(""), gen.String(text)}[dice.IntN(4)]))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"", text}[dice.IntN(2)])
	case reflect.Bool:
		v.SetBool(dice.IntN(2) == 1)
	case reflect.Float64:
		v.SetFloat([]float64{0, 409, 16777217, -0.5, 1e21, dice.NormFloat64()}[dice.IntN(6)])
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(dice.Int32()))
	case reflect.Map, reflect.Interface: // nil, or what is in them goes to encoding/json anyway
	case reflect.Slice:
		if n := dice.IntN(4); n > 0 { // otherwise it stays nil
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
		}
		for i := range v.Len() {
			fill(t, v.Index(i), text, dice)
		}
	case reflect.Pointer:
		if dice.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), text, dice)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), text, dice)
		}
	default:
		t.Fatalf("the test knows no values for a %s", v.Type())
	}
}

// Every field of every type in every state, with any string.
func FuzzAppendJSON(f *testing.F) {
	for seed, text := range []string{"new_access_token", "", "a\"b\\c", "<é\u2028&>\x00\x7f\xff", "😀\n\t/", "\xed\xa0\x80"} {
		for round := range 20 {
			f.Add(text, uint64(100*seed+round))
		}
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		dice := rand.New(rand.NewPCG(seed, 0))
		for _, value := range []interface{ AppendJSON([]byte) []byte }{
			new(gen.PatchConnectedAccountBody), new(gen.PatchConnectedAccountResponse), new(gen.Error),
		} {
			fill(t, reflect.ValueOf(value).Elem(), text, dice)
			mustEqualReflected(t, value)
		}
	})
}

// A character that needs no escape in company may need one alone, so each stands alone.
func TestAppendJSONOfEachCharacter(t *testing.T) {
	t.Parallel()
	texts := []string{"\u0080", "é", "\u2028", "\u2029", "\ufffd", "😀"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}))
	}
	for _, text := range texts {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			mustEqualReflected(t, &gen.PatchConnectedAccountBody{Alias: &text, Connection: &gen.ConnectionPatch{State: gen.ConnectionStatePatch{
				AuthScheme: gen.AuthScheme(text), Val: gen.CredentialPatch{Token: gen.String(text)},
			}}})
		})
	}
}
