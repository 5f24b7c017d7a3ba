package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
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
	abandon        chan struct{} // closed when output that is not taken is given up
	abandonOnce    sync.Once
	release        []func() // called by finish

	drawing sync.Mutex
	drawn   bool // a line without end stands on the terminal
}

func (s *stdio) outf(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }

// errf writes to standard error, in place of a line that is drawn there.
func (s *stdio) errf(format string, args ...any) {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	text := fmt.Sprintf(format, args...)
	if s.drawn {
		text = clearLine + text
	}
	s.drawn = false
	_, _ = io.WriteString(s.err, text)
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
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(view) // strings and numbers always encode
	_, _ = s.out.Write(line.Bytes())
}

// start puts streams in front of out and err. finish must follow.
func (s *stdio) start() {
	s.abandon = make(chan struct{})
	s.stdout, s.stderr = newStream(s.out, s.abandon), newStream(s.err, s.abandon)
	s.stdout.other, s.stderr.other = s.stderr, s.stdout
	s.stdout.onError = func(err error) { s.errf("%s: standard output cannot be written: %s\n", name, reason(err)) }
	s.out, s.err = s.stdout, s.stderr
}

// finish waits until everything is written, for which signals still do what they did, and returns the exit status: if
// all else was well, output that could not be written makes it exitOutput.
func (s *stdio) finish(status int) int {
	failed := s.stdout.close()
	failed = s.stderr.close() || failed
	for _, release := range s.release {
		release()
	}
	if status == exitDone && failed {
		return exitOutput
	}
	return status
}

// giveUp lets nothing wait for output any more after a moment.
func (s *stdio) giveUp() {
	s.abandonOnce.Do(func() { time.AfterFunc(time.Second, func() { close(s.abandon) }) })
}

// queueLen is how many pieces of output may wait to be written before whoever writes more has to wait.
const queueLen = 1024

// stream writes on a goroutine of its own, so that a reader that does not read, such as a pager, holds up neither signals
// nor, at first, the command. A reader that has closed its end of a pipe is nobody's error: what is written for it is
// dropped.
type stream struct {
	w       io.Writer
	other   *stream     // standard output's is standard error, and the other way round
	onError func(error) // for the first error that is not a closed pipe
	queue   chan []byte // nil is the end
	ended   chan struct{}
	abandon <-chan struct{}

	mu      sync.Mutex
	waiting int       // pieces that are not written yet
	since   time.Time // when the first of them began to wait
	failed  bool
}

func newStream(w io.Writer, abandon <-chan struct{}) *stream {
	s := &stream{w: w, queue: make(chan []byte, queueLen), ended: make(chan struct{}), abandon: abandon}
	go s.run()
	return s
}

func (s *stream) Write(p []byte) (int, error) {
	s.other.settle()
	s.mu.Lock()
	if s.waiting++; s.waiting == 1 {
		s.since = time.Now()
	}
	s.mu.Unlock()
	select {
	case s.queue <- bytes.Clone(p):
	case <-s.abandon:
	}
	return len(p), nil
}

// patience is how long one stream waits for the other, which on a terminal keeps the order of what they say.
const patience = 100 * time.Millisecond

// settle returns when everything is written, or cannot be for now.
func (s *stream) settle() {
	for {
		s.mu.Lock()
		settled := s.waiting == 0 || time.Since(s.since) > patience
		s.mu.Unlock()
		if settled {
			return
		}
		time.Sleep(time.Millisecond / 4)
	}
}

func (s *stream) run() {
	defer close(s.ended)
	lost := false
	for p := range s.queue {
		if p == nil {
			return
		}
		if !lost {
			_, err := s.w.Write(p)
			lost = err != nil
			if lost && !isClosedPipe(err) {
				s.fail(err)
			}
		}
		s.mu.Lock()
		s.waiting--
		s.since = time.Now()
		s.mu.Unlock()
	}
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	s.failed, s.waiting = true, s.waiting-1 // or onError, which writes to the other stream, would wait for this one
	s.mu.Unlock()
	if s.onError != nil {
		s.onError(err)
	}
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
}

// close waits until everything is written or given up, and reports whether some of it could not be.
func (s *stream) close() (failed bool) {
	select {
	case s.queue <- nil:
	case <-s.abandon:
	}
	select {
	case <-s.ended:
	case <-s.abandon:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// isClosedPipe reports whether nobody reads any more what was to be written.
func isClosedPipe(err error) bool {
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232) // Windows' own
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) ||
		runtime.GOOS == "windows" && (errors.Is(err, brokenPipe) || errors.Is(err, noData))
}
