package sandbox

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
)

// accountJSON is an account as the control routes and ReadAccounts have it, with its credentials.
type accountJSON struct {
	ID          string            `json:"id"`
	Toolkit     string            `json:"toolkit"`
	User        string            `json:"user"`
	Scheme      composio.Scheme   `json:"scheme"`
	Alias       string            `json:"alias"`
	Status      composio.Status   `json:"status"`
	Credentials map[string]string `json:"credentials"`
}

// json returns the account with copies of its credentials.
func (a Account) json() accountJSON {
	credentials := map[string]string{}
	maps.Copy(credentials, a.Credentials)
	return accountJSON{a.ID, a.Toolkit, a.UserID, a.Scheme, a.Alias, a.Status, credentials}
}

// oauth are Composio's schemes that the document lacks since accounts that have them cannot be updated.
var oauth = []composio.Scheme{"OAUTH1", "OAUTH2", "DCR_OAUTH", "S2S_OAUTH2"}

// account returns the account that the control document allowed.
func (a accountJSON) account() (Account, error) {
	if !gen.AuthScheme(a.Scheme).Valid() && !slices.Contains(oauth, a.Scheme) {
		return Account{}, errors.New("/scheme: neither in the OpenAPI document nor one of OAuth's")
	}
	return Account{
		ID: a.ID, Toolkit: a.Toolkit, UserID: a.User, Scheme: a.Scheme, Alias: a.Alias,
		Status: cmp.Or(a.Status, composio.StatusActive), Credentials: a.Credentials,
	}, nil
}

// ReadAccounts reads accounts as JSON Lines: one object a line, with the keys id, toolkit, user, scheme, alias, status and
// credentials, of which id and scheme are needed; the status is ACTIVE unless given. Blank lines are skipped. It stops at
// the first line that is not JSON, has an unknown key, one of another type or one twice, repeats an id, or has a scheme
// that is neither in the OpenAPI document nor one of OAuth's; the error names the line, and shows no value of it.
func ReadAccounts(r io.Reader) ([]Account, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("composio: reading accounts: %w", err)
	}
	var accounts []Account
	lines := map[string]int{} // by id
	for i, line := range bytes.Split(data, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var sent accountJSON
		var a Account
		err := decode(line, "Account", &sent)
		switch before := lines[sent.ID]; {
		case err != nil:
		case sent.ID == "":
			err = errors.New("/id: missing")
		case before > 0:
			err = fmt.Errorf("/id: the account of line %d has it too", before)
		default:
			a, err = sent.account()
		}
		if err != nil {
			return nil, fmt.Errorf("composio: line %d: %w", i+1, err)
		}
		lines[a.ID] = i + 1
		accounts = append(accounts, a)
	}
	return accounts, nil
}
