package composio_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
)

func TestAliasTaken(t *testing.T) {
	t.Parallel()
	const clash = `Alias \"work\" is already in use by another connection for this entity`
	envelope := func(message string) string {
		return `{"error":{"message":"` + message + `","code":600,"slug":"ConnectedAccount_BadRequest"}}`
	}
	both := composio.Update{Alias: composio.Set("work"), Credentials: composio.BearerToken{Token: composio.Set("new_access_token")}}
	for _, test := range []struct {
		name   string
		update composio.Update
		status int
		body   string
		want   bool
	}{
		{"400", rename, 400, envelope(clash), true},
		{"409", rename, 409, envelope(clash), true},
		{"alias beside credentials", both, 409, envelope(clash), true},
		{"alias set verbatim", composio.Update{Alias: composio.SetVerbatim("work")}, 409, envelope(clash), true},
		{"capitals", rename, 409, envelope("THE ALIAS IS ALREADY IN USE"), true},
		{"phrases the other way round", rename, 400, envelope("Already In Use: this Alias"), true},
		{"bare message", rename, 409, `{"message":"` + clash + `"}`, true},
		{"error as a string", rename, 409, `{"error":"` + clash + `"}`, true},
		{"code as a string", rename, 400, `{"error":{"message":"` + clash + `","code":"600"}}`, true},

		{"another 4xx", rename, 422, envelope(clash), false},
		{"401", rename, 401, envelope(clash), false},
		{"404", rename, 404, envelope(clash), false},
		{"429", rename, 429, envelope(clash), false},
		{"500", rename, 500, envelope(clash), false},
		{"503", rename, 503, envelope(clash), false},
		{"200", rename, 200, envelope(clash), false},
		{"the update has no alias", composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new_access_token")}}, 409, envelope(clash), false},
		{"the update clears the alias", composio.Update{Alias: composio.Clear()}, 409, envelope(clash), false},
		{"the update sets the alias to nothing", composio.Update{Alias: composio.Set("")}, 409, envelope(clash), false},
		{"only the word alias", rename, 409, envelope("The alias is too long"), false},
		{"only the words already in use", rename, 409, envelope("The connection is already in use"), false},
		{"in use, but not already", rename, 409, envelope("The alias is in use"), false},
		{"the words elsewhere", rename, 409, `{"error":{"message":"Conflict","code":600,"slug":"alias","suggested_fix":"already in use","errors":["alias already in use"]}}`, false},
		{"the words on an HTML page", rename, 409, "<p>alias already in use</p>", false},
		{"no body", rename, 409, "", false},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			got := answerTo(t, test.update, test.status, jsonAnswer, test.body)
			if holds := strings.Contains(got.Is, "ErrAliasTaken"); holds != test.want {
				t.Errorf("ErrAliasTaken is %t for %s", holds, got.Text)
			}
		})
	}
}

// A gateway that forgot a route answers 404 too, and a service that deletes the account then has lost it.
func TestAccountNotFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   bool
	}{
		{"slug and code", 404, `{"error":{"message":"m","code":606,"slug":"ConnectedAccount_ResourceNotFound"}}`, true},
		{"slug alone", 404, `{"error":{"message":"m","slug":"ConnectedAccount_ResourceNotFound"}}`, true},
		{"code alone", 404, `{"error":{"message":"m","code":606}}`, true},
		{"code as a string", 404, `{"error":{"message":"m","code":"606"}}`, true},
		{"error_code", 404, `{"error":{"message":"m","error_code":606}}`, true},
		{"without an envelope", 404, `{"code":606}`, true},

		{"message alone", 404, `{"error":{"message":"Connected account \"ca_gone\" not found"}}`, false},
		{"another code and slug", 404, `{"error":{"message":"m","code":10404,"slug":"HTTP_NotFound"}}`, false},
		{"code and slug beside an envelope", 404, `{"code":606,"slug":"ConnectedAccount_ResourceNotFound","error":{}}`, false},
		{"a gateway's JSON", 404, `{"message":"no Route matched with those values"}`, false},
		{"a gateway's HTML", 404, htmlPage, false},
		{"nothing", 404, "", false},
		{"another status", 400, `{"error":{"message":"m","code":606,"slug":"ConnectedAccount_ResourceNotFound"}}`, false},
		{"410", 410, `{"error":{"message":"m","code":606,"slug":"ConnectedAccount_ResourceNotFound"}}`, false},
		{"200", 200, `{"error":{"message":"m","code":606,"slug":"ConnectedAccount_ResourceNotFound"}}`, false},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			got := answerTo(t, rename, test.status, jsonAnswer, test.body)
			if holds := strings.Contains(got.Is, "ErrAccountNotFound"); holds != test.want {
				t.Errorf("ErrAccountNotFound is %t for %s", holds, got.Text)
			}
			if holds := strings.Contains(got.Is, "ErrNotFound"); holds != (test.status == 404) {
				t.Errorf("ErrNotFound is %t for %s", holds, got.Text)
			}
		})
	}
}

func TestBodyIsKeptTo64KiB(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	for _, size := range []int{0, 1, limit - 1, limit, limit + 1, 3 * limit} {
		for _, status := range []int{200, 400, 502} {
			body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
			got := answerTo(t, rename, status, htmlAnswer, body)
			if want := body[:min(size, limit)]; got.Body != want {
				t.Errorf("%d of %d bytes: Body has %d bytes, want the first %d of the answer", status, size, len(got.Body), len(want))
			}
		}
	}
}

// A text of two lines forges a log line, one with an escape sequence steers a terminal. A transport's words are no safer than
// a server's.
func TestTextIsOneLineWhateverIsSaid(t *testing.T) {
	t.Parallel()
	hostile := "a\nb\r\nc\td\x00e\x1b[31mf\x7fg\u0085h\u2028i\u2029j\u009bk\u202el"
	for name, body := range map[string]string{
		"message":       fmt.Sprintf(`{"error":{"message":%s}}`, quoted(hostile)),
		"slug":          fmt.Sprintf(`{"error":{"slug":%s}}`, quoted(hostile)),
		"suggested_fix": fmt.Sprintf(`{"error":{"suggested_fix":%s}}`, quoted(hostile)),
		"errors":        fmt.Sprintf(`{"error":{"errors":[%s,"x"]}}`, quoted(hostile)),
		"request_id":    fmt.Sprintf(`{"error":{"request_id":%s}}`, quoted(hostile)),
		"bare message":  fmt.Sprintf(`{"message":%s}`, quoted(hostile)),
		"error string":  fmt.Sprintf(`{"error":%s}`, quoted(hostile)),
		"raw object":    "{\"error\":{\"errors\":[{\n\"a\":\r\n1\u2028}]}}",
		"not UTF-8":     "{\"error\":{\"message\":\"a\xff\xfe\xc3b\"}}",
	} {
		text := answerTo(t, rename, 400, jsonAnswer, body).Text
		wantOneLine(t, text)
		if name != "raw object" && name != "not UTF-8" && !strings.Contains(text, "a b  c d e [31mf g h i j k l") {
			t.Errorf("%s: the text is %q, want the characters in question as spaces", name, text)
		}
	}
	_, failure := callInMemory(t, testKey, testID, rename, func(*http.Request) (*http.Response, error) {
		return nil, errors.New("proxy says:\n\tno\r\n\x1b[2J\u2028")
	})
	if wantOneLine(t, failure.Error()); !strings.Contains(failure.Error(), ": proxy says:  no") {
		t.Errorf("the text is %q", failure)
	}
}

// quoted is text as a JSON string with every character beyond printable ASCII escaped, as a server may send it.
func quoted(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= ' ' && r < 0x7f && r != '"' && r != '\\' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

func wantOneLine(t testing.TB, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("there is a %U in %q", r, text)
		}
	}
	if text != strings.ToValidUTF8(text, "") {
		t.Errorf("%q is not UTF-8", text)
	}
}

// A service's test may make errors of its own.
func TestErrorsMadeByHand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err      *composio.Error
		text, is string
	}{
		{&composio.Error{}, "composio: no answer", ""},
		{&composio.Error{AccountID: testID, Err: io.ErrUnexpectedEOF}, "composio: ca_1a2b3c4d5e6f: unexpected EOF", ""},
		{&composio.Error{AccountID: "a b", StatusCode: 401}, "composio: 401: Unauthorized", "ErrUnauthorized"},
		{
			&composio.Error{AccountID: testID, StatusCode: 404, Code: 606, Slug: "S", Message: "m", Details: []string{"d", "e"}, SuggestedFix: "f", RequestID: "r", Err: io.EOF},
			"composio: ca_1a2b3c4d5e6f: 404 S (606): m; d; e; EOF; fix: f; request id r", "ErrNotFound ErrAccountNotFound",
		},
		{&composio.Error{StatusCode: 404, Slug: "ConnectedAccount_ResourceNotFound"}, "composio: 404 ConnectedAccount_ResourceNotFound: Not Found", "ErrNotFound ErrAccountNotFound"},
		{&composio.Error{StatusCode: 409}, "composio: 409: Conflict", "ErrConflict"},
		{&composio.Error{StatusCode: 429}, "composio: 429: Too Many Requests", "ErrRateLimited"},
		{&composio.Error{StatusCode: 307}, "composio: 307: Temporary Redirect", "ErrRedirect"},
		{&composio.Error{StatusCode: 503}, "composio: 503: Service Unavailable; the update may have been applied", "ErrServer ErrOutcomeUnknown"},
		{&composio.Error{StatusCode: 200}, "composio: 200: OK; the update may have been applied", "ErrOutcomeUnknown"},
		{&composio.Error{StatusCode: 400, Message: "wrong key ak_o1Og5*****."}, "composio: 400: wrong key [redacted].", "ErrBadRequest"},
	} {
		if got := test.err.Error(); got != test.text {
			t.Errorf("Error() = %q, want %q", got, test.text)
		}
		if got := holding(test.err); got != test.is {
			t.Errorf("%v: sentinels %q, want %q", test.err, got, test.is)
		}
		if got, want := test.err.Retryable(), slices.Contains([]int{409, 429, 503}, test.err.StatusCode); got != want {
			t.Errorf("%v: Retryable() = %t", test.err, got)
		}
	}
}

// A server may write a megabyte into each part, and a log has room for less.
func TestTextHasAtMostFourKiB(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"x", "é", "世", "🔑", "\u202e", "ak_ "} {
		long := func(first string) string { return first + strings.Repeat(unit, 4<<10/len(unit)) }
		failure := &composio.Error{
			AccountID: strings.Repeat("[redacted]", 50), StatusCode: 599, Code: math.MinInt, Slug: long("1"), Message: long("2"), Details: []string{long("3"), long("4")},
			SuggestedFix: long("5"), RequestID: long("6"), Err: errors.New(long("7")),
		}
		text := failure.Error()
		if len(text) > 4<<10 || len(text) < 3<<10 || strings.Count(text, "…") != 6 {
			t.Errorf("%q: the text has %d bytes and %d ellipses", unit, len(text), strings.Count(text, "…"))
		}
		wantOneLine(t, text)
		for _, begins := range []string{": 599 1", ": 2", "; 3", "; 7", "; fix: 5", "; the update may have been applied; request id 6"} {
			if !strings.Contains(text, begins) {
				t.Errorf("%q: the text has no part that begins %q", unit, begins)
			}
		}
		if text := (&composio.Error{Err: errors.New(long("7"))}).Error(); len(text) > 4<<10 || !strings.HasSuffix(text, "…") {
			t.Errorf("%q: without an answer the text has %d bytes", unit, len(text))
		}
	}
	for n, want := range map[int]string{550: strings.Repeat("m", 550), 551: strings.Repeat("m", 547) + "…"} {
		if got := (&composio.Error{Err: errors.New(strings.Repeat("m", n))}).Error(); got != "composio: "+want {
			t.Errorf("of a part of %d bytes the text has %q", n, got)
		}
	}
	message := strings.Repeat("m", 200<<10)
	if got := answerTo(t, rename, 400, jsonAnswer, `{"error":{"message":"`+message+`","errors":["`+message+`"]}}`); got.Message != message || got.Details[0] != message || len(got.Text) > 4<<10 {
		t.Errorf("the fields should keep all: %d and %d bytes; the text has %d", len(got.Message), len(got.Details[0]), len(got.Text))
	}
}

// What one call was answered must not show in another's error.
func TestErrorsShareNothing(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, answerWith(http.StatusBadRequest, `{"error":{"message":"m","code":1,"errors":["first","second"]}}`))
	client := newTestClient(t, rec.URL, composio.WithMaxRetries(0))
	one, two := mustFail(t, t.Context(), client, testID, rename), mustFail(t, t.Context(), client, testID, rename)
	clear(one.Details)
	clear(one.Body)
	if diff := cmp.Diff([]string{"first", "second"}, two.Details); diff != "" || bytes.IndexByte(two.Body, 0) >= 0 {
		t.Errorf("a change to one error's details or body reached another's: %s\n%q", diff, two.Body)
	}
}
