package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// journal is the file that says which rows are finished. Each line is written by one call before the row is announced,
// so the end of the process, however sudden, loses none: the kernel has them. (The end of the machine may lose some. Those
// rows are then sent again, which is why nothing waits here for a disk.)
type journal struct {
	log     *appended
	done    lineSet
	refused lineSet         // for good
	rejects map[string]bool // the files that --rejects named
}

// journalHeader begins each run's part: what the journal is, and of what, and who writes it.
type journalHeader struct {
	Journal string `json:"journal"`
	Version int    `json:"version"`
	Input   string `json:"input_sha256"`
	Server  string `json:"server"`
	PID     int    `json:"pid"`
	Rejects string `json:"rejects,omitzero"`
}

const journalKind = "composio-patch bulk"

// The outcomes of a row.
const (
	outcomeDone    = "done"
	outcomeFailed  = "not_applied"
	outcomeUnknown = "unknown"
	outcomeUnsent  = "not_sent" // in no journal and no event: such a row is not finished
)

// journalEntry is any other line.
type journalEntry struct {
	Line       int       `json:"line"`
	ID         string    `json:"id"`
	Outcome    string    `json:"outcome"`
	HTTPStatus int       `json:"http_status"`
	RequestID  string    `json:"request_id"`
	Attempts   int       `json:"attempts"`
	Refused    bool      `json:"refused_for_good,omitzero"`
	Time       time.Time `json:"time"`
}

// openJournal opens the journal of an input, whose rows isRow knows. It writes nothing: see begin. A dry run leaves no trace.
func openJournal(path string, header journalHeader, dryRun bool, isRow func(line int, id string) bool, warn func(string)) (*journal, error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if dryRun {
		flags = os.O_RDONLY
	}
	file, err := os.OpenFile(path, flags, 0o600) // #nosec G304 -- the user names it
	switch {
	case dryRun && errors.Is(err, fs.ErrNotExist):
		return &journal{}, nil
	case err != nil:
		return nil, journalProblem("it cannot be opened: "+reason(err), "choose another --journal, or see why this one cannot be written")
	}
	j := &journal{log: &appended{file: file}, done: lineSet{}, refused: lineSet{}, rejects: map[string]bool{}}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		j.close()
		return nil, journalProblem("it is not a regular file", "choose a file that does not exist")
	}
	locked := dryRun || lock(file)
	holder, err := j.read(header, isRow, warn)
	if !locked {
		err = journalProblem(fmt.Sprintf("process %d is writing it", holder), "wait for that run to end, or end it")
	}
	if err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

// begin cuts off a torn end and writes a run's header.
func (j *journal) begin(header journalHeader) error {
	err := j.log.file.Truncate(j.log.size)
	if err == nil {
		err = j.log.json(header)
	}
	if err != nil {
		return journalProblem("it cannot be written: "+reason(err), "choose another --journal, or see why this one cannot be written")
	}
	return nil
}

// reason is what went wrong with a file, without its path.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

func journalProblem(text, fix string) error {
	return &problem{exitUsage, "--journal: " + text, fix}
}

// read takes in what is there, all lines that were finished, and returns the process that wrote last. What cannot be read, or
// cannot be of this input, is a row that is not done.
func (j *journal) read(header journalHeader, isRow func(line int, id string) bool, warn func(string)) (holder int, err error) {
	reader := bufio.NewReader(j.log.file)
	var damaged []string
	begun, entries, foreign := false, 0, false
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			begin, _ := json.Marshal(journalHeader{Journal: journalKind}) // strings and numbers
			foreign = foreign || !isDamage(line) && !bytes.HasPrefix(begin, line[:min(len(line), 30)])
			if !begun && entries == 0 && foreign {
				return 0, journalProblem("the file is no journal of "+journalKind, "choose a file that does not exist")
			}
			break
		}
		if err != nil {
			return 0, journalProblem(reason(err), "see why it cannot be read")
		}
		j.log.size += int64(len(line))
		var h journalHeader
		var entry journalEntry
		isEntry := json.Unmarshal(line, &entry) == nil && entry.Line > 0
		switch {
		case json.Unmarshal(line, &h) == nil && h.Journal == journalKind:
			if err := h.fits(header); err != nil {
				return h.PID, err
			}
			begun, holder, j.rejects[h.Rejects] = true, h.PID, true
		case isEntry && !begun: // it may be another input's
			entries++
		case isEntry && isRow(entry.Line, entry.ID) && slices.Contains([]string{outcomeDone, outcomeFailed, outcomeUnknown}, entry.Outcome):
			j.done.set(entry.Line, entry.Outcome == outcomeDone)
			j.refused.set(entry.Line, entry.Refused)
		default:
			damaged, foreign = append(damaged, fmt.Sprint(number)), foreign || !isDamage(line)
		}
	}
	if len(damaged) > 10 {
		damaged = append(damaged[:10], "…")
	}
	if damaged != nil {
		warn("--journal: damaged in line " + strings.Join(damaged, ", ") + "; rows whose end stood there are not done, and are sent again")
	}
	return holder, nil
}

// isDamage reports whether a line can be what a damaged disk leaves of a header.
func isDamage(line []byte) bool {
	return len(bytes.Trim(line, "\x00 \t\r\n")) == 0 || bytes.Contains(line, []byte(journalKind)) || bytes.Contains(line, []byte(`"input_sha256":`))
}

// fits refuses another run's header.
func (h *journalHeader) fits(want journalHeader) error {
	switch {
	case h.Version != want.Version:
		return journalProblem("it was written by another version of "+name, "use that version, or begin another journal")
	case h.Input != want.Input:
		return journalProblem("it belongs to another input: its SHA-256 begins with "+fmt.Sprintf("%.12s", printable(h.Input))+", this one's with "+want.Input[:12],
			"give the input that it belongs to, or begin another journal for this one")
	case h.Server != want.Server:
		return journalProblem("it belongs to another server: "+printable(h.Server)+", not "+want.Server,
			"send to the server that it belongs to, or begin another journal for this one")
	}
	return nil
}

func (j *journal) close() {
	if j.log != nil {
		_ = j.log.file.Close() // every line is with the kernel
	}
}

// appended is a file to which whole lines are appended, or nothing.
type appended struct {
	file *os.File
	size int64
	err  error // of the first line that could not be written; none is written after it
}

// write appends a line in one call. If that fails, what stands of it is cut off.
func (a *appended) write(line []byte) error {
	if a.err != nil {
		return a.err
	}
	if _, a.err = a.file.Write(line); a.err != nil {
		_ = a.file.Truncate(a.size) // if that can be done; else the next run cuts it off
		return a.err
	}
	a.size += int64(len(line))
	return nil
}

func (a *appended) json(value any) error {
	line, _ := json.Marshal(value) // strings, numbers and a time always encode
	return a.write(append(line, '\n'))
}
