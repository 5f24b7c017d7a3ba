package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"iter"

	composio "example.com/composio/wrapper"
)

// todo yields the rows that are to be sent, as they stand and as they are.
func (j *job) todo(ctx context.Context) iter.Seq2[sending, row] {
	if j.file == nil {
		return func(yield func(sending, row) bool) { j.fromStdin(ctx, yield) }
	}
	return j.fromFile
}

const fileChanged = "the file was changed during the run"

func (j *job) fromFile(yield func(sending, row) bool) {
	n := 0
	for line, text := range j.lines(j.content()) {
		if n++; text.err != nil || n > len(j.hashes) || maphash.Bytes(j.seed, text.line) != j.hashes[n-1] {
			break
		}
		if j.journal.refused[line] { // in a run that may have had no --rejects
			j.mu.Lock()
			j.lose("--rejects", j.rejects.add(idOf(text.line), text.line))
			j.mu.Unlock()
			continue
		}
		if j.journal.done[line] {
			continue
		}
		var r row
		_ = json.Unmarshal(text.line, &r) // it has been checked
		if !yield(j.underWay(line, text.line, r), r) {
			return
		}
	}
	if n != len(j.hashes) || !j.DryRun && j.isChanged() {
		j.failChanged()
	}
}

func (j *job) failChanged() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail(fileChanged, "put the file back as it was and ")
}

// fromStdin leaves a goroutine behind if the input neither gives nor ends: nothing can end a read.
func (j *job) fromStdin(ctx context.Context, yield func(sending, row) bool) {
	from, feed := io.Pipe()
	defer func() { _ = from.Close() }() // it has no error
	defer context.AfterFunc(ctx, func() { _ = feed.CloseWithError(ctx.Err()) })()
	go func() {
		_, err := io.Copy(feed, j.std.in)
		_ = feed.CloseWithError(err)
	}()
	cutOff := func(line int, why *problem) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.tally.CutOff, j.broken = true, cmp.Or(j.broken, why)
		j.leave(line)
	}
	for line, text := range j.lines(from) {
		if ctx.Err() != nil {
			cutOff(line, nil)
			return
		}
		r, err := j.check(text)
		if p, ok := errors.AsType[*problem](err); ok {
			if p.status == exitUsage {
				j.fatal = err
				return
			}
			cutOff(line, &problem{exitFailed, p.text, "see why, and "}) // what was read is sent
			return
		}
		if err != nil {
			j.mu.Lock()
			j.tally.countBad(line, err)
			j.mu.Unlock()
			j.refuse(line, r.ID, err, "; the row is left out")
			continue
		}
		if j.rows++; j.rows == 101 && !j.DryRun {
			j.cannotResume()
		}
		if !yield(j.underWay(line, text.line, r), r) {
			cutOff(line+1, nil)
			return
		}
	}
}

func (j *job) underWay(line int, text []byte, r row) sending {
	k, _ := r.look()
	s := sending{line: line, kinds: k}
	if j.rejects != nil {
		s.text = append(s.text, text...)
	}
	return s
}

func (j *job) cannotResume() {
	j.std.errf("%s: without --journal this run cannot be resumed if it ends early\n", name)
}

// leave notes that a row is not sent. It is called with mu held.
func (j *job) leave(line int) {
	if j.firstLeft == 0 || line < j.firstLeft {
		j.firstLeft = line
	}
}

// updates are the rows as package bulk takes them.
func (j *job) updates(ctx context.Context) iter.Seq2[string, composio.Update] {
	return func(yield func(string, composio.Update) bool) {
		index, set := 0, setter(j.Verbatim)
		for s, r := range j.todo(ctx) {
			if j.file == nil {
				j.target.put(r)
			}
			j.mu.Lock()
			j.sending[index] = s
			j.mu.Unlock()
			if !yield(r.ID, r.update(set)) {
				return
			}
			index++
		}
	}
}
