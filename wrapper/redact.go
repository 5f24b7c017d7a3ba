package composio

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

const (
	redacted   = "[redacted]"
	minCut     = 4  // letters and digits of a secret's beginning that a cut text may not end with
	minLetters = 12 // letters and digits by which a secret is known in any guise
)

// redact replaces each secret in text, and all of text where one is written in another way than it was given. Use it for
// every text that came from outside.
func (s *secrets) redact(text string) string {
	var buffer [512]byte
	var unescaped string
	var letters []byte
	for i := range s.known {
		k := &s.known[i]
		if clean := strings.ReplaceAll(text, k.value, redacted); i == 0 || clean != text {
			text, unescaped = clean, unescape(clean)
			letters = appendLetters(buffer[:0], unescaped)
		}
		hasEscapes := text != unescaped
		if (len(text) >= minLetters || hasEscapes) && s.prepare(k).isIn(unescaped, letters, hasEscapes) {
			return redacted
		}
	}
	return redactKeys(text)
}

// redactCut is redact for a text that may end in the middle of a secret, or of an escape within one.
func (s *secrets) redactCut(text string) string {
	unescaped := unescape(text)
	beforeWord := strings.TrimRightFunc(unescaped, func(r rune) bool { return isLetter(r) || strings.ContainsRune(escapes+"#", r) })
	beforeEscape := unescaped
	if i := strings.IndexAny(unescaped[len(beforeWord):], escapes); i >= 0 {
		beforeEscape = unescaped[:len(beforeWord)+i]
	}
	for _, end := range [...]string{unescaped, beforeEscape} {
		letters := string(appendLetters(nil, end))
		for i := range s.known {
			if s.prepare(&s.known[i]).beginsAtEnd(end, letters) {
				return redacted
			}
		}
	}
	return s.redact(text)
}

// isIn reports whether a text has the secret or a part, given that text without escapes and its letters and digits.
func (k *secret) isIn(unescaped string, letters []byte, hasEscapes bool) bool {
	whole, least := k.unescaped, minSecret
	if hasEscapes { // a backslash at the secret's end may seem to escape what follows, and one before a character is none
		whole, least = strings.TrimRight(whole, `\`), minSecret-1
	}
	if strings.Contains(unescaped, unread) { // which may be any character beyond ASCII
		hidden := hideNonASCII(whole)
		if len(hidden) >= minSecret && strings.Contains(hideNonASCII(unescaped), hidden) {
			return true
		}
	}
	if !k.isLong {
		return len(whole) >= least && strings.Contains(unescaped, whole)
	}
	if bytes.Contains(letters, k.letters) || slices.ContainsFunc(k.parts, func(part []byte) bool { return len(part) > maxPart && bytes.Contains(letters, part) }) {
		return true
	}
	for ; k.parts != nil && len(letters) >= minPart; letters = letters[1:] {
		// Of all parts, only the last that is not behind letters can be what they begin with.
		start := letters[:min(len(letters), maxPart)] // comparing more would take too long where all of a text is alike
		i, same := sort.Find(len(k.parts), func(i int) int { return bytes.Compare(start, k.parts[i]) })
		if same || i > 0 && bytes.HasPrefix(start, k.parts[i-1]) {
			return true
		}
	}
	return false
}

// hideNonASCII puts the mark of an unread name in the place of each character beyond ASCII.
func hideNonASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return rune(unread[0])
		}
		return r
	}, text)
}

// beginsAtEnd reports whether such a text ends with the beginning of the secret or of a part.
func (k *secret) beginsAtEnd(unescaped, letters string) bool {
	begins := func(part []byte) bool { return endsWithBeginning(letters, string(part)) }
	return slices.ContainsFunc(k.parts, begins) || begins(k.letters) || !k.isLong && endsWithBeginning(unescaped, k.unescaped)
}

// endsWithBeginning reports whether text ends with minCut or more characters that secret begins with, but not with all.
func endsWithBeginning(text, secret string) bool {
	for n := min(len(text), len(secret)-1); n >= minCut; n-- {
		if strings.HasSuffix(text, secret[:n]) && utf8.RuneCountInString(secret[:n]) >= minCut {
			return true
		}
	}
	return false
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
		inKey = starts || inKey && (isWordByte(text[i]) || text[i] == '*' || text[i] == '-')
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
	return text != "" && isWordByte(text[len(text)-1])
}

// hiddenError is an error from outside with the secrets taken out of its text.
type hiddenError struct {
	text    string
	err     func() error // a func, since fmt looks into none
	changed bool         // then errors.Is alone sees err; else errors.As and errors.Unwrap reach it too
}

func (s *secrets) hide(err error) error {
	return &hiddenError{s.redact(err.Error()), func() error { return err }, s.areIn(err)}
}

// areIn reports whether the text of err, or of an error within it, which may say more, has a secret.
func (s *secrets) areIn(err error) bool {
	within := []error{errors.Unwrap(err)}
	if several, ok := any(err).(interface{ Unwrap() []error }); ok {
		within = several.Unwrap()
	}
	return err != nil && (s.redact(err.Error()) != err.Error() || slices.ContainsFunc(within, s.areIn))
}

func (e *hiddenError) Error() string                { return e.text }
func (e *hiddenError) Is(target error) bool         { return errors.Is(e.err(), target) }
func (e *hiddenError) MarshalJSON() ([]byte, error) { return json.Marshal(e.text) }
func (e *hiddenError) Unwrap() error {
	if e.changed {
		return nil
	}
	return e.err()
}
