package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
	"example.com/composio/wrapper/sandbox"
)

func TestProgressIsALineEveryFewSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		std := &stdio{out: &out, err: &errs}
		count := &tally{total: 1000, start: time.Now()}
		text, asJSON := newProgress(std, false), newProgress(std, true)
		for range 120 { // twelve seconds
			time.Sleep(100 * time.Millisecond)
			count.Done++
			count.budget = composio.RateLimit{Limit: 2000, Remaining: 2000 - count.Done, Window: time.Minute, Known: true}
			text.show(count)
			asJSON.show(count)
		}
		count.total = -1
		time.Sleep(5 * time.Second)
		text.show(count)
		want := "50 of 1000 rows, 0 not applied, 0 unknown, 1m35s left, 10.0 a second, budget 1950 of 2000 left\n" +
			"100 of 1000 rows, 0 not applied, 0 unknown, 1m30s left, 10.0 a second, budget 1900 of 2000 left\n" +
			"120 rows, 0 not applied, 0 unknown, 7.1 a second, budget 1880 of 2000 left\n"
		if errs.String() != want {
			t.Errorf("got:\n%swant:\n%s", &errs, want)
		}
		wantJSON := `{"event":"progress","finished":50,"total":1000,"not_applied":0,"unknown":0,"rows_per_second":10,"seconds_left":95,"rate_limit":{"limit":2000,"remaining":1950,"window_seconds":60}}` + "\n" +
			`{"event":"progress","finished":100,"total":1000,"not_applied":0,"unknown":0,"rows_per_second":10,"seconds_left":90,"rate_limit":{"limit":2000,"remaining":1900,"window_seconds":60}}` + "\n"
		if out.String() != wantJSON {
			t.Errorf("got:\n%swant:\n%s", &out, wantJSON)
		}
	})
}

// A server that invents errors cannot make the summary grow without end.
func TestSummaryIsBounded(t *testing.T) {
	var count tally
	for i := range 1000 {
		count.count(bulk.Result{Sent: true, Err: &composio.Error{StatusCode: 400, Slug: fmt.Sprint(i)}}, sending{line: i})
	}
	total := 0
	for _, g := range count.Failures {
		total += g.Count
	}
	if n := len(count.Failures); n != maxGroups || total != 1000 || count.Failures[n-1].Label != "other errors" {
		t.Errorf("%d groups with %d failures", n, total)
	}
}

// Resident memory, measured on processes of their own: with COMPOSIO_SOAK set (make soak) of a dry run of a million rows
// and of a run of 100,000. Where there is no /proc, there is nothing to compare.
func TestMemoryOfARunIsFlat(t *testing.T) {
	few, dry, sent := 100, 1000, 500
	if os.Getenv("COMPOSIO_SOAK") != "" {
		few, dry, sent = 10_000, 1_000_000, 100_000
	}
	newCountedBox(t, max(few, sent), sandbox.WithRateLimit(0, 0))
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
	cmd := asProcess(t, os.Args[0], append([]string{"bulk", path, "--journal", path + ".journal"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	peak := 0
	for {
		// Not what Wait tells: that begins with what this process had when it started the other.
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			_, _ = fmt.Sscan(after, &peak)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %s", err, &errs)
			}
			t.Logf("bulk %v of %d rows: at most %.1f MiB resident, %v", args, rows, float64(peak)/1024, time.Since(start).Round(time.Millisecond))
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}
