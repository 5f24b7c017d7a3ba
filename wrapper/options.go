package composio

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"example.com/composio/gen"
)

const (
	defaultBaseURL = "https://backend.composio.dev"
	ownUserAgent   = "composio-go"
)

// Option changes a default of [New], which refuses an invalid value with [ErrInvalid] and the option's name.
type Option func(*config)

// Limiter delays requests. A *rate.Limiter of golang.org/x/time/rate is one.
type Limiter interface {
	// Wait returns when one more request may be made, or with an error if it may not, or ctx is done before.
	Wait(ctx context.Context) error
}

type config struct {
	baseURL      *url.URL
	baseURLFrom  string                                // the option or variable that baseURL came from, for messages
	version      string                                // "" is the document's own
	key          func(context.Context) (string, error) // a func, which no fmt verb looks into
	secrets      *secrets                              // the key's, unless it comes from WithAPIKeyFunc; a pointer for fmt
	transport    http.RoundTripper
	direct       bool          // transport is net/http's own, and not one that may be around it
	clientLimit  time.Duration // the Timeout of the caller's http.Client; 0 is none
	timeout      time.Duration
	maxRetries   int
	limiter      Limiter
	logger       *slog.Logger
	userAgent    string
	insecureHTTP bool
	api          gen.Client // made of baseURL and transport
	err          error      // the first value that was refused
}

// refuseIf keeps the error of the first value that is invalid.
func (c *config) refuseIf(invalid bool, format string, args ...any) {
	if invalid && c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// WithBaseURL sets where Composio is, by default https://backend.composio.dev. The URL is absolute, without credentials,
// query or fragment. It may have a path, to which /api/… is appended.
func WithBaseURL(rawURL string) Option { return baseURLFrom("WithBaseURL", rawURL) }

func baseURLFrom(name, rawURL string) Option {
	return func(c *config) {
		u, err := url.Parse(strings.TrimRight(rawURL, "/"))
		if err != nil {
			c.refuseIf(true, "%s: not a URL", name) // not shown, since it quotes the URL with its password
			return
		}
		c.refuseIf(u.Scheme != "http" && u.Scheme != "https", "%s: the URL must begin with https:// or http://", name)
		c.refuseIf(u.Hostname() == "", "%s: the URL has no host", name)
		c.refuseIf(u.User != nil, "%s: the URL must not carry credentials", name)
		c.refuseIf(u.RawQuery != "" || u.ForceQuery, "%s: the URL must not have a query", name)
		c.refuseIf(strings.Contains(rawURL, "#"), "%s: the URL must not have a fragment", name)
		c.baseURL, c.baseURLFrom = u, name
	}
}

// WithAPIVersion sets the version in the path /api/<version>/, by default "v3". Under "v3.1" Composio serves the same
// operation.
func WithAPIVersion(version string) Option {
	return func(c *config) {
		digits, ok := strings.CutPrefix(version, "v")
		for part := range strings.SplitSeq(digits, ".") {
			ok = ok && part != "" && strings.Trim(part, "0123456789") == ""
		}
		shown := strconv.Quote(version)
		if len(version) > 8 { // it may be a credential in the wrong place
			shown = fmt.Sprintf("a text of %d bytes", len(version))
		}
		c.refuseIf(!ok, "WithAPIVersion: %s is not like v3 or v3.1", shown)
		c.version = version
	}
}

// setVersion puts WithAPIVersion's version in the place of the document's.
func (c *config) setVersion(u *url.URL) {
	if c.version == "" {
		return
	}
	segments := strings.SplitN(u.Path[len(c.baseURL.Path):], "/", 4) // "", api, the version and the rest
	path := "/api/" + c.version + "/" + segments[3]                  // nothing of it needs an escape
	u.Path, u.RawPath = c.baseURL.Path+path, c.baseURL.EscapedPath()+path
}

// WithAPIKeyFunc asks f for the API key before each attempt, so that a rotated key is used at once; the first argument
// of [New] is then "". An error of f ends the call, and so does a key that is empty or has characters other than
// visible ASCII. The context is the caller's.
func WithAPIKeyFunc(f func(context.Context) (string, error)) Option {
	return func(c *config) {
		c.refuseIf(f == nil, "WithAPIKeyFunc: the function is nil")
		c.refuseIf(c.key != nil, "WithAPIKeyFunc: there is an API key already; give one or the other")
		c.key = f
	}
}

// WithHTTPClient sends through client's Transport, if that is not nil, in place of the shared pool: for tracing, wrap
// what [NewTransport] returns. Its Timeout, if any, bounds an attempt besides [WithTimeout]. Its CheckRedirect and its
// Jar are not used, because no redirect is followed and a cookie would be a second credential. The client is not changed.
//
// A transport around another should forward CloseIdleConnections, or a retry may meet one more connection that the server
// has closed. It must not send a request again by itself: that would be neither bounded nor known to [ErrOutcomeUnknown].
// An error of it with a method Retryable() bool that says false is not tried again. An *http.Transport is taken for
// net/http's own; wrap one that hands requests to something else, by RegisterProtocol or TLSNextProto.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) {
		if c.refuseIf(client == nil, "WithHTTPClient: the client is nil"); client != nil {
			c.transport, c.clientLimit = client.Transport, client.Timeout
		}
	}
}

// WithTimeout bounds one attempt, from the request to the end of the answer, by default to 30 s; 0 means no bound. The
// whole call is bounded by its context alone. An attempt that it ends is [ErrOutcomeUnknown] also if it was still
// connecting, which [NewTransport] itself gives up, as not sent, after 10 s.
func WithTimeout(d time.Duration) Option {
	return func(c *config) {
		c.refuseIf(d < 0, "WithTimeout: %v is negative", d)
		c.timeout = d
	}
}

// WithMaxRetries sets how many more attempts may follow the first, by default 2; 0 turns retries off. See Retries on the
// package page.
func WithMaxRetries(n int) Option {
	return func(c *config) {
		c.refuseIf(n < 0, "WithMaxRetries: %d is negative", n)
		c.maxRetries = n
	}
}

// WithLimiter waits for l before each attempt. An error of l ends the call.
func WithLimiter(l Limiter) Option {
	return func(c *config) {
		c.refuseIf(isNil(l), "WithLimiter: the limiter is nil")
		c.limiter = l
	}
}

// WithLogger logs each attempt and each retry, as the package page lists. There is no logging by default.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		c.refuseIf(l == nil, "WithLogger: the logger is nil")
		c.logger = l
	}
}

// WithUserAgent puts product, such as "billing/1.4", before the client's own name in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(c *config) {
		c.refuseIf(product == "", "WithUserAgent: the product is empty")
		c.refuseIf(!isPrintable(product), "WithUserAgent: the product has a character other than printable ASCII")
		c.userAgent = product + " " + ownUserAgent
	}
}

// WithInsecureHTTP allows http:// to any host. Without it, http:// is accepted only for localhost and loopback addresses,
// because it sends the API key in the clear.
func WithInsecureHTTP() Option { return func(c *config) { c.insecureHTTP = true } }

// New returns a client that authenticates with apiKey, which may be "" only with [WithAPIKeyFunc]. It reads no
// environment variable but those of [http.ProxyFromEnvironment]. Every error is an *[Error] that is [ErrInvalid].
func New(apiKey string, opts ...Option) (*Client, error) {
	return newClient("New", apiKey, WithBaseURL(defaultBaseURL), opts)
}

// NewFromEnv is [New] with the API key from COMPOSIO_API_KEY and, if it is set, the base URL from COMPOSIO_BASE_URL;
// a [WithBaseURL] among the options beats the latter.
func NewFromEnv(opts ...Option) (*Client, error) {
	baseURL := WithBaseURL(defaultBaseURL)
	if rawURL := os.Getenv("COMPOSIO_BASE_URL"); rawURL != "" {
		baseURL = baseURLFrom("COMPOSIO_BASE_URL", rawURL)
	}
	return newClient("COMPOSIO_API_KEY", os.Getenv("COMPOSIO_API_KEY"), baseURL, opts)
}

// newClient applies opts, and baseURL if none of them sets one. keyFrom names where the key came from.
func newClient(keyFrom, apiKey string, baseURL Option, opts []Option) (*Client, error) {
	c := &config{timeout: 30 * time.Second, maxRetries: 2, userAgent: ownUserAgent, secrets: new(secrets)}
	if apiKey != "" {
		err := checkKey(apiKey)
		c.refuseIf(err != nil, "%s: %w", keyFrom, err)
		c.key = func(context.Context) (string, error) { return apiKey, nil }
		c.secrets.add(apiKey)
	}
	for i, opt := range opts {
		if c.refuseIf(opt == nil, "New: option %d is nil", i+1); opt != nil {
			opt(c)
		}
	}
	if c.baseURL == nil {
		baseURL(c)
	}
	if c.transport == nil {
		c.transport = sharedTransport()
	}
	c.refuseIf(isNil(c.transport), "WithHTTPClient: the transport is a nil %T", c.transport)
	c.refuseIf(c.key == nil, "%s: the API key is empty, and there is no WithAPIKeyFunc", keyFrom)
	c.refuseIf(c.err == nil && c.baseURL.Scheme == "http" && !c.insecureHTTP && !isLoopback(c.baseURL.Hostname()),
		"%s: http:// would send the API key in the clear to a host other than this machine; use https://, or WithInsecureHTTP", c.baseURLFrom)
	if c.err != nil {
		return nil, invalidError("", c.secrets.hide(c.err)) // an option may have been given the key by mistake
	}
	for i := range c.secrets.known {
		c.secrets.prepare(&c.secrets.known[i]) // now, because calls at the same time share them
	}
	_, c.direct = c.transport.(*http.Transport)
	c.api = gen.Client{Server: c.baseURL, Client: roundTripper{c.transport}}
	if c.clientLimit > 0 && (c.timeout == 0 || c.clientLimit < c.timeout) {
		c.timeout = c.clientLimit
	}
	return &Client{c}, nil
}

// isPrintable reports whether text has only characters of ASCII, from the space to "~".
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// isNil reports whether v is nil or holds a nil pointer or function, on which any method would panic.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
