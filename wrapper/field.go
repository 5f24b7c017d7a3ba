package composio

import "errors"

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
