package contract_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
	"example.com/composio/wrapper/contract"
)

// What the document forbids goes through neither Handler nor Transport, which say the same about it and show no value.
func TestWrongRequestIsRefused(t *testing.T) {
	val := func(members string) string {
		return `{"connection":{"state":{"authScheme":"API_KEY","val":` + members + `}}}`
	}
	forty := strings.Repeat("a", 40)
	acl := func(members string) string {
		return `{"experimental":{"acl_config_for_shared":` + members + `}}`
	}
	for name, tt := range map[string]struct {
		header []string // a name and its values
		body   string
		want   []string // location: rule
	}{
		"not JSON":                  {nil, `alias=` + secret, []string{"body: json"}},
		"cut short":                 {nil, `{"alias":"` + secret, []string{"body: json"}},
		"trailing value":            {nil, `{}{}`, []string{"body: json"}},
		"trailing text":             {nil, `{} ` + secret, []string{"body: json"}},
		"trailing, odd media type":  {[]string{"Content-Type", jsonType + "; charset"}, `{}{}`, []string{"body: json"}},
		"nested 20000 deep":         {nil, strings.Repeat(`{"a":`, 20000), []string{"body: json"}},
		"not UTF-8":                 {nil, "{\"alias\":\"\xff\"}", []string{"body: utf-8"}},
		"null":                      {nil, `null`, []string{"body: nullable"}},
		"a list":                    {nil, `["` + secret + `"]`, []string{"body: type"}},
		"duplicate name":            {nil, `{"alias":"a","alias":"` + secret + `"}`, []string{"/alias: duplicate"}},
		"duplicate name below":      {nil, `{"x":[1,{"y":2,"y":{}}]}`, []string{"/x/1/y: duplicate"}},
		"media type":                {[]string{"Content-Type", "text/s3cr3t"}, `{}`, []string{"Content-Type: content-type"}},
		"no media type":             {[]string{"Content-Type"}, `{}`, []string{"Content-Type: content-type"}},
		"half a character":          {nil, `{"alias":"\ud800"}`, []string{"/alias: surrogate"}},
		"halves, the wrong way":     {nil, `{"x":["\ude00\ud83d",{"y":"\uD83D\\ude00"}]}`, []string{"/x/0: surrogate", "/x/1/y: surrogate"}},
		"half a character, a name":  {nil, `{"\udbff":1}`, []string{"/*: surrogate"}},
		"half a character, alone":   {nil, `"\ud800"`, []string{"body: surrogate", "body: type"}},
		"alias type":                {nil, `{"alias":7}`, []string{"/alias: type"}},
		"alias null":                {nil, `{"alias":null}`, []string{"/alias: nullable"}},
		"scheme":                    {nil, `{"connection":{"state":{"authScheme":"` + secret + `","val":{}}}}`, []string{"/connection/state/authScheme: enum"}},
		"state missing":             {nil, `{"connection":{}}`, []string{"/connection/state: required"}},
		"scheme and val missing":    {nil, `{"connection":{"state":{}}}`, []string{"/connection/state/authScheme: required", "/connection/state/val: required"}},
		"credential type":           {nil, val(`{"api_key":["` + secret + `"]}`), []string{"/connection/state/val/api_key: type"}},
		"unknown credentials":       {nil, val(`{"extra":"` + secret + `","other":1}`), []string{"/connection/state/val/extra: additionalProperties", "/connection/state/val/other: additionalProperties"}},
		"unknown beside known":      {nil, val(`{"api_key":"k","extra":1}`), []string{"/connection/state/val/extra: additionalProperties"}},
		"a value sent as a name":    {nil, val(`{"` + secret + `":"x"}`), []string{"/connection/state/val/*: additionalProperties"}},
		"a key sent as a name":      {nil, val(`{"ak_123456":"x"}`), []string{"/connection/state/val/*: additionalProperties"}},
		"a token sent as a name":    {nil, val(`{"sk_live_51H8":"x"}`), []string{"/connection/state/val/*: additionalProperties"}},
		"names":                     {nil, val(`{"x-a.b$C9":1,"` + forty + `":1}`), []string{"/connection/state/val/" + forty + ": additionalProperties", "/connection/state/val/x-a.b$C9: additionalProperties"}},
		"no names":                  {nil, val(`{"a` + forty + `":1,"":1,"two words":1,"a/b":1,"a~b":1,"a\nb":1,"-----BEGIN PRIVATE KEY":1,"é":1}`), []string{"/connection/state/val/*: additionalProperties"}},
		"list too long":             {nil, acl(`{"allowed_user_ids":[` + strings.TrimSuffix(strings.Repeat(`"u",`, 1001), ",") + `]}`), []string{"/experimental/acl_config_for_shared/allowed_user_ids: maxItems"}},
		"user id empty":             {nil, acl(`{"allowed_user_ids":["u",""]}`), []string{"/experimental/acl_config_for_shared/allowed_user_ids/1: minLength"}},
		"user id too long":          {nil, acl(`{"not_allowed_user_ids":["` + strings.Repeat("u", 257) + `"]}`), []string{"/experimental/acl_config_for_shared/not_allowed_user_ids/0: maxLength"}},
		"everything at once":        {nil, `{"alias":1,"alias":2,"connection":{"state":{"val":{"x":1}}}}`, []string{"/alias: duplicate", "/alias: type", "/connection/state/authScheme: required", "/connection/state/val/x: additionalProperties"}},
		"over 10 MiB":               {nil, `{"alias":"` + strings.Repeat("a", 10<<20) + `"}`, []string{"body: size"}},
		"media type twice":          {[]string{"Content-Type", jsonType, jsonType}, `{"alias":7}`, []string{"/alias: type", "Content-Type: duplicate"}},
		"media type twice, no body": {[]string{"Content-Type", jsonType, jsonType}, ``, []string{"Content-Type: duplicate"}},
		"media type, other letters": {[]string{"content-type", "text/plain"}, `{}`, []string{"Content-Type: duplicate"}},
	} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, base, ``)
			if tt.header != nil {
				req.Header[tt.header[0]] = tt.header[1:]
			}
			wantRefused(t, req, tt.body, good(), contract.Request, tt.want)
		})
	}
}

func TestWrongAnswerIsWithheld(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		header string // the media type
		body   string
		want   []string
	}{
		"missing members":        {200, jsonType, without(t, "id", "status"), []string{"/id: required", "/status: required"}},
		"wrong type":             {200, jsonType, strings.Replace(goodBody, "true", `"`+secret+`"`, 1), []string{"/success: type"}},
		"trailing value":         {200, jsonType, good().body + `{}`, []string{"body: json"}},
		"duplicate name":         {200, jsonType, strings.Replace(goodBody, `"id":`, `"id":"j","id":`, 1), []string{"/id: duplicate"}},
		"half a character":       {200, jsonType, strings.Replace(goodBody, "ca_1", `\udfff`, 1), []string{"/id: surrogate"}},
		"not UTF-8":              {200, jsonType, strings.Replace(goodBody, "ca_1", "\xff", 1), []string{"body: utf-8"}},
		"empty":                  {200, jsonType, ``, []string{"body: json"}},
		"null":                   {200, jsonType, `null`, []string{"body: nullable"}},
		"HTML":                   {200, "text/html", `<p>` + secret, []string{"Content-Type: content-type"}},
		"no media type":          {200, "", good().body, []string{"Content-Type: content-type"}},
		"error as a string":      {404, jsonType, `{"error":"` + secret + `"}`, []string{"/error: type"}},
		"error code as a string": {409, jsonType, `{"error":{"message":"m","slug":"s","status":409,"code":"` + secret + `"}}`, []string{"/error/code: type"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := &fake{status: tt.status, header: http.Header{}, body: tt.body}
			if tt.header != "" {
				answer.header.Set("Content-Type", tt.header)
			}
			wantRefused(t, newRequest(t, base, ``), `{}`, answer, contract.Response, tt.want)
		})
	}
}

func TestTransportWithholdsAnAnswer(t *testing.T) {
	twice := http.Header{"Content-Type": {jsonType}, "content-type": {"text/html"}}
	for answer, want := range map[*fake]string{
		{status: 200, header: twice, body: good().body}:                                                               "Content-Type: duplicate",
		{status: 418, header: twice, body: "a status that the document lacks"}:                                        "Content-Type: duplicate",
		{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: strings.Repeat(" ", 4<<20)}:              "body: size",
		{status: 200, header: http.Header{"Content-Type": {jsonType}, "Content-Encoding": {"br"}}, body: good().body}: "Content-Encoding: content-encoding",
	} {
		next := &answering{fake: answer}
		wantError(t, contract.Transport(next), newRequest(t, base, `{}`), "response", []string{want})
		if !next.answer.closed || next.answer.read > 1<<20+1 { // an endless one must not be read all
			t.Errorf("%s: %d bytes of the answer were read, closed: %t", want, next.answer.read, next.answer.closed)
		}
	}
}

// wantRefused has Handler and Transport refuse an exchange for the same violations of a half of it.
func wantRefused(t *testing.T, req *http.Request, body string, answer *fake, half contract.Direction, want []string) {
	t.Helper()
	detail := gen.ErrorDetail{Message: "Validation error while processing request", Code: 10400, Slug: "HTTP_BadRequest", Status: 400, Errors: want}
	if half == contract.Response {
		detail = gen.ErrorDetail{Message: "The answer to this request breaks the contract, and was withheld", Code: 10500,
			Slug: "HTTP_InternalServerError", Status: 500, Errors: want}
	}
	var lines []string
	for _, v := range want {
		lines = append(lines, string(half)+" "+v)
	}

	w, seen := httptest.NewRecorder(), &log{}
	req.Body = io.NopCloser(strings.NewReader(body))
	contract.Handler(answer, seen.option()).ServeHTTP(w, req)
	seen.want(t, lines...)
	var got gen.Error
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || strings.Contains(w.Body.String(), "s3cr3t") {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if diff := cmp.Diff(detail, got.Error); diff != "" || w.Code != int(detail.Status) || w.Header().Get("Content-Type") != jsonType {
		t.Errorf("status %d, %v, envelope (-want +got):\n%s", w.Code, w.Header(), diff)
	}
	if answer.called != (half == contract.Response) {
		t.Errorf("next was called: %t", answer.called)
	}
	// The refusal is an answer too, which the document allows.
	roundTrip(t, contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) { return w.Result(), nil })), newRequest(t, base, `{}`))

	next, seen := &answering{fake: answer}, &log{}
	sent := &tracked{Reader: strings.NewReader(body)}
	req.Body = sent
	wantError(t, contract.Transport(next, seen.option()), req, string(half), want)
	seen.want(t, lines...)
	if !sent.closed || (next.sent != nil) != (half == contract.Response) || next.answer != nil && !next.answer.closed {
		t.Errorf("sent %q, its body closed: %t, the answer %v", next.sent, sent.closed, next.answer)
	}
}

// wantError sends a request for which there has to be an error in the place of an answer.
func wantError(t *testing.T, rt http.RoundTripper, req *http.Request, half string, want []string) {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if res != nil || err == nil {
		t.Fatalf("got %v, %v", res, err)
	}
	if want := "composio: " + half + " breaks the contract at " + strings.Join(want, "; at "); err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if v, _ := errors.AsType[contract.Violation](err); v.Location+": "+v.Rule != want[0] {
		t.Errorf("errors.AsType finds %v", v)
	}
}
