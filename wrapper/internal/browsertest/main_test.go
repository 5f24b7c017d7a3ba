// Package browsertest tests the page of the sandbox in a real browser. It is a module of its own, so that nobody else needs
// the library that drives one.
package browsertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// browser is the one browser, in which each test has a tab of its own.
var browser context.Context

func TestMain(m *testing.M) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("host-resolver-rules", "MAP evil.test 127.0.0.1"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), opts...) // it finds the browser, and gives it a new profile
	quiet := chromedp.WithErrorf(func(string, ...any) {})                       // of events that are newer than the library
	var end context.CancelFunc
	browser, end = chromedp.NewContext(allocator, quiet)
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintf(os.Stderr, "starting the browser: %v; make test-browser installs one\n", err)
		os.Exit(1)
	}
	code := m.Run()
	end()
	stop()
	os.Exit(code)
}

// tab is a tab of the browser and the sandbox that it shows.
type tab struct {
	*testing.T
	context.Context
	box      *sandbox.Server
	srv      *httptest.Server
	problems chan string // what the browser complains about
}

// newTab opens a tab and a sandbox with one account, for which the tab has been told nothing yet.
func newTab(t *testing.T, opts ...sandbox.Option) *tab {
	t.Helper()
	box := sandbox.New(append(opts, sandbox.WithControl())...)
	box.Put(sandbox.Account{ID: "ca_1", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken, Alias: "home",
		Credentials: map[string]string{"token": "s3cret-token", "user_agent": "s3cret-robot"}})
	b := &tab{T: t, box: box, srv: httptest.NewServer(box), problems: make(chan string, 1000)}
	ctx, closeTab := chromedp.NewContext(browser)
	b.Context = ctx
	t.Cleanup(func() { closeTab(); b.srv.CloseClientConnections(); b.srv.Close() })
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.problems <- fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception)
		case *cdplog.EventEntryAdded:
			b.problems <- e.Entry.Text
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.EmulateViewport(1280, 900))
	return b
}

// open opens the page with the key in its address.
func (b *tab) open() *tab {
	b.Helper()
	b.run(chromedp.Navigate(b.srv.URL + "/_sandbox/#key=" + sandbox.DefaultAPIKey))
	b.wait(stateText, "Connected")
	return b
}

func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// eval returns what an expression is, as a string. A promise is waited for.
func (b *tab) eval(expression string) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => String(await ("+expression+")))()", chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return got
}

// wait waits until an expression is what it should be.
func (b *tab) wait(expression, want string) {
	b.Helper()
	var got string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = b.eval(expression); got == want {
			return
		}
	}
	b.Fatalf("%s (-want +got):\n%s", expression, cmp.Diff(want, got))
}

// is compares an expression with what it should be now.
func (b *tab) is(expression, want string) {
	b.Helper()
	if diff := cmp.Diff(want, b.eval(expression)); diff != "" {
		b.Errorf("%s (-want +got):\n%s", expression, diff)
	}
}

// calm fails the test if the browser complained of anything.
func (b *tab) calm() {
	b.Helper()
	for len(b.problems) > 0 {
		b.Errorf("the browser says: %s", <-b.problems)
	}
}

// shoot keeps a picture of the whole page, with go test -artifacts.
func (b *tab) shoot(name string) {
	b.Helper()
	png, err := chromedp.Run(b.Context, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.ArtifactDir(), name+".png"), png, 0o600); err != nil {
		b.Error(err)
	}
}

const (
	stateText   = `document.querySelector("#state").textContent`
	problemText = `document.querySelector("#problem").innerText`
	accounts    = `[...document.querySelectorAll("#accounts tr")].map((tr) => [...tr.cells].map((td) => td.innerText.replaceAll("\n", "; ")).join(" | ")).join("\n")`
	requests    = `[...document.querySelectorAll("#requests tr")].map((tr) => [...tr.cells].slice(1).map((td) => td.innerText.replaceAll("\n", "; ")).join(" | ")).join("\n")`
	faultsOn    = `[...document.querySelectorAll("#faults .switch")].filter((f) => f.querySelector("[type=checkbox]").checked).map((f) => f.innerText.trim() + "=" + f.querySelector("[type=number]").value)`
)

// ask makes a request as another program would.
func (b *tab) ask(method, path, body string) (int, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.T.Context(), method, b.srv.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Close = true
	req.Header.Set("X-Api-Key", sandbox.DefaultAPIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, string(data)
}

// update updates ca_1 and returns the status.
func (b *tab) update(body string) int {
	b.Helper()
	status, _ := b.ask("PATCH", "/api/v3/connected_accounts/ca_1", body)
	return status
}
