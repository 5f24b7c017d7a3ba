package composio_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
)

const (
	keyBody  = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Zq7Kv9Wx3/Jm\nQeE5+Bg8pLrT2nHcYd6sUiOaFkXjVwGbNzP0yR1tC3hMvKqDfSlJ8uAoEi4ZxWgB\nnT7mYcRp/5sXd=="
	keyPEM   = "-----BEGIN PRIVATE KEY-----\n" + keyBody + "\n-----END PRIVATE KEY-----\n"
	longPass = "correct horse/battery\\staple\"42 é<&>"
)

// keyFile is a key file of Google's.
var keyFile = `{
  "type": "service_account",
  "project_id": "our-long-project-name-123456",
  "private_key_id": "3f1a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a",
  "private_key": "` + jsonForm(keyPEM) + `",
  "client_email": "robot@our-long-project-name-123456.iam.gserviceaccount.com",
  "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
  "nested": "{\"more\":\"AnInnerSecretValue0123456789\"}"
}`

// rewrap breaks s into lines of width characters.
func rewrap(s string, width int) string {
	var b strings.Builder
	for i, r := range []rune(strings.ReplaceAll(s, "\n", "")) {
		if b.WriteRune(r); i%width == width-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func percentForm(s string) (out string) {
	for _, c := range []byte(s) {
		out += fmt.Sprintf("%%%02x", c)
	}
	return out
}

// guises are the ways in which a text may hold a secret of twelve letters and digits or more.
var guises = append(echoForms, []struct {
	name string
	form func(string) string
}{
	{"seven layers of JSON", func(s string) string {
		for range 7 {
			s = jsonForm(s)
		}
		return s
	}},
	{"five layers of HTML", func(s string) string {
		for range 5 {
			s = html.EscapeString(s)
		}
		return s
	}},
	{"in a query", url.QueryEscape},
	{"in a path", url.PathEscape},
	{"percent-encoded throughout, twice", func(s string) string { return strings.ReplaceAll(percentForm(s), "%", "%25") }},
	{"in a query, in JSON, in HTML", func(s string) string { return html.EscapeString(jsonForm(url.QueryEscape(s))) }},
	{"in HTML, in a query", func(s string) string { return url.QueryEscape(html.EscapeString(s)) }},
	{"as Go quotes it", func(s string) string { return strings.Trim(fmt.Sprintf("%+q", s), `"`) }},
	{"other line ends", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"without its blanks", func(s string) string { return strings.Join(strings.Fields(s), "") }},
	{"indented", func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n>   ") }},
	{"in narrow lines", func(s string) string { return rewrap(s, 19) }},
	{"in wide lines", func(s string) string { return rewrap(s, 76) }},
	{"behind a byte order mark", func(s string) string { return "\ufeff" + s }},
	{"escaped, in JSON, percent-encoded", func(s string) string { return percentForm(jsonForm(hexForm(s, `\u%04x`))) }},
	{"escaped, in JSON, twice", func(s string) string { return jsonForm(hexForm(jsonForm(hexForm(s, `\u%04x`)), `\u%04x`)) }},
	{"escaped, in JSON, in HTML by number", func(s string) string {
		return strings.ReplaceAll(jsonForm(hexForm(s, `\u%04x`)), `\`, "&#x5c;")
	}},
	{"as a bearer", func(s string) string { return "Authorization: Bearer " + s }},
	{"trimmed", strings.TrimSpace},
}...)

// secretUpdate sends secret as a credential that may have any form.
func secretUpdate(secret string) composio.Update {
	return composio.Update{Credentials: composio.CredentialFields{
		Scheme: composio.SchemeServiceAccount, Fields: map[string]composio.Field{"private_key": composio.SetVerbatim(secret)},
	}}
}

// refusal is the error of a call that sends u and is answered, in memory, with body.
func refusal(t testing.TB, u composio.Update, body string) *composio.Error {
	t.Helper()
	_, failure := callInMemory(t, testKey, testID, u, func(req *http.Request) (*http.Response, error) {
		return answerInMemory(req, http.StatusBadRequest, body), nil
	})
	return failure
}

// messageOf returns what is left of a message that a server sends in answer to u.
func messageOf(t testing.TB, u composio.Update, message string) string {
	t.Helper()
	return refusal(t, u, `{"error":{"code":1,"message":"`+jsonForm(message)+`"}}`).Message
}

func TestLongSecretIsHiddenInEveryGuise(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{
		"token": "new_access_token", "twelve letters": "Zq7-Kv9-Wx3-Jm5", "password": longPass, "not ASCII": "пароль-от-счёта/№1234", "beyond 16 bits": "𠮷野家𠮷野家𠮷野家𠮷野家\n𠮷",
		"key": keyPEM, "key on Windows": strings.ReplaceAll(keyPEM, "\n", "\r\n"), "key on one line": strings.ReplaceAll(keyPEM, "\n", `\n`), "key file": keyFile,
		"blanks around it": " \tZq7Kv9Wx3Jm5\n", "a bearer": "Bearer Zq7Kv9Wx3.Jm5-Bg8", "a byte order mark": "\ufeffZq7Kv9Wx3.Jm5-Bg8", "escapes of its own": `a%41b&amp;c\u0041d\ne%zz&x;f\q0123456789`,
	} {
		bare := strings.TrimPrefix(strings.Trim(secret, " \t\n\ufeff"), "Bearer ")
		for _, guise := range guises {
			if strings.HasPrefix(name, "escapes") && strings.HasSuffix(guise.name, "lines") {
				continue // a line that ends within an escape makes another text of it
			}
			for _, shown := range []string{secret, bare} {
				message := "bad value: " + guise.form(shown) + " was given"
				if got := messageOf(t, secretUpdate(secret), message); got == message || !strings.Contains(got, "[redacted]") || strings.Contains(got, bare) {
					t.Errorf("%s, %s: Message = %q", name, guise.name, got)
				}
			}
		}
	}
}

// A secret is replaced where it stands as it is, and a guise takes the whole text along.
func TestWhatIsRedacted(t *testing.T) {
	t.Parallel()
	basic := func(username, password string) composio.Update {
		return composio.Update{Alias: composio.Set("the-alias"), Credentials: composio.Basic{Username: composio.SetVerbatim(username), Password: composio.SetVerbatim(password)}}
	}
	user, long := basic("abcd", ""), basic("", longPass)
	for _, test := range []struct {
		message, want string
		update        composio.Update
	}{
		{"user abcd is gone", "user [redacted] is gone", user},
		{"user abc is gone", "user abc is gone", basic("abc", "")},
		{"user éé is gone", "user [redacted] is gone", basic("éé", "")},
		{"userabcdisgone", "user[redacted]isgone", user},
		{"abcdabcd abcd", "[redacted][redacted] [redacted]", user},
		{"user ABCD and abc", "user ABCD and abc", user},
		{"abcd and efgh", "[redacted] and [redacted]", basic("abcd", "efgh")},
		{"x abcdefgh y bcde z", "x [redacted] y [redacted] z", basic("bcde", "abcdefgh")},
		{testKey + " abcd", "[redacted] [redacted]", user},
		{"the-alias of the-user", "the-alias of the-user", composio.Update{Alias: composio.Set("the-alias"), Sharing: &composio.Sharing{AllowedUserIDs: []string{"the-user"}}}},
		{"null keep clear", "null keep clear", composio.Update{Credentials: composio.BearerToken{Token: composio.Clear()}}},
		{"no " + longPass + " please", "no [redacted] please", long},
		{"no " + jsonForm(longPass) + " please", "[redacted]", long},
		{"no " + longPass + " and " + jsonForm(longPass), "[redacted]", long},
		{"abcd" + jsonForm("abcd\n-efgh-ijkl-mnop"), "[redacted]", basic("abcd", "abcd\n-efgh-ijkl-mnop")}, // whole, although abcd stands there too
		{"Bearer Zq7Kv9 and Zq7Kv9", "[redacted] and [redacted]", basic("", "Bearer Zq7Kv9")},
		{"only of it correct horse/battery", "only of it correct horse/battery", long},

		// Shorter than twelve letters and digits: as it stands, in JSON and in HTML.
		{`p"a<b`, "[redacted]", basic("", `p"a<b`)},
		{`see p\"a<b here`, "[redacted]", basic("", `p"a<b`)},
		{`see p\"a\u003cb here`, "[redacted]", basic("", `p"a<b`)},
		{"see p&quot;a&lt;b here", "[redacted]", basic("", `p"a<b`)},
		{"see p&#34;a&#x3C;b here", "[redacted]", basic("", `p"a<b`)},
		{`abc\ud83d\ude00`, "[redacted]", basic("abc😀", "")},
		{`abc\ud83d\ude01`, `abc\ud83d\ude01`, basic("abc😀", "")},
		{"no !!??;;%% here", "no [redacted] here", basic("", "!!??;;%%")},
		{`no \\\\\\ here`, `no [redacted] here`, basic("", `\\\\\\`)},
		{"p a b and pab", "p a b and pab", basic("", `p"a<b`)},
		{"see p&auml;ss&#119;&ouml;rd here", "[redacted]", basic("", "pässwörd")}, // by names that are read as any character beyond ASCII
		{"see p&nbsp;ss w&ouml;rd or passwörd", "see p&nbsp;ss w&ouml;rd or passwörd", basic("", "pässwörd")},
		{`see 9\&eacute;x here`, "[redacted]", basic("", `9\éx`)},
		{"see pass&x;wd", "[redacted]", basic("", "pass\u0080wd")},
		{"abcdefghijkl", "[redacted]", basic("", "abcdef-ghijkl")},
		{"see a-b-c-d-e-f", "[redacted]", basic("", `\u0061\u0062cdef`)},
		{"see M&amp;ouml;t&ouml;rhead-&Uuml;berfall here", "[redacted]", basic("", "Mötörhead-Überfall")},
		{`{"password":"P@\"ss\\"}`, "[redacted]", basic("", `P@"ss\`)}, // whose last backslash seems to escape what follows
		{`see Yb\u003c12x\\.`, "[redacted]", basic("", `Yb<12x\`)},
		{"see Yb&#60;12x&#92;.", "[redacted]", basic("", `Yb<12x\`)},
		{`see a\\%b here`, "[redacted]", basic("", `a\%b`)}, // of three characters, if their backslash is one more escape
		{"see Z&#92;!@ here", "[redacted]", basic("", `Z\!@`)},
		{"see &#92;&#92;?8x here", "[redacted]", basic("", `\\?8x`)},
		{"a%b and Z!@ are no escapes", "a%b and Z!@ are no escapes", basic(`a\%b`, `Z\!@`)},
		{"token must not be empty", "token must not be empty", basic("", `token\`)},
		{"password hunter2 is weak", "password [redacted] is weak", basic("", "\u00a0hunter2")},
		{"password hunter2 is weak", "password [redacted] is weak", basic("", "hunter2\u2028")},
		{"password hunter2 is weak", "password [redacted] is weak", basic("", "\vhunter2\f")},
		{"password hunter2 is weak", "password [redacted] is weak", basic("", "Bearer\thunter2")},
		{"password hunter2 is weak", "password [redacted] is weak", basic("", "Bearer \ufeffhunter2\u0085")},
		{"see Zq7Kv\\a9W\nx3Jm", "[redacted]", basic("", `Zq7Kv\a9Wx3Jm`)}, // twelve letters as it is written, eleven as it is read
		{"see \\u0021 here", "see \\u0021 here", basic("", `\u0021\u0021\u0021`)},
		{"&copy;&nbsp;&laquo;x&raquo;", "&copy;&nbsp;&laquo;x&raquo;", basic("", "éé")},

		// What a message says with reason stays.
		{"Not a user of this project", "Not a user of this project", basic("a.user", "")},
		{"token must not be empty", "token must not be empty", basic("to.ken", "must-not")},
		{"Missing required fields: private_key, credentials_json", "Missing required fields: private_key, credentials_json", secretUpdate(keyFile)},
		{"aaaa aaaa aaa or 100% of C:\\new\\users & more; a&b=%zz", "aaaa aaaa aaa or 100% of C:\\new\\users & more; a&b=%zz", basic("aaaaaaaaaaaa", "")},
		{"ha aaaaaaaaaaaaa", "ha [redacted]a", basic("aaaaaaaaaaaa", "")},

		{"Invalid API key: ak_o1Og5*****", "Invalid API key: [redacted]", rename},
		{"(ak_Ab-9_z*).", "([redacted]).", rename},
		{"ak_", "[redacted]", rename},
		{"ak_one,ak_two_ak_three ak_ak_", "[redacted],[redacted] [redacted]", rename},
		{`key:\nak_one`, `key:\n[redacted]`, rename},
		{"k=%22ak_one%22", "k=%22[redacted]%22", rename},
		{`{"key":"\u0022ak_one"}`, `{"key":"\u0022[redacted]"}`, rename},
		{"k=%2522ak_one%2522", "k=%2522[redacted]%2522", rename},
		{`k=\x22ak_one and \\\nak_two`, `k=\x22[redacted] and \\\n[redacted]`, rename},
		{`%41ak_one \nleak_2 \ud83d\ude00ak_three &quot;ak_four`, `%41ak_one \nleak_2 \ud83d\ude00[redacted] &quot;[redacted]`, rename},
		{"break_point ak_one weak_ref leak_ak_9 AK_ONE", "break_point [redacted] weak_ref leak_ak_9 AK_ONE", rename},
	} {
		if got := messageOf(t, test.update, test.message); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.message, got, test.want)
		}
	}
}

// A line of a key is most of the key's worth, and so is each value of a key file; but not what messages name.
func TestPartsOfASecretAreHidden(t *testing.T) {
	t.Parallel()
	lines := strings.Split(keyBody, "\n")
	for _, test := range []struct {
		secret, shown string
		hidden        bool
	}{
		{keyPEM, lines[0], true},
		{keyPEM, jsonForm(jsonForm("x\n" + lines[1] + "\ny")), true},
		{keyPEM, rewrap(keyBody, 48), true},
		{strings.ReplaceAll(keyPEM, "\n", `\n`), lines[1], true},
		{strings.ReplaceAll(keyPEM, "\n", " "), keyBody, true},
		{keyPEM, lines[0][:len(lines[0])-1], false}, // not entire
		{keyPEM, lines[0][1:], false},
		{keyPEM, lines[2], false}, // fifteen letters and digits
		{keyPEM, "-----BEGIN PRIVATE KEY----- -----END PRIVATE KEY-----", false},
		{"-----BEGIN RSA PRIVATE KEY-----\n" + keyBody, "needs -----BEGIN RSA PRIVATE KEY-----", false},
		{"---- BEGIN SSH2 PUBLIC KEY ----\n" + keyBody, "needs ---- BEGIN SSH2 PUBLIC KEY ----", false},
		{"first\nhttps://example.com/a/long/enough/path\nrobot@a-long-host.example.com", "https://example.com/a/long/enough/path robot@a-long-host.example.com", false},
		{"first\nhttps://user:password@example.com/a/path", "https://user:password@example.com/a/path", true},
		{keyFile, "3f1a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a", true},
		{keyFile, lines[1], true},
		{keyFile, html.EscapeString(jsonForm(jsonForm(keyPEM))), true},
		{keyFile, `{"more":"AnInnerSecretValue0123456789"}`, true},
		{keyFile, "service_account: our-long-project-name-123456, robot@our-long-project-name-123456.iam.gserviceaccount.com", false},
		{keyFile, "https://www.googleapis.com/auth/cloud-platform", false},
		{keyFile, `"project_id": "our-long-project-name-123456", "private_key_id"`, false},
		{keyFile[:len(keyFile)-2], lines[1], true}, // no JSON, but lines
		{`{"secret":"abcdefgh\nijklmnop\nqrstuvwx"}`, "abcdefgh\nijklmnop\nqrstuvwx", true},
		{`{"secret":"x9#K@!!ab.cd$efghijklmnop"}`, "x9#K@!!ab.cd$efghijklmnop", true}, // no e-mail address
		{`["short","0123456789abcde","0123456789abcdef"]`, "0123456789abcde", false},
		{`["short","0123456789abcde","0123456789abcdef"]`, "01234567-89ab-cdef", true},
		{`{"client_id":"109876543210987654321"}`, "109876543210987654321", true}, // JSON in itself, but no document
		{`{"client_id":"short","quota_project_id":"our-long-project-name","project_id":"our-long-project-name"}`, "our-long-project-name", false},
	} {
		message := "see <" + test.shown + ">"
		if got := messageOf(t, secretUpdate(test.secret), message); (got == "[redacted]") != test.hidden || !test.hidden && got != message {
			t.Errorf("of the secret %.40q, %q becomes %q", test.secret, message, got)
		}
	}
}

// An Authorization header has user name and password in base64.
func TestBasicAuthorizationIsHidden(t *testing.T) {
	t.Parallel()
	for user, password := range map[string]string{"user": "Zq7Kv9Wx3/é?>Jm5", "a.user": "x", "sk_live_0123456789": ""} {
		update := composio.Update{Credentials: composio.BasicWithJWT{Username: composio.Set(user), Password: composio.Set(password)}}
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		if got := messageOf(t, update, "no Basic "+encoded+" here"); got != "no Basic [redacted] here" {
			t.Errorf("%s: Message = %q", user, got)
		}
		for _, shown := range []string{strings.TrimRight(encoded, "="), base64.URLEncoding.EncodeToString([]byte(user + ":" + password)), url.QueryEscape(encoded)} {
			if got := messageOf(t, update, "<"+shown+">"); strings.Contains(got, shown) || !strings.Contains(got, "[redacted]") {
				t.Errorf("%s: Message = %q", user, got)
			}
		}
	}
}

// Only of an answer that was cut may the end be the beginning of a secret, and most of a private key is a private key.
func TestEndOfACutAnswer(t *testing.T) {
	t.Parallel()
	update := composio.Update{Credentials: composio.CredentialFields{Scheme: composio.SchemeBasic, Fields: map[string]composio.Field{
		"username": composio.Set("abcdefgh"), "password": composio.SetVerbatim(keyPEM), "token": composio.Set(`q"&r+st-uvw`), "generic_secret": composio.Set("!?!?;;"),
	}}}
	for _, test := range []struct {
		end    string
		hidden bool
	}{
		{"abc", false}, {"abcd", true}, {"abcdefg", true}, {"abcdx", false}, {"abcd, or not", false}, {"abcd, y", false}, {"abcd&more of it", false},
		{`abc\u006`, false}, {`abcd\u006`, true}, {`abcd\`, true}, {`abcd\\\u00`, true}, {`abcd&#x6`, true}, {"abcd&am", true}, {"abcd%6", true}, {`abcd\ud83d\ude0`, true},
		{`abcd\u007a`, false}, {`\u0061\u0062\u0063\u0064`, true}, {`%61%62%63%64%6`, true}, {`q\"\u0026r+s`, true}, {`q\"`, false}, {"!?!?", true}, {"!?!", false},
		{jsonForm(keyPEM[:40]), true}, {jsonForm(jsonForm(jsonForm(keyPEM[:100]))), true}, {keyPEM[:len(keyPEM)-3], true}, {"MIIE", true}, {"MII", false}, {"QeE5+B", true}, {"-----", false},
	} {
		for _, before := range []string{`{"error":{"message":"bad value `, "<p>"} {
			want := before + test.end
			if test.hidden {
				want = "[redacted]"
			}
			if got := string(refusal(t, update, before+test.end).Body); got != want {
				t.Errorf("Body = %q, want %q", got, want)
			}
		}
		body := `{"error":{"message":` + quoted("bad value "+test.end) + `,"code":7}}`
		if got := string(refusal(t, update, body).Body); test.hidden && strings.HasPrefix("abcdefgh", test.end) && got != body {
			t.Errorf("whole, Body = %q, want %q", got, body)
		}
	}
	if got, want := string(refusal(t, update, "<p>abcdefgh").Body), "<p>[redacted]"; got != want {
		t.Errorf("of a secret in full, Body = %q, want %q", got, want)
	}
	key := jsonForm(keyPEM)
	for _, shown := range []int{9, 10, 100, len(key) - 1, len(key), len(key) + 10} { // where it is this side that cuts, at 64 KiB
		before := `{"error":{"message":"m","code":7},"echo":"`
		before += strings.Repeat("x", 64<<10-shown-len(before))
		got := refusal(t, update, before+key+strings.Repeat("y", 10<<10)+`"}`)
		if body := string(got.Body); got.Code != 7 || strings.Contains(body, "BEGIN") || strings.Contains(body, "MIIE") {
			t.Errorf("with %d bytes of the key before the cut, Body ends with %q: %v", shown, body[max(0, len(body)-80):], got)
		}
	}
}

// However it is cut, an answer shows no more than three letters or digits of a secret, or as many bytes of one without.
func TestAnswerCutWithinAGuiseIsDropped(t *testing.T) {
	t.Parallel()
	for _, guise := range echoForms {
		form, start := guise.form(secretToken), len(guise.form(secretToken[:6]))
		for cut := start; cut < len(form); cut += 1 + len(form)/50 {
			if got := string(refusal(t, credentialUpdate(secretToken), `{"error":{"message":"bad value `+form[:cut]).Body); got != "[redacted]" {
				t.Errorf("%s, cut to %q: Body = %q", guise.name, form[:cut], got)
			}
		}
	}
}

// A message that is no string is kept without its blanks, and may only so be a secret.
func TestSecretThatIsShownByCompactingIsHidden(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"error":{"message":{"pin": "12345"}}}`, `{"error":{"message":"m","errors":[ {"pin": "12345"} ]}}`, `{"error":[ {"pin": "12345"}, 7 ]}`} {
		got := refusal(t, secretUpdate(`{"pin":"12345"}`), body)
		if shown := fmt.Sprint(got, got.Message, got.Details); strings.Contains(shown, "12345") || !strings.Contains(shown, "[redacted]") || string(got.Body) != body {
			t.Errorf("%s becomes %q, %q, Body %s", body, got.Message, got.Details, got.Body)
		}
	}
}

// Parts are found in one pass: a hundred times as many, with the same beginning, take nowhere near as much longer, and
// neither does a part a thousand times as long. On a busy machine many a measurement is of something else, so one good one
// will do.
func TestRedactionTakesNoLongerForMoreParts(t *testing.T) {
	numbered := func(parts int) string {
		var values []string
		for i := range parts {
			values = append(values, fmt.Sprintf("a-long-secret-value-number-%06d", i))
		}
		return `["` + strings.Join(values, `","`) + `"]`
	}
	alike := func(length int) string { return "x\n" + strings.Repeat("A", length) + "B\ny" }
	for name, test := range map[string]struct{ few, many, message string }{
		"more parts":    {numbered(10), numbered(1_000), strings.Repeat("a-long-secret-value-number-x ", 500)},
		"a longer part": {alike(25), alike(25_000), strings.Repeat("A", 25_000)},
	} {
		body := `{"error":{"message":` + quoted(test.message) + `}}`
		measure := func(secret string) time.Duration {
			update := secretUpdate(secret)
			start := time.Now()
			if got := refusal(t, update, body); got.Message == "[redacted]" {
				t.Fatal("a part is seen where there is none")
			}
			return time.Since(start)
		}
		few, many := time.Hour, time.Hour
		for range 20 {
			few = min(few, measure(test.few))
		}
		for range 200 {
			if many = min(many, measure(test.many)); many <= 20*few {
				break
			}
		}
		if many > 20*few {
			t.Errorf("%s: it took %v instead of %v", name, many, few)
		}
	}
}
