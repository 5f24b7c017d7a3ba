package composio_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A service of its own, a module outside this tree, tests with the sandbox and checks the contract as a workflow does.
func TestAServiceTestsWithTheSandboxAndTheContract(t *testing.T) {
	t.Parallel()
	const source, wired = "testdata/consumers/service", ", contract.Collect(&traffic))"
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal(readFile(t, source+"/contract.yml"), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs["contract"].Steps
	var outdated []string
	for _, times := range []string{"", " (1x)"} { // of the test, and of the suite
		for _, property := range slices.Sorted(slices.Values(schema(t, "PatchConnectedAccountResponse").Required)) {
			if property != "success" && property != "id" { // which the fake has
				outdated = append(outdated, "::error title=Composio contract::response 200 at /"+property+": required"+times)
			}
		}
	}
	for _, test := range []struct {
		name                string
		file, before, after string // a change of the service
		add                 string // a file beside it
		fails               bool
		shows, never        []string
		annotations         []string
	}{
		{name: "as it is"},
		{
			name: "with a check that is not wired in", file: "suite_test.go", before: wired, after: ")",
			fails: true, shows: []string{"\nnothing was checked: "}, never: []string{"--- FAIL"},
			annotations: []string{"::error title=Composio contract::nothing was checked: have the tests send through contract.Transport with contract.Collect of this report, or set its AllowNone"},
		},
		{
			name: "with a wrong expectation and an outdated fake",
			file: "pertest_test.go", before: `["token"] != "new-token"`, after: `["token"] != "another-token"`, add: "testdata/consumers/outdated/outdated_test.go",
			fails: true, never: []string{"new-token", "old-token"}, annotations: outdated, shows: []string{
				"--- FAIL: TestRotateReplacesTheToken", "the token was not replaced: ",
				"\n  1x response 200 at /status: required\n", "--- FAIL: TestRotateWithAnOutdatedFakeChecked",
			},
		},
	} {
		inParallel(t, test.name, func(t *testing.T) {
			dir := newModule(t)
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			script := "export GITHUB_ACTIONS=true; " + steps[len(steps)-1].Run
			if test.file != "" {
				script = "GOFLAGS+=' -vet=off'; " + script // the first vets what all have
				text := string(readFile(t, filepath.Join(source, test.file)))
				if !strings.Contains(text, test.before) {
					t.Fatalf("%s has no %s", test.file, test.before)
				}
				writeFile(t, filepath.Join(dir, test.file), strings.Replace(text, test.before, test.after, 1))
			}
			if test.add != "" {
				writeFile(t, filepath.Join(dir, filepath.Base(test.add)), string(readFile(t, test.add)))
			}
			out, err := runIn(t, dir, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			if (err != nil) != test.fails {
				t.Errorf("go test says %v", err)
			}
			for _, part := range test.shows {
				if !strings.Contains(out, part) {
					t.Errorf("the output lacks %q", part)
				}
			}
			for _, part := range test.never {
				if strings.Contains(out, part) {
					t.Errorf("the output shows %q", part)
				}
			}
			if got := regexp.MustCompile(`(?m)^::error.*$`).FindAllString(out, -1); !slices.Equal(got, test.annotations) {
				t.Errorf("annotations %q, want %q", got, test.annotations)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
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

// newModule makes an empty module outside this tree, which replaces this module with the tree. Its go.mod asks for the
// versions that this module does, so that no network is needed.
func newModule(t *testing.T) (dir string) {
	t.Helper()
	readSources(t)
	dir = t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	ours := readFile(t, "../go.mod")
	version := regexp.MustCompile(`(?m)^go .*$`).FindString(string(ours))
	requires := regexp.MustCompile(`(?ms)^require \(.*?^\)$`).FindAllString(string(ours), -1)
	writeFile(t, filepath.Join(dir, "go.mod"), fmt.Sprintf("module consumer.test/service\n\n%s\n\nrequire example.com/composio v0.0.0\n\nreplace example.com/composio => %q\n\n%s\n",
		version, root, strings.Join(requires, "\n\n"))) // make rename changes the path and its version
	writeFile(t, filepath.Join(dir, "go.sum"), string(readFile(t, "../go.sum")))
	return dir
}

// runIn runs a program in a module, where the go command is offline.
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

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
