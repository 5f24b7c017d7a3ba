package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"example.com/composio/wrapper/contract"
)

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
	set, cleared := ask(q.Body).changes()
	kept := slices.DeleteFunc(append([]string{}, q.stored...), func(name string) bool {
		return slices.Contains(set, name) || slices.Contains(cleared, name)
	})
	return requestJSON{
		q.number, q.Time, q.Method, q.Path, q.account, set, cleared, kept,
		q.Status, q.Applied, q.Fault, append([]contract.Violation{}, q.Violations...), q.ended,
	}
}

func (c *control) listRequests(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	account := r.URL.Query().Get("account")
	var found []record
	c.mu.Lock()
	for _, q := range slices.Backward(c.journal) {
		if len(found) < limit && (account == "" || q.account == account) {
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

// publish sends a request that has ended to all streams. One whose reader is too far behind is ended.
func (s *Server) publish(q record) {
	data, _ := json.Marshal(q.json()) // it has no value that JSON lacks
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
	stream := make(chan []byte, maxBehind)
	c.mu.Lock()
	c.streams[stream] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, stream)
	}()
	for http.NewResponseController(w).Flush() == nil { // until the client is gone
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
