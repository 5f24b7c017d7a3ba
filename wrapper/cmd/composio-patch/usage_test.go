package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNoArgumentsGetTheHelpOnStandardErrorAndStatus2(t *testing.T) {
	help := command(t, "--help")
	want(t, command(t), outcome{exitUsage, "", help.Out})
}

func TestHelpIsWhatTheFlagPrints(t *testing.T) {
	for _, of := range []string{"", "update", "bulk", "sandbox", "help", "version", "completion"} {
		asFlag := command(t, append(strings.Fields(of), "--help")...)
		if !strings.HasPrefix(asFlag.Out, strings.TrimSpace("Usage: composio-patch "+of)) {
			t.Errorf("%s --help prints %q", of, asFlag.Out)
		}
		want(t, command(t, append([]string{"help"}, strings.Fields(of)...)...), outcome{exitDone, asFlag.Out, ""})
	}
}

func TestVersionIsWhatTheFlagPrints(t *testing.T) {
	want(t, command(t, "version"), outcome{exitDone, version() + "\n", ""})
	want(t, command(t, "--version"), outcome{exitDone, version() + "\n", ""})
}

// The message that follows says "unknown command updat, did you mean "update"?" or as much of it as may be shown.
func TestATypoIsAnsweredWithTheRightWord(t *testing.T) {
	for line, message := range map[string]string{
		"updat ca_1":                  `unknown command updat, did you mean "update"?`,
		"updaet ca_1":                 `unknown command updaet, did you mean "update"?`,
		"Update":                      `unknown command Update, did you mean "update"?`,
		"bukl rows.jsonl":             `unknown command bukl, did you mean "bulk"?`,
		"sandbx":                      `unknown command sandbx, did you mean "sandbox"?`,
		"compl bash":                  `unknown command compl, did you mean "completion"?`,
		"help updat":                  `unknown command updat, did you mean "update"?`,
		"update_":                     `unknown command [argument 1], did you mean "update"?`,
		"hunter":                      `unknown command [argument 1]`,
		"s3cr3t":                      `unknown command [argument 1]`,
		"help s3cr3t":                 `unknown command [argument 1]`,
		"update ca_1 --alais=s3cr3t":  `unknown flag --alais, did you mean "--alias"?`,
		"update ca_1 --alais s3cr3t":  `unknown flag --alais, did you mean "--alias"?`,
		"update ca_1 -alias s3cr3t":   `unknown flag -alias, did you mean "--alias"?`,
		"update ca_1 --sheme=BASIC":   `unknown flag --sheme, did you mean "--scheme"?`,
		"update ca_1 --sett token=x":  `unknown flag --sett, did you mean "--set"?`,
		"update ca_1 --set-fil=s3c":   `unknown flag --set-fil, did you mean "--set-file"?`,
		"update ca_1 --set_file=a=b":  `unknown flag [argument 3], did you mean "--set-file"?`,
		"update ca_1 --max-retry=3":   `unknown flag --max-retry, did you mean "--max-retries"?`,
		"update ca_1 --S3cr3t":        `unknown flag [argument 3]`,
		"update ca_1 --hunter=s3cr3t": `unknown flag [argument 3]`,
		"update ca_1 -hunter":         `unknown flag [argument 3]`,
		"update ca_1 hunter":          `unexpected argument [argument 3]`,
		"bulk rows.jsonl --jurnal=F":  `unknown flag --jurnal, did you mean "--journal"?`,
		"--jsn update":                `unknown flag [argument 1]`,
		"completion csh":              `<shell> must be one of "bash","zsh","fish"`,
	} {
		got := command(t, strings.Fields(line)...)
		if first, _, _ := strings.Cut(got.Err, "\n"); first != "composio-patch: "+message || got.Status != exitUsage || got.Out != "" {
			t.Errorf("%s: status %d, %s", line, got.Status, first)
		}
	}
}

func TestAdviceNamesTheHelpOfTheCommand(t *testing.T) {
	newStandIn(t, answers(200, applied))
	for line, advice := range map[string]string{
		"updat":                  "composio-patch help",
		"help updat":             "composio-patch help",
		"update":                 "composio-patch help update",
		"update x --y":           "composio-patch help update",
		"bulk":                   "composio-patch help bulk",
		"bulk - --base-url=x":    "composio-patch help bulk",
		"bulk - --timeout=-1s":   "composio-patch help bulk",
		"sandbox --addr=x":       "composio-patch help sandbox",
		"completion":             "composio-patch help completion",
		"version --max-retries=": "composio-patch help version",
	} {
		if got := command(t, strings.Fields(line)...); !strings.HasSuffix(got.Err, "\nfix: nothing was sent; see "+advice+"\n") {
			t.Errorf("%s: %s", line, got.Err)
		}
		help := strings.Fields(advice)[1:]
		if got := command(t, help...); got.Status != exitDone {
			t.Errorf("%s ends with %+v", advice, got)
		}
	}
}

func TestAllThatIsRefusedIsToldAtOnce(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	args := []string{
		"update", "s3cr3t!", "--alias=\xff", "--scheme=OAUTH2", "--set=token=", "--set=pass=s3cr3t", "--set-file=password=none",
		"--set=api_key=REDACTED", "--clear=token", "--allow-user=u", "--allow-user=", "--deny-user=\xff", "--set=bearer_token=x ",
		"--timeout=-1s", "--max-retries=-1", "--base-url=ftp://x.test",
	}
	refused := []string{
		"--base-url: the URL must begin with https:// or http://",
		"--timeout: -1s is negative",
		"--max-retries: -1 is negative",
		"the account id [not shown] has a character other than A-Z, a-z, 0-9, _ and -",
		"the alias is not valid UTF-8, which JSON cannot carry",
		"--allow-user: value 2 has 0 characters, not 1 to 256",
		"--deny-user: value 1 is not valid UTF-8, which JSON cannot carry",
		"--scheme: not one of " + schemeList(),
		"--set token=: there is nothing behind it; --clear token removes the credential, and --allow-clear lets an empty one be stored",
		"--set: unknown FIELD (it is not shown, since it may be a secret); there are " + strings.Join(fieldNames(), ", "),
		"--clear: the field token is given twice",
		"--set-file password: the input cannot be read: no such file or directory",
		"credential api_key: the value looks masked, as Composio shows it when read; set the real one, or add --verbatim",
		"credential bearer_token: the value has white space at an edge, as from the end of a file; trim it, or add --verbatim",
	}
	const fix = "fix: nothing was sent; see composio-patch help update\n"
	want(t, command(t, args...), outcome{exitUsage, "", "composio-patch: " + strings.Join(refused, "\ncomposio-patch: ") + "\n" + fix})

	got := command(t, append(args, "--json")...)
	if text := `"error":"` + strings.ReplaceAll(strings.Join(refused, "; "), `"`, `\"`) + `","fix":"`; got.Status != exitUsage || !strings.Contains(got.Out, text) {
		t.Errorf("%+v", got)
	}

	t.Setenv("COMPOSIO_API_KEY", "")
	const missing = "COMPOSIO_API_KEY is not set: set it to the project's API key, or add --sandbox to try without one"
	refused = append(refused[:3:3], append([]string{missing}, refused[3:]...)...)
	want(t, command(t, args...), outcome{exitUsage, "", "composio-patch: " + strings.Join(refused, "\ncomposio-patch: ") + "\n" + fix})
	if got := composio.received(); got != nil {
		t.Errorf("sent %v", got)
	}
}

func TestAllThatIsRefusedOfASandboxIsToldAtOnce(t *testing.T) {
	want(t, command(t, "sandbox", "--addr=x", "--api-key=", "--allow-host=a/b", "--fault=502=2", "--fault=s3cr3t"), outcome{exitUsage, "",
		"composio-patch: --addr: not of the form HOST:PORT, such as 127.0.0.1:8787\n" +
			"composio-patch: --api-key: the key is empty\n" +
			"composio-patch: --allow-host: not a host, such as sandbox or sandbox:8787\n" +
			"composio-patch: --fault: a rate is not a number above 0 and up to 1\n" +
			"composio-patch: --fault: not one of the names that --help lists\n" +
			"fix: nothing was sent; see composio-patch help sandbox\n"})
}

func TestVerbatimSendsWhatLooksLikeAMistake(t *testing.T) {
	for _, value := range []string{"REDACTED", "****", "abc...", "\ufefftoken", " token", "token\t"} {
		composio := newStandIn(t, answers(200, applied))
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"--set=token=" + value, "--set-file=token=" + path} {
			if got := command(t, "update", "ca_1", "--scheme=BEARER_TOKEN", flag, "--verbatim"); got.Status != exitDone {
				t.Errorf("%q: %+v", value, got)
			}
		}
		for _, sent := range composio.received() {
			if diff := cmp.Diff(bearer+`"token":"`+strings.ReplaceAll(value, "\t", `\t`)+`"}}}}`, sent.Body); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

func TestTheHelpHasEveryMemberOfTheJSON(t *testing.T) {
	help := command(t, "help", "update").Out
	_, members, _ := strings.Cut(help, "With --json, an object about an account has")
	members, _, _ = strings.Cut(members, "Exit status")
	words := strings.FieldsFunc(members, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	has := map[string]bool{}
	for _, word := range words {
		has[word] = true
	}
	for _, of := range []reflect.Type{reflect.TypeFor[event](), reflect.TypeFor[rateLimitView]()} {
		for field := range of.Fields() {
			if member, _, _ := strings.Cut(field.Tag.Get("json"), ","); !has[member] {
				t.Errorf("%s is not explained", member)
			}
		}
	}
}
