package composio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// The defaults of [New].
const (
	defaultBaseURL    = "https://backend.composio.dev"
	defaultTimeout    = 30 * time.Second
	defaultMaxRetries = 2
	defaultUserAgent  = "composio-go"
)

// Option changes a default of [New], which refuses an invalid value with [ErrInvalid] and the option's name.
type Option func(*config) error

type config struct {
	baseURL      *url.URL
	baseURLFrom  string  // the option or variable that baseURL came from, for messages
	apiURL       url.URL // baseURL with /api/ and the version, where every request's URL begins
	version      string
	key          func(context.Context) (string, error) // a func, which no fmt verb looks into
	transport    http.RoundTripper
	wrapped      bool          // transport is not net/http's, but may be around it
	clientLimit  time.Duration // the Timeout of the caller's http.Client; 0 is none
	timeout      time.Duration
	maxRetries   int
	limiter      Limiter
	logger       *slog.Logger
	userAgent    []string // a header's value, shared by all requests
	insecureHTTP bool
}

// Limiter delays requests. A *rate.Limiter of golang.org/x/time/rate is one.
type Limiter interface {
	// Wait returns when one more request may be made, or with an error if it may not, or ctx is done before.
	Wait(ctx context.Context) error
}

// WithBaseURL sets where Composio is, by default https://backend.composio.dev. The URL is absolute, without credentials,
// query or fragment. It may have a path, to which /api/… is appended.
func WithBaseURL(rawURL string) Option { return baseURLFrom("WithBaseURL", rawURL) }

func baseURLFrom(name, rawURL string) Option {
	return func(c *config) error {
		u, err := url.Parse(strings.TrimRight(rawURL, "/"))
		switch {
		case err != nil: // not shown, since it quotes the URL with its password
			return fmt.Errorf("%s: not a URL", name)
		case u.Scheme != "http" && u.Scheme != "https":
			return fmt.Errorf("%s: the URL must begin with https:// or http://", name)
		case u.Hostname() == "":
			return fmt.Errorf("%s: the URL has no host", name)
		case u.User != nil:
			return fmt.Errorf("%s: the URL must not carry credentials", name)
		case u.RawQuery != "" || u.ForceQuery:
			return fmt.Errorf("%s: the URL must not have a query", name)
		case strings.Contains(rawURL, "#"):
			return fmt.Errorf("%s: the URL must not have a fragment", name)
		}
		c.baseURL, c.baseURLFrom = u, name
		return nil
	}
}

// WithAPIVersion sets the version in the path /api/<version>/, by default "v3". Under "v3.1" Composio serves the same
// operation.
func WithAPIVersion(version string) Option {
	return func(c *config) error {
		digits, ok := strings.CutPrefix(version, "v")
		for part := range strings.SplitSeq(digits, ".") {
			ok = ok && part != "" && strings.Trim(part, "0123456789") == ""
		}
		if !ok {
			return fmt.Errorf("WithAPIVersion: %.32q is not like v3 or v3.1", version)
		}
		c.version = version
		return nil
	}
}

// WithAPIKeyFunc asks f for the API key before each attempt, so that a rotated key is used at once; the first argument
// of [New] is then "". An error of f ends the call, and so does a key that is empty or has characters other than
// visible ASCII. The context is the caller's.
func WithAPIKeyFunc(f func(context.Context) (string, error)) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New("WithAPIKeyFunc: the function is nil")
		}
		if c.key != nil {
			return errors.New("WithAPIKeyFunc: there is an API key already; give one or the other")
		}
		c.key = f
		return nil
	}
}

// WithHTTPClient sends through client's Transport, if that is not nil, in place of the shared pool: for tracing, wrap
// what [NewTransport] returns. Its Timeout, if any, bounds an attempt besides [WithTimeout]. Its CheckRedirect and its
// Jar are not used, because no redirect is followed and a cookie would be a second credential. The client is not changed.
//
// A transport around another should forward CloseIdleConnections, or a retry may meet one more connection that the server
// has closed. It should pass the request's context on and not send a request again by itself: what is sent behind the
// client's back is neither bounded nor, without that context, known to [ErrOutcomeUnknown]. An *http.Transport is taken for
// net/http's own; wrap one that hands requests to something else, by RegisterProtocol or TLSNextProto.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.transport, c.clientLimit = client.Transport, client.Timeout
		return nil
	}
}

// WithTimeout bounds one attempt, from the request to the end of the answer, by default to 30 s; 0 means no bound. The
// whole call is bounded by its context alone. An attempt that it ends is [ErrOutcomeUnknown] also if it was still
// connecting, which [NewTransport] itself gives up, as not sent, after 10 s.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithTimeout: %v is negative", d)
		}
		c.timeout = d
		return nil
	}
}

// WithMaxRetries sets how many more attempts may follow the first, by default 2; 0 turns retries off.
func WithMaxRetries(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("WithMaxRetries: %d is negative", n)
		}
		c.maxRetries = n
		return nil
	}
}

// WithLimiter waits for l before each attempt. An error of l ends the call.
func WithLimiter(l Limiter) Option {
	return func(c *config) error {
		if isNil(l) {
			return errors.New("WithLimiter: the limiter is nil")
		}
		c.limiter = l
		return nil
	}
}

// WithLogger logs each attempt at debug and each retry at warn; the package page lists the attributes. There is no
// logging by default, and never a secret in it.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		c.logger = l
		return nil
	}
}

// WithUserAgent puts product, such as "billing/1.4", before the client's own name in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		for i := range len(product) {
			if product[i] < ' ' || product[i] > '~' {
				return errors.New("WithUserAgent: the product has a character other than printable ASCII")
			}
		}
		if product == "" {
			return errors.New("WithUserAgent: the product is empty")
		}
		c.userAgent = []string{product + " " + defaultUserAgent}
		return nil
	}
}

// WithInsecureHTTP allows http:// to any host. Without it, http:// is accepted only for localhost and loopback addresses,
// because it sends the API key in the clear.
func WithInsecureHTTP() Option {
	return func(c *config) error {
		c.insecureHTTP = true
		return nil
	}
}

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

// newClient does what New does; keyFrom names where the key came from.
func newClient(keyFrom, apiKey string, baseURL Option, opts []Option) (*Client, error) {
	c, err := newConfig(keyFrom, apiKey, baseURL, opts)
	if err != nil {
		return nil, invalidError("", err)
	}
	return &Client{&c}, nil
}

// newConfig applies opts, and baseURL if none of them sets one.
func newConfig(keyFrom, apiKey string, baseURL Option, opts []Option) (config, error) {
	c := config{
		version:    "v3",
		timeout:    defaultTimeout,
		maxRetries: defaultMaxRetries,
		userAgent:  []string{defaultUserAgent},
	}
	if apiKey != "" {
		if err := checkKey(apiKey); err != nil {
			return c, fmt.Errorf("%s: %w", keyFrom, err)
		}
		c.key = func(context.Context) (string, error) { return apiKey, nil }
	}
	for i, opt := range opts {
		if opt == nil {
			return c, fmt.Errorf("New: option %d is nil", i+1)
		}
		if err := opt(&c); err != nil {
			return c, err
		}
	}
	if c.baseURL == nil {
		if err := baseURL(&c); err != nil {
			return c, err
		}
	}
	if c.key == nil {
		return c, fmt.Errorf("%s: the API key is empty, and there is no WithAPIKeyFunc", keyFrom)
	}
	if c.baseURL.Scheme == "http" && !c.insecureHTTP && !isLoopback(c.baseURL.Hostname()) {
		return c, fmt.Errorf("%s: http:// would send the API key in the clear to a host other than this machine; use https://, or WithInsecureHTTP", c.baseURLFrom)
	}
	if c.transport == nil {
		c.transport = sharedTransport()
	}
	if isNil(c.transport) {
		return c, fmt.Errorf("WithHTTPClient: the transport is a nil %T", c.transport)
	}
	_, direct := c.transport.(*http.Transport)
	c.wrapped = !direct
	c.apiURL = withPath(*c.baseURL, "/api/"+c.version)
	if c.clientLimit > 0 && (c.timeout == 0 || c.clientLimit < c.timeout) {
		c.timeout = c.clientLimit
	}
	return c, nil
}

// checkKey refuses a key that cannot go into a header as it is.
func checkKey(key string) error {
	if key == "" {
		return errors.New("the API key is empty")
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return errors.New("the API key has a character other than visible ASCII, such as a space or a newline")
		}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
