package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The recipe of README.md fails on a token that is not there. Where there is no jq, nobody can follow it.
func TestTheRecipeFailsOnAMissingToken(t *testing.T) {
	page := readFile(t, "README.md")
	recipe := regexp.MustCompile(`(?m)^    (jq -ec .*) export.jsonl >rows.jsonl$`).FindStringSubmatch(page)
	if recipe == nil {
		t.Fatal("README.md has no recipe")
	}
	if _, err := exec.LookPath("jq"); err != nil {
		return
	}
	run := func(export string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", recipe[1])
		cmd.Stdin = strings.NewReader(export)
		rows, err := cmd.Output()
		return string(rows), err
	}
	rows, err := run(`{"id":"ca_1","new_token":"t"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := commandIn(t, strings.NewReader(rows), "bulk", "-", "--check"); got.Status != exitDone || !strings.Contains(got.Out, "\n1 row replaces credentials, 0 remove") {
		t.Errorf("%q: %+v", rows, got)
	}
	for _, export := range []string{`{"id":"ca_1","newToken":"t"}`, `{"id":"ca_1","new_token":""}`, `{"id":"ca_1","new_token":null}`, `{"id":"ca_1","new_token":7}`, `{"new_token":"t"}`} {
		if rows, err := run(`{"id":"ca_0","new_token":"t"}` + "\n" + export); err == nil {
			t.Errorf("%s: %s", export, rows)
		}
	}
}

// The commands of the top README.md do what they say.
func TestTheCommandsOfTheReadme(t *testing.T) {
	page := readFile(t, "../../../README.md")
	newStandIn(t, answers(200, applied))
	t.Chdir(t.TempDir())
	writeFile(t, "token.txt", "t\n")
	lines := regexp.MustCompile(`(?m)^    composio-patch (.*)$`).FindAllStringSubmatch(page, -1)
	if len(lines) == 0 {
		t.Fatal("README.md has no commands")
	}
	for _, line := range lines {
		if got := command(t, strings.Fields(line[1])...); got.Status != exitDone || got.Err != "" {
			t.Errorf("composio-patch %s: %+v", line[1], got)
		}
	}
}
