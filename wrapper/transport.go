package composio

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// NewTransport returns a new connection pool like the one that all clients without their own share. Wrap it, for
// tracing or metrics, and pass it back in an http.Client to [WithHTTPClient].
//
// Against [http.DefaultTransport] it keeps as many idle connections to one host as a busy service needs, gives up
// sooner on a host that does not answer, bounds the headers of an answer and notices dead HTTP/2 connections.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// Below the attempt's 30 s, so that a host that does not answer is seen as not applied.
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
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
		// With net/http's default of two, 64 callers open a new connection for two requests in five.
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second,
		// net/http's default of 4 KiB sends a key file or a long token in two writes.
		WriteBufferSize: 16 << 10,
		// net/http's default is 10 MiB.
		MaxResponseHeaderBytes: 64 << 10,
		// A connection whose other end vanished without a reset would otherwise serve, and fail, for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// sharedTransport is one pool for all clients, so that a client per tenant leaks no connections.
var sharedTransport = sync.OnceValue(NewTransport)
