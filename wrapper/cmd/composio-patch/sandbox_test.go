package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// served is the sandbox command in a process of its own, which serves.
type served struct {
	*process
	url string
}

func serve(t *testing.T, args ...string) *served {
	t.Helper()
	p := newProcess(t, append([]string{"sandbox", "--addr=127.0.0.1:0"}, args...)...).start(t)
	p.out.waitFor(t, "\nstop with ctrl-c\n")
	return &served{p, regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.out.String())}
}

// stop signals the process and returns what it left behind.
func (s *served) stop(t *testing.T, sig os.Signal) outcome {
	t.Helper()
	s.signal(t, sig)
	return s.wait()
}

// greeting is all that it prints.
func (s *served) greeting(key, accounts, try string) string {
	return "sandbox of Composio, in memory, at " + s.url + "\n\nAPI key: " + strings.Replace(key, "URL", s.url, 1) + "\naccounts:\n" + accounts +
		"\ntry, in another terminal:\n  " + strings.Replace(try, "COMMAND", program, 1) + " --alias new --base-url " + s.url + "\n\nstop with ctrl-c\nstopped\n"
}

const accounts = `  ca_1a2b3c4d5e6f  BEARER_TOKEN            ACTIVE   github of user_1      alias "personal"  token: set
  ca_2b3c4d5e6f7a  BEARER_TOKEN            ACTIVE   github of user_1      alias "work"      token: set
  ca_3c4d5e6f7a8b  API_KEY                 ACTIVE   serpapi of user_1     alias ""          generic_api_key: set
  ca_4d5e6f7a8b9c  BASIC                   EXPIRED  zendesk of user_2     alias ""          password: set, username: set
  ca_5e6f7a8b9c0d  BASIC_WITH_JWT          ACTIVE   metabase of user_2    alias ""          password: set, username: set
  ca_6f7a8b9c0d1e  GOOGLE_SERVICE_ACCOUNT  ACTIVE   bigquery of user_3    alias ""          credentials_json: set
  ca_7a8b9c0d1e2f  SERVICE_ACCOUNT         ACTIVE   github_app of user_3  alias ""          application_id: set, installation_id: set, private_key: set
`

func TestSandboxServesUntilASignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			s := serve(t, "--quiet")
			t.Setenv("COMPOSIO_API_KEY", sandbox.DefaultAPIKey)
			wantStart(t, command(t, "update", "ca_1a2b3c4d5e6f", "--alias=new", "--base-url", s.url), exitDone, "")
			wantStart(t, command(t, "update", "ca_1a2b3c4d5e6f", "--alias=work", "--base-url", s.url), exitFailed, "")
			try := "COMPOSIO_API_KEY=ak_sandbox COMMAND update ca_1a2b3c4d5e6f"
			out, err := asProcess(t, "sh", "-c", strings.Replace(try, "COMMAND", program, 1)+" --alias pasted --base-url "+s.url).CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), "ca_1a2b3c4d5e6f: updated; status ACTIVE, ") {
				t.Errorf("%v: %s", err, out)
			}
			want(t, s.stop(t, sig), outcome{0, s.greeting("ak_sandbox\npage: URL/_sandbox/#key=ak_sandbox", accounts, try), ""})
			wantStart(t, command(t, "update", "ca_1a2b3c4d5e6f", "--alias=new", "--base-url", s.url, "--max-retries=0"), exitFailed, "")
		})
	}
}

func TestASecondSignalEndsASandboxThatWaits(t *testing.T) {
	s := serve(t)
	client, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// A request that is under way, as the answer to Expect says, and never ends.
	if _, err := io.WriteString(client, "PATCH /api/v3/connected_accounts/ca_1a2b3c4d5e6f HTTP/1.1\r\nHost: x\r\nX-Api-Key: x\r\n"+
		"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(client).ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%v: %q", err, line)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.wait() }()
	for {
		_ = s.Process.Signal(syscall.SIGTERM) // not twice, because the second may come before the first is dealt with
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSandboxTakesTheKeyItWasGivenAndDoesNotPrintIt(t *testing.T) {
	const key = "ak_s3cr3t_of_mine"
	s := serve(t, "--quiet", "--api-key="+key)
	for key, status := range map[string]int{key: exitDone, sandbox.DefaultAPIKey: exitFailed} {
		t.Setenv("COMPOSIO_API_KEY", key)
		wantStart(t, command(t, "update", "ca_1a2b3c4d5e6f", "--alias=new", "--base-url", s.url), status, "")
	}
	want(t, s.stop(t, syscall.SIGTERM), outcome{0, s.greeting("[redacted], the one that was given; put it into COMPOSIO_API_KEY\npage: URL/_sandbox/", accounts, "COMMAND update ca_1a2b3c4d5e6f"), ""})
}

func TestSandboxSaysThatThePortIsTaken(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	addr := taken.Listener.Addr().String()
	want(t, command(t, "sandbox", "--addr", addr), outcome{exitFailed, "",
		"composio-patch: listen tcp " + addr + ": bind: address already in use\nfix: choose another --addr, such as 127.0.0.1:0 for any free port\n"})
}

func TestTheURLIsOneThatThisMachineReaches(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8787": "http://127.0.0.1:8787", "[::1]:80": "http://[::1]:80",
		"0.0.0.0:81": "http://localhost:81", "[::]:82": "http://localhost:82",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(tcp); got != want {
			t.Errorf("%s is %s, not %s", addr, got, want)
		}
	}
}

func TestTheProgramIsQuotedForAShellIfItMust(t *testing.T) {
	for _, path := range []string{"./.bin/composio-patch", "/My Projects/c", "it's"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(path)).Output()
		if err != nil || string(out) != path {
			t.Errorf("%v: a shell takes %s for %s", err, shellQuote(path), out)
		}
	}
}

func TestShutDownLetsARequestEndButNotForLong(t *testing.T) {
	for name, tt := range map[string]struct {
		within time.Duration
		ends   bool
	}{"that ends": {time.Minute, true}, "that hangs": {time.Millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			arrived, release := make(chan struct{}), make(chan struct{})
			server, err := startEmbedded(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				select {
				case <-release:
					w.WriteHeader(http.StatusNoContent)
				case <-r.Context().Done():
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			if server.ReadHeaderTimeout <= 0 {
				t.Error("a client that sends no headers is waited for without end")
			}
			if tt.ends {
				server.RegisterOnShutdown(func() { close(release) })
			}
			done := make(chan struct{})
			go func() { defer close(done); <-arrived; server.stop(t.Context(), tt.within) }()
			defer http.DefaultClient.CloseIdleConnections()
			resp, err := http.Get(server.url)
			if (err == nil) != tt.ends || err == nil && (resp.StatusCode != http.StatusNoContent || resp.Body.Close() != nil) {
				t.Errorf("the request was answered %v, %v", resp, err)
			}
			<-done
		})
	}
}

func TestAnAccountIsDescribedWithoutItsCredentials(t *testing.T) {
	before := sandbox.Account{
		ID: "ca\x1b1", Toolkit: "t\n", UserID: "u\u202e", Scheme: composio.SchemeBasic, Status: composio.StatusActive, Alias: "a\x1b",
		Credentials: map[string]string{"kept": "s3cr3t-1", "replaced": "s3cr3t-2", "removed": "s3cr3t-3", "emptied": "s3cr3t-4", "nothing": ""},
	}
	after := before
	after.AllowAllUsers, after.AllowedUserIDs, after.NotAllowedUserIDs = true, []string{"x", "y"}, []string{"z"}
	after.Credentials = map[string]string{"kept": "s3cr3t-1", "replaced": "s3cr3t-5", "emptied": "", "nothing": "", "added": "s3cr3t-6"}
	for name, tt := range map[string]struct {
		before, after sandbox.Account
		want          string
	}{
		"before": {before, before, `ca 1|BASIC|ACTIVE|t  of u |alias "a\x1b"|emptied: set, kept: set, nothing: empty, removed: set, replaced: set`},
		"after": {before, after, `ca 1|BASIC|ACTIVE|t  of u |alias "a\x1b"|added: new, emptied: empty, kept: set, nothing: empty, ` +
			`removed: removed, replaced: new|every user may use it|allowed ["x" "y"]|denied ["z"]`},
		"without credentials": {sandbox.Account{}, sandbox.Account{ID: "ca_2"}, `ca_2||| of |alias ""|`},
	} {
		if diff := cmp.Diff(tt.want, strings.Join(describe(tt.before, tt.after), "|")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// send makes one request with the default key.
func (s *served) send(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

const api = "/api/v3/connected_accounts/"

func TestSandboxSaysWhatItSees(t *testing.T) {
	s := serve(t, "--fault", "502-applied=1")
	if status, _ := s.send(t, "PATCH", api+"ca_1a2b3c4d5e6f", `{"alias":"","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"s3cret"}}}}`); status != 502 {
		t.Errorf("status %d, want 502", status)
	}
	s.send(t, "PATCH", api+"ca_1a2b3c4d5e6f", `{"alias":81549300}`)
	s.send(t, "GET", "/_sandbox/accounts", "")
	got := s.stop(t, syscall.SIGTERM)
	log := regexp.MustCompile(`(?m)^time=\S+Z? `).ReplaceAllString(got.Err, "")
	if diff := cmp.Diff(`method=PATCH id=ca_1a2b3c4d5e6f status=502 applied=true set=token cleared=alias fault=502-applied
method=PATCH id=ca_1a2b3c4d5e6f status=400 applied=false violations="request /alias: type"
`, log); diff != "" || got.Status != exitDone {
		t.Errorf("exit status %d, log (-want +got):\n%s", got.Status, diff)
	}
}

func TestSandboxServesTheAccountsOfAFile(t *testing.T) {
	file := inputFile(t, `{"id":"it's\u001b[2J","scheme":"OAUTH2","user":"u","toolkit":"t","status":"EXPIRED","alias":"a","credentials":{"b":"s3cret"}}`, "",
		`{"id":"ca_2","scheme":"API_KEY"}`)
	s := serve(t, "--quiet", "--accounts", file, "--allow-host", "box.test")
	if status, body := s.send(t, "GET", "/_sandbox/accounts/it%27s%1b%5b2J", ""); status != 200 ||
		body != `{"id":"it's\u001b[2J","toolkit":"t","user":"u","scheme":"OAUTH2","alias":"a","status":"EXPIRED","credentials":{"b":"s3cret"}}` {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.send(t, "PATCH", api+"ca_1a2b3c4d5e6f", `{}`); status != 404 {
		t.Errorf("an account of its own is there: %d %s", status, body)
	}
	want(t, s.stop(t, syscall.SIGTERM), outcome{0, s.greeting("ak_sandbox\npage: URL/_sandbox/#key=ak_sandbox",
		"  it's [2J  OAUTH2   EXPIRED  t of u  alias \"a\"  b: set\n  ca_2      API_KEY  ACTIVE    of     alias \"\"   \n", `COMPOSIO_API_KEY=ak_sandbox COMMAND update ca_2`), ""})
}

func TestSandboxPrintsFewOfManyAccounts(t *testing.T) {
	for n, want := range map[int]string{20: "\n\ntry", 21: "\n  and 1 more\n\ntry", 10_000: "\n  and 9980 more\n\ntry", 0: "accounts:\n\nstop"} {
		var out bytes.Buffer
		all := make([]sandbox.Account, n)
		for i := range all {
			all[i] = sandbox.Account{ID: fmt.Sprint("ca_", i), Scheme: composio.SchemeBasic}
		}
		(&sandboxCmd{}).greet(&stdio{out: &out}, "http://x", all)
		if lines := strings.Count(out.String(), "alias \"\""); lines != min(n, 20) || !strings.Contains(out.String(), want) {
			t.Errorf("%d accounts: %s", n, out.String())
		}
	}
}

func TestSandboxSuggestsAnUpdateThatWorks(t *testing.T) {
	account := func(id string, scheme composio.Scheme, user, alias string) sandbox.Account {
		return sandbox.Account{ID: id, Scheme: scheme, UserID: user, Alias: alias}
	}
	unfit := []sandbox.Account{
		account("ca_oauth", "OAUTH2", "u", ""), account("two words", "BASIC", "u", ""), account("-v", "BASIC", "u", ""),
		account("", "BASIC", "u", ""), account("$(x)", "BASIC", "u", ""), account("ca_taken", "BASIC", "v", ""), account("ca\n", "BASIC", "v", "new"),
	}
	for _, tt := range []struct {
		accounts  []sandbox.Account
		url, want string
	}{
		{unfit, "http://127.0.0.1:1", ""},
		{append(unfit, account("Ca-1_", "BASIC", "u", ""), account("ca_2", "BASIC", "u", "")), "http://127.0.0.1:1", "update Ca-1_ --alias new --base-url http://127.0.0.1:1\n"},
		{append(unfit, account("ca_2", "API_KEY", "u", "")), "http://localhost:1", "update ca_2 --alias new --base-url http://localhost:1\n"},
		{seeds(), "http://192.0.2.2:1", "update ca_1a2b3c4d5e6f --alias new --base-url http://192.0.2.2:1 --insecure-http\n"},
	} {
		var out bytes.Buffer
		(&sandboxCmd{}).greet(&stdio{out: &out, program: "p"}, tt.url, tt.accounts)
		_, got, _ := strings.Cut(out.String(), "try, in another terminal:\n  COMPOSIO_API_KEY=ak_sandbox p ")
		if got, _, _ = strings.Cut(got, "\nstop"); got != tt.want {
			t.Errorf("suggests %q, want %q", got, tt.want)
		}
	}
}

// gone is a client that leaves as soon as its request is in the journal, because answers to so many take long.
type gone struct{ http.ResponseWriter }

func (gone) Header() http.Header { panic(http.ErrAbortHandler) }

func TestSandboxKeeps100000Requests(t *testing.T) {
	t.Parallel()
	box := sandbox.New((&sandboxCmd{Quiet: true}).options(&stdio{}, &refusals{})...)
	r := httptest.NewRequest("GET", "/", nil)
	for range 100_001 {
		func() {
			defer func() { _ = recover() }()
			box.ServeHTTP(gone{}, r)
		}()
	}
	if got := fmt.Sprint(box); got != "sandbox.Server(0 accounts, 100000 requests)" {
		t.Error(got)
	}
}

func TestSandboxRefusesAFileOfAccounts(t *testing.T) {
	fix := "\nfix: correct the line; a line looks like " + strings.SplitN(seedLines, "\n", 2)[0] + "\n"
	for line, problem := range map[string]string{
		`{"id":"ca_2","scheme":"API_KEY","credential":{"api_key":"s3cret"}}`: `body: property "credential" is unsupported`,
		`s3cret`:                            "body: not one JSON value",
		`{"id":"ca_1","scheme":"API_KEY"}`:  "/id: the account of line 1 has it too",
		`{"id":"ca_2","scheme":"API_KEYS"}`: "/scheme: neither in the OpenAPI document nor one of OAuth's",
	} {
		file := inputFile(t, `{"id":"ca_1","scheme":"API_KEY"}`, line)
		want(t, command(t, "sandbox", "--addr=127.0.0.1:0", "--accounts", file), outcome{exitUsage, "", "composio-patch: --accounts " + file + ": line 2: " + problem + fix})
	}
	for path, problem := range map[string]string{"/no/such": "open /no/such: no such file or directory", "/": "reading accounts: read /: is a directory"} {
		want(t, command(t, "sandbox", "--addr=127.0.0.1:0", "--accounts="+path), outcome{exitUsage, "",
			"composio-patch: --accounts: " + problem + "\nfix: name a file of JSON Lines, or leave --accounts out\n"})
	}
}

func TestSandboxAllowsHosts(t *testing.T) {
	s := serve(t, "--allow-host=box.test", "--allow-host=other.test:1")
	for host, status := range map[string]int{"box.test": 200, "evil.test": 403} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+"/_sandbox/", nil)
		req.Host = host
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != status {
			t.Errorf("%s: %d", host, resp.StatusCode)
		}
	}
	s.stop(t, syscall.SIGTERM)
	for _, host := range []string{"", "*", "*.test", "http://box.test", "box test", "box.test/", "u@box.test", ":8787", "[]", "[]:80", "[::1", "box.test:x", "box.test:65536"} {
		var refused refusals
		(&sandboxCmd{AllowHost: []string{"box.test", "box.test:65535", "fd00::1", "[fd00::1]:80", host}}).options(&stdio{}, &refused)
		if diff := cmp.Diff(refusals{"--allow-host: not a host, such as sandbox or sandbox:8787"}, refused); diff != "" {
			t.Errorf("--allow-host %q (-want +got):\n%s", host, diff)
		}
	}
	for addr, want := range map[string][]string{
		"192.0.2.2:8787": {"box.test", "192.0.2.2", "192.0.2.2"}, "[fd00::1]:0": {"box.test", "fd00::1", "fd00::1"},
		":8787": {"box.test"}, "0.0.0.0:8787": {"box.test"}, "[::]:8787": {"box.test"},
	} {
		if diff := cmp.Diff(want, (&sandboxCmd{Addr: addr, AllowHost: []string{"box.test"}}).hosts()); diff != "" {
			t.Errorf("--addr %s (-want +got):\n%s", addr, diff)
		}
	}
}

func TestSandboxRefusesAFaultThatCannotBe(t *testing.T) {
	for fault, want := range map[string]string{
		"earthquake":                      "--fault: not one of the names that composio-patch help sandbox lists",
		"502=2":                           "--fault: a rate is not a number above 0 and up to 1",
		"502=0":                           "--fault: a rate is not a number above 0 and up to 1",
		"502=NaN":                         "--fault: a rate is not a number above 0 and up to 1",
		"502=":                            "--fault: a rate is not a number above 0 and up to 1",
		"502=0.6,hang=1":                  "--fault: the rates add up to more than 1, so that some fault would never be met",
		"502=0.2,503=0.4,504=0.3,408=0.1": "", // a little more, as floating-point numbers
	} {
		var refused refusals
		faultOptions(strings.Split(fault, ","), &refused)
		if strings.Join(refused, "; ") != want {
			t.Errorf("--fault %s: %q, want %q", fault, refused, want)
		}
	}
}
