package main

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"example.com/composio/wrapper/bulk"
)

const (
	// A terminal's line is drawn anew after each row, but no sooner than drawn after the last time, and when redraw is over.
	drawn  = 100 * time.Millisecond
	redraw = 250 * time.Millisecond

	// every is the time between two lines where there is no terminal. The beginning of a pause is told at once.
	every = 5 * time.Second
)

// progress shows how far a run has come.
type progress struct {
	last   time.Time
	every  time.Duration
	paused time.Time // what was last said of that
	print  func(*tally)
	clear  func()
}

// newProgress returns a line that is drawn again and again on a terminal, and otherwise a line now and then.
func newProgress(std *stdio, asJSON bool) *progress {
	p := &progress{last: time.Now(), every: every, clear: func() {}}
	switch file := std.terminal(); {
	case asJSON:
		p.print = func(t *tally) { std.json(progressView(t)) }
	case file != nil:
		p.every, p.clear = drawn, std.clearLine
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
	if time.Since(p.last) >= p.every || t.paused.Sub(p.paused) > time.Second {
		p.last, p.paused = time.Now(), t.paused
		p.print(t)
	}
}

func (p *progress) end() { p.clear() }

// withTicks yields each result, and nil for each tick meanwhile, so that what takes long is seen to go on.
func withTicks(results iter.Seq[bulk.Result], ticks <-chan time.Time) iter.Seq[*bulk.Result] {
	return func(yield func(*bulk.Result) bool) {
		all := make(chan bulk.Result)
		go func() {
			defer close(all)
			for r := range results {
				all <- r
			}
		}()
		for {
			select {
			case r, ok := <-all:
				if !ok || !yield(&r) {
					return
				}
			case <-ticks:
				if !yield(nil) {
					return
				}
			}
		}
	}
}

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
	of := ""
	if t.total >= 0 {
		of = fmt.Sprintf(" of %d", t.total)
	}
	all := []string{fmt.Sprintf("%d%s rows", t.finished(), of), fmt.Sprintf("%d not applied, %d unknown", t.failed+t.bad, t.unknown), fmt.Sprintf("%.1f a second", t.rate())}
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
