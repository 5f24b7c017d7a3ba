// Package strictjson reads JSON and finds what encoding/json reads in silence. Package contract reads bodies so, and
// package sandbox its accounts and what its control routes are sent.
package strictjson

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is what is wrong with a text, and where: by the names of members and the numbers of items that lead there.
//
// Rule is utf-8 for bytes that are not UTF-8, json for what is not one JSON value and nothing after it, surrogate for an
// escape that is half of a character, and duplicate for a name that an object has twice.
type Problem struct {
	Rule string
	At   []string
}

// Parse reads a JSON value, and reports whether there is one. The place of a surrogate in a name is * in that object.
// Numbers are float64, the largest or the smallest there is for one beyond it, since JSON bounds no number.
func Parse(data []byte) (value any, problems []Problem, ok bool) {
	if !utf8.Valid(data) {
		return nil, []Problem{{Rule: "utf-8"}}, false
	}
	if !json.Valid(data) {
		return nil, []Problem{{Rule: "json"}}, false
	}
	p := parser{data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	p.decoder.UseNumber()
	return p.value(nil), p.problems, true
}

// parser reads valid JSON.
type parser struct {
	data     []byte
	decoder  *json.Decoder
	problems []Problem
}

func (p *parser) note(rule string, at []string) {
	p.problems = append(p.problems, Problem{rule, slices.Clone(at)}) // at is written over on the way
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
				p.note("duplicate", below)
			}
			object[name] = p.value(below)
		}
		if p.token(nil); token == '[' {
			return list
		}
		return object
	case json.Number:
		number, _ := token.Float64()
		if mantissa, _, _ := strings.Cut(strings.ToLower(string(token)), "e"); number == 0 && strings.ContainsAny(mantissa, "123456789") {
			return math.Copysign(math.SmallestNonzeroFloat64, number)
		}
		return max(-math.MaxFloat64, min(number, math.MaxFloat64))
	default:
		return token
	}
}

// token reads the next token. A text with an escape that is half of a character is a problem: encoding/json reads another
// character in its place.
func (p *parser) token(at []string) json.Token {
	start := p.decoder.InputOffset()
	token, _ := p.decoder.Token() // the JSON is valid
	if _, isText := token.(string); isText {
		text := p.data[start:p.decoder.InputOffset()]
		if bytes.IndexByte(text, '\\') >= 0 && slices.ContainsFunc(escape.FindAllSubmatch(text, -1), func(match [][]byte) bool { return match[1] != nil }) {
			p.note("surrogate", at)
		}
	}
	return token
}

// escape is an escape in a JSON string, or two that are one character. Half of a character is a group of its own.
var escape = regexp.MustCompile(`(?i)\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)|\\.`)
