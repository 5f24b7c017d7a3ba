package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestARunStopsWhenGoingOnIsPointless(t *testing.T) {
	const clash = `{"error":{"message":"M","slug":"S"}}`
	for name, tt := range map[string]struct {
		answer func(n int) (status int, body string, header []string) // to the nth request
		flags  []string
		sent   int // -1: all
		exit   int
		why    string
	}{
		"the key is refused": {func(int) (int, string, []string) {
			return 401, `{"error":{"message":"M","slug":"HTTP_Unauthorized"}}`, nil
		},
			[]string{"--concurrency=32"}, 1, exitFailed, "Composio refuses the API key (401 HTTP_Unauthorized)"},
		"the key is revoked": {func(n int) (int, string, []string) {
			if n <= 30 {
				return 200, applied, nil
			}
			return 401, `{"error":{"message":"M"}}`, nil
		}, nil, 31, exitFailed, "Composio refuses the API key (401)"},
		"all forbidden":   {func(int) (int, string, []string) { return 403, "<html>", nil }, nil, 20, exitFailed, "20 rows in a row had the same end (403)"},
		"a gateway's 401": {func(int) (int, string, []string) { return 401, "<html>", nil }, nil, 20, exitFailed, "20 rows in a row had the same end (401)"},
		"all unknown":     {func(int) (int, string, []string) { return 500, "", nil }, []string{"--max-retries=0"}, 20, exitUnknown, "20 rows in a row had the same end (500)"},
		"attempts are no rows": {func(int) (int, string, []string) { return 502, "", []string{"Retry-After", "0.001"} }, []string{"--max-retries=1"}, 40, exitUnknown,
			"20 rows in a row had the same end (502)"},
		"the rows' own fault, none succeeded": {func(int) (int, string, []string) { return 400, clash, nil }, nil, 20, exitFailed, "20 rows in a row had the same end (400 S)"},
		"the rows' own fault, one succeeded": {func(n int) (int, string, []string) {
			if n == 1 {
				return 200, applied, nil
			}
			return []int{400, 409, 422}[n%3], clash, nil
		}, []string{"--max-retries=0"}, -1, exitFailed, ""},
		"two kinds in turn": {func(n int) (int, string, []string) { return []int{403, 402}[n%2], "", nil }, nil, -1, exitFailed, ""},
		"keep going":        {func(int) (int, string, []string) { return 401, clash, nil }, []string{"--keep-going"}, -1, exitFailed, ""},
		"a long pause": {func(n int) (int, string, []string) { return 429, "", []string{"Retry-After", "3000"} }, nil, 1, exitFailed,
			"Composio asks for a pause of 50m0s, until "},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				status, body, header := tt.answer(n)
				answers(status, body, header...)(w, r)
			})
			path := inputFile(t, aliasRows(60)...)
			args := append([]string{"bulk", path, "--concurrency=1"}, tt.flags...)
			if name == "the key is refused" {
				args = []string{"bulk", path}
			}
			got := command(t, args...)
			if want := tt.sent; len(s.received()) != want && want >= 0 || want < 0 && len(s.received()) < 60 || got.Status != tt.exit {
				t.Errorf("%d requests, %+v", len(s.received()), got)
			}
			if stopped := strings.HasPrefix(got.Out, "stopped: "+tt.why) && strings.Contains(got.Out, "; --keep-going would go on; "); stopped != (tt.why != "") {
				t.Errorf("%s", got.Out)
			}
			if tt.why != "" && !strings.Contains(got.Err, "\nto go on, run the same command again") {
				t.Errorf("it does not say how to go on: %s", got.Err)
			}
		})
	}
}

// The status of "no answer" counts, too, and the reason stands in the summary's JSON.
func TestARunStopsWhereNobodyAnswers(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	s.Close()
	got := command(t, "bulk", inputFile(t, aliasRows(60)...), "--concurrency=1", "--max-retries=0", "--json")
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	var summary struct {
		Stopped    string
		NotSent    int `json:"not_sent"`
		NotApplied int `json:"not_applied"`
	}
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
	const told = "composio-patch: without --journal this run cannot be resumed if it ends early\n"
	for _, n := range []int{100, 101} {
		rows := aliasRows(n)
		wanted := ""
		if n == 101 {
			wanted = told
		}
		path := inputFile(t, rows...)
		if got := command(t, "bulk", path); got.Err != wanted || got.Status != exitDone {
			t.Errorf("%d rows: %+v", n, got)
		}
		if got := commandIn(t, strings.NewReader(strings.Join(rows, "\n")), "bulk", "-"); got.Err != wanted {
			t.Errorf("%d rows of a stream: %+v", n, got)
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
	path, dir := inputFile(t, rows...), t.TempDir()
	journal, rejects := filepath.Join(dir, "journal"), filepath.Join(dir, "rejects")
	args := []string{"bulk", path, "--max-retries=0", "--concurrency=1", "--journal", journal, "--rejects", rejects}
	content := func() string {
		data := readFile(t, rejects)
		return data
	}
	wantStart(t, command(t, args...), exitUnknown, "")
	wanted := "  " + aliasRows(7)[1] + "  \n" + rows[2] + "\n" + rows[3] + "\n"
	if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 || content() != wanted {
		t.Errorf("%v, %v: %q", info, err, content())
	}
	statuses["ca_6"] = 400
	wantStart(t, command(t, args...), exitFailed, "0 done, 2 done before, 2 not applied, 3 refused before; in ")
	if wanted += rows[5] + "\n"; content() != wanted {
		t.Errorf("%q", content())
	}
	if got := command(t, append(args, "--retry-refused")...); got.Status != exitFailed || content() != wanted { // no row twice
		t.Errorf("%+v, %q", got, content())
	}
	clear(statuses)
	wantStart(t, command(t, "bulk", rejects, "--journal", journal+"2"), exitDone, "4 done; in ")
}

func TestAFileOfRejectsThatIsAnothersIsRefused(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	path := inputFile(t, aliasRows(1)...)
	own := newPath(t)
	for name, args := range map[string][]string{
		"without a journal":  {"--rejects", path},
		"with a new journal": {"--rejects", path, "--journal", own},
	} {
		want(t, command(t, append([]string{"bulk", path}, args...)...), outcome{exitUsage, "", "composio-patch: --rejects: the file exists, and no journal says that it is its own\n" +
			"fix: choose a file that does not exist, or give the --journal that it came with\n"})
		if s.received() != nil {
			t.Errorf("%s: sent", name)
		}
	}
	wantStart(t, command(t, "bulk", path, "--rejects", own+"2"), exitDone, "")
	if _, err := os.Stat(own + "2"); err == nil {
		t.Error("an empty file is left behind")
	}
}
