package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachFailureHasItsExitStatusAndSaysWhatToDo(t *testing.T) {
	const envelope = `{"error":{"message":"M","code":600,"slug":"S","status":400}}`
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		status int
		err    string // up to the request id
		fix    string
	}{
		"bad request": {answers(400, envelope), exitFailed, "400 S (600): M",
			"correct what the line above says; --scheme must be the account's own"},
		"Composio's own fix": {answers(400, `{"error":{"message":"M","suggested_fix":"F"}}`), exitFailed, "400: M; fix: F",
			"correct what the line above says; --scheme must be the account's own"},
		"wrong key": {answers(401, `{"error":{"message":"Invalid API key: ak_o1Og5*****","code":10401,"slug":"HTTP_Unauthorized"}}`), exitFailed,
			"401 HTTP_Unauthorized (10401): Invalid API key: [redacted]", "check COMPOSIO_API_KEY: it must be a key of the account's project"},
		"forbidden": {answers(403, ""), exitFailed, "403: Forbidden",
			"check what the key of COMPOSIO_API_KEY may do, and what stands between here and Composio"},
		"account gone": {answers(404, `{"error":{"message":"Connected account \"ca_1\" not found","code":606}}`), exitFailed,
			`404 (606): Connected account "ca_1" not found`, "check the ID: the project of this API key has no such account"},
		"gateway's 404": {answers(404, "<html>"), exitFailed, "404: Not Found; the answer is not readable JSON: it was cut short, or a gateway or proxy gave it",
			"check --base-url or COMPOSIO_BASE_URL: no account was looked for at what it names"},
		"alias clash": {answers(409, `{"error":{"message":"Alias \"a\" is already in use"}}`), exitFailed, `409: Alias "a" is already in use`,
			"choose another --alias, or clear it first on the account that has it"},
		"older alias clash": {answers(400, `{"error":{"message":"Alias \"a\" is already in use"}}`), exitFailed, `400: Alias "a" is already in use`,
			"choose another --alias, or clear it first on the account that has it"},
		"conflict": {answers(409, envelope), exitFailed, "409 S (600): M",
			"somebody else is changing the account; run the same command again"},
		"unprocessable": {answers(422, envelope), exitFailed, "422 S (600): M",
			"correct what the line above says; --scheme must be the account's own"},
		"rate limit": {answers(429, `{"message":"Rate limit exceeded"}`, "Retry-After", "61"), exitFailed, "429: Rate limit exceeded",
			"wait 1m1s and run the same command again"},
		"rate limit, no time": {answers(429, `{"message":"Rate limit exceeded"}`), exitFailed, "429: Rate limit exceeded",
			"wait a minute and run the same command again"},
		"redirect": {answers(307, "", "Location", "https://elsewhere.test/"), exitFailed, "307: Temporary Redirect",
			"check --base-url or COMPOSIO_BASE_URL: it leads elsewhere, and no redirect is followed with a key"},
		"unavailable": {answers(503, ""), exitUnknown, "503: Service Unavailable; the update may have been applied",
			"look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update"},
		"proxy's refusal": {answers(407, ""), exitFailed, "407: Proxy Authentication Required",
			"nothing was sent; check the proxy that HTTPS_PROXY or HTTP_PROXY names, and whether NO_PROXY should list Composio's host"},
		"another status": {answers(402, envelope), exitFailed, "402 S (600): M",
			"nothing was applied; do what the line above says, or run the same command again later"},
		"too large": {answers(400, strings.Repeat(" ", 2<<20)), exitFailed, "400: Bad Request; the answer has more than 1048576 bytes",
			"check --base-url or COMPOSIO_BASE_URL: Composio does not answer so"},
		"server error": {answers(500, envelope), exitUnknown, "500 S (600): M; the update may have been applied",
			"look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update"},
		"page with status 200": {answers(200, "<html>"), exitUnknown,
			"200: OK; the answer is not readable JSON: it was cut short, or a gateway or proxy gave it; the update may have been applied",
			"look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update"},
		"no success": {answers(200, `{"success":false}`), exitUnknown, `200: OK; the answer does not say "success": true; the update may have been applied`,
			"look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update"},
		"a message that steers the terminal": {answers(400, `{"error":{"message":"\u001b[2Jx\ny"}}`), exitFailed, "400:  [2Jx y",
			"correct what the line above says; --scheme must be the account's own"},
	} {
		t.Run(name, func(t *testing.T) {
			newStandIn(t, tt.answer)
			want(t, command(t, "update", "ca_1", "--alias=a", "--max-retries=0"), outcome{tt.status, "",
				"composio-patch: ca_1: " + tt.err + "; request id req_1\nfix: " + tt.fix + "\n"})
		})
	}
}

func TestAnOutcomeThatIsUnknownComesBeforeTheLastAnswer(t *testing.T) {
	var requests atomic.Int32
	newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			answers(500, "", "Retry-After", "0.001")(w, r)
			return
		}
		answers(429, `{"message":"M"}`, "Retry-After", "90")(w, r)
	})
	got := command(t, "update", "ca_1", "--alias=a")
	if got.Status != exitUnknown || !strings.HasSuffix(got.Err, "composio-patch: ca_1: 429: M; the update may have been applied; request id req_1\n"+
		"fix: look at the account, or run the same command again, which does no harm unless the account was changed since; what was sent may still be applied later, also over a newer update\n") {
		t.Errorf("%+v", got)
	}
}

func TestWhoIsNotReachedAppliedNothing(t *testing.T) {
	composio := newStandIn(t, answers(200, applied))
	composio.Close()
	got := command(t, "update", "ca_1", "--alias=a", "--max-retries=0")
	if got.Status != exitFailed || !strings.Contains(got.Err, "connection refused") ||
		!strings.HasSuffix(got.Err, "\nfix: nothing was sent; check the network, and --base-url or COMPOSIO_BASE_URL\n") {
		t.Errorf("%+v", got)
	}
}

func TestAFailureWithJSONIsOneObject(t *testing.T) {
	newStandIn(t, answers(429, `{"error":{"message":"M \u001b","code":10429,"slug":"S","suggested_fix":"F","errors":["one","two"]}}`, "Retry-After", "90"))
	want(t, command(t, "update", "ca_1", "--alias=a", "--json"), outcome{exitFailed,
		`{"event":"row","id":"ca_1","outcome":"not_applied","http_status":429,"code":10429,"slug":"S","error":"ca_1: 429 S (10429): M  ; one; two; fix: F; request id req_1",` +
			`"fix":"wait 1m30s and run the same command again","suggested_fix":"F","details":["one","two"],"request_id":"req_1","attempts":1,` +
			`"retry_after_seconds":90,"retryable":true}` + "\n",
		"composio-patch: ca_1: 429 S (10429): M  ; one; two; fix: F; request id req_1\nfix: wait 1m30s and run the same command again\n"})

	newStandIn(t, answers(200, "<p>"))
	got := command(t, "update", "ca_1", "--alias=a", "--json")
	const start = `{"event":"row","id":"ca_1","outcome":"unknown","http_status":200,"code":0,"slug":"","error":"ca_1: 200: OK; `
	if got.Status != exitUnknown || !strings.HasPrefix(got.Out, start) || !strings.HasSuffix(got.Out, `,"request_id":"req_1","attempts":1}`+"\n") {
		t.Errorf("%+v", got)
	}

	want(t, command(t, "update", "ca_1", "--timeout=-1s", "--alias=<&>", "--json"), outcome{exitUsage,
		`{"event":"row","id":"ca_1","outcome":"refused","http_status":0,"code":0,"slug":"","error":"--timeout: -1s is negative",` +
			`"fix":"nothing was sent; see composio-patch help update"}` + "\n",
		"composio-patch: --timeout: -1s is negative\nfix: nothing was sent; see composio-patch help update\n"})
}

func TestTheJSONOfALineThatCannotBeUnderstoodNamesNoAccount(t *testing.T) {
	newStandIn(t, answers(200, applied))
	for _, args := range [][]string{{"update", "s3cr3t!", "--alias=x", "--json"}, {"update", "ca_1", "--json", "--nonsense"}} {
		if got := command(t, args...); !strings.HasPrefix(got.Out, `{"event":"error","id":"","outcome":"refused",`) {
			t.Errorf("%+v", got)
		}
	}
}

func TestJSONHasNoHTMLEscapes(t *testing.T) {
	newStandIn(t, answers(200, `{"success":true,"id":"ca_1","status":"<&>"}`))
	want(t, command(t, "update", "ca_1", "--alias=a", "--json"), outcome{0,
		`{"event":"row","id":"ca_1","outcome":"done","status":"<&>","http_status":200,"code":0,"slug":"","request_id":"req_1","attempts":1}` + "\n", ""})
}

func TestEveryEndWithJSONIsOneObject(t *testing.T) {
	newStandIn(t, answers(200, applied))
	for name, tt := range map[string]struct {
		status int
		args   []string
	}{
		"done":             {exitDone, []string{"update", "ca_1", "--alias=a", "--json"}},
		"done in sandbox":  {exitDone, []string{"update", "ca_1a2b3c4d5e6f", "--alias=a", "--json", "--sandbox"}},
		"clash in sandbox": {exitFailed, []string{"update", "ca_1a2b3c4d5e6f", "--alias=work", "--json=true", "--sandbox"}},
		"refused":          {exitUsage, []string{"update", "ca_1", "--json"}},
		"inconsistent":     {exitUsage, []string{"update", "ca_1", "--json", "--clear=token"}},
		"not understood":   {exitUsage, []string{"update", "--json", "--nonsense"}},
		"no id":            {exitUsage, []string{"update", "--json"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := command(t, tt.args...)
			var object map[string]any
			decoder := json.NewDecoder(strings.NewReader(got.Out))
			if err := decoder.Decode(&object); err != nil || decoder.More() || strings.Count(got.Out, "\n") != 1 {
				t.Errorf("%v; standard output is %q", err, got.Out)
			}
			if (object["error"] != nil) != (tt.status != exitDone) || got.Status != tt.status {
				t.Errorf("exit status %d with %v", got.Status, object)
			}
			if tt.status != exitDone && object["fix"] == "" {
				t.Errorf("it does not say what to do: %v", object)
			}
		})
	}
}

func TestAResultWithJSONHasTheRateLimitIfThereIsOne(t *testing.T) {
	const start = `{"event":"row","id":"ca_1","outcome":"done","status":"ACTIVE","http_status":200,"code":0,"slug":"","request_id":"req_1","attempts":1`
	newStandIn(t, answers(200, applied))
	want(t, command(t, "update", "ca_1", "--alias=a", "--json"), outcome{0, start + "}\n", ""})
	newStandIn(t, answers(200, applied, "X-RateLimit", "2000", "X-RateLimit-Remaining", "1999", "X-RateLimit-Window-Size", "60s"))
	want(t, command(t, "update", "ca_1", "--alias=a", "--json"),
		outcome{0, start + `,"rate_limit":{"limit":2000,"remaining":1999,"window_seconds":60}}` + "\n", ""})
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

func TestAnErrorOfTheCommandsOwnSaysWhatToDo(t *testing.T) {
	var errs bytes.Buffer
	status := (&stdio{err: &errs}).fail(&problem{exitFailed, "a\x1bb", "c"}, false)
	if diff := cmp.Diff("composio-patch: a b\nfix: c\n", errs.String()); diff != "" || status != exitFailed {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
}
