package composio

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const redacted = "[redacted]"

// minSecret is the length from which a secret is looked for in text; a shorter one would blot out ordinary words.
const minSecret = 4

// secrets are the values of one call that no text may show: its API key and each credential it sent.
type secrets []string

// add adds value, and what remains of one that has escapes itself, such as a key file: where a page of HTML quotes it,
// those are undone together with the page's. Where that leaves less than minSecret, it is not looked for.
func (s *secrets) add(value string) {
	for range maxLayers {
		if len(value) >= minSecret && !slices.Contains(*s, value) {
			*s = append(*s, value)
		}
		plain := unescape(value)
		if plain == value {
			break
		}
		value = plain
	}
	// The longest first: a secret that contains another must not be left in part.
	slices.SortFunc(*s, func(a, b string) int { return len(b) - len(a) })
}

// maxLayers is how many times over an escaped secret is looked for. Each gateway that quotes what another one answered
// adds a layer; without a bound an answer of 1 MiB could have 200,000 of them.
const maxLayers = 4

// redact replaces the secrets in text, as they are and as JSON or a page of HTML escapes them, and whatever looks like an
// API key of Composio's. Use it for every text that came from outside.
func (s secrets) redact(text string) string {
	if !s.shownIn(text) {
		return text
	}
	return inLayers(inLayers(text, s.hide), redactKeys)
}

// shownIn reports whether there is something to hide in text: mostly there is not, and one look costs less than two.
func (s secrets) shownIn(text string) bool {
	for layer := 0; ; layer++ {
		if strings.Contains(text, keyPrefix) {
			return true // which is also to say, an API key of Composio's that was sent
		}
		for _, secret := range s {
			if !strings.HasPrefix(secret, keyPrefix) && strings.Contains(text, secret) {
				return true
			}
		}
		plain := unescape(text)
		if plain == text || layer == maxLayers {
			return false
		}
		text = plain
	}
}

// redactCut is redact for a text that may end in the middle of a secret.
func (s secrets) redactCut(text string) string {
	return inLayers(s.hideEnd(inLayers(text, s.hide)), redactKeys)
}

// inLayers returns what hide makes of text, as it is and with its escapes undone once, twice and so on. A layer in which
// nothing is to be hidden leaves no trace.
func inLayers(text string, hide func(string) string) string {
	for plain, layer := text, 0; ; layer++ {
		clean := hide(plain)
		if clean != plain {
			text = clean
		}
		plain = unescape(clean)
		if plain == clean || layer == maxLayers {
			return text
		}
	}
}

func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// hideEnd replaces the beginning of a secret that text ends with. It looks in every layer and takes the longest one: a
// private key, for one, ends as it begins.
func (s secrets) hideEnd(text string) string {
	longest := 0
	look := func(plain string) {
		if n := s.beginsAtEnd(plain); n > longest {
			longest = n
			text = plain[:len(plain)-n] + redacted
		}
	}
	for plain, layer := text, 0; layer <= maxLayers; layer++ {
		look(plain)
		// Half a reference may as well be an ampersand with text behind it.
		if at := strings.LastIndexByte(plain, '&'); at >= 0 && len(plain)-at < maxEntity && !strings.Contains(plain[at:], ";") {
			look(unescape(plain[:at]))
		}
		if at := strings.LastIndexByte(plain, '\\'); at >= 0 && isHalfEscape(plain[at:]) {
			plain = plain[:at]
		}
		plain = unescape(strings.TrimRight(plain, string(utf8.RuneError))) // which the first half of a surrogate pair becomes
	}
	return text
}

// isHalfEscape reports whether text, which begins with a backslash, is a JSON escape that lacks its end.
func isHalfEscape(text string) bool {
	return len(text) == 1 || text[1] == 'u' && len(text) < len(`\u0000`)
}

// beginsAtEnd returns how much of a secret text ends with, 0 if it is too little to count.
func (s secrets) beginsAtEnd(text string) (longest int) {
	for _, secret := range s {
		for n := min(len(secret)-1, len(text)); n >= minSecret && n > longest; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// keyPrefix begins every API key of Composio's. Its answers to a wrong key quote the key's first characters.
const keyPrefix = "ak_"

// redactKeys replaces each word that begins with keyPrefix.
func redactKeys(text string) string {
	var clean strings.Builder
	rest := text // what is not in clean yet
	for from := 0; ; {
		at := strings.Index(rest[from:], keyPrefix)
		if at < 0 {
			break
		}
		start := from + at
		end := start + len(keyPrefix)
		for end < len(rest) && (isWord(rest[end]) || rest[end] == '*' || rest[end] == '-') {
			end++
		}
		if start > 0 && isWord(rest[start-1]) { // the middle of a word, such as "break_point"
			from = end
			continue
		}
		clean.WriteString(rest[:start])
		clean.WriteString(redacted)
		rest, from = rest[end:], 0
	}
	if len(rest) == len(text) {
		return text
	}
	return clean.String() + rest
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// unescape undoes one layer of JSON string escapes, and of HTML's character references, wherever they stand in text.
func unescape(text string) string {
	if !strings.Contains(text, `\`) && !strings.Contains(text, "&") {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for {
		at := strings.IndexAny(text, `\&`)
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		unescaped := unescapeRune
		if text[at] == '&' {
			unescaped = unescapeEntity
		}
		r, size := unescaped(text[at:])
		if size == 0 { // it escapes nothing
			r, size = rune(text[at]), 1
		}
		out.WriteRune(r)
		text = text[at+size:]
	}
	out.WriteString(text)
	return out.String()
}

// unescapeRune decodes the JSON escape that text begins with, and returns its length, 0 if there is none (RFC 8259,
// section 7).
func unescapeRune(text string) (r rune, size int) {
	if len(text) < 2 || text[0] != '\\' {
		return 0, 0
	}
	switch text[1] {
	case '"', '\\', '/':
		return rune(text[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := hex4(text[2:])
		if !ok {
			return 0, 0
		}
		if utf16.IsSurrogate(r) && len(text) >= 12 && text[6:8] == `\u` {
			if low, ok := hex4(text[8:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, 12
				}
			}
		}
		return r, 6
	}
	return 0, 0
}

// maxEntity is longer than every character reference that unescapeEntity knows.
const maxEntity = len("&#x10FFFF;") + 1

// unescapeEntity decodes the HTML character reference that text begins with, and returns its length, 0 if there is none.
// Of the names it knows those that a page must use; all 2,231 of package html would be 2 % of a small service's binary.
func unescapeEntity(text string) (r rune, size int) {
	name, _, ok := strings.Cut(text[:min(len(text), maxEntity)], ";")
	if !ok {
		return 0, 0
	}
	switch name {
	case "&amp":
		r = '&'
	case "&lt":
		r = '<'
	case "&gt":
		r = '>'
	case "&quot":
		r = '"'
	case "&apos":
		r = '\''
	default:
		digits, base := strings.TrimPrefix(name, "&#"), 10
		if hex := strings.TrimLeft(digits, "xX"); hex != digits {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 21)
		if err != nil || !strings.HasPrefix(name, "&#") || !utf8.ValidRune(rune(n)) {
			return 0, 0
		}
		r = rune(n)
	}
	return r, len(name) + 1
}

// hex4 reads the four hexadecimal digits that text begins with.
func hex4(text string) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range []byte(text[:4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// cause is an error from outside, such as a transport's, with its secrets taken out of the text. Where it had none,
// errors.As and errors.Unwrap reach the error itself; where it had, only errors.Is sees through.
type cause struct {
	text string
	is   func(target error) bool // a func, which no fmt verb looks into
	next func() error
}

func (s secrets) cause(err error) error {
	text := err.Error()
	clean := s.redact(text)
	c := &cause{text: clean, is: func(target error) bool { return errors.Is(err, target) }, next: func() error { return err }}
	if clean != text {
		c.next = func() error { return nil }
	}
	return c
}

func (c *cause) Error() string                { return c.text }
func (c *cause) Is(target error) bool         { return c.is(target) }
func (c *cause) Unwrap() error                { return c.next() }
func (c *cause) MarshalJSON() ([]byte, error) { return json.Marshal(c.text) }
