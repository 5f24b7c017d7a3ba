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

// body converts the update to what is sent. It is the only conversion, and refuses what must not be sent.
func (u Update) body() (*gen.PatchConnectedAccountBody, error) {
	var body gen.PatchConnectedAccountBody
	var err error
	if body.Alias, err = aliasOf(u.Alias); err != nil {
		return nil, err
	}
	if body.Connection, err = connectionOf(u.Credentials); err != nil {
		return nil, err
	}
	if body.Experimental, err = experimentalOf(u.Sharing); err != nil {
		return nil, err
	}
	if body == (gen.PatchConnectedAccountBody{}) {
		return nil, errors.New("the update changes nothing: set an alias, a credential or sharing")
	}
	return &body, nil
}

func aliasOf(alias Field) (*string, error) {
	switch alias.action {
	case keep:
		return nil, nil
	case clearValue:
		return new(""), nil
	default:
		if !utf8.ValidString(*alias.value) {
			return nil, errors.New("the alias is not valid UTF-8, which JSON cannot carry")
		}
		return alias.value, nil
	}
}

func connectionOf(c Credentials) (*gen.ConnectionPatch, error) {
	if c == nil {
		return nil, nil
	}
	if isNil(c) {
		return nil, fmt.Errorf("the credentials are a nil %T", c)
	}
	scheme := gen.AuthScheme(c.scheme())
	if !scheme.Valid() {
		return nil, fmt.Errorf("unknown scheme %.64q", scheme)
	}
	var patch credentialPatch
	c.assign(&patch)
	if patch.err != nil {
		return nil, patch.err
	}
	if !patch.changed {
		return nil, nil
	}
	return &gen.ConnectionPatch{State: gen.ConnectionStatePatch{AuthScheme: scheme, Val: patch.CredentialPatch}}, nil
}

func experimentalOf(s *Sharing) (*gen.ExperimentalPatch, error) {
	if s == nil || s.AllowAllUsers == nil && s.AllowedUserIDs == nil && s.NotAllowedUserIDs == nil {
		return nil, nil
	}
	if err := checkUserIDs("AllowedUserIDs", s.AllowedUserIDs); err != nil {
		return nil, err
	}
	if err := checkUserIDs("NotAllowedUserIDs", s.NotAllowedUserIDs); err != nil {
		return nil, err
	}
	return &gen.ExperimentalPatch{ACLConfigForShared: &gen.SharedAccountACL{
		AllowAllUsers:     s.AllowAllUsers,
		AllowedUserIds:    s.AllowedUserIDs,
		NotAllowedUserIds: s.NotAllowedUserIDs,
	}}, nil
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
