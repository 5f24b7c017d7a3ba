package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/bench/call"
)

// received is one request as the server saw it.
type received struct {
	Method, Path, Key, ContentType string
	Body                           any
}

// exchange makes the call with v's own pool, and returns what the server got, how long the call had, and what it returned.
func exchange(t *testing.T, v variant, config call.Config, status int, body string) (got []received, left time.Duration, result call.Result, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var decoded any
		if err := json.NewDecoder(r.Body).Decode(&decoded); err != nil {
			t.Error(err)
		}
		got = append(got, received{r.Method, r.RequestURI, r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"), decoded})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	pool := v.pool()
	defer pool.CloseIdleConnections()
	config.BaseURL, config.Client = server.URL, &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		deadline, _ := req.Context().Deadline()
		left = time.Until(deadline)
		return pool.RoundTrip(req)
	})}
	f, err := v.make(config)
	if err != nil {
		t.Fatal(err)
	}
	result, err = f(t.Context())
	return got, left, result, err
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A comparison is fair only between those that do the same.
func TestEveryVariantDoesTheSame(t *testing.T) {
	t.Parallel()
	success := answers[http.StatusOK]
	want := []received{{
		Method: "PATCH", Path: "/api/v3/connected_accounts/" + call.ID, Key: call.Key, ContentType: "application/json",
		Body: map[string]any{"connection": map[string]any{"state": map[string]any{
			"authScheme": "BEARER_TOKEN", "val": map[string]any{"token": call.Token},
		}}},
	}}
	conflict := call.Error{Status: 409, Code: 4090, Slug: "ConnectedAccount_Conflict", Message: "Another update of this account is under way"}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			got, left, result, err := exchange(t, v, call.Config{}, http.StatusOK, success)
			if err != nil || result != (call.Result{ID: call.ID, Status: "ACTIVE"}) || !reflect.DeepEqual(got, want) {
				t.Errorf("sent %+v, want %+v; the result is %+v, the error %v", got, want, result, err)
			}
			if left > call.Timeout || left < call.Timeout/2 {
				t.Errorf("the request has %v left, want %v", left, call.Timeout)
			}
			got, _, result, err = exchange(t, v, call.Config{NoRetries: true}, http.StatusConflict, answers[http.StatusConflict])
			if len(got) != 1 || asError(t, err) != conflict || result != (call.Result{}) {
				t.Errorf("%d requests; the result is %+v, the error %v, want %v", len(got), result, err, &conflict)
			}
			if _, _, result, err = exchange(t, v, call.Config{}, http.StatusOK, strings.Replace(success, "true", "false", 1)); err == nil {
				t.Errorf("an answer that does not say success gives %+v, and no error", result)
			}
		})
	}
}

// asError is what an error says, whether it is of the variant's own type or of this module's.
func asError(t *testing.T, err error) call.Error {
	t.Helper()
	if e, ok := errors.AsType[*composio.Error](err); ok {
		return call.Error{Status: e.StatusCode, Code: e.Code, Slug: e.Slug, Message: e.Message}
	}
	e, ok := errors.AsType[*call.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	return *e
}
