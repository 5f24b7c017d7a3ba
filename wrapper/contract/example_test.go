package contract_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

// A fake of one's own is kept honest in both directions.
func ExampleHandler() {
	fake := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true}`)) // the document wants id and status too
	})
	h := contract.Handler(fake, contract.OnViolation(func(_ *http.Request, v contract.Violation) { fmt.Println(v) }))

	for _, body := range []string{
		`{"alias":"work"}`,
		`{"connection":{"state":{"authScheme":"OAUTH2","val":{"token":null,"subdomain":"x"}}}}`,
	} {
		r := httptest.NewRequest("PATCH", "/api/v3/connected_accounts/ca_1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}

	// Output:
	// composio: response breaks the contract at /id: required
	// composio: response breaks the contract at /status: required
	// 500
	// composio: request breaks the contract at /connection/state/authScheme: enum
	// composio: request breaks the contract at /connection/state/val/subdomain: additionalProperties
	// 400
}

// traffic is what all tests of a service send and receive.
var traffic contract.Report

// A service's CI: the tests run as they always do, against a fake, and what they sent and received is judged at the end,
// in TestMain, where the last lines stand. Here the service is the client alone, and its fake is out of date.
func ExampleTransport() {
	box := sandbox.New()
	box.Put(sandbox.Account{ID: "ca_1", Scheme: composio.SchemeBearerToken})
	srv := httptest.NewServer(box)
	defer srv.Close()
	outdated := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true,"id":"ca_1"}`))
	}))
	defer outdated.Close()

	pool := composio.NewTransport()
	defer pool.CloseIdleConnections()
	checked := &http.Client{Transport: contract.Transport(pool, contract.Collect(&traffic, io.Discard))}
	for _, url := range []string{srv.URL, outdated.URL} {
		client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(url), composio.WithHTTPClient(checked))
		if err != nil {
			fmt.Println(err)
			return
		}
		result, err := client.UpdateConnectedAccount(context.Background(), "ca_1", composio.Update{
			Credentials: composio.BearerToken{Token: composio.Set("new")},
		})
		fmt.Println(result != nil, err)
	}

	if err := traffic.Err(); err != nil {
		fmt.Println(err) // and exit with status 1
	}
	// Output:
	// true <nil>
	// true <nil>
	// composio: 2 exchanges checked against the contract
	//   1x response 200 at /status: required
	//   400 never seen, 401 never seen, 403 never seen, 404 never seen, 409 never seen, 500 never seen; that is no error
	// response: the fake that gave it is wrong, or Composio has moved: api/README.md of the composio module says what to run
}
