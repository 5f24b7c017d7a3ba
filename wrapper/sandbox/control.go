package sandbox

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"example.com/composio/wrapper/contract"
)

// controlRoot is where the page is, and the control routes below it.
const controlRoot = "/_sandbox/"

// controlSpec is the OpenAPI document of the control routes.
//
//go:embed control.yaml
var controlSpec []byte

// controlDocument reads controlSpec once.
var controlDocument = sync.OnceValue(func() contract.Option { return contract.WithDocument(controlSpec) })

//go:embed control.yaml page
var controlFiles embed.FS

// WithControl serves routes below /_sandbox/ by which a test suite in any language seeds, scripts and reads the sandbox,
// and a page that shows it to a person. They take the sandbox's key in x-api-key and are no part of Composio;
// /_sandbox/openapi.yaml describes them. A browser on another web site gets at none of it: refused are a Host that is
// neither a loopback name nor one of hosts, another Origin, and Sec-Fetch-Site: cross-site.
func WithControl(hosts ...string) Option {
	return func(s *Server) { s.control = newControl(s, hosts) }
}

// control serves what is below controlRoot.
type control struct {
	server *Server
	hosts  []string // allowed besides loopback names
	mux    *http.ServeMux

	watched map[*http.Server]bool // those whose shutdown ends streams; guarded by server.mu

	keepStart func() // once, at the first request
	start     state
}

// state is what a reset goes back to.
type state struct {
	accounts []Account
	script   []Answer
	chance   chance
}

func newControl(s *Server, hosts []string) *control {
	c := &control{server: s, hosts: hosts, mux: http.NewServeMux(), watched: map[*http.Server]bool{}}
	c.keepStart = sync.OnceFunc(c.keep)
	for path, file := range map[string]struct{ name, mediaType string }{
		"{$}":          {"page/index.html", "text/html; charset=utf-8"},
		"page.js":      {"page/page.js", "text/javascript; charset=utf-8"},
		"page.css":     {"page/page.css", "text/css; charset=utf-8"},
		"openapi.yaml": {"control.yaml", "application/yaml"},
	} {
		data, err := controlFiles.ReadFile(file.name)
		if err != nil {
			panic(err) // they are embedded
		}
		c.mux.HandleFunc("GET "+controlRoot+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.mediaType)
			_, _ = w.Write(data)
		})
	}
	c.mux.Handle("GET "+strings.TrimSuffix(controlRoot, "/"), http.RedirectHandler(controlRoot, http.StatusTemporaryRedirect))
	for pattern, route := range map[string]struct {
		serve func(http.ResponseWriter, *http.Request) error
		query []string
	}{
		"GET accounts":         {c.listAccounts, []string{"limit"}},
		"GET accounts/{id}":    {c.getAccount, nil},
		"PUT accounts/{id}":    {c.putAccount, nil},
		"DELETE accounts/{id}": {c.deleteAccount, nil},
		"GET requests":         {c.listRequests, []string{"account", "limit"}},
		"DELETE requests":      {c.clearRequests, nil},
		"GET events":           {c.streamRequests, nil},
		"POST script":          {c.addAnswers, nil},
		"GET faults":           {c.getFaults, nil},
		"PUT faults":           {c.setFaults, nil},
		"POST reset":           {c.reset, nil},
	} {
		method, path, _ := strings.Cut(pattern, " ")
		checked := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w = contract.Exempt(w) // the tests check the answers
			err := checkAddress(r.URL, route.query)
			if err == nil {
				err = route.serve(w, r)
			}
			if err != nil {
				refuse(w, err)
			}
		}), controlDocument(), contract.WithEveryOperation())
		c.mux.HandleFunc(method+" "+controlRoot+path, func(w http.ResponseWriter, r *http.Request) {
			if refused := s.authenticate(r.Header); refused != nil {
				refused.write(w)
				return
			}
			checked.ServeHTTP(w, r)
		})
	}
	return c
}

// serve serves a request that is for the control routes, and reports whether it was.
func (c *control) serve(w http.ResponseWriter, r *http.Request) bool {
	c.keepStart()
	if path := r.URL.Path; !strings.HasPrefix(path, controlRoot) && path != strings.TrimSuffix(controlRoot, "/") {
		return false
	}
	h := w.Header()
	h.Set("X-Sandbox", "control routes, not part of Composio")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if err := c.guard(r); err != nil {
		refuse(w, err)
		return true
	}
	handler, pattern := c.mux.Handler(r)
	if pattern != "" {
		c.mux.ServeHTTP(w, r)
		return true
	}
	plain := &held{header: h} // a text, with Allow if it is about the method
	handler.ServeHTTP(plain, r)
	refuse(w, &failure{status: plain.status, message: http.StatusText(plain.status)})
	return true
}

// refuse answers with an error: 400 unless it is a failure, which has its own status.
func refuse(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{status: http.StatusBadRequest, message: strings.Replace(err.Error(), "composio: ", "", 1)}
	}
	f.slug = "Sandbox_" + strings.ReplaceAll(http.StatusText(f.status), " ", "")
	f.write(w)
}

// reply answers with JSON.
func reply(w http.ResponseWriter, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n'))
	return nil
}

// done answers that there is nothing to say.
func done(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// decodeBody reads a request's body, which the contract has checked, into v.
func decodeBody(r *http.Request, v any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// some returns names as a list that JSON writes as one, even if there are none.
func some(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// checkAddress refuses what a route would leave unread.
func checkAddress(u *url.URL, known []string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("query: malformed")
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return fmt.Errorf("query: %.40q is unknown here", name)
		}
		if len(values) > 1 || values[0] == "" {
			return fmt.Errorf("%s: not one value", name)
		}
	}
	if !utf8.ValidString(u.Path) {
		return errors.New("path: not valid UTF-8")
	}
	return nil
}

// limitOf returns the limit in a query, 500 unless there is one.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 500, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 {
		return 0, errors.New("limit: not a number from 1")
	}
	return limit, nil
}

// keep keeps what a reset goes back to.
func (c *control) keep() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.start = state{script: slices.Clone(c.server.script), chance: c.server.chance}
	for _, a := range c.server.accounts {
		c.start.accounts = append(c.start.accounts, a.clone())
	}
}

func (c *control) reset(w http.ResponseWriter, _ *http.Request) error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.accounts)
	clear(s.aliases)
	for _, a := range c.start.accounts {
		s.store(a.clone())
	}
	s.script = slices.Clone(c.start.script)
	s.chance = newChance(c.start.chance.seed, c.start.chance.groups)
	s.journal = nil
	s.budget.end = time.Time{}
	return done(w)
}
