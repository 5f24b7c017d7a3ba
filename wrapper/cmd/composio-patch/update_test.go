package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const bearer = `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{`

func TestUpdateSendsWhatTheFlagsSay(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		body string
	}{
		"alias with a comma":       {[]string{"--alias=a,b\\,c"}, `{"alias":"a,b\\,c"}`},
		"empty alias":              {[]string{"--alias", ""}, `{"alias":""}`},
		"clear alias":              {[]string{"--clear-alias"}, `{"alias":""}`},
		"set to nothing":           {[]string{"--scheme=BEARER_TOKEN", "--set", "token=", "--allow-clear"}, bearer + `"token":""}}}}`},
		"set to what has =":        {[]string{"--scheme=BEARER_TOKEN", "--set=token==a=b="}, bearer + `"token":"=a=b="}}}}`},
		"set to what has a hyphen": {[]string{"--scheme=BEARER_TOKEN", "--set", "token=--json"}, bearer + `"token":"--json"}}}}`},
		"set expands nothing": {
			[]string{"--scheme=BEARER_TOKEN", "--set", `token=a,b\,c;$HOME ${default} ~ @file "q" 'é' \n`},
			bearer + `"token":"a,b\\,c;$HOME ${default} ~ @file \"q\" 'é' \\n"}}}}`,
		},
		"clear": {[]string{"--scheme=BEARER_TOKEN", "--clear", "token"}, bearer + `"token":null}}}}`},
		"set, clear and a file": {
			[]string{"--scheme=API_KEY", "--set=api_key=a", "--clear=bearer_token", "--clear=basic_encoded", "--set-file=generic_api_key=-"},
			`{"connection":{"state":{"authScheme":"API_KEY","val":{"api_key":"a","basic_encoded":null,"bearer_token":null,"generic_api_key":"of stdin"}}}}`,
		},
		"any field with any scheme": {[]string{"--scheme=BEARER_TOKEN", "--set=user_agent=u"}, bearer + `"user_agent":"u"}}}}`},
		"allow some":                {[]string{"--allow-user", "u_1", "--allow-user=u,2"}, `{"experimental":{"acl_config_for_shared":{"allowed_user_ids":["u_1","u,2"]}}}`},
		"allow none":                {[]string{"--allow-none"}, `{"experimental":{"acl_config_for_shared":{"allowed_user_ids":[]}}}`},
		"deny some":                 {[]string{"--deny-user", "u_1", "--deny-user=u,2"}, `{"experimental":{"acl_config_for_shared":{"not_allowed_user_ids":["u_1","u,2"]}}}`},
		"all at once": {
			[]string{"--alias=work", "--scheme=BEARER_TOKEN", "--set=token=x", "--allow-all=false", "--allow-user=u_1", "--deny-none"},
			`{"alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"x"}}},` +
				`"experimental":{"acl_config_for_shared":{"allow_all_users":false,"allowed_user_ids":["u_1"],"not_allowed_user_ids":[]}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			composio := newStandIn(t, answers(200, applied))
			got := commandIn(t, strings.NewReader("of stdin\n"), append([]string{"update", "ca_1"}, tt.args...)...)
			want(t, got, outcome{0, "ca_1: updated; status ACTIVE, request id req_1, 1 attempt\n", ""})
			sent := []received{{"PATCH", "/api/v3/connected_accounts/ca_1", testKey, "composio-patch composio-go", tt.body}}
			if diff := cmp.Diff(sent, composio.received()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetFileDropsOneNewlineAtTheEnd(t *testing.T) {
	for content, sent := range map[string]string{
		"secret":            `secret`,
		"secret\n":          `secret`,
		"secret\r\n":        `secret`,
		"secret\r":          `secret\r`,
		"secret\n\n":        `secret\n`,
		"secret\r\n\r\n":    `secret\r\n`,
		"\n secret \n":      `\n secret `,
		"-BEGIN-\nA\n-END-": `-BEGIN-\nA\n-END-`,
		"$HOME=~,@x\n":      `$HOME=~,@x`, // nothing expands
	} {
		composio := newStandIn(t, answers(200, applied))
		path := filepath.Join(t.TempDir(), "a=b,c") // a path is taken as it stands too
		writeFile(t, path, content)
		for _, from := range []string{path, "-"} {
			commandIn(t, strings.NewReader(content), "update", "ca_1", "--scheme=BEARER_TOKEN", "--verbatim", "--set-file", "token="+from)
		}
		body := bearer + `"token":"` + sent + `"}}}}`
		if diff := cmp.Diff([]string{body, body}, composio.bodies()["ca_1"]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", content, diff)
		}
	}
}

func TestSetFileRefusesWhatIsNoCredential(t *testing.T) {
	nothingIsSent(t)
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "newline": "\r\n", "huge": strings.Repeat("x", 1<<20+1)} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	const empty = "the input is empty; to store an empty credential, use --set FIELD= with --allow-clear"
	for name, tt := range map[string]struct{ path, in, err string }{
		"empty file":             {filepath.Join(dir, "empty"), "", empty},
		"a newline alone":        {filepath.Join(dir, "newline"), "", empty},
		"empty standard input":   {"-", "", empty},
		"huge file":              {filepath.Join(dir, "huge"), "", "the input has more than 1 MiB, and is no credential"},
		"endless standard input": {"-", strings.Repeat("x", 8<<20), "the input has more than 1 MiB, and is no credential"},
		"no such file":           {filepath.Join(dir, "s3cr3t"), "", "the input cannot be read: no such file or directory"},
		"directory":              {dir, "", "the input cannot be read: is a directory"},
		"no path":                {"", "", "the input cannot be read: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.NewReader(tt.in)
			got := commandIn(t, in, "update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file", "token="+tt.path)
			want(t, got, outcome{exitUsage, "", "composio-patch: --set-file token: " + tt.err + "\nfix: nothing was sent; see composio-patch help update\n"})
			if read := len(tt.in) - in.Len(); read > 2<<20 {
				t.Errorf("%d bytes were read", read)
			}
		})
	}
	got := commandIn(t, strings.NewReader("x"), "update", "ca_1", "--scheme=BASIC", "--set-file=username=-", "--set-file=password=-")
	want(t, got, outcome{exitUsage, "", "composio-patch: --set-file password=-: standard input was read for another field already\n" +
		"fix: nothing was sent; see composio-patch help update\n"})
}

func TestTheBaseURLFlagBeatsTheEnvironment(t *testing.T) {
	byFlag := newStandIn(t, answers(200, applied))
	byEnvironment := newStandIn(t, answers(200, applied))
	command(t, "update", "ca_1", "--alias=a")
	command(t, "update", "ca_1", "--alias=b", "--base-url", byFlag.URL+"/prefix")
	wanted := []map[string][]string{{"ca_1": {`{"alias":"a"}`}}, {"/prefix/api/v3/connected_accounts/ca_1": {`{"alias":"b"}`}}}
	if diff := cmp.Diff(wanted, []map[string][]string{byEnvironment.bodies(), byFlag.bodies()}); diff != "" {
		t.Errorf("by environment, by flag (-want +got):\n%s", diff)
	}
}

func TestMaxRetriesAreTheAttemptsAfterTheFirst(t *testing.T) {
	for flag, attempts := range map[string]int{"": 3, "--max-retries=0": 1, "--max-retries=1": 2} {
		composio := newStandIn(t, answers(503, "", "Retry-After", "0.001"))
		got := command(t, append([]string{"update", "ca_1", "--alias=a"}, strings.Fields(flag)...)...)
		if n := len(composio.received()); n != attempts || got.Status != exitUnknown {
			t.Errorf("%s: %d attempts, exit status %d", flag, n, got.Status)
		}
		// A user who waits is told why, a line each time.
		if lines := strings.Count(got.Err, " failed (503 Service Unavailable), again in 0.0 s\n"); lines != attempts-1 {
			t.Errorf("%s: %d lines of it:\n%s", flag, lines, got.Err)
		}
	}
}

func TestTimeoutBoundsOneAttempt(t *testing.T) {
	// The wait before the second attempt is longer than the timeout, and counts for neither.
	s := newStandIn(t, inTurn(answers(503, "", "Retry-After", "1.1"), answers(200, applied)))
	wantStart(t, command(t, "update", "ca_1", "--alias=a", "--timeout=1s"), exitDone, "")
	if n := len(s.received()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestACommandThatIsEndedBeforeItSendsAppliedNothing(t *testing.T) {
	nothingIsSent(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs strings.Builder
	status := run(ctx, &stdio{out: &out, err: &errs}, name, "update", "ca_1", "--alias=a")
	want(t, outcome{status, out.String(), errs.String()}, outcome{exitFailed, "",
		"composio-patch: ca_1: context canceled\nfix: nothing was applied; run the same command again\n"})
}
