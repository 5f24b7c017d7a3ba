package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"example.com/composio/gen"
)

// update carries out one update: all of it, or nothing with the reason. It returns the account's status.
func (s *Server) update(e *exchange, id string, data []byte) (status string, refused *failure) {
	patch, err := decode(data)
	if err != nil { // the document allows what the generated types cannot hold
		return "", &failure{
			status: http.StatusInternalServerError, code: 10500, slug: "HTTP_InternalServerError",
			message: "The sandbox cannot read this body, although the document allows it",
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[id]
	if !ok {
		return "", &failure{
			status: http.StatusNotFound, code: 606, slug: "ConnectedAccount_ResourceNotFound",
			message: fmt.Sprintf(`Connected account "%s" not found`, id),
		}
	}
	if refused := s.refuse(a, patch); refused != nil {
		return "", refused
	}
	if e.applying != nil {
		e.applying()
	}
	apply(&a, patch)
	e.entry.Applied = true
	s.store(a)
	return string(a.Status), nil
}

// refuse returns why a cannot be updated so; nil if it can.
func (s *Server) refuse(a Account, patch gen.PatchConnectedAccountBody) *failure {
	if !gen.AuthScheme(a.Scheme).Valid() {
		return badRequest(fmt.Sprintf("Connected accounts with auth scheme %q cannot be updated", a.Scheme),
			"Connect the account again")
	}
	if patch.Connection != nil && string(patch.Connection.State.AuthScheme) != string(a.Scheme) {
		return badRequest(
			fmt.Sprintf("Auth scheme mismatch: the connected account uses %s, not %s", a.Scheme, patch.Connection.State.AuthScheme),
			fmt.Sprintf("Send authScheme %s", a.Scheme))
	}
	if patch.Alias == nil || *patch.Alias == "" {
		return nil
	}
	wanted := alias{a.Toolkit, a.UserID, *patch.Alias}
	others := s.aliases[wanted]
	if a.alias() == wanted {
		others--
	}
	if others == 0 {
		return nil
	}
	// Guess: the code and the slug. The text is that of the 400 which this was before 409 was documented.
	return &failure{
		status: http.StatusConflict, code: 600, slug: "ConnectedAccount_Conflict",
		message: fmt.Sprintf(`Alias "%s" is already in use by another connection for this entity`, *patch.Alias),
		fix:     "Choose another alias, or clear the other account's",
	}
}

// badRequest returns a 400. Guess: that it is told with this code and slug, which are known from an alias clash.
func badRequest(message, fix string) *failure {
	return &failure{status: http.StatusBadRequest, code: 600, slug: "ConnectedAccount_BadRequest", message: message, fix: fix}
}

// apply changes an account, and in place the map it holds: callers of Put and Account have copies.
func apply(a *Account, patch gen.PatchConnectedAccountBody) {
	if patch.Alias != nil {
		a.Alias = *patch.Alias
	}
	if patch.Connection != nil {
		for name, credential := range patch.Connection.State.Val.Nullables() {
			value, ok := credential.Get()
			switch {
			case ok && a.Credentials == nil:
				a.Credentials = map[string]string{name: value}
			case ok:
				a.Credentials[name] = value
			case credential.IsNull():
				delete(a.Credentials, name)
			}
		}
	}
	if patch.Experimental == nil || patch.Experimental.ACLConfigForShared == nil {
		return
	}
	acl := patch.Experimental.ACLConfigForShared
	if acl.AllowAllUsers != nil {
		a.AllowAllUsers = *acl.AllowAllUsers
	}
	if acl.AllowedUserIds != nil {
		a.AllowedUserIDs = slices.Clone(acl.AllowedUserIds)
	}
	if acl.NotAllowedUserIds != nil {
		a.NotAllowedUserIDs = slices.Clone(acl.NotAllowedUserIds)
	}
}

// decode reads a body that the contract has let pass; a missing one is an update of nothing. encoding/json matches
// names in any case, so it would read an unknown property Alias, which the document lets pass, as the alias.
func decode(data []byte) (patch gen.PatchConnectedAccountBody, err error) {
	if len(data) == 0 {
		return patch, nil
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return patch, err
	}
	known, err := json.Marshal(declared(v, reflect.TypeOf(patch)))
	if err != nil {
		return patch, err
	}
	err = json.Unmarshal(known, &patch)
	return patch, err
}

// declared returns v without the members that t does not have by their exact names.
func declared(v any, t reflect.Type) any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	object, ok := v.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return v
	}
	known := map[string]any{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if member, ok := object[name]; ok {
			known[name] = declared(member, field.Type)
		}
	}
	return known
}
