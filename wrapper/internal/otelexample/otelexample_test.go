package otelexample_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/otelexample"
	"example.com/composio/wrapper/sandbox"
)

// One update that is tried twice, and the spans it leaves.
func ExampleNewTracedClient() {
	box := sandbox.New() // stands in for Composio
	box.Put(sandbox.Account{ID: "ca_1a2b3c4d5e6f", Scheme: composio.SchemeBearerToken})
	box.Script(sandbox.Answer{Status: 503})
	web := httptest.NewServer(box)
	defer web.Close()
	spans := tracetest.NewInMemoryExporter() // stands in for a collector
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	client, err := otelexample.NewTracedClient(sandbox.DefaultAPIKey, provider, composio.WithBaseURL(web.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()
	ctx, span := provider.Tracer("billing").Start(context.Background(), "rotate")
	_, err = client.UpdateConnectedAccount(ctx, "ca_1a2b3c4d5e6f", composio.Update{
		Credentials: composio.BearerToken{Token: composio.Set("new")},
	})
	span.End()
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name, status(s))
	}
	// Output:
	// HTTP PATCH 503
	// HTTP PATCH 200
	// rotate 0
}

// status is the HTTP status that a span has, 0 if none.
func status(s tracetest.SpanStub) int64 {
	for _, a := range s.Attributes {
		if a.Key == "http.response.status_code" {
			return a.Value.AsInt64()
		}
	}
	return 0
}

// traced makes one update under a span of its own, against a handler, and returns the spans of the attempts.
func traced(t *testing.T, handler http.Handler, opts ...composio.Option) (attempts tracetest.SpanStubs, parent trace.SpanContext, url string, err error) {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	client, err := otelexample.NewTracedClient("ak_s3cr3t_key", provider, append(opts, composio.WithBaseURL(web.URL))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	ctx, span := provider.Tracer("test").Start(t.Context(), "parent")
	_, err = client.UpdateConnectedAccount(ctx, "ca_1", composio.Update{
		Alias: composio.Set("work"), Credentials: composio.BearerToken{Token: composio.Set("s3cr3t-token")},
	})
	return spans.GetSpans(), span.SpanContext(), web.URL, err
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnAttemptIsAClientSpan(t *testing.T) {
	var carried string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		carried = r.Header.Get("X-Api-Key")
		answer(200, `{"success":true,"id":"ca_1","status":"ACTIVE"}`)(w, r)
	})
	spans, parent, url, err := traced(t, handler)
	if err != nil || len(spans) != 1 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	s := spans[0]
	if s.Parent.SpanID() != parent.SpanID() || s.SpanContext.TraceID() != parent.TraceID() || s.SpanKind != trace.SpanKindClient {
		t.Errorf("the span is no client span below the caller's: %+v", s)
	}
	if s.EndTime.IsZero() || s.Status.Code != codes.Unset {
		t.Errorf("ended %v, status %v", s.EndTime, s.Status)
	}
	got := map[attribute.Key]string{}
	for _, a := range s.Attributes {
		got[a.Key] = a.Value.Emit()
	}
	for key, want := range map[attribute.Key]string{
		"http.request.method": "PATCH", "url.full": url + "/api/v3/connected_accounts/ca_1", "http.response.status_code": "200",
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if carried != "ak_s3cr3t_key" {
		t.Errorf("the request had the key %q", carried)
	}
}

func TestEachRetryHasASpanAndAFailureIsAnError(t *testing.T) {
	spans, parent, _, err := traced(t, answer(500, `{"error":{"message":"no: s3cr3t-token"}}`), composio.WithMaxRetries(1))
	if err == nil || len(spans) != 2 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	for _, s := range spans {
		if s.Status.Code != codes.Error || status(s) != 500 || s.Parent.SpanID() != parent.SpanID() {
			t.Errorf("%+v", s)
		}
	}
}

func TestALostConnectionIsAnError(t *testing.T) {
	hijack := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil || conn.Close() != nil {
			t.Errorf("hijack: %v", err)
		}
	})
	spans, _, _, err := traced(t, hijack, composio.WithMaxRetries(0))
	if err == nil || len(spans) != 1 || spans[0].Status.Code != codes.Error || spans[0].EndTime.IsZero() {
		t.Errorf("%v: %+v", err, spans)
	}
}

func TestNoSpanHoldsASecret(t *testing.T) {
	for _, handler := range []http.Handler{
		answer(200, `{"success":true,"id":"ca_1","status":"s3cr3t-token"}`),
		answer(401, `{"error":{"message":"Invalid API key: ak_s3cr3t_key"}}`),
	} {
		spans, _, _, _ := traced(t, handler) // both outcomes will do
		if text := fmt.Sprintf("%+v", spans); strings.Contains(text, "s3cr3t") {
			t.Errorf("%s", text)
		}
	}
}

func TestIdleConnectionsCanBeClosed(t *testing.T) {
	states := make(chan http.ConnState, 8)
	web := httptest.NewUnstartedServer(answer(200, `{"success":true,"id":"ca_1","status":"ACTIVE"}`))
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	web.Start()
	defer web.Close()
	client, err := otelexample.NewTracedClient("ak_s3cr3t_key", sdktrace.NewTracerProvider(), composio.WithBaseURL(web.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{Alias: composio.Set("work")}); err != nil {
		t.Fatal(err)
	}
	client.CloseIdleConnections()
	for deadline := time.After(10 * time.Second); ; {
		select {
		case state := <-states:
			if state == http.StateClosed {
				return
			}
		case <-deadline:
			t.Fatal("the connection is still open")
		}
	}
}
