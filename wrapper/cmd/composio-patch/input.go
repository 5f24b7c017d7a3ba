package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"net/http"
	"os"
	"strings"

	"example.com/composio/wrapper/contract"
)

// maxRow bounds a row, in bytes: above all credentials at a size that anybody has, and both lists of users at their longest.
const maxRow = 8 << 20

// input is where the rows come from: a file that was looked at before, or standard input.
type input struct {
	*bulkCmd
	std      *stdio
	file     *os.File    // nil for standard input
	info     os.FileInfo // of the file, as isTouched saw it last
	size     int64       // of the file when it was opened: rows that are appended later have not been looked at
	contract http.RoundTripper
	name     string // for a command to paste
	sum      string // SHA-256 of the file
	rows     int
	kinds    kinds
	seed     maphash.Seed
	hashes   []uint64       // of the rows of a file, as they stood when they were looked at
	ids      map[uint64]int // the lines of a file's rows, by the hash of their ids
	bad      int
}

func (c *bulkCmd) open(std *stdio) (*input, error) {
	in := &input{bulkCmd: c, contract: contract.Transport(nowhere{}), std: std, name: "FILE", seed: maphash.MakeSeed()}
	if c.File == "-" {
		return in, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, &problem{exitUsage, fmt.Sprintf("the file %q cannot be opened: %s", c.File, reason(err)), "give a file that can be read, or - for standard input"}
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // it was only opened
		return nil, &problem{exitUsage, fmt.Sprintf("%q is not a regular file, which could be read twice", c.File), "give - and let it be standard input"}
	}
	in.file, in.info, in.size, in.name = file, info, info.Size(), shellQuote(c.File)
	return in, nil
}

func (in *input) close() { _ = in.file.Close() } // it was only read; no file is closed without harm

// content is the input from its beginning; of a file, what was there when it was opened.
func (in *input) content() io.Reader {
	if in.file == nil {
		return in.std.in
	}
	return io.NewSectionReader(in.file, 0, in.size)
}

type lineOrError struct {
	line []byte // until the next is asked for
	err  error  // a *problem if the input is no rows at all
}

// lines yields the rows of an input by their line numbers, from 1, and leaves out blank lines. Of a line that is longer than
// maxRow there is no more. A *problem of the input comes last.
func (in *input) lines(from io.Reader) iter.Seq2[int, lineOrError] {
	return func(yield func(int, lineOrError) bool) {
		reader := bufio.NewReaderSize(from, 64<<10)
		var line []byte
		var err error
		first := true
		for number := 1; err == nil; number++ {
			line, err = appendLine(line[:0], reader)
			row := line
			if number == 1 {
				row = bytes.TrimPrefix(row, []byte("\ufeff"))
			}
			var broken error
			tooLong := errors.Is(err, bufio.ErrBufferFull)
			switch bare := bytes.TrimSpace(row); {
			case err != nil && !tooLong && !errors.Is(err, io.EOF):
				broken = &problem{exitFailed, "the input cannot be read: " + reason(err), "see why, and give it again"}
			case len(bare) == 0 && !tooLong:
				continue
			case first && len(bare) > 0:
				broken = in.recognize(bare, reader)
				first = false
			}
			ends := broken != nil
			if tooLong && !ends {
				broken = fmt.Errorf("the row has more than %d MiB", maxRow>>20)
			}
			for skipped := err; errors.Is(skipped, bufio.ErrBufferFull) && !ends; err = nil {
				_, skipped = reader.ReadSlice('\n')
			}
			if !yield(number, lineOrError{row, broken}) || ends {
				return
			}
		}
	}
}

// appendLine appends a line to what there is, or as much of it as a row may have.
func appendLine(line []byte, reader *bufio.Reader) ([]byte, error) {
	for {
		part, err := reader.ReadSlice('\n')
		if line = append(line, part...); !errors.Is(err, bufio.ErrBufferFull) || len(line) > maxRow {
			return line, err
		}
	}
}

// recognize says what an input is whose first line is not blank and so, if that is no rows.
func (in *input) recognize(line []byte, rest *bufio.Reader) error {
	what, fix := "", ""
	switch start := string(line[:min(2, len(line))]); {
	case start == "\x1f\x8b":
		what, fix = "gzip", "unpack it: gunzip -c %s | "+name+" bulk -"
	case start == "\xff\xfe", start == "\xfe\xff", start == "{\x00", start == "\x00{":
		what, fix = "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 %s"
	case line[0] == '[':
		what, fix = "a JSON array", "make rows of it: jq -c '.[]' %s"
	case line[0] == '{' && len(line) <= maxRow && !json.Valid(line) && goesOver(line, rest):
		what, fix = "JSON over several lines", "make rows of it: jq -c . %s"
	case !bytes.ContainsAny(line, `{}[]`) && bytes.ContainsAny(line, ",;\t") && !json.Valid(line):
		flags := "--icsv"
		switch {
		case bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(",")):
			flags = "--icsv --ifs ';'"
		case bytes.Count(line, []byte("\t")) > bytes.Count(line, []byte(",")):
			flags = "--itsv"
		}
		what, fix = "CSV", "make JSON of it, and rows of that as README.md says: mlr "+flags+" --ojsonl cat %s"
	default:
		return nil
	}
	return &problem{exitUsage, "the input is " + what + ", not one JSON object a line", strings.ReplaceAll(fix, "%s", in.name)}
}

// goesOver reports whether the object that begins in a line seems to go on in the next.
func goesOver(line []byte, rest *bufio.Reader) bool {
	next, _ := rest.Peek(1)
	return len(next) > 0 && (next[0] == ' ' || next[0] == '\t' || string(line) == "{" && next[0] != '{')
}

// maxProblems is how many bad rows are told one by one, unless as JSON.
const maxProblems = 20

// look looks at every row, and tells what is wrong.
func (in *input) look(each func(row)) error {
	sum := sha256.New()
	in.ids = map[uint64]int{}
	for line, text := range in.lines(io.TeeReader(in.content(), sum)) {
		if text.err == nil {
			in.rows++
			in.hashes = append(in.hashes, maphash.Bytes(in.seed, text.line))
		}
		r, err := in.check(text)
		if _, ok := errors.AsType[*problem](err); ok {
			return err
		}
		id := maphash.String(in.seed, r.ID)
		if before, ok := in.ids[id]; ok && err == nil && in.file != nil {
			err = fmt.Errorf("the id %s stands in line %d already", r.ID, before)
		}
		if err == nil {
			in.ids[id] = line
			k, _ := r.look()
			in.kinds.add(k)
			each(r)
			continue
		}
		if in.bad++; in.JSON || in.bad <= maxProblems {
			in.refuse(line, r.ID, err, "")
		}
	}
	in.sum = hex.EncodeToString(sum.Sum(nil))
	if more := in.bad - maxProblems; more > 0 && !in.JSON {
		in.std.errf("%s\n", plural(more, "more bad row"))
	}
	if in.bad > 0 {
		return &problem{exitUsage, plural(in.bad, "row") + " cannot be sent", "nothing was sent; correct what is said above, line by line"}
	}
	return in.empty(in.rows)
}

// refuse tells of a row that is not sent.
func (in *input) refuse(line int, id string, err error, and string) {
	if in.JSON {
		in.std.json(badEvent(line, id, err))
	} else {
		in.std.errf("line %d: %s%s\n", line, printable(err.Error()), and)
	}
}

// empty refuses an input that has no rows.
func (c *bulkCmd) empty(rows int) error {
	if rows > 0 || c.AllowEmpty {
		return nil
	}
	return &problem{exitUsage, "the input has no rows", "see what should have written them, or add --allow-empty"}
}

// report looks at an input and says what it found.
func (in *input) report() error {
	err := in.look(func(row) {})
	if in.JSON {
		in.std.json(checkedEvent{"checked", in.rows, in.bad, in.kinds})
	} else if err == nil {
		in.std.outf("%s, all of which can be sent\n%v\n", plural(in.rows, "row"), in.kinds)
	}
	return err
}

// isTouched reports whether the file that has the name now may have another content than at the last call.
func (in *input) isTouched() bool {
	info, err := os.Stat(in.File)
	if err != nil {
		return true
	}
	before := in.info
	in.info = info
	return !os.SameFile(info, before) || info.Size() != before.Size() || !info.ModTime().Equal(before.ModTime())
}

// isChanged reports whether the file that has the name now has another content than the one looked at.
func (in *input) isChanged() bool {
	sum := sha256.New()
	file, err := os.Open(in.File)
	if err == nil {
		_, err = io.Copy(sum, file)
		_ = file.Close() // it was only read
	}
	return err != nil || in.sum != hex.EncodeToString(sum.Sum(nil))
}
