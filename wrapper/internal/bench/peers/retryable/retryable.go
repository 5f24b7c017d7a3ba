// Package retryable is the hand-written call with go-retryablehttp's client in place of net/http's.
package retryable

import (
	"context"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"

	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/handwritten"
)

// New returns the call.
func New(c call.Config) (call.Func, error) {
	client := retryablehttp.NewClient()
	client.HTTPClient = c.Client
	client.Logger = nil // it would write a line for each request
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		body, err := handwritten.Body(call.Token)
		if err != nil {
			return call.Result{}, err
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPatch, handwritten.URL(c.BaseURL, call.ID), body)
		if err != nil {
			return call.Result{}, err
		}
		handwritten.SetHeaders(req.Header)
		resp, err := client.Do(req)
		if err != nil {
			return call.Result{}, err
		}
		return handwritten.Read(resp)
	}, nil
}
