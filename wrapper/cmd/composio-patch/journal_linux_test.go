package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAJournalIsOneRuns(t *testing.T) {
	s := newHeldServer(t)
	path := inputFile(t, aliasRows(3)...)
	journal := filepath.Join(t.TempDir(), "journal")
	p := startProcess(t, nil, "bulk", path, "--journal", journal)
	<-s.arrived
	want(t, command(t, "bulk", path, "--journal", journal), outcome{exitUsage, "", fmt.Sprintf("composio-patch: --journal: process %d is writing it\nfix: wait for that run to end, or end it\n", p.Process.Pid)})
	close(s.release)
	if got := p.wait(); got.Status != exitDone || len(s.received()) != 3 {
		t.Errorf("%d requests, %+v", len(s.received()), got)
	}
	if got := command(t, "bulk", path, "--journal", journal); got.Status != exitDone {
		t.Errorf("after its end: %+v", got)
	}
}

func TestARowIsInTheJournalBeforeItIsAnnounced(t *testing.T) {
	newStandIn(t, answers(200, applied))
	path := inputFile(t, aliasRows(300)...)
	journal := filepath.Join(t.TempDir(), "journal")
	out, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: asProcess(t, os.Args[0], "bulk", path, "--journal", journal, "--json", "--rate=1000/s")}
	p.Stdout, p.Stderr = writer, &p.err
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close() // the process has its own
	announced, buffer := "", make([]byte, 4096)
	for {
		n, err := out.Read(buffer)
		if err != nil {
			break
		}
		announced += string(buffer[:n])
		noted, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		if rows := strings.Count(announced, `"event":"row"`); rows > strings.Count(string(noted), `"line":`) {
			t.Fatalf("%d rows announced, the journal is %s", rows, noted)
		}
	}
	if got := p.wait(); got.Status != exitDone {
		t.Errorf("%+v", got)
	}
}

// A file size limit is what a full disk is: a write that is cut short, and then none.
func TestAFullDiskEndsTheRunAndLosesNoRow(t *testing.T) {
	for _, flag := range []string{"--journal", "--rejects"} {
		t.Run(flag, func(t *testing.T) {
			status := 200
			if flag == "--rejects" {
				status = 400
			}
			s := newStandIn(t, answers(status, applied))
			rows := aliasRows(500)
			path, dir := inputFile(t, rows...), t.TempDir()
			full := filepath.Join(dir, "full")
			p := &process{Cmd: asProcess(t, "sh", "-c", `ulimit -f 4; exec "$0" "$@"`, os.Args[0], "bulk", path, flag, full, "--keep-going", "--concurrency=4")}
			p.Stdout, p.Stderr = &p.out, &p.err
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			got := p.wait()
			what := map[string]string{"--journal": "the journal", "--rejects": "--rejects"}[flag]
			if got.Status != exitFailed || !strings.Contains(got.Err, "composio-patch: "+what+" cannot be written: "+syscall.EFBIG.Error()+"\n") {
				t.Errorf("%+v", got)
			}
			data, err := os.ReadFile(full)
			if err != nil || len(data) > 4096 || !strings.HasSuffix(string(data), "}\n") {
				t.Errorf("%v: %d bytes, ending in %q", err, len(data), data[max(0, len(data)-50):])
			}
			sent := len(s.received())
			if flag == "--journal" {
				done := len(readJournal(t, full))
				if sent > done+5 {
					t.Errorf("%d rows were sent, %d are in the journal", sent, done)
				}
				if got := command(t, "bulk", path, "--journal", full); got.Status != exitDone || len(s.received()) != sent+500-done {
					t.Errorf("%d more were sent: %+v", len(s.received())-sent, got)
				}
			} else if n := strings.Count(string(data), "\n"); sent > n+5 {
				t.Errorf("%d rows were sent, %d are in the file", sent, n)
			}
		})
	}
}

func TestADamagedLineIsARowThatIsNotDone(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	path := inputFile(t, aliasRows(4)...)
	journal := filepath.Join(t.TempDir(), "journal")
	if got := command(t, "bulk", path, "--journal", journal, "--concurrency=1"); got.Status != exitDone {
		t.Fatalf("%+v", got)
	}
	data, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	for name, tt := range map[string]struct {
		lines []string
		sent  int
		told  string
	}{
		"none":       {lines, 0, ""},
		"amid":       {[]string{lines[0], lines[1], "\x00\x00s3cr3t\n", lines[3], lines[4]}, 1, "3"},
		"no entry":   {[]string{lines[0], lines[1], "{}\n", lines[3], `{"line":"4"}` + "\n"}, 2, "3, 5"},
		"an extra":   {append(lines[:len(lines):len(lines)], "\n", "x\n"), 0, "6, 7"},
		"the header": {append([]string{"x\n"}, lines[1:]...), 4, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(journal, []byte(strings.Join(tt.lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			before, told := len(s.received()), ""
			if tt.told != "" {
				told = "composio-patch: --journal: damaged in line " + tt.told + "; rows whose end stood there are not done, and are sent again\n"
			}
			got := command(t, "bulk", path, "--journal", journal)
			if sent := len(s.received()) - before; got.Status != exitDone || got.Err != told || sent != tt.sent {
				t.Errorf("%d sent, %+v", sent, got)
			}
			before = len(s.received())
			if got := command(t, "bulk", path, "--journal", journal); got.Status != exitDone || len(s.received()) != before {
				t.Errorf("%d sent once more, %+v", len(s.received())-before, got)
			}
		})
	}
}
