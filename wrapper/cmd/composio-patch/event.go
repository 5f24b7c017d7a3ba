package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// event is what --json says of one account, as update's only line and as each of bulk's rows. The help is the command's.
type event struct {
	Event        string          `json:"event" help:"\"row\"; \"error\" is about the command"`
	Line         int             `json:"line,omitzero" help:"of a bulk's input"`
	ID           string          `json:"id" help:"the account"`
	Outcome      string          `json:"outcome" help:"\"done\", \"not_applied\", \"unknown\" or \"refused\""`
	Status       composio.Status `json:"status,omitzero" help:"the account's, as Composio told it"`
	HTTPStatus   int             `json:"http_status" help:"of the last answer, 0 if there was none"`
	Code         int             `json:"code" help:"Composio's error number"`
	Slug         string          `json:"slug" help:"Composio's name of the error"`
	Error        string          `json:"error,omitzero" help:"what happened"`
	Fix          string          `json:"fix,omitzero" help:"what to do"`
	SuggestedFix string          `json:"suggested_fix,omitzero" help:"what to do, by Composio"`
	Details      []string        `json:"details,omitzero" help:"Composio's list of errors"`
	RequestID    string          `json:"request_id,omitzero" help:"to find the request by at Composio"`
	Attempts     int             `json:"attempts,omitzero" help:"how many were made"`
	RetryAfter   float64         `json:"retry_after_seconds,omitzero" help:"the wait that was asked for"`
	Retryable    bool            `json:"retryable,omitzero" help:"whether the same update may succeed later"`
	RateLimit    *rateLimitView  `json:"rate_limit,omitzero" help:"limit, remaining and window_seconds"`
}

// jsonHelp is a part of the help.
var jsonHelp = func() string {
	text := "With --json, an object about an account has\n"
	for field := range reflect.TypeFor[event]().Fields() {
		member, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		text += fmt.Sprintf("  %-21s%s\n", member, field.Tag.Get("help"))
	}
	return text + "What has no value is left out, but for id, http_status, code and slug."
}()

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
	outcome := map[int]string{exitFailed: outcomeFailed, exitUnknown: outcomeUnknown, exitUsage: outcomeRefused}[exitStatus(e)]
	return event{
		Event: "row", ID: e.AccountID, Outcome: outcome, HTTPStatus: e.StatusCode, Code: e.Code, Slug: e.Slug,
		Error: printable(strings.TrimPrefix(e.Error(), "composio: ")), SuggestedFix: e.SuggestedFix, Details: e.Details,
		RequestID: e.RequestID, Attempts: e.Attempts, RetryAfter: e.RetryAfter.Seconds(), Retryable: e.Retryable(), RateLimit: viewOf(e.RateLimit),
	}
}

// The lines of --json beside the rows', told apart by event.
type (
	checkedEvent struct {
		Event string `json:"event"` // "checked"
		Rows  int    `json:"rows"`
		Bad   int    `json:"bad_input"`
		Kinds kinds  `json:"kinds"`
	}
	progressEvent struct {
		Event      string         `json:"event"` // "progress"
		Finished   int            `json:"finished"`
		Total      *int           `json:"total,omitempty"` // not known of standard input
		NotApplied int            `json:"not_applied"`
		Bad        int            `json:"bad_input"`
		Unknown    int            `json:"unknown"`
		Rate       float64        `json:"rows_per_second"`
		Left       float64        `json:"seconds_left,omitzero"`
		Paused     time.Time      `json:"paused_until,omitzero"`
		Budget     *rateLimitView `json:"rate_limit,omitzero"`
	}
	summaryEvent struct {
		Event string `json:"event"` // "summary"
		tally
		Seconds    float64 `json:"seconds"`
		ExitStatus int     `json:"exit_status"`
	}
)

func progressView(t *tally) progressEvent {
	view := progressEvent{
		Event: "progress", Finished: t.finished(), NotApplied: t.NotApplied, Bad: t.Bad, Unknown: t.Unknown, Rate: t.rate(), Left: t.left().Seconds(),
		Paused: t.paused, Budget: viewOf(t.budget),
	}
	if t.total >= 0 {
		view.Total = &t.total
	}
	return view
}

// rowEvent is the event of a row that was sent.
func rowEvent(r bulk.Result) event {
	if r.Updated != nil {
		e := resultEvent(r.Updated)
		e.ID, e.Attempts = r.ID, r.Attempts
		return e
	}
	failure, _ := errors.AsType[*composio.Error](r.Err) // bulk has no other errors
	e := errorEvent(failure)
	e.Outcome, e.Attempts, e.Fix = outcomeOf(r), r.Attempts, fixFor(failure, true)
	return e
}

// badEvent is the event of a row that was refused on this side. What is no id of an account may be a secret.
func badEvent(line int, id string, err error) event {
	if !strings.HasPrefix(id, "ca_") || len(id) > 128 || printable(id) != id {
		id = ""
	}
	return event{Event: "row", Line: line, ID: id, Outcome: outcomeRefused, Error: printable(err.Error()), Fix: badFix}
}
