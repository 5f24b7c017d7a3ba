package contract_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/contract"
)

func TestHandlerListsAtMostHundredViolations(t *testing.T) {
	seen := &log{}
	body := `{"experimental":{"acl_config_for_shared":{"allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"",`, 500), ",") + `]}}}`
	send(t, contract.Handler(good(), seen.option()), "PATCH", path, jsonType, body)
	if n := len(seen.lines()); n != 100 {
		t.Errorf("%d violations", n)
	}
}

// There is nothing whole to pass on, whether violations are collected or not.
func TestHandlerRefusesBodyThatBreaksOff(t *testing.T) {
	for name, option := range map[string]contract.Option{"refuses": nil, "collects": contract.Collect(&contract.Report{}, io.Discard)} {
		next, seen := good(), &log{}
		r := httptest.NewRequest("PATCH", path, io.MultiReader(strings.NewReader(`{}`), iotest.ErrReader(errOwn)))
		r.Header.Set("Content-Type", jsonType)
		w := httptest.NewRecorder()
		contract.Handler(next, seen.option(), option).ServeHTTP(w, r)
		if diff := cmp.Diff([]string{"request body: read"}, seen.lines()); diff != "" || next.called || w.Code != 400 {
			t.Errorf("%s: status %d, next called: %v, violations (-want +got):\n%s", name, w.Code, next.called, diff)
		}
	}
}

// Requests to the operation are checked, and next reads the id; any other goes to next as it is.
func TestHandlerMatches(t *testing.T) {
	for request, want := range map[string]string{
		"PATCH /some/prefix/api/v12.0.7/connected_accounts/ca_1?q=1": "ca_1",
		"PATCH /api/v3/connected_accounts/a%2Fb":                     "a/b",
		"PATCH /api/v3/connected_accounts/%2e%2e":                    "..",
		"GET /api/v3/connected_accounts/ca_1":                        "",
		"PATCH /api/v3/connected_accounts/ca_1/":                     "",
		"PATCH /":                                                    "",
	} {
		verb, path, _ := strings.Cut(request, " ")
		next := good()
		send(t, contract.Handler(next), verb, path, jsonType, `{}`)
		if !next.called || next.nanoid != want {
			t.Errorf("%s: called %v with %q, want %q", request, next.called, next.nanoid, want)
		}
		res, _ := send(t, contract.Handler(&fake{status: 200}), verb, path, "text/html", `<p>`)
		if checked := res.StatusCode == 400; checked != (want != "") {
			t.Errorf("%s: checked: %v", request, checked)
		}
	}
}

func TestHandlerEnvelopeNamesRequest(t *testing.T) {
	for want, given := range map[string]http.Header{"sent": {}, "given": {"X-Request-Id": {"given"}}} { // by a handler around
		r := newRequest(t, base, `no JSON`)
		r.Header.Set("X-Request-Id", "sent")
		w := httptest.NewRecorder()
		maps.Copy(w.Header(), given)
		contract.Handler(good()).ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"request_id":"`+want+`"`) {
			t.Errorf("want %s: %s", want, w.Body)
		}
	}
}

// What a handler around set is there for next to see and to change.
func TestHandlerKeepsHeaderOfHandlerAround(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("X-A", "a")
	w.Header().Set("X-B", "b")
	contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-A") != "a" {
			t.Error("next does not see the header")
		}
		w.Header().Del("X-A")
		good().ServeHTTP(w, r)
	})).ServeHTTP(w, newRequest(t, base, `{}`))
	if h := w.Result().Header; h.Get("X-A") != "" || h.Get("X-B") != "b" {
		t.Errorf("header %v", h)
	}
}

func TestHandlerFirstStatusCounts(t *testing.T) {
	seen := &log{}
	h := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, good().body)
		w.WriteHeader(500)
	}), seen.option())
	if res, answer := send(t, h, "PATCH", path, jsonType, `{}`); res.StatusCode != 200 || answer != good().body {
		t.Errorf("got %d %q", res.StatusCode, answer)
	}
	seen.want(t)
}

func TestHandlerLeavesRequestOfCallerAlone(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{"a body": io.NopCloser(strings.NewReader(`{}`)), "no body, as one made by hand may have": nil} {
		next, r := good(), newRequest(t, base, ``)
		r.Body = body
		contract.Handler(next).ServeHTTP(httptest.NewRecorder(), r)
		if r.Body != body || r.PathValue("nanoid") != "" || !next.called {
			t.Errorf("%s: the request was changed, or next not called: %t", name, next.called)
		}
	}
}

func TestHandlerLetsPanicOfNextThrough(t *testing.T) {
	h := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		panic(http.ErrAbortHandler)
	}))
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, _ := http.NewRequest("PATCH", srv.URL+path, nil)
	if res, err := srv.Client().Do(req); err == nil {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestExemptAnswerIsNotChecked(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"inside":     contract.Handler(http.HandlerFunc(page)),
		"not inside": http.HandlerFunc(page),
		"inside a wrapper": contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page(wrapped{w}, r)
		})),
	} {
		t.Run(name, func(t *testing.T) {
			res, answer := send(t, h, "PATCH", path, jsonType, `{}`)
			if res.StatusCode != 200 || answer != "<p>first</p><p>second</p>" || res.Header.Get("X-Set-Before") != "yes" {
				t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
			}
		})
	}
}

// page writes what no document allows here, and needs a flush.
func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Set-Before", "yes")
	w = contract.Exempt(w)
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<p>first</p>")
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, "<p>second</p>")
}

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }
