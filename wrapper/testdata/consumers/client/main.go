// Command client is a service that imports the wrapper and nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	composio "example.com/composio/wrapper"
)

func main() {
	client, err := composio.NewFromEnv()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	result, err := client.UpdateConnectedAccount(context.Background(), os.Args[1], composio.Update{
		Credentials: composio.BearerToken{Token: composio.Set(os.Args[2])},
	})
	if failure, ok := errors.AsType[*composio.Error](err); ok {
		fmt.Fprintln(os.Stderr, failure, failure.Retryable())
		os.Exit(1)
	}
	fmt.Println(result.ID, result.Status)
}
