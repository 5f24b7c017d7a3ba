package contract_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/composio/wrapper/contract"
)

// A request that was meant for the operation and is none is found, and refused if nothing is collected; one that Composio has
// a use for is listed.
func TestRequestsBesideTheOperation(t *testing.T) {
	const nearPath, nearMethod = "path", "method"
	listed := func(what string) string { return what + ", which is not checked; that is no error" }
	for request, want := range map[string]string{
		"PATCH /api/v3/connected_accounts/ca_1":               "",
		"PATCH /api/v3.1/connected_accounts/ca_1":             "",
		"PATCH /api/v1/connected_accounts/ca_1":               "",
		"PATCH /gateway/api/v12.0.7/connected_accounts/a%2Fb": "",
		"PATCH /api/v3/%63onnected_accounts/ca_1":             "",
		"PATCH /api/v3/connected_accounts/connected_accounts": "",

		"PATCH /api/v3/connected_accounts/ca_1/":         nearPath,
		"PATCH /api/v3/connected_accounts/ca_1//":        nearPath,
		"PATCH /api/v3/connected_accounts/":              nearPath,
		"PATCH /api/v3/connected_accounts":               nearPath,
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

		"GET /api/v3/connected_accounts/ca_1":                      listed("GET .../connected_accounts/{id}"),
		"DELETE /api/v3/connected_accounts/ca_1":                   listed("DELETE .../connected_accounts/{id}"),
		"POST /api/v3/connected_accounts/ca_1/refresh":             listed("POST .../connected_accounts/{id}/..."),
		"PATCH /api/v3/connected_accounts/ca_1/status":             listed("PATCH .../connected_accounts/{id}/..."),
		"GET /api/v3/connected_accounts/ca_1/s3cr3t/xyz":           listed("GET .../connected_accounts/{id}/..."),
		"POST /api/v3/connected_accounts/link":                     listed("POST .../connected_accounts/{id}"),
		"POST /api/v3/connected_accounts":                          listed("POST .../connected_accounts"),
		"GET /api/v3/connected_accounts":                           listed("GET .../connected_accounts"),
		"PATCH /api/v3/connected_accounts/ca_1/connected_accounts": listed("PATCH .../connected_accounts/{id}/..."),
		"PATCH /api/v3/toolkits/s3cr3t":                            listed("PATCH elsewhere"),
		"PATCH /api/v3/connected_account/ca_1/status":              listed("PATCH elsewhere"),
		"PATCH /api/v3/connected_acc/ca_1":                         listed("PATCH elsewhere"),
		"PATCH /api/v3/connectors/ca_1":                            listed("PATCH elsewhere"),
		"PUT /api/v1/connectedAccounts/ca_1":                       listed("PUT elsewhere"),
		" /api/v3/connected_accounts/ca_1":                         listed("GET .../connected_accounts/{id}"),
		"GET /":                                                    listed("GET elsewhere"),
	} {
		verb, target, _ := strings.Cut(request, " ")
		newRequest := func() *http.Request {
			req := newRequest(t, base, `{}`)
			at, err := req.URL.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			req.Method, req.URL = verb, at
			return req
		}
		var report contract.Report
		next := &answering{fake: good()}
		roundTrip(t, contract.Transport(next, contract.Collect(&report, io.Discard)), newRequest())
		_, err := contract.Transport(next).RoundTrip(newRequest())
		handled, seen := good(), &log{} // by a server, which says itself what it has no answer for
		contract.Handler(handled, seen.option()).ServeHTTP(httptest.NewRecorder(), newRequest())
		sent, exchanges := 2, 0
		switch want {
		case "":
			exchanges = 1
			seen.want(t)
		case nearPath, nearMethod:
			sent = 1
			seen.want(t, "request "+want+": operation")
			if refused := "composio: request breaks the contract at " + want + ": operation"; err == nil || err.Error() != refused {
				t.Errorf("%s: error %v, want %s", request, err, refused)
			}
			want = "request at " + want + ": operation, want PATCH /api/v3/connected_accounts/{nanoid}"
		default:
			seen.want(t)
		}
		if report.Exchanges() != exchanges || len(next.sent) != sent || !handled.called || (report.Findings() != nil) != (sent == 1) {
			t.Errorf("%s: %d were sent, handled: %t, %s", request, len(next.sent), handled.called, &report)
		}
		if want != "" && !strings.Contains(report.String()+"\n", "\n  1x "+want+"\n") {
			t.Errorf("%s: want %s in %s", request, want, &report)
		}
	}
}
