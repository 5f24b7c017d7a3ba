package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestARunStopsWhenGoingOnIsPointless(t *testing.T) {
	const clash = `{"error":{"message":"M","slug":"S"}}`
	for name, tt := range map[string]struct {
		good   int // so many requests succeed first
		answer http.HandlerFunc
		flags  []string
		sent   int // -1: all
		exit   int
		why    string
	}{
		"the key is refused":                  {0, answers(401, `{"error":{"message":"M","slug":"HTTP_Unauthorized"}}`), []string{"--concurrency=32"}, 1, exitFailed, "Composio refuses the API key (401 HTTP_Unauthorized)"},
		"the key is revoked":                  {5, answers(401, `{"error":{"message":"M"}}`), nil, 6, exitFailed, "Composio refuses the API key (401)"},
		"all forbidden":                       {0, answers(403, "<html>"), nil, 20, exitFailed, "20 rows in a row had the same end (403)"},
		"a gateway's 401":                     {0, answers(401, "<html>"), nil, 20, exitFailed, "20 rows in a row had the same end (401)"},
		"a gateway's 401 in JSON":             {0, inTurn(answers(401, `{"message":"Unauthorized"}`), answers(401, `{"error":"Unauthorized"}`), answers(401, `{"error":null}`)), nil, 20, exitFailed, "20 rows in a row had the same end (401)"},
		"all unknown":                         {0, answers(500, ""), []string{"--max-retries=0"}, 20, exitUnknown, "20 rows in a row had the same end (500)"},
		"attempts are no rows":                {0, answers(502, "", "Retry-After", "0.001"), []string{"--max-retries=1"}, 40, exitUnknown, "20 rows in a row had the same end (502)"},
		"the rows' own fault, none succeeded": {0, answers(400, clash), nil, 20, exitFailed, "20 rows in a row had the same end (400 S)"},
		"bad requests, one succeeded":         {1, answers(400, clash), nil, -1, exitFailed, ""},
		"unknown accounts, the same":          {1, answers(404, `{"error":{"message":"not found","code":606}}`), nil, -1, exitFailed, ""},
		"clashes, the same":                   {1, answers(409, clash), []string{"--max-retries=0"}, -1, exitFailed, ""},
		"unprocessable, the same":             {1, answers(422, clash), nil, -1, exitFailed, ""},
		"forbidden, one succeeded":            {1, answers(403, clash), nil, 21, exitFailed, "20 rows in a row had the same end (403 S)"},
		"two kinds in turn":                   {0, inTurn(slices.Repeat([]http.HandlerFunc{answers(403, ""), answers(402, "")}, 15)...), nil, -1, exitFailed, ""},
		"keep going":                          {0, answers(401, clash), []string{"--keep-going"}, -1, exitFailed, ""},
		"a long pause":                        {0, answers(429, "", "Retry-After", "3000"), nil, 1, exitFailed, "Composio asks for a pause of 50m0s, until "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, inTurn(append(slices.Repeat([]http.HandlerFunc{answers(200, applied)}, tt.good), tt.answer)...))
			got := command(t, append([]string{"bulk", inputFile(t, aliasRows(30)...), "--concurrency=1"}, tt.flags...)...)
			if sent := len(s.received()); sent != tt.sent && tt.sent >= 0 || tt.sent < 0 && sent < 30 || got.Status != tt.exit {
				t.Errorf("%d requests, %+v", sent, got)
			}
			if stopped := strings.HasPrefix(got.Out, "stopped: "+tt.why) && strings.Contains(got.Out, "; --keep-going would go on; "); stopped != (tt.why != "") {
				t.Errorf("%s", got.Out)
			}
			if tt.why != "" && !strings.Contains(got.Err, "\nto go on, run the same command again") {
				t.Errorf("it does not say how to go on: %s", got.Err)
			}
			from := tt.good + 1
			if strings.Contains(tt.why, "400") { // refused for good
				from = 21
			}
			newStandIn(t, inTurn(append(slices.Repeat([]http.HandlerFunc{answers(200, applied)}, tt.good), tt.answer)...))
			got = commandIn(t, strings.NewReader(strings.Join(aliasRows(30), "\n")), append([]string{"bulk", "-", "--concurrency=1"}, tt.flags...)...)
			if tt.why != "" && !strings.Contains(got.Err, fmt.Sprintf("\nto go on, give the lines from %d on again; ", from)) {
				t.Errorf("of a stream: %s", got.Err)
			}
		})
	}
	newStandIn(t, answers(400, clash))
	path := inputFile(t, aliasRows(20)...)
	for again, args := range map[string][]string{
		"run the same command again: rows that are done are left alone; add --retry-refused to send those, too, that Composio refused for good": {path, "--journal", newPath(t)},
		"correct the rows that were refused and give them again":                                                                                {"-"},
	} {
		got := commandIn(t, strings.NewReader(readFile(t, path)), append([]string{"bulk", "--concurrency=1"}, args...)...)
		if !strings.HasSuffix(got.Err, "\nto go on, "+again+"\n") {
			t.Errorf("stopped at the last row: %s", got.Err)
		}
	}
}

// The status of "no answer" counts, too, and the reason stands in the summary's JSON.
func TestARunStopsWhereNobodyAnswers(t *testing.T) {
	newStandIn(t, nil).Close()
	got := command(t, "bulk", inputFile(t, aliasRows(60)...), "--concurrency=1", "--max-retries=0", "--json")
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	var summary summaryEvent
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil || summary.Stopped != "20 rows in a row had the same end (no answer); --keep-going would go on" ||
		summary.NotSent != 40 || summary.NotApplied != 20 || len(lines) != 21 {
		t.Errorf("%v: %+v in %d lines", err, summary, len(lines))
	}
}

// A pause is told with its end, in lines and in JSON, and the time left counts it in.
func TestAPauseIsTold(t *testing.T) {
	until := time.Now().Add(40 * time.Second)
	count := &tally{total: 20, Done: 10, start: time.Now().Add(-10 * time.Second), paused: until}
	if text := strings.Join(parts(count), ", "); text != fmt.Sprintf("paused until %s, 10 of 20 rows, 0 not applied, 0 unknown, 50s left, 1.0 a second", until.Format(time.TimeOnly)) {
		t.Errorf("%s", text)
	}
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		std := &stdio{out: &out, err: &errs}
		for _, p := range []*progress{newProgress(std, false), newProgress(std, true)} {
			for range 8 { // two seconds, all of the same pause
				p.show(&tally{total: 1, start: time.Now(), paused: time.Now().Add(2 * time.Second).Truncate(2 * time.Second)})
				time.Sleep(redraw)
			}
		}
		if strings.Count(errs.String(), "paused until") != 1 || strings.Count(out.String(), `"paused_until":"`) != 1 {
			t.Errorf("%s%s", &errs, &out)
		}
	})
	if view := progressView(count); !view.Paused.Equal(until) || view.Left != 50 {
		t.Errorf("%+v", view)
	}
}

func TestWhatCannotBeResumedIsTold(t *testing.T) {
	newStandIn(t, answers(200, applied))
	for n, told := range map[int]string{100: "", 101: "composio-patch: without --journal this run cannot be resumed if it ends early\n"} {
		path := inputFile(t, aliasRows(n)...)
		for _, from := range []string{path, "-"} {
			if got := commandIn(t, strings.NewReader(readFile(t, path)), "bulk", from); got.Err != told || got.Status != exitDone {
				t.Errorf("%d rows of %s: %+v", n, from, got)
			}
		}
		if got := command(t, "bulk", path, "--journal", path+".journal"); got.Err != "" {
			t.Errorf("%d rows with a journal: %+v", n, got)
		}
	}
}

func TestRejectsAreTheRowsAsTheyStand(t *testing.T) {
	statuses := map[string]int{"ca_2": 400, "ca_3": 404, "ca_4": 422, "ca_5": 403, "ca_6": 502}
	newStandIn(t, byAccount(statuses))
	rows := aliasRows(7)
	rows[1] = "  " + rows[1] + "  \r"
	journal, rejects := newPath(t), newPath(t)
	args := []string{"bulk", inputFile(t, rows...), "--max-retries=0", "--concurrency=1", "--journal", journal, "--rejects", rejects}
	content := func() string { return readFile(t, rejects) }
	wantStart(t, command(t, args...), exitUnknown, "")
	wanted := "  " + aliasRows(7)[1] + "  \n" + rows[2] + "\n" + rows[3] + "\n"
	if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 || content() != wanted {
		t.Errorf("%v, %v: %q", info, err, content())
	}
	wantStart(t, command(t, args[:len(args)-2]...), exitUnknown, "0 done,") // does not make the journal forget F
	statuses["ca_6"] = 400
	writeFile(t, rejects, wanted[:len(wanted)-1]) // as a process leaves it that dies amid a row
	wantStart(t, command(t, args...), exitFailed, "0 done, 2 done before, 2 not applied, 3 refused before; in ")
	if wanted += rows[5] + "\n"; content() != wanted {
		t.Errorf("%q", content())
	}
	if got := command(t, append(args, "--retry-refused")...); got.Status != exitFailed || content() != wanted { // no row twice
		t.Errorf("%+v, %q", got, content())
	}
	writeFile(t, rejects, wanted+`{"id":"ca_8","al`)
	if err := os.Chmod(rejects, 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, args...)
	if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 || content() != wanted {
		t.Errorf("%v, %v: %q", info, err, content())
	}
	twice := newPath(t)
	commandIn(t, strings.NewReader(rows[2]+"\n"+rows[2]+"\n"), "bulk", "-", "--rejects", twice)
	if text := readFile(t, twice); text != rows[2]+"\n"+rows[2]+"\n" {
		t.Errorf("both of one account: %q", text)
	}
	clear(statuses)
	wantStart(t, command(t, "bulk", rejects, "--journal", journal+"2", "--rejects", rejects+"2"), exitDone, "4 done; in ")
	if _, err := os.Stat(rejects + "2"); err == nil {
		t.Error("an empty file is left behind")
	}
}

func TestAFileOfRejectsThatIsAnothersIsRefused(t *testing.T) {
	nothingIsSent(t)
	path, journal, same := inputFile(t, aliasRows(1)...), newPath(t), newPath(t)
	both := []string{"--rejects", path, "--journal", journal}
	for _, args := range [][]string{{"--rejects", path}, both, both, {"--rejects", same, "--journal", same}, {"--rejects", same, "--journal", same}} {
		want(t, command(t, append([]string{"bulk", path}, args...)...), outcome{exitUsage, "", "composio-patch: --rejects: the file exists, and no journal says that it is its own\n" +
			"fix: choose a file that does not exist, or give the --journal that it came with\n"})
	}
}
