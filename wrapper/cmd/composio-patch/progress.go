package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	redraw = 250 * time.Millisecond // the time between two drawings of a terminal's line
	every  = 5 * time.Second        // the time between two lines elsewhere; the beginning of a pause is told at once
)

// progress shows how far a run has come: as a line that is drawn again and again on a terminal, and otherwise as a line, or
// an object, now and then.
type progress struct {
	std    *stdio
	asJSON bool
	last   time.Time // of the latest line
	paused time.Time // what was last said of that
}

func newProgress(std *stdio, asJSON bool) *progress {
	return &progress{std: std, asJSON: asJSON, last: time.Now()}
}

func (p *progress) show(t *tally) {
	terminal := p.std.terminal()
	if terminal != nil && !p.asJSON {
		width, _, err := term.GetSize(fd(terminal))
		if err != nil || width <= 0 {
			width = 80
		}
		p.std.drawLine(lineOf(t, width-1)) // in the last column some terminals scroll
		return
	}
	if time.Since(p.last) < every && t.paused.Sub(p.paused) <= time.Second {
		return
	}
	if p.last, p.paused = time.Now(), t.paused; p.asJSON {
		p.std.json(progressView(t))
	} else {
		p.std.errf("%s\n", strings.Join(parts(t), ", "))
	}
}

// watch shows how far the run has come, and ends it at too long a pause, until unwatch.
func (j *job) watch(ctx context.Context) (unwatch func()) {
	progress, ended := newProgress(j.std, j.JSON), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for ticks := time.Tick(redraw); ; {
			select {
			case <-ticks:
			case <-ended:
				return
			}
			if j.file != nil && j.isTouched() && j.isChanged() {
				j.failChanged()
			}
			j.mu.Lock()
			j.tally.paused = j.runner.PausedUntil()
			if wait := time.Until(j.tally.paused); wait > maxWait && !j.KeepGoing && ctx.Err() == nil {
				j.stop(fmt.Sprintf("Composio asks for a pause of %v, until %s", wait.Round(time.Second), j.tally.paused.Format(time.DateTime)) + goesOn)
			}
			count := j.tally
			j.mu.Unlock()
			progress.show(&count)
		}
	})
	return func() {
		close(ended)
		watching.Wait()
		j.std.clearLine()
	}
}

// terminal is where standard error goes if that is a terminal that can clear a line, and otherwise nil.
func (s *stdio) terminal() *os.File {
	if s.stderr == nil || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return terminalOf(s.stderr.w)
}

// parts are what there is to say, what matters most first.
func parts(t *tally) (all []string) {
	if time.Now().Before(t.paused) {
		all = append(all, "paused until "+t.paused.Format(time.TimeOnly))
	}
	of := ""
	if t.total >= 0 {
		of = fmt.Sprintf(" of %d", t.total)
	}
	all = append(all, fmt.Sprintf("%d%s rows", t.finished(), of), fmt.Sprintf("%d not applied", t.NotApplied), fmt.Sprintf("%d unknown", t.Unknown))
	if t.Bad > 0 {
		all = append(all, fmt.Sprintf("%d bad input", t.Bad))
	}
	if left := t.left(); left > 0 {
		all = append(all, fmt.Sprintf("%v left", left))
	}
	all = append(all, fmt.Sprintf("%.1f a second", t.rate()))
	if t.budget.Known {
		all = append(all, fmt.Sprintf("budget %d of %d left", t.budget.Remaining, t.budget.Limit))
	}
	return all
}

var shorter = strings.NewReplacer(" of ", "/", " rows", "", " a second", "/s")

// lineOf fits into a width what matters most, and a bar if there is room.
func lineOf(t *tally, width int) string {
	line := ""
	for _, text := range parts(t) {
		text = shorter.Replace(text)
		if len(text) >= width {
			text = strings.TrimPrefix(text, "paused ")
		}
		if len(line)+len(text) < width && !strings.HasPrefix(text, "0 ") {
			line += " " + text
		}
	}
	if room := min(width-len(line), 24); room >= 12 && t.total > 0 {
		return bar(t, room) + line
	}
	return strings.TrimPrefix(line, " ")
}

// bar draws what part is finished, in ASCII, so that a column is a byte.
func bar(t *tally, width int) string {
	const beside = 9 // "100% [" and what stands behind
	var drawn strings.Builder
	b := progressbar.NewOptions(t.total, progressbar.OptionSetWriter(&drawn), progressbar.OptionSetWidth(width-beside),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}))
	_ = b.RenderBlank()                   // or nothing is drawn at 0 %
	_ = b.Set(min(t.finished(), t.total)) // a strings.Builder takes everything
	text := drawn.String()
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\r')+1:])
}
