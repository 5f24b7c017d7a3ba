package sandbox

import (
	"fmt"
	"net/http"

	"example.com/composio/gen"
)

// update carries out one update: all of it, or nothing with the reason. It returns the account's status.
func (s *Server) update(e *exchange, id string, asked asked) (status string, refused *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[id]
	if !ok {
		return "", &failure{
			status: http.StatusNotFound, code: 606, slug: "ConnectedAccount_ResourceNotFound",
			message: fmt.Sprintf(`Connected account "%s" not found`, id),
		}
	}
	if refused := s.refuse(a, asked); refused != nil {
		return "", refused
	}
	if e.applying != nil {
		e.applying()
	}
	a = a.clone()
	a.apply(asked)
	e.entry.Applied = true
	s.store(a)
	return string(a.Status), nil
}

// refuse returns why a cannot be updated so; nil if it can.
func (s *Server) refuse(a Account, asked asked) *failure {
	if !gen.AuthScheme(a.Scheme).Valid() {
		return badRequest(fmt.Sprintf("Connected accounts with auth scheme %q cannot be updated", a.Scheme),
			"Connect the account again")
	}
	if asked.scheme != "" && asked.scheme != string(a.Scheme) {
		return badRequest(
			fmt.Sprintf("Auth scheme mismatch: the connected account uses %s, not %s", a.Scheme, asked.scheme),
			fmt.Sprintf("Send authScheme %s", a.Scheme))
	}
	wanted := a
	wanted.Alias, _ = asked.fields["alias"].(string)
	others := s.aliases[wanted.alias()]
	if wanted.Alias == a.Alias {
		others--
	}
	if wanted.Alias == "" || others == 0 {
		return nil
	}
	// Guess: the code and the slug. The text is that of the 400 which this was before 409 was documented.
	return &failure{
		status: http.StatusConflict, code: 600, slug: "ConnectedAccount_Conflict",
		message: fmt.Sprintf(`Alias "%s" is already in use by another connection for this entity`, wanted.Alias),
		fix:     "Choose another alias, or clear the other account's",
	}
}

// badRequest returns a 400. Guess: that it is told with this code and slug, which are known from an alias clash.
func badRequest(message, fix string) *failure {
	return &failure{status: http.StatusBadRequest, code: 600, slug: "ConnectedAccount_BadRequest", message: message, fix: fix}
}

// apply changes an account.
func (a *Account) apply(asked asked) {
	for name, value := range asked.fields {
		switch value := value.(type) {
		case nil:
			delete(a.Credentials, name)
		case bool:
			a.AllowAllUsers = value
		case []any:
			if name == "allowed_user_ids" {
				a.AllowedUserIDs = texts(value)
			} else {
				a.NotAllowedUserIDs = texts(value)
			}
		case string:
			if name == "alias" {
				a.Alias = value
				continue
			}
			if a.Credentials == nil {
				a.Credentials = map[string]string{}
			}
			a.Credentials[name] = value
		}
	}
}

// texts returns a list that the contract has found to be one of strings.
func texts(list []any) []string {
	all := make([]string, len(list))
	for i, item := range list {
		all[i], _ = item.(string)
	}
	return all
}
