package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
)

// row is what a line of the input has: the body of the API's own request, and the account.
type row struct {
	ID string `json:"id"`
	gen.PatchConnectedAccountBody
}

// nowhere is a transport that sends nothing.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrNotSupported }

// check reads a row and refuses it: as the contract does what the API could not read as it is meant, as the wrapper does what
// must not be sent, and what would remove a credential by mistake. Its errors show nothing of what stands in the row but names.
func (in *input) check(text lineOrError) (r row, err error) {
	if text.err != nil {
		return r, text.err
	}
	var given, would any
	if err := json.Unmarshal(text.line, &given); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return r, fmt.Errorf("not JSON: an error at byte %d", syntax.Offset)
		}
		return r, errors.New("not JSON")
	}
	if err := in.breaks(text.line); err != nil {
		r.ID = idOf(text.line)
		return r, err
	}
	if err := json.Unmarshal(text.line, &r); err != nil {
		return r, errors.New("id: not a string") // the contract knows all others
	}
	sent, _ := json.Marshal(r) // was read from JSON
	_ = json.Unmarshal(sent, &would)
	if unknown := unknownKey(given, would, ""); unknown != "" {
		return r, errors.New(unknown)
	}
	if given.(map[string]any)["id"] == nil { // the contract takes objects alone
		return r, errors.New("id: missing")
	}
	set := composio.Set
	if in.Verbatim {
		set = setBare
	}
	var refused refusals
	if !refused.update(r.ID, r.update(set)) {
		text := printable(refused[0])
		if strings.Contains(text, "masked") { // which --verbatim does not allow in rows
			text = strings.Replace(text, ", or add --verbatim", "", 1)
		}
		return r, errors.New(text)
	}
	if k, _ := r.look(); k.removal != "" && !in.AllowClear {
		return r, errors.New("connection.state.val." + k.removal + " the credential; add --allow-clear if that is meant")
	}
	return r, nil
}

// breaks is how the row breaks the contract.
func (in *input) breaks(line []byte) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, "https://composio.invalid/api/v3/connected_accounts/ca_checked", bytes.NewReader(line))
	if err != nil {
		return err
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"for-checking-only"}}
	answer, err := in.contract.RoundTrip(request)
	if answer != nil { // which nowhere gives
		_ = answer.Body.Close()
	}
	many, _ := err.(interface{ Unwrap() []error })
	if many == nil {
		return nil
	}
	var found []string
	for _, one := range many.Unwrap() {
		if v, ok := errors.AsType[contract.Violation](one); ok {
			found = append(found, broken(v))
		}
	}
	return errors.New(strings.Join(found, "; "))
}

// broken says in plain words what the contract says in those of JSON Schema.
func broken(v contract.Violation) string {
	at := strings.ReplaceAll(strings.TrimPrefix(v.Location, "/"), "/", ".")
	switch v.Rule {
	case "additionalProperties":
		return at[:max(0, strings.LastIndexByte(at, '.'))] + ": unknown key (not shown, since it may be a secret)"
	case "utf-8", "surrogate":
		return "not valid Unicode: reading it would change a value"
	}
	if at == "body" {
		at = "the row"
	}
	text, ok := map[string]string{
		"nullable": "must not be null", "required": "missing", "duplicate": "given twice", "enum": "not one of the values that there are",
		"type": "of the wrong type", "minLength": "too short", "maxLength": "too long", "maxItems": "has too many",
	}[v.Rule]
	if !ok {
		text = "breaks the contract's rule " + v.Rule
	}
	return at + ": " + text
}

// unknownKey finds a key that would not be sent, and is "" if there is none.
func unknownKey(given, sent any, at string) string {
	object, _ := given.(map[string]any)
	would, _ := sent.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		_, known := would[name]
		switch {
		case !known && at == "" && len(name) <= 40 && printable(name) == name:
			return fmt.Sprintf("unknown key %q; there are id, alias, connection and experimental", name)
		case !known:
			return cmp.Or(at, "the row") + ": unknown key (not shown, since it may be a secret)"
		}
		if text := unknownKey(object[name], would[name], strings.TrimPrefix(at+"."+name, ".")); text != "" {
			return text
		}
	}
	return ""
}

// setBare sets what is left of a credential without what --verbatim allows, to see whether that is masked.
func setBare(value string) composio.Field {
	blank := func(r rune) bool { return unicode.IsSpace(r) || r == 0 || r == '\ufeff' }
	return composio.Set(strings.ReplaceAll(strings.TrimFunc(value, blank), "\x00", ""))
}

// update converts the row for the wrapper.
func (r *row) update(set func(string) composio.Field) (u composio.Update) {
	if r.Alias != nil {
		u.Alias = composio.Set(*r.Alias)
	}
	if r.Connection != nil {
		fields := map[string]composio.Field{}
		for name, value := range r.Connection.State.Val.Nullables() {
			if text, ok := value.Get(); ok {
				fields[name] = set(text)
			} else if value.IsNull() {
				fields[name] = composio.Clear()
			}
		}
		u.Credentials = composio.CredentialFields{Scheme: composio.Scheme(r.Connection.State.AuthScheme), Fields: fields}
	}
	if r.Experimental != nil && r.Experimental.ACLConfigForShared != nil {
		acl := r.Experimental.ACLConfigForShared
		u.Sharing = &composio.Sharing{AllowAllUsers: acl.AllowAllUsers, AllowedUserIDs: acl.AllowedUserIds, NotAllowedUserIDs: acl.NotAllowedUserIds}
	}
	return u
}

// mask hides every credential of the row.
func (r row) mask() {
	if r.Connection == nil {
		return
	}
	for _, value := range r.Connection.State.Val.Nullables() {
		if text, ok := value.Get(); ok && text != "" {
			*value = gen.String("[redacted]")
		}
	}
}
