package composio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/example"
	"example.com/composio/wrapper/internal/hook"
)

const (
	testID  = "ca_1a2b3c4d5e6f"
	testKey = "ak_testing-key-0123456789"
)

// success is the answer to testID's update, as the document's example has it.
var success = example.JSON(testID, "ACTIVE")

// received is one request as the server saw it.
type received struct {
	Method string
	URI    string // the path as it was on the wire, escapes and all
	Header http.Header
	Body   string
}

// recorder is a server over loopback that keeps every request.
type recorder struct {
	URL string

	mu   sync.Mutex
	list []received
}

// newRecorder starts a recorder that answers with answer, or with succeed if that is nil.
func newRecorder(t testing.TB, answer http.HandlerFunc) *recorder {
	t.Helper()
	if answer == nil {
		answer = succeed
	}
	rec := &recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the server could not read a request: %v", err)
		}
		rec.mu.Lock()
		rec.list = append(rec.list, received{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		rec.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	rec.URL = server.URL
	return rec
}

// answerWith answers every request the same.
func answerWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
}

// succeed answers with success for the account that was asked for.
func succeed(w http.ResponseWriter, r *http.Request) {
	answerWith(http.StatusOK, strings.Replace(success, testID, path.Base(r.URL.Path), 1))(w, r)
}

// requests are all that arrived so far.
func (rec *recorder) requests() []received {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.list)
}

// only is the one request that arrived.
func (rec *recorder) only(t testing.TB) received {
	t.Helper()
	list := rec.requests()
	if len(list) != 1 {
		t.Fatalf("the server received %d requests, want 1", len(list))
	}
	return list[0]
}

// newTestClient returns a client with testKey for the server at url.
func newTestClient(t testing.TB, url string, opts ...composio.Option) *composio.Client {
	t.Helper()
	return mustNew(t, testKey, append([]composio.Option{composio.WithBaseURL(url)}, opts...)...)
}

// mustNew is composio.New for options that must be accepted.
func mustNew(t testing.TB, key string, opts ...composio.Option) *composio.Client {
	t.Helper()
	client, err := composio.New(key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// rename is an update for tests that are not about updates.
var rename = composio.Update{Alias: composio.Set("work")}

// mustUpdate makes a call that must succeed.
func mustUpdate(t testing.TB, client *composio.Client, id string, u composio.Update) *composio.Result {
	t.Helper()
	result, err := client.UpdateConnectedAccount(t.Context(), id, u)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// mustFail makes a call that must end with an *Error and no result, and returns the error.
func mustFail(t testing.TB, ctx context.Context, client *composio.Client, id string, u composio.Update) *composio.Error {
	t.Helper()
	result, err := client.UpdateConnectedAccount(ctx, id, u)
	if result != nil {
		t.Errorf("there is a result beside the error: %+v", result)
	}
	failure, ok := errors.AsType[*composio.Error](err)
	if !ok {
		t.Fatalf("the error is a %T, want an *Error: %v", err, err)
	}
	return failure
}

// inParallel runs a subtest besides others.
func inParallel(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

// inBubble runs a subtest besides others in a bubble of its own, in which time passes at once and exactly.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	inParallel(t, name, func(t *testing.T) { synctest.Test(t, test) })
}

// wantSame fails the test if got is not want.
func wantSame(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// roundTripFunc is an in-memory transport.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answerInMemory is what an in-memory transport returns for an answer.
func answerInMemory(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// uuidV4 is RFC 9562's form of a random UUID.
var uuidV4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// The one request of the reference page's curl example, to the last header.
func TestUpdateSendsExactlyOneRequest(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, nil)
	mustUpdate(t, newTestClient(t, rec.URL), testID, composio.Update{
		Credentials: composio.BearerToken{Token: composio.Set("new_access_token")},
	})
	got := rec.only(t)
	body := `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new_access_token"}}}}`
	want := received{
		Method: "PATCH",
		URI:    "/api/v3/connected_accounts/ca_1a2b3c4d5e6f",
		Header: http.Header{
			"Accept":          {"application/json"},
			"Accept-Encoding": {"gzip"}, // net/http's own
			"Content-Length":  {fmt.Sprint(len(body))},
			"Content-Type":    {"application/json"},
			"User-Agent":      {"composio-go"},
			"X-Api-Key":       {testKey},
			"X-Request-Id":    got.Header["X-Request-Id"],
		},
		Body: body,
	}
	wantSame(t, "the request", want, got)
	if ids := got.Header["X-Request-Id"]; len(ids) != 1 || !uuidV4.MatchString(ids[0]) {
		t.Errorf("X-Request-Id = %q, want one random UUID", ids)
	}
}

// Package bulk learns from it what became of each attempt, and how much of the rate limit is left.
func TestHookFollowsEachAttempt(t *testing.T) {
	t.Parallel()
	type seen struct {
		limit   hook.RateLimit
		applied bool
		is      string
	}
	var got []seen
	ctx := hook.With(t.Context(), hook.Attempts{After: func(limit hook.RateLimit, err error) {
		got = append(got, seen{limit, err == nil, holding(err)})
	}})
	client, _ := scriptedClient(t, []step{
		answers(429, "", "Retry-After", "0.001", "X-RateLimit", "10", "X-RateLimit-Remaining", "0"),
		answers(200, success, "X-RateLimit", "10", "X-RateLimit-Remaining", "9"),
	})
	if _, err := client.UpdateConnectedAccount(ctx, testID, rename); err != nil {
		t.Fatal(err)
	}
	want := []seen{{hook.RateLimit{Limit: 10, Known: true}, false, "ErrRateLimited"}, {hook.RateLimit{Limit: 10, Remaining: 9, Known: true}, true, ""}}
	if !slices.Equal(got, want) {
		t.Errorf("after the attempts came %v, want %v", got, want)
	}
}

func TestBaseURLAndVersionMakeThePath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, suffix, version, want string
	}{
		{"no path", "", "v3", "/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"a slash", "/", "v3", "/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"version 3.1", "", "v3.1", "/api/v3.1/connected_accounts/ca_1a2b3c4d5e6f"},
		{"version 10.2.1", "", "v10.2.1", "/api/v10.2.1/connected_accounts/ca_1a2b3c4d5e6f"},
		{"prefix", "/composio", "v3", "/composio/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"prefix with a slash at its end", "/gateway/composio/", "v3", "/gateway/composio/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"prefix with version 3.1", "/gateway", "v3.1", "/gateway/api/v3.1/connected_accounts/ca_1a2b3c4d5e6f"},
		{"escaped slash in the prefix", "/a%2Fb", "v3.1", "/a%2Fb/api/v3.1/connected_accounts/ca_1a2b3c4d5e6f"},
		{"escaped slash at the prefix's end", "/a%2F/", "v3", "/a%2F/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"escaped space and percent", "/a%20b%25", "v3", "/a%20b%25/api/v3/connected_accounts/ca_1a2b3c4d5e6f"},
		{"prefix that looks like the path itself", "/api/v3/x", "v3.1", "/api/v3/x/api/v3.1/connected_accounts/ca_1a2b3c4d5e6f"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			rec := newRecorder(t, nil)
			mustUpdate(t, newTestClient(t, rec.URL+test.suffix, composio.WithAPIVersion(test.version)), testID, rename)
			if got := rec.only(t).URI; got != test.want {
				t.Errorf("the path is %q, want %q", got, test.want)
			}
		})
	}
}

// The caller's client may be in use elsewhere, so nothing of it may change, and nothing of ours may depend on it later.
func TestCallersHTTPClientStaysAsItWas(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, nil)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	theirs := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { asked = true; return nil },
		Jar:           jar,
		Timeout:       time.Minute,
	}
	client := newTestClient(t, rec.URL, composio.WithHTTPClient(theirs))
	mustUpdate(t, client, testID, rename)
	if theirs.Transport != nil || theirs.Jar != http.CookieJar(jar) || theirs.Timeout != time.Minute {
		t.Errorf("the caller's client has become %+v", theirs)
	}
	if _ = theirs.CheckRedirect(nil, nil); !asked {
		t.Error("the caller's CheckRedirect is another function now")
	}
	theirs.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("the client follows a change of the caller's")
	})
	mustUpdate(t, client, testID, rename)
}

// tooManyAtFirst answers the first n requests 429, to be tried again at once, and the others with success.
func tooManyAtFirst(n int32) http.HandlerFunc {
	var count atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= n {
			w.Header().Set("Retry-After", "0.001")
			answerWith(http.StatusTooManyRequests, `{"message":"Rate limit exceeded."}`)(w, r)
			return
		}
		answerWith(http.StatusOK, success)(w, r)
	}
}

// keysInTurn is a key function that returns one key after the other.
func keysInTurn(keys ...string) composio.Option {
	return composio.WithAPIKeyFunc(func(context.Context) (string, error) {
		key := keys[0]
		keys = keys[1:]
		return key, nil
	})
}

func TestKeyFromTheFunctionIsCheckedEachTime(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "ak_rotated\r\nX-Evil: 1", "ak_rotat\xe9"} {
		rec := newRecorder(t, nil)
		client := mustNew(t, "", composio.WithBaseURL(rec.URL), keysInTurn(testKey, bad))
		mustUpdate(t, client, testID, rename)
		failure := mustFail(t, t.Context(), client, testID, rename)
		if holding(failure) != "ErrInvalid" || !strings.Contains(failure.Error(), "WithAPIKeyFunc: the API key ") || strings.Contains(failure.Error(), "rotat") {
			t.Errorf("the error is %q, want ErrInvalid that names WithAPIKeyFunc and not the key", failure)
		}
		rec.only(t)
	}
}

// ErrInvalid says that nothing was sent, which a bad key cannot undo.
func TestBadKeyAfterAnAttemptIsNotInvalidInput(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, tooManyAtFirst(1))
	failure := mustFail(t, t.Context(), mustNew(t, "", composio.WithBaseURL(rec.URL), keysInTurn(testKey, "ak_bad\n")), testID, rename)
	if holding(failure) != "ErrRateLimited" || failure.Attempts != 1 || failure.RequestID != rec.only(t).Header.Get("X-Request-Id") {
		t.Errorf("the error is not that of the one attempt, whose id was sent: %v", failure)
	}
}

// limiterFunc is a limiter.
type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// A key may be short-lived, so it is asked for after the limiter's wait. Both have the caller's context, because the
// attempt's timeout must not run while a call waits for its turn or for a key.
func TestLimiterAndKeyFunctionAreAskedForEachAttempt(t *testing.T) {
	t.Parallel()
	rec := newRecorder(t, tooManyAtFirst(2))
	ctx := t.Context()
	var asked, sent []string
	ask := func(who string, got context.Context) (string, error) {
		if got != ctx {
			t.Errorf("the %s's context is not the caller's own", who)
		}
		asked = append(asked, who)
		return fmt.Sprint("ak_rotated_", len(asked)), nil
	}
	client := mustNew(t, "", composio.WithBaseURL(rec.URL),
		composio.WithLimiter(limiterFunc(func(ctx context.Context) error { _, err := ask("limiter", ctx); return err })),
		composio.WithAPIKeyFunc(func(ctx context.Context) (string, error) { return ask("key", ctx) }))
	mustUpdate(t, client, testID, rename)
	for _, r := range rec.requests() {
		sent = append(sent, r.Header["X-Api-Key"]...)
	}
	wantSame(t, "what three attempts asked", []string{"limiter", "key", "limiter", "key", "limiter", "key"}, asked)
	wantSame(t, "the keys", []string{"ak_rotated_2", "ak_rotated_4", "ak_rotated_6"}, sent)
}

// Not parallel, since others close the idle connections of the pool that this is about.
func TestClientsWithoutATransportShareOnePool(t *testing.T) {
	var opened atomic.Int32
	closed := make(chan struct{}, 10)
	server := httptest.NewUnstartedServer(answerWith(http.StatusOK, success))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	for range 3 {
		mustUpdate(t, newTestClient(t, server.URL), testID, rename)
		mustUpdate(t, newTestClient(t, server.URL, composio.WithHTTPClient(&http.Client{})), testID, rename)
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("6 clients, one after another, opened %d connections, want 1", got)
	}
	newTestClient(t, server.URL).CloseIdleConnections()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("after CloseIdleConnections the connection is still open")
	}
}

func TestDoneContextAsksNobodyAndSendsNothing(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancelExpired := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelExpired()
	for want, ctx := range map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: expired} {
		rec := newRecorder(t, nil)
		asked := func(context.Context) error { t.Error("the limiter or the key function was asked"); return nil }
		client := mustNew(t, "", composio.WithBaseURL(rec.URL), composio.WithLimiter(limiterFunc(asked)),
			composio.WithAPIKeyFunc(func(ctx context.Context) (string, error) { return testKey, asked(ctx) }))
		failure := mustFail(t, ctx, client, testID, rename)
		if failure.Error() != "composio: ca_1a2b3c4d5e6f: "+want.Error() || !errors.Is(failure, want) || len(rec.requests()) != 0 {
			t.Errorf("sent %v: %v", rec.requests(), failure)
		}
	}
}

// What ends a call before an attempt is its error, beside what the attempt before was answered.
func TestWhatEndsACallBeforeAnAttempt(t *testing.T) {
	t.Parallel()
	full := errors.New("the queue is full")
	passes := func(context.Context, func()) error { return nil }
	fails := func(context.Context, func()) error { return full }
	cancels := func(_ context.Context, cancel func()) error { cancel(); return nil }
	waits := func(ctx context.Context, cancel func()) error { cancel(); <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct {
		name         string
		limiter, key func(ctx context.Context, cancel func()) error
		want         error
		text         string
		asked        int // 1: the limiter, 2: the key function too
	}{
		{"limiter's error", fails, passes, full, "WithLimiter: the queue is full", 1},
		{"key function's error", passes, fails, full, "WithAPIKeyFunc: the queue is full", 2},
		{"canceled in a limiter that waits", waits, passes, context.Canceled, "WithLimiter: context canceled", 1},
		{"canceled in a limiter that does not look", cancels, passes, context.Canceled, "context canceled", 2},
		{"canceled in a key function that waits", passes, waits, context.Canceled, "WithAPIKeyFunc: context canceled", 2},
		{"canceled in a key function that does not look", passes, cancels, context.Canceled, "context canceled", 2},
	} {
		for attempts := range 2 {
			inBubble(t, fmt.Sprintf("%s after %d attempts", test.name, attempts), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				asked := 0
				in := func(f func(context.Context, func()) error) func(context.Context) error {
					calls := 0
					return func(ctx context.Context) error {
						asked++
						if calls++; calls > attempts {
							return f(ctx, cancel)
						}
						return nil
					}
				}
				s := &script{steps: []step{answers(500, `{"error":{"message":"oops","slug":"Internal"}}`, "X-Request-Id", "req_1")}}
				key := in(test.key)
				client := mustNew(t, "", composio.WithHTTPClient(&http.Client{Transport: s}), composio.WithLimiter(limiterFunc(in(test.limiter))),
					composio.WithAPIKeyFunc(func(ctx context.Context) (string, error) { return testKey, key(ctx) }))
				failure := mustFail(t, ctx, client, testID, rename)
				text, sentinels, id := "composio: ca_1a2b3c4d5e6f: "+test.text, "", ""
				if attempts > 0 {
					text = "composio: ca_1a2b3c4d5e6f: 500 Internal: oops; not tried again: " + test.text + "; the update may have been applied; request id req_1"
					sentinels, id = "ErrServer ErrOutcomeUnknown", "req_1"
				}
				if failure.Error() != text || holding(failure) != sentinels || failure.RequestID != id || !errors.Is(failure, test.want) {
					t.Errorf("Error() = %q, want %q; sentinels %q; RequestID %q", failure, text, holding(failure), failure.RequestID)
				}
				if asked != 2*attempts+test.asked || len(s.seen) != attempts || failure.Attempts != attempts {
					t.Errorf("%d requests, Attempts = %d, want %d of both; %d questions", len(s.seen), failure.Attempts, attempts, asked)
				}
			})
		}
	}
}
