package otelexample_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

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
		fmt.Printf("%s (%v): %v, below rotate: %t\n", s.Name, s.SpanKind, s.Status.Code, s.Parent.Equal(span.SpanContext()))
	}
	// Output:
	// HTTP PATCH (client): Error, below rotate: true
	// HTTP PATCH (client): Unset, below rotate: true
	// rotate (internal): Unset, below rotate: false
}

func TestSpansHaveTheRequestAndNoSecret(t *testing.T) {
	for status, body := range map[int]string{
		200: `{"success":true,"id":"ca_1","status":"s3cr3t-token"}`,
		401: `{"error":{"message":"Invalid API key: ak_s3cr3t_key"}}`,
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}))
		defer web.Close()
		spans := tracetest.NewInMemoryExporter()
		client, err := otelexample.NewTracedClient("ak_s3cr3t_key", sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), composio.WithBaseURL(web.URL))
		if err != nil {
			t.Fatal(err)
		}
		defer client.CloseIdleConnections()
		_, err = client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{
			Alias: composio.Set("work"), Credentials: composio.BearerToken{Token: composio.Set("s3cr3t-token")},
		})
		stubs := spans.GetSpans()
		if (err == nil) != (status == 200) || len(stubs) != 1 {
			t.Fatalf("status %d: %v, %d spans", status, err, len(stubs))
		}
		got := map[attribute.Key]string{}
		for _, a := range stubs[0].Attributes {
			got[a.Key] = a.Value.Emit()
		}
		for key, want := range map[attribute.Key]string{
			"http.request.method": "PATCH", "url.full": web.URL + "/api/v3/connected_accounts/ca_1", "http.response.status_code": fmt.Sprint(status),
		} {
			if got[key] != want {
				t.Errorf("%s is %q, want %q", key, got[key], want)
			}
		}
		if text := fmt.Sprintf("%+v", stubs); strings.Contains(text, "s3cr3t") {
			t.Errorf("%s", text)
		}
	}
}

func TestIdleConnectionsCanBeClosed(t *testing.T) {
	connections := map[string]bool{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":true,"id":"ca_1","status":"ACTIVE"}`)
	}))
	defer web.Close()
	client, err := otelexample.NewTracedClient("ak_1", sdktrace.NewTracerProvider(), composio.WithBaseURL(web.URL))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each on a connection of its own
		if _, err := client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{Alias: composio.Set("work")}); err != nil {
			t.Fatal(err)
		}
		client.CloseIdleConnections()
	}
	if len(connections) != 2 {
		t.Errorf("two requests came on %d connections", len(connections))
	}
}
