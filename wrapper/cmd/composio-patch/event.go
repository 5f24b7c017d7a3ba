package main

import (
	"errors"
	"strings"

	composio "example.com/composio/wrapper"
)

// jsonHelp is a part of the help; a test compares it with event.
const jsonHelp = `With --json, an object about an account has
  event                  "row"; "error" is about the command, before anything was sent
  id, line               the account, and its line of a bulk's input
  outcome                "done", "not_applied", "unknown" or "refused"
  status                 the account's, as Composio told it
  http_status            of the last answer, 0 if there was none
  code, slug             Composio's
  error, fix             what happened, and what to do
  suggested_fix          what to do, by Composio
  details, request_id    Composio's
  attempts               how many were made
  retry_after_seconds    the wait that was asked for
  retryable              whether the same update may succeed later
  rate_limit             limit, remaining, window_seconds
What has no value is left out, but for id, http_status, code and slug.`

// event is what --json says of one account, as update's only line and as each of bulk's rows.
type event struct {
	Event        string          `json:"event"`           // "row"; "error" if it is about the command and no account
	Line         int             `json:"line,omitzero"`   // of bulk's input
	ID           string          `json:"id"`              // the account
	Outcome      string          `json:"outcome"`         // "done", "not_applied", "unknown" or "refused", before anything was sent
	Status       composio.Status `json:"status,omitzero"` // the account's, as Composio told it
	HTTPStatus   int             `json:"http_status"`     // of the last answer; 0 if there was none
	Code         int             `json:"code"`
	Slug         string          `json:"slug"`
	Error        string          `json:"error,omitzero"`
	Fix          string          `json:"fix,omitzero"`           // what to do, by the command
	SuggestedFix string          `json:"suggested_fix,omitzero"` // what to do, by Composio
	Details      []string        `json:"details,omitzero"`
	RequestID    string          `json:"request_id,omitzero"`
	Attempts     int             `json:"attempts,omitzero"`
	RetryAfter   float64         `json:"retry_after_seconds,omitzero"`
	Retryable    bool            `json:"retryable,omitzero"`
	RateLimit    *rateLimitView  `json:"rate_limit,omitzero"` // nil if the answer had none
}

type rateLimitView struct {
	Limit     int     `json:"limit"`
	Remaining int     `json:"remaining"`
	Window    float64 `json:"window_seconds"`
}

func viewOf(r composio.RateLimit) *rateLimitView {
	if !r.Known {
		return nil
	}
	return &rateLimitView{r.Limit, r.Remaining, r.Window.Seconds()}
}

// outcomeRefused is the outcome of what was refused on this side, before anything was sent.
const outcomeRefused = "refused"

// resultEvent is the event of an update that was applied.
func resultEvent(r *composio.Result) event {
	return event{
		Event: "row", ID: r.ID, Outcome: outcomeDone, Status: r.Status, HTTPStatus: 200,
		RequestID: r.RequestID, Attempts: r.Attempts, RateLimit: viewOf(r.RateLimit),
	}
}

// errorEvent is the event of an update that failed. What to do about it is for the caller to add.
func errorEvent(e *composio.Error) event {
	outcome := outcomeFailed
	switch {
	case errors.Is(e, composio.ErrOutcomeUnknown):
		outcome = outcomeUnknown
	case errors.Is(e, composio.ErrInvalid):
		outcome = outcomeRefused
	}
	return event{
		Event: "row", ID: e.AccountID, Outcome: outcome, HTTPStatus: e.StatusCode, Code: e.Code, Slug: e.Slug,
		Error: printable(strings.TrimPrefix(e.Error(), "composio: ")), SuggestedFix: e.SuggestedFix, Details: e.Details,
		RequestID: e.RequestID, Attempts: e.Attempts, RetryAfter: e.RetryAfter.Seconds(), Retryable: e.Retryable(), RateLimit: viewOf(e.RateLimit),
	}
}
