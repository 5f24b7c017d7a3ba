package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// screen is a pseudo-terminal that keeps what was written to it, and when.
type screen struct {
	*os.File
	mu     sync.Mutex
	text   []byte
	draws  []time.Time
	closed chan struct{}
}

// startOnTerminal starts the command on a pseudo-terminal so many columns wide.
func startOnTerminal(t *testing.T, columns int, args ...string) (*process, *screen) {
	t.Helper()
	p := newProcess(t, args...)
	p.Stdout, p.Stderr = nil, nil // the terminal
	p.Env = append(p.Env, "TERM=xterm")
	terminal, err := pty.StartWithSize(p.Cmd, &pty.Winsize{Rows: 24, Cols: uint16(columns)})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{File: terminal, closed: make(chan struct{})}
	go func() {
		defer close(s.closed)
		buffer := make([]byte, 64<<10)
		for {
			n, err := terminal.Read(buffer)
			if err != nil { // EIO is the end
				return
			}
			s.mu.Lock()
			s.text = append(s.text, buffer[:n]...)
			for range bytes.Count(buffer[:n], []byte(clearLine)) {
				s.draws = append(s.draws, time.Now())
			}
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = terminal.Close(); <-s.closed })
	return p, s
}

// lines are what was drawn, one after the other, and whether it was in place of the line before.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Split(string(s.text), clearLine)[1:]
}

func TestTheProgressIsOneLineOfAnyWidth(t *testing.T) {
	for _, columns := range []int{20, 40, 80, 120} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			rows := inputFile(t, aliasRows(130)...)
			start := time.Now()
			p, s := startOnTerminal(t, columns, "bulk", rows, "--sandbox", "--sandbox-limit=6000/m", "--fault=conflict=0.1", "--max-retries=0", "--keep-going", "--rate=50/s", "--journal="+rows+".journal")
			_, _ = p.Wait(), <-s.closed // some rows are not applied
			took := time.Since(start)
			drawn := s.lines()
			widest := 0
			for i, line := range drawn {
				line, _, last := strings.Cut(line, "\r\n") // what ends the drawing and is printed in its place
				if last {
					continue
				}
				widest = max(widest, len(line))
				if len(line) >= columns || line == "" || strings.ContainsAny(line, "\n\x1b") {
					t.Errorf("drawing %d of %d columns: %q", i, columns, line)
				}
			}
			if n := len(s.draws); n < int(2*took.Seconds())-1 {
				t.Errorf("%d drawings in %v", n, took)
			}
			text := strings.Join(drawn, "\n")
			for _, part := range map[int][]string{
				20: {"/130"}, 40: {"/130", " not applied"}, 80: {"/130", " not applied", "s left", "["}, 120: {"/130", " not applied", "s left", "[=", "/s", "budget "},
			}[columns] {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in the drawings; the last were %q", part, drawn[max(0, len(drawn)-5):])
				}
			}
		})
	}
}

func TestADrawingAfterAResizeFits(t *testing.T) {
	t.Parallel()
	p, s := startOnTerminal(t, 100, "bulk", inputFile(t, aliasRows(60)...), "--sandbox", "--rate=30/s")
	time.Sleep(time.Second)
	if err := pty.Setsize(s.File, &pty.Winsize{Rows: 24, Cols: 24}); err != nil {
		t.Fatal(err)
	}
	before := len(s.lines())
	_, _ = p.Wait(), <-s.closed
	drawn := s.lines()
	if before == 0 || len(drawn) < before+3 {
		t.Fatalf("%d drawings, then %d", before, len(drawn)-before)
	}
	for _, line := range drawn[before+1 : len(drawn)-1] {
		if len(line) >= 24 {
			t.Errorf("%q", line)
		}
	}
}

func TestAPauseIsSeenOnTheNarrowestTerminal(t *testing.T) {
	newStandIn(t, inTurn(answers(429, "", "Retry-After", "1"), answers(200, applied)))
	p, s := startOnTerminal(t, 20, "bulk", inputFile(t, aliasRows(3)...))
	_, _ = p.Wait(), <-s.closed
	if text := strings.Join(s.lines(), "\n"); !strings.Contains(text, "until "+time.Now().Format("15:")) {
		t.Errorf("%q", text)
	}
}
