package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The recipe of README.md fails on a token that is not there. Where there is no jq, nobody can follow it.
func TestTheRecipeFailsOnAMissingToken(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	recipe := regexp.MustCompile(`(?m)^    (jq -ec .*) export.jsonl >rows.jsonl$`).FindSubmatch(page)
	if recipe == nil {
		t.Fatal("README.md has no recipe")
	}
	if _, err := exec.LookPath("jq"); err != nil {
		return
	}
	run := func(export string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", string(recipe[1]))
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
