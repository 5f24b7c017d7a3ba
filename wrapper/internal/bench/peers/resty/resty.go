// Package resty makes the call with resty v2.
package resty

import (
	"context"
	"net/http"

	"github.com/go-resty/resty/v2"

	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/handwritten"
)

// New returns the call.
func New(c call.Config) (call.Func, error) {
	client := resty.NewWithClient(c.Client).
		SetBaseURL(c.BaseURL).
		SetHeader("X-Api-Key", call.Key).
		SetHeader("Accept", "application/json")
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		var answer call.Answer
		var envelope call.Envelope
		resp, err := client.R().
			SetContext(ctx).
			SetHeader("Content-Type", "application/json").
			SetPathParam("nanoid", call.ID).
			SetBody(handwritten.NewUpdate(call.Token)).
			SetResult(&answer).
			SetError(&envelope).
			Patch("/api/v3/connected_accounts/{nanoid}")
		if err != nil {
			return call.Result{}, err
		}
		if resp.StatusCode() != http.StatusOK {
			return call.Result{}, envelope.AsError(resp.StatusCode())
		}
		return answer.Result()
	}, nil
}

// Pool is the one that resty.New makes.
func Pool() *http.Transport { return resty.New().GetClient().Transport.(*http.Transport) }
