package composio

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	redacted   = "[redacted]"
	minCut     = 4  // letters and digits of a secret's beginning that a cut text may not end with
	minLetters = 12 // letters and digits by which a secret is known in any guise
	maxEscape  = 24 // bytes of an escape in an escape
)

// redact replaces each secret in text, and all of text where one is written in another way than it was given. Use it for
// every text that came from outside.
func (s *secrets) redact(text string) string {
	var room [512]byte
	var plain string
	var letters []byte
	for i := range s.known {
		k := &s.known[i]
		if clean := strings.ReplaceAll(text, k.value, redacted); i == 0 || clean != text {
			text, plain = clean, unescape(clean)
			letters = appendLetters(room[:0], plain)
		}
		if (len(text) >= minLetters || text != plain) && s.prepare(k).isIn(plain, letters) {
			return redacted
		}
	}
	return redactKeys(text)
}

// redactCut is redact for a text that may end in the middle of a secret, or of an escape within one.
func (s *secrets) redactCut(text string) string {
	plain := unescape(text)
	whole := strings.TrimRightFunc(plain, func(r rune) bool { return isLetter(r) || strings.ContainsRune(`\&%#`, r) })
	for end := max(len(whole), len(plain)-maxEscape); end <= len(plain); end++ {
		if end < len(plain) && !hasEscape(plain[end:end+1]) {
			continue
		}
		letters := string(appendLetters(nil, plain[:end]))
		for i := range s.known {
			if s.prepare(&s.known[i]).beginsAtEnd(plain[:end], letters) {
				return redacted
			}
		}
	}
	return s.redact(text)
}

// isIn reports whether a text, of which plain has no escapes and letters only letters and digits, has the secret or a part.
func (k *secret) isIn(plain string, letters []byte) bool {
	if !k.isLong() {
		return len(k.plain) >= minSecret && strings.Contains(plain, k.plain)
	}
	if bytes.Contains(letters, k.letters) {
		return true
	}
	for ; k.parts != nil && len(letters) >= minPart; letters = letters[1:] {
		for _, n := range k.lengths[[minPart]byte(letters)] {
			if n <= len(letters) && k.parts[string(letters[:n])] {
				return true
			}
		}
	}
	return false
}

func (k *secret) isLong() bool { return utf8.RuneCount(k.letters) >= minLetters }

// beginsAtEnd reports whether such a text ends with the beginning of the secret or of a part.
func (k *secret) beginsAtEnd(plain, letters string) bool {
	begins := func(text, secret string) bool {
		for n := min(len(text), len(secret)-1); n >= minCut; n-- {
			if strings.HasSuffix(text, secret[:n]) && utf8.RuneCountInString(secret[:n]) >= minCut {
				return true
			}
		}
		return false
	}
	for part := range k.parts {
		if begins(letters, part) {
			return true
		}
	}
	return begins(letters, string(k.letters)) || !k.isLong() && begins(plain, k.plain)
}

// keyPrefix begins every API key of Composio's. Its answers to a wrong key quote the key's first characters.
const keyPrefix = "ak_"

// redactKeys replaces each word that begins with keyPrefix.
func redactKeys(text string) string {
	if !strings.Contains(text, keyPrefix) {
		return text
	}
	var clean strings.Builder
	inKey := false
	for i := 0; i < len(text); i++ {
		starts := strings.HasPrefix(text[i:], keyPrefix) && !endsInWord(text[max(0, i-maxEscape):i])
		inKey = starts || inKey && (isWord(text[i]) || text[i] == '*' || text[i] == '-')
		switch {
		case starts:
			clean.WriteString(redacted)
		case !inKey:
			clean.WriteByte(text[i])
		}
	}
	return clean.String()
}

// endsInWord reports whether text ends within a word, once its escapes are read.
func endsInWord(text string) bool {
	text = unescape(text)
	return text != "" && isWord(text[len(text)-1])
}

// hiddenError is an error from outside with the secrets taken out of its text. Where there were some, errors.Is alone sees
// the error itself; else errors.As and errors.Unwrap reach it too.
type hiddenError struct {
	text string
	is   func(target error) bool // a func, since fmt looks into none
	next func() error
}

func (s *secrets) hide(err error) error {
	text := err.Error()
	hidden := &hiddenError{s.redact(text), func(target error) bool { return errors.Is(err, target) }, func() error { return err }}
	if hidden.text != text {
		hidden.next = func() error { return nil }
	}
	return hidden
}

func (e *hiddenError) Error() string                { return e.text }
func (e *hiddenError) Is(target error) bool         { return e.is(target) }
func (e *hiddenError) Unwrap() error                { return e.next() }
func (e *hiddenError) MarshalJSON() ([]byte, error) { return json.Marshal(e.text) }
