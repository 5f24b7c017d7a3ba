package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"example.com/composio/wrapper/bulk"
)

// job is one sending of an input.
type job struct {
	*bulkCmd
	std     *stdio
	input   *input
	target  *target
	runner  *bulk.Runner
	journal journal
	rejects *rejects
	tally   tally
	drain   context.CancelCauseFunc

	mu        sync.Mutex
	sending   map[int]sending // by a row's place in the sequence
	rule      stopRule
	sent      lineSet
	stopped   error // why the run stops before its end, unless a signal is the reason
	lost      error // of journal or rejects
	fatal     error // standard input is no rows
	changed   bool  // the file is not what it was when it was looked at
	cutOff    bool  // standard input was not read to its end
	firstLeft int   // the first line of standard input that was not sent
}

// sending is a row under way.
type sending struct {
	line  int
	kinds kinds
	text  []byte // as it stands, for --rejects
}

// resume takes in what earlier runs left.
func (j *job) resume() error {
	path := j.rejectsPath()
	j.drain = func(error) {} // until there is something to end
	if j.Journal != nil {
		header := journalHeader{journalKind, 1, j.input.sum, j.target.server, os.Getpid(), path}
		journal, err := openJournal(*j.Journal, header, j.DryRun, func(text string) { j.std.errf("%s: %s\n", name, text) })
		if err != nil {
			return err
		}
		j.journal = *journal
		if j.RetryRefused {
			j.journal.refused = nil
		}
	}
	if path != "" && !j.DryRun {
		var err error
		if j.rejects, err = openRejects(path, j.journal.rejects == path); err != nil {
			return err
		}
	}
	j.tally.total, j.tally.before, j.tally.refusedBefore = -1, j.journal.done.count(), j.journal.refused.count()
	if j.input.file != nil {
		j.tally.total = j.input.rows - j.tally.before - j.tally.refusedBefore
	}
	return nil
}

func (j *job) close() {
	j.journal.close()
	j.rejects.close()
}

// dryRun prints what would be changed.
func (j *job) dryRun() error {
	rows := 0
	var all kinds
	for s, r := range j.todo(context.Background()) {
		rows++
		k, text := r.look()
		all.add(k)
		if j.JSON {
			j.std.json(struct {
				Event string `json:"event"`
				Line  int    `json:"line"`
				row
			}{"would_send", s.line, r.masked()})
		} else {
			j.std.outf("line %d: %s\n", s.line, text)
		}
	}
	if err := errors.Join(j.fatal, j.empty(j.input.rows+j.tally.bad)); err != nil {
		return err
	}
	if !j.JSON {
		j.std.outf("%s would be sent\n%v\n", plural(rows), all)
	}
	return j.end()
}

// stop ends the run before its end; the first reason counts. It is called with mu held.
func (j *job) stop(why error) {
	if j.stopped == nil {
		j.stopped = why
	}
	j.drain(why)
}

// onResult notes what came of a row, before the next is sent in its place.
func (j *job) onResult(r bulk.Result) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	outcome, s := outcomeOf(r), j.sending[r.Index]
	if outcome == outcomeUnsent {
		if j.input.file == nil && (j.firstLeft == 0 || s.line < j.firstLeft) {
			j.firstLeft = s.line
		}
		return nil
	}
	j.sent.set(s.line, r.Sent)
	refused := refusedForGood(r.Err)
	if refused {
		j.lose("--rejects", j.rejects.add(r.ID, s.text))
	}
	if j.journal.log != nil && j.lost == nil {
		e := rowEvent(r)
		j.lose("the journal", j.journal.log.json(journalEntry{s.line, r.ID, outcome, e.HTTPStatus, e.RequestID, r.Attempts, refused, time.Now().UTC()}))
	}
	if why := j.rule.judge(r); why != nil && !j.KeepGoing {
		j.stop(why)
	}
	return j.stopped
}

func (j *job) lose(what string, err error) {
	if err != nil && j.lost == nil {
		j.lost = fmt.Errorf("%s cannot be written: %s", what, reason(err))
		j.stop(j.lost)
	}
}

// send sends the rows.
func (j *job) send(draining context.Context) error {
	ctx, drain := context.WithCancelCause(draining)
	defer drain(nil)
	j.drain, j.tally.start = drain, time.Now()
	if j.Journal == nil && j.tally.total > 100 {
		j.cannotResume()
	}
	show := newProgress(j.std, j.JSON)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for result := range withTicks(j.runner.Run(ctx, j.updates(ctx)), ticker.C) {
		if result != nil {
			j.take(*result)
		}
		j.mu.Lock()
		j.tally.paused = j.runner.PausedUntil()
		if wait := time.Until(j.tally.paused); wait > maxWait && !j.KeepGoing && ctx.Err() == nil {
			j.stop(fmt.Errorf("Composio asks for a pause of %v, until %s"+goesOn, wait.Round(time.Second), j.tally.paused.Format(time.DateTime))) //nolint:staticcheck // a name begins it
		}
		count := j.tally
		j.mu.Unlock()
		show.show(&count)
	}
	show.end()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fatal != nil {
		return j.fatal
	}
	if err := j.empty(j.input.rows + j.tally.bad); err != nil {
		return err
	}
	if j.tally.total >= 0 {
		j.tally.unsent = j.tally.total - j.tally.finished()
	}
	j.tally.cutOff, j.tally.stopped = j.cutOff, j.stopped
	j.tally.summary(j.std, j.JSON)
	return j.end()
}

// end says how to go on, and what the exit status is.
func (j *job) end() error {
	status := j.tally.status()
	again := "run the same command again: rows that are done are left alone"
	switch {
	case j.input.file == nil:
		again = fmt.Sprintf("give the lines from %d on again; some of them may be done, which does no harm", j.firstLeft)
	case j.Journal == nil:
		again = "run the same command again, which sends all rows again; add --journal F, so that the next run can be resumed"
	}
	switch {
	case j.lost != nil:
		return &problem{max(exitFailed, status), j.lost.Error(), "see why, and " + again}
	case j.changed:
		text := "the file was changed during the run; no line of it was sent"
		if j.sent != nil {
			text = "the file was changed during the run; sent were the lines " + j.sent.String()
		}
		if status != exitUnknown {
			status = exitFailed
		}
		return &problem{status, text, "put the file back as it was and " + again}
	case j.tally.unsent > 0 || j.cutOff:
		j.std.errf("to go on, %s\n", again)
	}
	if status != exitDone {
		return exitCode(status)
	}
	return nil
}

// take counts a row and tells of it. Nothing waits for mu meanwhile, so that blocked output keeps no row from the journal.
func (j *job) take(r bulk.Result) {
	j.mu.Lock()
	s := j.sending[r.Index]
	delete(j.sending, r.Index)
	first := j.tally.count(r, s)
	j.mu.Unlock()
	e := rowEvent(r)
	switch {
	case outcomeOf(r) == outcomeUnsent:
	case j.JSON:
		e.Line = s.line
		j.std.json(e)
	case first:
		j.std.errf("line %d: %s; fix: %s\n", s.line, e.Error, e.Fix)
	}
}
