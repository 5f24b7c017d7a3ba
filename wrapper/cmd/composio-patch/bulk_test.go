package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// aliasRows are n rows of one account each.
func aliasRows(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":"ca_%d","alias":"a%d"}`, i+1, i+1))
	}
	return rows
}

func TestEachRowIsSentAsItStands(t *testing.T) {
	rows := map[string]string{
		"ca_alias":   `{"alias":"work"}`,
		"ca_noalias": `{"alias":""}`,
		"ca_token":   `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"s3cr3t"}}}}`,
		"ca_null":    `{"connection":{"state":{"authScheme":"API_KEY","val":{"api_key":"","bearer_token":null,"generic_api_key":"\"k\" \ud83d\ude00"}}}}`,
		"ca_sharing": `{"experimental":{"acl_config_for_shared":{"allow_all_users":false,"allowed_user_ids":[],"not_allowed_user_ids":["u1","u2"]}}}`,
		"ca_all":     `{"alias":"a","connection":{"state":{"authScheme":"BASIC","val":{"password":"s3cr3t"}}},"experimental":{"acl_config_for_shared":{"allow_all_users":true}}}`,
	}
	var input []string
	wanted := map[string][]string{}
	for id, body := range rows {
		input = append(input, fmt.Sprintf(`{"id":%q,%s`, id, body[1:]))
		var canonical any // of a string there are several encodings
		if err := json.Unmarshal([]byte(body), &canonical); err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(canonical)
		wanted[id] = []string{string(data)}
	}
	for _, from := range []string{inputFile(t, input...), "-"} {
		t.Run(from, func(t *testing.T) {
			composio := newStandIn(t, answers(200, applied))
			wantStart(t, commandIn(t, strings.NewReader(strings.Join(input, "\n\r\n")), "bulk", from, "--allow-clear"), exitDone, "6 done; in ")
			if diff := cmp.Diff(wanted, composio.bodies()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			for _, r := range composio.received() {
				if r.Key != testKey || r.Method != "PATCH" {
					t.Errorf("sent %+v", r)
				}
			}
		})
	}
}

// badRows are rows that must not be sent, and what is said of each. All have a secret, which is said of none.
var badRows = []struct{ row, want string }{
	{`{"id":"ca_1","alias":null}`, "alias: must not be null"},
	{`{"id":"ca_1","Alias":"s3cr3t"}`, `unknown key "Alias"; there are id, alias, connection and experimental`},
	{`{"id":"ca_1","\u0007":"s3cr3t"}`, "the row: unknown key (not shown, since it may be a secret)"},
	{`{"id":"ca_1","alias":"s3cr3t","alias":"x"}`, "alias: given twice"},
	{`{"alias":"s3cr3t"}`, "id: missing"},
	{`{"id":7,"alias":"s3cr3t"}`, "id: not a string"},
	{`{"id":"../s3cr3t","alias":"x"}`, "the account id [not shown] has a character other than A-Z, a-z, 0-9, _ and -"},
	{`{"id":"ca_1"}`, "the update changes nothing: set an alias, a credential or sharing"},
	{`["s3cr3t"]`, "the row: of the wrong type"},
	{`null`, "the row: must not be null"},
	{`s3cr3t`, "not JSON: an error at byte 1"},
	{`{"id":"ca_1","alias":"s3cr3t"`, "not JSON: an error at byte 30"},
	{`{"id":"ca_1","alias":"s3cr3t"} {}`, "not JSON: an error at byte 32"},
	{"{\"id\":\"ca_1\",\"alias\":\"s3cr3t\xff\"}", "not valid Unicode: reading it would change a value"},
	{`{"id":"ca_1","alias":"s3cr3t\ud800"}`, "not valid Unicode: reading it would change a value"},
	{`{"id":"ca_1","connection":null}`, "connection: must not be null"},
	{`{"id":"ca_1","connection":{}}`, "connection.state: missing"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC"}}}`, "connection.state.val: missing"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{}}}}`, "the update changes nothing: set an alias, a credential or sharing"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"OAUTH2","val":{"token":"s3cr3t"}}}}`, "connection.state.authScheme: not one of the values that there are"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{"s3cr3t":"x"}}}}`, "connection.state.val: unknown key (not shown, since it may be a secret)"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{"password":{"s3cr3t":1}}}}}`, "connection.state.val.password: of the wrong type"},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{"password":null,"username":"s3cr3t"}}}}`, "connection.state.val.password: null removes the credential; add --allow-clear if that is meant"},
	{`{"id":"ca_1","alias":"s3cr3t","connection":{"state":{"authScheme":"API_KEY","val":{"api_key":""}}}}`, `connection.state.val.api_key: "" empties the credential; add --allow-clear if that is meant`},
	{`{"id":"ca_1","connection":{"state":{"authScheme":"BASIC","val":{"password":"s3cr3t..."}}}}`, "credential password: the value looks masked, as Composio shows it when read; set the real one"},
	{`{"id":"ca_1","experimental":{"acl_config_for_shared":{"allowed_user_ids":null}}}`, "experimental.acl_config_for_shared.allowed_user_ids: must not be null"},
	{`{"id":"ca_1","experimental":{"acl_config_for_shared":{"allowed_user_ids":["u",""]}}}`, "experimental.acl_config_for_shared.allowed_user_ids.1: too short"},
	{`{"id":"ca_1","experimental":{"acl_config_for_shared":{"allow_all_users":"s3cr3t"}}}`, "experimental.acl_config_for_shared.allow_all_users: of the wrong type"},
}

func TestABadRowIsNamedByItsLineBeforeAnythingIsSent(t *testing.T) {
	nothingIsSent(t)
	for _, tt := range badRows {
		t.Run(tt.row, func(t *testing.T) {
			path := inputFile(t, `{"id":"ca_good","alias":"x"}`, "", tt.row)
			for _, check := range []string{"--check=false", "--check"} {
				want(t, command(t, "bulk", path, check), outcome{
					exitUsage, "", "line 3: " + tt.want + "\ncomposio-patch: 1 row cannot be sent\nfix: nothing was sent; correct what is said above, line by line\n",
				})
			}
		})
	}
}

func TestABadRowOfStandardInputIsLeftOut(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	var input, told string
	for i, tt := range badRows {
		input += tt.row + "\n" + fmt.Sprintf(`{"id":"ca_%d","alias":"x"}`, i) + "\n"
		told += fmt.Sprintf("line %d: %s; the row is left out\n", 2*i+1, tt.want)
	}
	got := commandIn(t, strings.NewReader(input), "bulk", "-")
	if got.Status != exitUsage || got.Err != told || strings.Contains(got.Out, "s3cr3t") || !strings.HasPrefix(got.Out, fmt.Sprintf("%d done, %d bad input; in ", len(badRows), len(badRows))) {
		t.Errorf("status %d\n%s\n%s", got.Status, got.Out, cmp.Diff(told, got.Err))
	}
	if n := len(composio.received()); n != len(badRows) {
		t.Errorf("%d rows were sent", n)
	}
	if got := commandIn(t, strings.NewReader(input), "bulk", "-", "--check"); got.Status != exitUsage || !strings.HasSuffix(got.Err, "\n8 more bad rows\ncomposio-patch: 28 rows cannot be sent\nfix: nothing was sent; correct what is said above, line by line\n") {
		t.Errorf("--check: %+v", got)
	}
}

func TestARepeatedIDIsNamedByItsLine(t *testing.T) {
	nothingIsSent(t)
	path := inputFile(t, append(aliasRows(300), `{"id":"ca_7","alias":"b"}`, `{"id":"ca_1000","alias":"b"}`, `{"id":"ca_7","alias":"c"}`)...)
	want(t, command(t, "bulk", path), outcome{exitUsage, "", `line 301: the id ca_7 stands in line 7 already
line 303: the id ca_7 stands in line 7 already
composio-patch: 2 rows cannot be sent
fix: nothing was sent; correct what is said above, line by line
`})
}

func TestARepeatedIDOfStandardInputKeepsItsOrder(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	var input string
	var wanted []string
	for i := range 100 {
		input += fmt.Sprintf("{\"id\":\"ca_1\",\"alias\":\"%d\"}\n{\"id\":\"ca_x%d\",\"alias\":\"x\"}\n", i, i)
		wanted = append(wanted, fmt.Sprintf(`{"alias":"%d"}`, i))
	}
	wantStart(t, commandIn(t, strings.NewReader(input), "bulk", "-"), exitDone, "200 done; in ")
	if diff := cmp.Diff(wanted, composio.bodies()["ca_1"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckSaysThatAllIsWell(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "")
	path := inputFile(t, aliasRows(3)...)
	const kinds = " 0 rows replace credentials, 0 remove credentials, 3 set the alias, 0 clear the alias, 0 change sharing\n"
	want(t, command(t, "bulk", path, "--check"), outcome{0, "3 rows, all of which can be sent\n" + kinds[1:], ""})
	want(t, command(t, "bulk", path, "--check", "--json"), outcome{0, `{"event":"checked","rows":3,"bad_input":0,"kinds":` +
		`{"replace_credentials":0,"remove_credentials":0,"set_alias":3,"clear_alias":0,"change_sharing":0}}` + "\n", ""})
	want(t, commandIn(t, strings.NewReader(strings.Join(aliasRows(3), "\n")), "bulk", "-", "--check"), outcome{0, "3 rows, all of which can be sent\n" + kinds[1:], ""})
}

func TestDryRunShowsWhatWouldChangeMasked(t *testing.T) {
	nothingIsSent(t)
	rows := []string{
		`{"id":"ca_1","alias":"work","connection":{"state":{"authScheme":"BASIC","val":{"username":null,"password":"s3cr3t","user_agent":""}}}}`,
		`{"id":"ca_2","alias":"","experimental":{"acl_config_for_shared":{"allow_all_users":true,"allowed_user_ids":[],"not_allowed_user_ids":["u"]}}}`,
	}
	path := inputFile(t, rows...)
	text := `line 1: ca_1: alias "work", BASIC password replaced, BASIC user_agent emptied, BASIC username removed
line 2: ca_2: alias cleared, every user may use it: true, allowed users [], denied users ["u"]
2 rows would be sent
1 row replaces credentials, 1 removes credentials, 1 sets the alias, 1 clears the alias, 1 changes sharing
`
	masked := `{"event":"would_send","line":1,"id":"ca_1","alias":"work","connection":{"state":{"authScheme":"BASIC","val":{"password":"[redacted]","user_agent":"","username":null}}}}
{"event":"would_send","line":2,"id":"ca_2","alias":"","experimental":{"acl_config_for_shared":{"allow_all_users":true,"allowed_user_ids":[],"not_allowed_user_ids":["u"]}}}
`
	journal := newPath(t)
	want(t, command(t, "bulk", path, "--dry-run", "--allow-clear", "--journal", journal), outcome{0, text, ""})
	want(t, command(t, "bulk", path, "--dry-run", "--allow-clear", "--json"), outcome{0, masked, ""})
	want(t, commandIn(t, strings.NewReader(strings.Join(rows, "\n")), "bulk", "-", "--dry-run", "--allow-clear"), outcome{0, text, ""})
	if _, err := os.Stat(journal); err == nil {
		t.Error("a dry run has begun a journal")
	}
}

func TestBulkRefusesWrongUsage(t *testing.T) {
	nothingIsSent(t)
	path := inputFile(t, aliasRows(1)...)
	const help = "fix: nothing was sent; see composio-patch help bulk\n"
	for name, tt := range map[string]struct {
		args []string
		err  string
	}{
		"no file":              {[]string{"none"}, "the file \"none\" cannot be opened: no such file or directory\nfix: give a file that can be read, or - for standard input\n"},
		"a directory":          {[]string{"."}, "\".\" is not a regular file, which could be read twice\nfix: give - and let it be standard input\n"},
		"journal of -":         {[]string{"-", "--journal=x"}, "--journal needs a FILE: standard input cannot be read again\n" + help},
		"rate":                 {[]string{path, "--rate=0"}, "--rate: not of the form N/s, N/m or N/h, such as 1000/m\n" + help},
		"rate a day":           {[]string{path, "--rate=5/d"}, "--rate: not of the form N/s, N/m or N/h, such as 1000/m\n" + help},
		"share":                {[]string{path, "--share=80"}, "--share: 80 is not above 0 and up to 1\n" + help},
		"concurrency":          {[]string{path, "--concurrency=0"}, "--concurrency: 0 is less than 1\n" + help},
		"retries":              {[]string{path, "--max-retries=-1"}, "--max-retries: -1 is negative\nfix: nothing was sent; see composio-patch help bulk\n"},
		"check and dry":        {[]string{path, "--check", "--dry-run"}, "--check and --dry-run can't be used together\n" + help},
		"two servers":          {[]string{path, "--base-url=https://x.test", "--sandbox"}, "--base-url and --sandbox can't be used together\n" + help},
		"journal is /dev/null": {[]string{path, "--journal", os.DevNull}, "--journal: it is not a regular file\nfix: choose a file that does not exist\n"},
		"journal of dir":       {[]string{path, "--journal", t.TempDir()}, "--journal: it cannot be opened: is a directory\nfix: choose another --journal, or see why this one cannot be written\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, command(t, append([]string{"bulk"}, tt.args...)...), outcome{exitUsage, "", "composio-patch: " + tt.err})
		})
	}
	t.Setenv("COMPOSIO_API_KEY", "")
	want(t, command(t, "bulk", path), outcome{exitUsage, "", "composio-patch: COMPOSIO_API_KEY is not set: set it to the project's API key, or add --sandbox to try without one\n" + help})
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

func TestSandboxHasTheAccountsOfTheRows(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "")
	rows := []string{
		`{"id":"ca_1","alias":"same"}`, `{"id":"ca_2","alias":"same"}`,
		`{"id":"ca_3","connection":{"state":{"authScheme":"SERVICE_ACCOUNT","val":{"private_key":"s3cr3t"}}}}`,
	}
	for _, from := range []string{inputFile(t, rows...), "-"} {
		wantStart(t, commandIn(t, strings.NewReader(strings.Join(rows, "\n")), "bulk", from, "--sandbox"), exitDone, "3 done; in ")
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
	credential := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"connection":{"state":{"authScheme":"BASIC","val":{"password":"s3cr3t"}}}}`, id)
	}
	var rows []string
	for i := range 9 {
		rows = append(rows, credential(fmt.Sprintf("ca_%d", i+1)))
	}
	path := inputFile(t, rows...)
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
	if got.Status != exitFailed || got.Err != "" {
		t.Errorf("%+v", got)
	}
	var events []map[string]any
	for text := range strings.Lines(got.Out) {
		var event map[string]any
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			t.Fatal(err)
		}
		if _, ok := event["seconds"]; ok {
			event["seconds"] = "…"
		}
		events = append(events, event)
	}
	wanted := []map[string]any{
		{"event": "row", "line": 1., "id": "ca_1", "outcome": "done", "status": "ACTIVE", "http_status": 200., "code": 0., "slug": "", "request_id": "req_1", "attempts": 1.},
		{
			"event": "row", "line": 2., "id": "ca_2", "outcome": "not_applied", "http_status": 404., "request_id": "req_1", "attempts": 1.,
			"code": 606., "slug": "ConnectedAccount_ResourceNotFound",
			"error": "ca_2: 404 ConnectedAccount_ResourceNotFound (606): Connected account ca_2 not found; request id req_1",
			"fix":   "check that the key is of the account's project; if the account is gone, leave its row out",
		},
		{
			"event": "summary", "done": 1., "done_before": 0., "not_applied": 1., "refused_before": 0., "unknown": 0., "not_sent": 0., "bad_input": 0., "cut_off": false, "seconds": "…", "exit_status": 1.,
			"kinds": map[string]any{"replace_credentials": 0., "remove_credentials": 0., "set_alias": 1., "clear_alias": 0., "change_sharing": 0.},
			"failures": []any{map[string]any{
				"error": "404 ConnectedAccount_ResourceNotFound (606)", "count": 1., "rows": []any{"ca_2 (line 2)"},
				"example": "ca_2: 404 ConnectedAccount_ResourceNotFound (606): Connected account ca_2 not found; request id req_1",
				"fix":     "check that the key is of the account's project; if the account is gone, leave its row out",
			}},
		},
	}
	if diff := cmp.Diff(wanted, events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRateIsNotExceeded(t *testing.T) {
	newStandIn(t, answers(200, applied))
	start := time.Now()
	wantStart(t, command(t, "bulk", inputFile(t, aliasRows(21)...), "--rate=200/s"), 0, "")
	if took := time.Since(start); took < 95*time.Millisecond {
		t.Errorf("21 rows took %v at 200 a second", took)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		answers(200, applied)(w, r)
	})
	if got := command(t, "bulk", inputFile(t, aliasRows(50)...), "--concurrency=3"); got.Status != 0 || most > 3 {
		t.Errorf("%d at once: %+v", most, got)
	}
}

// What is appended or written over while a run reads has not been looked at.
func TestAFileThatChangesMeanwhileIsTold(t *testing.T) {
	row := func(i int) string { return aliasRows(i)[i-1] + strings.Repeat(" ", 200<<10) + "\n" } // so that it is not read at once
	whole := row(1) + row(2) + row(3) + row(4) + row(5)
	fifth := int64(len(whole) - len(row(5)))
	for name, tt := range map[string]struct {
		text string
		at   int64
		sent []int // as many, or one more
	}{
		"appended":      {row(6), int64(len(whole)), []int{1, 5}},
		"another alias": {`{"id":"ca_5","alias":"b5"}`, fifth, []int{3, 4}},
		"no JSON":       {"x", fifth, []int{3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			path, journal, restored := newPath(t), newPath(t), false
			writeFile(t, path, whole)
			composio := newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
				file, err := os.OpenFile(path, os.O_RDWR, 0)
				if err == nil && !restored {
					_, err = file.WriteAt([]byte(tt.text), tt.at)
					err = errors.Join(err, file.Close())
				}
				if err != nil {
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
			if got.Err != fmt.Sprintf("composio-patch: the file was changed during the run; sent were the lines 1-%d\n"+
				"fix: put the file back as it was and run the same command again: rows that are done are left alone\n", n) {
				t.Errorf("%s", got.Err)
			}
			restored = true
			writeFile(t, path, whole)
			wantStart(t, command(t, "bulk", path, "--journal", journal), exitDone, fmt.Sprintf("%d done, %d done before; in ", 5-n, n))
		})
	}
}

// A box that counts what it was sent, for runs in processes of their own.
type countedBox struct {
	*sandbox.Server
	delay time.Duration // at most, of each answer

	mu   sync.Mutex
	sent map[string]int
}

func newCountedBox(t *testing.T, accounts int, opts ...sandbox.Option) *countedBox {
	box := &countedBox{Server: sandbox.New(append(opts, sandbox.WithJournal(1))...), sent: map[string]int{}}
	for i := range accounts {
		box.Put(sandbox.Account{
			ID: fmt.Sprintf("ca_%d", i+1), Toolkit: "t", UserID: "u", Scheme: composio.SchemeBearerToken,
			Credentials: map[string]string{"token": "old"},
		})
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		box.mu.Lock()
		box.sent[id]++
		box.mu.Unlock()
		box.ServeHTTP(w, r)
		time.Sleep(rand.N(box.delay + 1)) // applied, and not answered yet
	}))
	t.Cleanup(web.Close)
	t.Setenv("COMPOSIO_API_KEY", sandbox.DefaultAPIKey)
	t.Setenv("COMPOSIO_BASE_URL", web.URL)
	return box
}

func (b *countedBox) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.sent)
}

// tokenRows are n rows that give each account a token of its own.
func tokenRows(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"id":"ca_%d","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new-token-%d"}}}}`, i+1, i+1))
	}
	return rows
}

// hasTokens checks the end state.
func (b *countedBox) hasTokens(t *testing.T, n int) {
	t.Helper()
	wrong := 0
	for i := range n {
		a, _ := b.Account(fmt.Sprintf("ca_%d", i+1))
		if a.Credentials["token"] != fmt.Sprintf("new-token-%d", i+1) || a.Alias != "" {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d accounts are not as they should be", wrong)
	}
}

// A short form of the proof; with COMPOSIO_SOAK set (make soak) the full one.
func TestKillLosesNothingThatIsFinished(t *testing.T) {
	rows, kills := 300, 4
	if os.Getenv("COMPOSIO_SOAK") != "" {
		rows, kills = 5000, 20
	}
	const concurrency = 16
	box := newCountedBox(t, rows, sandbox.WithRateLimit(0, 0))
	box.delay = 20 * time.Millisecond
	path, journal := inputFile(t, tokenRows(rows)...), newPath(t)
	// Slow enough for all the kills to meet it at work.
	args := []string{"bulk", path, "--journal", journal, fmt.Sprintf("--concurrency=%d", concurrency), fmt.Sprintf("--rate=%d/s", max(200, rows/10))}
	finished, repeated := 0, 0
	for kill := range kills {
		p := newProcess(t, args...).start(t)
		goal := (kill + 1) * rows / (kills + 2) // it is killed when this many are finished
		for range 60_000 {
			if lines, err := os.ReadFile(journal); err == nil && strings.Count(string(lines), "\n") > goal {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait() // it was killed
		before := box.counts()
		done := map[string]bool{}
		for _, entry := range readJournal(t, journal) {
			if entry.Outcome == outcomeDone {
				done[entry.ID] = true
			}
		}
		if len(done) < finished {
			t.Errorf("kill %d: %d rows are finished, fewer than the %d before", kill, len(done), finished)
		}
		finished = len(done)
		// What was sent and is not in the journal was under way.
		if open := len(before) - finished; open > concurrency+1 {
			t.Errorf("kill %d: %d rows were sent and are not in the journal", kill, open)
		} else {
			repeated += open
		}
	}
	got := newProcess(t, args...).start(t).wait()
	if got.Status != 0 || !strings.Contains(got.Out, fmt.Sprintf("%d done before", finished)) {
		t.Errorf("%+v", got)
	}
	box.hasTokens(t, rows)
	total := 0
	for _, n := range box.counts() {
		total += n
	}
	t.Logf("%d rows, %d kills: %d requests, %d rows repeated", rows, kills, total, repeated)
	if total != rows+repeated {
		t.Errorf("%d requests for %d rows of which %d were under way at a kill", total, rows, repeated)
	}
	if again := command(t, args...); again.Status != 0 || !strings.HasPrefix(again.Out, fmt.Sprintf("0 done, %d done before", rows)) {
		t.Errorf("%+v", again)
	}
}

// The commands are README.md's, with fewer rows.
func TestThreeProcessesShareABudgetAndARotation(t *testing.T) {
	rows, window := 60, 50*time.Millisecond
	const limit, machines = 200, 3
	soak := os.Getenv("COMPOSIO_SOAK") != ""
	if soak {
		rows, window = 30*limit, time.Second
	}
	box := newCountedBox(t, rows, sandbox.WithRateLimit(limit, window))
	path := inputFile(t, tokenRows(rows)...)
	readme := readFile(t, "README.md")
	commands := regexp.MustCompile(`\n    split -l 333334 rows.jsonl (part-) .*\n(?s:.*)\n    composio-patch (bulk part-aa --journal part-aa.journal)\n`).FindStringSubmatch(readme)
	if commands == nil {
		t.Fatal("README.md splits a rotation in another way")
	}
	split := exec.Command("split", "-l", strconv.Itoa(rows/machines), path, commands[1])
	split.Dir = filepath.Dir(path)
	if out, err := split.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	arguments := func(part string) []string {
		return strings.Fields(strings.ReplaceAll(commands[2], "part-aa", filepath.Join(split.Dir, part)))
	}
	start := time.Now()
	processes := map[string]*process{}
	for _, part := range []string{"part-aa", "part-ab", "part-ac"} {
		processes[part] = newProcess(t, arguments(part)...).start(t)
	}
	for _, p := range processes {
		wantStart(t, p.wait(), exitDone, fmt.Sprintf("%d done; in ", rows/machines))
	}
	took := time.Since(start)
	box.hasTokens(t, rows)
	for part := range processes {
		again := command(t, arguments(part)...)
		if again.Status != 0 || !strings.HasPrefix(again.Out, fmt.Sprintf("0 done, %d done before; ", rows/machines)) {
			t.Errorf("%s: %+v", part, again)
		}
	}
	if soak {
		requests := 0
		for _, n := range box.counts() {
			requests += n
		}
		t.Logf("%d × %d rows within %d in %v took %v and %d requests", machines, rows/machines, limit, window, took, requests)
	}
}

func readJournal(t *testing.T, path string) (entries []journalEntry) {
	t.Helper()
	data := readFile(t, path)
	for i, line := range slices.Collect(strings.Lines(data)) {
		var entry journalEntry
		if !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if entry.Line > 0 { // no header
			entries = append(entries, entry)
		}
	}
	return entries
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	broken, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		in   io.Reader
		want []string
	}{
		"lines":    {strings.NewReader("a\n\n  \r\nb\r\n" + long + "\nlast"), []string{"1 2 <nil>", "4 3 <nil>", fmt.Sprintf("5 %d <nil>", len(long)+1), "6 4 <nil>"}},
		"too long": {io.MultiReader(strings.NewReader("a\n"), strings.NewReader(strings.Repeat("x", maxRow+1<<20))), []string{"1 2 <nil>", "2 8454144 the row has more than 8 MiB"}},
		"broken":   {io.MultiReader(strings.NewReader("a\n"), failing{broken}), []string{"1 2 <nil>", "2 0 the input cannot be read: context canceled"}},
	} {
		var got []string
		for number, text := range (&input{}).lines(tt.in) {
			got = append(got, fmt.Sprintf("%d %d %v", number, len(text.line), text.err))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

type failing struct{ context.Context }

func (f failing) Read([]byte) (int, error) { return 0, f.Err() }
