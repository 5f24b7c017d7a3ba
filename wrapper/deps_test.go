package composio_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What a service links with the wrapper is our own client, its hook for bulk, and the generator's runtime, never the OpenAPI
// machinery that the tests and the other packages use.
func TestWhatAServiceLinks(t *testing.T) {
	t.Parallel()
	module := goList(t, "-m")[0]
	linked := goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"/wrapper")
	if !slices.Contains(linked, module+"/wrapper") {
		t.Fatalf("the wrapper is not among what it links: %v", linked)
	}
	allowed := []string{module + "/wrapper", module + "/wrapper/internal/hook", module + "/gen"}
	for _, root := range []string{"github.com/oapi-codegen/runtime", "github.com/oapi-codegen/nullable"} {
		if slices.Contains(linked, root) { // one that is not linked need not be in go.mod
			allowed = append(allowed, goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", root)...)
		}
	}
	for _, path := range linked {
		if !slices.Contains(allowed, path) {
			t.Errorf("a service would link %s", path)
		}
		if strings.Contains(path, "kin-openapi") {
			t.Errorf("a service would link %s, which may come through the runtime but must not", path)
		}
	}
}

// These few packages of the standard library cost a small service more than they give: regexp is 5 % of its binary.
func TestWhatAServiceDoesNotLinkOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	linked := goList(t, "-deps", goList(t, "-m")[0]+"/wrapper")
	for _, path := range []string{"regexp", "testing", "go/ast", "net/http/httptest", "embed"} {
		if slices.Contains(linked, path) {
			t.Errorf("a service would link %s", path)
		}
	}
}

// goList runs go list and returns its lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	var problem strings.Builder
	command.Stderr = &problem
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, &problem)
	}
	return strings.Fields(string(out))
}
