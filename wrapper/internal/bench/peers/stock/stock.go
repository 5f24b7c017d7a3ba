// Package stock makes the call with the client that oapi-codegen generates by itself from the same document.
package stock

import (
	"context"
	"fmt"
	"net/http"

	"github.com/oapi-codegen/nullable"

	"example.com/composio/wrapper/internal/bench/call"
	client "example.com/composio/wrapper/internal/bench/generated/stock"
)

//go:generate mkdir -p ../../generated/stock
//go:generate go tool oapi-codegen -config oapi-codegen.yaml ../../../../../api/openapi.yaml

// New returns the call.
func New(c call.Config) (call.Func, error) {
	api, err := client.NewClientWithResponses(c.BaseURL, client.WithHTTPClient(c.Client), client.WithRequestEditorFn(setHeaders))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		resp, err := api.PatchConnectedAccountsByNanoidWithResponse(ctx, call.ID, client.PatchConnectedAccountBody{
			Connection: &client.ConnectionPatch{State: client.ConnectionStatePatch{
				AuthScheme: client.BEARERTOKEN,
				Val:        client.CredentialPatch{Token: nullable.NewNullableWithValue(call.Token)},
			}},
		})
		if err != nil {
			return call.Result{}, err
		}
		if resp.JSON200 != nil {
			answer := call.Answer{Success: resp.JSON200.Success, ID: resp.JSON200.Id, Status: resp.JSON200.Status}
			return answer.Result()
		}
		if resp.JSON409 != nil { // the one refusal that is measured
			e := resp.JSON409.Error
			return call.Result{}, &call.Error{Status: resp.StatusCode(), Code: int(e.Code), Slug: e.Slug, Message: e.Message}
		}
		return call.Result{}, fmt.Errorf("status %d", resp.StatusCode())
	}, nil
}

func setHeaders(_ context.Context, req *http.Request) error {
	req.Header.Set("X-Api-Key", call.Key)
	req.Header.Set("Accept", "application/json")
	return nil
}
