package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// kinds count rows by what they change. A row may be of several.
type kinds struct {
	Replace    int `json:"replace_credentials"`
	Remove     int `json:"remove_credentials"` // or empty
	SetAlias   int `json:"set_alias"`
	ClearAlias int `json:"clear_alias"`
	Sharing    int `json:"change_sharing"`

	removal string // of one row: the field that it removes or empties, and how
}

func (k *kinds) add(other kinds) {
	k.Replace += other.Replace
	k.Remove += other.Remove
	k.SetAlias += other.SetAlias
	k.ClearAlias += other.ClearAlias
	k.Sharing += other.Sharing
}

func (k kinds) String() string {
	verb := func(n int, one, many string) string {
		if n == 1 {
			many = one
		}
		return thousands(n) + " " + many
	}
	return fmt.Sprintf("%s credentials, %s credentials, %s the alias, %s the alias, %s sharing", verb(k.Replace, "row replaces", "rows replace"),
		verb(k.Remove, "removes", "remove"), verb(k.SetAlias, "sets", "set"), verb(k.ClearAlias, "clears", "clear"), verb(k.Sharing, "changes", "change"))
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// plural counts what a word names.
func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// look says what the row changes, counted and, for a person, in words.
func (r row) look() (k kinds, text string) {
	var parts []string
	switch {
	case r.Alias != nil && *r.Alias == "":
		k.ClearAlias, parts = 1, append(parts, "alias cleared")
	case r.Alias != nil:
		k.SetAlias, parts = 1, append(parts, fmt.Sprintf("alias %q", *r.Alias))
	}
	if r.Connection != nil {
		for name, value := range r.Connection.State.Val.Nullables() {
			text, ok := value.Get()
			what := "replaced"
			switch {
			case !ok && !value.IsNull():
				continue
			case !ok:
				k.Remove, what, k.removal = 1, "removed", cmp.Or(k.removal, name+": null removes")
			case text == "":
				k.Remove, what, k.removal = 1, "emptied", cmp.Or(k.removal, name+`: "" empties`)
			default:
				k.Replace = 1
			}
			parts = append(parts, fmt.Sprintf("%s %s %s", r.Connection.State.AuthScheme, name, what))
		}
	}
	if r.Experimental != nil && r.Experimental.ACLConfigForShared != nil {
		acl := r.Experimental.ACLConfigForShared
		k.Sharing = 1
		if acl.AllowAllUsers != nil {
			parts = append(parts, fmt.Sprintf("every user may use it: %t", *acl.AllowAllUsers))
		}
		if acl.AllowedUserIds != nil {
			parts = append(parts, fmt.Sprintf("allowed users %q", acl.AllowedUserIds))
		}
		if acl.NotAllowedUserIds != nil {
			parts = append(parts, fmt.Sprintf("denied users %q", acl.NotAllowedUserIds))
		}
	}
	return k, printable(r.ID + ": " + strings.Join(parts, ", "))
}
