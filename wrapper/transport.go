package composio

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
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
		// Both are below the attempt's 30 s, so that a host out of reach fails before anything is sent, which shows that
		// nothing was applied. An answer has no limit of its own: the attempt's is.
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		// A DialContext of one's own turns HTTP/2 off without this.
		ForceAttemptHTTP2: true,
		// net/http itself says only "Forbidden", which reads as an answer of Composio's.
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: fmt.Errorf("the proxy %s answered %d", proxy.Host, resp.StatusCode)}
		},
		// With net/http's default of two, 64 callers open a new connection for about every third request. 256 is more than
		// an organization's 10,000 requests a minute keep busy, and there is no limit over all hosts, as there is one host.
		MaxIdleConnsPerHost: 256,
		// After a burst they go, as net/http's default has it.
		IdleConnTimeout: 90 * time.Second,
		// net/http's default of 4 KiB splits a request with a larger credential into two writes; this costs a connection
		// 12 KiB.
		WriteBufferSize: 16 << 10,
		// net/http's default is 10 MiB.
		MaxResponseHeaderBytes: 64 << 10,
		// A connection whose other end vanished without a reset would otherwise serve, and fail, for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// sharedTransport is one pool for all clients, so that a client per tenant leaks no connections.
var sharedTransport = sync.OnceValue(NewTransport)

// neverSent reports whether the error of a transport around net/http's, which may have read the body, shows that no server
// got the request: it is about finding the host, connecting to it or the TLS handshake.
func neverSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial", "proxyconnect", "socks connect":
			return true
		}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return wrongServer(err) || strings.HasSuffix(err.Error(), "net/http: TLS handshake timeout") // a type of net/http's own
}

// wrongServer reports whether a transport's error shows that another attempt must fail as well: the host is not the one
// that was asked for, or does not speak TLS.
func wrongServer(err error) bool {
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	record, badRecord := errors.AsType[tls.RecordHeaderError](err)
	noTLS := badRecord && record.Conn != nil // crypto/tls hands the connection over only if the first record is none
	return badCertificate || noTLS
}

// headersTooLarge reports whether a transport gave up on an answer for the size of its headers. net/http has no type
// for it, in either version of HTTP.
func headersTooLarge(err error) bool {
	return strings.Contains(err.Error(), "server response headers exceeded") ||
		strings.Contains(err.Error(), "response header list larger than advertised limit")
}
