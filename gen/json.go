package gen

import "encoding/json"

// appendMember appends "name":value to the unfinished object at the end of b, after a comma unless it is the first
// member. The generated AppendJSON methods call it, with pointers, since a value put into an interface is a copy on the heap.
func appendMember(b []byte, name string, value any) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(appendString(b, name), ':')
	switch value := value.(type) {
	case *string:
		return appendString(b, *value)
	case *NullableString: // has AppendJSON like those below, but a type is cheaper to tell than an interface
		return value.AppendJSON(b)
	case interface{ AppendJSON([]byte) []byte }:
		return value.AppendJSON(b)
	default:
		return appendReflected(b, value)
	}
}

// appendString appends s as a JSON string. One that needs escaping goes to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if !unescaped[s[i]] {
			return appendReflected(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// unescaped are the bytes that encoding/json writes as they are; not all of them, but nearly all that are sent.
var unescaped = func() (set [256]bool) {
	for c := byte(' '); c <= '~'; c++ {
		set[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return set
}()

// appendReflected appends what is too rare to be worth code of its own.
func appendReflected(b []byte, value any) []byte {
	data, _ := json.Marshal(value) // fails only for NaN and infinities, which nothing sends; the body would be no JSON
	return append(b, data...)
}
