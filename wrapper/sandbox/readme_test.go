package sandbox_test

import (
	"os"
	"strings"
	"testing"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What the page for other languages shows is what CI runs.
func TestReadmeShowsTheExamplesThatRun(t *testing.T) {
	readme := readFile(t, "README.md")
	for _, file := range []string{"sandbox.test.ts", "sandbox-test.sh"} {
		if !strings.Contains(readme, "\n"+readFile(t, "../internal/clientexamples/"+file)+"```\n") {
			t.Errorf("README.md shows %s otherwise than it is", file)
		}
	}
}
