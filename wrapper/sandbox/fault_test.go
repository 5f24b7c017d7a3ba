package sandbox_test

import (
	"bytes"
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

// protocols are the two ways in which a client can reach the sandbox.
var protocols = []protocol{{"HTTP/1.1", false, false}, {"HTTP/1.1 over TLS", true, false}, {"HTTP/2 over TLS", true, true}}

type protocol struct {
	name     string
	tls, two bool
}

// serveOver serves a handler, and returns its URL and a new pool of connections to it, on which no request can meet a
// stale one.
func serveOver(t *testing.T, over protocol, h http.Handler) (url string, transport *http.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that give up in the middle of a handshake
	transport = composio.NewTransport()
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
	return srv.URL, transport
}

// plainly tells what a client without the wrapper sees of one update.
func plainly(ctx context.Context, t *testing.T, url string, transport *http.Transport) string {
	t.Helper()
	transport = transport.Clone() // also the pool is its own
	transport.DisableCompression = true
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // no fault may hang a test
	defer cancel()
	res, err := transport.RoundTrip(newRequest(ctx, t, "PATCH", url+path+"ca_1", tokenBody))
	if err != nil {
		return failureOf(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if encoding := res.Header.Get("Content-Encoding"); encoding == "gzip" {
		zip, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err.Error()
		}
		if data, err = io.ReadAll(zip); err != nil {
			return err.Error()
		}
		data = append([]byte("gzip "), data...)
	}
	text := fmt.Sprintf("%d %s %s", res.StatusCode, res.Header.Get("Content-Type"), data)
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

var sentinels = []struct {
	name string
	err  error
}{
	{"invalid", composio.ErrInvalid}, {"bad request", composio.ErrBadRequest}, {"unauthorized", composio.ErrUnauthorized},
	{"forbidden", composio.ErrForbidden}, {"not found", composio.ErrNotFound}, {"account not found", composio.ErrAccountNotFound},
	{"conflict", composio.ErrConflict}, {"alias taken", composio.ErrAliasTaken}, {"unprocessable", composio.ErrUnprocessable},
	{"rate limited", composio.ErrRateLimited}, {"server", composio.ErrServer}, {"redirect", composio.ErrRedirect},
	{"too large", composio.ErrResponseTooLarge}, {"outcome unknown", composio.ErrOutcomeUnknown},
}

// wrapped tells what the wrapper makes of one update without retries: every sentinel that holds, and its status.
func wrapped(t *testing.T, url string, transport *http.Transport, timeout time.Duration) string {
	t.Helper()
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(url), composio.WithMaxRetries(0),
		composio.WithTimeout(timeout), composio.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	result, err := client.UpdateConnectedAccount(t.Context(), "ca_1",
		composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new")}})
	if err == nil {
		return "ok " + string(result.Status)
	}
	failure, _ := errors.AsType[*composio.Error](err)
	text := fmt.Sprint(failure.StatusCode)
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			text += ", " + s.name
		}
	}
	if failure.RetryAfter > 0 {
		text += fmt.Sprintf(", after %v", failure.RetryAfter)
	}
	if failure.Code != 0 {
		text += fmt.Sprintf(", code %d", failure.Code)
	}
	return text
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
	plain   string
	plain2  string // over HTTP/2, where it differs
	wrapper string
	applied bool
	waits   bool // for the client to give up
}

// faultRows have each ready fault, as a plain client and as the wrapper sees it.
var faultRows = []faultRow{
	{"close-before", "EOF", "stream reset", "0, outcome unknown", false, false},
	{"close-during", "reset", "stream reset", "0, outcome unknown", true, false},
	{"close-after", "EOF", "stream reset", "0, outcome unknown", true, false},
	{"cut", "200 application/json " + goodHalf + ", unexpected EOF", "200 application/json " + goodHalf + ", stream reset", "200, outcome unknown", true, false},
	{"hang", "timeout", "", "0, outcome unknown", true, true},
	{"stall", "200 application/json " + goodHalf + ", timeout", "", "200, outcome unknown", true, true},
	{"slow", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"slow-body", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"length-short", "200 application/json " + goodBody[:10], "", "200, outcome unknown", true, false},
	{"length-long", "200 application/json " + goodBody + ", unexpected EOF", "", "200, outcome unknown", true, false},
	{"media-type", "200 text/plain; charset=utf-8 " + goodBody, "", "ok EXPIRED", true, false},
	{"gzip", "200 application/json gzip " + goodBody, "", "ok EXPIRED", true, false},
	{"goaway", "200 application/json " + goodBody, "", "ok EXPIRED", true, false},
	{"empty", "200 application/json ", "", "200, outcome unknown", true, false},
	{"html", "200 " + htmlType + " <html><head><title>200 OK</title></head></html>\n", "", "200, outcome unknown", true, false},
	{"rate-limit", `429 application/json {"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`, "", "429, rate limited, after 1s", false, false},
	{"rate-limit-bare", `429 application/json {"error":{"message":"Rate limit exceeded","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`, "", "429, rate limited, code 10429", false, false},
	{"conflict", `409 application/json {"error":{"message":"Another update of this connected account is under way","code":600,"slug":"ConnectedAccount_Conflict","status":409}}`, "", "409, conflict, code 600", false, false},
	{"408", "408 " + htmlType + " <html><head><title>408 Request Timeout</title></head></html>\n", "", "408", false, false},
	{"500", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", "500, server, outcome unknown, code 10500", false, false},
	{"500-applied", `500 application/json {"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`, "", "500, server, outcome unknown, code 10500", true, false},
	{"502", "502 " + htmlType + " " + page502, "", "502, server, outcome unknown", false, false},
	{"502-applied", "502 " + htmlType + " " + page502, "", "502, server, outcome unknown", true, false},
	{"503", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", "503, server, outcome unknown", false, false},
	{"503-applied", "503 " + htmlType + " <html><head><title>503 Service Unavailable</title></head></html>\n", "", "503, server, outcome unknown", true, false},
	{"504", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", "504, server, outcome unknown", false, false},
	{"504-applied", "504 " + htmlType + " <html><head><title>504 Gateway Timeout</title></head></html>\n", "", "504, server, outcome unknown", true, false},
}

func TestFaults(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range faultRows {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					want := tt.plain
					if protocol.two && tt.plain2 != "" {
						want = tt.plain2
					}
					meet(t, protocol, tt, want, func(url string, transport *http.Transport, timeout time.Duration) string {
						ctx, cancel := context.WithTimeout(t.Context(), timeout)
						defer cancel()
						return plainly(ctx, t, url, transport)
					})
					meet(t, protocol, tt, tt.wrapper, func(url string, transport *http.Transport, timeout time.Duration) string {
						return wrapped(t, url, transport, timeout)
					})
				})
			}
		})
	}
}

// meet has one update meet a fault. Where the client waits in vain it gives up soon, but for a machine under load, on
// which it would not have got as far as it should, later.
func meet(t *testing.T, over protocol, tt faultRow, want string, ask func(string, *http.Transport, time.Duration) string) {
	t.Helper()
	timeout := 30 * time.Second
	if tt.waits {
		timeout = 20 * time.Millisecond
	}
	for {
		s := filled(sandbox.WithFaults(1, 1, fault(t, tt.name)))
		url, transport := serveOver(t, over, s)
		start := time.Now()
		got := ask(url, transport, timeout)
		all := s.Requests()
		if tt.waits && timeout < 4*time.Second && (got != want || len(all) == 0 || !all[0].Applied) {
			timeout *= 4
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
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
