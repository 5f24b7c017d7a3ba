package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelpSaysWhatMattersWhereverItIsAskedFor(t *testing.T) {
	for of, words := range map[string][]string{
		"":           {"update <id> [flags]", "bulk <file> [flags]", "sandbox [flags]", "help [<command>] [flags]", "version [flags]", "completion <shell> [flags]", "--version"},
		"help":       nil,
		"version":    nil,
		"completion": {"source <(composio-patch completion bash)"},
		"bulk": {
			"--check", "--dry-run", "--journal=F", "--json", "--concurrency=N", "--rate=R", "--share=S", "--max-retries=N", "--timeout=D",
			"--base-url=U", "--sandbox", "SIGINT", "1 some are not; 2 wrong usage or bad input;", `{"id":"ca_...","alias":"work"`, "HTTPS_PROXY", "SSL_CERT_FILE",
		},
		"update": {
			"--alias=A", "--clear-alias", "--scheme=S", "--set=FIELD=VALUE", "--set-file=FIELD=PATH", "--clear=FIELD", "--allow-all",
			"--allow-user=U", "--allow-none", "--deny-user=U", "--deny-none", "--json", "--timeout=D", "--max-retries=N",
			"--base-url=U", "--sandbox", "COMPOSIO_API_KEY", "process list", "Bound one attempt", "3 outcome unknown",
			"generic_api_key", "installation_id", "HTTPS_PROXY", "SSL_CERT_FILE",
		},
		"sandbox": {"--addr=HOST:PORT", "Where to listen, 127.0.0.1:8787 unless given", "--api-key=K"},
	} {
		t.Run(of, func(t *testing.T) {
			got := commandIn(t, nil, append(strings.Fields(of), "--help")...)
			wantStart(t, got, exitDone, strings.TrimSpace("Usage: composio-patch "+of))
			text := strings.Join(strings.Fields(got.Out), " ")
			for _, word := range words {
				if !strings.Contains(text, word) {
					t.Errorf("no %q in:\n%s", word, got.Out)
				}
			}
			want(t, command(t, append([]string{"help"}, strings.Fields(of)...)...), outcome{exitDone, got.Out, ""})
		})
	}
	want(t, command(t), outcome{exitUsage, "", command(t, "--help").Out})
}

func TestVersion(t *testing.T) {
	wantStart(t, command(t, "version"), exitDone, "composio-patch example.com/composio ")
	for _, args := range [][]string{{"version"}, {"--version"}, {"bulk", "--version"}} {
		want(t, command(t, args...), outcome{exitDone, version() + "\n", ""})
	}
}

func TestWrongUsageIsExplainedAndSendsNothing(t *testing.T) {
	nothingIsSent(t)
	const (
		missing  = "--alias: the value is missing; write --alias=VALUE for one that begins with a hyphen"
		noScheme = "--set, --set-file and --clear need --scheme, the scheme that the account was connected with"
		unknown  = ": unknown FIELD (it is not shown, since it may be a secret); there are "
		masked   = "credential token: the value looks masked, as Composio shows it when read; set the real one, or add --verbatim"
	)
	for line, text := range map[string]string{ // '' is an empty argument
		"update --alias=a":                                                  `expected "<id>"`,
		"update ca_1 ca_2 --alias=a":                                        "unexpected argument [argument 3]",
		"update ca_1 --alias --json=false":                                  missing,
		"update ca_1 --alias":                                               missing,
		"update ca_1 --set":                                                 `--set: missing value, expecting "<arg>"`,
		"update ca_1 --timeout=soon":                                        "--timeout: expected a duration, such as 10s",
		"update ca_1 --max-retries=many":                                    "--max-retries: expected a whole number",
		"update ca_1 --allow-all=Perhaps":                                   "--allow-all: bool value must be true, 1, yes, false, 0 or no",
		"update ca_1 --alias=a --clear-alias":                               "--alias and --clear-alias can't be used together",
		"update ca_1 --allow-user=u --allow-none":                           "--allow-user and --allow-none can't be used together",
		"update ca_1 --deny-user=u --deny-none":                             "--deny-user and --deny-none can't be used together",
		"update ca_1 --alias=a --base-url=https://x.test --sandbox":         "--base-url and --sandbox can't be used together",
		"update ca_1 --set=token=x":                                         noScheme,
		"update ca_1 --set-file=token=main.go":                              noScheme,
		"update ca_1 --clear=token":                                         noScheme,
		"update ca_1 --alias=a --scheme=BASIC":                              "--scheme changes nothing by itself; add --set, --set-file or --clear",
		"update ca_1 --scheme=BASIC --set=password":                         "--set: a value is not of the form FIELD=VALUE (it is not shown, since it may be a secret)",
		"update ca_1 --scheme=BASIC --set-file=password":                    "--set-file: a value is not of the form FIELD=PATH (it is not shown, since it may be a secret)",
		"update ca_1 --scheme=BASIC --set-file=pass=-":                      "--set-file" + unknown + strings.Join(fieldNames(), ", "),
		"update ca_1 --scheme=BASIC --clear=pass":                           "--clear" + unknown + strings.Join(fieldNames(), ", "),
		"update ca_1 --scheme=BASIC --set=password=a --set=password=b":      "--set: the field password is given twice",
		"update ca_1 --scheme=BASIC --set=password=a --set-file=password=-": "--set-file: the field password is given twice",
		"update ca_1 --scheme= --set=token=x":                               "--scheme: not one of " + schemeList(),
		"update ca_1":                                                       "the update changes nothing: set an alias, a credential or sharing",
		"update '' --alias=a":                                               "the account id has 0 characters, not 1 to 128",
		"update ca_1 --scheme=BEARER_TOKEN --set-file=token=-":              masked,
		"update ca_1 --alias=a --base-url=https://u:s3cr3t@x.test":          "--base-url: the URL must not carry credentials",
		"update ca_1 --alias=a --base-url=http://x.test": "--base-url: http:// would send the API key in the clear to a host other than this machine; " +
			"use https://, or add --insecure-http",
		// Kong's mapper of strings would have "\ufffd" in place of what is not UTF-8, so that a damaged password would be stored.
		"update ca_1 --scheme=BEARER_TOKEN --set token=p\xff": "credential token: the value is not valid UTF-8, which JSON cannot carry",
	} {
		args := strings.Fields(line)
		for i := range args {
			args[i] = strings.TrimPrefix(args[i], "''")
		}
		want(t, commandIn(t, strings.NewReader("ya29...\n"), args...), outcome{exitUsage, "", "composio-patch: " + text + "\nfix: nothing was sent; see composio-patch help " + args[0] + "\n"})
	}
	t.Setenv("COMPOSIO_API_KEY", "a key")
	want(t, command(t, "update", "ca_1", "--alias=a"), outcome{exitUsage, "", "composio-patch: COMPOSIO_API_KEY: the API key has a character other than visible ASCII, " +
		"such as a space or a newline\nfix: nothing was sent; see composio-patch help update\n"})
}

// The message that follows says "unknown command updat, did you mean "update"?" or as much of it as may be shown.
func TestATypoIsAnsweredWithTheRightWord(t *testing.T) {
	for line, message := range map[string]string{
		"updat ca_1":                  `unknown command updat, did you mean "update"?`,
		"updaet ca_1":                 `unknown command updaet, did you mean "update"?`,
		"Update":                      `unknown command Update, did you mean "update"?`,
		"bukl rows.jsonl":             `unknown command bukl, did you mean "bulk"?`,
		"compl bash":                  `unknown command compl, did you mean "completion"?`,
		"help updat":                  `unknown command updat, did you mean "update"?`,
		"update_":                     `unknown command [argument 1], did you mean "update"?`,
		"hunter":                      `unknown command [argument 1]`,
		"s3cr3t":                      `unknown command [argument 1]`,
		"update ca_1 --alais=s3cr3t":  `unknown flag --alais, did you mean "--alias"?`,
		"update ca_1 --alais s3cr3t":  `unknown flag --alais, did you mean "--alias"?`,
		"update ca_1 -alias s3cr3t":   `unknown flag -alias, did you mean "--alias"?`,
		"update ca_1 --set_file=a=b":  `unknown flag [argument 3], did you mean "--set-file"?`,
		"update ca_1 --max-retry=3":   `unknown flag --max-retry, did you mean "--max-retries"?`,
		"update ca_1 --S3cr3t":        `unknown flag [argument 3]`,
		"update ca_1 --hunter=s3cr3t": `unknown flag [argument 3]`,
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
		"completion":             "composio-patch help completion",
		"version --max-retries=": "composio-patch help version",
	} {
		if got := command(t, strings.Fields(line)...); !strings.HasSuffix(got.Err, "\nfix: nothing was sent; see "+advice+"\n") {
			t.Errorf("%s: %s", line, got.Err)
		}
		help := strings.Fields(advice)[1:]
		wantStart(t, command(t, help...), exitDone, "")
	}
}

func TestAllThatIsRefusedIsToldAtOnce(t *testing.T) {
	nothingIsSent(t)
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
}

func TestAllThatIsRefusedOfASandboxIsToldAtOnce(t *testing.T) {
	want(t, command(t, "sandbox", "--addr=x", "--api-key=", "--allow-host=a/b", "--fault=502=2", "--fault=s3cr3t"), outcome{exitUsage, "",
		"composio-patch: --addr: not of the form HOST:PORT, such as 127.0.0.1:8787\n" +
			"composio-patch: --api-key: the key is empty\n" +
			"composio-patch: --allow-host: not a host, such as sandbox or sandbox:8787\n" +
			"composio-patch: --fault: a rate is not a number above 0 and up to 1\n" +
			"composio-patch: --fault: not one of the names that composio-patch help sandbox lists\n" +
			"fix: see composio-patch help sandbox\n"})
}

func TestVerbatimSendsWhatLooksLikeAMistake(t *testing.T) {
	for _, value := range []string{"REDACTED", "****", "abc...", "\ufefftoken", " token", "token\t"} {
		composio := newStandIn(t, answers(200, applied))
		for _, flag := range []string{"--set=token=" + value, "--set-file=token=" + inputFile(t, value)} {
			wantStart(t, command(t, "update", "ca_1", "--scheme=BEARER_TOKEN", flag, "--verbatim"), exitDone, "")
		}
		body := bearer + `"token":"` + strings.ReplaceAll(value, "\t", `\t`) + `"}}}}`
		if diff := cmp.Diff([]string{body, body}, composio.bodies()["ca_1"]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// The Go types of the lines of --json are what the help says of them.
func TestTheHelpHasEveryMemberOfTheJSON(t *testing.T) {
	for name, types := range map[string][]reflect.Type{
		"update": {reflect.TypeFor[event](), reflect.TypeFor[rateLimitView]()},
		"bulk":   {reflect.TypeFor[event](), reflect.TypeFor[rateLimitView](), reflect.TypeFor[progressEvent](), reflect.TypeFor[summaryEvent](), reflect.TypeFor[checkedEvent]()},
	} {
		_, members, _ := strings.Cut(command(t, "help", name).Out, "With --json, an object about an account has")
		members, _, _ = strings.Cut(members, "Exit status")
		has := map[string]bool{}
		for _, word := range strings.FieldsFunc(members, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
			has[word] = true
		}
		for _, of := range types {
			for _, field := range reflect.VisibleFields(of) {
				if member, _, _ := strings.Cut(field.Tag.Get("json"), ","); member != "" && member != "event" && !has[member] {
					t.Errorf("%s: %s is not explained", name, member)
				}
			}
		}
	}
}
