package sandbox

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/internal/example"
)

// DefaultAPIKey is the key of a [Server] that was given no other.
const DefaultAPIKey = "ak_sandbox"

// maxBody is the most that is read of a request's body, in bytes.
const maxBody = 10 << 20

// Option configures a [Server].
type Option func(*Server)

// WithAPIKey sets the one API key that is right. Default [DefaultAPIKey], which an empty key keeps.
func WithAPIKey(key string) Option {
	return func(s *Server) {
		if key != "" {
			s.key = key
		}
	}
}

// WithRateLimit sets how many requests a window takes before they are answered 429. Default 2,000 in a minute, which
// are Composio's numbers for its smaller plans; a window of 0 or less is a minute. A limit of 0 or less turns limiting
// and the rate-limit headers off.
//
// A 429 has the rate-limit headers, Retry-After and a bare message. In a window that is not whole seconds Retry-After
// has a fraction, as no answer of Composio's has been seen to.
func WithRateLimit(limit int, window time.Duration) Option {
	return func(s *Server) {
		if window <= 0 {
			window = time.Minute
		}
		s.budget.limit, s.budget.window, s.budget.bare = limit, window, false
	}
}

// WithBareRateLimit is [WithRateLimit] with the other 429 that Composio has: the document's error body, code 10429, and
// neither rate-limit headers nor Retry-After.
func WithBareRateLimit(limit int, window time.Duration) Option {
	return func(s *Server) {
		WithRateLimit(limit, window)(s)
		s.budget.bare = true
	}
}

// WithJournal sets how many requests the journal keeps, the latest. Default 10,000; with 0 or less it keeps them all.
func WithJournal(size int) Option {
	return func(s *Server) { s.journalSize = size }
}

// WithLogger has one line a request written to l as it ends: its method and account, which fields it sets and clears, the
// status of the answer (0 for none), whether the update was applied, which fault it met, and where it broke which rule of
// the contract. No line has a value of a field. Default none.
func WithLogger(l *slog.Logger) Option {
	return func(s *Server) { s.logger = l }
}

// Server is an in-memory Composio project. It is an [http.Handler], to be served by net/http/httptest or any server.
// Use New to make one; its methods can be called by many goroutines, also while it serves. The journal keeps requests
// as they were sent, body and key included.
type Server struct {
	key         string
	journalSize int
	logger      *slog.Logger // may be nil
	checked     http.Handler // contract around route
	control     *control     // may be nil

	mu      sync.Mutex
	streams map[chan []byte]bool
	state
}

// state is what requests change.
type state struct {
	accounts map[string]Account // changed by store and drop alone; what an account holds is never changed in place
	aliases  map[alias]int      // how many accounts have one
	served   int                // how many requests there were
	journal  []*record
	script   []Answer
	chance   chance
	budget   budget
}

// clone returns a copy that goes on by itself, with the dice as before the first throw. What a list has is never changed.
func (s state) clone() state {
	s.accounts, s.aliases = maps.Clone(s.accounts), maps.Clone(s.aliases)
	s.chance = newChance(s.chance.seed, s.chance.faults)
	return s
}

// New returns a project without accounts.
func New(opts ...Option) *Server {
	s := &Server{
		key:         DefaultAPIKey,
		journalSize: 10_000,
		streams:     map[chan []byte]bool{},
		state: state{
			accounts: map[string]Account{},
			aliases:  map[alias]int{},
			chance:   newChance(0, nil),
			budget:   budget{limit: 2000, window: time.Minute},
		},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.checked = contract.Handler(http.HandlerFunc(s.route), contract.OnViolation(func(r *http.Request, v contract.Violation) {
		if v.Rule != "operation" { // which route answers with a page, as any server does
			exchangeOf(r).note(func(q *Request) { q.Violations = append(q.Violations, v) })
		}
	}))
	return s
}

// Put stores a copy of an account, in place of one with the same ID. It checks nothing: also two accounts of one user
// and toolkit with the same alias are stored.
func (s *Server) Put(a Account) {
	if a.Status == "" {
		a.Status = composio.StatusActive
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(a.clone())
}

// alias is a name that one of a user's accounts of a toolkit can have.
type alias struct{ toolkit, user, name string }

func (a Account) alias() alias { return alias{a.Toolkit, a.UserID, a.Alias} }

// store puts an account in the place of one with the same id.
func (s *Server) store(a Account) {
	s.drop(a.ID)
	s.accounts[a.ID] = a
	s.aliases[a.alias()]++
}

// drop removes the account with an id, and reports whether there was one.
func (s *Server) drop(id string) bool {
	a, ok := s.accounts[id]
	if ok {
		delete(s.accounts, id)
		if s.aliases[a.alias()]--; s.aliases[a.alias()] == 0 {
			delete(s.aliases, a.alias())
		}
	}
	return ok
}

// Account returns a copy of the account with an id, and whether there is one.
func (s *Server) Account(id string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[id]
	return a.clone(), ok
}

// Format prints how much the server holds, and nothing of it, under any verb.
func (s *Server) Format(f fmt.State, _ rune) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(f, "sandbox.Server(%d accounts, %d requests)", len(s.accounts), len(s.journal))
}

// ServeHTTP serves one request. See the package page for what it answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.control != nil && s.control.serve(w, r) {
		return
	}
	e, r := s.begin(w, r)
	defer s.finish(e)
	s.spend(e)
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		id = uuid.NewString() // the form that Composio's have
	}
	w.Header().Set("X-Request-Id", id)
	s.checked.ServeHTTP(e, r)
}

// route serves what the contract lets pass.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // of a request to no operation, for the journal: the contract has read the others
	if answer, ok := s.nextAnswer(exchangeOf(r).limited); ok {
		s.misbehave(answer, w, r)
		return
	}
	s.carryOut(w, r)
}

// carryOut does what Composio would.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request) {
	e := exchangeOf(r)
	if e.limited {
		e.writeLimited(e.exempt(w))
		return
	}
	if e.entry.account == "" {
		writePage(e.exempt(w), http.StatusNotFound)
		return
	}
	if r.Method != operation.Method {
		w = e.exempt(w)
		w.Header().Set("Allow", operation.Method)
		writePage(w, http.StatusMethodNotAllowed)
		return
	}
	id, status := r.PathValue("nanoid"), ""
	refused := s.authenticate(r.Header)
	if refused == nil {
		status, refused = s.update(e, id, ask(e.body.Bytes()))
	}
	if refused != nil {
		refused.write(w)
		return
	}
	writeJSON(w, http.StatusOK, example.Answer(id, status))
}

// operation is a request of the document's one operation, which has its method and path.
var operation, _ = gen.NewPatchConnectedAccountsByNanoidRequest(&url.URL{}, "x", gen.PatchConnectedAccountBody{})

// accountIn returns the account that a path names; "" if the path is not the operation's, at the root, under one of the
// two versions. The contract would match it under any prefix.
func accountIn(path string) string {
	end := strings.LastIndexByte(path, '/')
	collection := strings.TrimSuffix(operation.URL.Path, "/x")
	if end < 0 || path[:end] != collection && path[:end] != strings.Replace(collection, "/v3/", "/v3.1/", 1) {
		return ""
	}
	id, _ := url.PathUnescape(path[end+1:]) // "" for an escape that is none
	return id
}
