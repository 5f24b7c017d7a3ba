package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
)

// environment is a part of the help.
const environment = `Environment:
  COMPOSIO_API_KEY                     the API key of the project
  COMPOSIO_BASE_URL                    where Composio is, unless --base-url says so
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY    a proxy, and the hosts that are reached without it
  SSL_CERT_FILE, SSL_CERT_DIR          the certificates to trust, in place of the system's

With --sandbox none of them matters.`

// clientFlags say how Composio is reached, in update and bulk.
type clientFlags struct {
	Timeout      time.Duration `default:"30s" placeholder:"D" help:"Bound one attempt, such as 10s; ${default} unless given, 0 for no bound. Retries and waits come on top."`
	MaxRetries   int           `default:"2" placeholder:"N" help:"How many attempts may follow the first; ${default} unless given."`
	BaseURL      *string       `placeholder:"U" xor:"server" help:"Where Composio is; else COMPOSIO_BASE_URL says so."`
	InsecureHTTP bool          `name:"insecure-http" help:"Allow http:// to another host than this one, such as a sandbox in another container. The key and the credentials go there in the clear."`
	Sandbox      bool          `xor:"server" help:"Send to a sandbox in this process, without key or environment."`
}

// options are the client's.
func (f *clientFlags) options() []composio.Option {
	opts := []composio.Option{composio.WithUserAgent(name)}
	if f.InsecureHTTP {
		opts = append(opts, composio.WithInsecureHTTP())
	}
	if f.BaseURL != nil {
		opts = append(opts, composio.WithBaseURL(*f.BaseURL))
	}
	return append(opts, composio.WithTimeout(f.Timeout), composio.WithMaxRetries(f.MaxRetries))
}

// check refuses each option that cannot be right, and the environment.
func (f *clientFlags) check(refused *refusals) {
	var insecure []composio.Option
	if f.InsecureHTTP {
		insecure = append(insecure, composio.WithInsecureHTTP())
	}
	for _, opt := range f.options() {
		_, err := composio.New("for-checking-only", append(insecure[:len(insecure):len(insecure)], opt)...)
		refused.add(err)
	}
	switch {
	case f.Sandbox:
	case os.Getenv("COMPOSIO_API_KEY") == "":
		refused.addf("COMPOSIO_API_KEY is not set: set it to the project's API key, or add --sandbox to try without one")
	default:
		opts := insecure
		if f.BaseURL != nil {
			opts = append(opts, composio.WithBaseURL("http://localhost")) // in place of COMPOSIO_BASE_URL
		}
		_, err := composio.NewFromEnv(opts...)
		refused.add(err)
	}
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := os.Getenv(variable)
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		// net/http would ignore it, and go without a proxy.
		if proxy, err := url.Parse(value); (err != nil || proxy.Host == "") && os.Getenv(variable) != "" && !f.Sandbox {
			refused.addf("%s is not the URL of a proxy (it is not shown, since it may hold a password)", variable)
		}
	}
}

// retryLog is a slog.Handler that tells a person why the client waits.
type retryLog struct{ std *stdio }

func (retryLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (l retryLog) WithAttrs([]slog.Attr) slog.Handler             { return l }
func (l retryLog) WithGroup(string) slog.Handler                  { return l }

// Handle prints the client's "trying again".
func (l retryLog) Handle(_ context.Context, record slog.Record) error {
	attrs := map[string]slog.Value{}
	record.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value
		return true
	})
	reason := shortReason(attrs["error"].String())
	if status := int(attrs["status"].Int64()); status != 0 {
		reason = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	again := "at once"
	if wait := attrs["wait"].Duration(); wait > 0 {
		again = fmt.Sprintf("in %.1f s", wait.Seconds())
	}
	l.std.errf("attempt %d failed (%s), again %s\n", attrs["attempt"].Int64(), printable(reason), again)
	return nil
}

// shortReason is what remains of the text of an error without an answer when it is cut to its cause.
func shortReason(text string) string {
	text, _, _ = strings.Cut(": "+text, "; ")
	if i := strings.Index(text, "no complete answer within"); i >= 0 {
		text, _, _ = strings.Cut(text[i:], ": ")
		return text
	}
	text = text[strings.LastIndex(text, ": ")+len(": "):]
	if strings.HasSuffix(text, "EOF") {
		return "the connection was closed without an answer"
	}
	return text
}

// fixOfPath says what to check if the update ended on its way to Composio, and is "" if it did not.
func fixOfPath(e *composio.Error) string {
	operation, _ := errors.AsType[*net.OpError](e)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](e)
	_, record := errors.AsType[tls.RecordHeaderError](e)
	_, alert := errors.AsType[tls.AlertError](e)
	switch {
	case e.StatusCode == http.StatusProxyAuthRequired,
		operation != nil && (operation.Op == "proxyconnect" || operation.Op == "socks connect"):
		return "nothing was sent; check the proxy that HTTPS_PROXY or HTTP_PROXY names, and whether NO_PROXY should list Composio's host"
	case certificate:
		return "nothing was sent; check the certificate: whether --base-url or COMPOSIO_BASE_URL names the right host and, where a proxy signs for it, whether SSL_CERT_FILE or SSL_CERT_DIR has its root"
	case record, alert:
		return "nothing was sent; check that --base-url or COMPOSIO_BASE_URL names a server that speaks TLS, and the proxy if there is one"
	}
	return ""
}
