package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// program is the command, built without the race detector, with which it takes four times as long to start.
var program string

// asCommand makes the test binary the command itself, for tests of what a process does at once, which the detector watches.
const asCommand = "COMPOSIO_PATCH_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // so that the commands started here obey it, also where nohup runs the tests
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	program = filepath.Join(dir, name)
	build := exec.Command("go", "run", "-exec", "cp", ".", program) // what is built to be run stays in Go's cache
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(dir)
		os.Exit(status)
	}))
}

// outcome is all that a command leaves behind.
type outcome struct {
	Status   int
	Out, Err string
}

// command runs the command in this process, with nothing on standard input.
func command(t *testing.T, args ...string) outcome {
	return commandIn(t, strings.NewReader(""), args...)
}

func commandIn(t *testing.T, in io.Reader, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(t.Context(), &stdio{in: in, out: &out, err: &errs}, name, args...)
	return outcome{status, out.String(), errs.String()}
}

// want compares what a command left behind with what it should.
func want(t *testing.T, got, want outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// wantStart checks the exit status, and how standard output begins.
func wantStart(t *testing.T, got outcome, status int, out string) {
	t.Helper()
	if got.Status != status || !strings.HasPrefix(got.Out, out) {
		t.Errorf("want status %d and %q: %+v", status, out, got)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newPath is where no file is yet.
func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "file")
}

// inputFile writes rows to a file.
func inputFile(t *testing.T, rows ...string) string {
	t.Helper()
	path := newPath(t)
	writeFile(t, path, strings.Join(rows, "\n")+"\n")
	return path
}

// received is a request as a stand-in for Composio got it.
type received struct{ Method, Path, Key, UserAgent, Body string }

// standIn answers in Composio's place and keeps what it received.
type standIn struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
}

const (
	testKey = "ak_test_key_of_the_environment"
	applied = `{"success":true,"status":"ACTIVE"}`
)

func newStandIn(t *testing.T, handler http.HandlerFunc) *standIn {
	t.Helper()
	s := newStandInElsewhere(t, handler)
	t.Setenv("COMPOSIO_API_KEY", testKey)
	t.Setenv("COMPOSIO_BASE_URL", s.URL)
	return s
}

// newStandInElsewhere returns one that no variable of this process points to, for tests that run in parallel.
func newStandInElsewhere(t *testing.T, handler http.HandlerFunc) *standIn {
	t.Helper()
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, received{r.Method, r.URL.EscapedPath(), r.Header.Get("X-Api-Key"), r.UserAgent(), string(body)})
		s.mu.Unlock()
		w.Header().Set("X-Request-Id", "req_1")
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// bodies are what was received, by account.
func (s *standIn) bodies() map[string][]string {
	got := map[string][]string{}
	for _, r := range s.received() {
		id := strings.TrimPrefix(r.Path, "/api/v3/connected_accounts/")
		got[id] = append(got[id], r.Body)
	}
	return got
}

// nothingIsSent fails the test if any request is made in it.
func nothingIsSent(t *testing.T) {
	t.Helper()
	s := newStandIn(t, answers(200, applied))
	t.Cleanup(func() {
		if got := s.received(); got != nil {
			t.Errorf("sent %v", got)
		}
	})
}

// answers returns a handler that always gives one answer.
func answers(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// inTurn returns a handler that gives each answer once, and then the last again.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handler := handlers[0]
		handlers = handlers[min(1, len(handlers)-1):]
		mu.Unlock()
		handler(w, r)
	}
}

// heldServer answers when it is told to, with what answer says.
type heldServer struct {
	*standIn
	arrived chan string
	release chan struct{}
	answer  http.HandlerFunc
}

func newHeldServer(t *testing.T) *heldServer {
	s := &heldServer{arrived: make(chan string, 1000), release: make(chan struct{}), answer: answers(200, applied)}
	s.standIn = newStandInElsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		s.arrived <- r.URL.Path
		select {
		case <-s.release:
			s.answer(w, r)
		case <-r.Context().Done():
		}
	})
	return s
}

// process is the command in a process of its own, whose words can be waited for.
type process struct {
	*exec.Cmd
	out, err spoken
}

// spoken is a buffer that one may look into while it is written to.
type spoken struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (w *spoken) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.Write(text)
}

func (w *spoken) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.String()
}

func (w *spoken) waitFor(t *testing.T, text string) {
	t.Helper()
	for range 20_000 {
		if strings.Contains(w.String(), text) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no %q in %q", text, w)
}

// asProcess prepares a program in whose environment the test binary is the command.
func asProcess(t *testing.T, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "GORACE=atexit_sleep_ms=0") // the race detector's second at exit
	return cmd
}

// newProcess prepares the command.
func newProcess(t *testing.T, args ...string) *process {
	return processOf(asProcess(t, program, args...))
}

// watched has the race detector watch the process.
func (p *process) watched() *process {
	p.Path = os.Args[0]
	return p
}

// newProcessAfter has a shell do something, and then become the command.
func newProcessAfter(t *testing.T, shell string, args ...string) *process {
	return processOf(asProcess(t, "sh", append([]string{"-c", shell + `; exec "$0" "$@"`, program}, args...)...))
}

func processOf(cmd *exec.Cmd) *process {
	p := &process{Cmd: cmd}
	p.Stdout, p.Stderr = &p.out, &p.err
	return p
}

// sendsTo has the process send to a stand-in.
func (p *process) sendsTo(s *standIn) *process {
	p.Env = append(p.Env, "COMPOSIO_API_KEY="+testKey, "COMPOSIO_BASE_URL="+s.URL)
	return p
}

func (p *process) start(t *testing.T) *process {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wait() outcome {
	_ = p.Wait() // the exit status says it
	return outcome{p.ProcessState.ExitCode(), p.out.String(), p.err.String()}
}

func with(args []string, more ...string) []string { return append(slices.Clip(args), more...) }

func TestASignalEndsACommandThatStillReads(t *testing.T) {
	p := newProcess(t, "update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file=token=-", "--sandbox")
	typist, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.start(t)
	// More than a pipe holds, so that it is written only once the command reads. More never comes.
	if _, err := typist.Write(make([]byte, 512<<10)); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)
	p.wait()
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it was not ended by the signal: %v", p.ProcessState)
	}
}
