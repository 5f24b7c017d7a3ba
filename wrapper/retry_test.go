package composio_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	composio "example.com/composio/wrapper"
)

// Waiting is tested in a bubble of testing/synctest, where time passes at once and exactly, over a transport in memory.
// A bubble also fails if a goroutine is left in it, so each of these tests shows that a call leaves none.

// step is what a script does with one request.
type step func(*http.Request) (*http.Response, error)

// script is a transport in memory that does its steps one after the other, and the last one over and over.
type script struct {
	steps []step
	seen  []scripted
}

// scripted is one request as a script saw it.
type scripted struct {
	At            time.Time
	Left          time.Duration // until the deadline of the request's context
	Body, ID, Key string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	seen := scripted{At: time.Now(), Body: string(body), ID: req.Header.Get("X-Request-Id"), Key: req.Header.Get("X-Api-Key")}
	if deadline, ok := req.Context().Deadline(); ok {
		seen.Left = time.Until(deadline)
	}
	s.seen = append(s.seen, seen)
	return s.steps[min(len(s.seen), len(s.steps))-1](req)
}

// waits are the times from each request to the next.
func (s *script) waits() []time.Duration {
	var waits []time.Duration
	for i := range s.seen[1:] {
		waits = append(waits, s.seen[i+1].At.Sub(s.seen[i].At))
	}
	return waits
}

// scriptedClient returns a client over a script of steps.
func scriptedClient(t *testing.T, steps []step, opts ...composio.Option) (*composio.Client, *script) {
	t.Helper()
	s := &script{steps: steps}
	return mustNew(t, testKey, append(opts, composio.WithHTTPClient(&http.Client{Transport: s}))...), s
}

// answers is a step that answers with status, body and headers, which are names and values in turn.
func answers(status int, body string, headers ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		resp := answerInMemory(req, status, body)
		for pair := range slices.Chunk(headers, 2) {
			resp.Header.Set(pair[0], pair[1])
		}
		return resp, nil
	}
}

// breaksOff is a step whose answer has status and ends in the middle with err.
func breaksOff(status int, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		resp := answerInMemory(req, status, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"success":true`), iotest.ErrReader(err)))
		resp.ContentLength = -1
		return resp, nil
	}
}

// fails is a step that gives no answer.
func fails(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs is a step that gives no answer as long as the request's context lasts.
func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// atTheEnd is a step that takes as long as the request's context lasts.
func atTheEnd(next step) step {
	return func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return next(req)
	}
}

// Errors as net/http gives them.
var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errNoHost  = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "backend.composio.dev", IsNotFound: true}}
	errLost    = errors.New("http2: client connection lost")
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

const aliasClash = `{"error":{"message":"Alias \"work\" is already in use","code":612,"slug":"ConnectedAccount_BadRequest","status":409}}`

func TestEachAttemptSendsTheSameBodyAndRequestID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, s := scriptedClient(t, []step{answers(503, ""), fails(io.EOF), answers(429, ""), answers(200, success)}, composio.WithMaxRetries(3))
		mustUpdate(t, client, testID, composio.Update{Alias: composio.Set("work"), Credentials: composio.BearerToken{Token: composio.Set("new_token")}})
		body := `{"alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new_token"}}}}`
		for i, got := range s.seen {
			if got.Body != body || got.ID != s.seen[0].ID || !uuidV4.MatchString(got.ID) {
				t.Errorf("attempt %d sent id %q and body %s", i+1, got.ID, got.Body)
			}
		}
		mustUpdate(t, client, testID, rename)
		if len(s.seen) != 5 || s.seen[4].ID == s.seen[0].ID || !uuidV4.MatchString(s.seen[4].ID) {
			t.Errorf("of five requests the last should have an id of its own: %+v", s.seen)
		}
	})
}

// The limiter and the key function may take longer than an attempt: its clock starts after them.
func TestSlowLimiterAndKeyDoNotUseUpTheAttemptsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{answers(503, ""), answers(200, success)}}
		client := mustNew(t, "", composio.WithHTTPClient(&http.Client{Transport: s}), composio.WithTimeout(time.Second),
			composio.WithLimiter(limiterFunc(func(context.Context) error { time.Sleep(time.Minute); return nil })),
			composio.WithAPIKeyFunc(func(context.Context) (string, error) { time.Sleep(time.Hour); return testKey, nil }))
		mustUpdate(t, client, testID, rename)
		if len(s.seen) != 2 || s.seen[0].Left != time.Second || s.seen[1].Left != time.Second {
			t.Errorf("each of two attempts should have a second: %+v", s.seen)
		}
	})
}

// Every status there is, by the table of the package page: which sentinels hold and no others, and whether it is tried again.
// One below 100 is none of HTTP's.
func TestEveryStatus(t *testing.T) {
	t.Parallel()
	named := map[int]string{
		400: "ErrBadRequest", 401: "ErrUnauthorized", 403: "ErrForbidden", 404: "ErrNotFound", 409: "ErrConflict",
		422: "ErrUnprocessable", 429: "ErrRateLimited",
	}
	passing := []int{0, 408, 409, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530}
	for status := 99; status < 1000; status++ {
		want, kept, attempts := named[status], status, 1
		switch {
		case status < 100:
			want, kept = "ErrOutcomeUnknown", 0
		case status < 300: // the body does not say success
			want = "ErrOutcomeUnknown"
		case status < 400:
			want = "ErrRedirect"
		case status >= 500:
			want = "ErrServer ErrOutcomeUnknown"
		}
		if slices.Contains(passing, kept) {
			attempts = 2
		}
		synctest.Test(t, func(t *testing.T) {
			client, s := scriptedClient(t, []step{answers(status, `{"error":{"message":"no"}}`)}, composio.WithMaxRetries(1))
			failure := mustFail(t, t.Context(), client, testID, rename)
			if got := holding(failure); got != want || failure.StatusCode != kept {
				t.Errorf("status %d: StatusCode = %d, sentinels %q, want %d and %q", status, failure.StatusCode, got, kept, want)
			}
			if len(s.seen) != attempts || failure.Attempts != attempts || failure.Retryable() != (attempts == 2) {
				t.Errorf("status %d: %d attempts, want %d; Retryable() = %t", status, len(s.seen), attempts, failure.Retryable())
			}
		})
	}
}

// verdict is a transport's error that says itself whether to try again.
type verdict bool

func (v verdict) Error() string   { return "the circuit is open" }
func (v verdict) Retryable() bool { return bool(v) }

// stalls is a step whose answer has status and never ends.
func stalls(status int) step {
	return func(req *http.Request) (*http.Response, error) {
		resp := answerInMemory(req, status, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"success":`), readerFunc(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		})))
		resp.ContentLength = -1
		return resp, nil
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFailuresThatAreTriedAgain(t *testing.T) {
	t.Parallel()
	large := strings.Repeat(" ", 1<<20+1)
	for _, test := range []struct {
		name  string
		first step
		again bool // see also TestOnlyTheFirstRetryAfterADeadConnectionIsAtOnce
	}{
		{"dial timeout", fails(&net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}), true},
		{"proxy refused", fails(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: syscall.ECONNREFUSED}), true},
		{"TLS handshake timeout", fails(errors.New("net/http: TLS handshake timeout")), true},
		{"attempt timeout", hangs, true},
		{"503 cut short", breaksOff(503, io.ErrUnexpectedEOF), true},
		{"500 that stalls", stalls(500), true},
		{"409, another change under way", answers(409, `{"error":{"message":"connection is being updated"}}`), true},
		{"429 of a gateway", answers(429, "<html>Too Many Requests</html>"), true},
		{"a circuit half open", fails(verdict(true)), true},

		{"an open circuit", fails(verdict(false)), false},
		{"503 of an open circuit", breaksOff(503, verdict(false)), false},
		{"an open circuit, within", fails(fmt.Errorf("breaker: %w", errors.Join(io.EOF, verdict(false)))), false},
		{"alias clash, 409", answers(409, aliasClash), false},
		{"alias clash, 400", answers(400, aliasClash), false},
		{"too large, 200", answers(200, large), false},
		{"too large, 503", answers(503, large), false},
		{"headers too large", fails(errors.New("net/http: server response headers exceeded 65536 bytes; aborted")), false},
		{"headers too large, HTTP/2", fails(errors.New("http2: response header list larger than advertised limit")), false},
		{"200 cut short", breaksOff(200, io.ErrUnexpectedEOF), false},
		{"200 that stalls", stalls(200), false},
		{"200 of a gateway", answers(200, "<html>Welcome</html>"), false},
		{"200 without success", answers(200, `{"success":false,"id":"ca_1","status":"ACTIVE"}`), false},
		{"400 cut short", breaksOff(400, io.ErrUnexpectedEOF), false},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			client, s := scriptedClient(t, []step{test.first}, composio.WithTimeout(time.Second), composio.WithMaxRetries(1))
			failure := mustFail(t, t.Context(), client, testID, rename)
			attempts := 1
			if test.again {
				attempts = 2
			}
			if len(s.seen) != attempts || failure.Attempts != attempts || failure.Retryable() != test.again {
				t.Errorf("%d requests, Attempts = %d, want %d; Retryable() = %t: %v", len(s.seen), failure.Attempts, attempts, failure.Retryable(), failure)
			}
		})
	}
}

// A wait up to a minute is kept exactly, a longer one returns at once, and what is no wait is backed off. A bubble's time
// begins with the year 2000.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	waits := map[string]time.Duration{
		"1": time.Second, "007": 7 * time.Second, "1.5": 1500 * time.Millisecond, "0.001": time.Millisecond, ".25": 250 * time.Millisecond,
		"1.001001001": 1001001001, "59.999999999": time.Minute - 1, "60": time.Minute, "60.000": time.Minute,
		"Sat, 01 Jan 2000 00:01:00 GMT": time.Minute, "Saturday, 01-Jan-00 00:00:05 GMT": 5 * time.Second, "Sat Jan  1 00:00:05 2000": 5 * time.Second,

		"60.001": 60001 * time.Millisecond, "61": 61 * time.Second, "3600": time.Hour, "Sat, 01 Jan 2000 00:01:01 GMT": 61 * time.Second,
		"Fri, 31 Dec 9999 23:59:59 GMT": math.MaxInt64, "9223372036.854775807": math.MaxInt64, "99999999999999999999": math.MaxInt64,
		strings.Repeat("9", 400): math.MaxInt64,
	}
	for _, value := range []string{
		"", "0", "0.0", "000", "-5", "-0.5", "+3", "soon", "1e1", "0x10", "1,5", "5s", ".", "1.2.3", "NaN", "Inf", "infinity",
		"1 2", "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 31 Dec 1999 23:59:59 GMT", "Sat, 01 Jan 2000", "2000-01-01T00:00:30Z",
	} {
		waits[value] = 0
	}
	for value, want := range waits {
		for _, status := range []int{409, 429, 503} {
			inBubble(t, fmt.Sprintf("%.40s with %d", value, status), func(t *testing.T) {
				client, s := scriptedClient(t, []step{answers(status, "", "Retry-After", value), answers(400, "", "Retry-After", value)})
				start := time.Now()
				failure := mustFail(t, t.Context(), client, testID, rename)
				took := time.Since(start)
				switch {
				case want > time.Minute:
					if len(s.seen) != 1 || took != 0 || failure.RetryAfter != want || !failure.Retryable() {
						t.Errorf("%d attempts in %v, RetryAfter = %v, want one at once, and %v", len(s.seen), took, failure.RetryAfter, want)
					}
				case want > 0 && took != want || want == 0 && (took < 375*time.Millisecond || took > 500*time.Millisecond || failure.RetryAfter != 0) || len(s.seen) != 2:
					t.Errorf("waited %v before attempt %d, RetryAfter = %v, want %v, or 375 to 500 ms for 0", took, len(s.seen), failure.RetryAfter, want)
				}
			})
		}
	}
}

func TestBackoffDoublesFromHalfASecondToEight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, s := scriptedClient(t, []step{answers(503, "")}, composio.WithMaxRetries(20))
		for range 5 {
			s.seen = nil
			mustFail(t, t.Context(), client, testID, rename)
			if len(s.seen) != 21 {
				t.Fatalf("%d attempts, want 21", len(s.seen))
			}
			for i, wait := range s.waits() {
				most := 8 * time.Second
				if i < 4 {
					most = 500 * time.Millisecond << i
				}
				if wait < most*3/4 || wait > most {
					t.Errorf("wait %d is %v, want %v less at most a quarter", i+1, wait, most)
				}
			}
		}
	})
}

// Callers that failed together must not come back together.
func TestBackoffVariesOverItsWholeQuarter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, s := scriptedClient(t, []step{answers(503, "")}, composio.WithMaxRetries(1))
		shares := map[time.Duration]int{} // waits by the part of the quarter that they are in, of four
		for range 400 {
			s.seen = nil
			mustFail(t, t.Context(), client, testID, rename)
			shares[min(3, (s.waits()[0]-375*time.Millisecond)/(31250*time.Microsecond))]++
		}
		for part := range time.Duration(4) {
			if shares[part] < 40 { // of 100 that are expected; the chance of so few is below one in a billion
				t.Errorf("waits by part of the quarter: %v", shares)
			}
		}
	})
}

func TestWaitThatWouldOutlastTheDeadlineIsNotBegun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		deadline   time.Duration
		retryAfter string
		waits      []time.Duration
	}{
		{"Retry-After longer", 9 * time.Second, "10", nil},
		{"Retry-After as long", 10 * time.Second, "10", nil},
		{"Retry-After shorter", 10*time.Second + 1, "10", []time.Duration{10 * time.Second}},
		{"a date", 9 * time.Second, "Sat, 01 Jan 2000 00:00:10 GMT", nil},
		{"backoff longer", 374 * time.Millisecond, "", nil},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			client, s := scriptedClient(t, []step{answers(503, "", "Retry-After", test.retryAfter), answers(400, "")})
			ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
			defer cancel()
			failure := mustFail(t, ctx, client, testID, rename)
			wantSame(t, "waits", test.waits, s.waits())
			if test.waits == nil && (time.Now().Nanosecond() != 0 || failure.StatusCode != 503 || errors.Is(failure, context.DeadlineExceeded)) {
				t.Errorf("the error is not the answer alone, at once: %v", failure)
			}
		})
	}
}

func TestWaitEndsAtOnceWithItsContext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		first   step
		is      error // what the last answer was
		unknown bool
		text    string // of the error, up to the request id
	}{
		{"after a status", answers(429, "", "Retry-After", "30"), composio.ErrRateLimited, false,
			"composio: ca_1a2b3c4d5e6f: 429: Too Many Requests; not tried again: context canceled; request id "},
		{"after a status and a cause", answers(500, "<html>", "Retry-After", "30"), composio.ErrServer, true,
			"composio: ca_1a2b3c4d5e6f: 500: Internal Server Error; the answer is not readable JSON: it was cut short, or a gateway or proxy gave it; " +
				"not tried again: context canceled; the update may have been applied; request id "},
		{"after no answer", fails(errLost), errLost, true,
			`composio: ca_1a2b3c4d5e6f: PATCH "https://backend.composio.dev/api/v3/connected_accounts/ca_1a2b3c4d5e6f": http2: client connection lost; ` +
				"not tried again: context canceled; the update may have been applied; request id "},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			asked := 0 // a limiter's budget is for requests, and there will be no second one
			client, s := scriptedClient(t, []step{test.first}, composio.WithLimiter(limiterFunc(func(context.Context) error { asked++; return nil })))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(300*time.Millisecond, cancel)
			start := time.Now()
			failure := mustFail(t, ctx, client, testID, rename)
			if took := time.Since(start); took != 300*time.Millisecond || len(s.seen) != 1 || failure.Attempts != 1 || asked != 1 {
				t.Errorf("took %v for %d requests, Attempts = %d, limiter asked %d times, want 300 ms and 1 of each", took, len(s.seen), failure.Attempts, asked)
			}
			if !errors.Is(failure, test.is) || !errors.Is(failure, context.Canceled) {
				t.Errorf("the error is not both %v and context.Canceled: %v", test.is, failure)
			}
			if got := errors.Is(failure, composio.ErrOutcomeUnknown); got != test.unknown {
				t.Errorf("ErrOutcomeUnknown = %t, want %t", got, test.unknown)
			}
			if want := test.text + s.seen[0].ID; failure.Error() != want {
				t.Errorf("Error() = %q\nwant      %q", failure.Error(), want)
			}
		})
	}
}

// A context that is done ends the call in the attempt, too, without another. It was not the attempt's timeout of 30 s, nor a
// wait; and an answer that arrived all the same is the error alone.
func TestContextThatEndsInAnAttemptIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		first     step
		retryable bool
		text      string // of the error, up to the request id
	}{
		{"no answer", hangs, false, `PATCH "https://backend.composio.dev/api/v3/connected_accounts/ca_1a2b3c4d5e6f": context deadline exceeded; `},
		{"a lost answer", atTheEnd(fails(errReset)), false,
			`the server ended the connection without an answer: PATCH "https://backend.composio.dev/api/v3/connected_accounts/ca_1a2b3c4d5e6f": read tcp: connection reset by peer; `},
		{"503 that stalls", stalls(503), true, "503: Service Unavailable; context deadline exceeded; "},
		{"503 at the last moment", atTheEnd(answers(503, "")), true, "503: Service Unavailable; "},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			var log bytes.Buffer
			client, s := scriptedClient(t, []step{test.first}, composio.WithLogger(logTo(&log, slog.LevelWarn)))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			failure := mustFail(t, ctx, client, testID, rename)
			if took := time.Since(start); took != time.Second || len(s.seen) != 1 || log.Len() > 0 || failure.Retryable() != test.retryable {
				t.Errorf("%d requests in %v, log %q, Retryable() = %t; want one in a second, and no retry in the log", len(s.seen), took, &log, failure.Retryable())
			}
			if want := "composio: ca_1a2b3c4d5e6f: " + test.text + "the update may have been applied; request id " + s.seen[0].ID; failure.Error() != want {
				t.Errorf("Error() = %q\nwant      %q", failure.Error(), want)
			}
		})
	}
}

// What one attempt left open no later failure settles.
func TestOutcomeUnknownIsStickyOverAttempts(t *testing.T) {
	t.Parallel()
	rejected := answers(400, `{"error":{"message":"no"}}`)
	for _, test := range []struct {
		name  string
		steps []step
		is    error // what the last attempt was answered
		want  bool  // whether ErrOutcomeUnknown
	}{
		{"500, 400", []step{answers(500, ""), rejected}, composio.ErrBadRequest, true},
		{"502, 401", []step{answers(502, ""), answers(401, "")}, composio.ErrUnauthorized, true},
		{"504, 404", []step{answers(504, ""), answers(404, "")}, composio.ErrNotFound, true},
		{"504, alias clash", []step{answers(504, ""), answers(409, aliasClash)}, composio.ErrAliasTaken, true},
		{"503, 400", []step{answers(503, ""), rejected}, composio.ErrBadRequest, true},
		{"503, 429, 422", []step{answers(503, ""), answers(429, ""), answers(422, "")}, composio.ErrUnprocessable, true},
		{"refused, 503, refused", []step{fails(errRefused), answers(503, ""), fails(errRefused)}, syscall.ECONNREFUSED, true},
		{"500, redirect", []step{answers(500, ""), answers(302, "")}, composio.ErrRedirect, true},
		{"500, 429 with a long wait", []step{answers(500, ""), answers(429, "", "Retry-After", "120")}, composio.ErrRateLimited, true},
		{"500, no connection", []step{answers(500, ""), fails(errRefused)}, syscall.ECONNREFUSED, true},
		{"reset, 400", []step{fails(errReset), rejected}, composio.ErrBadRequest, true},
		{"EOF, 400", []step{fails(io.EOF), rejected}, composio.ErrBadRequest, true},
		{"timeout, 403", []step{hangs, answers(403, "")}, composio.ErrForbidden, true},
		{"refused, 500, 400", []step{fails(errRefused), answers(500, ""), rejected}, composio.ErrBadRequest, true},

		{"400", []step{rejected}, composio.ErrBadRequest, false},
		{"429, 404", []step{answers(429, ""), answers(404, "")}, composio.ErrNotFound, false},
		{"408, 422", []step{answers(408, ""), answers(422, "")}, composio.ErrUnprocessable, false},
		{"409, 409, 409", []step{answers(409, "")}, composio.ErrConflict, false},
		{"refused, 400", []step{fails(errRefused), rejected}, composio.ErrBadRequest, false},
		{"no host, no host, no host", []step{fails(errNoHost)}, errNoHost, false},
		{"refused, 429, refused", []step{fails(errRefused), answers(429, ""), fails(errRefused)}, syscall.ECONNREFUSED, false},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			client, _ := scriptedClient(t, test.steps)
			failure := mustFail(t, t.Context(), client, testID, rename)
			if !errors.Is(failure, test.is) {
				t.Errorf("the error is not %v: %v", test.is, failure)
			}
			if got := errors.Is(failure, composio.ErrOutcomeUnknown); got != test.want {
				t.Errorf("ErrOutcomeUnknown = %t, want %t: %v", got, test.want, failure)
			}
			if got := strings.Contains(failure.Error(), "; the update may have been applied; "); got != test.want {
				t.Errorf("the text says so: %t, want %t: %v", got, test.want, failure)
			}
		})
	}
}

// logTo makes a logger that writes JSON lines, without the time, of level and above.
func logTo(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// after is a step that takes d.
func after(d time.Duration, next step) step {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(d)
		return next(req)
	}
}

// Neither line has the alias or a credential.
func TestLogHasOneLineAnAttemptAndOneARetry(t *testing.T) {
	t.Parallel()
	const noAnswer = `composio: ca_1a2b3c4d5e6f: the server ended the connection without an answer: PATCH \"https://backend.composio.dev/api/v3/connected_accounts/ca_1a2b3c4d5e6f\": read tcp: connection reset by peer; the update may have been applied; request id ID`
	for level, lines := range map[slog.Level][]int{slog.LevelDebug: {0, 1, 2, 3, 4}, slog.LevelInfo: {1, 3}, slog.LevelError: nil} {
		inBubble(t, level.String(), func(t *testing.T) {
			var log bytes.Buffer
			client, s := scriptedClient(t, []step{
				after(3*time.Millisecond, answers(503, `{"error":{"message":"busy","code":7}}`, "Retry-After", "7", "X-Request-Id", "req_1")),
				after(4*time.Millisecond, fails(errReset)),
				after(5*time.Millisecond, answers(503, "")),
			}, composio.WithLogger(logTo(&log, level)))
			mustFail(t, t.Context(), client, testID, tokenUpdate)
			all := []string{
				`{"level":"DEBUG","msg":"composio: attempt","account_id":"ca_1a2b3c4d5e6f","attempt":1,"status":503,"duration":3000000,"request_id":"ID"}`,
				`{"level":"WARN","msg":"composio: trying again","account_id":"ca_1a2b3c4d5e6f","attempt":1,"status":503,"wait":7000000000,"request_id":"ID","error":"composio: ca_1a2b3c4d5e6f: 503 (7): busy; the update may have been applied; request id req_1"}`,
				`{"level":"DEBUG","msg":"composio: attempt","account_id":"ca_1a2b3c4d5e6f","attempt":2,"status":0,"duration":4000000,"request_id":"ID"}`,
				`{"level":"WARN","msg":"composio: trying again","account_id":"ca_1a2b3c4d5e6f","attempt":2,"status":0,"wait":0,"request_id":"ID","error":"` + noAnswer + `"}`,
				`{"level":"DEBUG","msg":"composio: attempt","account_id":"ca_1a2b3c4d5e6f","attempt":3,"status":503,"duration":5000000,"request_id":"ID"}`,
			}
			want := ""
			for _, line := range lines {
				want += strings.ReplaceAll(all[line], "ID", s.seen[0].ID) + "\n"
			}
			wantSame(t, "the log", want, log.String())
		})
	}
}

// closing notes when its idle connections are closed.
type closing struct {
	script
	closed []time.Time
}

func (c *closing) CloseIdleConnections() { c.closed = append(c.closed, time.Now()) }

// After the wait, because HTTP/2 does not count a connection as idle yet when a request on it has just timed out.
func TestIdleConnectionsAreClosedJustBeforeARetryWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		steps []step
		want  []int // attempts that connections are closed before
	}{
		{"two lost answers", []step{fails(io.EOF), hangs, answers(200, success)}, []int{2, 3}},
		{"a lost answer, an answer", []step{fails(io.EOF), answers(503, ""), answers(200, success)}, []int{2}},
		{"two answers", []step{answers(503, ""), answers(429, ""), answers(200, success)}, nil},
		{"success", []step{answers(200, success)}, nil},
		// A host that cannot be reached leaves no dead connection behind, and the pool may serve others who reach theirs.
		{"no connection", []step{fails(errRefused), fails(errNoHost), answers(200, success)}, nil},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			transport := &closing{script: script{steps: test.steps}}
			client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: transport}))
			mustUpdate(t, client, testID, rename)
			var want []time.Time
			for _, attempt := range test.want {
				want = append(want, transport.seen[attempt-1].At)
			}
			wantSame(t, "closed at", want, transport.closed)
		})
	}
}

// The errors that net/http really gives for what no retry can correct. Where a server of TLS 1.3 refuses a client, the
// request may be on its way already, and a transport around net/http's does not show whether it is.
func TestServersThatNoRetryCanReachAreAskedOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server, client *tls.Config
		maySend        bool // before the refusal arrives: then either outcome is true
		seemsSent      bool // if the transport is not net/http's own
	}{
		"untrusted certificate":                {client: &tls.Config{RootCAs: x509.NewCertPool()}},
		"certificate for another name":         {client: &tls.Config{ServerName: "composio.invalid"}},
		"client certificate required, TLS 1.2": {server: &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, seemsSent: true},
		"client certificate required, TLS 1.3": {server: &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}, maySend: true, seemsSent: true},
		"server too new":                       {server: &tls.Config{MinVersion: tls.VersionTLS13}, client: &tls.Config{MaxVersion: tls.VersionTLS12}},
		"server too old":                       {server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
		"no common application protocol":       {server: &tls.Config{NextProtos: []string{"mqtt"}}, client: &tls.Config{NextProtos: []string{"h2", "http/1.1"}}},
		"no common cipher suite": {
			server: &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
			client: &tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, seemsSent: true,
		},
	} {
		inParallel(t, name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(answerWith(200, success))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.TLS = test.server
			var dials atomic.Int32
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					dials.Add(1)
				}
			}
			server.StartTLS()
			t.Cleanup(server.Close)
			theirs, transport := ownPool(t)
			if transport.TLSClientConfig = test.client; test.client == nil {
				transport.TLSClientConfig = &tls.Config{}
			}
			if transport.TLSClientConfig.RootCAs == nil {
				transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			}
			behind := mustFail(t, t.Context(), newTestClient(t, server.URL, composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(transport.RoundTrip)})), testID, rename)
			if got := errors.Is(behind, composio.ErrOutcomeUnknown); got != test.seemsSent || behind.Retryable() {
				t.Errorf("behind another transport, ErrOutcomeUnknown is %t, want %t, and Retryable() false: %v", got, test.seemsSent, behind)
			}
			dials.Store(0)
			failure := mustFail(t, t.Context(), newTestClient(t, server.URL, composio.WithHTTPClient(theirs)), testID, rename)
			if failure.Attempts != 1 || failure.Retryable() || dials.Load() != 1 || errors.Is(failure, composio.ErrOutcomeUnknown) && !test.maySend {
				t.Errorf("Attempts = %d, Retryable() = %t, want 1 and false over one connection, not %d, and ErrOutcomeUnknown at most if the request was sent: %v",
					failure.Attempts, failure.Retryable(), dials.Load(), failure)
			}
		})
	}
}
