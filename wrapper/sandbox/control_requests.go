package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/composio/gen"
	"example.com/composio/wrapper/contract"
)

// requestJSON is a request without values, as it is listed, streamed and logged.
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
	set, cleared := ask(q.Body).changes()
	kept := slices.DeleteFunc(append([]string{}, q.stored...), func(name string) bool {
		return slices.Contains(set, name) || slices.Contains(cleared, name)
	})
	return requestJSON{
		q.number, q.Time, q.Method, q.Path, q.account, set, cleared, kept,
		q.Status, q.Applied, q.Fault, masked(q.Violations), q.ended,
	}
}

// documentNames are those of the document in a body. A name that it lacks may be a value in the wrong place.
var documentNames = func() []string {
	names := strings.Fields("connection state authScheme val alias experimental acl_config_for_shared allow_all_users allowed_user_ids not_allowed_user_ids")
	for name := range new(gen.CredentialPatch).Nullables() {
		names = append(names, name)
	}
	return names
}()

// masked returns a copy with * for each name in a request that the document lacks.
func masked(violations []contract.Violation) []contract.Violation {
	all := append([]contract.Violation{}, violations...)
	for i, v := range all {
		names := strings.Split(v.Location, "/")
		if v.Direction != contract.Request || names[0] != "" {
			continue // the sandbox's own, or no place in a body
		}
		for j := 1; j < len(names); j++ {
			if isItem := strings.HasSuffix(names[j-1], "_user_ids"); !isItem && !slices.Contains(documentNames, names[j]) {
				names[j] = "*"
			}
		}
		all[i].Location = strings.Join(names, "/")
	}
	return slices.Compact(all)
}

// log writes the line of a request.
func (q requestJSON) log(l *slog.Logger) {
	where := slog.String("id", q.Account)
	if q.Account == "" {
		where = slog.String("path", q.Path)
	}
	var violations []string
	for _, v := range q.Violations {
		violations = append(violations, string(v.Direction)+" "+v.Location+": "+v.Rule)
	}
	attrs := []slog.Attr{slog.String("method", q.Method), where, slog.Int("status", q.Status), slog.Bool("applied", q.Applied)}
	for _, part := range [][2]string{
		{"set", strings.Join(q.Set, ",")}, {"cleared", strings.Join(q.Cleared, ",")}, {"fault", q.Fault}, {"violations", strings.Join(violations, "; ")},
	} {
		if part[1] != "" {
			attrs = append(attrs, slog.String(part[0], part[1]))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}

func (c *control) listRequests(r *http.Request) (any, error) {
	limit, account := limitOf(r), r.URL.Query().Get("account")
	var found []record
	c.mu.Lock()
	for _, q := range slices.Backward(c.journal) {
		if len(found) == limit {
			break
		}
		if account == "" || q.account == account {
			found = append(found, *q)
		}
	}
	total := len(c.journal)
	c.mu.Unlock()
	list := []requestJSON{}
	for _, q := range slices.Backward(found) {
		list = append(list, q.json())
	}
	return map[string]any{"requests": list, "total": total}, nil
}

func (c *control) clearRequests(*http.Request) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal = nil
	return nil, nil
}

// maxBehind is how many events a reader of the stream may be behind.
const maxBehind = 1000

// finish tells of a request that has ended. A stream whose reader is too far behind is ended.
func (s *Server) finish(e *exchange) {
	s.mu.Lock()
	e.entry.ended = true
	q, streamed := *e.entry, len(s.streams) > 0
	s.mu.Unlock()
	if s.logger == nil && !streamed {
		return
	}
	view := q.json()
	if s.logger != nil {
		view.log(s.logger)
	}
	data, _ := json.Marshal(view) // it has no value that JSON lacks
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		select {
		case stream <- data:
		default:
			delete(s.streams, stream)
			close(stream)
		}
	}
}

// streamRequests sends events until the client goes, the reader is too far behind, or the http.Server shuts down, which
// would otherwise wait for the stream to end.
func (c *control) streamRequests(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	stopped, stop := context.WithCancel(context.Background()) // little, since an http.Server keeps what it is told to call
	defer stop()
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		server.RegisterOnShutdown(stop)
	}
	connection := http.NewResponseController(w)
	defer context.AfterFunc(stopped, func() { // a reader that does not read holds nobody up
		_ = connection.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	})()
	stream := make(chan []byte, maxBehind)
	c.mu.Lock()
	c.streams[stream] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, stream)
	}()
	for connection.Flush() == nil { // until the client is gone
		select {
		case data, ok := <-stream:
			if !ok {
				return
			}
			_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
		case <-r.Context().Done():
			return
		case <-stopped.Done():
			return
		}
	}
}
