package main

import (
	"bufio"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestAJournalIsOneRuns(t *testing.T) {
	s := newHeldServer(t)
	args := []string{"bulk", inputFile(t, aliasRows(3)...), "--journal", newPath(t), "--base-url", s.URL}
	t.Setenv("COMPOSIO_API_KEY", testKey)
	p := newProcess(t, args...).start(t)
	<-s.arrived
	want(t, command(t, args...), outcome{exitUsage, "", fmt.Sprintf("composio-patch: --journal: process %d is writing it\nfix: wait for that run to end, or end it\n", p.Process.Pid)})
	close(s.release)
	wantStart(t, p.wait(), exitDone, "3 done; in ")
	wantStart(t, command(t, args...), exitDone, "0 done, 3 done before; in ")
}

func TestARowIsInTheJournalBeforeItIsAnnounced(t *testing.T) {
	t.Parallel()
	s, journal := newStandInElsewhere(t, answers(200, applied)), newPath(t)
	p := newProcess(t, "bulk", inputFile(t, aliasRows(300)...), "--journal", journal, "--json", "--rate=1000/s").sendsTo(s)
	p.Stdout = nil
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.start(t)
	announced := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), `"event":"row"`) {
			announced++
		}
		if noted := readFile(t, journal); announced > strings.Count(noted, `"line":`) {
			t.Fatalf("%d rows announced, the journal is %s", announced, noted)
		}
	}
	if got := p.wait(); got.Status != exitDone || announced != 300 {
		t.Errorf("%d rows announced: %+v", announced, got)
	}
}

// A file size limit is what a full disk is: a write that is cut short, and then none.
func TestAFullDiskEndsTheRunAndLosesNoRow(t *testing.T) {
	for flag, tt := range map[string]struct {
		status int
		what   string
	}{"--journal": {200, "the journal"}, "--rejects": {400, "--rejects"}} {
		t.Run(flag, func(t *testing.T) {
			s := newStandIn(t, answers(tt.status, applied))
			args := []string{"bulk", inputFile(t, aliasRows(200)...), flag, newPath(t)}
			full := args[3]
			got := newProcessAfter(t, "ulimit -f 4", append(args, "--keep-going", "--concurrency=4")...).start(t).wait()
			if got.Status != exitFailed || !strings.Contains(got.Err, "composio-patch: "+tt.what+" cannot be written: "+syscall.EFBIG.Error()+"\n") {
				t.Errorf("%+v", got)
			}
			data, sent := readFile(t, full), len(s.received())
			if len(data) > 4096 || !strings.HasSuffix(data, "}\n") {
				t.Errorf("%d bytes, ending in %q", len(data), data[max(0, len(data)-50):])
			}
			noted := strings.Count(data, `"id":`)
			if sent > noted+5 {
				t.Errorf("%d rows were sent, %d are in the file", sent, noted)
			}
			if flag == "--journal" {
				wantStart(t, command(t, args...), exitDone, fmt.Sprintf("%d done, %d done before; in ", 200-noted, noted))
			}
		})
	}
}

func TestADamagedLineIsARowThatIsNotDone(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	journal := newPath(t)
	args := []string{"bulk", inputFile(t, aliasRows(4)...), "--journal", journal, "--concurrency=1"}
	wantStart(t, command(t, args...), exitDone, "")
	lines := strings.SplitAfter(readFile(t, journal), "\n")
	for name, tt := range map[string]struct {
		lines []string
		sent  int
		told  string
	}{
		"none":       {lines, 0, ""},
		"amid":       {[]string{lines[0], lines[1], "\x00\x00s3cr3t\n", lines[3], lines[4]}, 1, "3"},
		"no entry":   {[]string{lines[0], lines[1], "{}\n", lines[3], strings.Replace(lines[4], `:200,`, `:"200",`, 1)}, 2, "3, 5"},
		"no outcome": {[]string{lines[0], lines[1], strings.Replace(lines[2], `"done"`, `"d0ne"`, 1), strings.Replace(lines[3], `"outcome":"done",`, "", 1), lines[4]}, 2, "3, 4"},
		"another id": {[]string{lines[0], strings.Replace(lines[1], "ca_1", "ca_2", 1), lines[2], strings.Replace(lines[3], `"line":3`, `"line":9`, 1), lines[4]}, 2, "2, 4"},
		"a blank":    {[]string{"\x00\x00\n", "  \n"}, 4, "1, 2"},
		"its header": {[]string{strings.Replace(lines[0], "version", "\x00", 1)}, 4, "1"},
		"an extra":   {with(lines, "\n", "x\n"), 0, "6, 7"},
		"the header": {append([]string{"x\n"}, lines[1:]...), 4, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, journal, strings.Join(tt.lines, ""))
			before, told := len(s.received()), ""
			if tt.told != "" {
				told = "composio-patch: --journal: damaged in line " + tt.told + "; rows whose end stood there are not done, and are sent again\n"
			}
			got := command(t, args...)
			if sent := len(s.received()) - before; got.Status != exitDone || got.Err != told || sent != tt.sent {
				t.Errorf("%d sent, %+v", sent, got)
			}
			wantStart(t, command(t, args...), exitDone, "0 done, 4 done before; in ")
		})
	}
}
