package composio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/composio/gen"
)

const (
	minSecret = 4  // bytes of a secret; what is shorter stands in ordinary words
	minPart   = 16 // letters and digits by which a part of a secret is known
)

// secrets are the values that no text may show: the API keys of a call and the credentials that it sends.
type secrets struct {
	known   []secret // the longest first, since one may contain another
	letters []byte   // of all in known, one after the other
	room    struct { // backing arrays; they save allocations
		known   [3]secret
		letters [48]byte
	}
}

type secret struct {
	value   string
	plain   string   // value without escapes; "" until it is needed
	letters []byte   // the letters and digits of plain
	parts   [][]byte // the letters and digits of each part, sorted; none begins with another
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
		for i := len(s.known) - 1; i > 0 && len(s.known[i].value) > len(s.known[i-1].value); i-- {
			s.known[i], s.known[i-1] = s.known[i-1], s.known[i]
		}
	}
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

// prepare finds by what k is known, when that is first needed.
func (s *secrets) prepare(k *secret) *secret {
	if k.plain != "" {
		return k
	}
	k.plain = unescape(k.value)
	start := len(s.letters)
	s.letters = appendLetters(s.letters, k.plain)
	k.letters = s.letters[start:]
	if !strings.ContainsAny(k.value, "\n\r\\\"[ ") { // the usual token
		return k
	}
	var parts [][]byte
	for _, part := range partsOf(k.value) {
		if letters := appendLetters(nil, part); utf8.RuneCount(letters) >= minPart {
			parts = append(parts, letters)
		}
	}
	slices.SortFunc(parts, bytes.Compare)
	for _, part := range parts {
		if n := len(k.parts); n == 0 || !bytes.HasPrefix(part, k.parts[n-1]) {
			k.parts = append(k.parts, part)
		}
	}
	return k
}

// partsOf returns the strings in a JSON document, and the lines of any other value, without those that messages may name.
func partsOf(value any) (parts []string) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "project_id")
		return partsOf(slices.Collect(maps.Values(value)))
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
