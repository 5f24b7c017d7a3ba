package composio

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// NewTransport returns a new connection pool like the one that all clients without their own share. Wrap it, for
// tracing or metrics, and pass it back in an http.Client to [WithHTTPClient], which says what a wrapper should do.
//
// Against [http.DefaultTransport] it keeps as many idle connections to one host as a busy service needs, gives up
// sooner on a host that does not answer, bounds the headers of an answer and notices dead HTTP/2 connections.
func NewTransport() *http.Transport {
	return &http.Transport{
		// As operators expect: HTTPS_PROXY and NO_PROXY hold for this client too.
		Proxy: http.ProxyFromEnvironment,
		// Both are below the attempt's 30 s, so that a host out of reach fails before anything is sent.
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		// A DialContext of one's own turns HTTP/2 off without this.
		ForceAttemptHTTP2: true,
		// net/http says only "Forbidden", which reads as an answer of Composio's.
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: fmt.Errorf("the proxy %s answered %d", proxy.Host, resp.StatusCode)}
		},
		// With net/http's default of two, 64 callers open a new connection for about every third request. 256 is more than
		// an organization's 10,000 requests a minute keep busy.
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second, // net/http's own
		// net/http's default of 4 KiB splits a request with a larger credential into two writes.
		WriteBufferSize:        16 << 10,
		MaxResponseHeaderBytes: 64 << 10, // net/http's default is 10 MiB
		// A connection whose other end vanished without a reset would otherwise serve, and fail, for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// sharedTransport is one pool for all clients, so that a client per tenant leaks no connections.
var sharedTransport = sync.OnceValue(NewTransport)

// roundTripper sends the requests of [gen.Client]. An http.Client in its place would follow redirects, which take the key
// and the credentials to another host, and add cookies.
type roundTripper struct{ http.RoundTripper }

func (t roundTripper) Do(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the transport returned neither an answer nor an error")
	}
	if err != nil {
		return nil, &url.Error{Op: req.Method, URL: req.URL.String(), Err: err}
	}
	if resp.Body == nil { // as of a test double
		resp.Body = http.NoBody
	}
	return resp, nil
}

// requestBody is the body of one attempt over net/http's own transport, which asks for it anew where nothing of it was
// written, and over HTTP/2 where the server says that it processed nothing. A lying server could say so for ever.
type requestBody struct {
	reader  *bytes.Reader   // the latest one given
	earlier []*bytes.Reader // those before, which may have been read late
	again   bool            // one was given after the one before was read
}

func wasRead(r *bytes.Reader) bool { return r.Len() < int(r.Size()) }

// sent reports whether any of the bodies was read.
func (b *requestBody) sent() bool {
	return b.again || slices.ContainsFunc(append(b.earlier, b.reader), wasRead)
}

// replace puts itself in the place of req's body. Its GetBody gives a new one as often as nobody read the last one, and
// once more after one that was read.
func (b *requestBody) replace(ctx context.Context, req *http.Request) error {
	payload := make([]byte, req.ContentLength)
	_, err := io.ReadFull(req.Body, payload)
	b.reader = bytes.NewReader(payload)
	req.Body = io.NopCloser(b.reader)
	req.GetBody = func() (io.ReadCloser, error) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err() // before the reader is looked at, which the transport may still use now
		case wasRead(b.reader) && b.again:
			return nil, errors.New("it was not sent a third time: twice the server refused it, or the connection ended before it was written")
		}
		b.again = b.again || wasRead(b.reader)
		b.earlier = append(b.earlier, b.reader)
		b.reader = bytes.NewReader(payload)
		return io.NopCloser(b.reader), nil
	}
	return err
}

// failedToConnect reports whether the error of a transport around net/http's, which may have read the body for itself, is
// of a kind that comes before anything is sent: finding the host, connecting to it or the TLS handshake.
func failedToConnect(err error) bool {
	op, _ := errors.AsType[*net.OpError](err)
	_, noHost := errors.AsType[*net.DNSError](err)
	return noHost || op != nil && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect") ||
		wrongServer(err) || wrongVersion(err) || alerted(err, earlyAlerts) ||
		strings.HasSuffix(err.Error(), "net/http: TLS handshake timeout") // a type of net/http's own
}

// permanent reports whether a transport's error shows that another attempt must fail as well.
func permanent(err error) bool {
	says, ok := errors.AsType[interface {
		error
		Retryable() bool
	}](err)
	return ok && !says.Retryable() || headersTooLarge(err) ||
		wrongServer(err) || wrongVersion(err) || alerted(err, earlyAlerts) || alerted(err, lateAlerts)
}

// wrongServer reports whether the host is not the one that was asked for, or does not speak TLS.
func wrongServer(err error) bool {
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	record, badRecord := errors.AsType[tls.RecordHeaderError](err)
	return badCertificate || badRecord && record.Conn != nil // crypto/tls sets Conn only if the first record is none
}

// wrongVersion reports whether the client refused the server's version or protocol of TLS. crypto/tls has no type for it.
func wrongVersion(err error) bool {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return strings.HasPrefix(err.Error(), "tls: no supported versions") ||
		strings.HasPrefix(err.Error(), "tls: server selected un") // an unsupported version, an unadvertised protocol
}

// The alerts with which a server says that it and the client cannot agree on TLS as they are set up (RFC 8446, section 6.2).
var (
	// In place of a ServerHello: version, security, fallback, extensions, name, protocol.
	earlyAlerts = []tls.AlertError{70, 71, 86, 109, 110, 112, 120}
	// Perhaps once the client has begun to send: handshake_failure, its certificate in several ways, access_denied.
	lateAlerts = []tls.AlertError{40, 42, 43, 44, 45, 46, 48, 49, 116}
)

// alerted reports whether the server sent one of alerts. Its alert is of a type of crypto/tls's own, with the words of the
// one that it exports.
func alerted(err error, alerts []tls.AlertError) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" &&
		slices.ContainsFunc(alerts, func(alert tls.AlertError) bool { return alert.Error() == op.Err.Error() })
}

// connectionEnded reports whether the server closed or reset the connection in place of an answer.
func connectionEnded(err error) bool {
	op, _ := errors.AsType[*net.OpError](err)
	return op != nil && (op.Op == "read" || op.Op == "write" || op.Op == "readfrom") && !op.Timeout() ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "server sent GOAWAY and closed the connection") || // a type of net/http's own
		strings.Contains(err.Error(), "server closed idle connection") // the same
}

// headersTooLarge reports whether a transport gave up on an answer for the size of its headers. net/http has no type
// for it, in either version of HTTP.
func headersTooLarge(err error) bool {
	return strings.Contains(err.Error(), "server response headers exceeded") ||
		strings.Contains(err.Error(), "response header list larger than advertised limit")
}
