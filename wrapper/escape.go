package composio

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// isLetter reports whether r is a letter or a digit.
func isLetter(r rune) bool {
	return r < utf8.RuneSelf && isWord(byte(r)) && r != '_' || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// isWord reports whether c is an ASCII letter, a digit or an underscore.
func isWord(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' }

// appendLetters appends the letters and digits of text.
func appendLetters(b []byte, text string) []byte {
	for _, r := range text {
		if r < utf8.RuneSelf { // mostly
			if isWord(byte(r)) && r != '_' {
				b = append(b, byte(r))
			}
		} else if isLetter(r) {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

func hasEscape(text string) bool {
	return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '&') >= 0 || strings.IndexByte(text, '%') >= 0
}

// unescape undoes the escapes of JSON, Go, HTML and URLs in text, of any depth. It goes from the end to the beginning,
// because what one stands for may begin another: \u0026amp;lt; is <.
func unescape(text string) string {
	if !hasEscape(text) {
		return text
	}
	buf := make([]byte, len(text))
	rest := buf[len(buf):]
	for i := len(text) - 1; i >= 0; i-- {
		at := len(buf) - len(rest) - 1
		buf[at] = text[i]
		for rest = buf[at:]; ; {
			shorter := undo(rest)
			if len(shorter) == len(rest) {
				break
			}
			rest = shorter
			for i > 0 && text[i] == '\\' && text[i-1] == '\\' { // the same escape, but deeper
				i--
			}
		}
	}
	return string(rest)
}

// undo returns text without the escape that it begins with, if it does, in the same memory.
func undo(text []byte) []byte {
	if len(text) < 2 {
		return text
	}
	next := text[1]
	switch text[0] {
	case '%':
		return undoNumber(text, 1, 3, 3, 16)
	case '\\':
		if i := strings.IndexByte("abfnrtv", next); i >= 0 {
			text[1] = "\a\b\f\n\r\t\v"[i]
			return text[1:]
		}
		if i := strings.IndexByte("xuU", next); i >= 0 {
			return undoNumber(text, 2, 2+2<<i, 2+2<<i, 16)
		}
		if next >= utf8.RuneSelf || !isLetter(rune(next)) {
			return text[1:]
		}
	case '&':
		end := bytes.IndexByte(text[:min(len(text), len("&CounterClockwiseContourIntegral;"))], ';')
		switch {
		case end < 2:
		case next != '#':
			if len(bytes.TrimFunc(text[1:end], isLetter)) == 0 { // a name; of those that stand for letters none is read
				text[end] = cmp.Or(entities[string(text[1:end])], ' ')
				return text[end:]
			}
		case text[2]|0x20 == 'x':
			return undoNumber(text, 3, end, end+1, 16)
		default:
			return undoNumber(text, 2, end, end+1, 10)
		}
	}
	return text
}

// entities are the names that a page of HTML must use; package html with all 2,231 would be 2 % of a small binary.
var entities = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// undoNumber undoes an escape of size bytes that has a character's number in text[from:to].
func undoNumber(text []byte, from, to, size, base int) []byte {
	if size > len(text) {
		return text
	}
	n, err := strconv.ParseUint(string(text[from:to]), base, 21)
	if err != nil {
		return text
	}
	char := utf8.AppendRune(make([]byte, 0, utf8.UTFMax), rune(n))
	switch {
	case text[0] != '&' && size <= len(`\x00`): // a byte, which may be a part of a character
		char = append(char[:0], byte(n))
	case utf16.IsSurrogate(rune(n)): // with its other half behind it
		if len(text) < 12 || string(text[6:8]) != `\u` {
			return text
		}
		low, err := strconv.ParseUint(string(text[8:12]), 16, 16)
		if err != nil {
			return text
		}
		size, char = 12, utf8.AppendRune(char[:0], utf16.DecodeRune(rune(n), rune(low)))
	}
	at := size - len(char)
	copy(text[at:], char)
	return text[at:]
}
