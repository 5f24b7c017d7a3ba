package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// terminal is a pseudo-terminal with a process on it. What it shows is what a person would see.
type terminal struct {
	*exec.Cmd
	keys  *os.File
	shown spoken
	gone  chan struct{}
}

func onTerminal(t *testing.T, cmd *exec.Cmd, columns uint16) *terminal {
	t.Helper()
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{Cmd: cmd, keys: keys, gone: make(chan struct{})}
	go func() {
		defer close(term.gone)
		_, _ = io.Copy(&term.shown, keys) // it ends with an error when the process has gone
	}()
	t.Cleanup(func() { _ = keys.Close(); <-term.gone })
	return term
}

func (x *terminal) types(t *testing.T, text string) {
	t.Helper()
	if _, err := x.keys.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// wait returns the exit status and what was shown.
func (x *terminal) wait() (status int, shown string) {
	_ = x.Wait() // the exit status says it
	<-x.gone
	return x.ProcessState.ExitCode(), strings.ReplaceAll(x.shown.String(), "\r\n", "\n")
}

func TestOnATerminalASecretIsAskedForByItsFieldAndNotShown(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	x := onTerminal(t, asProcess(t, program, "update", "ca_1", "--scheme=BASIC", "--set-file=username=-", "--set-file=password=-"), 80)
	x.shown.waitFor(t, "username (is not shown): ")
	x.types(t, "s3cr3t robot\n")
	x.shown.waitFor(t, "password (is not shown): ")
	x.types(t, "pässword=with \"all\"\n")
	status, shown := x.wait()
	const all = "username (is not shown): \npassword (is not shown): \nca_1: updated; status ACTIVE, request id req_1, 1 attempt\n"
	if diff := cmp.Diff(all, shown); diff != "" || status != exitDone {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	const body = `{"connection":{"state":{"authScheme":"BASIC","val":{"password":"pässword=with \"all\"","username":"s3cr3t robot"}}}}`
	if got := composio.received(); len(got) != 1 || got[0].Body != body {
		t.Errorf("sent %v", got)
	}
}

func TestWhatATerminalCannotTakeIsRefused(t *testing.T) {
	nothingIsSent(t)
	for typed, why := range map[string]string{
		"\n":                             "nothing was typed",
		strings.Repeat("x", 5000) + "\n": "a terminal takes no line that is so long; use a file",
		"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY": "a terminal takes the first line alone; use a file",
		"{\n\"type\": 1}\n": "a terminal takes the first line alone; use a file",
	} {
		x := onTerminal(t, asProcess(t, program, "update", "ca_1", "--scheme=SERVICE_ACCOUNT", "--set-file=private_key=-"), 80)
		x.shown.waitFor(t, "private_key (is not shown): ")
		x.types(t, typed)
		status, shown := x.wait()
		const before, after = "private_key (is not shown): \ncomposio-patch: --set-file private_key: ", "\nfix: nothing was sent; see composio-patch help update\n"
		if diff := cmp.Diff(before+why+after, shown); diff != "" || status != exitUsage {
			t.Errorf("%.20q: status %d (-want +got):\n%s", typed, status, diff)
		}
	}
}

func TestNothingIsAskedForALineThatIsRefused(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "")
	x := onTerminal(t, asProcess(t, program, "update", "ca_1", "--scheme=BASIC", "--set-file=username=-"), 80)
	status, shown := x.wait()
	if status != exitUsage || !strings.HasPrefix(shown, "composio-patch: COMPOSIO_API_KEY is not set: ") {
		t.Errorf("status %d, %q", status, shown)
	}
}

// A terminal that went on hiding what is typed would be of no use afterwards.
func TestASignalAtTheQuestionLeavesTheTerminalAsItWas(t *testing.T) {
	newStandIn(t, answers(200, applied))
	for _, interrupt := range []func(x *terminal, pid int){
		func(x *terminal, _ int) { x.types(t, "\x03") }, // ctrl-c
		func(_ *terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) },
	} {
		cmd := asProcess(t, "sh", "-c", `trap : INT; stty -a; "$0" "$@"; echo "status $?"; stty -a`, program,
			"update", "ca_1", "--scheme=BASIC", "--set-file=password=-")
		x := onTerminal(t, cmd, 80)
		x.shown.waitFor(t, "password (is not shown): ")
		children, err := exec.CommandContext(t.Context(), "pgrep", "-P", strconv.Itoa(x.Process.Pid)).Output()
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(children)))
		if err != nil {
			t.Fatal(err)
		}
		interrupt(x, pid)
		_, shown := x.wait()
		before, rest, _ := strings.Cut(shown, "password (is not shown): ")
		_, after, asked := strings.Cut(rest, "status 1\n")
		if diff := cmp.Diff(before, after); diff != "" || !asked {
			t.Errorf("the terminal (-before +after):\n%s\nof %s", diff, shown)
		}
	}
}

func TestAnIgnoredHangupStaysIgnoredAtTheQuestion(t *testing.T) {
	newStandIn(t, answers(200, applied))
	x := onTerminal(t, asProcess(t, "sh", "-c", `trap "" HUP; exec "$0" "$@"`, program, "update", "ca_1", "--scheme=BASIC", "--set-file=password=-"), 80)
	x.shown.waitFor(t, "password (is not shown): ")
	if err := x.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	x.types(t, "s3cr3t\n")
	if status, shown := x.wait(); status != exitDone {
		t.Errorf("status %d, %q", status, shown)
	}
}

// A shell on a terminal is given what its user would: the program in PATH, the line that the README has, and tabs.
func TestShellsCompleteCommandLines(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, "composio-patch")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "rows.jsonl"), "")
	for shell, start := range map[string]string{
		"bash --norc --noprofile -i": "source <(composio-patch completion bash)",
		"zsh -f -i":                  "source <(composio-patch completion zsh)",
		"fish --no-config -i":        "composio-patch completion fish | source",
	} {
		args := strings.Fields(shell)
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(args[0])
			if err != nil {
				if args[0] == "bash" {
					t.Fatal(err)
				}
				return // the other shells are tested where they are
			}
			cmd := asProcess(t, path, args[1:]...)
			cmd.Dir = dir
			cmd.Env = append(cmd.Env, "PATH="+dir+":"+os.Getenv("PATH"), "TERM=dumb", "HOME="+dir, "PS1=$ ", "fish_features=no-query-term")
			x := onTerminal(t, cmd, 80)
			x.types(t, start+"\nprintf 'ready%s\\n' 1\n")
			x.shown.waitFor(t, "ready1")
			n := 0
			for typed, line := range map[string]string{
				"upd\t":                             "update",
				"update ca_1 --sch\tBEAR\t":         "update ca_1 --scheme BEARER_TOKEN",
				"update ca_1 --scheme=BEAR\t":       "update ca_1 --scheme=BEARER_TOKEN",
				"update ca_1 --set tok\t\bx":        "update ca_1 --set tokenx",
				"update ca_1 --set-file token=ro\t": "update ca_1 --set-file token=rows.jsonl",
				"update ca_1 --clear installa\t":    "update ca_1 --clear installation_id",
				"bulk ro\t--jour\t":                 "bulk rows.jsonl --journal",
				"help sand\t":                       "help sandbox",
				"completion fi\t":                   "completion fish",
			} {
				n++
				end := "end" + strconv.Itoa(n)
				// The line is printed and not run; what a shell adds after a word is a space.
				x.types(t, "composio-patch "+typed+"\x01printf '[%s]' \x05\nprintf 'end%d\\n' "+strconv.Itoa(n)+"\n")
				x.shown.waitFor(t, end)
				want := "[" + strings.Join(append([]string{"composio-patch"}, strings.Fields(line)...), "][") + "]"
				if !strings.Contains(x.shown.String(), want) {
					t.Errorf("%q: no %s in %q", typed, want, x.shown.String())
				}
			}
			x.types(t, "exit\n")
			x.wait()
		})
	}
}
