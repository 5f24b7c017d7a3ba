// Package openai makes the call with openai-go v3, whose client serves any API through its generic methods.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/handwritten"
)

// New returns the call.
func New(c call.Config) (call.Func, error) {
	options := []option.RequestOption{
		option.WithBaseURL(c.BaseURL),
		option.WithHTTPClient(c.Client),
		option.WithHeader("X-Api-Key", call.Key),
	}
	if c.NoRetries {
		options = append(options, option.WithMaxRetries(0))
	}
	client := openai.NewClient(options...)
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		var answer call.Answer
		err := client.Patch(ctx, "api/v3/connected_accounts/"+url.PathEscape(call.ID), handwritten.NewUpdate(call.Token), &answer)
		if refused, ok := errors.AsType[*openai.Error](err); ok {
			// It has the status and the message, and as text what the envelope's error holds beside.
			var envelope call.Envelope
			if err := json.Unmarshal([]byte(refused.RawJSON()), &envelope.Error); err != nil {
				return call.Result{}, err
			}
			return call.Result{}, envelope.AsError(refused.StatusCode)
		}
		if err != nil {
			return call.Result{}, err
		}
		return answer.Result()
	}, nil
}

// Pool is the one that openai.NewClient makes.
func Pool() *http.Transport {
	transport := handwritten.Pool()
	transport.ResponseHeaderTimeout = 10 * time.Minute
	return transport
}
