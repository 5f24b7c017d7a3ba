package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// asCommand makes the test binary the command itself, for tests that need a process.
const asCommand = "COMPOSIO_PATCH_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // so that the commands started here obey it, also where nohup runs the tests
	goleak.VerifyTestMain(m)
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

// received is a request as a stand-in for Composio got it.
type received struct{ Method, Path, Key, UserAgent, Body string }

// standIn answers in Composio's place, keeps what it received, and is where the environment points.
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
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, received{r.Method, r.URL.EscapedPath(), r.Header.Get("X-Api-Key"), r.UserAgent(), string(body)})
		s.mu.Unlock()
		w.Header().Set("X-Request-Id", "req_1")
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	t.Setenv("COMPOSIO_API_KEY", testKey)
	t.Setenv("COMPOSIO_BASE_URL", s.URL)
	return s
}

func (s *standIn) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
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

// heldServer answers when it is told to, with what answer says.
type heldServer struct {
	*standIn
	arrived chan string
	release chan struct{}
	answer  http.HandlerFunc
}

func newHeldServer(t *testing.T) *heldServer {
	s := &heldServer{arrived: make(chan string, 1000), release: make(chan struct{}), answer: answers(200, applied)}
	s.standIn = newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
		s.arrived <- r.URL.Path
		select {
		case <-s.release:
			s.answer(w, r)
		case <-r.Context().Done():
		}
	})
	return s
}

// want compares what a command left behind with what it should.
func want(t *testing.T, got, want outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHelpSucceedsAndSaysWhatMatters(t *testing.T) {
	for command, words := range map[string][]string{
		"": {"update <id> [flags]", "bulk <file> [flags]", "sandbox [flags]", "help [<command>] [flags]", "version [flags]", "completion <shell> [flags]", "--version"},
		"bulk": {
			"--check", "--dry-run", "--journal=F", "--json", "--concurrency=N", "--rate=R", "--share=S", "--max-retries=N", "--timeout=D",
			"--base-url=U", "--sandbox", "SIGINT", "1 some are not; 2 wrong usage or bad input;", `{"id":"ca_...","alias":"work"`,
		},
		"update": {
			"--alias=A", "--clear-alias", "--scheme=S", "--set=FIELD=VALUE", "--set-file=FIELD=PATH", "--clear=FIELD", "--allow-all",
			"--allow-user=U", "--allow-none", "--deny-user=U", "--deny-none", "--json", "--timeout=D", "--max-retries=N",
			"--base-url=U", "--sandbox", "COMPOSIO_API_KEY", "process list", "Bound one attempt", "3 outcome unknown",
			"generic_api_key", "installation_id",
		},
		"sandbox": {"--addr=HOST:PORT", "127.0.0.1:8787", "--api-key=K"},
	} {
		t.Run(command, func(t *testing.T) {
			got := commandIn(t, nil, append(strings.Fields(command), "--help")...)
			if got.Status != 0 || got.Err != "" {
				t.Errorf("status %d, standard error %q", got.Status, got.Err)
			}
			text := strings.Join(strings.Fields(got.Out), " ")
			for _, word := range words {
				if !strings.Contains(text, word) {
					t.Errorf("no %q in:\n%s", word, got.Out)
				}
			}
		})
	}
}

func TestWrongUsageIsExplainedAndSendsNothing(t *testing.T) {
	const see = "\nfix: nothing was sent; see composio-patch help "
	composio := newStandIn(t, answers(200, applied))
	for name, tt := range map[string]struct {
		args []string
		err  string
		help string
	}{
		"no id":                 {[]string{"update", "--alias=a"}, `expected "<id>"`, "update"},
		"two ids":               {[]string{"update", "ca_1", "ca_2", "--alias=a"}, "unexpected argument [argument 3]", "update"},
		"flag in place of text": {[]string{"update", "ca_1", "--alias", "--json=false"}, "--alias: the value is missing; write --alias=VALUE for one that begins with a hyphen", "update"},
		"nothing after a flag":  {[]string{"update", "ca_1", "--alias"}, "--alias: the value is missing; write --alias=VALUE for one that begins with a hyphen", "update"},
		"nothing after a list":  {[]string{"update", "ca_1", "--set"}, `--set: missing value, expecting "<arg>"`, "update"},
		"no duration":           {[]string{"update", "ca_1", "--timeout=soon"}, "--timeout: expected a duration, such as 10s", "update"},
		"no number":             {[]string{"update", "ca_1", "--max-retries=many"}, "--max-retries: expected a whole number", "update"},
		"neither true nor false": {[]string{"update", "ca_1", "--allow-all=Perhaps", "update"},
			`--allow-all: bool value must be true, 1, yes, false, 0 or no`, "update"},
		"two aliases":           {[]string{"update", "ca_1", "--alias=a", "--clear-alias"}, "--alias and --clear-alias can't be used together", "update"},
		"allow some and none":   {[]string{"update", "ca_1", "--allow-user=u", "--allow-none"}, "--allow-user and --allow-none can't be used together", "update"},
		"deny some and none":    {[]string{"update", "ca_1", "--deny-user=u", "--deny-none"}, "--deny-user and --deny-none can't be used together", "update"},
		"two servers":           {[]string{"update", "ca_1", "--alias=a", "--base-url=https://x.test", "--sandbox"}, "--base-url and --sandbox can't be used together", "update"},
		"set without scheme":    {[]string{"update", "ca_1", "--set=token=x"}, "--set, --set-file and --clear need --scheme, the scheme that the account was connected with", "update"},
		"file without scheme":   {[]string{"update", "ca_1", "--set-file=token=main.go"}, "--set, --set-file and --clear need --scheme, the scheme that the account was connected with", "update"},
		"clear without scheme":  {[]string{"update", "ca_1", "--clear=token"}, "--set, --set-file and --clear need --scheme, the scheme that the account was connected with", "update"},
		"scheme alone":          {[]string{"update", "ca_1", "--alias=a", "--scheme=BASIC"}, "--scheme changes nothing by itself; add --set, --set-file or --clear", "update"},
		"set without =":         {[]string{"update", "ca_1", "--scheme=BASIC", "--set=password"}, "--set: a value is not of the form FIELD=VALUE (it is not shown, since it may be a secret)", "update"},
		"file without =":        {[]string{"update", "ca_1", "--scheme=BASIC", "--set-file=password"}, "--set-file: a value is not of the form FIELD=PATH (it is not shown, since it may be a secret)", "update"},
		"unknown field":         {[]string{"update", "ca_1", "--scheme=BASIC", "--set=pass=x"}, "--set: unknown FIELD (it is not shown, since it may be a secret); there are " + strings.Join(fieldNames(), ", "), "update"},
		"unknown field of file": {[]string{"update", "ca_1", "--scheme=BASIC", "--set-file=pass=-"}, "--set-file: unknown FIELD (it is not shown, since it may be a secret); there are " + strings.Join(fieldNames(), ", "), "update"},
		"unknown field cleared": {[]string{"update", "ca_1", "--scheme=BASIC", "--clear=pass"}, "--clear: unknown FIELD (it is not shown, since it may be a secret); there are " + strings.Join(fieldNames(), ", "), "update"},
		"set twice":             {[]string{"update", "ca_1", "--scheme=BASIC", "--set=password=a", "--set=password=b"}, "--set: the field password is given twice", "update"},
		"set and cleared":       {[]string{"update", "ca_1", "--scheme=BASIC", "--set=password=a", "--clear=password"}, "--clear: the field password is given twice", "update"},
		"set and from a file":   {[]string{"update", "ca_1", "--scheme=BASIC", "--set=password=a", "--set-file=password=-"}, "--set-file: the field password is given twice", "update"},
		"no port":               {[]string{"sandbox", "--addr=127.0.0.1"}, "--addr: not of the form HOST:PORT, such as 127.0.0.1:8787", "sandbox"},
		"empty key":             {[]string{"sandbox", "--api-key="}, "--api-key: the key is empty", "sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, command(t, tt.args...), outcome{exitUsage, "", "composio-patch: " + tt.err + strings.TrimRight(see+tt.help, " ") + "\n"})
		})
	}
	if got := composio.received(); got != nil {
		t.Errorf("sent %v", got)
	}
}

// Kong's mapper of strings leads through JSON and has "\ufffd" in place of what is not UTF-8, so that a damaged
// password would be stored. Here the wrapper gets to see it and refuses.
func TestAValueThatIsNoUTF8IsRefusedAndNotMended(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	const fix = "fix: nothing was sent; see composio-patch help update\n"
	want(t, command(t, "update", "ca_1", "--scheme=BEARER_TOKEN", "--set", "token=p\xff"),
		outcome{exitUsage, "", "composio-patch: credential token: the value is not valid UTF-8, which JSON cannot carry\n" + fix})
	want(t, command(t, "update", "ca_1", "--alias", "p\xff"),
		outcome{exitUsage, "", "composio-patch: the alias is not valid UTF-8, which JSON cannot carry\n" + fix})
	want(t, command(t, "update", "ca_1", "--allow-user", "p\xff"),
		outcome{exitUsage, "", "composio-patch: --allow-user: value 1 is not valid UTF-8, which JSON cannot carry\n" + fix})
	if got := composio.received(); got != nil {
		t.Errorf("sent %v", got)
	}
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

// signal sends a signal.
func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// asProcess prepares a program in whose environment the test binary is the command.
func asProcess(t *testing.T, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "GORACE=atexit_sleep_ms=0") // the race detector's second at exit
	return cmd
}

func startProcess(t *testing.T, in io.Reader, args ...string) *process {
	t.Helper()
	p := &process{Cmd: asProcess(t, os.Args[0], args...)}
	p.Stdin, p.Stdout, p.Stderr = in, &p.out, &p.err
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) wait() outcome {
	_ = p.Wait() // the exit status says it
	return outcome{p.ProcessState.ExitCode(), p.out.String(), p.err.String()}
}

func TestTheProcessExitsAsRunSays(t *testing.T) {
	newStandIn(t, answers(200, applied))
	clash := "--alias=work"
	for name, tt := range map[string]struct {
		in   string
		args []string
		want outcome
	}{
		"done": {"s3cr3t-of-stdin\n", []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file=token=-", "--json"}, outcome{
			0, `{"event":"row","id":"ca_1","outcome":"done","status":"ACTIVE","http_status":200,"code":0,"slug":"","request_id":"req_1","attempts":1}` + "\n", "",
		}},
		"not applied": {"", []string{"update", "ca_1", clash, "--base-url=http://127.0.0.1:1", "--max-retries=0"}, outcome{1, "", ""}},
		"wrong usage": {"", []string{"update"}, outcome{
			2, "", "composio-patch: expected \"<id>\"\nfix: nothing was sent; see composio-patch help update\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := startProcess(t, strings.NewReader(tt.in), tt.args...).wait()
			if tt.want.Status == exitFailed { // whose text has a request id of its own
				got.Err = ""
			}
			want(t, got, tt.want)
		})
	}
}

func TestASignalEndsACommandThatStillReads(t *testing.T) {
	newStandIn(t, answers(200, applied))
	in, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typist.Close()
	p := startProcess(t, in, "update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file=token=-")
	// More than a pipe holds, so that it is written only once the command reads. More never comes.
	if _, err := typist.Write(make([]byte, 512<<10)); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it was not ended by the signal: %v", p.ProcessState)
	}
}

func with(args []string, more ...string) []string { return append(slices.Clip(args), more...) }
