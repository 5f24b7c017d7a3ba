package composio

import (
	"errors"
	"strings"
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

// Set replaces the stored value, also with "". A credential that looks masked, as Composio shows it when read, is
// refused: writing it back would destroy the real one. Masked are "REDACTED" and "[redacted]" in any case, a value
// of nothing but "*", and up to eight characters followed by "...".
func Set(value string) Field { return Field{action: set, value: &value} }

// SetVerbatim replaces the stored value as [Set] does, also with one that looks masked.
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

// looksMasked reports whether value is what Composio shows in place of a credential.
func looksMasked(value string) bool {
	if strings.EqualFold(value, "REDACTED") || strings.EqualFold(value, redacted) {
		return true
	}
	if value != "" && strings.Trim(value, "*") == "" {
		return true
	}
	shown, cut := strings.CutSuffix(value, "...")
	return cut && len([]rune(shown)) <= 8
}
