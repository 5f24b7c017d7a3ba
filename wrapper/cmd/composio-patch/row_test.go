package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		wanted[id] = []string{strings.ReplaceAll(body, `\ud83d\ude00`, "\U0001f600")}
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
{"event":"checked","rows":2,"bad_input":0,"kinds":{"replace_credentials":1,"remove_credentials":1,"set_alias":1,"clear_alias":1,"change_sharing":1}}
`
	journal := newPath(t)
	want(t, command(t, "bulk", path, "--dry-run", "--allow-clear", "--journal", journal), outcome{0, text, ""})
	want(t, command(t, "bulk", path, "--dry-run", "--allow-clear", "--json"), outcome{0, masked, ""})
	want(t, commandIn(t, strings.NewReader(strings.Join(rows, "\n")), "bulk", "-", "--dry-run", "--allow-clear"), outcome{0, text, ""})
	if _, err := os.Stat(journal); err == nil {
		t.Error("a dry run has begun a journal")
	}
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
		"too long": {io.MultiReader(strings.NewReader("a\n"), strings.NewReader(strings.Repeat("x", maxRow+1<<20)+"\nb\n")), []string{"1 2 <nil>", "2 8454144 the row has more than 8 MiB", "3 2 <nil>"}},
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

func TestAnInputThatBreaksOffIsCutOff(t *testing.T) {
	newStandIn(t, answers(200, applied))
	broken, cancel := context.WithCancel(t.Context())
	cancel()
	for flag, told := range map[string]string{
		"--json=false": "see why, and give the lines from 3 on again; some of them may be done, which does no harm",
		"--dry-run":    "see why, and give the lines from 3 on again; some of them may be done, which does no harm",
		"--check":      "see why, and give it again",
	} {
		got := commandIn(t, io.MultiReader(strings.NewReader(strings.Join(aliasRows(2), "\n")+"\n{"), failing{broken}), "bulk", "-", flag)
		if got.Status != exitFailed || got.Err != "composio-patch: the input cannot be read: context canceled\nfix: "+told+"\n" ||
			flag == "--json=false" && !strings.HasPrefix(got.Out, "2 done, the input not read to its end; in ") {
			t.Errorf("%s: %+v", flag, got)
		}
	}
}

type failing struct{ context.Context }

func (f failing) Read([]byte) (int, error) { return 0, f.Err() }
