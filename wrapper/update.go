package composio

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/composio/gen"
)

// Update is a change to one connected account. What the zero value of a field leaves out of the request stays as
// it is stored. An update that changes nothing is [ErrInvalid].
type Update struct {
	// Alias is the account's name, unique among the accounts that one user has of one toolkit: see [ErrAliasTaken].
	// Zero keeps it; Clear() and Set("") both clear it.
	Alias Field

	// Credentials replace or remove what the account signs in with. Nil keeps all of it.
	Credentials Credentials

	// Sharing says who may use a SHARED account. Nil keeps it. Composio calls this experimental.
	Sharing *Sharing
}

// Sharing says who may use a SHARED account. A field that is nil keeps what is stored; with all of them nil
// nothing is sent.
type Sharing struct {
	AllowAllUsers     *bool
	AllowedUserIDs    []string // replaces the stored list, with none if empty; at most 1,000 ids of 1 to 256 characters
	NotAllowedUserIDs []string // the same, for users who may not
}

// wireUpdate is an update as it is sent, with room for its parts, so that all of it is one allocation.
type wireUpdate struct {
	body         gen.PatchConnectedAccountBody
	connection   gen.ConnectionPatch
	experimental gen.ExperimentalPatch
	sharing      gen.SharedAccountACL
	err          error // the first value that was refused
}

func (w *wireUpdate) refuse(err error) { w.err = cmp.Or(w.err, err) }

// set converts u. It is the only conversion, and refuses what must not be sent.
func (w *wireUpdate) set(u Update) error {
	w.setAlias(u.Alias)
	w.setCredentials(u.Credentials)
	w.setSharing(u.Sharing)
	if w.err == nil && w.body.Alias == nil && w.body.Connection == nil && w.body.Experimental == nil {
		return errors.New("the update changes nothing: set an alias, a credential or sharing")
	}
	return w.err
}

func (w *wireUpdate) setAlias(alias Field) {
	switch {
	case alias.action == clearValue:
		w.body.Alias = new("")
	case alias.action != keep && !utf8.ValidString(*alias.value):
		w.refuse(errors.New("the alias is not valid UTF-8, which JSON cannot carry"))
	case alias.action != keep:
		w.body.Alias = alias.value
	}
}

// setsAlias reports whether the update gives the account a name, rather than keep or clear it.
func (w *wireUpdate) setsAlias() bool { return w.body.Alias != nil && *w.body.Alias != "" }

func (w *wireUpdate) setCredentials(c Credentials) {
	switch {
	case c == nil:
	case isNil(c):
		w.refuse(fmt.Errorf("the credentials are a nil %T", c))
	default:
		scheme := c.assign(w)
		if w.connection.State.AuthScheme = gen.AuthScheme(scheme); !gen.AuthScheme(scheme).Valid() {
			w.refuse(unknown("scheme", scheme, schemes))
		}
	}
}

// setCredential says what becomes of the credential of that name on the wire.
func (w *wireUpdate) setCredential(name string, field Field) {
	for known, property := range w.connection.State.Val.Nullables() {
		if known != name {
			continue
		}
		switch field.action {
		case keep:
			return
		case clearValue:
			*property = gen.Null()
		default:
			*property = gen.String(*field.value)
		}
		w.body.Connection = &w.connection
		if err := checkCredential(name, field); err != nil {
			w.refuse(fmt.Errorf("credential %s: %w", name, err))
		}
		return
	}
	var names []string
	for known := range w.connection.State.Val.Nullables() {
		names = append(names, known)
	}
	w.refuse(unknown("credential field", name, names))
}

// unknown refuses a name that is none of known. It shows one that differs from a known one in case and punctuation alone;
// any other may be a credential in the wrong place.
func unknown[S ~string](what string, name S, known []S) error {
	letters := func(s S) string { return strings.ToLower(string(appendLetters(nil, string(s)))) }
	shown := fmt.Sprintf("of %d characters", utf8.RuneCountInString(string(name)))
	if slices.ContainsFunc(known, func(k S) bool { return letters(k) == letters(name) }) {
		shown = strconv.Quote(string(name))
	}
	return fmt.Errorf("unknown %s %s; there are %v", what, shown, known)
}

func (w *wireUpdate) setSharing(s *Sharing) {
	if s == nil || s.AllowAllUsers == nil && s.AllowedUserIDs == nil && s.NotAllowedUserIDs == nil {
		return
	}
	w.sharing = gen.SharedAccountACL{AllowAllUsers: s.AllowAllUsers, AllowedUserIds: s.AllowedUserIDs, NotAllowedUserIds: s.NotAllowedUserIDs}
	w.experimental.ACLConfigForShared = &w.sharing
	w.body.Experimental = &w.experimental
	w.refuse(cmp.Or(checkUserIDs("AllowedUserIDs", s.AllowedUserIDs), checkUserIDs("NotAllowedUserIDs", s.NotAllowedUserIDs)))
}
