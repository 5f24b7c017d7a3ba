package contract

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// parseBody reads a body that has to be JSON, and finds what encoding/json reads in silence: a second value after the
// first, bytes that are not UTF-8, half of a surrogate pair, and a name that an object has twice. It reports whether there
// is a value.
func parseBody(d Direction, data []byte) (value any, found []finding, ok bool) {
	if !utf8.Valid(data) {
		return nil, []finding{newFinding(d, body, "utf-8")}, false
	}
	if !json.Valid(data) {
		return nil, []finding{newFinding(d, body, "json")}, false
	}
	p := parser{data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	p.decoder.UseNumber()
	p.found = func(rule string, at []string) { found = append(found, newFinding(d, pointer(at...), rule)) }
	return p.value(nil), found, true
}

// parser reads valid JSON.
type parser struct {
	data    []byte
	decoder *json.Decoder
	found   func(rule string, at []string)
}

// value reads what stands at a place.
func (p *parser) value(at []string) any {
	switch token := p.token(at).(type) {
	case json.Delim:
		list, object := []any{}, map[string]any{}
		for p.decoder.More() {
			if token == '[' {
				list = append(list, p.value(append(at, strconv.Itoa(len(list)))))
				continue
			}
			name, _ := p.token(append(at, "*")).(string) // a name with half of a character is not shown
			below := append(at, name)
			if _, twice := object[name]; twice {
				p.found("duplicate", below)
			}
			object[name] = p.value(below)
		}
		if p.token(nil); token == '[' {
			return list
		}
		return object
	case json.Number: // one that no float64 can hold is the largest that one can: JSON bounds no number
		number, _ := token.Float64()
		return max(-math.MaxFloat64, min(number, math.MaxFloat64))
	default:
		return token
	}
}

// token reads the next token. A text with an escape that is half of a character is found: encoding/json reads another
// character in its place.
func (p *parser) token(at []string) json.Token {
	start := p.decoder.InputOffset()
	token, _ := p.decoder.Token() // the JSON is valid
	if _, isText := token.(string); isText {
		text := p.data[start:p.decoder.InputOffset()]
		if slices.ContainsFunc(escape.FindAllSubmatch(text, -1), func(match [][]byte) bool { return match[1] != nil }) {
			p.found("surrogate", at)
		}
	}
	return token
}

// escape is an escape in a JSON string, or two that are one character. Half of a character is a group of its own.
var escape = regexp.MustCompile(`(?i)\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)|\\.`)
