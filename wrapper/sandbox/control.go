package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/composio/wrapper/contract"
)

// controlRoot is where the page is, and the control routes below it.
const controlRoot = "/_sandbox/"

// controlSpec is the OpenAPI document of the control routes.
//
//go:embed control.yaml
var controlSpec []byte

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
	c := &control{server: s, hosts: hosts, mux: http.NewServeMux()}
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
	document := contract.WithDocument(controlSpec)
	for pattern, route := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET accounts":         c.listAccounts,
		"GET accounts/{id}":    c.getAccount,
		"PUT accounts/{id}":    c.putAccount,
		"DELETE accounts/{id}": c.deleteAccount,
		"GET requests":         c.listRequests,
		"DELETE requests":      c.clearRequests,
		"GET events":           c.streamRequests,
		"POST script":          c.addAnswers,
		"GET faults":           c.getFaults,
		"PUT faults":           c.setFaults,
		"POST reset":           c.reset,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		checked := contract.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w = contract.Exempt(w) // the tests check the answers
			if err := route(w, r); err != nil {
				refuse(w, err)
			}
		}), document, contract.WithEveryOperation())
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
		f = &failure{status: http.StatusBadRequest, message: strings.TrimPrefix(err.Error(), "composio: ")}
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

// query returns the limit, 500 unless the query has one. It refuses parameters that the route does not know.
func query(r *http.Request, known ...string) (limit int, err error) {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return 0, fmt.Errorf("query: an unknown parameter; there is %s", strings.Join(known, " and "))
		}
	}
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 500, nil
	}
	if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
		return 0, errors.New("limit: not a number from 1")
	}
	return limit, nil
}

// accountSummary is an account with the names of its credentials and without their values.
type accountSummary struct {
	accountJSON
	Credentials []string `json:"credentials"`
}

func (c *control) listAccounts(w http.ResponseWriter, r *http.Request) error {
	limit, err := query(r, "limit")
	if err != nil {
		return err
	}
	s := c.server
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.accounts))
	s.mu.Unlock()
	slices.Sort(ids) // without the lock, for which updates wait
	list := make([]accountSummary, 0, min(limit, len(ids)))
	s.mu.Lock()
	for _, id := range ids[:min(limit, len(ids))] {
		if a, ok := s.accounts[id]; ok {
			list = append(list, accountSummary{
				Account{ID: a.ID, Toolkit: a.Toolkit, UserID: a.UserID, Scheme: a.Scheme, Alias: a.Alias, Status: a.Status}.json(),
				slices.Sorted(maps.Keys(a.Credentials)),
			})
		}
	}
	s.mu.Unlock()
	for i := range list {
		list[i].Credentials = some(list[i].Credentials)
	}
	return reply(w, map[string]any{"accounts": list, "total": len(ids)})
}

// some returns names as a list that JSON writes as one, even if there are none.
func some(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// missing is the answer about an account that is not there.
func missing() error {
	return &failure{status: http.StatusNotFound, message: "The sandbox has no account with this id"}
}

func (c *control) getAccount(w http.ResponseWriter, r *http.Request) error {
	a, ok := c.server.Account(r.PathValue("id"))
	if !ok {
		return missing()
	}
	return reply(w, a.json())
}

func (c *control) putAccount(w http.ResponseWriter, r *http.Request) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	a, err := parseAccount(data)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if a.ID != "" && a.ID != id {
		return errors.New("/id: not the one in the path")
	}
	a.ID = id
	c.server.Put(a)
	return done(w)
}

func (c *control) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	s, id := c.server, r.PathValue("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[id]; !ok {
		return missing()
	}
	s.drop(id)
	return done(w)
}

// requestJSON is a request without values.
type requestJSON struct {
	Number     int                  `json:"number"`
	Time       time.Time            `json:"time"`
	Method     string               `json:"method"`
	Path       string               `json:"path"`
	Account    string               `json:"account"`
	Set        []string             `json:"set"`
	Cleared    []string             `json:"cleared"`
	Kept       []string             `json:"kept"`
	Status     int                  `json:"status"`
	Applied    bool                 `json:"applied"`
	Fault      string               `json:"fault"`
	Violations []contract.Violation `json:"violations"`
	Ended      bool                 `json:"ended"`
}

func (q record) json() requestJSON {
	set, cleared := changes(q.Body)
	kept := slices.DeleteFunc(slices.Clone(q.stored), func(name string) bool {
		return slices.Contains(set, name) || slices.Contains(cleared, name)
	})
	return requestJSON{
		q.number, q.Time, q.Method, q.Path, q.account, some(set), some(cleared), some(kept),
		q.Status, q.Applied, q.Fault, append([]contract.Violation{}, q.Violations...), q.ended,
	}
}

func (c *control) listRequests(w http.ResponseWriter, r *http.Request) error {
	limit, err := query(r, "account", "limit")
	if err != nil {
		return err
	}
	account := r.URL.Query().Get("account")
	s := c.server
	s.mu.Lock()
	all := slices.Clone(s.journal)
	s.mu.Unlock()
	var found []*record
	for _, q := range slices.Backward(all) { // without the lock: an account does not change
		if len(found) == limit {
			break
		}
		if account == "" || q.account == account {
			found = append(found, q)
		}
	}
	slices.Reverse(found)
	records := make([]record, len(found))
	s.mu.Lock()
	for i, q := range found {
		records[i] = *q
	}
	s.mu.Unlock()
	list := make([]requestJSON, len(records))
	for i, q := range records {
		list[i] = q.json()
	}
	return reply(w, map[string]any{"requests": list, "total": len(all)})
}

func (c *control) clearRequests(w http.ResponseWriter, _ *http.Request) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.journal = nil
	return done(w)
}

// answerJSON is a scripted answer.
type answerJSON struct {
	Fault   string            `json:"fault"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Apply   bool              `json:"apply"`
}

func (a answerJSON) answer() (Answer, error) {
	if a.Fault != "" || a.Status == 0 {
		faults, err := Faults(a.Fault)
		if err != nil {
			return Answer{}, err
		}
		return faults[0], nil
	}
	header := http.Header{}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	text := string(a.Body)
	if bytes.HasPrefix(a.Body, []byte{'"'}) {
		if err := json.Unmarshal(a.Body, &text); err != nil {
			return Answer{}, err
		}
	}
	return Answer{Name: "script", Status: a.Status, Header: header, Body: text, Apply: a.Apply}, nil
}

func (c *control) addAnswers(w http.ResponseWriter, r *http.Request) error {
	var script struct {
		Answers []answerJSON `json:"answers"`
	}
	if err := decodeBody(r, &script); err != nil {
		return err
	}
	var answers []Answer
	for i, planned := range script.Answers {
		a, err := planned.answer()
		if err != nil {
			return fmt.Errorf("/answers/%d: %w", i, err)
		}
		answers = append(answers, a)
	}
	c.server.Script(answers...)
	return done(w)
}

func (c *control) getFaults(w http.ResponseWriter, _ *http.Request) error {
	var names []string
	for _, f := range readyFaults() {
		names = append(names, f.Name)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	rates := map[string]float64{}
	for _, g := range c.server.chance.groups {
		for _, f := range g.faults {
			rates[f.Name] += g.rate / float64(len(g.faults))
		}
	}
	return reply(w, map[string]any{"faults": rates, "names": names})
}

func (c *control) setFaults(w http.ResponseWriter, r *http.Request) error {
	var wanted struct {
		Faults map[string]float64 `json:"faults"`
	}
	if err := decodeBody(r, &wanted); err != nil {
		return err
	}
	var groups []faultGroup
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(wanted.Faults)) { // in one order, so that a run can be repeated
		faults, err := Faults(name)
		if err != nil {
			return err
		}
		if rate := wanted.Faults[name]; rate > 0 {
			total += rate
			groups = append(groups, faultGroup{rate, faults})
		}
	}
	if total > 1+1e-9 { // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1
		return errors.New("/faults: the rates add up to more than 1, so that some fault would never be met")
	}
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chance = newChance(s.chance.seed, groups)
	return done(w)
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
