package composio_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What README.md shows in Go is a service that builds and works as the text says. What it shows of the shell are targets of
// the Makefile, and commands that package composio-patch tests.
func TestAServiceMadeOfTheReadme(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readFile(t, "../README.md")), -1)
	if len(blocks) != 3 {
		t.Fatalf("README.md has %d blocks of Go, not a program, a test and a check of the contract", len(blocks))
	}
	program, test, check := blocks[0][1], blocks[1][1], blocks[2][1]
	dir := newModule(t)
	module := goLines(t, "list", "-m")[0]
	for name, text := range map[string]string{
		"main.go": program,
		"readme_test.go": `package main

import (
	"context"
	"net/http/httptest"
	"testing"

	composio "` + module + `/wrapper"
	"` + module + `/wrapper/contract"
	"` + module + `/wrapper/sandbox"
)

func rotate(ctx context.Context, client *composio.Client, id, token string) error {
	_, err := client.UpdateConnectedAccount(ctx, id, composio.Update{Credentials: composio.BearerToken{Token: composio.Set(token)}})
	return err
}

` + test + `
func TestContract(t *testing.T) {
` + check + `
	_ = checked
}

func TestProgram(*testing.T) { main() }
`,
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	out, err := runIn(t, dir, "sh", "-c", "NEW_TOKEN= COMPOSIO_API_KEY=ak_test go test -v .")
	for _, want := range []string{"--- PASS: TestRotation ", "--- PASS: TestContract ", "NEW_TOKEN is empty\nFAIL"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v, or no %q:\n%s", err, want, out)
		}
	}
}

func TestTargetsThatTheReadmesName(t *testing.T) {
	t.Parallel()
	makefile := string(readFile(t, "../Makefile"))
	for _, page := range []string{"../README.md", "../api/README.md", "../.github/CONTRIBUTING.md"} {
		for _, target := range regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)").FindAllStringSubmatch(string(readFile(t, page)), -1) {
			if !strings.Contains(makefile, "\n"+target[1]+":") {
				t.Errorf("%s says make %s, which the Makefile does not have", page, target[1])
			}
		}
	}
}
