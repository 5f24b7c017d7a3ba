package sandbox

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// controlRoot is where the page is, and the control routes below it.
const controlRoot = "/_sandbox/"

//go:embed control.yaml page
var controlFiles embed.FS

// WithControl serves routes below /_sandbox/ by which a test suite in any language seeds, scripts and reads the sandbox,
// and a page that shows it to a person. They take the sandbox's key in x-api-key and are no part of Composio;
// /_sandbox/openapi.yaml describes them. A browser on another web site gets at none of it: a Host that is neither a
// loopback name nor one of hosts is refused, and so are another Origin and another site in Sec-Fetch-Site.
func WithControl(hosts ...string) Option {
	return func(s *Server) { s.control = newControl(s, hosts) }
}

// control serves what is below controlRoot.
type control struct {
	*Server
	hosts []string // allowed besides loopback names
	mux   *http.ServeMux

	keepStart func() // once, at the first request
	start     state  // what a reset goes back to
}

func newControl(s *Server, hosts []string) *control {
	c := &control{Server: s, hosts: hosts, mux: http.NewServeMux()}
	c.keepStart = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.start = s.clone()
	})
	c.mux.Handle("GET "+strings.TrimSuffix(controlRoot, "/"), http.RedirectHandler(controlRoot, http.StatusTemporaryRedirect))
	for path, file := range map[string]struct{ name, mediaType string }{
		"{$}":          {"page/index.html", "text/html; charset=utf-8"},
		"page.js":      {"page/page.js", "text/javascript; charset=utf-8"},
		"page.css":     {"page/page.css", "text/css; charset=utf-8"},
		"openapi.yaml": {"control.yaml", "application/yaml"},
	} { // without the key, which the page asks for
		c.mux.HandleFunc("GET "+controlRoot+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", file.mediaType)
			http.ServeFileFS(w, r, controlFiles, file.name)
		})
	}
	for pattern, answer := range map[string]func(*http.Request) (any, error){
		"GET accounts limit":         c.listAccounts,
		"GET accounts/{id}":          c.getAccount,
		"PUT accounts/{id}":          takes("Account", c.putAccount),
		"DELETE accounts/{id}":       c.deleteAccount,
		"GET requests account limit": c.listRequests,
		"DELETE requests":            c.clearRequests,
		"POST script":                takes("Script", c.addAnswers),
		"GET faults":                 c.getFaults,
		"PUT faults":                 takes("Faults", c.setFaults),
		"POST reset":                 c.reset,
	} {
		c.handle(pattern, func(w http.ResponseWriter, r *http.Request) {
			switch answer, err := answer(r); {
			case err != nil:
				refuse(w, err)
			case answer == nil:
				w.WriteHeader(http.StatusNoContent)
			default:
				writeJSON(w, http.StatusOK, answer)
			}
		})
	}
	c.handle("GET events", c.streamRequests)
	return c
}

// handle has a control route served to whoever has the key. The pattern is a method, a path, and the names that a
// query may have.
func (c *control) handle(pattern string, serve http.HandlerFunc) {
	parts := strings.Fields(pattern)
	c.mux.HandleFunc(parts[0]+" "+controlRoot+parts[1], func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(r.Header.Values("Sec-Fetch-Site"), "same-site") { // which the page may be linked from
			refuse(w, errOtherSite)
		} else if refused := c.authenticate(r.Header); refused != nil {
			refused.write(w)
		} else if err := checkAddress(r.URL, parts[2:]); err != nil {
			refuse(w, err)
		} else {
			serve(w, r)
		}
	})
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
	f := failure{status: http.StatusBadRequest, message: strings.Replace(err.Error(), "composio: ", "", 1)}
	if own, ok := errors.AsType[*failure](err); ok {
		f = *own
	}
	f.slug = "Sandbox_" + strings.ReplaceAll(http.StatusText(f.status), " ", "")
	f.write(w)
}

// checkAddress refuses what a route would leave unread.
func checkAddress(u *url.URL, known []string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("query: malformed")
	}
	for name, values := range query {
		if !slices.Contains(known, name) || len(values) > 1 || values[0] == "" {
			return fmt.Errorf("query: %.40q is unknown here, or has not one value", name)
		}
		if limit, err := strconv.Atoi(values[0]); name == "limit" && (errors.Is(err, strconv.ErrSyntax) || limit < 1) {
			return errors.New("limit: not a number from 1")
		}
	}
	if !utf8.ValidString(u.Path) {
		return errors.New("path: not valid UTF-8")
	}
	return nil
}

// limitOf returns the limit in a query that checkAddress has let pass, 500 unless there is one.
func limitOf(r *http.Request) int {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit")) // the largest int for a larger number
	return cmp.Or(limit, 500)
}

// takes is a route that does something with a body that the control document's schema allows, whatever its media type
// is said to be: curl and others call it a form unless told otherwise.
func takes[T any](schema string, do func(*http.Request, T) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		var body T
		if err := decode(data, schema, &body); err != nil {
			return nil, err
		}
		return nil, do(r, body)
	}
}

func (c *control) reset(*http.Request) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = c.start.clone()
	return nil, nil
}
