package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"sync"
	"time"

	"example.com/composio/wrapper/bulk"
)

// job is one sending of an input.
type job struct {
	*input
	target  *target
	runner  *bulk.Runner
	journal journal
	rejects *rejects
	drain   context.CancelCauseFunc
	ended   func() error // not nil once the run is being ended

	mu        sync.Mutex
	tally     tally
	sending   map[int]sending // by a row's place in the sequence
	rule      stopRule
	sent      lineSet
	broken    *problem // journal, rejects or file, during the run
	lost      bool     // journal or rejects: nothing more is written to them
	fatal     error    // standard input is no rows
	firstLeft int      // the first line that is to be given again
	refused   bool     // a row, for good
}

// sending is a row under way.
type sending struct {
	line  int
	kinds kinds
	text  []byte // as it stands, for --rejects
}

// resume takes in what earlier runs left.
func (j *job) resume() (err error) {
	path := j.rejectsPath()
	header := journalHeader{journalKind, 1, j.sum, j.server(), os.Getpid(), path}
	if j.Journal != nil {
		isRow := func(line int, id string) bool { return j.ids[maphash.String(j.seed, id)] == line }
		journal, err := openJournal(*j.Journal, header, j.DryRun, isRow, func(text string) { j.std.errf("%s: %s\n", name, text) })
		if err != nil {
			return err
		}
		j.journal = *journal
		if j.RetryRefused {
			j.journal.refused = nil
		}
	}
	if path != "" && !j.DryRun {
		if j.rejects, err = openRejects(path, j.journal.rejects[path]); err != nil {
			return err
		}
	}
	if j.journal.log != nil && !j.DryRun {
		if err := j.journal.begin(header); err != nil {
			return err
		}
	}
	j.tally = tally{total: -1, DoneBefore: len(j.journal.done), RefusedBefore: len(j.journal.refused), Failures: []*failureGroup{}}
	if j.file != nil {
		j.tally.total = j.rows - j.tally.DoneBefore - j.tally.RefusedBefore
	}
	return nil
}

func (j *job) close() {
	j.journal.close()
	j.rejects.close()
}

// dryRun prints what would be changed.
func (j *job) dryRun() error {
	j.drain, j.ended = func(error) {}, func() error { return nil } // there is nothing to end
	rows := 0
	var all kinds
	for s, r := range j.todo(context.Background()) {
		rows++
		all.add(s.kinds)
		if j.JSON {
			r.mask()
			j.std.json(struct {
				Event string `json:"event"`
				Line  int    `json:"line"`
				row
			}{"would_send", s.line, r})
		} else {
			_, text := r.look()
			j.std.outf("line %d: %s\n", s.line, text)
		}
	}
	if err := j.unusable(); err != nil {
		return err
	}
	if j.JSON {
		j.std.json(checkedEvent{"checked", rows, j.tally.Bad, all})
	} else {
		j.std.outf("%s would be sent\n%v\n", plural(rows, "row"), all)
	}
	return j.end()
}

// unusable is the error of an input without rows.
func (j *job) unusable() error {
	if j.fatal != nil || j.tally.CutOff {
		return j.fatal
	}
	return j.empty(j.rows + j.tally.Bad)
}

// stop ends the run before its end; the first reason counts. It is called with mu held.
func (j *job) stop(why string) {
	if j.tally.Stopped == "" {
		j.tally.Stopped = why
	}
	j.drain(errors.New(why))
}

// fail stops the run, since going on would lose something. It is called with mu held.
func (j *job) fail(text, fix string) {
	j.broken = cmp.Or(j.broken, &problem{exitFailed, text, fix})
	j.stop(text)
}

// lose does so if a file of the run's own cannot be written.
func (j *job) lose(what string, err error) {
	if err != nil {
		j.lost = true
		j.fail(what+" cannot be written: "+reason(err), "see why, and ")
	}
}

// onResult notes what came of a row, before the next is sent in its place.
func (j *job) onResult(r bulk.Result) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	outcome, s := outcomeOf(r), j.sending[r.Index]
	if outcome == outcomeUnsent {
		j.leave(s.line)
		return nil
	}
	j.sent.set(s.line, r.Sent)
	refused := refusedForGood(r.Err)
	if refused {
		j.lose("--rejects", j.rejects.add(r.ID, s.text))
	}
	j.refused = j.refused || refused
	if outcome != outcomeDone && (!refused || j.rejects.broken()) {
		j.leave(s.line)
	}
	if j.journal.log != nil && !j.lost {
		e := rowEvent(r)
		j.lose("the journal", j.journal.log.json(journalEntry{s.line, r.ID, outcome, e.HTTPStatus, e.RequestID, r.Attempts, refused, time.Now().UTC()}))
	}
	if j.ended() == nil { // or its end may be why the row failed
		if why := j.rule.judge(r); why != "" && !j.KeepGoing {
			j.stop(why)
		}
	}
	return nil
}

// send sends the rows.
func (j *job) send(draining context.Context) error {
	ctx, drain := context.WithCancelCause(draining)
	defer drain(nil)
	j.drain, j.ended, j.tally.start = drain, ctx.Err, time.Now()
	if j.Journal == nil && j.tally.total > 100 {
		j.cannotResume()
	}
	unwatch := j.watch(ctx)
	for result := range j.runner.Run(ctx, j.updates(ctx)) {
		j.take(result)
	}
	unwatch()
	if err := j.unusable(); err != nil {
		return err
	}
	if j.tally.total >= 0 {
		j.tally.NotSent = j.tally.total - j.tally.finished()
	}
	j.tally.summary(j.std, j.JSON)
	return j.end()
}

// end says how to go on, and what the exit status is.
func (j *job) end() error {
	status := j.tally.status()
	again := "run the same command again: rows that are done are left alone"
	switch {
	case j.file == nil && j.firstLeft == 0:
		again = "correct the rows that were refused and give them again"
	case j.file == nil:
		again = fmt.Sprintf("give the lines from %d on again; some of them may be done, which does no harm", j.firstLeft)
	case j.Journal == nil:
		again = "run the same command again, which sends all rows again; add --journal F, so that the next run can be resumed"
	case j.refused && j.tally.Stopped != "":
		again += "; add --retry-refused to send those, too, that Composio refused for good"
	}
	switch {
	case j.broken != nil:
		text := j.broken.text
		switch {
		case text != fileChanged:
		case len(j.sent) == 0:
			text += "; no line of it was sent"
		default:
			text += "; sent were the lines " + j.sent.String()
		}
		return &problem{max(exitFailed, status), text, j.broken.fix + again}
	case j.tally.NotSent > 0 || j.tally.CutOff || status != exitDone && j.ended() != nil:
		j.std.errf("to go on, %s\n", again)
	}
	if status != exitDone {
		return &problem{status: status}
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
