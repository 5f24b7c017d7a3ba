package composio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// startSandbox stands in for Composio in the examples: https://backend.composio.dev, and a key from its dashboard.
func startSandbox() (url, apiKey string, box *sandbox.Server, stop func()) {
	box = sandbox.New()
	for _, id := range []string{"ca_1a2b3c4d5e6f", "ca_other"} {
		box.Put(sandbox.Account{
			ID: id, Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeAPIKey,
			Credentials: map[string]string{"generic_api_key": "old", "bearer_token": "old"},
		})
	}
	server := httptest.NewServer(box)
	return server.URL, sandbox.DefaultAPIKey, box, server.Close
}

// startClient is a client of such a sandbox.
func startClient() (client *composio.Client, box *sandbox.Server, stop func()) {
	url, apiKey, box, stopServer := startSandbox()
	client, err := composio.New(apiKey, composio.WithBaseURL(url))
	if err != nil {
		log.Fatal(err)
	}
	return client, box, func() { client.CloseIdleConnections(); stopServer() }
}

// One update: a new name and a new key, in one request.
func ExampleClient_UpdateConnectedAccount() {
	url, apiKey, _, stop := startSandbox()
	defer stop()
	client, err := composio.New(apiKey, composio.WithBaseURL(url))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	result, err := client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", composio.Update{
		Alias:       composio.Set("work"),
		Credentials: composio.APIKey{GenericAPIKey: composio.Set("new")},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.ID, result.Status)
	// Output: ca_1a2b3c4d5e6f ACTIVE
}

// What an update leaves out is kept, Set replaces and Clear removes.
func ExampleField() {
	client, box, stop := startClient()
	defer stop()
	_, err := client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", composio.Update{
		Credentials: composio.APIKey{
			APIKey:      composio.Set("new"),
			BearerToken: composio.Clear(),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	account, _ := box.Account("ca_1a2b3c4d5e6f")
	fmt.Println(account.Credentials)
	fmt.Println(string(box.Requests()[0].Body))
	// Output:
	// map[api_key:new generic_api_key:old]
	// {"connection":{"state":{"authScheme":"API_KEY","val":{"api_key":"new","bearer_token":null}}}}
}

// An alias clash has a sentinel of its own, whichever status it comes with.
func ExampleError_aliasTaken() {
	client, _, stop := startClient()
	defer stop()
	for _, id := range []string{"ca_1a2b3c4d5e6f", "ca_other"} {
		_, err := client.UpdateConnectedAccount(context.Background(), id, composio.Update{Alias: composio.Set("work")})
		if failure, ok := errors.AsType[*composio.Error](err); ok && errors.Is(err, composio.ErrAliasTaken) {
			fmt.Println(failure.AccountID, failure.StatusCode, failure.Message)
		}
	}
	// Output: ca_other 409 Alias "work" is already in use by another connection for this entity
}

// A 404 means that the account is gone only if Composio itself says so.
func ExampleError_accountNotFound() {
	client, box, stop := startClient()
	defer stop()
	update := func() {
		_, err := client.UpdateConnectedAccount(context.Background(), "ca_gone", composio.Update{Alias: composio.Set("work")})
		switch {
		case errors.Is(err, composio.ErrAccountNotFound):
			fmt.Println("the account is gone")
		case errors.Is(err, composio.ErrNotFound):
			fmt.Println("something before Composio answered 404")
		}
	}
	update()
	box.Script(sandbox.Answer{Status: http.StatusNotFound, Body: "<h1>no such route</h1>"})
	update()
	// Output:
	// the account is gone
	// something before Composio answered 404
}

// The key is asked for before each attempt, so a rotated one is used from the next request on.
func ExampleWithAPIKeyFunc() {
	url, apiKey, _, stop := startSandbox()
	defer stop()
	var current atomic.Value // what a secret manager would hold
	current.Store("ak_revoked")
	client, err := composio.New("", composio.WithBaseURL(url), composio.WithAPIKeyFunc(
		func(context.Context) (string, error) { return current.Load().(string), nil }))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	update := composio.Update{Alias: composio.Set("work")}
	_, err = client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", update)
	fmt.Println(errors.Is(err, composio.ErrUnauthorized))
	current.Store(apiKey)
	_, err = client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", update)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// A limiter keeps a service below its share of the organization's budget.
func ExampleWithLimiter() {
	url, apiKey, box, stop := startSandbox()
	defer stop()
	limiter := rate.NewLimiter(rate.Every(time.Minute/1600), 1) // 80 % of 2,000 requests a minute
	client, err := composio.New(apiKey, composio.WithBaseURL(url), composio.WithLimiter(limiter))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	start := time.Now()
	for _, alias := range []string{"a", "b", "c"} {
		if _, err := client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", composio.Update{Alias: composio.Set(alias)}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(box.Requests()), time.Since(start) >= 2*time.Minute/1600)
	// Output: 3 true
}

// tracer stands for otelhttp.NewTransport and the like.
type tracer struct{ http.RoundTripper }

func (t tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil {
		fmt.Println(req.Method, req.URL.Path, resp.StatusCode)
	}
	return resp, err
}

// CloseIdleConnections lets Client.CloseIdleConnections reach the pool inside.
func (t tracer) CloseIdleConnections() { t.RoundTripper.(*http.Transport).CloseIdleConnections() }

// Tracing wraps the pool that New would have used.
func ExampleNewTransport() {
	url, apiKey, _, stop := startSandbox()
	defer stop()
	client, err := composio.New(apiKey, composio.WithBaseURL(url),
		composio.WithHTTPClient(&http.Client{Transport: tracer{composio.NewTransport()}}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	_, err = client.UpdateConnectedAccount(context.Background(), "ca_1a2b3c4d5e6f", composio.Update{Alias: composio.Set("work")})
	fmt.Println(err)
	// Output:
	// PATCH /api/v3/connected_accounts/ca_1a2b3c4d5e6f 200
	// <nil>
}

// A service's test runs the service against the sandbox, and looks at what became of the accounts.
func Example_sandbox() {
	rotate := func(client *composio.Client, id, token string) error { // the service
		_, err := client.UpdateConnectedAccount(context.Background(), id, composio.Update{
			Credentials: composio.BearerToken{Token: composio.Set(token)},
		})
		return err
	}

	box := sandbox.New()
	box.Put(sandbox.Account{ID: "ca_1", Scheme: composio.SchemeBearerToken})
	server := httptest.NewServer(box)
	defer server.Close()
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	err = rotate(client, "ca_1", "new-token")
	account, _ := box.Account("ca_1")
	fmt.Println(err, account.Credentials["token"])
	// Output: <nil> new-token
}
