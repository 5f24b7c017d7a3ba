package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

const (
	// redraw is the time between two looks at a terminal's line, every that between two lines where there is no terminal.
	redraw = 250 * time.Millisecond
	every  = 5 * time.Second
)

// progress shows how far a run has come.
type progress struct {
	last  time.Time
	every time.Duration
	print func(*tally)
	clear func()
}

// newProgress returns a line that is drawn again and again on a terminal, and otherwise a line now and then.
func newProgress(std *stdio, asJSON bool) *progress {
	p := &progress{last: time.Now(), every: every, clear: func() {}}
	switch file := std.terminal(); {
	case asJSON:
		p.print = func(t *tally) { std.json(progressView(t)) }
	case file != nil:
		p.every, p.clear = 0, std.clearLine
		p.print = func(t *tally) {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil || width <= 0 {
				width = 80
			}
			std.drawLine(lineOf(t, width-1)) // in the last column some terminals scroll
		}
	default:
		p.print = func(t *tally) { std.errf("%s\n", strings.Join(parts(t), ", ")) }
	}
	return p
}

func (p *progress) show(t *tally) {
	if time.Since(p.last) >= p.every {
		p.last = time.Now()
		p.print(t)
	}
}

func (p *progress) end() { p.clear() }

// terminal is where standard error goes if that is a terminal that can clear a line, and otherwise nil.
func (s *stdio) terminal() *os.File {
	stream, ok := s.err.(*stream)
	if !ok {
		return nil
	}
	file, ok := stream.w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return file
}

// parts are what there is to say, in the order in which it stands.
func parts(t *tally) []string {
	count := thousands(t.finished())
	if t.total >= 0 {
		count += " of " + thousands(t.total)
	}
	all := []string{count + " rows", fmt.Sprintf("%d not applied, %d unknown", t.failed+t.bad, t.unknown), fmt.Sprintf("%.1f a second", t.rate())}
	if time.Now().Before(t.paused) {
		all = append(all, "paused until "+t.paused.Format(time.TimeOnly))
	}
	if left := t.left(); left > 0 {
		all = append(all, fmt.Sprintf("%v left", left))
	}
	if t.budget.Known {
		all = append(all, fmt.Sprintf("budget %d of %d left", t.budget.Remaining, t.budget.Limit))
	}
	return all
}

// lineOf fits into a width what matters most: a pause, how many rows are finished, failures, the time left, a bar, the
// rate, and the budget.
func lineOf(t *tally, width int) string {
	type part struct {
		text        string
		rank, place int
	}
	all := []part{{fmt.Sprintf("%d", t.finished()), 1, 1}, {fmt.Sprintf("%.1f/s", t.rate()), 6, 4}}
	if t.total >= 0 {
		all[0].text = fmt.Sprintf("%d/%d", t.finished(), t.total)
	}
	if time.Now().Before(t.paused) {
		all = append(all, part{"until " + t.paused.Format(time.TimeOnly), 0, 0}, part{"paused", 2, -1})
	}
	if n := t.failed + t.bad; n > 0 {
		all = append(all, part{fmt.Sprintf("%d not applied", n), 3, 2})
	}
	if t.unknown > 0 {
		all = append(all, part{fmt.Sprintf("%d unknown", t.unknown), 3, 3})
	}
	if left := t.left(); left > 0 {
		all = append(all, part{fmt.Sprintf("%v left", left), 4, 5})
	}
	if t.budget.Known {
		all = append(all, part{fmt.Sprintf("budget %d/%d", t.budget.Remaining, t.budget.Limit), 7, 6})
	}
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(a.rank, b.rank) })
	const barWidth = 24
	used, fit := 0, []part{}
	for _, p := range all {
		if p.rank > 4 && t.total > 0 && used == 0 {
			continue
		}
		if used+len(p.text)+1 <= width {
			used += len(p.text) + 1
			fit = append(fit, p)
		}
	}
	slices.SortStableFunc(fit, func(a, b part) int { return cmp.Compare(a.place, b.place) })
	var texts []string
	if room := min(width-used, barWidth); room >= 12 && t.total > 0 {
		texts = append(texts, bar(t, room))
	}
	for _, p := range fit {
		texts = append(texts, p.text)
	}
	line := strings.Join(texts, " ")
	return line[:min(len(line), max(width, 0))]
}

// bar draws what part is finished, in ASCII, so that a column is a byte.
func bar(t *tally, width int) string {
	const beside = 9 // "100% [" and what stands behind
	var drawn strings.Builder
	b := progressbar.NewOptions(t.total, progressbar.OptionSetWriter(&drawn), progressbar.OptionSetWidth(width-beside),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}))
	_ = b.Set(min(t.finished(), t.total)) // a strings.Builder takes everything
	text := drawn.String()
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\r')+1:])
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
		Unknown    int            `json:"unknown"`
		Rate       float64        `json:"rows_per_second"`
		Left       float64        `json:"seconds_left,omitzero"`
		Paused     time.Time      `json:"paused_until,omitzero"`
		Budget     *rateLimitView `json:"rate_limit,omitzero"`
	}
	summaryEvent struct {
		Event         string          `json:"event"` // "summary"
		Done          int             `json:"done"`
		DoneBefore    int             `json:"done_before"`
		NotApplied    int             `json:"not_applied"`
		RefusedBefore int             `json:"refused_before"` // for good, by Composio
		Unknown       int             `json:"unknown"`
		NotSent       int             `json:"not_sent"`
		Bad           int             `json:"bad_input"`
		CutOff        bool            `json:"cut_off"`          // standard input was not read to its end
		Stopped       string          `json:"stopped,omitzero"` // why, if the run ended itself early
		Seconds       float64         `json:"seconds"`
		Kinds         kinds           `json:"kinds"` // of the rows that are done
		Failures      []*failureGroup `json:"failures"`
		ExitStatus    int             `json:"exit_status"`
	}
)

func progressView(t *tally) progressEvent {
	view := progressEvent{
		Event: "progress", Finished: t.finished(), NotApplied: t.failed + t.bad, Unknown: t.unknown, Rate: t.rate(), Left: t.left().Seconds(),
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
	e.Outcome, e.Attempts, e.Fix = outcomeOf(r), r.Attempts, bulkFix(failure)
	return e
}

// badEvent is the event of a row that was refused on this side.
func badEvent(line int, text string) event {
	return event{Event: "row", Line: line, Outcome: outcomeRefused, Error: text, Fix: badFix}
}
