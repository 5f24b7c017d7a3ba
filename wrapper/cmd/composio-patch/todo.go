package main

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"iter"

	composio "example.com/composio/wrapper"
)

// todo yields the rows that are to be sent, as they stand and as they are.
func (j *job) todo(ctx context.Context) iter.Seq2[sending, row] {
	if j.input.file == nil {
		return j.fromStdin(ctx)
	}
	return func(yield func(sending, row) bool) {
		n := 0
		for line, text := range j.input.lines(j.input.content()) {
			if n++; text.err != nil || n > len(j.input.hashes) || maphash.Bytes(j.input.seed, text.line) != j.input.hashes[n-1] {
				break
			}
			if j.journal.refused.has(line) { // in a run that may have had no --rejects
				j.mu.Lock()
				j.lose("--rejects", j.rejects.add(idOf(text.line), text.line))
				j.mu.Unlock()
				continue
			}
			if j.journal.done.has(line) {
				continue
			}
			var r row
			_ = json.Unmarshal(text.line, &r) // it has been checked
			if !yield(j.underWay(line, text.line, r), r) {
				return
			}
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.changed = n != len(j.input.hashes) || j.input.isChanged(); j.changed {
			j.stop(errors.New("the file was changed during the run"))
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

// fromStdin reads ahead by one row, on a goroutine that stays if the input neither gives nor ends: nothing can end a read.
func (j *job) fromStdin(ctx context.Context) iter.Seq2[sending, row] {
	type next struct {
		sending
		row row
		err error
	}
	rows := make(chan next)
	ended, end := context.WithCancel(ctx)
	read := func() {
		defer close(rows)
		for line, text := range j.input.lines(j.input.in) {
			r, err := row{}, text.err
			if err == nil {
				r, err = j.input.checker.check(text.line)
			}
			select {
			case rows <- next{j.underWay(line, text.line, r), r, err}:
			case <-ended.Done():
				return
			}
		}
	}
	return func(yield func(sending, row) bool) {
		defer end()
		go read()
		last := 0
		for {
			select {
			case n, ok := <-rows:
				switch _, fatal := errors.AsType[*problem](n.err); {
				case !ok:
					return
				case fatal:
					j.fatal = n.err
					return
				case n.err != nil:
					j.bad(n.line, n.row.ID, n.err)
					last = n.line
					continue
				}
				last = n.line
				if j.input.rows++; j.input.rows == 101 && !j.DryRun {
					j.cannotResume()
				}
				if !yield(n.sending, n.row) {
					j.leave(n.line + 1)
					return
				}
			case <-ended.Done():
				j.leave(last + 1)
				return
			}
		}
	}
}

func (j *job) cannotResume() {
	j.std.errf("%s: without --journal this run cannot be resumed if it ends early\n", name)
}

// leave notes that there may be rows that were not even read.
func (j *job) leave(line int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cutOff = true; j.firstLeft == 0 {
		j.firstLeft = line
	}
}

// bad tells of a row of standard input that is left out.
func (j *job) bad(line int, id string, err error) {
	j.mu.Lock()
	j.tally.countBad(line, err)
	j.mu.Unlock()
	if j.JSON {
		j.std.json(badEvent(line, id, printable(err.Error())))
		return
	}
	j.std.errf("line %d: %s; the row is left out\n", line, printable(err.Error()))
}

// updates are the rows as package bulk takes them.
func (j *job) updates(ctx context.Context) iter.Seq2[string, composio.Update] {
	return func(yield func(string, composio.Update) bool) {
		index := 0
		for s, r := range j.todo(ctx) {
			if j.input.file == nil {
				j.target.put(r)
			}
			j.mu.Lock()
			j.sending[index] = s
			j.mu.Unlock()
			if !yield(r.ID, r.update(j.set(false))) {
				return
			}
			index++
		}
	}
}
