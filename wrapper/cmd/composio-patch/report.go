package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	composio "example.com/composio/wrapper"
)

// The exit status.
const (
	exitDone    = 0
	exitFailed  = 1 // not applied, refused or unreachable
	exitUsage   = 2 // wrong usage or refused locally
	exitUnknown = 3 // the update may have been applied
)

// resultView is a result in JSON.
type resultView struct {
	ID        string          `json:"id"`
	Status    composio.Status `json:"status"`
	RequestID string          `json:"request_id"`
	Attempts  int             `json:"attempts"`
	RateLimit *rateLimitView  `json:"rate_limit,omitempty"` // nil if the answer had none
}

type rateLimitView struct {
	Limit     int     `json:"limit"`
	Remaining int     `json:"remaining"`
	Window    float64 `json:"window_seconds"`
}

// failureView is a failure in JSON. Its HTTP status is not called status, which in a result is the account's.
type failureView struct {
	Error          string   `json:"error"`
	Fix            string   `json:"fix"`
	HTTPStatus     int      `json:"http_status"`
	Code           int      `json:"code"`
	Slug           string   `json:"slug"`
	SuggestedFix   string   `json:"suggested_fix"`
	Details        []string `json:"details,omitempty"`
	RequestID      string   `json:"request_id"`
	Attempts       int      `json:"attempts"`
	RetryAfter     float64  `json:"retry_after_seconds,omitempty"`
	OutcomeUnknown bool     `json:"outcome_unknown"`
	Retryable      bool     `json:"retryable"`
}

// done reports a result.
func (s *stdio) done(r *composio.Result, asJSON bool) {
	if !asJSON {
		attempts := "1 attempt"
		if r.Attempts != 1 {
			attempts = strconv.Itoa(r.Attempts) + " attempts"
		}
		s.outf("%s\n", printable(fmt.Sprintf("%s: updated; status %s, request id %s, %s", r.ID, r.Status, r.RequestID, attempts)))
		return
	}
	view := resultView{ID: r.ID, Status: r.Status, RequestID: r.RequestID, Attempts: r.Attempts}
	if r.RateLimit.Known {
		view.RateLimit = &rateLimitView{r.RateLimit.Limit, r.RateLimit.Remaining, r.RateLimit.Window.Seconds()}
	}
	s.json(view)
}

// fail reports an error and returns the exit status for it.
func (s *stdio) fail(err error, asJSON bool) int {
	status := exitFailed
	view := failureView{Error: strings.TrimPrefix(err.Error(), "composio: ")}
	if p, ok := errors.AsType[*problem](err); ok {
		status, view.Fix = p.status, p.fix
	}
	if e, ok := errors.AsType[*composio.Error](err); ok {
		status, view.Fix = exitStatus(e), fixFor(e)
		if status == exitUsage {
			// An id that cannot be one is quoted: perhaps a secret, because the ID was forgotten.
			view.Error = strings.ReplaceAll(flagNames.Replace(view.Error), strconv.Quote(e.AccountID), "[not shown]")
		}
		view.HTTPStatus, view.Code, view.Slug, view.SuggestedFix = e.StatusCode, e.Code, e.Slug, e.SuggestedFix
		view.Details, view.RequestID, view.Attempts = e.Details, e.RequestID, e.Attempts
		view.RetryAfter = e.RetryAfter.Seconds()
		view.OutcomeUnknown, view.Retryable = errors.Is(e, composio.ErrOutcomeUnknown), e.Retryable()
	}
	s.errf("%s: %s\n", name, printable(view.Error))
	s.errf("fix: %s\n", view.Fix)
	if asJSON {
		s.json(view)
	}
	return status
}

// flagNames says in the command's words what the wrapper refuses, and leaves out advice that is for Go programs.
var flagNames = strings.NewReplacer(
	"WithBaseURL", "--base-url", "WithTimeout", "--timeout", "WithMaxRetries", "--max-retries",
	", or WithInsecureHTTP", "", ", or use SetVerbatim", "",
)

func (s *stdio) json(view any) {
	data, _ := json.Marshal(view) // strings and numbers always encode
	s.outf("%s\n", data)
}

func exitStatus(e *composio.Error) int {
	switch {
	case errors.Is(e, composio.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(e, composio.ErrInvalid):
		return exitUsage
	}
	return exitFailed
}

// fixes say what to do, for the first that an error is: an outcome that is unknown comes before why, and what Composio
// itself said before what its status alone says.
var fixes = []struct {
	is error
	do string
}{
	{composio.ErrOutcomeUnknown, "look at the account, or run the same command again: it does no harm unless somebody else changed the account since"},
	{composio.ErrInvalid, "nothing was sent; correct that, see " + name + " update --help"},
	{composio.ErrAliasTaken, "choose another --alias, or clear it first on the account that has it"},
	{composio.ErrConflict, "somebody else is changing the account; run the same command again"},
	{composio.ErrUnauthorized, "check COMPOSIO_API_KEY: it must be a key of the account's project"},
	{composio.ErrForbidden, "check what the key of COMPOSIO_API_KEY may do, and what stands between here and Composio"},
	{composio.ErrAccountNotFound, "check the ID: the project of this API key has no such account"},
	{composio.ErrNotFound, "check --base-url or COMPOSIO_BASE_URL: no account was looked for at what it names"},
	{composio.ErrRateLimited, "wait a minute and run the same command again"},
	{composio.ErrResponseTooLarge, "check --base-url or COMPOSIO_BASE_URL: Composio does not answer so"},
	{composio.ErrRedirect, "check --base-url or COMPOSIO_BASE_URL: it leads elsewhere, and no redirect is followed with a key"},
	{composio.ErrServer, "run the same command again later"},
	{composio.ErrBadRequest, "correct what the line above says; --scheme must be the account's own"},
	{composio.ErrUnprocessable, "correct what the line above says; --scheme must be the account's own"},
}

func fixFor(e *composio.Error) string {
	if e.Retryable() && !errors.Is(e, composio.ErrOutcomeUnknown) && e.RetryAfter > 0 {
		return fmt.Sprintf("wait %v and run the same command again", e.RetryAfter.Round(time.Second))
	}
	for _, fix := range fixes {
		if errors.Is(e, fix.is) {
			return fix.do
		}
	}
	switch {
	case e.StatusCode != 0:
		return "nothing was applied; do what the line above says, or run the same command again later"
	case isInterrupted(e):
		return "nothing was applied; run the same command again"
	}
	return "nothing was sent; check the network, and --base-url or COMPOSIO_BASE_URL"
}

// printable keeps what a server wrote from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
