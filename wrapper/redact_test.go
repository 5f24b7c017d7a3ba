package composio_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	"sync"
	"syscall"
	"testing"

	composio "example.com/composio/wrapper"
)

// The secrets of these tests have, between characters that JSON can write in several ways, parts that stand nowhere
// else in any encoding: a text that shows a part shows the secret.
const (
	secretToken = "Zq7\"Kv9\\Wx3/é😀Jm5<&>\nBg8\tZq7"
	secretKey   = `Zq7"Kv9\Wx3/Jm5<&>Bg8` // an API key goes into a header, which takes visible ASCII alone
)

var secretParts = []string{"Zq7", "Kv9", "Wx3", "Jm5", "Bg8"}

// partForms are the parts as they are, and as fmt shows strings and lists of bytes in numbers.
var partForms = func() (forms []string) {
	for _, part := range secretParts {
		list := fmt.Sprintf("%#v", []byte(part))
		forms = append(forms, part, strings.Trim(fmt.Sprint([]byte(part)), "[]"), list[len("[]byte{"):len(list)-1])
		for _, format := range []string{"%x", "%X", "% x", "% X", "%# x"} {
			forms = append(forms, fmt.Sprintf(format, part))
		}
	}
	return forms
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
	name   string
	secret string
	client func(t testing.TB, url string, opts ...composio.Option) *composio.Client
	update composio.Update
}{
	{"a typed credential", secretToken, newTestClient, composio.Update{Credentials: composio.BearerToken{Token: composio.Set(secretToken)}}},
	{"a credential set verbatim", secretToken, newTestClient, composio.Update{Credentials: &composio.Basic{Password: composio.SetVerbatim(secretToken)}}},
	{"a credential by its name", secretToken, newTestClient, credentialUpdate(secretToken)},
	{
		"the API key", secretKey, func(t testing.TB, url string, opts ...composio.Option) *composio.Client {
			return mustNew(t, secretKey, append(opts, composio.WithBaseURL(url))...)
		}, rename,
	},
	{
		"the key function", secretKey, func(t testing.TB, url string, opts ...composio.Option) *composio.Client {
			return mustNew(t, "", append(opts, composio.WithBaseURL(url), composio.WithAPIKeyFunc(func(context.Context) (string, error) { return secretKey, nil }))...)
		}, rename,
	},
}

// logBook is a logger of both kinds at the debug level, and what it wrote.
func logBook() (text, json *slog.Logger, written *syncBuffer) {
	written = &syncBuffer{}
	options := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return slog.New(slog.NewTextHandler(written, options)), slog.New(slog.NewJSONHandler(written, options)), written
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// Keeping keeps an error as a service may, in fields exported and not: fmt calls no method of the latter.
type Keeping struct {
	Last   *composio.Error
	Copy   composio.Error
	Err    error
	Result *composio.Result
	last   *composio.Error
	copied composio.Error
	any    any
	err    error
	result composio.Result
}

// wantNoVerbShowing fails the test if any verb shows a part of a secret, of failure or of what a service keeps it in.
func wantNoVerbShowing(t testing.TB, failure *composio.Error) {
	t.Helper()
	result := composio.Result{RequestID: failure.RequestID}
	keeping := Keeping{failure, *failure, failure, &result, failure, *failure, *failure, failure, result}
	for _, format := range formats() {
		for _, shown := range []any{failure, *failure, failure.Err, keeping, fmt.Errorf("wrapped: %w", failure)} {
			if text := fmt.Sprintf(format, shown); showsSecret(text) {
				t.Errorf("%s of %T shows the secret: %.1000s", format, shown, text)
				return
			}
		}
	}
}

// wantNothingShowing fails the test if anything that holds failure shows a part of a secret.
func wantNothingShowing(t testing.TB, failure *composio.Error) {
	t.Helper()
	texts := append([]string{
		failure.Error(), failure.AccountID, failure.Slug, failure.Message, failure.SuggestedFix, failure.RequestID, string(failure.Body),
		fmt.Sprintf("%v", failure), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure), fmt.Errorf("wrapped: %w", failure).Error(),
	}, failure.Details...)
	for err := failure.Err; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err))
	}
	text, js, written := logBook()
	for _, logger := range []*slog.Logger{text, js} {
		logger.Error("failed", "err", failure, "copy", *failure, "cause", failure.Err, "kept", Keeping{Last: failure, Copy: *failure, Err: failure})
		logger.With("err", failure).WithGroup("group").LogAttrs(context.Background(), slog.LevelDebug, failure.Error(), slog.Any("copy", *failure))
	}
	texts = append(texts, written.String())
	for _, shown := range []any{failure, *failure, failure.Err, Keeping{Last: failure, Copy: *failure, Err: failure}} {
		encoded, err := json.Marshal(shown)
		if err != nil {
			t.Errorf("%T cannot be written as JSON: %v", shown, err)
		}
		texts = append(texts, string(encoded))
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
	for _, source := range secretSources {
		for _, echo := range echoForms {
			inParallel(t, source.name+" "+echo.name, func(t *testing.T) {
				var status int
				var body string
				rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
				_, logger, written := logBook()
				client := source.client(t, rec.URL, composio.WithMaxRetries(0), composio.WithLogger(logger))
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
				if written.Len() == 0 || showsSecret(written.String()) {
					t.Errorf("the client logged nothing, or the secret:\n%s", written)
				}
			})
		}
	}
}

// All verbs of fmt, which print fields, bytes and pointers each in their own way.
func TestNoVerbShowsAnEchoedSecret(t *testing.T) {
	t.Parallel()
	for _, source := range secretSources {
		for _, form := range []string{jsonForm(source.secret), hexForm(source.secret, `\u%04x`)} {
			rec := newRecorder(t, answerWith(http.StatusBadRequest, fmt.Sprintf(`{"error":{"message":"%s","slug":"%[1]s","errors":["%[1]s"]}}`, form)))
			wantNoVerbShowing(t, mustFail(t, t.Context(), source.client(t, rec.URL, composio.WithMaxRetries(0)), testID, source.update))
		}
	}
}

// A header that comes back becomes RequestID, in errors and in results.
func TestSecretsInHeadersAreShownNowhere(t *testing.T) {
	t.Parallel()
	echo := http.Header{"X-Request-Id": {"req-" + secretKey}, "Retry-After": {secretKey}, "X-Ratelimit": {secretKey}, "X-Ratelimit-Window-Size": {secretKey}}
	for _, source := range secretSources {
		if source.secret != secretKey {
			continue // a header cannot carry the other
		}
		for status, body := range map[int]string{200: success, 400: `{"error":{"message":"m","code":1}}`, 503: ""} {
			rec := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
				for name, values := range echo {
					w.Header()[name] = values
				}
				answerWith(status, body)(w, r)
			})
			client := source.client(t, rec.URL, composio.WithMaxRetries(0))
			if status == 200 {
				result := mustUpdate(t, client, testID, source.update)
				if result.RequestID != "req-[redacted]" {
					t.Errorf("%s: RequestID of a result = %q", source.name, result.RequestID)
				}
				continue
			}
			failure := mustFail(t, t.Context(), client, testID, source.update)
			wantNothingShowing(t, failure)
			if failure.RequestID != "req-[redacted]" {
				t.Errorf("%s: RequestID = %q", source.name, failure.RequestID)
			}
		}
	}
}

// A result is printed and logged too.
func TestSecretsInAResultAreShownNowhere(t *testing.T) {
	t.Parallel()
	for _, source := range secretSources {
		for _, echo := range echoForms {
			form := echo.form(source.secret)
			rec := newRecorder(t, answerWith(http.StatusOK, `{"success":true,"id":"acc_`+form+`","status":"ACTIVE `+form+`","val":{"token":"`+form+`"}}`))
			_, js, written := logBook()
			result := mustUpdate(t, source.client(t, rec.URL, composio.WithLogger(js)), testID, source.update)
			js.Info("done", "result", result, "copy", *result)
			if !strings.Contains(result.ID, "[redacted]") || !strings.Contains(string(result.Status), "[redacted]") {
				t.Errorf("ID = %q, Status = %q", result.ID, result.Status)
			}
			if text := fmt.Sprintf("%+v %s", *result, written); showsSecret(text) {
				t.Errorf("the result or the log shows the secret: %s", text)
			}
		}
	}
}

// Errors of a transport quote what was sent: a broken tracer, a proxy, net/http itself.
func TestSecretsThatATransportQuotesAreShownNowhere(t *testing.T) {
	t.Parallel()
	for _, source := range secretSources {
		inParallel(t, source.name, func(t *testing.T) {
			own := &tellingError{}
			client := source.client(t, "https://composio.invalid", composio.WithMaxRetries(0), composio.WithHTTPClient(&http.Client{
				Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(req.Body)
					if err != nil {
						t.Error(err)
					}
					own.Text = fmt.Sprintf("tracing %v with %s and %q: %s", req.Header, body, req.Header.Get("X-Api-Key"), source.secret)
					return nil, fmt.Errorf("%w: %w", own, io.ErrClosedPipe)
				}),
			}))
			failure := mustFail(t, t.Context(), client, testID, source.update)
			if !strings.Contains(own.Text, source.secret) {
				t.Fatal("the transport did not see the secret")
			}
			wantNothingShowing(t, failure)
			wantNoVerbShowing(t, failure)
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

// tellingError is an error that shows what it knows.
type tellingError struct{ Text string }

func (e *tellingError) Error() string { return e.Text }

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// net/http quotes the beginning of an answer that is no HTTP, in Go's own escapes.
func TestSecretsThatNetHTTPQuotesAreShownNowhere(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"%s\r\n\r\n", "HTTP/1.1 %s\r\n\r\n", "HTTP/%s 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	} {
		for _, source := range secretSources {
			if source.secret != secretKey {
				continue // its line's end would end the quoted line
			}
			address := rawServer(t, answerBytes(fmt.Sprintf(answer, source.secret)))
			failure := mustFail(t, t.Context(), source.client(t, "http://"+address, composio.WithMaxRetries(0)), testID, source.update)
			wantNothingShowing(t, failure)
			if failure.Err == nil {
				t.Errorf("%q has no cause", answer)
			}
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
	if want := `"PATCH \"https://composio.invalid/api/v3/connected_accounts/ca_1a2b3c4d5e6f\": write tcp: out of ink\nbroken pipe"`; err != nil || string(encoded) != want {
		t.Errorf("the cause's JSON is %s, %v, want %s", encoded, err, want)
	}
}

// errors.As must not hand out an address that has the secret in its text, and errors.Is must work all the same.
func TestCauseWithASecretIsSeenThroughByIsAlone(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	update := composio.Update{Credentials: composio.BearerToken{Token: composio.Set(":" + port + ":")}} // net writes it so
	failure := mustFail(t, t.Context(), newTestClient(t, "http://"+address, composio.WithMaxRetries(0)), testID, update)
	if !errors.Is(failure, syscall.ECONNREFUSED) {
		t.Errorf("%v is not %v", failure, syscall.ECONNREFUSED)
	}
	if op, ok := errors.AsType[*net.OpError](failure); ok {
		t.Errorf("errors.AsType hands out %v", op)
	}
	if strings.Contains(failure.Error(), ":"+port+":") || !strings.Contains(failure.Error(), "[redacted]") {
		t.Errorf("the text is %q", failure)
	}
}

// A key function's error may name the key it could not renew: the one that it returned before, or returns beside it.
func TestSecretsInAnErrorOfTheKeyFunctionAreShownNowhere(t *testing.T) {
	t.Parallel()
	inParallel(t, "returned beside it", func(t *testing.T) {
		client := mustNew(t, "", composio.WithAPIKeyFunc(func(context.Context) (string, error) {
			return secretKey, fmt.Errorf("the key %s has expired: %w", secretKey, io.EOF)
		}))
		failure := mustFail(t, t.Context(), client, testID, rename)
		wantNothingShowing(t, failure)
		if got, want := failure.Error(), "composio: ca_1a2b3c4d5e6f: WithAPIKeyFunc: the key [redacted] has expired: EOF"; got != want || !errors.Is(failure, io.EOF) {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	})
	inParallel(t, "returned before", func(t *testing.T) {
		rec := newRecorder(t, tooManyAtFirst(1))
		calls := 0
		client := mustNew(t, "", composio.WithBaseURL(rec.URL), composio.WithAPIKeyFunc(func(context.Context) (string, error) {
			if calls++; calls == 1 {
				return secretKey, nil
			}
			return "", fmt.Errorf("the key %s cannot be renewed", secretKey)
		}))
		failure := mustFail(t, t.Context(), client, testID, rename)
		wantNothingShowing(t, failure)
		if failure.Attempts != 1 || !strings.Contains(failure.Error(), "the key [redacted] cannot be renewed") {
			t.Errorf("the text is %q", failure)
		}
	})
	inParallel(t, "with characters that a header does not take", func(t *testing.T) {
		client := mustNew(t, "", composio.WithAPIKeyFunc(func(context.Context) (string, error) { return secretToken, nil }))
		failure := mustFail(t, t.Context(), client, testID, rename)
		wantNothingShowing(t, failure)
		if got := holding(failure); got != "ErrInvalid" {
			t.Errorf("sentinels %q: %v", got, failure)
		}
	})
}

// A rotated key is a secret no longer in use, but a secret.
func TestKeyOfAnEarlierAttemptIsShownNowhere(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0.001")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"message":"too many with `+jsonForm(secretKey)+`"}`)
	})
	keys := []string{secretKey, "another-key", "a-third-key"}
	_, logger, written := logBook()
	client := mustNew(t, "", composio.WithBaseURL(rec.URL), composio.WithLogger(logger), composio.WithAPIKeyFunc(func(context.Context) (string, error) {
		key := keys[0]
		keys = keys[1:]
		return key, nil
	}))
	failure := mustFail(t, t.Context(), client, testID, rename)
	wantNothingShowing(t, failure)
	if failure.Attempts != 3 || failure.Message != "too many with [redacted]" {
		t.Errorf("after %d attempts: %v", failure.Attempts, failure)
	}
	if lines := strings.Count(written.String(), "\n"); lines != 5 || showsSecret(written.String()) {
		t.Errorf("%d lines of log, want 3 attempts and 2 retries, or the secret:\n%s", lines, written)
	}
}

// A credential that is refused is a credential.
func TestRefusedValuesAreShownNowhere(t *testing.T) {
	t.Parallel()
	client := mustNew(t, testKey)
	for name, value := range map[string]string{
		"masked":    "Zq7...",
		"not UTF-8": "Zq7Kv9\xff",
	} {
		failure := mustFail(t, t.Context(), client, testID, composio.Update{Credentials: composio.BearerToken{Token: composio.Set(value)}})
		wantNothingShowing(t, failure)
		wantNoVerbShowing(t, failure)
		if got := holding(failure); got != "ErrInvalid" {
			t.Errorf("%s: sentinels %q: %v", name, got, failure)
		}
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
}

// Both are strings, and easily exchanged.
func TestKeyInPlaceOfTheAccountIDIsShownNowhere(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	rec := newRecorder(t, answerWith(404, ""))
	client := newTestClient(t, rec.URL, composio.WithLogger(logTo(&logged, slog.LevelDebug)))
	failure := mustFail(t, t.Context(), client, testKey, rename)
	if got := failure.Error() + logged.String(); strings.Contains(got, testKey) || !strings.Contains(got, "composio: [redacted]: 404") {
		t.Error(got)
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
		inParallel(t, name, func(t *testing.T) {
			update := fieldUpdate(name, composio.Set(secretToken))
			got := answerTo(t, update, 400, jsonAnswer, `{"error":{"message":"bad `+name+` `+jsonForm(secretToken)+`","code":1}}`)
			if got.Message != "bad "+name+" [redacted]" || showsSecret(got.Text) || showsSecret(got.Body) {
				t.Errorf("the error is %+v", got)
			}
		})
	}
}
