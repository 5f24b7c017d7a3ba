package contract_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	"example.com/composio/wrapper/contract"
)

const (
	path     = "/api/v3/connected_accounts/ca_1"
	jsonType = "application/json"
	secret   = "s3cr3t-v4lue!"
)

// fake is a handler that answers with what it is told, and keeps what it was asked.
type fake struct {
	status int
	header http.Header
	body   string

	called bool
	got    string
	nanoid string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	f.called, f.got, f.nanoid = true, string(data), r.PathValue("nanoid")
	for name, values := range f.header {
		w.Header()[name] = values
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.body)
}

func good() *fake {
	return &fake{
		status: 200,
		header: http.Header{"Content-Type": {jsonType}, "X-Kept": {"yes"}},
		body:   `{"success":true,"id":"ca_1","status":"ACTIVE"}`,
	}
}

// log collects violations.
type log struct {
	mu  sync.Mutex
	all []contract.Violation
}

func (l *log) option() contract.Option {
	return contract.OnViolation(func(_ *http.Request, v contract.Violation) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, v)
	})
}

func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, v := range l.all {
		lines = append(lines, fmt.Sprintf("%s %s: %s", v.Direction, v.Location, v.Rule))
	}
	return lines
}

// send serves one request over a real connection.
func send(t *testing.T, h http.Handler, method, path, contentType, body string) (*http.Response, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

func TestHandlerPassesWhatTheDocumentAllows(t *testing.T) {
	for name, body := range map[string]string{
		"no body":                 ``,
		"empty update":            `{}`,
		"alias":                   `{"alias":"work"}`,
		"empty alias":             `{"alias":""}`,
		"unknown member outside":  `{"later":{"anything":[1,null]}}`,
		"credential":              `{"connection":{"state":{"authScheme":"BASIC","val":{"password":"p"}}}}`,
		"null credential":         `{"connection":{"state":{"authScheme":"API_KEY","val":{"api_key":null}}}}`,
		"no credential":           `{"connection":{"state":{"authScheme":"API_KEY","val":{}}}}`,
		"sharing":                 `{"experimental":{"acl_config_for_shared":{"allow_all_users":true,"allowed_user_ids":[]}}}`,
		"a whole character":       `{"alias":"\ud83d\ude00 \\ud800 \uFFFD"}`,
		"numbers of any size":     `{"x":[1E400,-1e999999999,1E-400,123456789012345678901234567890]}`,
		"same name in two levels": `{"alias":"a","x":[{"alias":"b"},{"alias":"c"}]}`,
		"a list of 1000":          `{"experimental":{"acl_config_for_shared":{"allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"u",`, 1000), ",") + `]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			next, seen := good(), &log{}
			res, answer := send(t, contract.Handler(next, seen.option()), "PATCH", path, jsonType, body)
			if res.StatusCode != 200 || answer != next.body || res.Header.Get("X-Kept") != "yes" {
				t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
			}
			if next.got != body || next.nanoid != "ca_1" {
				t.Errorf("next read %q of account %q", next.got, next.nanoid)
			}
			if lines := seen.lines(); lines != nil {
				t.Errorf("violations: %q", lines)
			}
		})
	}
}

func TestHandlerRefusesRequest(t *testing.T) {
	val := func(members string) string {
		return `{"connection":{"state":{"authScheme":"API_KEY","val":` + members + `}}}`
	}
	acl := func(members string) string {
		return `{"experimental":{"acl_config_for_shared":` + members + `}}`
	}
	for name, tt := range map[string]struct {
		contentType, body string
		want              []string // location: rule
	}{
		"not JSON":                 {jsonType, `alias=` + secret, []string{"body: json"}},
		"cut short":                {jsonType, `{"alias":"` + secret, []string{"body: json"}},
		"trailing value":           {jsonType, `{}{}`, []string{"body: json"}},
		"trailing text":            {jsonType, `{} ` + secret, []string{"body: json"}},
		"trailing, odd media type": {jsonType + "; charset", `{}{}`, []string{"body: json"}},
		"nested 20000 deep":        {jsonType, strings.Repeat(`{"a":`, 20000), []string{"body: json"}},
		"not UTF-8":                {jsonType, "{\"alias\":\"\xff\"}", []string{"body: utf-8"}},
		"null":                     {jsonType, `null`, []string{"body: nullable"}},
		"a list":                   {jsonType, `["` + secret + `"]`, []string{"body: type"}},
		"duplicate name":           {jsonType, `{"alias":"a","alias":"` + secret + `"}`, []string{"/alias: duplicate"}},
		"duplicate name below":     {jsonType, `{"x":[1,{"y":2,"y":{}}]}`, []string{"/x/1/y: duplicate"}},
		"media type":               {"text/" + "s3cr3t", `{}`, []string{"Content-Type: content-type"}},
		"no media type":            {"", `{}`, []string{"Content-Type: content-type"}},
		"half a character":         {jsonType, `{"alias":"\ud800"}`, []string{"/alias: surrogate"}},
		"halves, the wrong way":    {jsonType, `{"x":["\ude00\ud83d",{"y":"\uD83D\\ude00"}]}`, []string{"/x/0: surrogate", "/x/1/y: surrogate"}},
		"half a character, a name": {jsonType, `{"\udbff":1}`, []string{"/*: surrogate"}},
		"half a character, alone":  {jsonType, `"\ud800"`, []string{"body: surrogate", "body: type"}},
		"alias type":               {jsonType, `{"alias":7}`, []string{"/alias: type"}},
		"alias null":               {jsonType, `{"alias":null}`, []string{"/alias: nullable"}},
		"scheme":                   {jsonType, `{"connection":{"state":{"authScheme":"` + secret + `","val":{}}}}`, []string{"/connection/state/authScheme: enum"}},
		"state missing":            {jsonType, `{"connection":{}}`, []string{"/connection/state: required"}},
		"scheme and val missing":   {jsonType, `{"connection":{"state":{}}}`, []string{"/connection/state/authScheme: required", "/connection/state/val: required"}},
		"credential type":          {jsonType, val(`{"api_key":["` + secret + `"]}`), []string{"/connection/state/val/api_key: type"}},
		"unknown credentials":      {jsonType, val(`{"extra":"` + secret + `","other":1}`), []string{"/connection/state/val/extra: additionalProperties", "/connection/state/val/other: additionalProperties"}},
		"unknown beside known":     {jsonType, val(`{"api_key":"k","extra":1}`), []string{"/connection/state/val/extra: additionalProperties"}},
		"a value sent as a name":   {jsonType, val(`{"` + secret + `":"x"}`), []string{"/connection/state/val/*: additionalProperties"}},
		"a key sent as a name":     {jsonType, val(`{"ak_123456":"x"}`), []string{"/connection/state/val/*: additionalProperties"}},
		"list too long":            {jsonType, acl(`{"allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"u",`, 1001), ",") + `]}`), []string{"/experimental/acl_config_for_shared/allowed_user_ids: maxItems"}},
		"user id empty":            {jsonType, acl(`{"allowed_user_ids":["u",""]}`), []string{"/experimental/acl_config_for_shared/allowed_user_ids/1: minLength"}},
		"user id too long":         {jsonType, acl(`{"not_allowed_user_ids":["` + strings.Repeat("u", 257) + `"]}`), []string{"/experimental/acl_config_for_shared/not_allowed_user_ids/0: maxLength"}},
		"everything at once":       {jsonType, `{"alias":1,"alias":2,"connection":{"state":{"val":{"x":1}}}}`, []string{"/alias: duplicate", "/alias: type", "/connection/state/authScheme: required", "/connection/state/val/x: additionalProperties"}},
		"over 10 MiB":              {jsonType, `{"alias":"` + strings.Repeat("a", 10<<20) + `"}`, []string{"body: size"}},
	} {
		t.Run(name, func(t *testing.T) {
			next, seen := good(), &log{}
			res, answer := send(t, contract.Handler(next, seen.option()), "PATCH", path, tt.contentType, tt.body)
			if next.called {
				t.Error("next was called")
			}
			wantEnvelope(t, res, answer, gen.ErrorDetail{
				Message: "Validation error while processing request",
				Code:    10400, Slug: "HTTP_BadRequest", Status: 400, Errors: tt.want,
			})
			var want []string
			for _, line := range tt.want {
				want = append(want, "request "+line)
			}
			if diff := cmp.Diff(want, seen.lines()); diff != "" {
				t.Errorf("reported violations (-want +got):\n%s", diff)
			}
			if all := answer + strings.Join(seen.lines(), ""); strings.Contains(all, "s3cr3t") {
				t.Errorf("a value of the request shows: %s", all)
			}
		})
	}
}

func wantEnvelope(t *testing.T, res *http.Response, body string, want gen.ErrorDetail) {
	t.Helper()
	var got gen.Error
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if diff := cmp.Diff(want, got.Error); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	if res.StatusCode != int(want.Status) || res.Header.Get("Content-Type") != jsonType {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
}

func TestHandlerListsAtMostHundredViolations(t *testing.T) {
	seen := &log{}
	body := `{"experimental":{"acl_config_for_shared":{"allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"",`, 500), ",") + `]}}}`
	send(t, contract.Handler(good(), seen.option()), "PATCH", path, jsonType, body)
	if n := len(seen.lines()); n != 100 {
		t.Errorf("%d violations", n)
	}
}

func TestHandlerRefusesBodyThatBreaksOff(t *testing.T) {
	next, seen := good(), &log{}
	r := httptest.NewRequest("PATCH", path, io.MultiReader(strings.NewReader(`{}`), broken{}))
	r.Header.Set("Content-Type", jsonType)
	contract.Handler(next, seen.option()).ServeHTTP(httptest.NewRecorder(), r)
	if diff := cmp.Diff([]string{"request body: read"}, seen.lines()); diff != "" || next.called {
		t.Errorf("next called: %v, violations (-want +got):\n%s", next.called, diff)
	}
}

// A request made by hand for ServeHTTP may have no Body at all.
func TestHandlerTakesNilBody(t *testing.T) {
	next := good()
	r := httptest.NewRequest("PATCH", path, nil)
	r.Body = nil
	w := httptest.NewRecorder()
	contract.Handler(next).ServeHTTP(w, r)
	if w.Code != 200 || !next.called {
		t.Errorf("status %d, next called: %v", w.Code, next.called)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broke off") }

// The envelopes of refusals are answers too, and the document has to allow them.
func TestHandlerRefusalsFitTheDocument(t *testing.T) {
	refusals := map[string]http.Handler{
		"of a request": contract.Handler(good()),
		"of an answer": contract.Handler(&fake{status: 200}),
	}
	for name, inner := range refusals {
		t.Run(name, func(t *testing.T) {
			seen := &log{}
			outer := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name == "of a request" { // which the outer handler let pass
					r.Body = io.NopCloser(strings.NewReader("no JSON"))
				}
				inner.ServeHTTP(w, r)
			}), seen.option())
			res, _ := send(t, outer, "PATCH", path, jsonType, `{}`)
			if want := map[string]int{"of a request": 400, "of an answer": 500}[name]; res.StatusCode != want {
				t.Errorf("status %d, want %d", res.StatusCode, want)
			}
			if lines := seen.lines(); lines != nil {
				t.Errorf("violations: %q", lines)
			}
		})
	}
}

func TestHandlerReplacesWrongAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		fake fake
		want []string
	}{
		"missing members":   {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `{"success":true}`}, []string{"/id: required", "/status: required"}},
		"wrong type":        {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `{"success":"` + secret + `","id":"i","status":"s"}`}, []string{"/success: type"}},
		"trailing value":    {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `{"success":true,"id":"i","status":"s"}{}`}, []string{"body: json"}},
		"duplicate name":    {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `{"success":true,"id":"i","id":"j","status":"s"}`}, []string{"/id: duplicate"}},
		"not UTF-8":         {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: "{\"success\":true,\"id\":\"\xff\",\"status\":\"s\"}"}, []string{"body: utf-8"}},
		"empty":             {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: ``}, []string{"body: json"}},
		"null":              {fake{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: `null`}, []string{"body: nullable"}},
		"HTML":              {fake{status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: `<p>` + secret}, []string{"Content-Type: content-type"}},
		"no media type":     {fake{status: 200, header: nil, body: `{"success":true,"id":"i","status":"s"}`}, []string{"Content-Type: content-type"}},
		"error as a string": {fake{status: 404, header: http.Header{"Content-Type": {jsonType}}, body: `{"error":"` + secret + `"}`}, []string{"/error: type"}},
		"error code as a string": {fake{status: 409, header: http.Header{"Content-Type": {jsonType}}, body: `{"error":{"message":"m","slug":"s","status":409,"code":"` + secret + `"}}`},
			[]string{"/error/code: type"}},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &log{}
			res, answer := send(t, contract.Handler(&tt.fake, seen.option()), "PATCH", path, jsonType, `{}`)
			wantEnvelope(t, res, answer, gen.ErrorDetail{
				Message: "The answer to this request breaks the contract, and was withheld",
				Code:    10500, Slug: "HTTP_InternalServerError", Status: 500, Errors: tt.want,
			})
			var want []string
			for _, line := range tt.want {
				want = append(want, "response "+line)
			}
			if diff := cmp.Diff(want, seen.lines()); diff != "" {
				t.Errorf("reported violations (-want +got):\n%s", diff)
			}
			if all := answer + strings.Join(seen.lines(), ""); strings.Contains(all, "s3cr3t") {
				t.Errorf("a value of the answer shows: %s", all)
			}
		})
	}
}

func TestHandlerPassesOnUndocumentedStatus(t *testing.T) {
	seen := &log{}
	next := &fake{status: 429, header: http.Header{"Retry-After": {"3"}}, body: `{"message":"slow down"}`}
	res, answer := send(t, contract.Handler(next, seen.option()), "PATCH", path, jsonType, `{}`)
	if res.StatusCode != 429 || answer != next.body || res.Header.Get("Retry-After") != "3" {
		t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
	}
	if diff := cmp.Diff([]string{"response status: undocumented"}, seen.lines()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestHandlerMatches(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         string // nanoid; "" for no match
	}{
		{"PATCH", "/api/v3/connected_accounts/ca_1", "ca_1"},
		{"PATCH", "/api/v3.1/connected_accounts/ca_1", "ca_1"},
		{"PATCH", "/some/prefix/api/v12.0.7/connected_accounts/ca_1?q=1", "ca_1"},
		{"PATCH", "/api/v3/connected_accounts/a%2Fb", "a/b"},
		{"PATCH", "/api/v3/connected_accounts/%2e%2e", ".."},
		{"GET", "/api/v3/connected_accounts/ca_1", ""},
		{"POST", "/api/v3/connected_accounts/ca_1", ""},
		{"PATCH", "/api/v3/connected_accounts/", ""},
		{"PATCH", "/api/v3/connected_accounts", ""},
		{"PATCH", "/api/v3/connected_accounts/ca_1/", ""},
		{"PATCH", "/api/v3/connected_accounts/ca_1/more", ""},
		{"PATCH", "/api/v/connected_accounts/ca_1", ""},
		{"PATCH", "/api/v.3/connected_accounts/ca_1", ""},
		{"PATCH", "/api/v3x/connected_accounts/ca_1", ""},
		{"PATCH", "/api/connected_accounts/ca_1", ""},
		{"PATCH", "/v3/connected_accounts/ca_1", ""},
		{"PATCH", "/api/v3/toolkits/ca_1", ""},
		{"PATCH", "/", ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			next := good()
			send(t, contract.Handler(next), tt.method, tt.path, jsonType, `{}`)
			if !next.called || next.nanoid != tt.want {
				t.Errorf("called %v with %q, want %q", next.called, next.nanoid, tt.want)
			}
			// What does not match is not checked, neither the request nor the answer.
			wrong := &fake{status: 200}
			res, _ := send(t, contract.Handler(wrong), tt.method, tt.path, "text/html", `<p>`)
			if checked := res.StatusCode == 400; checked != (tt.want != "") {
				t.Errorf("checked: %v", checked)
			}
		})
	}
}

func TestHandlerEnvelopeNamesRequest(t *testing.T) {
	around := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "given")
			h.ServeHTTP(w, r)
		})
	}
	for want, h := range map[string]http.Handler{
		"sent":  contract.Handler(good()),
		"given": around(contract.Handler(good())),
	} {
		r := httptest.NewRequest("PATCH", path, strings.NewReader(`no JSON`))
		r.Header.Set("X-Request-Id", "sent")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"request_id":"`+want+`"`) {
			t.Errorf("want %s: %s", want, w.Body)
		}
	}
}

// What a handler around set is there for next to see and to change.
func TestHandlerKeepsHeaderOfHandlerAround(t *testing.T) {
	inner := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-A") != "a" {
			t.Error("next does not see the header")
		}
		w.Header().Del("X-A")
		good().ServeHTTP(w, r)
	}))
	res, _ := send(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "a")
		w.Header().Set("X-B", "b")
		inner.ServeHTTP(w, r)
	}), "PATCH", path, jsonType, `{}`)
	if res.Header.Get("X-A") != "" || res.Header.Get("X-B") != "b" {
		t.Errorf("header %v", res.Header)
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
	if lines := seen.lines(); lines != nil {
		t.Errorf("violations: %q", lines)
	}
}

func TestHandlerLeavesRequestOfCallerAlone(t *testing.T) {
	r := httptest.NewRequest("PATCH", path, strings.NewReader(`{}`))
	r.Header.Set("Content-Type", jsonType)
	body := r.Body
	contract.Handler(good()).ServeHTTP(httptest.NewRecorder(), r)
	if r.Body != body || r.PathValue("nanoid") != "" {
		t.Error("the request was changed")
	}
}

func TestHandlerNilOptionsAreIgnored(t *testing.T) {
	res, _ := send(t, contract.Handler(good(), nil, contract.OnViolation(nil)), "PATCH", path, jsonType, `no JSON`)
	if res.StatusCode != 400 {
		t.Errorf("status %d", res.StatusCode)
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

func TestExemptWriterCanBeHijacked(t *testing.T) {
	h := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(contract.Exempt(w)).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n")
	}))
	srv := httptest.NewServer(h)
	defer srv.Close()
	conn, err := net.DialTimeout("tcp", srv.Listener.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", path)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 299 Odd\r\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestHandlerServesManyAtOnce(t *testing.T) {
	srv := httptest.NewServer(contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		good().ServeHTTP(w, r)
	})))
	defer srv.Close()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var statuses []int
	for i := range 40 {
		wg.Go(func() {
			body := []string{`{"alias":"a"}`, `{"alias":1}`}[i%2]
			req, _ := http.NewRequest("PATCH", srv.URL+path, strings.NewReader(body))
			req.Header.Set("Content-Type", jsonType)
			res, err := srv.Client().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			statuses = append(statuses, res.StatusCode)
		})
	}
	wg.Wait()
	slices.Sort(statuses)
	if want := slices.Concat(slices.Repeat([]int{200}, 20), slices.Repeat([]int{400}, 20)); !slices.Equal(statuses, want) {
		t.Errorf("statuses %v", statuses)
	}
}
