package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/bench/call"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A comparison is fair only between those that do the same.
func TestEveryVariantDoesTheSame(t *testing.T) {
	t.Parallel()
	success, conflict := answers[http.StatusOK], answers[http.StatusConflict]
	sent := []string{"PATCH /api/v3/connected_accounts/" + call.ID + " " + call.Key + " application/json " +
		`{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"` + call.Token + `"}}}}`}
	for _, v := range variants {
		for _, test := range []struct {
			status int
			body   string
			want   call.Result
			err    call.Error
		}{
			{200, success, call.Result{ID: call.ID, Status: "ACTIVE"}, call.Error{}},
			{200, strings.Replace(success, "true", "false", 1), call.Result{}, call.Error{Message: "no success"}},
			{409, conflict, call.Result{}, call.Error{
				Status: 409, Code: 4090, Slug: "ConnectedAccount_Conflict", Message: "Another update of this account is under way",
			}},
		} {
			t.Run(fmt.Sprint(v.name, ", ", test.status, test.err.Message), func(t *testing.T) {
				t.Parallel()
				var got []string
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body) // what is missing is a difference
					got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Method, r.RequestURI,
						r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"), body)))
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.body)
				}))
				defer server.Close()
				pool := v.pool()
				defer pool.CloseIdleConnections()
				var left time.Duration
				client := &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
					deadline, _ := req.Context().Deadline()
					left = time.Until(deadline)
					return pool.RoundTrip(req)
				})}
				f, err := v.make(call.Config{BaseURL: server.URL, Client: client, NoRetries: test.status != 200})
				if err != nil {
					t.Fatal(err)
				}
				result, err := f(t.Context())
				if !slices.Equal(got, sent) || left > call.Timeout || left < call.Timeout/2 {
					t.Errorf("sent %q with %v left, want %q with %v", got, left, sent, call.Timeout)
				}
				if result != test.want || asError(err) != test.err {
					t.Errorf("the result is %+v, the error %v, want %+v, %v", result, err, test.want, &test.err)
				}
			})
		}
	}
}

// asError is what an error says, whether it is of the variant's own type or of this module's.
func asError(err error) call.Error {
	if e, ok := errors.AsType[*composio.Error](err); ok && e.StatusCode != http.StatusOK {
		return call.Error{Status: e.StatusCode, Code: e.Code, Slug: e.Slug, Message: e.Message}
	}
	if e, ok := errors.AsType[*call.Error](err); ok {
		return *e
	}
	if err != nil {
		return call.Error{Message: "no success"}
	}
	return call.Error{}
}
