package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	composio "example.com/composio/wrapper"
)

// done reports a result.
func (s *stdio) done(r *composio.Result, asJSON bool) {
	if !asJSON {
		s.outf("%s\n", printable(fmt.Sprintf("%s: updated; status %s, request id %s, %s", r.ID, r.Status, r.RequestID, plural(r.Attempts, "attempt"))))
		return
	}
	s.json(resultEvent(r))
}

// fail reports an error and returns the exit status for it.
func (s *stdio) fail(err error, asJSON bool) int {
	status := exitFailed
	view := event{Event: "error", Outcome: outcomeFailed, Error: err.Error()}
	if p, ok := errors.AsType[*problem](err); ok {
		if status, view.Fix = p.status, p.fix; p.text == "" {
			return status
		}
	}
	if e, ok := errors.AsType[*composio.Error](err); ok {
		status, view = exitStatus(e), errorEvent(e)
		view.Fix = fixFor(e, false)
	}
	if status == exitUsage {
		view.Event, view.Outcome = "error", outcomeRefused
		if s.account != "" {
			view.Event, view.ID = "row", s.account
		}
	}
	if view.Fix == "" {
		view.Fix = strings.TrimRight("nothing was sent; see "+name+" help "+s.command, " ")
	}
	for text := range strings.SplitSeq(view.Error, "\n") {
		s.errf("%s: %s\n", name, printable(text))
	}
	view.Error = printable(strings.ReplaceAll(view.Error, "\n", "; "))
	s.errf("fix: %s\n", view.Fix)
	if asJSON {
		s.json(view)
	}
	return status
}

// fixes say what to do in update and, if that differs, about rows: for the first that an error is. An outcome that is
// unknown comes before why, and what Composio itself said before what its status alone says.
var fixes = []struct {
	is        error
	do, ofRow string
}{
	{
		composio.ErrOutcomeUnknown,
		"look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update",
		"send these rows again, which the same command with a --journal does: it does no harm unless somebody else changed the accounts since",
	},
	{composio.ErrAliasTaken, "choose another --alias, or clear it first on the account that has it", "choose another alias in the row, or clear it first on the account that has it"},
	{composio.ErrConflict, "somebody else is changing the account; run the same command again", ""},
	{composio.ErrUnauthorized, "check COMPOSIO_API_KEY: it must be a key of the account's project", ""},
	{composio.ErrForbidden, "check what the key of COMPOSIO_API_KEY may do, and what stands between here and Composio", ""},
	{
		composio.ErrAccountNotFound, "check the ID: the project of this API key has no such account",
		"check that the key is of the account's project; if the account is gone, leave its row out",
	},
	{composio.ErrNotFound, "check --base-url or COMPOSIO_BASE_URL: no account was looked for at what it names", ""},
	{composio.ErrRateLimited, "wait a minute and run the same command again", ""},
	{composio.ErrResponseTooLarge, "check --base-url or COMPOSIO_BASE_URL: Composio does not answer so", ""},
	{composio.ErrRedirect, "check --base-url or COMPOSIO_BASE_URL: it leads elsewhere, and no redirect is followed with a key", ""},
	{composio.ErrBadRequest, "correct what the line above says; --scheme must be the account's own", correctRow},
	{composio.ErrUnprocessable, "correct what the line above says; --scheme must be the account's own", correctRow},
	{composio.ErrInvalid, "", "nothing was sent; correct that"},
}

const correctRow = "correct the row as the answer says; authScheme must be the account's own"

// fixFor says what to do about an error of update, or of a row.
func fixFor(e *composio.Error, ofRow bool) string {
	if !errors.Is(e, composio.ErrOutcomeUnknown) {
		switch fix := fixOfPath(e); {
		case e.Retryable() && e.StatusCode != 0 && ofRow:
			return "send these rows again later, which the same command with a --journal does"
		case e.Retryable() && e.RetryAfter >= time.Second:
			return fmt.Sprintf("wait %v and run the same command again", e.RetryAfter.Round(time.Second))
		case fix != "":
			return fix
		}
	}
	for _, fix := range fixes {
		switch {
		case !errors.Is(e, fix.is):
		case ofRow && fix.ofRow != "":
			return fix.ofRow
		default:
			return fix.do
		}
	}
	switch {
	case e.StatusCode != 0:
		return "nothing was applied; do what the line above says, or run the same command again later"
	case errors.Is(e, context.Canceled), errors.Is(e, errSignal):
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
