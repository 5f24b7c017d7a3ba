package composio_test

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The consumers in testdata are services of their own: modules outside this tree, which see what any service sees.

func TestAServicesBinaryHasNothingButWhatTheDesignAllows(t *testing.T) {
	t.Parallel()
	module := goList(t, "-m")[0]
	allowed := []string{
		module,
		"github.com/oapi-codegen/runtime",    // styles the path parameter
		"github.com/google/uuid",             // which the runtime needs; it makes request ids too
		"github.com/apapsch/go-jsonmerge/v2", // which the runtime needs
	}
	dir := consumer(t, "client")
	binary := filepath.Join(dir, "client")
	if out, err := goIn(t, dir, "build", "-o", binary, "."); err != nil {
		t.Fatalf("a module that imports the wrapper does not build: %v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(binary) // what go version -m prints
	if err != nil {
		t.Fatal(err)
	}
	var linked []string
	for _, dependency := range info.Deps {
		linked = append(linked, dependency.Path)
		if !slices.Contains(allowed, dependency.Path) {
			t.Errorf("a service's binary has %s: find who imports it with go mod why -m %s, and take the import out of wrapper/*.go; or, if the design allows it, add it to allowed here",
				dependency.Path, dependency.Path)
		}
	}
	if !slices.Contains(linked, module) {
		t.Errorf("the binary has %q, and not the wrapper", linked)
	}
}

func TestAServiceTestsWithTheSandboxAndTheContract(t *testing.T) {
	t.Parallel()
	dir := consumer(t, "service")
	out, err := goIn(t, dir, "test", "-count=1", ".")
	if err != nil {
		t.Fatalf("a service's tests fail, which passed before: see what changed in the exported packages, and whether a service has to know\n%s", out)
	}

	t.Run("and a wrong expectation fails", func(t *testing.T) {
		edit(t, filepath.Join(dir, "pertest_test.go"), `["token"] != "new-token"`, `["token"] != "another-token"`)
		out, err := goIn(t, dir, "test", "-count=1", ".")
		if err == nil || !strings.Contains(out, "--- FAIL: TestRotateReplacesTheToken") || !strings.Contains(out, "the token was not replaced: ") {
			t.Errorf("go test says %v:\n%s", err, out)
		}
		if strings.Contains(out, "new-token") || strings.Contains(out, "old-token") {
			t.Errorf("go test shows a token:\n%s", out)
		}
		edit(t, filepath.Join(dir, "pertest_test.go"), `["token"] != "another-token"`, `["token"] != "new-token"`)
	})

	t.Run("and a check that is not wired in fails, but in a filtered run", func(t *testing.T) {
		const wired = ", contract.Collect(&traffic))"
		edit(t, filepath.Join(dir, "suite_test.go"), wired, ")")
		out, err := goIn(t, dir, "test", "-count=1", "./...")
		if err == nil || strings.Contains(out, "--- FAIL") || !strings.Contains(out, "\nnothing was checked: ") {
			t.Errorf("go test says %v:\n%s", err, out)
		}
		if out, err := goIn(t, dir, "test", "-count=1", "-run", "Replaces", "./..."); err != nil {
			t.Errorf("go test -run says %v:\n%s", err, out)
		}
		edit(t, filepath.Join(dir, "suite_test.go"), "composio.NewTransport())\n	client", "composio.NewTransport()"+wired+"\n	client")
	})

	t.Run("and the workflow annotates a fake that breaks the contract", func(t *testing.T) {
		var workflow struct {
			Jobs map[string]struct{ Steps []struct{ Run string } }
		}
		if err := yaml.Unmarshal(readFile(t, "testdata/consumers/service/contract.yml"), &workflow); err != nil {
			t.Fatal(err)
		}
		steps := workflow.Jobs["contract"].Steps
		script := "export GITHUB_ACTIONS=true; " + steps[len(steps)-1].Run
		if out, err := runIn(t, dir, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script); err != nil || strings.Contains(out, "::") {
			t.Errorf("the workflow says %v:\n%s", err, out)
		}
		copyFile(t, "testdata/consumers/outdated/outdated_test.go", dir)
		out, err := runIn(t, dir, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		if err == nil || !strings.Contains(out, "\n  1x response 200 at /status: required\n") || !strings.Contains(out, "--- FAIL: TestRotateWithAnOutdatedFakeChecked") {
			t.Errorf("the workflow says %v:\n%s", err, out)
		}
		var annotations []string
		for line := range strings.SplitSeq(out, "\n") {
			if strings.HasPrefix(line, "::error") {
				annotations = append(annotations, line)
			}
		}
		want := []string{
			"::error title=Composio contract::response 200 at /status: required", // of the test
			"::error title=Composio contract::response 200 at /status: required (1x)",
		}
		if diff := cmp.Diff(want, annotations); diff != "" {
			t.Errorf("annotations (-want +got):\n%s\n%s", diff, out)
		}
	})
}

// The page has what the consumer is made of, so that it can be pasted.
func TestThePageForServicesShowsWhatIsTested(t *testing.T) {
	page := string(readFile(t, "contract/README.md"))
	for file, language := range map[string]string{
		"testdata/consumers/service/pertest_test.go": "go", "testdata/consumers/service/suite_test.go": "go",
		"testdata/consumers/service/contract.yml": "yaml",
	} {
		if !strings.Contains(page, "```"+language+"\n"+string(readFile(t, file))+"```\n") {
			t.Errorf("wrapper/contract/README.md does not have %s as it is", file)
		}
	}
	if n := strings.Count(string(readFile(t, "testdata/consumers/service/contract.yml")), "\n"); n > 10 {
		t.Errorf("the workflow has %d lines", n)
	}
	uses := regexp.MustCompile(`uses: \S+ # .*`)
	for _, step := range uses.FindAllString(string(readFile(t, "testdata/consumers/service/contract.yml")), -1) {
		if !strings.Contains(string(readFile(t, "../.github/workflows/ci.yml")), step) {
			t.Errorf("the workflow has another version than this module's: %s", step)
		}
	}
	for file, link := range map[string]string{"../README.md": "(wrapper/contract/README.md)", "../api/README.md": "(../wrapper/contract/README.md)"} {
		if !strings.Contains(string(readFile(t, file)), link) {
			t.Errorf("%s has no link %s", file, link)
		}
	}
}

// consumer makes a module of the files in a folder of testdata, outside this tree, which replaces this module with the
// tree. Its go.mod asks for the versions that this module does, so that no network is needed.
func consumer(t *testing.T, name string) (dir string) {
	t.Helper()
	readSources(t)
	dir = t.TempDir()
	files, err := filepath.Glob(filepath.Join("testdata/consumers", name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no consumer %s: %v", name, err)
	}
	for _, file := range files {
		copyFile(t, file, dir)
	}
	copyFile(t, "../go.sum", dir)
	ours := readFile(t, "../go.mod")
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	module := goList(t, "-m")[0]
	version := regexp.MustCompile(`(?m)^go .*$`).FindString(string(ours))
	requires := regexp.MustCompile(`(?ms)^require \(.*?^\)$`).FindAllString(string(ours), -1)
	text := fmt.Sprintf("module consumer.test/%s\n\n%s\n\nrequire %s v0.0.0\n\nreplace %s => %q\n\n%s\n",
		name, version, module, module, root, strings.Join(requires, "\n\n"))
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// goIn runs the go command in a module, offline.
func goIn(t *testing.T, dir string, args ...string) (output string, err error) {
	t.Helper()
	return runIn(t, dir, "go", args...)
}

func runIn(t *testing.T, dir, name string, args ...string) (output string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "PWD="+dir)
	out, err := command.CombinedOutput()
	return string(out), err
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func copyFile(t *testing.T, from, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), readFile(t, from), 0o600); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, path, before, after string) {
	t.Helper()
	data := readFile(t, path)
	if !strings.Contains(string(data), before) {
		t.Fatalf("%s has no %s", path, before)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
