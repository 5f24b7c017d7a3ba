package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// tally counts what becomes of the rows.
type tally struct {
	total         int // of this run; -1 if it is not known
	before        int // done by earlier runs
	refusedBefore int // for good, in earlier runs
	done          int
	failed        int
	unknown       int
	unsent        int
	bad           int  // refused on this side
	cutOff        bool // standard input was not read to its end
	stopped       error

	start    time.Time
	paused   time.Time // until then nothing is sent
	budget   composio.RateLimit
	kinds    kinds // of the rows that are done
	failures []*failureGroup
}

// maxGroups bounds what a server that invents errors can make the summary hold, maxNamed how many rows a group names.
const (
	maxGroups = 50
	maxNamed  = 5
)

// failureGroup is rows that failed for the same reason.
type failureGroup struct {
	Label   string   `json:"error"`
	Count   int      `json:"count"`
	Example string   `json:"example"` // what the first was told
	Fix     string   `json:"fix"`
	Rows    []string `json:"rows"` // the first few
}

func (t *tally) finished() int { return t.done + t.failed + t.unknown }

// count takes in a result, and reports whether it is a failure of a kind that was not met before.
func (t *tally) count(r bulk.Result, s sending) (first bool) {
	if r.RateLimit.Known {
		t.budget = r.RateLimit
	}
	switch outcomeOf(r) {
	case outcomeDone:
		t.done++
		t.kinds.add(s.kinds)
		return false
	case outcomeUnknown:
		t.unknown++
	case outcomeFailed:
		t.failed++
	case outcomeUnsent:
		t.unsent++
		return false
	}
	e, _ := errors.AsType[*composio.Error](r.Err) // bulk has no other errors
	return t.group(labelOf(e), e.Error(), bulkFix(e), fmt.Sprintf("%s (line %d)", r.ID, s.line))
}

// badFix is what to do about a row that was refused on this side.
const badFix = "correct the row and give it again"

// countBad takes in a row that was refused before it was taken for an update.
func (t *tally) countBad(line int, err error) {
	t.bad++
	t.group("bad input", fmt.Sprintf("line %d: %v", line, err), badFix, fmt.Sprintf("line %d", line))
}

func (t *tally) group(label, example, fix, row string) (first bool) {
	at := slices.IndexFunc(t.failures, func(g *failureGroup) bool { return g.Label == label })
	if first = at < 0; first && len(t.failures) >= maxGroups {
		at, first = maxGroups-1, false
		t.failures[at].Label, t.failures[at].Fix = "other errors", "see what the journal or --json says of each"
	}
	if at < 0 {
		at = len(t.failures)
		t.failures = append(t.failures, &failureGroup{Label: label, Example: printable(strings.TrimPrefix(example, "composio: ")), Fix: fix})
	}
	g := t.failures[at]
	g.Count++
	if len(g.Rows) < maxNamed {
		g.Rows = append(g.Rows, row)
	}
	return first
}

// outcomeOf says what became of a row. An update that no request was made for, though nobody ended the run, failed.
func outcomeOf(r bulk.Result) string {
	switch {
	case r.Err == nil:
		return outcomeDone
	case errors.Is(r.Err, composio.ErrOutcomeUnknown):
		return outcomeUnknown
	case !r.Sent && errors.Is(r.Err, bulk.ErrEnded):
		return outcomeUnsent
	}
	return outcomeFailed
}

// labelOf names the kind of an error, without what is of one account alone.
func labelOf(e *composio.Error) string {
	label := "no answer"
	switch {
	case e.StatusCode != 0:
		label = strconv.Itoa(e.StatusCode)
		if e.Slug != "" {
			label += " " + e.Slug
		}
		if e.Code != 0 {
			label += fmt.Sprintf(" (%d)", e.Code)
		}
		if errors.Is(e, composio.ErrAliasTaken) {
			label += ", alias taken"
		}
	case errors.Is(e, composio.ErrInvalid):
		label = "refused here"
	}
	if errors.Is(e, composio.ErrOutcomeUnknown) {
		label = "outcome unknown: " + label
	}
	return printable(label)
}

// bulkFix says what to do about rows that failed so. It differs from fixFor where that speaks of the other command's flags.
func bulkFix(e *composio.Error) string {
	switch {
	case errors.Is(e, composio.ErrOutcomeUnknown):
		return "send these rows again, which the same command with a --journal does: it does no harm unless somebody else changed the accounts since"
	case errors.Is(e, composio.ErrInvalid):
		return "nothing was sent; correct that"
	case errors.Is(e, composio.ErrAliasTaken):
		return "choose another alias in the row, or clear it first on the account that has it"
	case errors.Is(e, composio.ErrBadRequest), errors.Is(e, composio.ErrUnprocessable):
		return "correct the row as the answer says; authScheme must be the account's own"
	case errors.Is(e, composio.ErrAccountNotFound):
		return "check that the key is of the account's project; if the account is gone, leave its row out"
	case e.StatusCode != 0 && e.Retryable():
		return "send these rows again later, which the same command with a --journal does"
	}
	return fixFor(e)
}

// status is the command's exit status.
func (t *tally) status() int {
	switch {
	case t.unknown > 0:
		return exitUnknown
	case t.bad > 0:
		return exitUsage
	case t.failed+t.unsent+t.refusedBefore > 0 || t.cutOff || t.stopped != nil:
		return exitFailed
	}
	return exitDone
}

// rate is how many rows a second have been finished.
func (t *tally) rate() float64 {
	if took := time.Since(t.start).Seconds(); took > 0 {
		return float64(t.finished()) / took
	}
	return 0
}

// left is how long the rest will take at that rate, and the pause before it; 0 if that is not known.
func (t *tally) left() time.Duration {
	rate := t.rate()
	if t.total < 0 || rate == 0 {
		return 0
	}
	left := time.Duration(float64(t.total-t.finished()) / rate * float64(time.Second))
	return (left + max(0, time.Until(t.paused))).Round(time.Second)
}

// summary prints what came of it all.
func (t *tally) summary(std *stdio, asJSON bool) {
	took := time.Since(t.start)
	if asJSON {
		view := summaryEvent{
			Event: "summary", Done: t.done, DoneBefore: t.before, NotApplied: t.failed, RefusedBefore: t.refusedBefore, Unknown: t.unknown, NotSent: t.unsent,
			Bad: t.bad, CutOff: t.cutOff, Seconds: took.Seconds(), Kinds: t.kinds, Failures: append([]*failureGroup{}, t.failures...), ExitStatus: t.status(),
		}
		if t.stopped != nil {
			view.Stopped = t.stopped.Error()
		}
		std.json(view)
		return
	}
	parts := []string{fmt.Sprintf("%d done", t.done)}
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.before, "done before"}, {t.failed, "not applied"}, {t.refusedBefore, "refused before"}, {t.unknown, "unknown"}, {t.unsent, "not sent"}, {t.bad, "bad input"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if t.cutOff {
		parts = append(parts, "the input not read to its end")
	}
	line := fmt.Sprintf("%s; in %v", strings.Join(parts, ", "), took.Round(100*time.Millisecond))
	if t.stopped != nil {
		line = fmt.Sprintf("stopped: %v; %s", t.stopped, line)
	}
	std.outf("%s\n", line)
	if t.done > 0 {
		std.outf("of those done, %v\n", t.kinds)
	}
	for _, g := range t.failures {
		more := ""
		if g.Count > len(g.Rows) {
			more = ", …"
		}
		std.outf("\n%d × %s\n  rows: %s%s\n  such as: %s\n  fix: %s\n", g.Count, g.Label, strings.Join(g.Rows, ", "), more, g.Example, g.Fix)
	}
}
