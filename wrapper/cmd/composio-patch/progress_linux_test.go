package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// startOnTerminal starts the command on a pseudo-terminal so many columns wide.
func startOnTerminal(t *testing.T, columns uint16, args ...string) *terminal {
	t.Helper()
	cmd := asProcess(t, os.Args[0], args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	return onTerminal(t, cmd, columns)
}

// lines are what was drawn, each in place of the one before.
func (x *terminal) lines() []string { return strings.Split(x.shown.String(), clearLine)[1:] }

func TestTheProgressIsOneLineOfAnyWidth(t *testing.T) {
	for columns, parts := range map[uint16][]string{
		20: {"/65"}, 40: {"/65", " not applied"}, 80: {"/65", " not applied", "s left", "["}, 120: {"/65", " not applied", "s left", "[=", "/s", "budget "},
	} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			rows := inputFile(t, aliasRows(65)...)
			start := time.Now()
			x := startOnTerminal(t, columns, "bulk", rows, "--sandbox", "--sandbox-limit=6000/m", "--fault=conflict=0.1", "--max-retries=0", "--keep-going", "--rate=50/s", "--journal="+rows+".journal")
			x.wait() // some rows are not applied
			took, drawn := time.Since(start), x.lines()
			for i, line := range drawn {
				line, _, last := strings.Cut(line, "\r\n") // what ends the drawing and is printed in its place
				if !last && (len(line) >= int(columns) || line == "" || strings.ContainsAny(line, "\n\x1b")) {
					t.Errorf("drawing %d of %d columns: %q", i, columns, line)
				}
			}
			if len(drawn) < int(2*took.Seconds())-1 {
				t.Errorf("%d drawings in %v", len(drawn), took)
			}
			for _, part := range parts {
				if !strings.Contains(strings.Join(drawn, "\n"), part) {
					t.Errorf("no %q in the drawings; the last were %q", part, drawn[max(0, len(drawn)-5):])
				}
			}
		})
	}
}

func TestADrawingAfterAResizeFits(t *testing.T) {
	t.Parallel()
	x := startOnTerminal(t, 100, "bulk", inputFile(t, aliasRows(40)...), "--sandbox", "--rate=30/s")
	x.shown.waitFor(t, "/40")
	if err := pty.Setsize(x.keys, &pty.Winsize{Rows: 24, Cols: 24}); err != nil {
		t.Fatal(err)
	}
	before := len(x.lines())
	x.wait()
	drawn := x.lines()
	if len(drawn) < before+3 {
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
	x := startOnTerminal(t, 20, "bulk", inputFile(t, aliasRows(3)...))
	if _, shown := x.wait(); !strings.Contains(shown, "until "+time.Now().Format("15:")) {
		t.Errorf("%q", shown)
	}
}
