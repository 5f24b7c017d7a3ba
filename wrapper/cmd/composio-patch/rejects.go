package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	composio "example.com/composio/wrapper"
)

// rejects is the file of --rejects.
type rejects struct {
	log *appended
	ids map[string]bool // of the rows that earlier runs put in it
}

// refusedForGood reports whether Composio refused a row for what stands in it.
func refusedForGood(err error) bool {
	for _, is := range []error{composio.ErrBadRequest, composio.ErrAccountNotFound, composio.ErrAliasTaken, composio.ErrUnprocessable} {
		if errors.Is(err, is) {
			return !errors.Is(err, composio.ErrOutcomeUnknown)
		}
	}
	return false
}

// rejectsPath is how a journal names the file of --rejects; "" without the flag.
func (c *bulkCmd) rejectsPath() string {
	if c.Rejects == nil {
		return ""
	}
	path, _ := filepath.Abs(*c.Rejects)
	return cmp.Or(path, *c.Rejects)
}

// openRejects begins the file, or goes on with it if the journal says that it is its own.
func openRejects(path string, own bool) (*rejects, error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if !own {
		flags |= os.O_EXCL
	}
	file, err := os.OpenFile(path, flags, 0o600) // #nosec G304 -- the user names it
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, &problem{exitUsage, "--rejects: the file exists, and no journal says that it is its own", "choose a file that does not exist, or give the --journal that it came with"}
	case err != nil:
		return nil, &problem{exitUsage, "--rejects: it cannot be opened: " + reason(err), "choose another file"}
	}
	r := &rejects{log: &appended{file: file}, ids: map[string]bool{}}
	var last []byte
	for _, text := range new(input).lines(file) {
		r.ids[idOf(text.line)] = true
		last = append(last[:0], text.line...)
	}
	r.log.size, err = file.Seek(0, io.SeekEnd)
	switch torn := len(last) > 0 && !bytes.HasSuffix(last, []byte("\n")); {
	case err != nil || !torn:
	case json.Valid(last):
		err = r.log.write([]byte("\n"))
	default:
		r.log.size -= int64(len(last))
		err = file.Truncate(r.log.size)
	}
	if err = errors.Join(err, file.Chmod(0o600)); err != nil {
		r.close()
		return nil, &problem{exitUsage, "--rejects: it cannot be gone on with: " + reason(err), "choose another file"}
	}
	return r, nil
}

func idOf(line []byte) string {
	var row struct{ ID string }
	_ = json.Unmarshal(line, &row) // a row that somebody is correcting may be anything
	return row.ID
}

// add appends a row, unless it is there already: from a run that ended before its journal had it.
func (r *rejects) add(id string, line []byte) error {
	if r == nil || r.ids[id] {
		return nil
	}
	return r.log.write(append(bytes.TrimRight(line, "\r\n"), '\n'))
}

// broken reports whether a row may be missing in the file.
func (r *rejects) broken() bool { return r != nil && r.log.err != nil }

// close leaves no empty file behind.
func (r *rejects) close() {
	if r == nil {
		return
	}
	_ = r.log.file.Close() // every row is with the kernel
	if r.log.size == 0 {
		_ = os.Remove(r.log.file.Name()) // it says nothing
	}
}
