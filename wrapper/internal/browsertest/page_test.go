package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

const tokenCleared = `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null}}}}`

func TestPageShowsAccountsAndRequestsAsTheyArrive(t *testing.T) {
	b := newTab(t)
	b.update(`{"alias":"before"}`)
	b.open()
	b.wait(requests, "ca_1 | set alias; kept token, user_agent | 200 | yes |  | ")
	b.wait(accounts, "ca_1 | before | BEARER_TOKEN | ACTIVE | github of user_1 | token, user_agent")
	b.update(`{"alias":"","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null,"api_key":"s3cret-key"}}}}`)
	b.update(`{"alias":81549300,"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"tokn":"s3cret"}}}}`)
	b.ask("POST", "/_sandbox/script", `{"answers":[{"fault":"502-applied"},{"fault":"close-before"},{"status":409}]}`)
	b.update(tokenCleared)
	b.update(tokenCleared)
	b.update(tokenCleared)
	b.ask("GET", "/elsewhere", "")
	b.wait(requests, `GET /elsewhere |  | 404 | no |  | 
ca_1 | cleared token; kept api_key, user_agent | 409 | no | script | 
ca_1 | cleared token; kept api_key, user_agent | none | no | close-before | 
ca_1 | cleared token; kept api_key, user_agent | 502 | yes | 502-applied | 
ca_1 | kept api_key, user_agent | 400 | no |  | request /alias: type; request /connection/state/val/*: additionalProperties
ca_1 | set api_key; cleared alias, token; kept user_agent | 200 | yes |  | 
ca_1 | set alias; kept token, user_agent | 200 | yes |  | `)
	b.wait(accounts, "ca_1 |  | BEARER_TOKEN | ACTIVE | github of user_1 | api_key, user_agent")
	b.eval(`document.querySelector("#accounts tr").title = "the same"`)
	b.ask("GET", "/elsewhere", "") // has the accounts looked at, and changes none
	b.eval(`new Promise((resolve) => setTimeout(resolve, 500))`)
	b.is(`document.querySelector("#accounts tr").title`, "the same")
	// What another program stores has no event, and appears all the same.
	b.box.Put(sandbox.Account{ID: "ca_2", Toolkit: "t", UserID: "u", Scheme: "OAUTH2", Status: composio.StatusExpired})
	b.wait(accounts, "ca_1 |  | BEARER_TOKEN | ACTIVE | github of user_1 | api_key, user_agent\nca_2 |  | OAUTH2 | EXPIRED | t of u | none")
	b.is(`document.documentElement.outerHTML.includes("s3cret")`, "false")
	b.is(`document.documentElement.outerHTML.includes("81549300")`, "false")
	b.calm()
}

func TestPageShowsTheLatestOfManyRequests(t *testing.T) {
	b := newTab(t, sandbox.WithRateLimit(0, 0))
	for range 499 {
		b.update(`{}`)
	}
	b.open()
	b.wait(`document.querySelector("#requests-count").textContent`, "499")
	for range 3 {
		b.update(`{"alias":"late"}`)
	}
	b.wait(`document.querySelector("#requests-count").textContent`, "the latest 500")
	b.wait(`document.querySelectorAll("#requests tr")[2].cells[2].innerText`, "set alias\nkept token, user_agent")
	b.wait(`document.querySelectorAll("#requests tr").length`, "500")
	b.calm()
}

// Nothing but keys is pressed: Tab goes to a control, Space and Enter use it.
func TestPageIsUsableWithAKeyboard(t *testing.T) {
	b := newTab(t)
	b.run(chromedp.Navigate(b.srv.URL + "/_sandbox/"))
	b.wait(stateText, "Enter the key that the sandbox takes.")
	b.tabTo(`#key`)
	b.run(chromedp.KeyEvent(sandbox.DefaultAPIKey + kb.Enter))
	b.wait(stateText, "Connected")
	b.tabTo(`#faults [name="502"]`)
	b.run(chromedp.KeyEvent(" "))
	b.waitFaults("502=0.2")
	b.run(chromedp.KeyEvent(kb.Tab + kb.Backspace + kb.Backspace + kb.Backspace + "1" + kb.Enter))
	b.waitFaults("502=1")
	b.wantUpdate(502)
	b.tabTo(`#answer-fault`)
	b.run(chromedp.KeyEvent("conflict"))
	b.tabTo(`#script button`)
	b.run(chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("#planned").textContent`, "Planned: conflict.")
	b.wantUpdate(409)
	b.tabTo(`#clear`)
	b.run(chromedp.KeyEvent(" "))
	b.wait(requests, "")
	b.tabTo(`#reset`)
	b.run(chromedp.KeyEvent(" "))
	b.waitFaults("")
	b.wantUpdate(200)
	b.calm()
}

// tabTo presses Tab until a control has the focus, which then shows.
func (b *tab) tabTo(selector string) {
	b.Helper()
	for range 100 {
		b.run(chromedp.KeyEvent(kb.Tab))
		if b.eval(fmt.Sprintf("document.activeElement.matches(%q)", selector)) == "true" {
			b.is(`getComputedStyle(document.activeElement).outlineStyle`, "solid")
			return
		}
	}
	b.Fatalf("Tab never comes to %s", selector)
}

// waitFaults waits until the page shows that this fault is on, or none, and the sandbox knows.
func (b *tab) waitFaults(want string) {
	b.Helper()
	b.wait(faultsOn, want)
	name, rate, on := strings.Cut(want, "=")
	if want = `{"faults":{},`; on {
		want = fmt.Sprintf(`{"faults":{%q:%s},`, name, rate)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, got := b.ask("GET", "/_sandbox/faults", "")
		if strings.HasPrefix(got, want) {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("the sandbox has %s, want %s", got, want)
		}
	}
}

func (b *tab) wantUpdate(want int) {
	b.Helper()
	if got := b.update(`{}`); got != want {
		b.Errorf("an update is answered %d, want %d", got, want)
	}
}

func TestPageSwitchesFaultsPlansAnswersAndResets(t *testing.T) {
	faults, err := sandbox.Faults("504")
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, sandbox.WithFaults(1, 1, faults...)).open()
	b.waitFaults("504=1")
	b.wantUpdate(504)
	b.run(chromedp.Click(chromedp.CSS(`#faults [name="504"]`)))
	b.waitFaults("")
	b.wantUpdate(200)
	for body, want := range map[string]string{
		`{"error":{"message":"<b>no</b>"}}`: `{"error":{"message":"<b>no</b>"}}`,
		`<h1>down</h1>`:                     `<h1>down</h1>`,
		`"quoted"`:                          `"quoted"`,
		`{ "n": 12345678901234567890 }`:     `{ "n": 12345678901234567890 }`,
	} {
		b.run(chromedp.SetValue(chromedp.CSS("#answer-status"), "503"), chromedp.SetValue(chromedp.CSS("#answer-body"), body), chromedp.Click(chromedp.CSS("#script button")))
		b.wait(`document.querySelector("#planned").textContent`, "Planned: status 503.")
		if status, got := b.ask("PATCH", "/api/v3/connected_accounts/ca_1", `{"alias":"no"}`); status != 503 || got != want {
			t.Errorf("a planned answer: %d %s", status, got)
		}
	}
	b.run(chromedp.Click(chromedp.CSS("#answer-apply")), chromedp.Click(chromedp.CSS("#script button")))
	b.wait(`document.querySelector("#planned").textContent`, "Planned: status 503.")
	b.wait(`document.querySelectorAll("#requests tr").length`, "6")
	b.ask("PUT", "/_sandbox/accounts/ca_2", `{"scheme":"BASIC"}`)
	b.run(chromedp.Click(chromedp.CSS("#reset")))
	b.wait(accounts, "ca_1 | home | BEARER_TOKEN | ACTIVE | github of user_1 | token, user_agent")
	b.wait(requests, "")
	b.waitFaults("504=1")
	b.wantUpdate(504) // and not the answer that was planned
	b.wait(requests, "ca_1 | kept alias, token, user_agent | 504 | no | 504 | ")
	b.ask("POST", "/_sandbox/reset", "") // another program's
	b.wait(requests, "")
	b.calm()
}

func TestPageShowsItsOwnErrors(t *testing.T) {
	b := newTab(t)
	b.run(chromedp.Navigate(b.srv.URL + "/_sandbox/#key=ak_wrong_key"))
	b.wait(stateText, "Not connected")
	b.wait(problemText, "GET events: 401 Invalid API key: ak_wro*****")
	b.run(chromedp.SendKeys(chromedp.CSS("#key"), sandbox.DefaultAPIKey+kb.Enter))
	b.wait(stateText, "Connected")
	b.wait(problemText, "")
	rate := func(name, value string) {
		b.eval(fmt.Sprintf(`(() => { const on = document.querySelector('#faults [name="%s"]'); on.checked = true;
			const rate = on.closest(".switch").querySelector("[type=number]"); rate.value = "%s"; rate.dispatchEvent(new Event("change", { bubbles: true })); })()`, name, value))
	}
	rate("502", "0.7")
	b.waitFaults("502=0.7")
	rate("503", "0.7")
	b.wait(problemText, "PUT faults: 400 /faults: the rates add up to more than 1, so that some fault would never be met")
	b.waitFaults("502=0.7") // as it is, and not as it was asked for
	b.shoot("refused")
	b.srv.Config.Handler = http.NotFoundHandler()
	b.wait(`/^GET (accounts|faults|requests\?limit=1): 404$/.test(`+problemText+`)`, "true") // nobody has asked for anything
	b.run(chromedp.Click(chromedp.CSS("#clear")))
	b.wait(problemText, "DELETE requests: 404")
}

func TestPageShowsALostServerAndFindsItAgain(t *testing.T) {
	b := newTab(t).open()
	address := b.srv.Listener.Addr().String()
	b.srv.CloseClientConnections()
	b.srv.Close()
	b.wait(stateText, "The sandbox is lost; trying again")
	b.wait(problemText+`.startsWith("The sandbox does not answer: ")`, "true")
	b.shoot("lost")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	b.box.Put(sandbox.Account{ID: "ca_1", Toolkit: "t", UserID: "u", Scheme: composio.SchemeBasic})
	b.srv = httptest.NewUnstartedServer(b.box)
	_ = b.srv.Listener.Close()
	b.srv.Listener = listener
	b.srv.Start()
	b.wait(stateText, "Connected")
	b.wait(problemText, "")
	b.wait(accounts, "ca_1 |  | BASIC | ACTIVE | t of u | none")
	b.update(`{"alias":"again"}`)
	b.wait(requests, "ca_1 | set alias | 200 | yes |  | ")
}

func TestPageWritesValuesAsText(t *testing.T) {
	const markup = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	b := newTab(t)
	b.box.Put(sandbox.Account{
		ID: markup, Toolkit: markup, UserID: markup, Scheme: composio.SchemeBasic, Alias: markup, Status: markup, Credentials: map[string]string{markup: "x"},
	})
	b.box.Script(sandbox.Answer{Name: markup, Status: 500})
	b.open()
	b.ask("PATCH", "/api/v3/connected_accounts/%3Cimg%20src=x%3E", `{}`)
	b.wait(requests, "<img src=x> |  | 500 | no | "+markup+" | ")
	b.wait(accounts+`.split("\n")[0]`, strings.Join([]string{markup, markup, "BASIC", markup, markup + " of " + markup, markup}, " | "))
	b.is(`document.images.length + document.querySelectorAll("td script").length`, "0")
	b.is(`document.title`, "Sandbox of Composio")
	b.calm()
}

// low lists the texts of the page that stand out too little from what is behind them: less than 4.5 to 1.
const low = `(() => {
	const channels = (color) => color.match(/[\d.]+/g).map(Number);
	const light = (color) => channels(color).slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (channels(c)[3] !== 0) return c; } };
	return [...document.querySelectorAll("body *")].filter((e) => e.innerText && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
		.map((e) => { const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x); return [(a + 0.05) / (b + 0.05), e]; })
		.filter(([ratio]) => !(ratio >= 4.5)).map(([ratio, e]) => e.tagName + " " + e.innerText + " " + ratio).join("\n");
})()`

// busy has the page show one of everything.
func busy(b *tab) {
	b.Helper()
	b.box.Put(sandbox.Account{ID: "ca_" + strings.Repeat("long", 30), Toolkit: "zendesk", UserID: "user_2", Scheme: composio.SchemeGoogleServiceAccount,
		Alias: strings.Repeat("x", 200), Status: composio.StatusExpired, Credentials: map[string]string{"credentials_json": "s3cret"}})
	b.open()
	b.ask("PUT", "/_sandbox/faults", `{"faults":{"hang":0.1}}`)
	b.ask("POST", "/_sandbox/script", `{"answers":[{"fault":"502-applied"},{"fault":"close-after"}]}`)
	for _, body := range []string{tokenCleared, `{"alias":"work"}`, `{"alias":1,"connection":{"state":{"authScheme":"NO","val":{"tokn":"s3cret"}}}}`} {
		b.update(body)
	}
	b.ask("PATCH", "/api/v3/connected_accounts/ca_gone", `{"alias":"work"}`)
	b.wait(`document.querySelectorAll("#requests tr").length`, "4")
	b.wait(faultsOn, "hang=0.1")
	b.wait(accounts+`.split("\n")[0]`, "ca_1 | work | BEARER_TOKEN | ACTIVE | github of user_1 | user_agent")
}

func TestPageIsReadableInLightAndDark(t *testing.T) {
	b := newTab(t)
	busy(b)
	for scheme, ground := range map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"} {
		params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, params); err != nil {
			t.Fatal(err)
		}
		b.wait(`getComputedStyle(document.body).backgroundColor`, ground)
		b.is(low, "")
		b.shoot(scheme)
	}
	b.calm()
}

func TestPageIsReadableOnAPhone(t *testing.T) {
	b := newTab(t)
	b.run(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	busy(b)
	b.is(`document.documentElement.scrollWidth`, "360")
	b.is(`[...document.querySelectorAll("body *")].filter((e) => e.innerText && parseFloat(getComputedStyle(e).fontSize) < 14).length`, "0")
	b.is(`[...document.querySelectorAll("button, input, select")].filter((e) => e.checkVisibility() && (e.closest("label, button") ?? e).getBoundingClientRect().height < 24).length`, "0")
	b.is(`document.querySelector("#accounts td").innerText + getComputedStyle(document.querySelector("#accounts td"), "::before").content`, `ca_1"Account"`)
	b.shoot("narrow")
	b.calm()
}

// The browser is on another web site, which knows the key and tries all it can.
func TestAnotherSiteGetsAtNothing(t *testing.T) {
	b := newTab(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "<!doctype html><title>evil</title>")
	}))
	defer evil.Close()
	url := strings.Replace(b.srv.URL, "127.0.0.1", "localhost", 1)
	b.run(chromedp.Navigate(evil.URL))
	for name, script := range map[string]string{
		"reads with the key":   `fetch("%s/_sandbox/accounts/ca_1", { headers: { "x-api-key": "ak_sandbox" } }).then((r) => r.text(), () => "refused")`,
		"resets":               `fetch("%s/_sandbox/reset", { method: "POST", headers: { "x-api-key": "ak_sandbox" } }).then((r) => r.text(), () => "refused")`,
		"reads without asking": `fetch("%s/_sandbox/", { mode: "no-cors" }).then((r) => r.type, () => "refused")`,
		"runs the script":      `new Promise((done) => { const s = document.createElement("script"); s.src = "%s/_sandbox/page.js"; s.onload = () => done("ran"); s.onerror = () => done("refused"); document.head.append(s); })`,
		"frames the page":      `new Promise((done) => { const f = document.createElement("iframe"); f.src = "%s/_sandbox/"; f.onload = () => { try { done(f.contentDocument ? "framed" : "refused"); } catch { done("refused"); } }; document.body.append(f); })`,
	} {
		if got := b.eval(fmt.Sprintf(script, url)); got != "refused" {
			t.Errorf("another site %s: %s", name, got)
		}
	}
	// A name of its own that leads to this machine.
	b.run(chromedp.Navigate(strings.Replace(b.srv.URL, "127.0.0.1", "evil.test", 1) + "/_sandbox/"))
	b.is(`document.body.innerText.includes("The Host header is neither a loopback name nor an allowed host") && !document.querySelector("#key")`, "true")
	if a, _ := b.box.Account("ca_1"); a.Alias != "home" || len(b.box.Requests()) != 0 {
		t.Errorf("something was done: %v", a)
	}
}
