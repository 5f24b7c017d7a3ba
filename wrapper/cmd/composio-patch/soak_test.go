package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// tokenBox is a sandbox whose requests are counted, for runs in processes of their own.
type tokenBox struct {
	*sandbox.Server
	*standIn
}

func newTokenBox(t *testing.T, accounts int, delay time.Duration, opts ...sandbox.Option) *tokenBox {
	box := &tokenBox{Server: sandbox.New(append(opts, sandbox.WithAPIKey(testKey), sandbox.WithJournal(1))...)}
	for i := range accounts {
		box.Put(sandbox.Account{ID: fmt.Sprintf("ca_%d", i+1), Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": "old"}})
	}
	box.standIn = newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
		box.ServeHTTP(w, r)
		time.Sleep(rand.N(delay + 1)) // applied, and not answered yet
	})
	return box
}

// tokenRows are n rows that give each account a token of its own.
func tokenRows(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":"ca_%d","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new-token-%d"}}}}`, i+1, i+1))
	}
	return rows
}

// hasTokens checks the end state.
func (b *tokenBox) hasTokens(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if a, _ := b.Account(fmt.Sprintf("ca_%d", i+1)); a.Credentials["token"] != fmt.Sprintf("new-token-%d", i+1) {
			t.Fatalf("not as it should be: %v", a)
		}
	}
}

// A short form of the proof; with COMPOSIO_SOAK set (make soak) the full one.
func TestKillLosesNothingThatIsFinished(t *testing.T) {
	rows, kills := 150, 3
	if os.Getenv("COMPOSIO_SOAK") != "" {
		rows, kills = 5000, 20
	}
	const concurrency = 16
	box := newTokenBox(t, rows, 20*time.Millisecond, sandbox.WithRateLimit(0, 0))
	journal := newPath(t)
	// Slow enough for all the kills to meet it at work.
	args := []string{"bulk", inputFile(t, tokenRows(rows)...), "--journal", journal, fmt.Sprintf("--concurrency=%d", concurrency), fmt.Sprintf("--rate=%d/s", max(200, rows/10))}
	finished, repeated := 0, 0
	for kill := range kills {
		p := newProcess(t, args...).start(t)
		goal := (kill + 1) * rows / (kills + 2) // it is killed when this many are finished
		for range 60_000 {
			if lines, err := os.ReadFile(journal); err == nil && strings.Count(string(lines), "\n") > goal {
				break
			}
			time.Sleep(time.Millisecond)
		}
		p.signal(t, os.Kill)
		p.wait()
		done := map[string]bool{}
		for _, entry := range readJournal(t, journal) {
			done[entry.ID] = done[entry.ID] || entry.Outcome == outcomeDone
		}
		if len(done) < finished {
			t.Errorf("kill %d: %d rows are finished, fewer than the %d before", kill, len(done), finished)
		}
		finished = len(done)
		open := len(box.bodies()) - finished // what was sent and is not in the journal was under way
		if repeated += open; open > concurrency+1 {
			t.Errorf("kill %d: %d rows were sent and are not in the journal", kill, open)
		}
	}
	wantStart(t, newProcess(t, args...).start(t).wait(), exitDone, fmt.Sprintf("%d done, %d done before; in ", rows-finished, finished))
	box.hasTokens(t, rows)
	if total := len(box.received()); total != rows+repeated {
		t.Errorf("%d requests for %d rows of which %d were under way at a kill", total, rows, repeated)
	}
	wantStart(t, command(t, args...), exitDone, fmt.Sprintf("0 done, %d done before; in ", rows))
}

// The commands are README.md's, with fewer rows.
func TestThreeProcessesShareABudgetAndARotation(t *testing.T) {
	const limit, machines = 200, 3
	rows, window := 60, 50*time.Millisecond
	if os.Getenv("COMPOSIO_SOAK") != "" {
		rows, window = 30*limit, time.Second
	}
	box := newTokenBox(t, rows, 0, sandbox.WithRateLimit(limit, window))
	commands := regexp.MustCompile(`\n    split -l 333334 rows.jsonl (part-) .*\n(?s:.*)\n    composio-patch (bulk part-aa --journal part-aa.journal)\n`).FindStringSubmatch(readFile(t, "README.md"))
	if commands == nil {
		t.Fatal("README.md splits a rotation in another way")
	}
	split := exec.Command("split", "-l", strconv.Itoa(rows/machines), inputFile(t, tokenRows(rows)...), commands[1])
	split.Dir = t.TempDir()
	if out, err := split.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var parts []*process
	for _, part := range []string{"part-aa", "part-ab", "part-ac"} {
		parts = append(parts, newProcess(t, strings.Fields(strings.ReplaceAll(commands[2], "part-aa", filepath.Join(split.Dir, part)))...).start(t))
	}
	for _, p := range parts {
		wantStart(t, p.wait(), exitDone, fmt.Sprintf("%d done; in ", rows/machines))
	}
	box.hasTokens(t, rows)
	for _, p := range parts {
		wantStart(t, command(t, p.Args[1:]...), exitDone, fmt.Sprintf("0 done, %d done before; in ", rows/machines))
	}
}

// Resident memory, measured on processes of their own: with COMPOSIO_SOAK set (make soak) of a dry run of a million rows
// and of a run of 100,000. Where there is no /proc, there is nothing to compare.
func TestMemoryOfARunIsFlat(t *testing.T) {
	few, dry, sent := 100, 1000, 500
	if os.Getenv("COMPOSIO_SOAK") != "" {
		few, dry, sent = 10_000, 1_000_000, 100_000
	}
	newTokenBox(t, max(few, sent), 0, sandbox.WithRateLimit(0, 0))
	for _, tt := range []struct {
		rows int
		args []string
	}{{dry, []string{"--dry-run"}}, {sent, nil}} {
		small, large := peakMemory(t, few, tt.args...), peakMemory(t, tt.rows, tt.args...)
		if large > small+32<<10+tt.rows/10 { // a hash of each row and of its id may stay, 100 bytes at most
			t.Errorf("%v: %d KiB with %d rows, %d KiB with %d", tt.args, small, few, large, tt.rows)
		}
	}
}

// peakMemory runs the command on a file of so many rows, and returns the most that was resident, in KiB.
func peakMemory(t *testing.T, rows int, args ...string) int {
	t.Helper()
	path := inputFile(t, tokenRows(rows)...)
	start := time.Now()
	p := newProcess(t, append([]string{"bulk", path, "--journal", path + ".journal"}, args...)...)
	p.Stdout = nil // a dry run prints a line a row
	p.start(t)
	ended := make(chan outcome)
	go func() { ended <- p.wait() }()
	peak := 0
	for {
		// Not what Wait tells: that begins with what this process had when it started the other.
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			_, _ = fmt.Sscan(after, &peak)
		}
		select {
		case got := <-ended:
			wantStart(t, got, exitDone, "")
			t.Logf("bulk %v of %d rows: at most %.1f MiB resident, %v", args, rows, float64(peak)/1024, time.Since(start).Round(time.Millisecond))
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}
