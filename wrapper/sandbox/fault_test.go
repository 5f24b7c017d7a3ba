package sandbox_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/example"
	"example.com/composio/wrapper/sandbox"
)

// protocols are the ways in which a client can reach the sandbox.
var protocols = []protocol{{"HTTP/1.1", false, false}, {"HTTP/1.1 over TLS", true, false}, {"HTTP/2 over TLS", true, true}}

type protocol struct {
	name     string
	tls, two bool
}

// serveOver serves a handler, with a new pool of connections to it, on which no request can meet a stale one.
func serveOver(t *testing.T, over protocol, h http.Handler, configure ...func(*http.Server)) (*httptest.Server, *http.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that give up in the middle of a handshake
	for _, f := range configure {
		f(srv.Config)
	}
	transport := composio.NewTransport()
	transport.DisableCompression = true
	if over.tls {
		srv.EnableHTTP2 = over.two
		srv.StartTLS()
		transport.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	} else {
		srv.Start()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv, transport
}

// seen tells what a client sees of one update.
func seen(ctx context.Context, t *testing.T, url string, transport *http.Transport) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // no fault may hang a test
	defer cancel()
	res, err := transport.RoundTrip(newRequest(ctx, t, "PATCH", url+path+"ca_1", tokenBody))
	if err != nil {
		return failureOf(err)
	}
	defer res.Body.Close()
	body, encoding := io.Reader(res.Body), ""
	if res.Header.Get("Content-Encoding") == "gzip" {
		encoding = "gzip "
		if body, err = gzip.NewReader(res.Body); err != nil {
			return err.Error()
		}
	}
	data, err := io.ReadAll(body)
	text := fmt.Sprintf("%d %s %s%s", res.StatusCode, res.Header.Get("Content-Type"), encoding, data)
	if err != nil {
		text += ", " + failureOf(err)
	}
	return text
}

func failureOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case errors.Is(err, io.EOF):
		return "EOF"
	case strings.HasPrefix(err.Error(), "stream error: ") && strings.HasSuffix(err.Error(), "INTERNAL_ERROR; received from peer"):
		return "stream reset"
	}
	return err.Error()
}

const (
	tokenBody = `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new"}}}}`
	page502   = "<html><head><title>502 Bad Gateway</title></head></html>\n"
	htmlType  = "text/html; charset=utf-8"
)

var (
	goodBody = example.JSON("ca_1", "EXPIRED")
	goodHalf = goodBody[:len(goodBody)/2]
)

type faultRow struct {
	name    string
	seen    string
	seen2   string // over HTTP/2, where it differs
	applied bool
	told    string // by package composio: that the update was applied, refused, or that this is unknown
}

// faultRows have each ready fault, as a client sees it.
var faultRows = []faultRow{
	{"close-before", "EOF", "stream reset", false, "unknown"},
	{"close-during", "reset", "stream reset", true, "unknown"},
	{"close-after", "EOF", "stream reset", true, "unknown"},
	{"cut", "200 application/json " + goodHalf + ", unexpected EOF", "200 application/json " + goodHalf + ", stream reset", true, "unknown"},
	{"hang", "timeout", "", true, "unknown"},
	{"stall", "200 application/json " + goodHalf + ", timeout", "", true, "unknown"},
	{"slow", "200 application/json " + goodBody, "", true, "applied"},
	{"slow-body", "200 application/json " + goodBody, "", true, "applied"},
	{"length-short", "200 application/json " + goodBody[:10], "", true, "unknown"},
	{"length-long", "200 application/json " + goodBody + ", unexpected EOF", "", true, "unknown"},
	{"media-type", "200 text/plain; charset=utf-8 " + goodBody, "", true, "applied"},
	{"gzip", "200 application/json gzip " + goodBody, "", true, "applied"},
	{"goaway", "200 application/json " + goodBody, "", true, "applied"},
	{"empty", "200 application/json ", "", true, "unknown"},
	{"html", "200 " + htmlType + " <html><head><title>200 OK</title></head></html>\n", "", true, "unknown"},
	{"rate-limit", `429 application/json {"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`, "", false, "refused"},
	{"rate-limit-bare", `429 application/json {"error":{"message":"Rate limit exceeded","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`, "", false, "refused"},
	{"conflict", `409 application/json {"error":{"message":"Another update of this connected account is under way","code":600,"slug":"ConnectedAccount_Conflict","status":409}}`, "", false, "refused"},
	{"408", "408 " + htmlType + " <html><head><title>408 Request Timeout</title></head></html>\n", "", false, "refused"},
	{"500", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", false, "unknown"},
	{"500-applied", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", true, "unknown"},
	{"502", "502 " + htmlType + " " + page502, "", false, "unknown"},
	{"502-applied", "502 " + htmlType + " " + page502, "", true, "unknown"},
	{"503", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", false, "unknown"},
	{"503-applied", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", true, "unknown"},
	{"504", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", false, "unknown"},
	{"504-applied", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", true, "unknown"},
}

func TestFaults(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range faultRows {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					if protocol.two && tt.seen2 != "" {
						tt.seen = tt.seen2
					}
					times := 1
					if tt.name == "close-during" {
						times = 20 // whoever sees that the connection was reset finds the account as it is afterwards
					}
					for range times {
						meet(t, protocol, tt)
					}
				})
			}
		})
	}
}

// meet has one update meet a fault. Where the client waits in vain it gives up soon, but for a machine under load, on
// which it would not have got as far as it should, later.
func meet(t *testing.T, over protocol, tt faultRow) {
	t.Helper()
	timeout, waits := 30*time.Second, strings.HasSuffix(tt.seen, "timeout")
	if waits {
		timeout = 20 * time.Millisecond
	}
	for {
		s := filled(sandbox.WithFaults(1, 1, fault(t, tt.name)))
		srv, transport := serveOver(t, over, s)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		got := seen(ctx, t, srv.URL, transport)
		cancel()
		all := s.Requests()
		if waits && timeout < 4*time.Second && (got != tt.seen || len(all) == 0 || !all[0].Applied) {
			timeout *= 4
			continue
		}
		if diff := cmp.Diff(tt.seen, got); diff != "" {
			t.Fatalf("seen (-want +got):\n%s", diff)
		}
		if took := time.Since(start); strings.HasPrefix(tt.name, "slow") && took < 5*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		stored := bearer("ca_1")
		if tt.applied {
			stored.Credentials["token"] = "new"
		}
		wantStored(t, s, stored)
		if len(all) != 1 || all[0].Fault != tt.name || all[0].Applied != tt.applied || !all[0].Exempt || all[0].Violations != nil {
			t.Errorf("journal: %+v", all)
		}
		return
	}
}

// Package composio promises that what it says of an update is true.
func TestFaultsAtTheClient(t *testing.T) {
	for _, tt := range faultRows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filled(sandbox.WithFaults(1, 1, fault(t, tt.name)))
			srv, transport := serveOver(t, protocols[0], s)
			transport.DisableCompression = false // as the client's own
			timeout := 30 * time.Second
			if strings.HasSuffix(tt.seen, "timeout") {
				timeout = time.Second
			}
			client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(srv.URL), composio.WithMaxRetries(0),
				composio.WithTimeout(timeout), composio.WithHTTPClient(&http.Client{Transport: transport}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{Alias: composio.Set("work")})
			told := "refused"
			if err == nil {
				told = "applied"
			} else if errors.Is(err, composio.ErrOutcomeUnknown) {
				told = "unknown"
			}
			a, _ := s.Account("ca_1")
			if told != tt.told || told != "unknown" && (a.Alias == "work") != (told == "applied") {
				t.Errorf("told that it is %s, want %s: %v; stored: %v", told, tt.told, err, a)
			}
		})
	}
}
