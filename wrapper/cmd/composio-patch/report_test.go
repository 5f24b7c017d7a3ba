package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachFailureHasItsExitStatusAndSaysWhatToDo(t *testing.T) {
	const (
		envelope = `{"error":{"message":"M","code":600,"slug":"S","status":400}}`
		clash    = `{"error":{"message":"Alias \"a\" is already in use"}}`
		correct  = "correct what the line above says; --scheme must be the account's own"
		another  = "choose another --alias, or clear it first on the account that has it"
		look     = "look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update"
	)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		status int
		err    string // up to the request id
		fix    string
	}{
		"bad request": {answers(400, envelope), exitFailed, "400 S (600): M",
			correct},
		"Composio's own fix": {answers(400, `{"error":{"message":"M","suggested_fix":"F"}}`), exitFailed, "400: M; fix: F",
			correct},
		"wrong key": {answers(401, `{"error":{"message":"Invalid API key: ak_o1Og5*****","code":10401,"slug":"HTTP_Unauthorized"}}`), exitFailed,
			"401 HTTP_Unauthorized (10401): Invalid API key: [redacted]", "check COMPOSIO_API_KEY: it must be a key of the account's project"},
		"forbidden": {answers(403, ""), exitFailed, "403: Forbidden",
			"check what the key of COMPOSIO_API_KEY may do, and what stands between here and Composio"},
		"account gone": {answers(404, `{"error":{"message":"Connected account \"ca_1\" not found","code":606}}`), exitFailed,
			`404 (606): Connected account "ca_1" not found`, "check the ID: the project of this API key has no such account"},
		"gateway's 404": {answers(404, "<html>"), exitFailed, "404: Not Found; the answer is not readable JSON: it was cut short, or a gateway or proxy gave it",
			"check --base-url or COMPOSIO_BASE_URL: no account was looked for at what it names"},
		"alias clash": {answers(409, clash), exitFailed, `409: Alias "a" is already in use`,
			another},
		"older alias clash": {answers(400, clash), exitFailed, `400: Alias "a" is already in use`,
			another},
		"conflict": {answers(409, envelope), exitFailed, "409 S (600): M",
			"somebody else is changing the account; run the same command again"},
		"unprocessable": {answers(422, envelope), exitFailed, "422 S (600): M",
			correct},
		"rate limit": {answers(429, `{"message":"Rate limit exceeded"}`, "Retry-After", "61"), exitFailed, "429: Rate limit exceeded",
			"wait 1m1s and run the same command again"},
		"rate limit, no time": {answers(429, `{"message":"Rate limit exceeded"}`), exitFailed, "429: Rate limit exceeded",
			"wait a minute and run the same command again"},
		"redirect": {answers(307, "", "Location", "https://elsewhere.test/"), exitFailed, "307: Temporary Redirect",
			"check --base-url or COMPOSIO_BASE_URL: it leads elsewhere, and no redirect is followed with a key"},
		"unavailable": {answers(503, ""), exitUnknown, "503: Service Unavailable; the update may have been applied",
			look},
		"proxy's refusal": {answers(407, ""), exitFailed, "407: Proxy Authentication Required",
			"nothing was sent; check the proxy that HTTPS_PROXY or HTTP_PROXY names, and whether NO_PROXY should list Composio's host"},
		"another status": {answers(402, envelope), exitFailed, "402 S (600): M",
			"nothing was applied; do what the line above says, or run the same command again later"},
		"too large": {answers(400, strings.Repeat(" ", 2<<20)), exitFailed, "400: Bad Request; the answer has more than 1048576 bytes",
			"check --base-url or COMPOSIO_BASE_URL: Composio does not answer so"},
		"server error": {answers(500, envelope), exitUnknown, "500 S (600): M; the update may have been applied",
			look},
		"page with status 200": {answers(200, "<html>"), exitUnknown,
			"200: OK; the answer is not readable JSON: it was cut short, or a gateway or proxy gave it; the update may have been applied",
			look},
		"no success": {answers(200, `{"success":false}`), exitUnknown, `200: OK; the answer does not say "success": true; the update may have been applied`,
			look},
		"a message that steers the terminal": {answers(400, `{"error":{"message":"\u001b[2Jx\ny"}}`), exitFailed, "400:  [2Jx y",
			correct},
	} {
		t.Run(name, func(t *testing.T) {
			newStandIn(t, tt.answer)
			want(t, command(t, "update", "ca_1", "--alias=a", "--max-retries=0"), outcome{tt.status, "",
				"composio-patch: ca_1: " + tt.err + "; request id req_1\nfix: " + tt.fix + "\n"})
		})
	}
}

func TestAnOutcomeThatIsUnknownComesBeforeTheLastAnswer(t *testing.T) {
	newStandIn(t, inTurn(answers(500, "", "Retry-After", "0.001"), answers(429, `{"message":"M"}`, "Retry-After", "90")))
	got := command(t, "update", "ca_1", "--alias=a")
	if got.Status != exitUnknown || !strings.Contains(got.Err, "composio-patch: ca_1: 429: M; the update may have been applied; request id req_1\nfix: look at the account, ") {
		t.Errorf("%+v", got)
	}
}

func TestJSONIsOneObjectAnUpdate(t *testing.T) {
	const (
		done   = `{"event":"row","id":"ca_1","outcome":"done","status":"ACTIVE","http_status":200,"code":0,"slug":"","request_id":"req_1","attempts":1`
		start  = `{"event":"row","id":"ca_1","outcome":`
		noCall = `,"http_status":0,"code":0,"slug":"","error":`
		help   = `,"fix":"nothing was sent; see composio-patch help update"}`
	)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		line   string
		status int
		out    string
	}{
		"done":         {answers(200, applied), "update ca_1 --alias=a --json", exitDone, done + `}`},
		"a rate limit": {answers(200, applied, "X-RateLimit", "2000", "X-RateLimit-Remaining", "1999", "X-RateLimit-Window-Size", "60s"), "update ca_1 --alias=a --json", exitDone, done + `,"rate_limit":{"limit":2000,"remaining":1999,"window_seconds":60}}`},
		"no HTML":      {answers(200, `{"success":true,"id":"ca_1","status":"<&>"}`), "update ca_1 --alias=a --json", exitDone, strings.Replace(done, "ACTIVE", "<&>", 1) + `}`},
		"a failure": {answers(429, `{"error":{"message":"M \u001b","code":10429,"slug":"S","suggested_fix":"F","errors":["one","two"]}}`, "Retry-After", "90"), "update ca_1 --alias=a --json=true", exitFailed,
			start + `"not_applied","http_status":429,"code":10429,"slug":"S","error":"ca_1: 429 S (10429): M  ; one; two; fix: F; request id req_1",` +
				`"fix":"wait 1m30s and run the same command again","suggested_fix":"F","details":["one","two"],"request_id":"req_1","attempts":1,` +
				`"retry_after_seconds":90,"retryable":true}`},
		"unknown": {answers(500, `{"error":{"message":"M"}}`), "update ca_1 --alias=a --json --max-retries=0", exitUnknown,
			start + `"unknown","http_status":500,"code":0,"slug":"","error":"ca_1: 500: M; the update may have been applied; request id req_1","fix":"look at the account, or run the same command again, ` +
				`which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update","request_id":"req_1","attempts":1,"retryable":true}`},
		"refused":      {nil, "update ca_1 --timeout=-1s --alias=<&> --json", exitUsage, start + `"refused"` + noCall + `"--timeout: -1s is negative"` + help},
		"inconsistent": {nil, "update ca_1 --json --clear=token", exitUsage, start + `"refused"` + noCall + `"--set, --set-file and --clear need --scheme, the scheme that the account was connected with"` + help},
		"an id that is none": {nil, "update s3cr3t! --alias=x --json", exitUsage,
			`{"event":"error","id":"","outcome":"refused"` + noCall + `"the account id [not shown] has a character other than A-Z, a-z, 0-9, _ and -"` + help},
		"not understood": {nil, "update ca_1 --json --nonsense", exitUsage, `{"event":"error","id":"","outcome":"refused"` + noCall + `"unknown flag [argument 4]"` + help},
		"bulk":           {nil, "bulk none --json=true", exitUsage, `{"event":"error","id":"","outcome":"refused"` + noCall + `"the file \"none\" cannot be opened: no such file or directory","fix":"give a file that can be read, or - for standard input"}`},
		"no id":          {nil, "update --json", exitUsage, `{"event":"error","id":"","outcome":"refused"` + noCall + `"expected \"<id>\""` + help},
	} {
		t.Run(name, func(t *testing.T) {
			newStandIn(t, tt.answer)
			got := command(t, strings.Fields(tt.line)...)
			if diff := cmp.Diff(tt.out+"\n", got.Out); diff != "" || got.Status != tt.status {
				t.Errorf("status %d (-want +got):\n%s", got.Status, diff)
			}
		})
	}
}

func TestAResultDoesNotSteerTheTerminal(t *testing.T) {
	newStandIn(t, answers(200, `{"success":true,"id":"ca_1","status":"A\u001b[2J\nB"}`))
	want(t, command(t, "update", "ca_1", "--alias=a"), outcome{0, "ca_1: updated; status A [2J B, request id req_1, 1 attempt\n", ""})
}

// Whatever goes wrong, neither the key nor a credential is printed.
func TestNoSecretIsPrinted(t *testing.T) {
	const secret = "S3cr3t-of-mine/+=with==much,in;it"
	quoted, _ := json.Marshal(secret)
	echo := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := string(quoted[:len(quoted)-1]) + " and " + r.Header.Get("X-Api-Key") + `"`
			w.Header().Set("X-Request-Id", secret)
			answers(status, `{"success":true,"id":`+text+`,"status":`+text+`,"error":{"message":`+text+`,"slug":`+text+`,"suggested_fix":`+text+`,"errors":[`+text+`]}}`, header...)(w, r)
		}
	}
	set := []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set=token=" + secret}
	file := []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file=token=-"}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		args   []string
	}{
		"echoed in a result":         {echo(200), set},
		"echoed in a refusal":        {echo(400), file},
		"echoed by a server error":   {echo(500, "Retry-After", "0.001"), set},
		"echoed before a retry":      {echo(429, "Retry-After", "0.001"), set},
		"in the sandbox":             {nil, with(set, "--sandbox")},
		"in the sandbox, by a file":  {nil, []string{"update", "ca_1a2b3c4d5e6f", "--scheme=BEARER_TOKEN", "--set-file=token=-", "--sandbox"}},
		"in the sandbox, refused":    {nil, []string{"update", "ca_1a2b3c4d5e6f", "--scheme=API_KEY", "--set=api_key=" + secret, "--sandbox"}},
		"without its field":          {nil, []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set", secret}},
		"as a field":                 {nil, []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--clear", secret}},
		"after a space":              {nil, []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set", "token=", secret}},
		"after a space, as the id":   {nil, []string{"update", "--scheme=BEARER_TOKEN", "--set", "token=", secret}},
		"as a flag":                  {nil, []string{"update", "ca_1", "--" + secret}},
		"as a flag's value":          {nil, []string{"update", "ca_1", "--nonsense=" + secret}},
		"as a short flag":            {nil, []string{"update", "ca_1", "-" + secret}},
		"as a value with a hyphen":   {nil, []string{"update", "ca_1", "--alias", "-" + secret}},
		"as a command":               {nil, []string{secret}},
		"as a path":                  {nil, []string{"update", "ca_1", "--scheme=BEARER_TOKEN", "--set-file=token=" + secret}},
		"as a bool":                  {nil, with(set, "--allow-all="+secret)},
		"as a duration":              {nil, with(set, "--timeout="+secret)},
		"as a duration, with quotes": {nil, with(set, `--timeout="`+secret+"\x00")},
		"as a number":                {nil, with(set, "--max-retries", secret)},
		"in a base url":              {nil, with(set, "--base-url=https://user:"+secret+"@x.test")},
		"in a broken base url":       {nil, with(set, "--base-url=https://user:"+secret+"@x.test:port")},
		"without a scheme":           {nil, []string{"update", "ca_1", "--set=token=" + secret}},
		"twice":                      {nil, with(set, "--set=token="+secret)},
		"with an unknown scheme":     {nil, []string{"update", "ca_1", "--scheme=NONE", "--set=token=" + secret}},
		"no answer":                  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, with(set, "--max-retries=0")},
		"no host":                    {nil, with(set, "--max-retries=0", "--base-url=http://127.0.0.1:1")},
		"as the sandbox's key":       {nil, []string{"sandbox", "--addr=127.0.0.1:x", "--api-key=" + secret}},
		"as the sandbox's address":   {nil, []string{"sandbox", "--addr=" + secret}},
	} {
		for _, flags := range [][]string{nil, {"--json"}} {
			t.Run(strings.Join(append([]string{name}, flags...), " "), func(t *testing.T) {
				answer := tt.answer
				if answer == nil {
					answer = answers(200, applied)
				}
				newStandIn(t, answer)
				t.Setenv("COMPOSIO_API_KEY", "ak_another/secret")
				got := commandIn(t, strings.NewReader(secret+"\n"), append(tt.args[:len(tt.args):len(tt.args)], flags...)...)
				all := strings.ToLower(got.Out + got.Err)
				for _, part := range []string{"s3cr3t-of-mine", "with==much", "ak_another", "another/secret"} {
					if strings.Contains(all, part) {
						t.Errorf("%s is in %+v", part, got)
					}
				}
				if got.Out+got.Err == "" {
					t.Error("nothing is printed at all")
				}
			})
		}
	}
}
