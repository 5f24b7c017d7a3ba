package sandbox

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// accountSummary is an account with the names of its credentials and without their values.
type accountSummary struct {
	accountJSON
	Credentials []string `json:"credentials"`
}

func (c *control) listAccounts(r *http.Request) (any, error) {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.accounts))
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	list := []accountSummary{}
	for _, a := range all[:min(limitOf(r), len(all))] {
		list = append(list, accountSummary{a.json(), a.set()})
	}
	return map[string]any{"accounts": list, "total": len(all)}, nil
}

// errNoAccount is the answer about an account that is not there.
var errNoAccount = &failure{status: http.StatusNotFound, message: "The sandbox has no account with this id"}

func (c *control) getAccount(r *http.Request) (any, error) {
	a, ok := c.Account(r.PathValue("id"))
	if !ok {
		return nil, errNoAccount
	}
	return a.json(), nil
}

func (c *control) putAccount(r *http.Request, sent accountJSON) error {
	id := r.PathValue("id")
	if cmp.Or(sent.ID, id) != id {
		return errors.New("/id: not the one in the path")
	}
	sent.ID = id
	a, err := sent.account()
	if err == nil {
		c.Put(a)
	}
	return err
}

func (c *control) deleteAccount(r *http.Request) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.drop(r.PathValue("id")) {
		return nil, errNoAccount
	}
	return nil, nil
}
