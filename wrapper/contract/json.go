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
	p := parser{direction: d, data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	p.decoder.UseNumber()
	value = p.value(nil)
	return value, p.found, true
}

// parser reads valid JSON.
type parser struct {
	direction Direction
	data      []byte
	decoder   *json.Decoder
	found     []finding
}

// value reads what stands at a place.
func (p *parser) value(at []string) any {
	token, half := p.token()
	if half {
		p.add(at, "surrogate")
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			list := []any{}
			for p.decoder.More() {
				list = append(list, p.value(append(at, strconv.Itoa(len(list)))))
			}
			p.token()
			return list
		}
		object := map[string]any{}
		for p.decoder.More() {
			token, half := p.token()
			name, _ := token.(string)
			below := append(at, name)
			if half {
				p.add(below, "surrogate")
			}
			if _, twice := object[name]; twice {
				p.add(below, "duplicate")
			}
			object[name] = p.value(below)
		}
		p.token()
		return object
	case json.Number: // one that no float64 can hold is the largest that one can: JSON bounds no number
		number, _ := token.Float64()
		return max(-math.MaxFloat64, min(number, math.MaxFloat64))
	default:
		return token
	}
}

// token returns the next token, and whether it is a text with an escape that is half of a character: encoding/json reads
// another character in its place.
func (p *parser) token() (token json.Token, half bool) {
	start := p.decoder.InputOffset()
	token, _ = p.decoder.Token() // the JSON is valid
	if _, isText := token.(string); isText {
		text := p.data[start:p.decoder.InputOffset()]
		half = slices.ContainsFunc(escape.FindAllSubmatch(text, -1), func(match [][]byte) bool { return match[1] != nil })
	}
	return token, half
}

func (p *parser) add(at []string, rule string) {
	p.found = append(p.found, newFinding(p.direction, pointer(at...), rule))
}

// escape is an escape in a JSON string, or two that are one character. Half of a character is a group of its own.
var escape = regexp.MustCompile(`(?i)\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)|\\.`)
