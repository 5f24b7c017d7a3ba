package composio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
)

// hunter is a password that stands in refused input: a secret is easily put into the wrong place.
const hunter = "hunter22"

// invalidOption fails the test unless err is what New returns for an input with want as its text, and nothing of it shows
// hunter.
func invalidOption(t testing.TB, client *composio.Client, err error, want string) {
	t.Helper()
	if client != nil {
		t.Error("there is a client beside the error")
	}
	failure, ok := errors.AsType[*composio.Error](err)
	if !ok {
		t.Fatalf("the error is a %T, want an *Error: %v", err, err)
	}
	if got := failure.Error(); got != want {
		t.Errorf("the error reads\n%s\nwant\n%s", got, want)
	}
	if !errors.Is(err, composio.ErrInvalid) || errors.Is(err, composio.ErrOutcomeUnknown) || failure.Retryable() {
		t.Errorf("the error is not ErrInvalid, or more than that: %+v", failure)
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		for _, text := range append(textsOf(t, cause, formats...), cause.Error()) {
			if strings.Contains(text, hunter) {
				t.Errorf("the password is shown: %s", text)
			}
		}
	}
}

// aKey is a key function.
func aKey(context.Context) (string, error) { return testKey, nil }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const badKey = "the API key has a character other than visible ASCII, such as a space or a newline"
	one := func(opt composio.Option) []composio.Option { return []composio.Option{opt} }
	for _, test := range []struct {
		name string
		key  string
		opts []composio.Option
		want string
	}{
		{"no key", "", nil, "composio: New: the API key is empty, and there is no WithAPIKeyFunc"},
		{"a key and a key function", hunter, one(composio.WithAPIKeyFunc(aKey)), "composio: WithAPIKeyFunc: there is an API key already; give one or the other"},
		{"two key functions", "", []composio.Option{composio.WithAPIKeyFunc(aKey), composio.WithAPIKeyFunc(aKey)}, "composio: WithAPIKeyFunc: there is an API key already; give one or the other"},
		{"nil key function", "", one(composio.WithAPIKeyFunc(nil)), "composio: WithAPIKeyFunc: the function is nil"},
		{"nil key function beside a key", testKey, one(composio.WithAPIKeyFunc(nil)), "composio: WithAPIKeyFunc: the function is nil"},
		{"key with a line's end", hunter + "\n", nil, "composio: New: " + badKey},

		{"nil option", hunter, []composio.Option{nil}, "composio: New: option 1 is nil"},
		{"nil option after another", testKey, []composio.Option{composio.WithMaxRetries(1), nil}, "composio: New: option 2 is nil"},
		{"nil client", testKey, one(composio.WithHTTPClient(nil)), "composio: WithHTTPClient: the client is nil"},
		{"client with a nil pointer as transport", testKey, one(composio.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})),
			"composio: WithHTTPClient: the transport is a nil *http.Transport"},
		{"nil logger", testKey, one(composio.WithLogger(nil)), "composio: WithLogger: the logger is nil"},
		{"nil limiter", testKey, one(composio.WithLimiter(nil)), "composio: WithLimiter: the limiter is nil"},
		{"nil pointer as limiter", testKey, one(composio.WithLimiter((*rate.Limiter)(nil))), "composio: WithLimiter: the limiter is nil"},
		{"nil function as limiter", testKey, one(composio.WithLimiter(limiterFunc(nil))), "composio: WithLimiter: the limiter is nil"},

		{"negative timeout", testKey, one(composio.WithTimeout(-time.Second)), "composio: WithTimeout: -1s is negative"},
		{"least negative timeout", testKey, one(composio.WithTimeout(-1)), "composio: WithTimeout: -1ns is negative"},
		{"negative retries", testKey, one(composio.WithMaxRetries(-1)), "composio: WithMaxRetries: -1 is negative"},
		{"no user agent", testKey, one(composio.WithUserAgent("")), "composio: WithUserAgent: the product is empty"},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			client, err := composio.New(test.key, test.opts...)
			invalidOption(t, client, err, test.want)
		})
	}
}

// Without a word of the URL, which may hold a password.
func TestBaseURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, urls := range map[string][]string{
		"the URL must begin with https:// or http://": {
			"", "/api", "backend.composio.dev", "//backend.composio.dev", "localhost:8080",
			"ftp://u:" + hunter + "@host", "u:" + hunter + "@host", "file:///etc",
		},
		"the URL has no host": {"https://u:" + hunter + "@", "https://", "https:///api", "https://:443", "https:backend.composio.dev"},
		"the URL must not carry credentials": {
			"https://someone@backend.composio.dev", "https://u:" + hunter + "@host", "https://" + hunter + "@host",
			"https://@backend.composio.dev",
		},
		"the URL must not have a query":    {"https://host?key=" + hunter, "https://backend.composio.dev?"},
		"the URL must not have a fragment": {"https://host#" + hunter, "https://backend.composio.dev#"},
		"not a URL": {
			"https://u:" + hunter + "@host\n", "https://u%zz:" + hunter + "@host", "https://u:" + hunter + "@host:https",
			"https://u:" + hunter + "@ho st", "https://host/%zz",
		},
	} {
		for _, url := range urls {
			client, err := composio.New(testKey, composio.WithBaseURL(url))
			invalidOption(t, client, err, "composio: WithBaseURL: "+want)
		}
	}
}

// A header cannot carry other bytes, or means something else with them. A key has no spaces either.
func TestKeysAndUserAgentsAreOfASCII(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		least byte // of what is taken
		want  string
		with  func(char string) (*composio.Client, error)
	}{
		{'!', "composio: New: the API key has a character other than visible ASCII, such as a space or a newline",
			func(char string) (*composio.Client, error) { return composio.New(hunter + char) }},
		{' ', "composio: WithUserAgent: the product has a character other than printable ASCII", func(char string) (*composio.Client, error) {
			return composio.New(testKey, composio.WithUserAgent(hunter+char+"/1"))
		}},
	} {
		client, err := test.with("\n")
		invalidOption(t, client, err, test.want)
		for b := range 256 {
			want := test.want
			if byte(b) >= test.least && b <= '~' {
				want = "<nil>"
			}
			if _, err := test.with(string([]byte{byte(b)})); fmt.Sprint(err) != want {
				t.Errorf("with byte %#x: %v, want %s", b, err, want)
			}
		}
	}
}

func TestAPIVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v3", "v3.1", "v0", "v12.34.56"} {
		if _, err := composio.New(testKey, composio.WithAPIVersion(version)); err != nil {
			t.Errorf("%q is refused: %v", version, err)
		}
	}
	for _, version := range []string{
		"", "v", "3", "3.1", "V3", "vv3", "v3.", "v.3", "v.", "v3..1", "v3/", "v3/..", "v3 ", " v3", "v3\n", "v3a", "v3-beta", "v3-beta1", "v3%2F", "v３", "latest", "..",
	} {
		client, err := composio.New(testKey, composio.WithAPIVersion(version))
		invalidOption(t, client, err, fmt.Sprintf("composio: WithAPIVersion: %q is not like v3 or v3.1", version))
	}
}

// Whoever can read the network could read the key and the credentials.
func TestPlainHTTPIsForLoopbackHostsAlone(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://localhost", "http://localhost:8080/prefix/", "http://LocalHost", "HTTP://localhost", "http://127.0.0.1", "http://127.0.0.1:1",
		"http://127.255.255.254", "http://[::1]", "http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]", "http://[::ffff:127.0.0.1]",
	} {
		if _, err := composio.New(testKey, composio.WithBaseURL(url)); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"http://backend.composio.dev", "HTTP://backend.composio.dev", "http://localhost.example.com", "http://mylocalhost", "http://127.0.0.1.example.com",
		"http://10.0.0.1", "http://0.0.0.0", "http://128.0.0.1", "http://[::2]", "http://[::]", "http://[fe80::1]", "http://[::ffff:10.0.0.1]",
		"http://2130706433", "http://" + hunter, "http://127.1", "http://0x7f000001", "http://[::1%25eth0]",
	} {
		client, err := composio.New(testKey, composio.WithBaseURL(url))
		invalidOption(t, client, err, "composio: WithBaseURL: http:// would send the API key in the clear to a host other than this machine; use https://, or WithInsecureHTTP")
	}
	for _, url := range []string{`http://localhost\@example.com`, "http://localhost%00.example.com", "http://localhost%2e@example.com"} {
		if _, err := composio.New(testKey, composio.WithBaseURL(url)); !errors.Is(err, composio.ErrInvalid) {
			t.Errorf("%s: the error is %v, want ErrInvalid", url, err)
		}
	}
}

func TestWithInsecureHTTPHoldsInAnyOrder(t *testing.T) {
	t.Parallel()
	url, insecure := composio.WithBaseURL("http://gateway.internal:8080"), composio.WithInsecureHTTP()
	for _, opts := range [][]composio.Option{{insecure, url}, {url, insecure}} {
		if got := urlOf(t, mustNew(t, testKey, append(opts, echoURL())...)); got != "http://gateway.internal:8080/api/v3/connected_accounts/ca_1a2b3c4d5e6f" {
			t.Errorf("the request went to %s", got)
		}
	}
}

// echoURL answers in memory, with the URL that it was asked for as the account's status.
func echoURL() composio.Option {
	return composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return answerInMemory(req, http.StatusOK, fmt.Sprintf(`{"success":true,"id":%q,"status":%q}`, testID, req.URL)), nil
	})})
}

// urlOf is the URL that a client with echoURL sends to.
func urlOf(t testing.TB, client *composio.Client) string {
	t.Helper()
	return string(mustUpdate(t, client, testID, rename).Status)
}

func TestTransportThatWritesIntoAHeaderChangesOneRequest(t *testing.T) {
	t.Parallel()
	client := mustNew(t, testKey, composio.WithHTTPClient(&http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		for name, values := range req.Header {
			if values[0] == "" {
				t.Errorf("%s has become what the request before had", name)
			}
			values[0] = ""
		}
		return answerInMemory(req, http.StatusOK, success), nil
	})}))
	mustUpdate(t, client, testID, rename)
	mustUpdate(t, client, testID, rename)
}

// In a bubble no time passes by itself, so the deadline of the request is exactly the timeout away.
func TestTimeoutIsTheDeadlineOfAnAttempt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		opts []composio.Option
		http time.Duration // the Timeout of the caller's http.Client
		want time.Duration // -1: no deadline
	}{
		{"default", nil, 0, 30 * time.Second},
		{"five seconds", []composio.Option{composio.WithTimeout(5 * time.Second)}, 0, 5 * time.Second},
		{"none", []composio.Option{composio.WithTimeout(0)}, 0, -1},
		{"http.Client's, shorter", nil, 7 * time.Second, 7 * time.Second},
		{"http.Client's, longer", []composio.Option{composio.WithTimeout(5 * time.Second)}, 7 * time.Second, 5 * time.Second},
		{"http.Client's alone", []composio.Option{composio.WithTimeout(0)}, 7 * time.Second, 7 * time.Second},
	} {
		inBubble(t, test.name, func(t *testing.T) {
			got := time.Duration(-1)
			transport := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				if deadline, ok := req.Context().Deadline(); ok {
					got = time.Until(deadline)
				}
				return answerInMemory(req, http.StatusOK, success), nil
			})
			opts := append(test.opts, composio.WithHTTPClient(&http.Client{Transport: transport, Timeout: test.http}))
			mustUpdate(t, mustNew(t, testKey, opts...), testID, rename)
			if got != test.want {
				t.Errorf("the attempt has %v, want %v", got, test.want)
			}
		})
	}
}

func TestNewReadsNoEnvironment(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "ak_of_the_environment")
	t.Setenv("COMPOSIO_BASE_URL", "https://environment.example.com")
	client, err := composio.New("")
	invalidOption(t, client, err, "composio: New: the API key is empty, and there is no WithAPIKeyFunc")
	const want = "https://backend.composio.dev/api/v3/connected_accounts/ca_1a2b3c4d5e6f"
	if got := urlOf(t, mustNew(t, testKey, echoURL())); got != want {
		t.Errorf("the request went to %s, want %s", got, want)
	}
}

func TestNewFromEnvReadsTheKeyAndTheBaseURL(t *testing.T) {
	rec := newRecorder(t, nil)
	t.Setenv("COMPOSIO_API_KEY", "ak_of_the_environment")
	t.Setenv("COMPOSIO_BASE_URL", rec.URL+"/prefix/")
	client, err := composio.NewFromEnv(composio.WithUserAgent("billing"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	mustUpdate(t, client, testID, rename)
	got := rec.only(t)
	if key := got.Header.Get("X-Api-Key"); key != "ak_of_the_environment" || got.URI != "/prefix/api/v3/connected_accounts/ca_1a2b3c4d5e6f" ||
		got.Header.Get("User-Agent") != "billing composio-go" {
		t.Errorf("the key is %q and the request %+v", key, got)
	}
}

// Whoever sets the URL in code means it, whatever the machine's environment holds.
func TestWithBaseURLBeatsTheEnvironmentBeatsTheDefault(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", testKey)
	option := composio.WithBaseURL("https://option.example.com")
	for _, test := range []struct {
		env, want string
		opts      []composio.Option
	}{
		{"", "https://backend.composio.dev", nil},
		{"https://environment.example.com", "https://environment.example.com", nil},
		{"https://environment.example.com", "https://option.example.com", []composio.Option{option}},
		{"http://environment.example.com", "https://option.example.com", []composio.Option{option}},
		{"no URL at all", "https://option.example.com", []composio.Option{option}},
	} {
		t.Setenv("COMPOSIO_BASE_URL", test.env)
		client, err := composio.NewFromEnv(append(test.opts, echoURL())...)
		if err != nil {
			t.Fatalf("with %q in the environment: %v", test.env, err)
		}
		if got := urlOf(t, client); got != test.want+"/api/v3/connected_accounts/ca_1a2b3c4d5e6f" {
			t.Errorf("with %q in the environment the request went to %s", test.env, got)
		}
	}
}

func TestNewFromEnvTakesAKeyFunctionInPlaceOfTheVariable(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "")
	if _, err := composio.NewFromEnv(composio.WithAPIKeyFunc(aKey)); err != nil {
		t.Error(err)
	}
}

func TestNewFromEnvRefusesAndNamesTheVariable(t *testing.T) {
	for _, test := range []struct {
		name, key, url string
		opts           []composio.Option
		want           string
	}{
		{"no key", "", "", nil, "composio: COMPOSIO_API_KEY: the API key is empty, and there is no WithAPIKeyFunc"},
		{"bad key", "ak_x\n", "", nil, "composio: COMPOSIO_API_KEY: the API key has a character other than visible ASCII, such as a space or a newline"},
		{"a key and a key function", testKey, "", []composio.Option{composio.WithAPIKeyFunc(aKey)}, "composio: WithAPIKeyFunc: there is an API key already; give one or the other"},
		{"no URL", testKey, "backend.composio.dev", nil, "composio: COMPOSIO_BASE_URL: the URL must begin with https:// or http://"},
		{"credentials", testKey, "https://someone:hunter22@backend.composio.dev", nil, "composio: COMPOSIO_BASE_URL: the URL must not carry credentials"},
		{"unreadable", testKey, "https://someone:hunter22@backend composio dev", nil, "composio: COMPOSIO_BASE_URL: not a URL"},
		{"plain http", testKey, "http://backend.composio.dev", nil, "composio: COMPOSIO_BASE_URL: http:// would send the API key in the clear to a host other than this machine; use https://, or WithInsecureHTTP"},
		{"bad option", testKey, "", []composio.Option{composio.WithBaseURL("x")}, "composio: WithBaseURL: the URL must begin with https:// or http://"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("COMPOSIO_API_KEY", test.key)
			t.Setenv("COMPOSIO_BASE_URL", test.url)
			client, err := composio.NewFromEnv(test.opts...)
			invalidOption(t, client, err, test.want)
		})
	}
}
