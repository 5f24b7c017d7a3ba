package composio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/composio/gen"
)

const (
	redacted   = "[redacted]"
	minSecret  = 4  // bytes of a secret; what is shorter stands in ordinary words
	minCut     = 4  // letters and digits of a secret's beginning that a cut text may not end with
	minLetters = 12 // letters and digits by which a secret is known in any guise
	minPart    = 16 // letters and digits by which a part of a secret is known
	maxHalf    = 24 // bytes of an escape that a cut text may end with a half of
)

// secrets are the values that no text may show: the API keys of a call and the credentials that it sends.
type secrets struct {
	known   []secret // the longest first, since one may contain another
	letters []byte   // of all in known, one after the other
	room    struct { // backing arrays; they save allocations
		known   [3]secret
		letters [64]byte
	}
}

type secret struct {
	value   string
	plain   string                  // value without escapes; "" until it is needed
	letters []byte                  // the letters and digits of plain
	parts   map[string]bool         // the letters and digits of each part
	lengths map[[minPart]byte][]int // the lengths of the parts that begin with these
}

// add adds value, and what is left of it without blanks, a byte order mark or "Bearer " around it.
func (s *secrets) add(value string) {
	if s.known == nil {
		s.known, s.letters = s.room.known[:0], s.room.letters[:0]
	}
	bare := strings.Trim(value, " \t\r\n\ufeff")
	if scheme, token, _ := strings.Cut(bare, " "); strings.EqualFold(scheme, "Bearer") {
		bare = strings.TrimSpace(token)
	}
	for _, v := range [...]string{value, bare} {
		if len(v) >= minSecret && !slices.ContainsFunc(s.known, func(k secret) bool { return k.value == v }) {
			s.known = append(s.known, secret{value: v})
		}
	}
	slices.SortFunc(s.known, func(a, b secret) int { return len(b.value) - len(a.value) })
}

// addBasic adds p's user name and password as HTTP's Basic scheme has them: in base64.
func (s *secrets) addBasic(p *gen.CredentialPatch) {
	if username, ok := p.Username.Get(); ok {
		password, _ := p.Password.Get()
		encoded := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
		s.add(encoded)
		s.add(strings.TrimRight(encoded, "="))
	}
}

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
	for end := max(len(whole), len(plain)-maxHalf); end <= len(plain); end++ {
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

// prepare finds by what k is known, when that is first needed.
func (s *secrets) prepare(k *secret) *secret {
	if k.plain != "" {
		return k
	}
	k.plain = unescape(k.value)
	start := len(s.letters)
	s.letters = appendLetters(slices.Grow(s.letters, len(k.plain)), k.plain)
	k.letters = s.letters[start:]
	if !strings.ContainsAny(k.value, "\n\r\\\"[ ") { // the usual token
		return k
	}
	k.parts, k.lengths = map[string]bool{}, map[[minPart]byte][]int{}
	for _, part := range partsOf(k.value) {
		letters := appendLetters(nil, part)
		if utf8.RuneCount(letters) < minPart || k.parts[string(letters)] {
			continue
		}
		k.parts[string(letters)] = true
		if lengths := k.lengths[[minPart]byte(letters)]; !slices.Contains(lengths, len(letters)) {
			k.lengths[[minPart]byte(letters)] = append(lengths, len(letters))
		}
	}
	return k
}

// partsOf returns the strings in a JSON document, and the lines of any other value, without those that messages may name.
func partsOf(value any) (parts []string) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "project_id")
		for _, member := range value {
			parts = append(parts, partsOf(member)...)
		}
	case []any:
		for _, member := range value {
			parts = append(parts, partsOf(member)...)
		}
	case string:
		var document any
		if json.Unmarshal([]byte(strings.TrimPrefix(value, "\ufeff")), &document) == nil {
			return partsOf(document)
		}
		lines := strings.NewReplacer("\r", "\n", "-----", "\n").Replace(unescape(value))
		for line := range strings.SplitSeq(lines, "\n") {
			if line = strings.Trim(line, "- \t"); !isNamed(line) {
				parts = append(parts, line)
			}
		}
	}
	return parts
}

// isNamed reports whether line is a URL, an e-mail address or the first or last line of a key.
func isNamed(line string) bool {
	link, err := url.Parse(line)
	user, host, _ := strings.Cut(line, "@")
	return err == nil && link.Scheme != "" && link.Host != "" && link.User == nil ||
		user != "" && strings.Contains(host, ".") && !strings.ContainsAny(line, " :/") ||
		strings.HasPrefix(line, "BEGIN ") || strings.HasPrefix(line, "END ")
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
		starts := strings.HasPrefix(text[i:], keyPrefix) && (i == 0 || !isWord(text[i-1]) || endsInEscape(text[:i]))
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

// endsInEscape reports whether text ends with \n, \u0022, %22 or their like.
func endsInEscape(text string) bool {
	n := len(text)
	return n >= 2 && text[n-2] == '\\' || n >= 3 && text[n-3] == '%' || n >= 6 && text[n-6:n-4] == `\u`
}

func isWord(c byte) bool { return c < utf8.RuneSelf && isLetter(rune(c)) || c == '_' }

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
