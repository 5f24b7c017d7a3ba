package composio

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isLetter reports whether r is a letter or a digit.
func isLetter(r rune) bool {
	return r < utf8.RuneSelf && isWordByte(byte(r)) && r != '_' || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// isWordByte reports whether c is an ASCII letter, a digit or an underscore.
func isWordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}

// appendLetters appends the letters and digits of text.
func appendLetters(b []byte, text string) []byte {
	b = slices.Grow(b, len(text))
	for _, r := range text {
		if r < utf8.RuneSelf && r != '_' && isWordByte(byte(r)) { // mostly
			b = append(b, byte(r))
		} else if r >= utf8.RuneSelf && isLetter(r) {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

const (
	escapes   = `\&%`  // what the escapes of JSON, Go, HTML and URLs begin with
	maxEscape = 32     // bytes of the longest that is read
	unread    = "\x1a" // what a name of HTML's that is not read becomes: Unicode's "substitute"
)

// named are the names that a page of HTML must use; package html with all 2,231 would be 1 % of a small binary.
var named = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// hasEscape is strings.ContainsAny(text, escapes), but fast.
func hasEscape(text string) bool {
	return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '&') >= 0 || strings.IndexByte(text, '%') >= 0
}

// unescape decodes all escapes in text, of any depth. It goes from the end to the beginning, because what one stands for may
// begin another: \u0026amp;lt; is <.
func unescape(text string) string {
	if !hasEscape(text) {
		return text
	}
	buf, start := make([]byte, len(text)), len(text)
	var short [maxEscape + 1]int // saves an allocation
	at := short[:]               // at[i]: where in text that begins which buf[i] stands for, counted from the end
	if len(text) >= len(at) {
		at = make([]int, len(text)+1)
	}
	for i := len(text) - 1; i >= 0; i-- {
		start--
		buf[start], at[start] = text[i], len(text)-i
		for char, size := decodeEscape(buf[start:]); size > 0; char, size = decodeEscape(buf[start:]) {
			width := len(text) - i - at[start+1]
			for buf[start] == '\\' && strings.HasSuffix(text[:i], text[i:i+width]) { // the same escape, but deeper
				i -= width
			}
			start += size - len(char)
			copy(buf[start:], char)
			at[start] = len(text) - i
		}
	}
	return string(buf[start:])
}

// decodeEscape returns what the escape that text begins with stands for, and its size, which is 0 if text begins with none.
func decodeEscape(text []byte) (char string, size int) {
	if len(text) < 2 || strings.IndexByte(escapes, text[0]) < 0 {
		return "", 0
	}
	head := string(text[:min(len(text), maxEscape)])
	switch head[0] {
	case '%':
		if n, err := strconv.ParseUint(head[1:min(3, len(head))], 16, 8); err == nil && len(head) >= 3 {
			return string([]byte{byte(n)}), 3
		}
	case '\\':
		if r, isRune, rest, err := strconv.UnquoteChar(head, 0); err == nil && isRune {
			return string(r), len(head) - len(rest)
		} else if err == nil {
			return string([]byte{byte(r)}), len(head) - len(rest)
		}
		if !isLetter(rune(head[1])) && head[1] != unread[0] {
			return "", 1
		}
		var pair string // of surrogates, as JSON writes a character beyond 16 bits
		if len(head) >= 12 && head[6:8] == `\u` && json.Unmarshal([]byte(`"`+head[:12]+`"`), &pair) == nil {
			return pair, 12
		}
	case '&':
		name, _, ends := strings.Cut(head[1:], ";")
		number, isNumber := strings.CutPrefix(strings.ToLower(name), "#")
		switch size := len(name) + len("&;"); {
		case !ends || name == "":
		case isNumber:
			base := 10
			if hex, ok := strings.CutPrefix(number, "x"); ok {
				number, base = hex, 16
			}
			if n, err := strconv.ParseUint(number, base, 21); err == nil {
				return string(rune(n)), size
			}
		case strings.TrimFunc(name, isLetter) == "":
			return cmp.Or(named[name], unread), size
		}
	}
	return "", 0
}
