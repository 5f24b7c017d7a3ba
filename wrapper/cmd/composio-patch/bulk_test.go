package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// aliasRows are n rows of one account each.
func aliasRows(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":"ca_%d","alias":"a%d"}`, i+1, i+1))
	}
	return rows
}

func TestBulkRefusesWrongUsage(t *testing.T) {
	nothingIsSent(t)
	path := inputFile(t, aliasRows(1)...)
	const help = "\nfix: nothing was sent; see composio-patch help bulk"
	for line, text := range map[string]string{
		"none":                      "the file \"none\" cannot be opened: no such file or directory\nfix: give a file that can be read, or - for standard input",
		".":                         "\".\" is not a regular file, which could be read twice\nfix: give - and let it be standard input",
		"- --journal=x":             "--journal needs a FILE: standard input cannot be read again" + help,
		path + " --journal=":        "--journal and --rejects need the name of a file, and it is empty" + help,
		path + " --rejects=":        "--journal and --rejects need the name of a file, and it is empty" + help,
		path + " --check --dry-run": "--check and --dry-run can't be used together" + help,
		path + " --base-url=https://x.test --sandbox": "--base-url and --sandbox can't be used together" + help,
		path + " --journal=" + os.DevNull:             "--journal: it is not a regular file\nfix: choose a file that does not exist",
		path + " --journal=" + t.TempDir():            "--journal: it cannot be opened: is a directory\nfix: choose another --journal, or see why this one cannot be written",
	} {
		want(t, command(t, append([]string{"bulk"}, strings.Fields(line)...)...), outcome{exitUsage, "", "composio-patch: " + text + "\n"})
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{
		"20/s": 20, "1000/m": 1000. / 60, "36/h": 0.01, "0.5/s": 0.5,
		"": 0, "20": 0, "0/s": 0, "-1/s": 0, "NaN/s": 0, "Inf/s": 0, "1e10/s": 0, "/m": 0, "5/": 0, "x/s": 0, "5/d": 0, "5/s/s": 0, // refused
	} {
		var refused refusals
		n, per := parseRate("--rate", &text, &refused)
		if want > 0 && n/per.Seconds() != want || (refused == nil) != (want > 0) {
			t.Errorf("%s: %v in %v, %v", text, n, per, refused)
		}
	}
}

// byAccount answers according to the account.
func byAccount(statuses map[string]int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		switch status := statuses[id]; status {
		case 0:
			answers(200, fmt.Sprintf(`{"success":true,"id":%q,"status":"ACTIVE"}`, id))(w, r)
		case 404:
			answers(404, fmt.Sprintf(`{"error":{"message":"Connected account %s not found","code":606,"slug":"ConnectedAccount_ResourceNotFound"}}`, id))(w, r)
		default:
			answers(status, `{"error":{"message":"no, s3cr3t"}}`)(w, r)
		}
	}
}

// replaced is what a summary says of n rows that replace a credential.
func replaced(n int) string {
	return fmt.Sprintf("of those done, %d rows replace credentials, 0 remove credentials, 0 set the alias, 0 clear the alias, 0 change sharing\n", n)
}

func TestExitStatusAndSummary(t *testing.T) {
	path := inputFile(t, regexp.MustCompile(`new-token-\d`).ReplaceAllString(strings.Join(tokenRows(9), "\n"), "s3cr3t"))
	for _, tt := range []struct {
		statuses map[string]int
		status   int
		out      string
	}{
		{nil, exitDone, "9 done; in TIME\n" + replaced(9)},
		{map[string]int{"ca_2": 404, "ca_4": 404, "ca_7": 403}, exitFailed, `6 done, 3 not applied; in TIME
` + replaced(6) + `
2 × 404 ConnectedAccount_ResourceNotFound (606)
  rows: ca_2 (line 2), ca_4 (line 4)
  such as: ca_2: 404 ConnectedAccount_ResourceNotFound (606): Connected account ca_2 not found; request id req_1
  fix: check that the key is of the account's project; if the account is gone, leave its row out

1 × 403
  rows: ca_7 (line 7)
  such as: ca_7: 403: no, [redacted]; request id req_1
  fix: check what the key of COMPOSIO_API_KEY may do, and what stands between here and Composio
`},
		{map[string]int{"ca_1": 502, "ca_9": 400}, exitUnknown, `7 done, 1 not applied, 1 unknown; in TIME
` + replaced(7) + `
1 × outcome unknown: 502
  rows: ca_1 (line 1)
  such as: ca_1: 502: no, [redacted]; the update may have been applied; request id req_1
  fix: send these rows again, which the same command with a --journal does: it does no harm unless somebody else changed the accounts since

1 × 400
  rows: ca_9 (line 9)
  such as: ca_9: 400: no, [redacted]; request id req_1
  fix: correct the row as the answer says; authScheme must be the account's own
`},
		{map[string]int{"ca_1": 402, "ca_2": 402, "ca_3": 402, "ca_4": 402, "ca_5": 402, "ca_6": 402, "ca_7": 402}, exitFailed, `2 done, 7 not applied; in TIME
` + replaced(2) + `
7 × 402
  rows: ca_1 (line 1), ca_2 (line 2), ca_3 (line 3), ca_4 (line 4), ca_5 (line 5), …
  such as: ca_1: 402: no, [redacted]; request id req_1
  fix: nothing was applied; do what the line above says, or run the same command again later
`},
	} {
		newStandIn(t, byAccount(tt.statuses))
		got := command(t, "bulk", path, "--max-retries=0", "--concurrency=1")
		if at := strings.Index(got.Out, "; in "); at >= 0 {
			end := at + strings.IndexByte(got.Out[at:], '\n')
			got.Out = got.Out[:at] + "; in TIME" + got.Out[end:]
		}
		told := "" // of each kind, the first
		for _, group := range regexp.MustCompile(`rows: ca_\d \((line \d)\)?.*\n  such as: (.*)\n  (fix: .*)\n`).FindAllStringSubmatch(tt.out, -1) {
			told += group[1] + ": " + group[2] + "; " + group[3] + "\n"
		}
		want(t, got, outcome{tt.status, tt.out, told})
	}
}

func TestJSONTellsEachRowAndTheSummary(t *testing.T) {
	newStandIn(t, byAccount(map[string]int{"ca_2": 404}))
	got := command(t, "bulk", inputFile(t, aliasRows(2)...), "--json", "--concurrency=1")
	got.Out = regexp.MustCompile(`"seconds":[0-9.e-]+`).ReplaceAllString(got.Out, `"seconds":0`)
	const (
		text = `"ca_2: 404 ConnectedAccount_ResourceNotFound (606): Connected account ca_2 not found; request id req_1"`
		fix  = `"check that the key is of the account's project; if the account is gone, leave its row out"`
	)
	want(t, got, outcome{exitFailed, `{"event":"row","line":1,"id":"ca_1","outcome":"done","status":"ACTIVE","http_status":200,"code":0,"slug":"","request_id":"req_1","attempts":1}
{"event":"row","line":2,"id":"ca_2","outcome":"not_applied","http_status":404,"code":606,"slug":"ConnectedAccount_ResourceNotFound","error":` + text + `,"fix":` + fix + `,"request_id":"req_1","attempts":1}
{"event":"summary","done":1,"done_before":0,"not_applied":1,"refused_before":0,"unknown":0,"not_sent":0,"bad_input":0,"cut_off":false,` +
		`"kinds":{"replace_credentials":0,"remove_credentials":0,"set_alias":1,"clear_alias":0,"change_sharing":0},` +
		`"failures":[{"error":"404 ConnectedAccount_ResourceNotFound (606)","count":1,"example":` + text + `,"fix":` + fix + `,"rows":["ca_2 (line 2)"]}],"seconds":0,"exit_status":1}
`, ""})
}

func TestRateIsNotExceeded(t *testing.T) {
	newStandIn(t, answers(200, applied))
	start := time.Now()
	wantStart(t, command(t, "bulk", inputFile(t, aliasRows(21)...), "--rate=200/s"), 0, "")
	if took := time.Since(start); took < 95*time.Millisecond {
		t.Errorf("21 rows took %v at 200 a second", took)
	}
}

// What is appended or written over while a run reads has not been looked at.
func TestAFileThatChangesMeanwhileIsTold(t *testing.T) {
	row := func(i int) string { return aliasRows(i)[i-1] + strings.Repeat(" ", 70<<10) + "\n" } // more than is read at once
	whole := row(1) + row(2) + row(3) + row(4) + row(5)
	fifth := int64(len(whole) - len(row(5)))
	for name, tt := range map[string]struct {
		text string
		at   int64
		sent []int // so many at least, and at most
	}{
		"appended":      {row(6), int64(len(whole)), []int{1, 5}},
		"another alias": {`{"id":"ca_5","alias":"b5"}`, fifth, []int{3, 4}},
		"no JSON":       {"x", fifth, []int{3, 4}},
		"replaced":      {"", 0, []int{1, 4}}, // by another file, which is noticed between two rows
	} {
		t.Run(name, func(t *testing.T) {
			path, journal, restored := newPath(t), newPath(t), false
			writeFile(t, path, whole)
			composio := newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
				file, err := os.OpenFile(path, os.O_RDWR, 0)
				switch {
				case restored:
				case tt.text == "":
					time.Sleep(2 * redraw)
					writeFile(t, path+"2", whole+row(6))
					err = errors.Join(err, os.Rename(path+"2", path))
				case err == nil:
					_, err = file.WriteAt([]byte(tt.text), tt.at)
				}
				if err = errors.Join(err, file.Close()); err != nil {
					t.Error(err)
				}
				answers(200, applied)(w, r)
			})
			got := command(t, "bulk", path, "--concurrency=1", "--journal", journal)
			n := len(composio.received())
			if n < tt.sent[0] || n > tt.sent[1] {
				t.Errorf("%d rows were sent", n)
			}
			wantStart(t, got, exitFailed, "stopped: the file was changed during the run; ")
			lines := strings.TrimSuffix(fmt.Sprintf("1-%d", n), "-1")
			if got.Err != "composio-patch: the file was changed during the run; sent were the lines "+lines+"\n"+
				"fix: put the file back as it was and run the same command again: rows that are done are left alone\n" {
				t.Errorf("%s", got.Err)
			}
			restored = true
			writeFile(t, path, whole)
			wantStart(t, command(t, "bulk", path, "--journal", journal), exitDone, fmt.Sprintf("%d done, %d done before; in ", 5-n, n))
		})
	}
}
