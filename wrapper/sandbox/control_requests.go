package sandbox

import (
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
	kept := slices.DeleteFunc(slices.Clone(q.stored), func(name string) bool {
		return slices.Contains(set, name) || slices.Contains(cleared, name)
	})
	return requestJSON{
		q.number, q.Time, q.Method, q.Path, q.account, some(set), some(cleared), some(kept),
		q.Status, q.Applied, q.Fault, append([]contract.Violation{}, q.Violations...), q.ended,
	}
}

func (c *control) listRequests(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
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
