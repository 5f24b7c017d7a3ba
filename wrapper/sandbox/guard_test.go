package sandbox_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/composio/wrapper/sandbox"
)

// everyRoute is each control route with a body that it takes.
var everyRoute = [][3]string{
	{"GET", "accounts"}, {"GET", "accounts/ca_1"}, {"PUT", "accounts/ca_1", ca1JSON}, {"DELETE", "accounts/ca_1"}, {"GET", "requests"}, {"DELETE", "requests"},
	{"GET", "events"}, {"POST", "script", `{"answers":[{"status":409}]}`}, {"GET", "faults"}, {"PUT", "faults", `{"faults":{"502":1}}`}, {"POST", "reset"},
}

// everyFile is what is served without a key.
var everyFile = map[string]string{"": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8", "openapi.yaml": "application/yaml"}

func TestControlTakesTheKeyAlone(t *testing.T) {
	r := controlled(t)
	r.update(`{}`)
	for _, route := range everyRoute {
		for key, code := range map[string]string{"-": "906", "": "906", "ak_wrong_key": "10401"} {
			if status, body := r.send(route[0], route[1], route[2], "X-Api-Key", key); status != 401 || !strings.HasPrefix(body, `{"error":{"code":`+code+`,`) {
				t.Errorf("%v with key %q: %d %s", route, key, status, body)
			}
		}
	}
	r.want("accounts/ca_1", ca1JSON)
	if status := r.update(`{}`); status != 200 || len(r.box.Requests()) != 2 {
		t.Error("something was done without the key")
	}
}

func TestNobodyGetsInFromAnotherSite(t *testing.T) {
	box := sandbox.New(sandbox.WithControl("BOX.test", "other.test:81", "plain.test:80", "tls.test:443", "FD00:0::1"))
	box.Put(bearer("ca_1"))
	srv := httptest.NewServer(box)
	defer srv.Close()
	own := strings.TrimPrefix(srv.URL, "http://")
	for _, tt := range []struct {
		header  string
		refused bool
		values  []string
	}{
		{"Host", false, []string{own, "LocalHost:8787", "localhost", "LOCALHOST.:8787", "127.8.9.1:1", "[::1]:8787", "[::1]", "[0:0:0:0:0:0:0:1]:8787",
			"[::ffff:127.0.0.1]", "Box.test:9", "box.test.", "other.test:81", "[fd00::1]:9",
			"plain.test", "plain.test:80", "tls.test", "tls.test:443"}},
		{"Host", true, []string{"other.test:82", "other.test", "plain.test:443", "tls.test:80", "[localhost]", "[::1", "localhost:evil", "localhost:80@evil.test", "evil.test", "localhost.evil.test",
			"127.0.0.1.evil.test:8787", "evil-box.test", "192.168.1.1:8787", "0.0.0.0:8787"}},
		{"Origin", false, []string{srv.URL}},
		{"Origin", true, []string{"http://evil.test", "http://127.0.0.1:1", "https://" + own, "null", srv.URL + ".evil.test", "", "http://box.test"}},
		{"Sec-Fetch-Site", false, []string{"same-origin", "none"}},
		{"Sec-Fetch-Site", true, []string{"cross-site", " Cross-Site", "same-origin, cross-site", "elsewhere"}},
	} {
		all := [][3]string{{"GET", "accounts"}}
		for file := range everyFile {
			all = append(all, [3]string{"GET", file})
		}
		if tt.refused {
			all = append(append(all, everyRoute...), [3]string{"OPTIONS", "accounts"}, [3]string{"GET", "nothing"})
		}
		for _, value := range tt.values {
			for _, route := range all {
				for _, key := range []string{sandbox.DefaultAPIKey, "-"} {
					got := request(t.Context(), t, http.DefaultClient, route[0], srv.URL+"/_sandbox/"+route[1], route[2], tt.header, value, "X-Api-Key", key)
					if (got.status == 403) != tt.refused || got.header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s: %q: %v with key %q: %d %s", tt.header, value, route, key, got.status, got.body)
					}
				}
			}
		}
	}
	if got := request(t.Context(), t, http.DefaultClient, "GET", srv.URL+"/_sandbox/", "", "Host", "box.test", "Origin", "http://box.test"); got.status != 200 {
		t.Errorf("an allowed name's own origin: %d", got.status)
	}
	// Another port of this machine is of the same site: a link of its leads to the page, and its scripts to no route.
	for _, route := range append(everyRoute, [3]string{"GET", ""}) {
		got := request(t.Context(), t, http.DefaultClient, route[0], srv.URL+"/_sandbox/"+route[1], route[2], "Sec-Fetch-Site", "same-site")
		if want := map[bool]int{true: 200, false: 403}[route[1] == ""]; got.status != want {
			t.Errorf("%v from another port: %d", route, got.status)
		}
	}
	wantStored(t, box, bearer("ca_1"))
	// Composio's own routes are not guarded: a client may reach them by any name.
	if got := request(t.Context(), t, http.DefaultClient, "PATCH", srv.URL+path+"ca_1", `{}`, "Host", "backend.composio.dev", "Origin", "http://evil.test"); got.status != 200 {
		t.Errorf("an update: %d", got.status)
	}
}

func TestThePageIsStaticAndMayUseItselfAlone(t *testing.T) {
	r := controlled(t)
	r.update(`{"alias":"s3cret"}`)
	for file, mediaType := range everyFile {
		got := request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox/"+file, "", "X-Api-Key", "-")
		if got.status != 200 || got.header.Get("Content-Type") != mediaType || len(got.body) < 100 || strings.Contains(got.body, "s3cret") || strings.Contains(got.body, "ca_1\"") {
			t.Errorf("%q: %d %v, %d bytes", file, got.status, got.header, len(got.body))
		}
	}
	if got := request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox", "", "X-Api-Key", "-"); got.status != 200 || !strings.HasPrefix(got.body, "<!doctype html>") {
		t.Errorf("without the last slash: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/_sandbox/", "/_sandbox/page.js", "/_sandbox/accounts", "/_sandbox/nothing"} {
		h := request(t.Context(), t, http.DefaultClient, "GET", r.url+path, "").header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Cache-Control":           "no-store",
			"X-Sandbox":               "control routes, not part of Composio",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %s", path, name, h.Get(name))
			}
		}
	}
}

// The list, the requests, the events, the log and the page show no credential; an account by itself does.
func TestNoListShowsACredential(t *testing.T) {
	var log bytes.Buffer
	r := controlled(t, sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	next := follow(t, r.url)
	var shown string
	for _, body := range []string{
		`{"alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"s3cret-new","user_agent":null}}}}`,
		`{"connection":{"state":{"authScheme":"s3cret","val":{"token":["s3cret"],"s3cret":"x"}}},"s3cret":1}`,
		`token=s3cret`,
	} {
		r.update(body)
		shown += next()
	}
	shown += r.get("accounts") + r.get("requests") + r.get("faults") + log.String()
	for file := range everyFile {
		shown += request(t.Context(), t, http.DefaultClient, "GET", r.url+"/_sandbox/"+file, "").body
	}
	wantNone(t, shown, "s3cret", sandbox.DefaultAPIKey)
	if got := r.get("accounts/ca_1"); !strings.Contains(got, "s3cret-new") {
		t.Errorf("the account: %s", got)
	}
}
