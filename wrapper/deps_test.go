package composio_test

import (
	"slices"
	"strings"
	"testing"
)

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
