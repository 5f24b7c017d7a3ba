package composio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readEnvelope reads the body of an error answer, which must be valid JSON, member by member, so that one of another type
// than the document's costs only itself. Where there is no object "error", the members at the top level count.
func readEnvelope(e *Error, body []byte) {
	detail := body
	for name, value := range members(body) {
		switch {
		case string(name) != "error":
		case value[0] == '{':
			detail = value
		default:
			e.Message = text(value)
		}
	}
	for name, value := range members(detail) {
		switch string(name) {
		case "message":
			e.Message = cmp.Or(text(value), e.Message)
		case "code", "error_code": // Composio uses both
			e.Code = cmp.Or(wholeNumber(value), e.Code)
		case "slug":
			e.Slug = stringOf(value)
		case "suggested_fix":
			e.SuggestedFix = stringOf(value)
		case "request_id":
			e.RequestID = cmp.Or(stringOf(value), e.RequestID)
		case "errors":
			e.Details = texts(value)
		}
	}
}

// members yields the members of a JSON object with their names, or the elements of a list without; of anything else
// nothing. raw must be valid. It is exact where encoding/json is not: a name matches as it is written and in no other case,
// and one that is given twice is yielded twice.
func members(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		var name []byte
		depth, start := 0, 0
		for i := 0; i < len(raw); i++ {
			switch c := raw[i]; c {
			case '"':
				for i++; raw[i] != '"'; i++ {
					if raw[i] == '\\' {
						i++
					}
				}
			case '{', '[':
				if depth++; depth == 1 {
					start = i + 1
				}
			case ':':
				if depth == 1 {
					name, start = unquote(bytes.TrimSpace(raw[start:i])), i+1
				}
			case ',', '}', ']':
				if depth == 1 {
					value := bytes.TrimSpace(raw[start:i])
					if len(value) > 0 && !yield(name, value) {
						return
					}
					start = i + 1
				}
				if c != ',' {
					depth--
				}
			}
		}
	}
}

// texts returns the elements of a list, or what is no list as the only element, without null and empty ones.
func texts(raw []byte) (list []string) {
	if raw[0] != '[' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	for _, element := range members(raw) {
		if s := text(element); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// text returns the string that raw encodes, "" for null, and anything else as compact JSON.
func text(raw []byte) string {
	switch raw[0] {
	case '"':
		return string(unquote(raw))
	case 'n':
		return ""
	case '{', '[':
		var compact bytes.Buffer
		_ = json.Compact(&compact, raw) // it is valid
		return compact.String()
	}
	return string(raw)
}

// stringOf returns the string that raw encodes, and "" if it encodes something else.
func stringOf(raw []byte) string {
	if raw[0] != '"' {
		return ""
	}
	return string(unquote(raw))
}

// unquote returns the string that raw encodes; most need no more than their quotes taken off.
func unquote(raw []byte) []byte {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is a string
	return []byte(s)
}

// wholeNumber returns the int that raw is, as a number or as a string of digits, and 0 if it is none or beyond this
// platform's.
func wholeNumber(raw []byte) int {
	digits := text(raw)
	if raw[0] == '"' && strings.Trim(digits, "0123456789") != "" {
		return 0
	}
	if n, err := strconv.Atoi(digits); err == nil {
		return n
	}
	number, err := strconv.ParseFloat(digits, 64) // such as 1803.0
	if n := int(number); err == nil && float64(n) == number && math.Abs(number) < 1<<53 {
		return n
	}
	return 0
}
