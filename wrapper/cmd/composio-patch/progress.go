package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

// tally counts what becomes of the rows.
type tally struct {
	total   int // of this run; -1 if it is not known
	before  int // done by earlier runs
	done    int
	failed  int
	unknown int
	unsent  int
	bad     int  // refused on this side
	cutOff  bool // standard input was not read to its end

	start    time.Time
	budget   composio.RateLimit
	failures []*failureGroup
}

// maxGroups bounds what a server that invents errors can make the summary hold, maxNamed how many rows a group names.
const (
	maxGroups = 50
	maxNamed  = 5
)

// failureGroup is rows that failed for the same reason.
type failureGroup struct {
	label   string
	example string // what the first was told
	fix     string
	count   int
	named   []string
}

func (t *tally) finished() int { return t.done + t.failed + t.unknown }

// count takes in a result and returns its outcome.
func (t *tally) count(r bulk.Result, line int) string {
	if r.RateLimit.Known {
		t.budget = r.RateLimit
	}
	outcome := outcomeOf(r)
	switch outcome {
	case outcomeDone:
		t.done++
		return outcome
	case outcomeUnknown:
		t.unknown++
	case outcomeFailed:
		t.failed++
	case outcomeUnsent:
		t.unsent++
		return outcome
	}
	e, _ := errors.AsType[*composio.Error](r.Err) // bulk has no other errors
	t.group(labelOf(e), e.Error(), bulkFix(e), fmt.Sprintf("%s (line %d)", r.ID, line))
	return outcome
}

// countBad takes in a row that was refused before it was taken for an update.
func (t *tally) countBad(line int, err error) {
	t.bad++
	t.group("bad input", fmt.Sprintf("line %d: %v", line, err), "correct the row and give it again", fmt.Sprintf("line %d", line))
}

func (t *tally) group(label, example, fix, row string) {
	at := slices.IndexFunc(t.failures, func(g *failureGroup) bool { return g.label == label })
	if at < 0 && len(t.failures) >= maxGroups {
		at = maxGroups - 1
		t.failures[at].label, t.failures[at].fix = "other errors", "see what the journal or --json says of each"
	}
	if at < 0 {
		at = len(t.failures)
		t.failures = append(t.failures, &failureGroup{label: label, example: printable(strings.TrimPrefix(example, "composio: ")), fix: fix})
	}
	g := t.failures[at]
	g.count++
	if len(g.named) < maxNamed {
		g.named = append(g.named, row)
	}
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
		return "run again with the same --journal, which repeats these rows and skips those done: it does no harm unless somebody else changed the accounts since"
	case errors.Is(e, composio.ErrInvalid):
		return "nothing was sent; correct that"
	case errors.Is(e, composio.ErrAliasTaken):
		return "choose another alias in the row, or clear it first on the account that has it"
	case errors.Is(e, composio.ErrBadRequest), errors.Is(e, composio.ErrUnprocessable):
		return "correct the row as the answer says; authScheme must be the account's own"
	case errors.Is(e, composio.ErrAccountNotFound):
		return "drop the row: the project of this API key has no such account"
	case e.StatusCode != 0 && e.Retryable():
		return "run again later with the same --journal, which skips the rows that are done"
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
	case t.failed+t.unsent > 0 || t.cutOff:
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

// left is how long the rest will take at that rate; 0 if that is not known.
func (t *tally) left() time.Duration {
	rate := t.rate()
	if t.total < 0 || rate == 0 {
		return 0
	}
	return time.Duration(float64(t.total-t.finished()) / rate * float64(time.Second)).Round(time.Second)
}

// details are what stands behind the number of rows, for a person.
func (t *tally) details() string {
	parts := []string{fmt.Sprintf("%d not applied, %d unknown", t.failed+t.bad, t.unknown), fmt.Sprintf("%.1f a second", t.rate())}
	if left := t.left(); left > 0 {
		parts = append(parts, fmt.Sprintf("%v left", left))
	}
	if t.budget.Known {
		parts = append(parts, fmt.Sprintf("budget %d of %d left", t.budget.Remaining, t.budget.Limit))
	}
	return strings.Join(parts, ", ")
}

// progress shows how far a run has come.
type progress interface {
	show(t *tally)
	end(t *tally)
}

// every is the time between two lines where there is no terminal.
const every = 5 * time.Second

// newProgress returns a bar on a terminal, and otherwise lines.
func newProgress(std *stdio, asJSON bool, total int) progress {
	switch {
	case asJSON:
		return &progressLines{last: time.Now(), print: func(t *tally) { std.json(progressView(t)) }}
	case isTerminal(std.err):
		return newProgressBar(std.err, total)
	}
	return &progressLines{last: time.Now(), print: func(t *tally) {
		of := ""
		if t.total >= 0 {
			of = fmt.Sprintf(" of %d", t.total)
		}
		std.errf("%d%s rows, %s\n", t.finished(), of, t.details())
	}}
}

// isTerminal reports whether w is a character device. So is /dev/null, where a bar does no harm.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*stream); ok {
		w = s.w
	}
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

type progressBar struct{ bar *progressbar.ProgressBar }

func newProgressBar(w io.Writer, total int) *progressBar {
	return &progressBar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetPredictTime(false), // the description has the time left
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (p *progressBar) show(t *tally) {
	p.bar.Describe(t.details())
	_ = p.bar.Set(t.finished()) // a terminal that is gone is nobody's error
}

func (p *progressBar) end(*tally) { _ = p.bar.Finish() }

type progressLines struct {
	last  time.Time
	print func(*tally)
}

func (p *progressLines) show(t *tally) {
	if time.Since(p.last) >= every {
		p.last = time.Now()
		p.print(t)
	}
}

func (p *progressLines) end(*tally) {}

// The lines of --json, told apart by event.
type (
	rowEvent struct {
		Event string `json:"event"`
		journalEntry
		Error string `json:"error,omitempty"`
		Fix   string `json:"fix,omitempty"`
	}
	progressEvent struct {
		Event      string         `json:"event"`
		Finished   int            `json:"finished"`
		Total      *int           `json:"total,omitempty"` // not known of standard input
		NotApplied int            `json:"not_applied"`
		Unknown    int            `json:"unknown"`
		Rate       float64        `json:"rows_per_second"`
		Left       float64        `json:"seconds_left,omitempty"`
		Budget     *rateLimitView `json:"rate_limit,omitempty"`
	}
	summaryEvent struct {
		Event      string      `json:"event"`
		Done       int         `json:"done"`
		DoneBefore int         `json:"done_before"`
		NotApplied int         `json:"not_applied"`
		Unknown    int         `json:"unknown"`
		NotSent    int         `json:"not_sent"`
		Bad        int         `json:"bad_input"`
		CutOff     bool        `json:"cut_off"` // standard input was not read to its end
		Seconds    float64     `json:"seconds"`
		Failures   []groupView `json:"failures"`
		ExitStatus int         `json:"exit_status"`
	}
	groupView struct {
		Error   string   `json:"error"`
		Count   int      `json:"count"`
		Example string   `json:"example"`
		Fix     string   `json:"fix"`
		Rows    []string `json:"rows"` // the first few
	}
)

func progressView(t *tally) progressEvent {
	view := progressEvent{
		Event: "progress", Finished: t.finished(), NotApplied: t.failed + t.bad, Unknown: t.unknown, Rate: t.rate(), Left: t.left().Seconds(),
	}
	if t.total >= 0 {
		view.Total = &t.total
	}
	view.Budget = viewOf(t.budget)
	return view
}

// summary prints what came of it all.
func (t *tally) summary(std *stdio, asJSON bool) {
	took := time.Since(t.start)
	if asJSON {
		view := summaryEvent{
			Event: "summary", Done: t.done, DoneBefore: t.before, NotApplied: t.failed, Unknown: t.unknown, NotSent: t.unsent,
			Bad: t.bad, CutOff: t.cutOff, Seconds: took.Seconds(), Failures: []groupView{}, ExitStatus: t.status(),
		}
		for _, g := range t.failures {
			view.Failures = append(view.Failures, groupView{g.label, g.count, g.example, g.fix, g.named})
		}
		std.json(view)
		return
	}
	parts := []string{fmt.Sprintf("%d done", t.done)}
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.before, "done before"}, {t.failed, "not applied"}, {t.unknown, "unknown"}, {t.unsent, "not sent"}, {t.bad, "bad input"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if t.cutOff {
		parts = append(parts, "the input not read to its end")
	}
	std.outf("%s; in %v\n", strings.Join(parts, ", "), took.Round(100*time.Millisecond))
	for _, g := range t.failures {
		more := ""
		if g.count > len(g.named) {
			more = ", …"
		}
		std.outf("\n%d × %s\n  rows: %s%s\n  such as: %s\n  fix: %s\n", g.count, g.label, strings.Join(g.named, ", "), more, g.example, g.fix)
	}
}
