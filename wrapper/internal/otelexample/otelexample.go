// Package otelexample shows the client under OpenTelemetry. It is a module of its own, so that nobody who uses the
// client links any of it.
package otelexample

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	composio "example.com/composio/wrapper"
)

// NewTracedClient returns a client whose attempts are one span each, below the span of the context that a call is made
// with. The spans have the method, the host, the path and the status, and no credential: otelhttp records no body and no
// header of a request. The pool is like the client's own, but not the one that other clients share.
func NewTracedClient(apiKey string, provider trace.TracerProvider, opts ...composio.Option) (*composio.Client, error) {
	pool := composio.NewTransport()
	transport := tracedPool{otelhttp.NewTransport(pool, otelhttp.WithTracerProvider(provider)), pool}
	return composio.New(apiKey, append(opts, composio.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// tracedPool forwards what otelhttp's transport does not: with it, a retry after connections that the server has closed
// opens a new one.
type tracedPool struct {
	http.RoundTripper
	pool *http.Transport
}

func (t tracedPool) CloseIdleConnections() { t.pool.CloseIdleConnections() }
