// Package wrapper makes the call with this repository's client, every default on.
package wrapper

import (
	"context"

	composio "example.com/composio/wrapper"

	"example.com/composio/wrapper/internal/bench/call"
)

// New returns the call.
func New(c call.Config) (call.Func, error) {
	options := []composio.Option{composio.WithBaseURL(c.BaseURL), composio.WithHTTPClient(c.Client)}
	if c.NoRetries {
		options = append(options, composio.WithMaxRetries(0))
	}
	client, err := composio.New(call.Key, options...)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (call.Result, error) {
		result, err := client.UpdateConnectedAccount(ctx, call.ID, composio.Update{
			Credentials: composio.BearerToken{Token: composio.Set(call.Token)},
		})
		if err != nil {
			return call.Result{}, err
		}
		return call.Result{ID: result.ID, Status: string(result.Status)}, nil
	}, nil
}
