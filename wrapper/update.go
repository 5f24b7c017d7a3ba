package composio

import (
	"errors"
	"fmt"
	"time"
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

// Scheme is how a connected account signs in. An account keeps the scheme that it was connected with. There is no
// default: "" is [ErrInvalid].
type Scheme string

// The schemes whose credentials can be replaced. OAuth accounts are not among them.
const (
	SchemeBearerToken          = Scheme(gen.AuthSchemeBEARERTOKEN)
	SchemeAPIKey               = Scheme(gen.AuthSchemeAPIKEY)
	SchemeBasic                = Scheme(gen.AuthSchemeBASIC)
	SchemeBasicWithJWT         = Scheme(gen.AuthSchemeBASICWITHJWT)
	SchemeGoogleServiceAccount = Scheme(gen.AuthSchemeGOOGLESERVICEACCOUNT)
	SchemeServiceAccount       = Scheme(gen.AuthSchemeSERVICEACCOUNT)
)

// Status is the state of an account's connection. The set is open: Composio may answer with one that has no constant
// here. It is "" where Composio named none.
type Status string

// The statuses seen so far.
const (
	StatusActive       Status = "ACTIVE"
	StatusInitializing Status = "INITIALIZING"
	StatusInitiated    Status = "INITIATED"
	StatusExpired      Status = "EXPIRED"
	StatusFailed       Status = "FAILED"
	StatusInactive     Status = "INACTIVE"
	StatusRevoked      Status = "REVOKED"
)

// Result is what Composio said of an update that it applied.
type Result struct {
	ID        string    // the account
	Status    Status    // the state of its connection after the update
	RequestID string    // for Composio's support; the answer's x-request-id, or else the id that was sent
	Attempts  int       // how many requests it took, 1 or more
	RateLimit RateLimit // the organization's budget after this request
}

// RateLimit is the organization's budget of requests, which all of its API keys and endpoints share.
type RateLimit struct {
	Limit     int           // requests in a window
	Remaining int           // requests left in this window
	Window    time.Duration // the window's length; 0 if the answer did not say
	Known     bool          // whether the answer carried a limit and what remains of it
}

// wireUpdate is an update as it is sent, with room for its parts, so that all of it is one allocation.
type wireUpdate struct {
	body         gen.PatchConnectedAccountBody
	connection   gen.ConnectionPatch
	experimental gen.ExperimentalPatch
	sharing      gen.SharedAccountACL
	credentials  credentialPatch
}

// set converts u. It is the only conversion, and refuses what must not be sent.
func (w *wireUpdate) set(u Update) error {
	if err := w.setAlias(u.Alias); err != nil {
		return err
	}
	if err := w.setCredentials(u.Credentials); err != nil {
		return err
	}
	if err := w.setSharing(u.Sharing); err != nil {
		return err
	}
	if w.body == (gen.PatchConnectedAccountBody{}) {
		return errors.New("the update changes nothing: set an alias, a credential or sharing")
	}
	return nil
}

func (w *wireUpdate) setAlias(alias Field) error {
	switch alias.action {
	case keep:
	case clearValue:
		w.body.Alias = new("")
	default:
		if !utf8.ValidString(*alias.value) {
			return errors.New("the alias is not valid UTF-8, which JSON cannot carry")
		}
		w.body.Alias = alias.value
	}
	return nil
}

func (w *wireUpdate) setCredentials(c Credentials) error {
	if c == nil {
		return nil
	}
	if isNil(c) {
		return fmt.Errorf("the credentials are a nil %T", c)
	}
	state := &w.connection.State
	state.AuthScheme = gen.AuthScheme(c.scheme())
	if !state.AuthScheme.Valid() {
		return fmt.Errorf("unknown scheme %.64q", state.AuthScheme)
	}
	w.credentials.CredentialPatch = &state.Val
	c.assign(&w.credentials)
	if w.credentials.err != nil {
		return w.credentials.err
	}
	if w.credentials.changed {
		w.body.Connection = &w.connection
	}
	return nil
}

func (w *wireUpdate) setSharing(s *Sharing) error {
	if s == nil || s.AllowAllUsers == nil && s.AllowedUserIDs == nil && s.NotAllowedUserIDs == nil {
		return nil
	}
	if err := checkUserIDs("AllowedUserIDs", s.AllowedUserIDs); err != nil {
		return err
	}
	if err := checkUserIDs("NotAllowedUserIDs", s.NotAllowedUserIDs); err != nil {
		return err
	}
	w.sharing = gen.SharedAccountACL{
		AllowAllUsers:     s.AllowAllUsers,
		AllowedUserIds:    s.AllowedUserIDs,
		NotAllowedUserIds: s.NotAllowedUserIDs,
	}
	w.experimental.ACLConfigForShared = &w.sharing
	w.body.Experimental = &w.experimental
	return nil
}

// The document's bounds on lists of users (schema SharedAccountACL).
const (
	maxUserIDs      = 1000
	maxUserIDLength = 256
)

func checkUserIDs(list string, ids []string) error {
	if len(ids) > maxUserIDs {
		return fmt.Errorf("%s has %d ids, more than %d", list, len(ids), maxUserIDs)
	}
	for i, id := range ids {
		if !utf8.ValidString(id) {
			return fmt.Errorf("%s[%d] is not valid UTF-8, which JSON cannot carry", list, i)
		}
		if n := utf8.RuneCountInString(id); n == 0 || n > maxUserIDLength {
			return fmt.Errorf("%s[%d] has %d characters, not 1 to %d", list, i, n, maxUserIDLength)
		}
	}
	return nil
}

// checkID refuses an id that would change the path: "..", with the generated code alone, addresses another endpoint.
func checkID(id string) error {
	if len(id) == 0 || len(id) > 128 {
		return fmt.Errorf("the account id has %d characters, not 1 to 128", len(id))
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return fmt.Errorf("the account id %q has a character other than A-Z, a-z, 0-9, _ and -", id)
		}
	}
	return nil
}
