package sandbox

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
)

// accountSummary is an account with the names of its credentials and without their values.
type accountSummary struct {
	accountJSON
	Credentials []string `json:"credentials"`
}

func (c *control) listAccounts(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
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
