package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// isJSON reads a media type as kin-openapi does, which looks at no parameter, not even a malformed one.
func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	mediaType = strings.TrimSpace(mediaType)
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// scan finds what encoding/json reads in silence: a second value after the first, bytes that are not UTF-8, half of a
// surrogate pair, and a name that an object has twice. It returns the same JSON as any version of encoding/json reads it
// without a complaint; nil if there is none.
func scan(d Direction, data []byte) (checked []byte, found []finding) {
	if !utf8.Valid(data) {
		return nil, []finding{{Violation: Violation{d, body, "utf-8"}}}
	}
	if !json.Valid(data) {
		return nil, []finding{{Violation: Violation{d, body, "json"}}}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, []finding{{Violation: Violation{d, body, "json"}}}
	}
	checked, err := json.Marshal(finite(value))
	if err != nil {
		return nil, []finding{{Violation: Violation{d, body, "json"}}}
	}
	return checked, walk(d, data)
}

// finite replaces the numbers that no float64 can hold by the largest that one can: JSON Schema bounds no number, and
// kin-openapi reads each as a float64.
func finite(value any) any {
	switch v := value.(type) {
	case json.Number:
		if f, err := v.Float64(); errors.Is(err, strconv.ErrRange) {
			return math.Copysign(math.MaxFloat64, f)
		}
	case []any:
		for i := range v {
			v[i] = finite(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = finite(v[name])
		}
	}
	return value
}

// level is one object or array that the walk is inside of.
type level struct {
	names map[string]bool // nil in an array
	name  string          // in an object, the name whose value comes next; "" before a name
	named bool
	index int
}

func (l *level) step() string {
	if l.names == nil {
		return strconv.Itoa(l.index)
	}
	return l.name
}

// done notes that a value of the level has ended.
func (l *level) done() {
	l.named = false
	l.index++
}

// walk finds in valid JSON the names that an object has twice, and halves of surrogate pairs. It does not recurse.
func walk(d Direction, data []byte) (found []finding) {
	var open []*level
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		start := decoder.InputOffset()
		token, err := decoder.Token()
		if err != nil { // the end: the caller knows that data is valid
			return found
		}
		var top *level
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch delim, isDelim := token.(json.Delim); {
		case isDelim && delim == '{':
			open = append(open, &level{names: map[string]bool{}})
			continue
		case isDelim && delim == '[':
			open = append(open, &level{})
			continue
		case isDelim:
			open = open[:len(open)-1]
			if len(open) > 0 {
				open[len(open)-1].done()
			}
			continue
		}
		name, isText := token.(string)
		isName := isText && top != nil && top.names != nil && !top.named
		if isName {
			top.name, top.named = name, true
			if top.names[name] {
				found = append(found, finding{Violation: Violation{d, at(open), "duplicate"}})
			}
			top.names[name] = true
		}
		if isText && halfSurrogate(data[start:decoder.InputOffset()]) {
			found = append(found, finding{Violation: Violation{d, at(open), "surrogate"}})
		}
		if top != nil && !isName {
			top.done()
		}
	}
}

// halfSurrogate reports whether a JSON string has an escape that is half of a character: encoding/json reads another
// character in its place.
func halfSurrogate(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		unit := hexUnit(text[i+1:])
		i += 4
		if !utf16.IsSurrogate(unit) {
			continue
		}
		next, ok := bytes.CutPrefix(text[i+1:], []byte(`\u`))
		if !ok || utf16.DecodeRune(unit, hexUnit(next)) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// hexUnit reads the four digits of an escape.
func hexUnit(text []byte) rune {
	unit, _ := strconv.ParseUint(string(text[:4]), 16, 16) // the JSON is valid
	return rune(unit)
}

func at(open []*level) string {
	steps := make([]string, len(open))
	for i, l := range open {
		steps[i] = l.step()
	}
	return pointer(steps...)
}
