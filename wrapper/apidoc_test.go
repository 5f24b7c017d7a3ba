package composio_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// A service links our own client, its hook for bulk, and the generator's small runtime with what that needs: never the
// OpenAPI machinery that the tests and the other packages use.
func TestWhatAServiceLinks(t *testing.T) {
	t.Parallel()
	module := goLines(t, "list", "-m")[0]
	ours := []string{module + "/gen", module + "/wrapper", module + "/wrapper/internal/hook"}
	modules := []string{module, "github.com/apapsch/go-jsonmerge/v2", "github.com/google/uuid", "github.com/oapi-codegen/runtime"}
	// What costs a small service more than it gives: regexp is 5 % of its binary.
	heavy := []string{"regexp", "testing", "go/ast", "net/http/httptest", "embed"}

	packages := map[string][]string{} // by module; the standard library has none
	for _, line := range goLines(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}} {{.ImportPath}}", module+"/wrapper") {
		from, path, _ := strings.Cut(line, " ")
		packages[from] = append(packages[from], path)
		if from == "" && slices.Contains(heavy, path) || from != "" && !slices.Contains(modules, from) {
			t.Errorf("a service would link %s: find who imports it with go mod why, and take the import out of wrapper/*.go", path)
		}
	}
	slices.Sort(packages[module])
	wantSame(t, "what a service links of this module", ours, packages[module])
}
