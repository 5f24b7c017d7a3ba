package composio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
)

// callInMemory makes one call in memory and returns all that came of it.
func callInMemory(t testing.TB, key, id string, u composio.Update, respond func(*http.Request) (*http.Response, error)) (*composio.Result, *composio.Error) {
	t.Helper()
	client := mustNew(t, key, composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(respond)}))
	result, err := client.UpdateConnectedAccount(t.Context(), id, u)
	failure, _ := errors.AsType[*composio.Error](err)
	if (err == nil) != (result != nil) || (err == nil) != (failure == nil) {
		t.Fatalf("the result is %v and the error a %T: %v", result, err, err)
	}
	return result, failure
}

// Whatever arrives: no panic, the status is kept, and nothing that was sent shows. SECRET and APIKEY in an answer stand for
// what was sent.
func FuzzAnswer(f *testing.F) {
	for i, known := range []struct {
		status int
		body   string
	}{
		{200, success},
		{200, `{"success":true,"id":"ca_SECRET","status":"APIKEY"}`},
		{200, `{"success":true,"id":"ca_1a2b`},
		{204, ""},
		{307, "APIKEY"},
		{400, `{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":600,"slug":"ConnectedAccount_BadRequest"}}`},
		{400, `{"error":{"message":"Validation error","error_code":10400,"suggested_fix":"not SECRET","errors":["Error in payload: SECRET",{"a":"SECRET"}]}}`},
		{401, `{"error":{"message":"Invalid API key: APIKEY","code":801,"slug":"APIKey_InvalidAPIKey"}}`},
		{404, `{"error":{"message":"Connected account \"ca_gone\" not found","code":606,"slug":"ConnectedAccount_ResourceNotFound","status":404}}`},
		{409, `{"error":"SECRET"}`},
		{429, `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`},
		{502, "<html>\r\n<body>SECRET APIKEY</body>\r\n</html>"},
		{500, `{"error":{"message":"string","code":0,"slug":"string","status":0,"request_id":"string","suggested_fix":"string","errors":["string"]}}`},
	} {
		f.Add(uint16(known.status), []byte(known.body), "req_SECRET", "17", "2000", "60s", byte(i), i%5 == 4)
	}
	f.Fuzz(func(t *testing.T, code uint16, raw []byte, requestID, retryAfter, limit, window string, form byte, broken bool) {
		status := int(code) % 1000
		encode := echoForms[int(form)%len(echoForms)].form
		fill := func(text string) string {
			return strings.NewReplacer("SECRET", encode(secretToken), "APIKEY", encode(secretKey)).Replace(text)
		}
		body := fill(string(raw))
		if showsSecret(string(raw)) || showsSecret(requestID) || !utf8.ValidString(requestID) {
			return // not the server's echo of what was sent
		}
		result, failure := callInMemory(t, secretKey, testID, composio.Update{
			Alias:       composio.Set("work"),
			Credentials: composio.BearerToken{Token: composio.Set(secretToken)},
		}, func(req *http.Request) (*http.Response, error) {
			answer := answerInMemory(req, status, body)
			answer.ContentLength = -1
			answer.Header = http.Header{
				"X-Request-Id": {fill(requestID)}, "Retry-After": {retryAfter},
				"X-Ratelimit": {limit}, "X-Ratelimit-Remaining": {limit}, "X-Ratelimit-Window-Size": {window},
			}
			if broken {
				answer.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), iotest.ErrReader(errors.New(fill("broken after SECRET")))))
			}
			return answer, nil
		})
		var said struct {
			Success bool `json:"success"`
		}
		succeeded := status >= 200 && status < 300
		if result != nil {
			if err := json.Unmarshal([]byte(body), &said); err != nil || !said.Success || !succeeded || broken {
				t.Errorf("a result after %d with %q: %+v", status, body, result)
			}
			if text := fmt.Sprintf("%+v", *result); showsSecret(text) {
				t.Errorf("the result shows the secret: %s", text)
			}
			return
		}
		if want := max(status, 100); failure.StatusCode != status && (failure.StatusCode != 0 || want != 100) {
			t.Errorf("StatusCode = %d after %d", failure.StatusCode, status)
		}
		if unknown := status < 300 || status >= 500; errors.Is(failure, composio.ErrOutcomeUnknown) != unknown {
			t.Errorf("ErrOutcomeUnknown is %t after %d", !unknown, status)
		}
		if errors.Is(failure, composio.ErrAliasTaken) && status != 400 && status != 409 || errors.Is(failure, composio.ErrAccountNotFound) && status != 404 {
			t.Errorf("after %d: %v", status, holding(failure))
		}
		if len(failure.Body) > 64<<10 || failure.RetryAfter < 0 || failure.RateLimit.Window < 0 || failure.RateLimit.Limit < 0 || failure.Attempts != 1 {
			t.Errorf("the error is %+v", *failure)
		}
		withoutBody := *failure // which JSON has in base64, where bytes of any kind may look like a part of a secret
		withoutBody.Body = nil
		encoded, err := json.Marshal(&withoutBody)
		if err != nil {
			t.Error(err)
		}
		wantOneLine(t, failure.Error())
		for _, text := range []string{failure.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure.Err), string(failure.Body), string(encoded)} {
			if showsSecret(text) {
				t.Errorf("shows the secret: %q", text)
			}
		}
	})
}

// An update through JSON into the generated type gives back every value, byte for byte, and JSON that is the same again.
func FuzzUpdate(f *testing.F) {
	f.Add("work", "new_access_token", "user_1", byte(13), byte(0), true)
	f.Add("", "", "", byte(0), byte(1), false)
	f.Add("a\"b\\c/d<e>&\u2028\x00\x7f", "p\"a\\s/é😀\n", "ü", byte(3), byte(2), true)
	f.Add(`"quoted" \back\slash/`, "-----BEGIN PRIVATE KEY-----\nMIIE\r\n\t-----END PRIVATE KEY-----\n", "Grüße, 世界 🔑", byte(1), byte(3), true)
	f.Add("<a href='x'>&amp;</a>", "\x00\x01\x1f\x7f", "\ufffd", byte(2), byte(3), true)
	f.Add("\xff", "\xc3", "\xed\xa0\x80", byte(5), byte(3), false)
	f.Add("REDACTED", "sk_live_...", strings.Repeat("u", 257), byte(15), byte(7), true)
	f.Fuzz(func(t *testing.T, alias, value, user string, which, actions byte, allow bool) {
		names := make([]string, 0, 16)
		for name := range new(gen.CredentialPatch).Nullables() {
			names = append(names, name)
		}
		name := names[int(which)%len(names)]
		var want gen.PatchConnectedAccountBody
		u := composio.Update{Sharing: &composio.Sharing{AllowAllUsers: &allow, AllowedUserIDs: []string{user}, NotAllowedUserIDs: []string{}}}
		want.Experimental = &gen.ExperimentalPatch{ACLConfigForShared: &gen.SharedAccountACL{AllowAllUsers: &allow, AllowedUserIds: []string{user}, NotAllowedUserIds: []string{}}}
		if actions&1 != 0 {
			u.Alias, want.Alias = composio.Set(alias), &alias
		}
		if actions&2 != 0 {
			patch := gen.CredentialPatch{}
			field, property := composio.SetVerbatim(value), gen.String(value)
			if actions&4 != 0 {
				field, property = composio.Clear(), gen.Null()
			}
			for candidate, target := range patch.Nullables() {
				if candidate == name {
					*target = property
				}
			}
			u.Credentials = composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{name: field}}
			want.Connection = &gen.ConnectionPatch{State: gen.ConnectionStatePatch{AuthScheme: gen.AuthSchemeAPIKEY, Val: patch}}
		}

		var body []byte
		_, refusal := callInMemory(t, testKey, testID, u, func(req *http.Request) (*http.Response, error) {
			var err error
			body, err = io.ReadAll(req.Body)
			if err != nil || int64(len(body)) != req.ContentLength {
				t.Errorf("the body has %d bytes, %v, and says %d", len(body), err, req.ContentLength)
			}
			return answerInMemory(req, http.StatusOK, success), nil
		})
		valid := utf8.ValidString(user) && user != "" && utf8.RuneCountInString(user) <= 256 &&
			(want.Alias == nil || utf8.ValidString(alias)) && (want.Connection == nil || actions&4 != 0 || utf8.ValidString(value))
		if valid != (refusal == nil) || !valid && (body != nil || holding(refusal) != "ErrInvalid") {
			t.Fatalf("the update is refused with %v, and %q is sent", refusal, body)
		}
		if !valid {
			return
		}
		var got gen.PatchConnectedAccountBody
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b gen.NullableString) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		again, err := json.Marshal(&got)
		if err != nil {
			t.Fatal(err)
		}
		var one, two any
		if err := errors.Join(json.Unmarshal(body, &one), json.Unmarshal(again, &two)); err != nil || !cmp.Equal(one, two) {
			t.Errorf("sent %s, and encoded again %s, %v", body, again, err)
		}
	})
}

// lettersOf are the letters and digits of s.
func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

var endsWithinAnEscape = regexp.MustCompile(`(?:\\[a-zA-Z0-9]*|&[#0-9a-zA-Z]*|%[0-9a-fA-F]?)$`)

// A secret of any kind, in any guise between any texts, is in none of them; and a text without one stays as it is.
func FuzzRedact(f *testing.F) {
	f.Add("bad value ", "new_access_token", " given", byte(0))
	f.Add(`{"token":"`, "p\"a\\s/é😀\n", `"}`, byte(3))
	f.Add(`\"value\":        `, "\\\\\\\\", `\\`, byte(5))
	f.Add("ak_", "ak_o1Og5", "*****", byte(1))
	f.Add("aaa", "aaaa", "aaa", byte(8))
	f.Add("\\u00 in front of it", "\u2028\u00e9", "c3\xa9", byte(4))
	f.Add("", "a\\nb\"cd", "", byte(10))
	f.Add("<pre>", `{"private_key":"-----BEGIN\nMIIE<\u0026&"}`, "</pre>", byte(13))
	f.Add("Not a user", "a.user", " of this project", byte(20))
	f.Add("100% of & C:\\new", "correct horse battery staple", "a&amp;b", byte(25))
	for i := range guises {
		f.Add("before ", keyPEM, " after", byte(i))
		f.Add("before ", longPass, " after", byte(i))
	}
	f.Fuzz(func(t *testing.T, before, secret, after string, form byte) {
		// What stands for a secret has a text of its own, which a secret may be a part of, or be one with.
		if len(secret) < 4 || !utf8.ValidString(secret) || strings.ContainsAny(secret, "[]") || strings.Contains("redacted", secret) || !utf8.ValidString(before+after) {
			return
		}
		long := utf8.RuneCountInString(lettersOf(secret)) >= 12
		if plain := before + after; !strings.ContainsAny(plain, `\&%`) && !strings.Contains(plain, "ak_") && !strings.Contains(plain, secret) &&
			!strings.ContainsAny(secret, "\n\r\\\"[ &%\ufeff\t") && (!long || !strings.Contains(lettersOf(plain), lettersOf(secret))) {
			if got := refusal(t, secretUpdate(secret), `{"error":{"message":"`+jsonForm(plain)+`"}}`).Message; got != plain && plain != "" {
				t.Errorf("without %q, %q becomes %q", secret, plain, got)
			}
		}

		// An escape that begins before the secret, or in it and ends behind it, makes another text of it; so does one that
		// the guise breaks into two.
		guise := guises[int(form)%len(guises)]
		if endsWithinAnEscape.MatchString(before) || endsWithinAnEscape.MatchString(secret) || strings.ContainsAny(secret, `\&%`) && int(form)%len(guises) >= len(echoForms) {
			return
		}
		if !long && (int(form)%len(guises) >= 3 || strings.ContainsAny(secret, `\&%`)) {
			return // JSON, once
		}
		if long && strings.ContainsAny(secret, `\&%`) && len(lettersOf(secret)) < 40 {
			return // few letters may be left of it without its escapes
		}
		echo := guise.form(secret)
		got := refusal(t, secretUpdate(secret), `{"error":{"code":1,"message":"`+jsonForm(before+echo+after)+`","errors":["`+jsonForm(echo)+`"]}}`)
		for _, text := range append([]string{got.Message, string(got.Body), got.Error()}, got.Details...) {
			if strings.Contains(text, echo) || strings.Contains(text, jsonForm(echo)) || strings.Contains(text, secret) {
				t.Errorf("%q shows %q %s", text, secret, guise.name)
			}
		}
	})
}
