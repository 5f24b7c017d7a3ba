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
	"time"
)

// journal is the file that says which rows are finished. Each line is written by one call before the next result is
// looked at, so the end of the process, however sudden, loses none: the kernel has them. (The end of the machine may
// lose some. Those rows are then sent again, which is why nothing waits here for a disk.)
type journal struct {
	file *os.File
	done lineSet
	rows int // how many are done
}

// journalHeader is the first line: what the journal is, and of what.
type journalHeader struct {
	Journal string `json:"journal"`
	Version int    `json:"version"`
	Input   string `json:"input_sha256"`
	Server  string `json:"server"`
}

const journalKind = "composio-patch bulk"

// The outcomes of a row.
const (
	outcomeDone    = "done"
	outcomeFailed  = "not_applied"
	outcomeUnknown = "unknown"
	outcomeUnsent  = "not_sent" // in no journal: such a row is not finished
)

// journalEntry is a line after the first.
type journalEntry struct {
	Line      int       `json:"line"`
	ID        string    `json:"id"`
	Outcome   string    `json:"outcome"`
	Status    int       `json:"status"` // of HTTP; 0 if there was no answer
	RequestID string    `json:"request_id"`
	Attempts  int       `json:"attempts"`
	Time      time.Time `json:"time"`
}

// openJournal opens or begins the journal of an input.
func openJournal(path string, header journalHeader) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) // #nosec G304 -- the user names it
	if err != nil {
		return nil, journalProblem("it cannot be opened: "+reason(err), "choose another --journal, or see why this one cannot be written")
	}
	j := &journal{file: file}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		j.close()
		return nil, journalProblem("it is not a regular file", "choose a file that does not exist")
	}
	if err := j.read(header); err != nil {
		j.close()
		return nil, err
	}
	return j, nil
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

// read takes in what is there, and cuts off a last line that was not finished.
func (j *journal) read(header journalHeader) error {
	reader := bufio.NewReader(j.file)
	whole := int64(0) // the bytes of the lines that were finished
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			begin, _ := json.Marshal(header) // strings and a number
			if number == 1 && !bytes.HasPrefix(begin, line) {
				return journalProblem("the file is no journal of "+journalKind, "choose a file that does not exist")
			}
			break
		}
		if err != nil {
			return journalProblem(reason(err), "see why it cannot be read")
		}
		if err := j.readLine(number, line, header); err != nil {
			return err
		}
		whole += int64(len(line))
	}
	err := j.file.Truncate(whole)
	if err == nil && whole == 0 {
		err = j.write(header)
	}
	if err != nil {
		return journalProblem("it cannot be written: "+reason(err), "choose another --journal, or see why this one cannot be written")
	}
	return nil
}

func (j *journal) readLine(number int, line []byte, header journalHeader) error {
	if number == 1 {
		var h journalHeader
		switch err := json.Unmarshal(line, &h); {
		case err != nil || h.Journal != header.Journal:
			return journalProblem("the file is no journal of "+journalKind, "choose a file that does not exist")
		case h.Version != header.Version:
			return journalProblem("it was written by another version of "+name, "use that version, or begin another journal")
		case h.Input != header.Input:
			return journalProblem("it belongs to another input: its SHA-256 begins with "+fmt.Sprintf("%.12s", printable(h.Input))+", this one's with "+header.Input[:12],
				"give the input that it belongs to, or begin another journal for this one")
		case h.Server != header.Server:
			return journalProblem("it belongs to another server: "+printable(h.Server)+", not "+header.Server,
				"send to the server that it belongs to, or begin another journal for this one")
		}
		return nil
	}
	var entry journalEntry
	if err := json.Unmarshal(line, &entry); err != nil || entry.Line < 1 {
		return journalProblem(fmt.Sprintf("line %d is damaged", number), "restore the journal; or begin another, which sends every row again")
	}
	j.rows += j.done.set(entry.Line, entry.Outcome == outcomeDone)
	return nil
}

// write appends a line, in one call.
func (j *journal) write(line any) error {
	var buffer bytes.Buffer
	if err := json.NewEncoder(&buffer).Encode(line); err != nil {
		return err
	}
	_, err := j.file.Write(buffer.Bytes())
	return err
}

// add notes the end of a row.
func (j *journal) add(entry journalEntry) error {
	if err := j.write(entry); err != nil {
		return errors.New("the journal cannot be written: " + reason(err))
	}
	return nil
}

func (j *journal) close() { _ = j.file.Close() } // every line is with the kernel

// lineSet is a set of line numbers, one bit each.
type lineSet []uint64

func (s lineSet) has(line int) bool { return line/64 < len(s) && s[line/64]&(1<<(line%64)) != 0 }

// set puts a line in or takes it out, and returns by how much the set has grown.
func (s *lineSet) set(line int, in bool) int {
	if s.has(line) == in {
		return 0
	}
	for line/64 >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[line/64] ^= 1 << (line % 64)
	if in {
		return 1
	}
	return -1
}
