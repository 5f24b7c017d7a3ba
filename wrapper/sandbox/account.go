package sandbox

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	composio "example.com/composio/wrapper"
)

// Account is a connected account as the sandbox stores it. Printed in any way (fmt, slog, encoding/json), its
// credentials read "[redacted]"; the field has the real ones. Inside an unexported field of another struct, fmt has no
// way to ask the Account, and prints them.
type Account struct {
	// ID is what the account is called in the path, such as ca_1a2b3c4d5e6f.
	ID string `json:"id"`

	// Toolkit and UserID say whose account it is. An alias is unique among the accounts that have both in common.
	Toolkit string `json:"toolkit"`
	UserID  string `json:"user_id"`

	// Scheme is how the account signs in. With a scheme that the document lacks, such as OAUTH2 or none at all, the
	// account cannot be updated.
	Scheme composio.Scheme `json:"scheme"`

	// Alias is the account's name; empty if it has none.
	Alias string `json:"alias"`

	// Credentials are the stored credentials by their names on the wire, such as token or generic_api_key.
	Credentials map[string]string `json:"credentials"`

	// Status is what a successful update answers with. Put stores StatusActive for an empty one.
	Status composio.Status `json:"status"`

	// AllowAllUsers, AllowedUserIDs and NotAllowedUserIDs say who may use a shared account. Guess: every account
	// takes them.
	AllowAllUsers     bool     `json:"allow_all_users"`
	AllowedUserIDs    []string `json:"allowed_user_ids"`
	NotAllowedUserIDs []string `json:"not_allowed_user_ids"`
}

// clone returns a copy that shares nothing with a.
func (a Account) clone() Account {
	a.Credentials = maps.Clone(a.Credentials)
	a.AllowedUserIDs = slices.Clone(a.AllowedUserIDs)
	a.NotAllowedUserIDs = slices.Clone(a.NotAllowedUserIDs)
	return a
}

// fields returns the names of what the account has: its alias, if it has one, and its credentials.
func (a Account) fields() []string {
	names := a.set()
	if a.Alias != "" {
		names = append(names, "alias")
		slices.Sort(names)
	}
	return names
}

// set returns the names of the credentials that are not empty.
func (a Account) set() []string {
	names := []string{} // for JSON
	for _, name := range slices.Sorted(maps.Keys(a.Credentials)) {
		if a.Credentials[name] != "" {
			names = append(names, name)
		}
	}
	return names
}

// view returns what prints as it is.
func (a Account) view() any {
	type view Account
	a = a.clone()
	for name, value := range a.Credentials {
		a.Credentials[name] = mask(value)
	}
	return view(a)
}

// String returns the account, its credentials masked.
func (a Account) String() string { return fmt.Sprintf("%+v", a.view()) }

// Format prints the account under any verb, its credentials masked.
func (a Account) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), a.view())
}

// LogValue returns the account for slog, its credentials masked.
func (a Account) LogValue() slog.Value { return slog.AnyValue(a.view()) }

// MarshalJSON encodes the account, its credentials masked. What it writes is therefore no way to store an account.
func (a Account) MarshalJSON() ([]byte, error) { return json.Marshal(a.view()) }
