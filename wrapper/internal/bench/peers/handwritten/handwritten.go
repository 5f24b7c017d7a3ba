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

type client struct {
	baseURL string
	http    *http.Client
}

// New returns the call.
func New(c call.Config) (call.Func, error) {
	client := &client{c.BaseURL, c.Client}
	return func(ctx context.Context) (call.Result, error) {
		return client.replaceToken(ctx, call.ID, call.Token)
	}, nil
}

func (c *client) replaceToken(ctx context.Context, id, token string) (call.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, call.Timeout)
	defer cancel()
	body, err := Body(token)
	if err != nil {
		return call.Result{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, URL(c.baseURL, id), bytes.NewReader(body))
	if err != nil {
		return call.Result{}, err
	}
	SetHeaders(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return call.Result{}, err
	}
	return Read(resp)
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
	Connection Connection `json:"connection"`
}

// Connection is how an account signs in.
type Connection struct {
	State State `json:"state"`
}

// State is a scheme with its credentials.
type State struct {
	AuthScheme string `json:"authScheme"`
	Val        Val    `json:"val"`
}

// Val is the credentials of a BEARER_TOKEN account.
type Val struct {
	Token string `json:"token"`
}

// NewUpdate replaces a token.
func NewUpdate(token string) *Update {
	return &Update{Connection{State{AuthScheme: "BEARER_TOKEN", Val: Val{Token: token}}}}
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
