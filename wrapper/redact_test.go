package composio_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	composio "example.com/composio/wrapper"
)

// The secrets of these tests have, between characters that JSON can write in several ways, parts that stand nowhere
// else in any encoding: a text that shows a part shows the secret.
const (
	secretToken = "Zq7vN\"Kv9bH\\Wx3dY/é😀Jm5kS<&>\nBg8cF\tZq7vN"
	secretKey   = `Zq7vN"Kv9bH\Wx3dY/Jm5kS<&>Bg8cF` // an API key goes into a header, which takes visible ASCII alone
)

// partForms are the parts as they are and in hexadecimal, as fmt shows lists of bytes in numbers, and the secret's beginning
// in base64.
var partForms = func() (forms []string) {
	for _, part := range []string{"Zq7vN", "Kv9bH", "Wx3dY", "Jm5kS", "Bg8cF"} {
		list := fmt.Sprintf("%#v", []byte(part))
		forms = append(forms, part, strings.Trim(fmt.Sprint([]byte(part)), "[]"), list[len("[]byte{"):len(list)-1])
		for _, format := range []string{"%x", "%X", "% x", "% X", "%# x"} {
			forms = append(forms, fmt.Sprintf(format, part))
		}
	}
	return append(forms, base64.StdEncoding.EncodeToString([]byte(secretKey))[:8])
}()

// echoForms are the ways in which a server may write a secret within a JSON string.
var echoForms = []struct {
	name string
	form func(string) string
}{
	{"as encoding/json does", jsonForm},
	{"with escaped slashes", func(s string) string { return strings.ReplaceAll(jsonForm(s), "/", `\/`) }},
	{"with little escaped", func(s string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s)
	}},
	{"all in lower hex", func(s string) string { return hexForm(s, `\u%04x`) }},
	{"all in upper hex", func(s string) string { return hexForm(s, `\u%04X`) }},
	{"escaped twice", func(s string) string { return jsonForm(jsonForm(s)) }},
	{"slashes escaped twice", func(s string) string { return jsonForm(strings.ReplaceAll(jsonForm(s), "/", `\/`)) }},
	{"hex escaped twice", func(s string) string { return jsonForm(hexForm(s, `\u%04x`)) }},
	{"hex of hex", func(s string) string { return hexForm(hexForm(s, `\u%04x`), `\u%04X`) }},
	{"escaped three times", func(s string) string { return jsonForm(jsonForm(jsonForm(s))) }},
	{"as a page does", func(s string) string { return jsonForm(html.EscapeString(s)) }},
	{"as another page does", func(s string) string {
		return jsonForm(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s))
	}},
	{"as a page does, by number", func(s string) string {
		var b strings.Builder
		for i, r := range s {
			fmt.Fprintf(&b, []string{"&#x%X;", "&#%d;", "&#X%04x;"}[i%3], r)
		}
		return b.String()
	}},
	{"JSON as a page does", func(s string) string { return jsonForm(html.EscapeString(jsonForm(s))) }},
}

// jsonForm is the inside of s as a JSON string.
func jsonForm(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a form
	}
	return string(encoded[1 : len(encoded)-1])
}

// hexForm writes each UTF-16 unit of s by format.
func hexForm(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(&b, format+format, 0xd800+r>>10, 0xdc00+r&0x3ff)
			continue
		}
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// showsSecret reports whether text has a part of a secret, plain, in JSON's hexadecimal, in HTML's numbers or as the
// numbers of its bytes.
func showsSecret(text string) bool {
	for range 3 {
		for _, form := range partForms {
			if strings.Contains(text, form) {
				return true
			}
		}
		if !strings.Contains(text, `\u`) && !strings.Contains(text, "&#") {
			break
		}
		text = html.UnescapeString(text)
		text = hexEscape.ReplaceAllStringFunc(text, func(escape string) string {
			unit, _ := strconv.ParseUint(escape[len(escape)-4:], 16, 16) // the expression lets nothing else through
			return string(rune(unit))
		})
	}
	return false
}

var hexEscape = regexp.MustCompile(`\\+u[0-9a-fA-F]{4}`)

// A search that finds nothing must find something where there is something.
func TestShowsSecretFindsEachForm(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{secretToken, secretKey} {
		for _, echo := range echoForms {
			if !showsSecret(echo.form(secret)) || !showsSecret("before "+echo.form(secret[:len(secret)/2])) {
				t.Errorf("%s: nothing is seen in %s", echo.name, echo.form(secret))
			}
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "% X", "%# x", "%d"} {
			for _, shown := range []any{secret, []byte(secret)} {
				if text := fmt.Sprintf(format, shown); !showsSecret(text) {
					t.Errorf("%s of %T: nothing is seen in %s", format, shown, text)
				}
			}
		}
	}
	if showsSecret(fmt.Sprint(composio.ErrOutcomeUnknown, testID, testKey, success, "00000000-0000-4000-8000-000000000000")) {
		t.Error("something is seen where there is nothing")
	}
}

// credentialUpdate sends value as one credential among others.
func credentialUpdate(value string) composio.Update {
	return composio.Update{
		Alias: composio.Set("work"),
		Credentials: composio.CredentialFields{Scheme: composio.SchemeAPIKey, Fields: map[string]composio.Field{
			"generic_secret": composio.Set(value), "username": composio.Set("someone"), "password": composio.Clear(),
		}},
	}
}

// secretSources are the ways by which a secret gets into a call.
var secretSources = []struct {
	name, secret, key string
	update            composio.Update
}{
	{"a typed credential", secretToken, testKey, composio.Update{Credentials: composio.BearerToken{Token: composio.Set(secretToken)}}},
	{"a credential set verbatim", secretToken, testKey, composio.Update{Credentials: &composio.Basic{Password: composio.SetVerbatim(secretToken)}}},
	{"a credential by its name", secretToken, testKey, credentialUpdate(secretToken)},
	{"the API key", secretKey, secretKey, rename},
}

// formats are the verbs that fmt knows and one that it does not, as it treats all others alike, with the flags that change
// what is shown.
var formats = func() (all []string) {
	for _, verb := range "bcdeEfFgGoOpqstTUvwxXz" {
		for _, flag := range []string{"", "+", "#", " ", "# "} {
			all = append(all, "%"+flag+string(verb))
		}
	}
	return all
}()

// textsOf are what fmt, log/slog, encoding/json and encoding/xml, which stands for the encoders that know nothing of this
// package, say of v.
func textsOf(t testing.TB, v any, formats ...string) (texts []string) {
	t.Helper()
	for _, format := range formats {
		texts = append(texts, fmt.Sprintf(format, v))
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).With("with", v).WithGroup("group").Info("holds", "holder", v)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Errorf("%T cannot be written as JSON: %v", v, err)
	}
	markup, err := xml.Marshal(v)
	return append(texts, log.String(), string(encoded), string(markup), fmt.Sprint(err))
}

// wantHeldUnseen fails the test if any verb or encoder shows a part of a secret of v, or of what a service keeps it in: in
// unexported fields, of which fmt calls no method, or in exported ones, which the encoders look into.
func wantHeldUnseen[T any](t testing.TB, v T) {
	t.Helper()
	for _, holder := range []any{
		v, &v, []T{v}, map[string]*T{"key": &v}, struct{ Field T }{v}, &struct{ Any any }{v}, struct{ field any }{v}, &struct {
			field   T
			pointer *T
			list    []T
		}{v, &v, []T{v}},
	} {
		for _, text := range textsOf(t, holder, formats...) {
			if showsSecret(text) {
				t.Errorf("%T shows the secret: %.1000s", holder, text)
				return
			}
		}
	}
}

// wantNothingShowing fails the test if failure or a cause of it shows a part of a secret.
func wantNothingShowing(t testing.TB, failure *composio.Error) {
	t.Helper()
	texts := append(textsOf(t, failure, "%v", "%#v"), textsOf(t, *failure, "%v", "%+v", "%#v")...)
	for err := failure.Err; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, textsOf(t, err, "%v", "%+v", "%#v")...)
	}
	for _, text := range texts {
		if showsSecret(text) {
			t.Errorf("shows the secret: %s", text)
		}
	}
}

// echoBodies are the places of an answer that a secret may come back in; %s stands for it, escaped for JSON.
var echoBodies = []struct{ name, body string }{
	{"message", `{"error":{"message":"bad value %s given","code":600,"slug":"S"}}`},
	{"message alone", `{"error":{"message":"%s"}}`},
	{"slug", `{"error":{"message":"m","code":600,"slug":"Bad_%s_Value"}}`},
	{"suggested fix", `{"error":{"message":"m","code":600,"suggested_fix":"do not send %s again"}}`},
	{"errors", `{"error":{"message":"m","code":600,"errors":["one","token %s is bad","%[1]s"]}}`},
	{"errors of objects", `{"error":{"message":"m","code":600,"errors":[{"value":"%s","%[1]s":1}]}}`},
	{"errors as an object", `{"error":{"message":"m","code":600,"errors":{"%s":"%[1]s"}}}`},
	{"request id", `{"error":{"message":"m","code":600,"request_id":"%s"}}`},
	{"code", `{"error":{"message":"m","code":"%s"}}`},
	{"bare message", `{"message":"no such key: %s"}`},
	{"error as a string", `{"error":"no such key: %s"}`},
	{"error as a list", `{"error":["no such key: %s"]}`},
	{"property of no meaning", `{"error":{"message":"m","code":600},"echo":{"body":"%s"}}`},
	{"property's name", `{"error":{"message":"m","code":600,"%s":true}}`},
	{"HTML page", `<html><body>Request: {"token":"%s"}</body></html>`},
	{"cut answer", `{"error":{"message":"bad value %s giv`},
	{"cut right after it", `{"error":{"message":"bad value %s`},
	{"everywhere", `{"error":{"message":"%s","code":"%[1]s","slug":"%[1]s","suggested_fix":"%[1]s","request_id":"%[1]s","errors":["%[1]s",{"%[1]s":"%[1]s"}]},"message":"%[1]s"}`},
}

// The heart of the promise: whatever the secret, however it is written, wherever it comes back.
func TestEchoedSecretsAreShownNowhere(t *testing.T) {
	t.Parallel()
	for i, source := range secretSources {
		for j, echo := range echoForms {
			if i > 0 && j > 0 {
				continue // where a secret comes from does not change how it is recognised
			}
			inParallel(t, source.name+" "+echo.name, func(t *testing.T) {
				var status int
				var body string
				rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) { answerWith(status, body)(w, r) })
				var logged bytes.Buffer
				client := mustNew(t, source.key, composio.WithBaseURL(rec.URL), composio.WithMaxRetries(0), composio.WithLogger(logTo(&logged, slog.LevelDebug)))
				for _, place := range echoBodies {
					body = fmt.Sprintf(place.body, echo.form(source.secret))
					for _, status = range []int{400, 200} {
						failure := mustFail(t, t.Context(), client, testID, source.update)
						wantNothingShowing(t, failure)
						if failure.StatusCode != status || !strings.Contains(string(failure.Body), "[redacted]") {
							t.Errorf("StatusCode %d, Body %q, want %d and [redacted]", failure.StatusCode, failure.Body, status)
						}
						if t.Failed() {
							t.Fatalf("the secret in the %s with %d", place.name, status)
						}
					}
				}
				status, body = 200, fmt.Sprintf(`{"success":true,"id":"acc_%s","status":"ACTIVE %[1]s","val":{"token":"%[1]s"}}`, echo.form(source.secret))
				result := mustUpdate(t, client, testID, source.update)
				if showsSecret(fmt.Sprintf("%+v", *result)) || !strings.Contains(result.ID, "[redacted]") || !strings.Contains(string(result.Status), "[redacted]") {
					t.Errorf("the result is %+v", *result)
				}
				if logged.Len() == 0 || showsSecret(logged.String()) {
					t.Errorf("the client logged nothing, or the secret:\n%s", &logged)
				}
			})
		}
	}
}

// All verbs of fmt, which print fields, bytes and pointers each in their own way.
func TestNoVerbShowsAnEchoedSecret(t *testing.T) {
	t.Parallel()
	body := `{"error":{"message":"%s","slug":"%[1]s","errors":["%[1]s"]}}`
	for _, form := range []string{jsonForm(secretToken), hexForm(secretToken, `\u%04x`)} {
		failure := refusal(t, credentialUpdate(secretToken), fmt.Sprintf(body, form))
		wantHeldUnseen(t, failure)
		wantHeldUnseen(t, *failure)
		wantHeldUnseen(t, composio.Result{RequestID: failure.Message})
	}
}

// A header that comes back becomes RequestID, in errors and in results. Only a key can: a header cannot carry the other.
func TestSecretsInHeadersAreShownNowhere(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: success, 400: `{"error":{"message":"m","code":1}}`, 503: ""} {
		rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
			for name, value := range map[string]string{"X-Request-Id": "req-" + secretKey, "Retry-After": secretKey, "X-Ratelimit": secretKey, "X-Ratelimit-Window-Size": secretKey} {
				w.Header().Set(name, value)
			}
			answerWith(status, body)(w, r)
		})
		result, err := mustNew(t, secretKey, composio.WithBaseURL(rec.URL), composio.WithMaxRetries(0)).UpdateConnectedAccount(t.Context(), testID, rename)
		id := ""
		if failure, ok := errors.AsType[*composio.Error](err); ok {
			wantNothingShowing(t, failure)
			id = failure.RequestID
		} else {
			id = result.RequestID
		}
		if id != "req-[redacted]" {
			t.Errorf("status %d: RequestID = %q", status, id)
		}
	}
}

// Errors of a transport quote what was sent: a broken tracer, a proxy, net/http itself.
func TestSecretsThatATransportQuotesAreShownNowhere(t *testing.T) {
	t.Parallel()
	for form, within := range map[string]func(error) error{
		"as it is":                  func(err error) error { return err },
		"in one that hides it":      func(err error) error { return &net.DNSError{UnwrapErr: err} },
		"in one of several, hidden": func(err error) error { return errors.Join(io.EOF, &net.DNSError{UnwrapErr: err}) },
	} {
		for _, source := range secretSources {
			inParallel(t, source.name+", "+form, func(t *testing.T) {
				own := &tellingError{}
				client := mustNew(t, source.key, composio.WithBaseURL("https://composio.invalid"), composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
					Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
						body, err := io.ReadAll(req.Body)
						if err != nil {
							t.Error(err)
						}
						own.Text = fmt.Sprintf("tracing %v with %s and %q: %s", req.Header, body, req.Header.Get("X-Api-Key"), source.secret)
						return nil, within(fmt.Errorf("%w: %w", own, io.ErrClosedPipe))
					}),
				}))
				failure := mustFail(t, t.Context(), client, testID, source.update)
				if !strings.Contains(own.Text, source.secret) {
					t.Fatal("the transport did not see the secret")
				}
				wantNothingShowing(t, failure)
				wantHeldUnseen(t, failure.Err)
				if !errors.Is(failure, io.ErrClosedPipe) || !errors.Is(failure.Err, own) {
					t.Errorf("errors.Is does not see through %v", failure)
				}
				if found, ok := errors.AsType[*tellingError](failure); ok {
					t.Errorf("errors.AsType hands out %v", found)
				}
				if unwrapped := errors.Unwrap(failure.Err); unwrapped != nil {
					t.Errorf("errors.Unwrap hands out %v", unwrapped)
				}
			})
		}
	}
}

// tellingError is an error that shows what it knows.
type tellingError struct{ Text string }

func (e *tellingError) Error() string { return e.Text }

// net/http quotes the beginning of an answer that is no HTTP, in Go's own escapes.
func TestSecretsThatNetHTTPQuotesAreShownNowhere(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"%s\r\n\r\n", "HTTP/1.1 %s\r\n\r\n", "HTTP/%s 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	} {
		address := plainServer(t, answerBytes(fmt.Sprintf(answer, secretKey)))
		failure := mustFail(t, t.Context(), mustNew(t, secretKey, composio.WithBaseURL("http://"+address), composio.WithMaxRetries(0)), testID, rename)
		if wantNothingShowing(t, failure); failure.Err == nil {
			t.Errorf("%q has no cause", answer)
		}
	}
}

// Without a secret in its text, a cause is handed out as it is.
func TestCauseWithoutASecretIsHandedOut(t *testing.T) {
	t.Parallel()
	own := &tellingError{"out of ink"}
	client := newTestClient(t, "https://composio.invalid", composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
		Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "write", Net: "tcp", Err: errors.Join(own, syscall.EPIPE)}
		}),
	}))
	failure := mustFail(t, t.Context(), client, testID, tokenUpdate)
	if found, ok := errors.AsType[*tellingError](failure); !ok || found != own {
		t.Errorf("errors.AsType finds no %T in %v", own, failure)
	}
	if op, ok := errors.AsType[*net.OpError](failure); !ok || op.Op != "write" {
		t.Errorf("errors.AsType finds no *net.OpError in %v", failure)
	}
	if !errors.Is(failure, syscall.EPIPE) {
		t.Errorf("%v is not EPIPE", failure)
	}
	encoded, err := json.Marshal(failure.Err)
	if want := `"the server ended the connection without an answer: PATCH \"https://composio.invalid/api/v3/connected_accounts/ca_1a2b3c4d5e6f\": write tcp: out of ink\nbroken pipe"`; err != nil || string(encoded) != want {
		t.Errorf("the cause's JSON is %s, %v, want %s", encoded, err, want)
	}
}

// A key function's error may name the key it could not renew: the one that it returned before, or returns beside it.
func TestSecretsInAnErrorOfTheKeyFunctionAreShownNowhere(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, tooManyAtFirst(1))
	for name, test := range map[string]struct {
		key  func(calls int) (string, error)
		text string
	}{
		"returned beside it": {
			func(int) (string, error) { return secretKey, fmt.Errorf("the key %s has expired", secretKey) },
			"composio: ca_1a2b3c4d5e6f: WithAPIKeyFunc: the key [redacted] has expired",
		},
		"returned before": {
			func(calls int) (string, error) {
				if calls == 1 {
					return secretKey, nil
				}
				return "", fmt.Errorf("the key %s cannot be renewed", secretKey)
			},
			"composio: ca_1a2b3c4d5e6f: 429: Rate limit exceeded.; not tried again: WithAPIKeyFunc: the key [redacted] cannot be renewed; request id {sent}",
		},
	} {
		calls := 0
		client := mustNew(t, "", composio.WithBaseURL(rec.URL), composio.WithAPIKeyFunc(func(context.Context) (string, error) {
			calls++
			return test.key(calls)
		}))
		failure := mustFail(t, t.Context(), client, testID, rename)
		wantNothingShowing(t, failure)
		if got := strings.ReplaceAll(failure.Error(), cmp.Or(failure.RequestID, "none"), "{sent}"); got != test.text {
			t.Errorf("%s: Error() = %q, want %q", name, got, test.text)
		}
	}
}

// A rotated key is a secret no longer in use, but a secret.
func TestKeyOfAnEarlierAttemptIsShownNowhere(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "0.001")
		answerWith(http.StatusTooManyRequests, `{"message":"too many with `+jsonForm(secretKey)+`"}`)(w, r)
	})
	client := mustNew(t, "", composio.WithBaseURL(rec.URL), composio.WithLogger(logTo(&logged, slog.LevelDebug)), keysInTurn(secretKey, "another-key", "a-third-key"))
	failure := mustFail(t, t.Context(), client, testID, rename)
	wantNothingShowing(t, failure)
	if failure.Attempts != 3 || failure.Message != "too many with [redacted]" || strings.Count(logged.String(), "\n") != 5 || showsSecret(logged.String()) {
		t.Errorf("%v, with the log of 3 attempts and 2 retries:\n%s", failure, &logged)
	}
}

// The prefix of a key in what is no message.
func TestKeyPrefixIsRedactedEverywhere(t *testing.T) {
	t.Parallel()
	got := answerTo(t, rename, 401, http.Header{"X-Request-Id": {"ak_header"}},
		`{"error":{"message":"ak_message","slug":"ak_slug","suggested_fix":"ak_fix","errors":["ak_error",{"key":"line\nak_object"}]},"key":"ak_other"}`)
	want := reading{
		StatusCode: 401, Slug: "[redacted]", Message: "[redacted]", SuggestedFix: "[redacted]", RequestID: "[redacted]",
		Details: []string{"[redacted]", `{"key":"line\n[redacted]"}`},
		Body:    `{"error":{"message":"[redacted]","slug":"[redacted]","suggested_fix":"[redacted]","errors":["[redacted]",{"key":"line\n[redacted]"}]},"key":"[redacted]"}`,
		Text:    `composio: ca_1a2b3c4d5e6f: 401 [redacted]: [redacted]; [redacted]; {"key":"line\n[redacted]"}; fix: [redacted]; request id [redacted]`,
		Is:      "ErrUnauthorized",
	}
	wantSame(t, "the error", want, got)
	escaped := answerTo(t, rename, 401, jsonAnswer, `{"error":{"message":"\u0061k_message","errors":["\u0061k_error"]}}`)
	wantSame(t, "what was escaped", []string{"[redacted]", "[redacted]"}, append(escaped.Details, escaped.Message))
}

// Both are strings, and easily exchanged. What is asked before the key is sent may quote it too.
func TestKeyInTheWrongPlaceIsShownNowhere(t *testing.T) {
	t.Parallel()
	const plain, begun = "static-key-33333333", "ak_live!23456"
	busy := newRecorder(t, tooManyAtFirst(1e6)).URL
	shut := composio.WithLimiter(limiterFunc(func(context.Context) error { return errors.New("limiter for " + plain + " is shut") }))
	token := composio.Update{Credentials: composio.BearerToken{Token: composio.Set("static:token:33333333")}}
	const character = `composio: [redacted]: the account id "[redacted]" has a character other than A-Z, a-z, 0-9, _ and -`
	for _, test := range []struct {
		name, key, secret, id string
		update                composio.Update
		opt                   composio.Option
		want                  string // in the error's text
	}{
		{"id", plain, plain, plain, rename, nil, "composio: [redacted]: 429: Rate limit exceeded."},
		{"id with a key's prefix", testKey, testKey, testKey, rename, nil, "composio: [redacted]: 429: Rate limit exceeded."},
		{"refused id", "static!key!33333333", "key!33333333", "static!key!33333333", rename, nil, character},
		{"refused id with a key's prefix", plain, "ak_live", begun, rename, nil, `composio: the account id "[redacted]!23456" has a character other than A-Z, a-z, 0-9, _ and -`},
		{"a token as the id", plain, "static:token", "static:token:33333333", token, nil, character},
		{"limiter", plain, plain, testID, rename, shut, "composio: ca_1a2b3c4d5e6f: WithLimiter: limiter for [redacted] is shut"},
		{"version", plain, plain, testID, rename, composio.WithAPIVersion(plain), "composio: WithAPIVersion: a text of 19 bytes is not like v3 or v3.1"},
		{"version with a key's prefix", plain, "ak_live", testID, rename, composio.WithAPIVersion("ak_live"), `composio: WithAPIVersion: "[redacted]" is not like v3 or v3.1`},
		{"a short key as the version", "key-123", "key-123", testID, rename, composio.WithAPIVersion("key-123"), `composio: WithAPIVersion: "[redacted]" is not like v3 or v3.1`},
	} {
		var logged bytes.Buffer
		opts := []composio.Option{composio.WithBaseURL(busy), composio.WithLogger(logTo(&logged, slog.LevelDebug))}
		if test.opt != nil {
			opts = append(opts, test.opt)
		}
		client, err := composio.New(test.key, opts...)
		if err == nil {
			_, err = client.UpdateConnectedAccount(t.Context(), test.id, test.update)
		}
		if !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: Error() = %q, want %q", test.name, err, test.want)
		}
		texts := append(textsOf(t, err, formats...), logged.String())
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			texts = append(texts, cause.Error())
		}
		for _, text := range texts {
			if strings.Contains(text, test.secret) {
				t.Errorf("%s: %q is shown: %s", test.name, test.secret, text)
			}
		}
	}
}

// Redaction must not hide from the client itself what an answer says.
func TestClassificationReadsWhatArrived(t *testing.T) {
	t.Parallel()
	const clash = `{"error":{"message":"Alias \"work\" is already in use by another connection for this entity","code":600}}`
	const gone = `{"error":{"message":"m","slug":"ConnectedAccount_ResourceNotFound"}}`
	for _, test := range []struct {
		name, secret string
		status       int
		body, want   string
	}{
		{"a credential that is the word alias", "Alias", 409, clash, "ErrConflict ErrAliasTaken"},
		{"a credential that is the other phrase", "already in use", 400, clash, "ErrBadRequest ErrAliasTaken"},
		{"a credential that is a part of it", "read", 400, clash, "ErrBadRequest ErrAliasTaken"},
		{"a credential that is the alias", "work", 400, clash, "ErrBadRequest ErrAliasTaken"},
		{"a credential that is the slug", "ConnectedAccount_ResourceNotFound", 404, gone, "ErrNotFound ErrAccountNotFound"},
		{"a credential that is a part of the slug", "Resource", 404, gone, "ErrNotFound ErrAccountNotFound"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			got := answerTo(t, credentialUpdate(test.secret), test.status, jsonAnswer, test.body)
			if got.Is != test.want {
				t.Errorf("sentinels %q, want %q: %s", got.Is, test.want, got.Text)
			}
			if strings.Contains(got.Text, test.secret) || strings.Contains(got.Body, test.secret) || !strings.Contains(got.Body, "[redacted]") {
				t.Errorf("the credential %q is in %+v", test.secret, got)
			}
		})
	}
	inParallel(t, "a credential that makes success unreadable", func(t *testing.T) {
		rec := newRecorder(t, answerWith(http.StatusOK, success))
		result := mustUpdate(t, newTestClient(t, rec.URL), testID, credentialUpdate("success"))
		if result.Status != composio.StatusActive {
			t.Errorf("the result is %+v", result)
		}
	})
}

// Each credential field of the document is a secret, whichever scheme it is used with.
func TestEveryCredentialFieldIsASecret(t *testing.T) {
	t.Parallel()
	for _, name := range credentialNames(t) {
		got := refusal(t, fieldUpdate(name, composio.Set(secretToken)), `{"error":{"message":"bad `+name+` `+jsonForm(secretToken)+`","code":1}}`)
		if wantNothingShowing(t, got); got.Message != "bad "+name+" [redacted]" || string(got.Body) != "[redacted]" {
			t.Errorf("Message = %q, Body = %q", got.Message, got.Body)
		}
		got = refusal(t, fieldUpdate(name, composio.Set("plain")), `{"error":{"message":"bad plain","code":1},"got":["plain","plainly"]}`)
		if want := `{"error":{"message":"bad [redacted]","code":1},"got":["[redacted]","[redacted]ly"]}`; string(got.Body) != want {
			t.Errorf("Body = %s, want %s", got.Body, want)
		}
	}
}
