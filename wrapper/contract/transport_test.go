package contract_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
)

// throughBoth sends a request through Transport to a Handler in front of next.
func throughBoth(t *testing.T, next http.Handler, body string) (res *http.Response, answer string, seen *log) {
	t.Helper()
	seen = &log{}
	srv := httptest.NewServer(contract.Handler(next, seen.option()))
	defer srv.Close()
	req := newRequest(t, srv.URL, body)
	res, answer = roundTrip(t, contract.Transport(srv.Client().Transport, seen.option()), req)
	if res.Request != req || res.ContentLength != int64(len(answer)) {
		t.Errorf("the answer names another request, or another length than %d: %d", len(answer), res.ContentLength)
	}
	return res, answer, seen
}

func TestWhatTheDocumentAllowsPasses(t *testing.T) {
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
			next := good()
			res, answer, seen := throughBoth(t, next, body)
			if res.StatusCode != 200 || answer != next.body || res.Header.Get("X-Kept") != "yes" {
				t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
			}
			if next.got != body || next.nanoid != "ca_1" {
				t.Errorf("next read %q of account %q", next.got, next.nanoid)
			}
			seen.want(t)
		})
	}
}

func TestUndocumentedStatusPasses(t *testing.T) {
	next := &fake{status: 429, header: http.Header{"Retry-After": {"3"}}, body: `{"message":"slow down"}`}
	res, answer, seen := throughBoth(t, next, `{}`)
	if res.StatusCode != 429 || answer != next.body || res.Header.Get("Retry-After") != "3" {
		t.Errorf("got %d %q %v", res.StatusCode, answer, res.Header)
	}
	seen.want(t, "response status: undocumented", "response status: undocumented")
}

func TestTransportAcceptsAnAnswerOfOneMiB(t *testing.T) {
	next := &answering{fake: good()}
	next.body += strings.Repeat(" ", 1<<20-len(next.body))
	if _, answer := roundTrip(t, contract.Transport(next), newRequest(t, base, `{}`)); answer != next.body {
		t.Errorf("%d bytes arrived", len(answer))
	}
}

// The answer is wrong because the network failed, and the caller has to see that it did, as often as it reads.
func TestTransportPassesOnAnAnswerThatBreaksOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"success":true`)
	}))
	defer srv.Close()
	seen := &log{}
	res, err := contract.Transport(srv.Client().Transport, seen.option()).RoundTrip(newRequest(t, srv.URL, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(data) != `{"success":true` {
		t.Errorf("read %q, %v", data, err)
	}
	if _, err := res.Body.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("then read %v", err)
	}
	seen.want(t)
}

func TestTransportChecksWhatNetHTTPUnzipped(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, without(t, "status"))
		_ = z.Close()
	}))
	defer srv.Close()
	wantError(t, contract.Transport(srv.Client().Transport), newRequest(t, srv.URL, `{}`), "response", []string{"/status: required"})
}

func TestTransportLeavesRequestOfCallerAlone(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"with GetBody":    func(req *http.Request) { req.GetBody = func() (io.ReadCloser, error) { return nil, errOwn } },
		"without GetBody": func(req *http.Request) { req.GetBody = nil },
		"no body":         func(req *http.Request) { req.Body, req.GetBody = nil, nil },
		"NoBody":          func(req *http.Request) { req.Body, req.GetBody = http.NoBody, nil },
	} {
		req, next := newRequest(t, base, `{"alias":"work"}`), &answering{fake: good()}
		change(req)
		body, header, length := req.Body, req.Header.Clone(), req.ContentLength
		roundTrip(t, contract.Transport(next), req)
		if req.Body != body || req.ContentLength != length || !cmp.Equal(req.Header, header) {
			t.Errorf("%s: the caller's request was changed", name)
		}
		sent := next.request
		if sent.ContentLength != length || !cmp.Equal(sent.Header, header) || sent.Context() != req.Context() || sent.URL != req.URL {
			t.Errorf("%s: sent %+v", name, sent)
		}
		if sent.GetBody == nil {
			if req.GetBody != nil {
				t.Errorf("%s: GetBody is gone", name)
			}
		} else if _, err := sent.GetBody(); err != errOwn {
			t.Errorf("%s: GetBody is another one", name)
		}
	}
}

func TestTransportReturnsTheErrorOfReadingABody(t *testing.T) {
	req := newRequest(t, base, ``)
	body := &tracked{Reader: iotest.ErrReader(errOwn)}
	req.Body = body
	res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		t.Error("the request left")
		return nil, errors.New("left")
	})).RoundTrip(req)
	if res != nil || !errors.Is(err, errOwn) || !body.closed {
		t.Errorf("got %v, %v; body closed: %v", res, err, body.closed)
	}
}

func TestTransportReturnsTheErrorOfNext(t *testing.T) {
	for name, req := range map[string]*http.Request{"any": newRequest(t, base, `{}`), "without a URL": {}} {
		seen := &log{}
		res, err := contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) { return nil, errOwn }), seen.option()).RoundTrip(req)
		if res != nil || err != errOwn {
			t.Errorf("%s: got %v, %v", name, res, err)
		}
		seen.want(t)
	}
}

// Neither is allowed, but a fake does it, and net/http has a better error than a panic here.
func TestTransportSurvivesANextThatReturnsNothing(t *testing.T) {
	client := &http.Client{Transport: contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) { return nil, nil }))}
	if _, err := client.Do(newRequest(t, base, `{}`)); err == nil {
		t.Error("no error for no answer")
	}
	client.Transport = contract.Transport(nextFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}}, nil
	}))
	if _, err := client.Do(newRequest(t, base, `{}`)); err == nil || !strings.HasSuffix(err.Error(), "at body: json") {
		t.Errorf("error %v for an answer without a body", err)
	}
}

func TestTransportWithoutNextOrOptions(t *testing.T) {
	defer func(was http.RoundTripper) { http.DefaultTransport = was }(http.DefaultTransport)
	next := &answering{fake: good()}
	http.DefaultTransport = next
	rt := contract.Transport(nil, nil, contract.OnViolation(nil), contract.Collect(nil))
	roundTrip(t, rt, newRequest(t, base, `{}`))
	if _, err := rt.RoundTrip(newRequest(t, base, `no JSON`)); err == nil || len(next.sent) != 1 {
		t.Errorf("error %v; it sent %q", err, next.sent)
	}
}

func TestTransportForwardsCloseIdleConnections(t *testing.T) {
	next := &answering{}
	(&http.Client{Transport: contract.Transport(next)}).CloseIdleConnections()
	if next.idle != 1 {
		t.Errorf("closed %d times", next.idle)
	}
	(&http.Client{Transport: contract.Transport(nextFunc(nil))}).CloseIdleConnections() // has none, and needs none
}

// The client's error leads to the violation and shows it, and the client does not try again.
func TestTransportErrorsReachTheCallerOfTheClientOnce(t *testing.T) {
	old := jsonAnswer(200, without(t, "status"))
	for name, tt := range map[string]struct {
		document  contract.Option
		violation contract.Violation // none if there is no document
		sent      int
	}{
		"answer":      {nil, contract.Violation{Direction: contract.Response, Location: "/status", Rule: "required"}, 1},
		"request":     {contract.WithDocument(bytes.ReplaceAll(api.Spec, []byte("name: x-api-key"), []byte("name: x-other-key"))), contract.Violation{Direction: contract.Request, Location: "x-other-key", Rule: "security"}, 0},
		"no document": {contract.WithDocument(nil), contract.Violation{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			next := &answering{fake: old}
			client, err := composio.New("ak_test", composio.WithHTTPClient(&http.Client{Transport: contract.Transport(next, tt.document)}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.UpdateConnectedAccount(t.Context(), "ca_1", composio.Update{Alias: composio.Set("work")})
			failure, ok := errors.AsType[*composio.Error](err)
			if !ok || failure.Attempts != 1 || failure.Retryable() || len(next.sent) != tt.sent {
				t.Errorf("error %v; sent %q", err, next.sent)
			}
			if v, _ := errors.AsType[contract.Violation](err); v != tt.violation {
				t.Errorf("errors.AsType finds %v in %v", v, err)
			}
			if tt.sent > 0 && !errors.Is(err, composio.ErrOutcomeUnknown) {
				t.Error("an answer that was withheld does not say whether the update was applied")
			}
		})
	}
	var found error = contract.Violation{}
	if says, ok := found.(interface{ Retryable() bool }); !ok || says.Retryable() {
		t.Error("a violation by itself is worth another attempt")
	}
}
