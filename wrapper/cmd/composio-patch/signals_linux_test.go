package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"strings"
	"syscall"
	"testing"
	"time"
)

const anUpdate = "waiting for the answer, and not trying again after it. Again stops at once"

func TestTheFirstSignalLetsAnUpdateEndAndTriesNoMore(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for status, exit := range map[int]int{200: exitDone, 429: exitFailed, 500: exitUnknown} {
			s := newHeldServer(t)
			s.answer = answers(status, applied)
			p := startProcess(t, nil, "update", "ca_1", "--alias=work")
			<-s.arrived
			p.signal(t, sig)
			p.err.waitFor(t, anUpdate)
			close(s.release)
			if got := p.wait(); got.Status != exit || len(s.received()) != 1 {
				t.Errorf("%v, answer %d: %d requests, %+v", sig, status, len(s.received()), got)
			}
		}
	}
}

func TestASignalEndsTheWaitForARetry(t *testing.T) {
	s := newStandIn(t, answers(429, "", "Retry-After", "50"))
	p := startProcess(t, nil, "update", "ca_1", "--alias=work")
	p.err.waitFor(t, "again in 50.0 s")
	p.signal(t, os.Interrupt)
	if got := p.wait(); got.Status != exitFailed || len(s.received()) != 1 {
		t.Errorf("%d requests, %+v", len(s.received()), got)
	}
}

func TestTheSecondSignalStopsAnUpdateOfUnknownOutcome(t *testing.T) {
	s := newHeldServer(t)
	p := startProcess(t, nil, "update", "ca_1", "--alias=work")
	<-s.arrived
	p.signal(t, os.Interrupt)
	p.err.waitFor(t, anUpdate)
	p.signal(t, os.Interrupt)
	if got := p.wait(); got.Status != exitUnknown || got.Out != "" || !strings.Contains(got.Err, "; the update may have been applied") {
		t.Errorf("%+v", got)
	}
}

func TestAnIgnoredHangupStaysIgnored(t *testing.T) {
	s := newHeldServer(t)
	p := &process{Cmd: asProcess(t, "sh", "-c", `trap "" HUP; exec "$0" "$@"`, os.Args[0], "update", "ca_1", "--alias=work")}
	p.Stdout, p.Stderr = &p.out, &p.err
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	<-s.arrived
	p.signal(t, syscall.SIGHUP)
	p.signal(t, syscall.SIGHUP)
	p.signal(t, os.Interrupt)
	p.err.waitFor(t, anUpdate) // so the interrupt was the first
	close(s.release)
	if got := p.wait(); got.Status != exitDone {
		t.Errorf("%+v", got)
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

func TestSignalsAreObeyedWhileOutputIsBlocked(t *testing.T) {
	for name, tt := range map[string]struct {
		args    []string
		answer  http.HandlerFunc
		signals []os.Signal
		exit    int
	}{
		"an update that is done":      {[]string{"update", "ca_1", "--alias=x"}, answers(200, applied), []os.Signal{syscall.SIGINT, syscall.SIGTERM}, exitDone},
		"an update without an answer": {[]string{"update", "ca_1", "--alias=x"}, nil, []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}, exitUnknown},
		"a run":                       {[]string{"bulk", inputFile(t, aliasRows(5000)...), "--json"}, answers(200, applied), []os.Signal{syscall.SIGHUP, syscall.SIGINT}, exitFailed},
		"a run without an answer":     {[]string{"bulk", inputFile(t, aliasRows(5000)...), "--json"}, nil, []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}, exitUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{}, 10_000)
			newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
				arrived <- struct{}{}
				if tt.answer == nil {
					<-r.Context().Done()
					return
				}
				tt.answer(w, r)
			})
			p := asProcess(t, os.Args[0], tt.args...)
			p.Stdout, p.Stderr = blocked(t), blocked(t)
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			for n := -1; n != len(arrived); time.Sleep(300 * time.Millisecond) { // until a run has filled what it keeps for its output
				n = len(arrived)
			}
			for _, sig := range tt.signals {
				if err := p.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond) // else they may arrive in another order
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
	defer full.Close()
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
			s := newStandIn(t, answers(tt.answer, applied))
			p := &process{Cmd: asProcess(t, os.Args[0], tt.args...)}
			p.Stdout, p.Stderr = tt.out, &p.err
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			if got := p.wait(); got.Status != tt.want.Status || !strings.Contains(got.Err, tt.want.Err) {
				t.Errorf("%+v", got)
			}
			if tt.args[0] == "bulk" && tt.args[2] == "--json" && len(s.received()) != 50 {
				t.Errorf("%d rows were sent", len(s.received()))
			}
		})
	}
	newStandIn(t, answers(404, ""))
	p := &process{Cmd: asProcess(t, os.Args[0], update...)}
	p.Stdout, p.Stderr = &p.out, full
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if got := p.wait(); got.Status != exitFailed {
		t.Errorf("%+v", got)
	}
}

// What net/http writes to the standard log quotes a broken server's words, which may be the key.
func TestNothingIsPrintedOfWhatNoRequestAskedFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for reader := bufio.NewReader(conn); ; {
					request, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(applied), applied)
					time.Sleep(20 * time.Millisecond) // by then the connection is idle
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 500 %s\r\n\r\n", request.Header.Get("X-Api-Key"))
				}
			}()
		}
	}()
	t.Setenv("COMPOSIO_API_KEY", "ak_s3cr3t_key")
	t.Setenv("COMPOSIO_BASE_URL", "http://"+listener.Addr().String())
	got := startProcess(t, nil, "bulk", inputFile(t, aliasRows(20)...), "--rate=20/s").wait()
	if strings.Contains(got.Out+got.Err, "s3cr3t") || strings.Contains(got.Err, "Unsolicited") || !strings.Contains(got.Out, "20 done") {
		t.Errorf("%+v", got)
	}
}
