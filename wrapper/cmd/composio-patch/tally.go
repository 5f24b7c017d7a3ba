package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// tally counts what becomes of the rows. What it exports is in the JSON of the summary.
type tally struct {
	Done          int             `json:"done"`
	DoneBefore    int             `json:"done_before"` // by earlier runs
	NotApplied    int             `json:"not_applied"`
	RefusedBefore int             `json:"refused_before"` // for good by Composio, in earlier runs
	Unknown       int             `json:"unknown"`
	NotSent       int             `json:"not_sent"`
	Bad           int             `json:"bad_input"`        // refused on this side
	CutOff        bool            `json:"cut_off"`          // standard input was not read to its end
	Stopped       string          `json:"stopped,omitzero"` // why, if the run ended itself early
	Kinds         kinds           `json:"kinds"`            // of the rows that are done
	Failures      []*failureGroup `json:"failures"`

	total  int // of this run; -1 if it is not known
	start  time.Time
	paused time.Time // until then nothing is sent
	budget composio.RateLimit
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

func (t *tally) finished() int { return t.Done + t.NotApplied + t.Unknown }

// count takes in a result, and reports whether it is a failure of a kind that was not met before.
func (t *tally) count(r bulk.Result, s sending) (first bool) {
	if r.RateLimit.Known {
		t.budget = r.RateLimit
	}
	switch outcomeOf(r) {
	case outcomeDone:
		t.Done++
		t.Kinds.add(s.kinds)
		return false
	case outcomeUnknown:
		t.Unknown++
	case outcomeFailed:
		t.NotApplied++
	case outcomeUnsent:
		t.NotSent++
		return false
	}
	e, _ := errors.AsType[*composio.Error](r.Err) // bulk has no other errors
	return t.group(labelOf(e), e.Error(), fixFor(e, true), fmt.Sprintf("%s (line %d)", r.ID, s.line))
}

// badFix is what to do about a row that was refused on this side.
const badFix = "correct the row and give it again"

// countBad takes in a row that was refused before it was taken for an update.
func (t *tally) countBad(line int, err error) {
	t.Bad++
	t.group("bad input", fmt.Sprintf("line %d: %v", line, err), badFix, fmt.Sprintf("line %d", line))
}

func (t *tally) group(label, example, fix, row string) (first bool) {
	at := slices.IndexFunc(t.Failures, func(g *failureGroup) bool { return g.Label == label })
	switch first = at < 0; {
	case first && len(t.Failures) == maxGroups:
		at, first = maxGroups-1, false
		t.Failures[at].Label, t.Failures[at].Fix = "other errors", "see what the journal or --json says of each"
	case first:
		at = len(t.Failures)
		t.Failures = append(t.Failures, &failureGroup{Label: label, Example: printable(strings.TrimPrefix(example, "composio: ")), Fix: fix})
	}
	g := t.Failures[at]
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
	label := answerOf(e)
	if e.Code != 0 {
		label += fmt.Sprintf(" (%d)", e.Code)
	}
	switch {
	case errors.Is(e, composio.ErrAliasTaken):
		label += ", alias taken"
	case errors.Is(e, composio.ErrInvalid):
		label = "refused here"
	}
	if errors.Is(e, composio.ErrOutcomeUnknown) {
		label = "outcome unknown: " + label
	}
	return label
}

// status is the command's exit status.
func (t *tally) status() int {
	switch {
	case t.Unknown > 0:
		return exitUnknown
	case t.Bad > 0:
		return exitUsage
	case t.NotApplied+t.NotSent+t.RefusedBefore > 0 || t.CutOff || t.Stopped != "":
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
		std.json(summaryEvent{"summary", *t, took.Seconds(), t.status()})
		return
	}
	line := fmt.Sprintf("%d done", t.Done)
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.DoneBefore, "done before"}, {t.NotApplied, "not applied"}, {t.RefusedBefore, "refused before"}, {t.Unknown, "unknown"},
		{t.NotSent, "not sent"}, {t.Bad, "bad input"},
	} {
		if part.n > 0 {
			line += fmt.Sprintf(", %d %s", part.n, part.text)
		}
	}
	if t.CutOff {
		line += ", the input not read to its end"
	}
	if t.Stopped != "" {
		line = "stopped: " + t.Stopped + "; " + line
	}
	std.outf("%s; in %v\n", line, took.Round(100*time.Millisecond))
	if t.Done > 0 {
		std.outf("of those done, %v\n", t.Kinds)
	}
	for _, g := range t.Failures {
		more := ""
		if g.Count > len(g.Rows) {
			more = ", …"
		}
		std.outf("\n%d × %s\n  rows: %s%s\n  such as: %s\n  fix: %s\n", g.Count, g.Label, strings.Join(g.Rows, ", "), more, g.Example, g.Fix)
	}
}
