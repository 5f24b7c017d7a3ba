package contract_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/contract"
)

// A request that was meant for the operation and is none is found; one that Composio has a use for is listed.
func TestRequestsBesideTheOperation(t *testing.T) {
	const nearPath = "request at path: operation, want PATCH /api/v3/connected_accounts/{nanoid}"
	const nearMethod = "request at method: operation, want PATCH /api/v3/connected_accounts/{nanoid}"
	listed := func(what string) string { return what + ", which is not checked; that is no error" }
	for request, want := range map[string]string{
		"PATCH /api/v3/connected_accounts/ca_1":               "",
		"PATCH /api/v3.1/connected_accounts/ca_1":             "",
		"PATCH /api/v1/connected_accounts/ca_1":               "",
		"PATCH /gateway/api/v12.0.7/connected_accounts/a%2Fb": "",
		"PATCH /api/v3/%63onnected_accounts/ca_1":             "",

		"PATCH /api/v3/connected_accounts/ca_1/":         nearPath,
		"PATCH /api/v3/connected_accounts/ca_1//":        nearPath,
		"PATCH /api/v3/connected_accounts/":              nearPath,
		"PATCH /api/v3/connected_accounts//ca_1":         nearPath,
		"PATCH /api/v3//connected_accounts/ca_1":         nearPath,
		"PATCH /api/v3/connected_account/ca_1":           nearPath,
		"PATCH /api/v3/conected_acounts/ca_1":            nearPath,
		"PATCH /api/v3/connectd_acconts/ca_1":            nearPath,
		"PATCH /api/v3/connected_acco/ca_1":              nearPath,
		"PATCH /api/v3/connectedAccounts":                nearPath,
		"PATCH /api/v3/connected-accounts/ca_1":          nearPath,
		"PATCH /api/v3/connectedAccounts/ca_1":           nearPath,
		"PATCH /api/v1/connectedAccounts/ca_1":           nearPath,
		"PATCH /api/v3/Connected_Accounts/ca_1":          nearPath,
		"PATCH /api/v3/connected_accounts%20/ca_1":       nearPath,
		"PATCH /apis/v3/connected_accounts/ca_1":         nearPath,
		"PATCH /api/3/connected_accounts/ca_1":           nearPath,
		"PATCH /api/v/connected_accounts/ca_1":           nearPath,
		"PATCH /api/v3x/connected_accounts/ca_1":         nearPath,
		"PATCH /api/connected_accounts/ca_1":             nearPath,
		"PATCH /v3/connected_accounts/ca_1":              nearPath,
		"PATCH /connected_accounts/ca_1":                 nearPath,
		"PUT /api/v3/connected_accounts/ca_1":            nearMethod,
		"POST /gateway/api/v3.1/connected_accounts/ca_1": nearMethod,
		"PUT /api/v3/connected_accounts/ca_1/":           nearMethod,
		"POST /v3/connected_accounts/ca_1":               nearMethod,
		"patch /api/v3/connected_accounts/ca_1":          nearMethod,

		"GET /api/v3/connected_accounts/ca_1":            listed("GET .../connected_accounts/{id}"),
		"DELETE /api/v3/connected_accounts/ca_1":         listed("DELETE .../connected_accounts/{id}"),
		"POST /api/v3/connected_accounts/ca_1/refresh":   listed("POST .../connected_accounts/{id}/..."),
		"PATCH /api/v3/connected_accounts/ca_1/status":   listed("PATCH .../connected_accounts/{id}/..."),
		"GET /api/v3/connected_accounts/ca_1/s3cr3t/xyz": listed("GET .../connected_accounts/{id}/..."),
		"POST /api/v3/connected_accounts/link":           listed("POST .../connected_accounts/{id}"),
		"POST /api/v3/connected_accounts":                listed("POST .../connected_accounts"),
		"GET /api/v3/connected_accounts":                 listed("GET .../connected_accounts"),
		"PATCH /api/v3/connected_accounts":               listed("PATCH .../connected_accounts"),
		"PATCH /api/v3/toolkits/s3cr3t":                  listed("PATCH elsewhere"),
		"PATCH /api/v3/connected_account/ca_1/status":    listed("PATCH elsewhere"),
		"PATCH /api/v3/connected_acc/ca_1":               listed("PATCH elsewhere"),
		"PATCH /api/v3/connectors/ca_1":                  listed("PATCH elsewhere"),
		"PUT /api/v1/connectedAccounts/ca_1":             listed("PUT elsewhere"),
		" /api/v3/connected_accounts/ca_1":               listed("GET .../connected_accounts/{id}"),
		"GET /":                                          listed("GET elsewhere"),
	} {
		verb, target, _ := strings.Cut(request, " ")
		var report contract.Report
		req := newRequest(t, base, `{}`)
		at, err := req.URL.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		req.Method, req.URL = verb, at
		roundTrip(t, contract.Transport(&answering{fake: good()}, contract.Collect(&report, io.Discard)), req)
		lines := strings.Split(report.String(), "\n  ")
		if want == "" {
			if report.Exchanges() != 1 || report.Err() != nil {
				t.Errorf("%s: %s", request, &report)
			}
			continue
		}
		rest, isListed := strings.CutSuffix(want, ", which is not checked; that is no error")
		if report.Exchanges() != 0 || (report.Findings() != nil) == isListed || rest == "" {
			t.Errorf("%s: %s", request, &report)
		}
		first, _, _ := strings.Cut(lines[min(1, len(lines)-1)], "\n")
		if diff := cmp.Diff("1x "+want, first); diff != "" {
			t.Errorf("%s (-want +got):\n%s", request, diff)
		}
	}
}

// What is checked is refused; a server that is asked for something else says so itself.
func TestTransportRefusesANearMissAndHandlerDoesNot(t *testing.T) {
	for _, tt := range []struct{ method, path, want string }{
		{"PATCH", path + "/", "path"},
		{"PUT", path, "method"},
	} {
		next := &answering{fake: good()}
		req := newRequest(t, base, `{}`)
		req.Method, req.URL.Path = tt.method, tt.path
		_, err := contract.Transport(next).RoundTrip(req)
		if want := "composio: request breaks the contract at " + tt.want + ": operation"; err == nil || err.Error() != want || next.sent != nil {
			t.Errorf("error %v, want %s; sent %q", err, want, next.sent)
		}
		handled, seen := good(), &log{}
		res, _ := send(t, contract.Handler(handled, seen.option()), tt.method, tt.path, jsonType, `{}`)
		if diff := cmp.Diff([]string{"request " + tt.want + ": operation"}, seen.lines()); diff != "" || res.StatusCode != 200 || !handled.called {
			t.Errorf("status %d, violations (-want +got):\n%s", res.StatusCode, diff)
		}
	}
}
