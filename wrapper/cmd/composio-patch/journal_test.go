package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readJournal(t *testing.T, path string) (entries []journalEntry) {
	t.Helper()
	for line := range strings.Lines(readFile(t, path)) {
		var entry journalEntry
		if !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry.Line > 0 { // no header
			entries = append(entries, entry)
		}
	}
	return entries
}

func TestJournalHasALineForEachFinishedRow(t *testing.T) {
	newStandIn(t, byAccount(map[string]int{"ca_2": 404, "ca_3": 502}))
	t.Setenv("COMPOSIO_API_KEY", "ak_s3cr3t_key")
	rows := []string{
		`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{"password":"s3cr3t"}}}}`, `{"id":"ca_2","alias":"b"}`, "", `{"id":"ca_3","alias":"c"}`,
	}
	path, journal := inputFile(t, rows...), newPath(t)
	wantStart(t, command(t, "bulk", path, "--journal", journal, "--concurrency=1", "--max-retries=0"), exitUnknown, "")
	info, err := os.Stat(journal)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if text := readFile(t, journal); strings.Contains(text, "s3cr3t") || !strings.HasPrefix(text, `{"journal":"composio-patch bulk","version":1,"input_sha256":"`) {
		t.Errorf("%s", text)
	}
	got := readJournal(t, journal)
	for i := range got {
		if got[i].Time.IsZero() {
			t.Errorf("line %d has no time", i)
		}
		got[i].Time = journalEntry{}.Time
	}
	wanted := []journalEntry{
		{Line: 1, ID: "ca_1", Outcome: "done", HTTPStatus: 200, RequestID: "req_1", Attempts: 1},
		{Line: 2, ID: "ca_2", Outcome: "not_applied", HTTPStatus: 404, RequestID: "req_1", Attempts: 1, Refused: true},
		{Line: 4, ID: "ca_3", Outcome: "unknown", HTTPStatus: 502, RequestID: "req_1", Attempts: 1},
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnotherRunLeavesAloneWhatIsDoneOrRefusedAndRepeatsTheRest(t *testing.T) {
	statuses := map[string]int{"ca_2": 404, "ca_3": 502}
	composio := newStandIn(t, byAccount(statuses))
	path, journal := inputFile(t, aliasRows(5)...), newPath(t)
	args := []string{"bulk", path, "--journal", journal, "--max-retries=0", "--concurrency=1"}
	wantStart(t, command(t, args...), exitUnknown, "")
	delete(statuses, "ca_3")
	const kind = "0 rows replace credentials, 0 remove credentials, 1 sets the alias, 0 clear the alias, 0 change sharing\n"
	if got := command(t, append(args, "--dry-run")...); got.Out != "line 3: ca_3: alias \"a3\"\n1 row would be sent\n"+kind {
		t.Errorf("%+v", got)
	}
	for _, step := range []struct {
		flags  []string
		status int
		out    string
	}{
		{nil, exitFailed, "1 done, 3 done before, 1 refused before; in "},
		{nil, exitFailed, "0 done, 4 done before, 1 refused before; in "},
		{[]string{"--retry-refused"}, exitFailed, "0 done, 4 done before, 1 not applied; in "},
	} {
		wantStart(t, command(t, append(args, step.flags...)...), step.status, step.out)
	}
	delete(statuses, "ca_2")
	wantStart(t, command(t, append(args, "--retry-refused")...), exitDone, "1 done, 4 done before; in ")
	wantStart(t, command(t, args...), exitDone, "0 done, 5 done before; in ")
	sent := map[string]int{}
	for id, bodies := range composio.bodies() {
		sent[id] = len(bodies)
	}
	if diff := cmp.Diff(map[string]int{"ca_1": 1, "ca_2": 3, "ca_3": 2, "ca_4": 1, "ca_5": 1}, sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Wherever the process died, the next run goes on from the last line that was finished.
func TestATornLineIsSurvived(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	const rows = 2
	path, journal := inputFile(t, aliasRows(rows)...), newPath(t)
	args := []string{"bulk", path, "--journal", journal, "--concurrency=1"}
	wantStart(t, command(t, args...), 0, "")
	whole := readFile(t, journal)
	cuts, begun := []int{}, 0
	for line := range strings.Lines(whole) {
		cuts = append(cuts, begun, begun+1, begun+len(line)/2, begun+len(line)-1)
		begun += len(line)
	}
	for _, cut := range cuts {
		writeFile(t, journal, whole[:cut])
		done := max(0, strings.Count(whole[:cut], "\n")-1)
		sent := len(composio.received())
		wantStart(t, command(t, args...), 0, "")
		if sent := len(composio.received()) - sent; sent != rows-done {
			t.Errorf("cut at %d: %d rows done, %d sent", cut, done, sent)
		}
		if n := len(readJournal(t, journal)); n != rows {
			t.Errorf("cut at %d: %d lines at the end", cut, n)
		}
	}
}

func TestAJournalOfSomethingElseIsRefusedAndLeftAlone(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	path := inputFile(t, aliasRows(1)...)
	own := newPath(t)
	wantStart(t, command(t, "bulk", path, "--journal", own), 0, "")
	text := readFile(t, own)
	sum := text[strings.Index(text, `256":"`)+6:][:64]
	sent := len(composio.received())
	for name, tt := range map[string]struct{ journal, err string }{
		"other input":   {strings.Replace(text, sum, strings.Repeat("0", 64), 1), "it belongs to another input: its SHA-256 begins with 000000000000, this one's with " + sum[:12] + "\nfix: give the input that it belongs to, or begin another journal for this one"},
		"other server":  {strings.Replace(text, composio.URL, "https://x.test", 1), "it belongs to another server: https://x.test, not " + composio.URL + "\nfix: send to the server that it belongs to, or begin another journal for this one"},
		"other version": {strings.Replace(text, `"version":1`, `"version":2`, 1), "it was written by another version of composio-patch\nfix: use that version, or begin another journal"},
		"no journal":    {"alias,token\nx,y\n", "the file is no journal of composio-patch bulk\nfix: choose a file that does not exist"},
		"one line":      {"precious", "the file is no journal of composio-patch bulk\nfix: choose a file that does not exist"},
		"other JSON":    {"{}\n", "the file is no journal of composio-patch bulk\nfix: choose a file that does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			journal := newPath(t)
			writeFile(t, journal, tt.journal)
			want(t, command(t, "bulk", path, "--journal", journal), outcome{exitUsage, "", "composio-patch: --journal: " + tt.err + "\n"})
			if data := readFile(t, journal); data != tt.journal {
				t.Errorf("the file is now %q", data)
			}
		})
	}
	if n := len(composio.received()); n != sent {
		t.Errorf("%d were sent", n-sent)
	}
}

func TestLineSet(t *testing.T) {
	s := lineSet{}
	for _, line := range []int{1, 1, 64, 65, 66, 1_000_000} {
		s.set(line, true)
	}
	for _, line := range []int{63, 1, 2_000_000} {
		s.set(line, false)
	}
	if s[1] || s[63] || !s[64] || s[2_000_000] || len(s) != 4 || s.String() != "64-66, 1000000" {
		t.Errorf("%d lines: %v", len(s), s)
	}
}
