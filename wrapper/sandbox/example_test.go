package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// pushToken is the code under test: a service that hands a new token to Composio.
func pushToken(client *composio.Client, account, token string) error {
	_, err := client.UpdateConnectedAccount(context.Background(), account, composio.Update{
		Credentials: composio.BearerToken{Token: composio.Set(token)},
	})
	return err
}

// A service's test puts the accounts it needs, runs the service against the sandbox, and looks at what became of them.
func Example() {
	box := sandbox.New()
	box.Put(sandbox.Account{
		ID: "ca_1a2b3c4d5e6f", Toolkit: "github", UserID: "user_1",
		Scheme:      composio.SchemeBearerToken,
		Credentials: map[string]string{"token": "old"},
	})
	srv := httptest.NewServer(box)
	defer srv.Close()
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(srv.URL), composio.WithMaxRetries(0))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	err = pushToken(client, "ca_1a2b3c4d5e6f", "new")
	account, _ := box.Account("ca_1a2b3c4d5e6f")
	fmt.Println(err, account.Credentials["token"])

	// How does the service take a gateway that is down?
	box.Script(sandbox.Answer{Status: 502, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<h1>Bad Gateway</h1>"})
	err = pushToken(client, "ca_1a2b3c4d5e6f", "newer")
	account, _ = box.Account("ca_1a2b3c4d5e6f")
	fmt.Println(errors.Is(err, composio.ErrServer), account.Credentials["token"])

	// The journal has every request, and prints no credential.
	for _, r := range box.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, r.Exempt)
	}
	fmt.Println(account)

	// Output:
	// <nil> new
	// true new
	// PATCH /api/v3/connected_accounts/ca_1a2b3c4d5e6f 200 false
	// PATCH /api/v3/connected_accounts/ca_1a2b3c4d5e6f 502 true
	// {ca_1a2b3c4d5e6f github user_1 BEARER_TOKEN  map[token:[redacted]] ACTIVE false [] []}
}
