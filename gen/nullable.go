package gen

import "encoding/json"

// NullableString is a string property that may be absent, null or a string. The zero value is absent, which
// encoding/json leaves out under omitzero.
type NullableString struct {
	state nullState
	value string
}

type nullState uint8

const (
	absent nullState = iota
	null
	present
)

// Null returns the property that is sent as null.
func Null() NullableString { return NullableString{state: null} }

// String returns the property that is sent as value, which may be empty.
func String(value string) NullableString { return NullableString{state: present, value: value} }

// Get returns the string, and whether there is one: neither null nor absence has any.
func (n NullableString) Get() (value string, ok bool) { return n.value, n.state == present }

// IsNull reports whether the property is null rather than absent or a string.
func (n NullableString) IsNull() bool { return n.state == null }

// MarshalJSON encodes a string as itself and anything else as null.
func (n NullableString) MarshalJSON() ([]byte, error) {
	if n.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// AppendJSON appends what MarshalJSON returns to b.
func (n *NullableString) AppendJSON(b []byte) []byte {
	if n.state != present {
		return append(b, "null"...)
	}
	return appendString(b, n.value)
}

// UnmarshalJSON decodes null or a string; a property that is not in the JSON stays absent.
func (n *NullableString) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = Null()
		return nil
	}
	n.state = present
	return json.Unmarshal(data, &n.value)
}
