package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestARetryIsALineThatSaysWhyAndWhen(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		line   string
	}{
		"refused":     {nil, `attempt 1 failed \(connection refused\), again in 0\.[45] s`},
		"closed":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, `attempt 1 failed \(the connection was closed without an answer\), again (at once|in 0\.[45] s)`},
		"no answer":   {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, `attempt 1 failed \(no complete answer within 50ms\), again in 0\.[45] s`},
		"unavailable": {answers(503, "", "Retry-After", "0.3"), `attempt 1 failed \(503 Service Unavailable\), again in 0\.3 s`},
	} {
		t.Run(name, func(t *testing.T) {
			composio := newStandIn(t, tt.answer)
			if tt.answer == nil {
				composio.Close()
			}
			got := command(t, "update", "ca_1", "--alias=x", "--max-retries=1", "--timeout=50ms")
			line, rest, _ := strings.Cut(got.Err, "\n")
			if !regexp.MustCompile("^"+tt.line+"$").MatchString(line) || !strings.HasPrefix(rest, "composio-patch: ca_1: ") {
				t.Errorf("%s", got.Err)
			}
		})
	}
}

func TestAFailureOnTheWaySaysWhereAndWhatToCheck(t *testing.T) {
	refusing := httptest.NewServer(answers(407, ""))
	defer refusing.Close()
	secure := httptest.NewUnstartedServer(answers(200, applied))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	const (
		proxy       = "check the proxy that HTTPS_PROXY or HTTP_PROXY names, and whether NO_PROXY should list Composio's host"
		certificate = "check the certificate: whether --base-url or COMPOSIO_BASE_URL names the right host and, where a proxy signs for it, whether SSL_CERT_FILE or SSL_CERT_DIR has its root"
		speaks      = "check that --base-url or COMPOSIO_BASE_URL names a server that speaks TLS, and the proxy if there is one"
	)
	for name, tt := range map[string]struct {
		variable, baseURL string
		says, fix         string
	}{
		"a proxy that refuses":        {"HTTPS_PROXY=" + withPassword(refusing.URL), "https://composio.test", "proxyconnect tcp: the proxy 127.0.0.1:PORT answered 407", proxy},
		"a proxy that is not there":   {"HTTPS_PROXY=http://s3cr3t:s3cr3t@127.0.0.1:1", "https://composio.test", "proxyconnect tcp: dial tcp 127.0.0.1:PORT: connect: connection refused", proxy},
		"a proxy of plain HTTP":       {"HTTP_PROXY=" + withPassword(refusing.URL), "http://composio.test", "407: Proxy Authentication Required", proxy},
		"a proxy of SOCKS":            {"HTTPS_PROXY=socks5://127.0.0.1:1", "https://composio.test", "proxyconnect tcp: dial tcp 127.0.0.1:PORT: connect: connection refused", proxy},
		"an unknown certificate":      {"A=", secure.URL, "failed to verify certificate", certificate},
		"a server that has no TLS":    {"A=", "https" + strings.TrimPrefix(refusing.URL, "http"), "first record does not look like a TLS handshake", speaks},
		"a variable that is no URL":   {"HTTPS_PROXY=http://u:s3cr3t@x.test:port", "https://composio.test", "HTTPS_PROXY is not the URL of a proxy (it is not shown, since it may hold a password)", ""},
		"a password with a percent":   {"HTTPS_PROXY=http://u:s3cr3t%zz@x.test", "https://composio.test", "HTTPS_PROXY is not the URL of a proxy (it is not shown, since it may hold a password)", ""},
		"a certificate of the file's": {"SSL_CERT_FILE=/dev/null", secure.URL, "failed to verify certificate", certificate},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProcess(t, "update", "ca_1", "--alias=x", "--max-retries=0", "--insecure-http", "--base-url="+tt.baseURL)
			p.Env = append(p.Env, "COMPOSIO_API_KEY=ak_s3cr3t-key", "NO_PROXY=", tt.variable)
			p.start(t)
			got := steady(p.wait())
			status, fix := exitFailed, "fix: nothing was sent; "+tt.fix+"\n"
			if tt.fix == "" {
				status, fix = exitUsage, "fix: nothing was sent; see composio-patch help update\n"
			}
			first, rest, _ := strings.Cut(port.ReplaceAllString(strings.ReplaceAll(got.Err, "127.0.0.1:1:", "127.0.0.1:PORT:"), "127.0.0.1:PORT"), "\n")
			if got.Status != status || !strings.Contains(first, tt.says) || rest != fix || strings.Contains(got.Err, "s3cr3t") {
				t.Errorf("status %d: %s", got.Status, got.Err)
			}
		})
	}
}

func withPassword(url string) string { return strings.Replace(url, "://", "://user:s3cr3t@", 1) }

// net/http writes what comes after an answer, unasked, to the standard log.
func TestWhatABrokenGatewaySendsIsNotPrinted(t *testing.T) {
	newStandIn(t, inTurn(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "HTTP/1.1 429 No\r\nRetry-After: 0.5\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(100 * time.Millisecond) // until the answer is read
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: "+r.Header.Get("X-Api-Key")+"\r\n\r\n")
	}, answers(200, applied)))
	want(t, newProcess(t, "update", "ca_1", "--alias=x").start(t).wait(), outcome{
		exitDone, "ca_1: updated; status ACTIVE, request id req_1, 2 attempts\n", "attempt 1 failed (429 Too Many Requests), again in 0.5 s\n",
	})
}
