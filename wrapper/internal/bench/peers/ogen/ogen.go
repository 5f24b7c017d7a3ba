// Package ogen makes the call with the client that ogen generates from the same document.
package ogen

import (
	"context"
	"fmt"
	"net/http"

	"example.com/composio/wrapper/internal/bench/call"
	client "example.com/composio/wrapper/internal/bench/generated/ogen"
)

//go:generate go tool ogen --config ogen.yaml --target ../../generated/ogen --package ogen --clean ../../../../../api/openapi.yaml

// New returns the call.
func New(c call.Config) (call.Func, error) {
	api, err := client.NewClient(c.BaseURL, key{}, client.WithClient(c.Client))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		answer, err := api.PatchConnectedAccountsByNanoid(ctx,
			client.NewOptPatchConnectedAccountBody(client.PatchConnectedAccountBody{
				Connection: client.NewOptConnectionPatch(client.ConnectionPatch{State: client.ConnectionStatePatch{
					AuthScheme: client.AuthSchemeBEARERTOKEN,
					Val:        client.CredentialPatch{Token: client.NewOptNilString(call.Token)},
				}}),
			}),
			client.PatchConnectedAccountsByNanoidParams{Nanoid: call.ID})
		if err != nil {
			return call.Result{}, err
		}
		switch answer := answer.(type) {
		case *client.PatchConnectedAccountResponse:
			answered := call.Answer{Success: answer.Success, ID: answer.ID, Status: answer.Status}
			return answered.Result()
		case *client.PatchConnectedAccountsByNanoidConflict: // the one refusal that is measured
			e := answer.Error
			return call.Result{}, &call.Error{Status: http.StatusConflict, Code: int(e.Code), Slug: e.Slug, Message: e.Message}
		}
		return call.Result{}, fmt.Errorf("an answer of type %T", answer)
	}, nil
}

// key is asked for the API key in each call.
type key struct{}

func (key) ApiKeyAuth(context.Context, client.OperationName) (client.ApiKeyAuth, error) {
	return client.ApiKeyAuth{APIKey: call.Key}, nil
}
