package composio_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update accepts what the tests found in place of the files in testdata.
var update = flag.Bool("update", false, "write the files in testdata anew")

// unlisted is what go doc -all prints besides declarations: the package's page and headings, doc comments, and blank lines.
var unlisted = regexp.MustCompile(`(?ms)\A.*?^(?:CONSTANTS|FUNCTIONS|TYPES)$|^[A-Z]+$|^    .*?$|\s*// [^\n]*|^\s*?$`)

// TestPublicAPI compares the declarations of the exported packages with the files in testdata/api, so that a change of a
// name or a signature is seen by whoever reviews it.
func TestPublicAPI(t *testing.T) {
	t.Parallel()
	module := goLines(t, "list", "-m")[0]
	for _, line := range goLines(t, "list", "-f", "{{.Name}} {{.ImportPath}}", module+"/wrapper/...") {
		name, path, _ := strings.Cut(line, " ")
		if name == "main" || strings.Contains(path, "/internal/") {
			continue
		}
		file := strings.ReplaceAll(strings.TrimPrefix(path, module+"/"), "/", "-") + ".txt"
		declarations := unlisted.ReplaceAllString(strings.Join(goLines(t, "doc", "-all", path), "\n"), "")
		golden(t, "testdata/api/"+file, strings.TrimLeft(regexp.MustCompile(`\n+`).ReplaceAllString(declarations, "\n"), "\n")+"\n")
	}
	readSources(t)
}

// readSources opens what go doc and go build read for a test, or go test would show a result from before a change.
func readSources(t *testing.T) {
	t.Helper()
	for _, dir := range []string{".", "../gen", "../api"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				_, err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// goLines runs the go command and returns its lines.
func goLines(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	var problem strings.Builder
	command.Stderr = &problem
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &problem)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// golden compares a text with the file that has it, or writes the file.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(strings.Split(string(data), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s (-file +now):\n%s\nto accept it, run: make api", path, diff)
	}
}
