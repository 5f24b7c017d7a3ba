package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// stdio is where a command reads and writes. After start, writing waits for nobody: see stream.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	program  string // how the command was called, for commands to paste
	command  string // which of the commands runs
	account  string // the one that it is about, if one is named that can be

	stdout, stderr *stream
	abandoned      context.Context // done when output that is not taken is given up
	abandon        func()
	release        []func() // called by finish

	drawing sync.Mutex
	drawn   bool // a line without end stands on the terminal
}

func (s *stdio) outf(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }

// errf writes to standard error, in place of a line that is drawn there.
func (s *stdio) errf(format string, args ...any) {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	if s.drawn {
		format = clearLine + format
	}
	if s.drawn = false; format != "" {
		_, _ = fmt.Fprintf(s.err, format, args...)
	}
}

const clearLine = "\r\x1b[K"

// drawLine writes a line on a terminal in place of the one before. clearLine removes it.
func (s *stdio) drawLine(text string) {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	s.drawn = true
	_, _ = io.WriteString(s.err, clearLine+text)
}

func (s *stdio) clearLine() { s.errf("") }

// json writes one object in a line, in one piece.
func (s *stdio) json(view any) {
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(view) // strings and numbers always encode; a stream takes everything
}

// start puts streams in front of out and err. finish must follow.
func (s *stdio) start() {
	s.abandoned, s.abandon = context.WithCancel(context.Background())
	s.stdout = s.newStream(s.out, func(err error) { s.errf("%s: standard output cannot be written: %s\n", name, reason(err)) })
	s.stderr = s.newStream(s.err, func(error) {})
	s.out, s.err = s.stdout, s.stderr
}

// finish waits until everything is written, for which signals still do what they did, and returns the exit status: if
// all else was well, output that could not be written makes it exitOutput.
func (s *stdio) finish(status int) int {
	s.stdout.close()
	s.stderr.close()
	for _, release := range s.release {
		release()
	}
	s.abandon()
	if status == exitDone && (s.stdout.failed.Load() || s.stderr.failed.Load()) {
		return exitOutput
	}
	return status
}

const (
	// queueLen is how many pieces of output may wait to be written before whoever writes more has to wait.
	queueLen = 1024

	// patience is how long a piece is waited for, so that on a terminal the streams keep their order.
	patience = 50 * time.Millisecond
)

// stream writes on a goroutine of its own, so that a reader that does not read, such as a pager, holds up neither signals
// nor, at first, the command. A reader that has closed its end of a pipe is nobody's error: what is written for it is
// dropped.
type stream struct {
	w         io.Writer
	onError   func(error) // for the first error that is not a closed pipe
	queue     chan piece
	ended     chan struct{}
	abandoned <-chan struct{}
	stuck     atomic.Bool // nobody takes what is written, and it is not waited for
	failed    atomic.Bool
}

// piece is what one call writes; without done it is the end.
type piece struct {
	text []byte
	done chan struct{}
}

func (s *stdio) newStream(w io.Writer, onError func(error)) *stream {
	stream := &stream{w: w, onError: onError, queue: make(chan piece, queueLen), ended: make(chan struct{}), abandoned: s.abandoned.Done()}
	go stream.run()
	return stream
}

func (s *stream) Write(p []byte) (int, error) {
	piece := piece{bytes.Clone(p), make(chan struct{})}
	select {
	case s.queue <- piece:
	case <-s.abandoned:
	}
	if !s.stuck.Load() {
		select {
		case <-piece.done:
		case <-time.After(patience):
			s.stuck.Store(true)
		}
	}
	return len(p), nil
}

func (s *stream) run() {
	defer close(s.ended)
	var err error
	for piece := range s.queue {
		if piece.done == nil {
			return
		}
		if err == nil {
			if _, err = s.w.Write(piece.text); err != nil && !isClosedPipe(err) {
				s.failed.Store(true)
				s.onError(err)
			}
		}
		close(piece.done)
		s.stuck.Store(len(s.queue) > 0)
	}
}

// close waits until everything is written or given up.
func (s *stream) close() {
	select {
	case s.queue <- piece{}:
	case <-s.abandoned:
	}
	select {
	case <-s.ended:
	case <-s.abandoned:
	}
}

// isClosedPipe reports whether nobody reads any more what was to be written.
func isClosedPipe(err error) bool {
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232) // Windows' own
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) ||
		runtime.GOOS == "windows" && (errors.Is(err, brokenPipe) || errors.Is(err, noData))
}
