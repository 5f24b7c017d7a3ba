// Package call says what every variant of the benchmark does: it replaces the token of one account, and reads the
// answer, within a timeout of its own.
package call

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// What is sent: PATCH /api/v3/connected_accounts/{ID} with the header x-api-key and, as JSON,
// {"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":Token}}}}.
const (
	ID    = "ca_1a2b3c4d5e6f"
	Key   = "ak_benchmark-key-0123456789"
	Token = "new_access_token"

	// Timeout bounds a call through its context: the wrapper's default, given to every variant.
	Timeout = 30 * time.Second
)

// Config is what a variant is made with.
type Config struct {
	BaseURL string
	Client  *http.Client

	// NoRetries is for answers that the wrapper and openai-go would try again, after half a second.
	NoRetries bool
}

// Func makes the call once. It returns a result if the answer says "success": true, and otherwise an error.
type Func func(context.Context) (Result, error)

// Result is what an answer says of the account.
type Result struct{ ID, Status string }

// Answer is the body of a success, for variants that bring no type of their own.
type Answer struct {
	Success bool   `json:"success"`
	ID      string `json:"id"`
	Status  string `json:"status"`
}

// Result checks the answer.
func (a *Answer) Result() (Result, error) {
	if !a.Success {
		return Result{}, ErrNoSuccess
	}
	return Result{ID: a.ID, Status: a.Status}, nil
}

// ErrNoSuccess stands for a success that does not say so.
var ErrNoSuccess = errors.New(`the answer does not say "success": true`)

// Envelope is the body of an error, for variants that bring no type of their own.
type Envelope struct {
	Error struct {
		Message      string   `json:"message"`
		Code         float64  `json:"code"`
		Slug         string   `json:"slug"`
		Status       float64  `json:"status"`
		RequestID    string   `json:"request_id"`
		SuggestedFix string   `json:"suggested_fix"`
		Errors       []string `json:"errors"`
	} `json:"error"`
}

// AsError returns the error that an answer with status says.
func (e *Envelope) AsError(status int) *Error {
	return &Error{status, int(e.Error.Code), e.Error.Slug, e.Error.Message}
}

// Error is an answer that is no success, for variants whose own error, if any, does not hold all of this.
type Error struct {
	Status, Code  int
	Slug, Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s (%d): %s", e.Status, e.Slug, e.Code, e.Message)
}
