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
	transport := otelhttp.NewTransport(composio.NewTransport(), otelhttp.WithTracerProvider(provider))
	return composio.New(apiKey, append(opts, composio.WithHTTPClient(&http.Client{Transport: transport}))...)
}
