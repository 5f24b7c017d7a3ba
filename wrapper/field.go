package composio

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Field says what an update does with one stored value: keep, replace or remove it. The zero value keeps it.
//
// A Field may hold a credential, so it shows none: fmt, log/slog and encoding/json see "keep", "clear" or
// "[redacted]".
type Field struct {
	action action
	value  *string // a pointer, because fmt prints unexported fields without asking any method, but follows no pointer
}

type action uint8

const (
	keep action = iota
	set
	setVerbatim
	clearValue
)

// Set replaces the stored value, also with "". It refuses a credential that is probably a mistake, which [SetVerbatim]
// sends:
//
//   - one that looks masked, as Composio shows it when read, since writing it back would destroy the real one: "REDACTED"
//     or "[redacted]" in any case, nothing but "*", or up to eight characters followed by "..."
//   - one that begins with a byte order mark, or holds a NUL
//   - one of a single line with a line break, a tab or a space at an edge. Passwords and user names may have spaces there,
//     credentials_json anything.
func Set(value string) Field { return Field{action: set, value: &value} }

// SetVerbatim replaces the stored value as [Set] does, also with what that refuses.
func SetVerbatim(value string) Field { return Field{action: setVerbatim, value: &value} }

// Clear removes the stored value: a credential is sent as null, an alias as "".
func Clear() Field { return Field{action: clearValue} }

// String returns "keep", "clear" or "[redacted]", and never the value.
func (f Field) String() string {
	switch f.action {
	case keep:
		return "keep"
	case clearValue:
		return "clear"
	default:
		return redacted
	}
}

// MarshalJSON encodes what String returns, so that an Update can be logged as JSON.
func (f Field) MarshalJSON() ([]byte, error) { return []byte(`"` + f.String() + `"`), nil }

// UnmarshalJSON always fails: what MarshalJSON writes has lost the value, and reading it back would store
// "[redacted]" as a credential.
func (f *Field) UnmarshalJSON([]byte) error {
	return errors.New("composio: a Field cannot be read from JSON; use Set, SetVerbatim or Clear")
}

// refuse returns why the field must not be sent as the credential of that wire name, nil if it may be.
func (f Field) refuse(name string) error {
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
