// Package handwritten makes the call as a careful service does that has no client: with net/http, encoding/json and a
// timeout for each call.
package handwritten

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"example.com/composio/wrapper/internal/bench/call"
)

// New returns the call.
func New(c call.Config) (call.Func, error) {
	return func(ctx context.Context) (call.Result, error) {
		ctx, cancel := context.WithTimeout(ctx, call.Timeout)
		defer cancel()
		body, err := Body(call.Token)
		if err != nil {
			return call.Result{}, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPatch, URL(c.BaseURL, call.ID), bytes.NewReader(body))
		if err != nil {
			return call.Result{}, err
		}
		SetHeaders(req.Header)
		resp, err := c.Client.Do(req)
		if err != nil {
			return call.Result{}, err
		}
		return Read(resp)
	}, nil
}

// URL is where the account id is.
func URL(baseURL, id string) string {
	return baseURL + "/api/v3/connected_accounts/" + url.PathEscape(id)
}

// SetHeaders sets what the operation asks for.
func SetHeaders(header http.Header) {
	header.Set("X-Api-Key", call.Key)
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
}

// Update is the body's type, with no more in it than this call needs.
type Update struct {
	Connection struct {
		State struct {
			AuthScheme string `json:"authScheme"`
			Val        struct {
				Token string `json:"token"`
			} `json:"val"`
		} `json:"state"`
	} `json:"connection"`
}

// NewUpdate replaces a token.
func NewUpdate(token string) *Update {
	u := &Update{}
	u.Connection.State.AuthScheme, u.Connection.State.Val.Token = "BEARER_TOKEN", token
	return u
}

// Body is the JSON that replaces a token.
func Body(token string) ([]byte, error) { return json.Marshal(NewUpdate(token)) }

// Read reads an answer to its end, so that the connection can be used again.
func Read(resp *http.Response) (call.Result, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return call.Result{}, err
	}
	if resp.StatusCode != http.StatusOK {
		var envelope call.Envelope
		if err := json.Unmarshal(body, &envelope); err != nil {
			return call.Result{}, fmt.Errorf("status %d: %w", resp.StatusCode, err)
		}
		return call.Result{}, envelope.AsError(resp.StatusCode)
	}
	var answer call.Answer
	if err := json.Unmarshal(body, &answer); err != nil {
		return call.Result{}, err
	}
	return answer.Result()
}

// Pool is net/http's default one, which a service gets that chooses none.
func Pool() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() }
