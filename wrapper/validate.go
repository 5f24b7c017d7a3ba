package composio

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkID refuses an id that would change the path: "..", with the generated code alone, addresses another endpoint.
func checkID(id string) error {
	if len(id) == 0 || len(id) > 128 {
		return fmt.Errorf("the account id has %d characters, not 1 to 128", len(id))
	}
	for i := range len(id) {
		if !isWordByte(id[i]) && id[i] != '-' {
			return fmt.Errorf("the account id %q has a character other than A-Z, a-z, 0-9, _ and -", id)
		}
	}
	return nil
}

// checkKey refuses a key that cannot go into a header as it is.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the API key is empty")
	case !isPrintable(key) || strings.Contains(key, " "):
		return errors.New("the API key has a character other than visible ASCII, such as a space or a newline")
	}
	return nil
}

// checkCredential returns why f must not be sent as the credential of that wire name, nil if it may be.
func checkCredential(name string, f Field) error {
	switch {
	case f.value == nil:
	case !utf8.ValidString(*f.value):
		return errors.New("the value is not valid UTF-8, which JSON cannot carry")
	case f.action == setVerbatim:
	case looksMasked(*f.value):
		return errors.New("the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim")
	case strings.HasPrefix(*f.value, "\ufeff"):
		return errors.New("the value begins with a byte order mark, as some editors write; take it off, or use SetVerbatim")
	case strings.Contains(*f.value, "\x00"):
		return errors.New("the value holds a NUL character; take it out, or use SetVerbatim")
	case hasEdges(name, *f.value):
		return errors.New("the value has white space at an edge, as from the end of a file; trim it, or use SetVerbatim")
	}
	return nil
}

// looksMasked reports whether value is what Composio shows in place of a credential.
func looksMasked(value string) bool {
	shown, cut := strings.CutSuffix(value, "...")
	return strings.EqualFold(value, "REDACTED") || strings.EqualFold(value, redacted) ||
		value != "" && strings.Trim(value, "*") == "" ||
		cut && utf8.RuneCountInString(shown) <= 8
}

const (
	lineBreaks = "\n\v\f\r\u0085\u2028\u2029"
	// What a password may not have at an edge either, as it comes from a file or a table.
	neverAtEdge = "\t" + lineBreaks
)

// hasEdges reports whether value is a single line with white space at an edge that the credential does not allow.
func hasEdges(name, value string) bool {
	trimmed := strings.TrimSpace(value)
	if len(trimmed) == len(value) || strings.ContainsAny(trimmed, lineBreaks) || name == "credentials_json" {
		return false
	}
	if name != "username" && name != "password" {
		return true
	}
	before, after, _ := strings.Cut(value, trimmed)
	return strings.ContainsAny(before+after, neverAtEdge)
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
