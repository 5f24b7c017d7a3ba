package bulk_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
	"example.com/composio/wrapper/sandbox"
)

// A new token for each account, within the organization's budget.
func ExampleRunner_Run() {
	box := sandbox.New() // stands in for Composio
	for _, id := range []string{"ca_1", "ca_2"} {
		box.Put(sandbox.Account{ID: id, Scheme: composio.SchemeBearerToken})
	}
	web := httptest.NewServer(box)
	defer web.Close()
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(web.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	runner, err := bulk.New(client)
	if err != nil {
		log.Fatal(err)
	}
	updates := func(yield func(string, composio.Update) bool) {
		for _, id := range []string{"ca_1", "ca_2", "ca_gone"} { // from a database, say
			if !yield(id, composio.Update{Credentials: composio.BearerToken{Token: composio.Set("new-" + id)}}) {
				return
			}
		}
	}
	outcomes := map[string]string{}
	for r := range runner.Run(context.Background(), updates) {
		outcomes[r.ID] = "updated"
		if r.Err != nil {
			outcomes[r.ID] = r.Err.(*composio.Error).Message
		}
	}
	fmt.Println(outcomes["ca_1"], outcomes["ca_2"])
	fmt.Println(outcomes["ca_gone"])
	// Output:
	// updated updated
	// Connected account "ca_gone" not found
}
