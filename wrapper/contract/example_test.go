package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"example.com/composio/wrapper/contract"
)

// A fake of one's own is kept honest in both directions.
func ExampleHandler() {
	fake := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`"updated"`)) // the document wants an object
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
	// composio: response breaks the contract at body: type
	// 500
	// composio: request breaks the contract at /connection/state/authScheme: enum
	// composio: request breaks the contract at /connection/state/val/subdomain: additionalProperties
	// 400
}
