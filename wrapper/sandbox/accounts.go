package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
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

func (a accountJSON) account() Account {
	return Account{
		ID: a.ID, Toolkit: a.Toolkit, UserID: a.User, Scheme: a.Scheme, Alias: a.Alias, Status: a.Status,
		Credentials: a.Credentials,
	}
}

// oauth are Composio's schemes that the document lacks since accounts that have them cannot be updated.
var oauth = []composio.Scheme{"OAUTH1", "OAUTH2", "DCR_OAUTH", "S2S_OAUTH2"}

// parseAccount reads an account that the control document allows.
func parseAccount(data []byte) (Account, error) {
	var a accountJSON
	if err := json.Unmarshal(data, &a); err != nil {
		return Account{}, errors.New("body: not an account") // cannot be: names and types have been looked at
	}
	if !gen.AuthScheme(a.Scheme).Valid() && !slices.Contains(oauth, a.Scheme) {
		return Account{}, errors.New("/scheme: neither in the OpenAPI document nor one of OAuth's")
	}
	if a.Status == "" {
		a.Status = composio.StatusActive
	}
	return a.account(), nil
}

// ReadAccounts reads accounts as JSON Lines: one object a line, with the keys id, toolkit, user, scheme, alias, status and
// credentials, of which id and scheme are needed; the status is ACTIVE unless given. Blank lines are skipped. It stops at
// the first line that is not JSON, has an unknown key, one of another type or one twice, repeats an id, or has a scheme
// that is neither in the OpenAPI document nor one of OAuth's; the error names the line, and shows no value of it.
func ReadAccounts(r io.Reader) ([]Account, error) {
	var accounts []Account
	lines := map[string]int{} // by id
	check := newLineCheck()
	reader := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, readErr := reader.ReadBytes('\n')
		if readErr != nil && readErr != io.EOF {
			return nil, fmt.Errorf("composio: reading accounts, line %d: %w", number, readErr)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			a, err := check.account(line)
			if before := lines[a.ID]; err == nil && before > 0 {
				err = fmt.Errorf("/id: the account of line %d has it too", before)
			}
			if err != nil {
				return nil, fmt.Errorf("composio: line %d: %w", number, err)
			}
			lines[a.ID] = number
			accounts = append(accounts, a)
		}
		if readErr == io.EOF {
			return accounts, nil
		}
	}
}

// lineCheck checks a line as the body of PUT accounts/{id} is checked.
type lineCheck struct {
	handler http.Handler
	found   []contract.Violation
}

func newLineCheck() *lineCheck {
	c := &lineCheck{}
	pass := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { contract.Exempt(w) })
	c.handler = contract.Handler(pass, controlDocument(), contract.WithEveryOperation(), contract.OnViolation(func(_ *http.Request, v contract.Violation) {
		c.found = append(c.found, v)
	}))
	return c
}

// ruleWords say in plain words which rule of the document a line breaks.
var ruleWords = map[string]string{
	"json": "not one JSON value", "utf-8": "not valid UTF-8", "additionalProperties": "an unknown key", "duplicate": "a key that is there twice",
	"required": "missing", "type": "of another type", "nullable": "null", "minLength": "empty", "surrogate": "text with half of a character", "size": "larger than 10 MiB",
}

func (c *lineCheck) account(line []byte) (Account, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, controlRoot+"accounts/x", bytes.NewReader(line))
	if err != nil {
		return Account{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	c.found = nil
	c.handler.ServeHTTP(&held{header: http.Header{}}, r)
	if len(c.found) > 0 {
		v := c.found[0]
		if words := ruleWords[v.Rule]; words != "" {
			v.Rule = words
		}
		return Account{}, fmt.Errorf("%s: %s", v.Location, v.Rule)
	}
	a, err := parseAccount(line)
	if err == nil && a.ID == "" {
		err = errors.New("/id: missing")
	}
	return a, err
}
