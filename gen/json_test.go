package gen_test

import (
	"encoding/json"
	"math"
	"strings"
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

// Every field in every state, with any string: bit i of present and null says what field i is.
func FuzzAppendJSONOfAnUpdate(f *testing.F) {
	f.Add("work", "new_access_token", uint16(1<<13), uint16(0), "user_1,user_2", uint8(0xff))
	f.Add("", "", uint16(0xffff), uint16(0), "", uint8(0))
	f.Add("a\"b\\c", "<é\u2028&>\x00\x7f\xff", uint16(0x5555), uint16(0xffff), ",", uint8(0x2a))
	f.Fuzz(func(t *testing.T, alias, value string, present, null uint16, ids string, parts uint8) {
		has := func(part int) bool { return parts>>part&1 == 1 }
		var body gen.PatchConnectedAccountBody
		if has(0) {
			body.Alias = &alias
		}
		if has(1) {
			body.Connection = &gen.ConnectionPatch{State: gen.ConnectionStatePatch{AuthScheme: gen.AuthScheme(value)}}
			i := 0
			for _, property := range body.Connection.State.Val.Nullables() {
				switch {
				case present>>i&1 == 1:
					*property = gen.String(value)
				case null>>i&1 == 1:
					*property = gen.Null()
				}
				i++
			}
		}
		if has(2) {
			body.Experimental = &gen.ExperimentalPatch{}
			if has(3) {
				body.Experimental.ACLConfigForShared = &gen.SharedAccountACL{}
				if has(4) {
					body.Experimental.ACLConfigForShared.AllowAllUsers = new(has(5))
				}
				if has(6) {
					body.Experimental.ACLConfigForShared.AllowedUserIds = strings.Split(ids, ",")
				}
				if has(7) {
					body.Experimental.ACLConfigForShared.NotAllowedUserIds = []string{}
				}
			}
		}
		mustEqualReflected(t, &body)
	})
}

func FuzzAppendJSONOfAnAnswer(f *testing.F) {
	f.Add("Alias \"work\" is already in use", "ConnectedAccount_BadRequest", 16777217.0, true)
	f.Add("", "", -0.5, false)
	f.Fuzz(func(t *testing.T, message, slug string, code float64, all bool) {
		if math.IsNaN(code) || math.IsInf(code, 0) {
			code = 0 // no JSON number
		}
		detail := gen.ErrorDetail{Message: message, Slug: slug, Code: code, Status: code}
		if all {
			detail.Errors, detail.RequestID, detail.SuggestedFix = []string{message, slug}, slug, message
		}
		mustEqualReflected(t, &gen.Error{Error: detail})
		mustEqualReflected(t, &gen.PatchConnectedAccountResponse{ID: message, Status: slug, Success: all})
	})
}
