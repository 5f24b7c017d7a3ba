package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clone is a copy of what api/upstream-diff needs of the repository, in which september.yaml is api/openapi.yaml, and a
// go command that writes down what it is asked to install. If it is online, it installs this test in oasdiff's place.
type clone struct {
	t                      *testing.T
	root, log, tmp, online string
	env                    []string
}

func newClone(t *testing.T) *clone {
	t.Helper()
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &clone{t: t, root: filepath.Join(dir, "a clone"), log: filepath.Join(dir, "log"), tmp: filepath.Join(dir, "tmp"), online: filepath.Join(dir, "online")}
	for _, name := range []string{"go.mod", "go.sum", "api/upstream-diff", "api/api.go"} {
		c.copy(filepath.Join(root, name), name)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		c.copy(name, filepath.Join("api", "internal", "upstreamdiff", name))
	}
	c.copy(filepath.Join("testdata", "september.yaml"), "api/openapi.yaml")
	bin := filepath.Join(dir, "bin")
	for _, made := range []string{bin, c.tmp} {
		if err := os.Mkdir(made, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	shim := `#!/bin/sh
[ "$1" = install ] || exec "$REAL_GO" "$@"
[ -e "$ONLINE" ] || exit 1
echo "$@" >>"$INSTALLED"
ln -s "$STAND_IN" "$GOBIN/oasdiff"
`
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	c.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"REAL_GO="+goCommand, "INSTALLED="+c.log, "ONLINE="+c.online, "STAND_IN="+self, "TMPDIR="+c.tmp,
		standInFor+"="+testdata, standInAsk+"="+program(), "OASDIFF_CONFIG="+filepath.Join(dir, "none.yaml"))
	return c
}

func (c *clone) copy(from, to string) {
	c.t.Helper()
	data := file(c.t, from)
	info, err := os.Stat(from)
	if err != nil {
		c.t.Fatal(err)
	}
	to = filepath.Join(c.root, filepath.FromSlash(to))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(to, data, info.Mode()); err != nil {
		c.t.Fatal(err)
	}
}

// run runs the clone's script in a directory.
func (c *clone) run(dir string, args ...string) (stdout, stderr string, status int) {
	c.t.Helper()
	var out, complaint bytes.Buffer
	cmd := exec.Command(filepath.Join(c.root, "api", "upstream-diff"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, c.env, &out, &complaint
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			c.t.Fatal(err)
		}
		status = exit.ExitCode()
	}
	return out.String(), complaint.String(), status
}

func (c *clone) installed() string {
	c.t.Helper()
	data, err := os.ReadFile(c.log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(data)
}

// The steps follow each other in one clone, since building in it takes the time of this test.
func TestTheScriptFromAnEmptyCloneOn(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	elsewhere, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var april string
	for _, step := range []struct {
		name string
		test func(*testing.T)
	}{
		{"it says what it wants", func(t *testing.T) {
			for _, args := range [][]string{{}, {""}, {"a", "b"}} {
				_, stderr, status := c.run(c.root, args...)
				if want := "upstream-diff: say which document: api/upstream-diff FILE|URL, or make upstream-diff UPSTREAM=FILE|URL\n"; status != exitFailed || stderr != want {
					t.Errorf("%q: status %d, %s", args, status, stderr)
				}
			}
		}},
		{"what cannot be compared is said before anything takes a network", func(t *testing.T) {
			_, stderr, status := c.run(elsewhere, "none.yaml")
			if status != exitFailed || !strings.HasPrefix(stderr, "upstream-diff: none.yaml cannot be read") {
				t.Errorf("status %d, %s", status, stderr)
			}
		}},
		{"without a network there is no oasdiff", func(t *testing.T) {
			_, stderr, status := c.run(elsewhere, "september.yaml")
			if status != exitFailed || !strings.Contains(stderr, "could not be built, which takes a network once") {
				t.Errorf("status %d, %s", status, stderr)
			}
		}},
		{"with one it is built, and the file is found from another directory", func(t *testing.T) {
			if err := os.WriteFile(c.online, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, status := c.run(elsewhere, "september.yaml")
			if status != exitFits || !strings.HasPrefix(stdout, "No difference: ") {
				t.Errorf("status %d, %s%s", status, stdout, stderr)
			}
			if want := "install github.com/oasdiff/oasdiff@" + pinned() + "\n"; c.installed() != want {
				t.Errorf("installed %q, want %q", c.installed(), want)
			}
		}},
		{"once, and then no network is needed", func(t *testing.T) {
			if err := os.Remove(c.online); err != nil {
				t.Fatal(err)
			}
			var stderr string
			var status int
			april, stderr, status = c.run(c.root, filepath.Join(elsewhere, "april.yaml"))
			if status != exitBreaks || stderr != "" || !strings.Contains(april, titleBreaks) {
				t.Errorf("status %d, %s%s", status, april, stderr)
			}
		}},
		{"a second run prints the same", func(t *testing.T) {
			if again, _, _ := c.run(elsewhere, "april.yaml"); again != april {
				t.Errorf("first:\n%s\nthen:\n%s", april, again)
			}
		}},
		{"another version of oasdiff is built anew", func(t *testing.T) {
			script := filepath.Join(c.root, "api", "upstream-diff")
			data := bytes.Replace(file(t, script), []byte("oasdiff_version="+pinned()), []byte("oasdiff_version=v9.9.9"), 1)
			if err := os.WriteFile(script, data, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(c.online, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, stderr, status := c.run(elsewhere, "april.yaml"); status != exitBreaks || !strings.HasSuffix(c.installed(), "oasdiff@v9.9.9\n") {
				t.Errorf("status %d, installed %q: %s", status, c.installed(), stderr)
			}
		}},
		{"nothing is left behind", func(t *testing.T) {
			if left, err := os.ReadDir(c.tmp); err != nil || len(left) > 0 {
				t.Errorf("%v %v", left, err)
			}
		}},
	} {
		t.Run(step.name, step.test)
	}
}
