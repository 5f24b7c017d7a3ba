package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const anUpdate = "waiting for the answer, and not trying again after it. Again stops at once"

func TestSignalsDuringAnUpdate(t *testing.T) {
	type signals = []os.Signal
	first := map[string]signals{"INT": {syscall.SIGINT}, "TERM": {syscall.SIGTERM}, "HUP": {syscall.SIGHUP}}
	for name, tt := range map[string]struct {
		shell  string
		first  map[string]signals // the last of them is the one that is told of
		answer int                // 0: none, but one more signal
		exit   int
	}{
		"the first lets it end, applied":     {"true", first, 200, exitDone},
		"the first lets it end, not applied": {"true", first, 429, exitFailed},
		"the first lets it end, unknown":     {"true", first, 500, exitUnknown},
		"the second stops it":                {"true", first, 0, exitUnknown},
		"an ignored HUP stays ignored":       {`trap "" HUP`, map[string]signals{"INT": {syscall.SIGHUP, syscall.SIGHUP, syscall.SIGINT}}, 200, exitDone},
	} {
		for sig, signals := range tt.first {
			t.Run(name+","+sig, func(t *testing.T) {
				t.Parallel()
				s := newHeldServer(t)
				s.answer = answers(tt.answer, applied)
				p := newProcessAfter(t, tt.shell, "update", "ca_1", "--alias=work").sendsTo(s.standIn).start(t)
				<-s.arrived
				for _, sig := range signals {
					p.signal(t, sig)
				}
				p.err.waitFor(t, anUpdate)
				if tt.answer == 0 {
					p.signal(t, os.Interrupt)
				} else {
					close(s.release)
				}
				got := p.wait()
				if len(s.received()) != 1 || got.Status != tt.exit || (tt.exit == exitUnknown) != strings.Contains(got.Err, "; the update may have been applied") {
					t.Errorf("%d requests, %+v", len(s.received()), got)
				}
			})
		}
	}
}

func TestASignalEndsTheWaitForARetry(t *testing.T) {
	t.Parallel()
	s := newStandInElsewhere(t, answers(429, "", "Retry-After", "50"))
	p := newProcess(t, "update", "ca_1", "--alias=work").sendsTo(s).start(t)
	p.err.waitFor(t, "again in 50.0 s")
	p.signal(t, os.Interrupt)
	if got := p.wait(); got.Status != exitFailed || len(s.received()) != 1 {
		t.Errorf("%d requests, %+v", len(s.received()), got)
	}
}

// The rows under way end, and no more are sent, of a file or of a stream that does not end.
func TestTheFirstSignalLetsTheRowsUnderWayEnd(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, file := range []string{inputFile(t, aliasRows(100)...), "-"} {
			t.Run(fmt.Sprintf("%v,stdin=%t", sig, file == "-"), func(t *testing.T) {
				t.Parallel()
				s := newHeldServer(t)
				p := newProcess(t, "bulk", file, "--concurrency=4").watched().sendsTo(s.standIn)
				if file == "-" {
					feed, err := p.StdinPipe()
					if err != nil {
						t.Fatal(err)
					}
					defer feed.Close()
					go func() { _, _ = io.WriteString(feed, strings.Join(aliasRows(100), "\n")+"\n") }()
				}
				p.start(t)
				s.letTheFirstPass(4)
				p.signal(t, sig)
				p.err.waitFor(t, "no more is sent; waiting for what is under way. Again stops at once")
				close(s.release)
				got := p.wait()
				out, told := "5 done, 95 not sent; in ", "\nto go on, run the same command again"
				if file == "-" {
					out, told = "5 done, ", "\nto go on, give the lines from 6 on again; "
				}
				wantStart(t, got, exitFailed, out)
				if n := len(s.received()); n != 5 || !strings.Contains(got.Err, told) || (file == "-") != strings.Contains(got.Out, ", the input not read to its end; in ") {
					t.Errorf("%d were sent; %+v", n, got)
				}
			})
		}
	}
}

// letTheFirstPass answers the first request, which goes alone, and waits for n more.
func (s *heldServer) letTheFirstPass(n int) {
	<-s.arrived
	s.release <- struct{}{}
	for range n {
		<-s.arrived
	}
}

func TestASignalBeforeTheFirstRowCutsAStreamOff(t *testing.T) {
	t.Parallel()
	p := newProcess(t, "bulk", "-", "--sandbox")
	feed, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	p.start(t).waitUntilIdle(t)
	p.signal(t, os.Interrupt)
	got := p.wait()
	wantStart(t, got, exitFailed, "0 done, the input not read to its end; in ")
	if !strings.HasSuffix(got.Err, "\nto go on, give the lines from 1 on again; some of them may be done, which does no harm\n") {
		t.Errorf("%s", got.Err)
	}
}

func TestTheSecondSignalStopsARun(t *testing.T) {
	for underWay, out := range map[int]string{4: "1 done, 4 unknown, 95 not sent; in ", 99: "1 done, 99 unknown; in "} {
		t.Run(fmt.Sprint(underWay), func(t *testing.T) {
			t.Parallel()
			s := newHeldServer(t)
			journal := newPath(t)
			p := newProcess(t, "bulk", inputFile(t, aliasRows(100)...), fmt.Sprintf("--concurrency=%d", underWay), "--journal", journal).watched().sendsTo(s.standIn).start(t)
			s.letTheFirstPass(underWay)
			for _, text := range []string{"Again stops at once", "stopped: the outcome of what was under way is unknown"} {
				p.signal(t, os.Interrupt)
				p.err.waitFor(t, text)
			}
			got := p.wait()
			if wantStart(t, got, exitUnknown, out); !strings.HasSuffix(got.Err, "\nto go on, run the same command again: rows that are done are left alone\n") ||
				!strings.Contains(got.Out, ": ended by a signal; the update may have been applied; ") {
				t.Errorf("%+v", got)
			}
			outcomes := map[string]int{}
			for _, entry := range readJournal(t, journal) {
				outcomes[entry.Outcome]++
			}
			if diff := cmp.Diff(map[string]int{"done": 1, "unknown": underWay}, outcomes); diff != "" {
				t.Errorf("journal (-want +got):\n%s", diff)
			}
		})
	}
}

// blocked returns the writing end of a pipe that nobody reads and that is full.
func blocked(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	_ = w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	return w
}

// waitUntilIdle returns when no thread of the process has had anything to do for some time, however busy the machine is.
func (p *process) waitUntilIdle(t *testing.T) {
	t.Helper()
	for idle := 0; idle < 5; idle++ {
		time.Sleep(20 * time.Millisecond)
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Process.Pid))
		for _, thread := range threads {
			stat, _ := os.ReadFile(thread)
			if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "R") || strings.HasPrefix(state, "D") {
				idle = -1
			}
		}
	}
}

func TestSignalsAreObeyedWhileOutputIsBlocked(t *testing.T) {
	update, run := []string{"update", "ca_1", "--alias=x"}, []string{"bulk", inputFile(t, aliasRows(queueLen+500)...), "--json"}
	never := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		args    []string
		answer  http.HandlerFunc
		signals []os.Signal
		exit    int
	}{
		"an update that is done":      {update, answers(200, applied), []os.Signal{syscall.SIGINT, syscall.SIGTERM}, exitDone},
		"an update without an answer": {update, never, []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}, exitUnknown},
		"a run":                       {run, answers(200, applied), []os.Signal{syscall.SIGHUP, syscall.SIGINT}, exitFailed},
		"a run without an answer":     {run, never, []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}, exitUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now atomic.Int32
			arrived := make(chan struct{}, 10_000)
			s := newStandInElsewhere(t, func(w http.ResponseWriter, r *http.Request) {
				now.Add(1)
				defer now.Add(-1)
				arrived <- struct{}{}
				tt.answer(w, r)
			})
			p := newProcess(t, tt.args...).watched().sendsTo(s)
			p.Stdout, p.Stderr = blocked(t), blocked(t)
			p.start(t)
			<-arrived
			for n := -1; n != len(arrived) || tt.exit != exitUnknown && now.Load() > 0; { // until a run has filled what it keeps for its output
				n = len(arrived)
				p.waitUntilIdle(t)
			}
			for _, sig := range tt.signals {
				p.signal(t, sig)
			}
			timer := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
			defer timer.Stop()
			if _ = p.Wait(); p.ProcessState.ExitCode() != tt.exit {
				t.Errorf("it ended with %v, want exit status %d", p.ProcessState, tt.exit)
			}
		})
	}
}

// A pipe that is closed, a full disk and all else that output can meet.
func TestOutputThatCannotBeWritten(t *testing.T) {
	rows := inputFile(t, aliasRows(50)...)
	update, bulk := []string{"update", "ca_1", "--alias=x"}, []string{"bulk", rows, "--json"}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	closed := func() *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close() // so that nobody reads
		t.Cleanup(func() { _ = w.Close() })
		return w
	}()
	const told = "composio-patch: standard output cannot be written: no space left on device\n"
	for name, tt := range map[string]struct {
		out    *os.File
		args   []string
		answer int
		want   outcome
	}{
		"closed, updated":           {closed, update, 200, outcome{0, "", ""}},
		"closed, not applied":       {closed, update, 404, outcome{1, "", "404"}},
		"closed, a run":             {closed, bulk, 200, outcome{0, "", ""}},
		"full, updated":             {full, update, 200, outcome{4, "", told}},
		"full, not applied":         {full, with(update, "--json"), 404, outcome{1, "", told}},
		"full, unknown":             {full, with(update, "--json", "--max-retries=0"), 500, outcome{3, "", told}},
		"full, a run":               {full, bulk, 200, outcome{4, "", told}},
		"full, a check":             {full, []string{"bulk", rows, "--check"}, 200, outcome{4, "", told}},
		"full, the help":            {full, []string{"--help"}, 200, outcome{4, "", told}},
		"full, the version":         {full, []string{"version"}, 200, outcome{4, "", told}},
		"full, a completion":        {full, []string{"completion", "bash"}, 200, outcome{4, "", told}},
		"full, in the sandbox":      {full, []string{"update", "ca_1a2b3c4d5e6f", "--alias=x", "--sandbox"}, 200, outcome{4, "", told}},
		"closed, in the sandbox":    {closed, []string{"update", "ca_1a2b3c4d5e6f", "--alias=x", "--sandbox"}, 200, outcome{0, "", ""}},
		"full, the help of a usage": {full, []string{"update"}, 200, outcome{2, "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandInElsewhere(t, answers(tt.answer, applied))
			p := newProcess(t, tt.args...).sendsTo(s)
			p.Stdout = tt.out
			p.start(t)
			if got := p.wait(); got.Status != tt.want.Status || !strings.Contains(got.Err, tt.want.Err) {
				t.Errorf("%+v", got)
			}
			if tt.args[0] == "bulk" && tt.args[2] == "--json" && len(s.received()) != 50 {
				t.Errorf("%d rows were sent", len(s.received()))
			}
		})
	}
	p := newProcess(t, update...).sendsTo(newStandInElsewhere(t, answers(404, "")))
	p.Stderr = full
	p.start(t)
	wantStart(t, p.wait(), exitFailed, "")
}
