package composio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/composio/gen"
)

const (
	minSecret = 4       // bytes of a secret; what is shorter stands in ordinary words
	minPart   = 16      // letters and digits by which a part of a secret is known
	maxPart   = 1 << 10 // bytes of a part that is searched for together with the others; few are longer
)

// secrets are the values that no text may show: the API keys of a call and the credentials that it sends.
type secrets struct {
	known   []secret // the longest first, since one may contain another
	letters []byte   // of all in known, one after the other
	buffers struct { // where known and letters begin; they save allocations
		known   [3]secret
		letters [48]byte
	}
}

type secret struct {
	value     string
	unescaped string   // value without escapes; "" until it is needed
	letters   []byte   // the letters and digits of unescaped
	isLong    bool     // it is known by its letters
	parts     [][]byte // the letters and digits of each part, sorted; none begins with another
}

// begin makes s begin with the secrets of others, which are prepared.
func (s *secrets) begin(others *secrets) {
	s.known, s.letters = append(s.buffers.known[:0], others.known...), s.buffers.letters[:0]
}

// add adds value, and what is left of it without the blanks around it and "Bearer" before it.
func (s *secrets) add(value string) {
	if s.has(value) {
		return
	}
	trimmed := strings.TrimFunc(value, isBlank)
	if end := strings.IndexFunc(trimmed, isBlank); end > 0 && strings.EqualFold(trimmed[:end], "Bearer") {
		trimmed = strings.TrimFunc(trimmed[end:], isBlank)
	}
	for _, v := range [...]string{value, trimmed} {
		if len(v) >= minSecret && !s.has(v) {
			s.known = append(s.known, secret{value: v})
			// A general sort of these structs would make a small binary 0.4 % larger.
			for i := len(s.known) - 1; i > 0 && len(s.known[i-1].value) < len(v); i-- {
				s.known[i-1], s.known[i] = s.known[i], s.known[i-1]
			}
		}
	}
}

func (s *secrets) has(value string) bool {
	return slices.ContainsFunc(s.known, func(k secret) bool { return k.value == value })
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

// isBlank reports whether r is white space or a byte order mark.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// prepare finds by what k is known, when that is first needed.
func (s *secrets) prepare(k *secret) *secret {
	if k.unescaped != "" {
		return k
	}
	k.unescaped = unescape(k.value)
	start := len(s.letters)
	s.letters = appendLetters(s.letters, k.unescaped)
	k.letters = s.letters[start:]
	written := k.letters
	if k.unescaped != k.value {
		written = appendLetters(nil, k.value) // which may be more, since its escapes have letters too
	}
	k.isLong = max(utf8.RuneCount(written), utf8.RuneCount(k.letters)) >= minLetters && len(k.letters) >= minLetters/2
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
		project := value["project_id"]
		delete(value, "project_id")
		for _, member := range value {
			parts = append(parts, partsOf(member)...)
		}
		return slices.DeleteFunc(parts, func(part string) bool { return part == project }) // it may have other names too
	case []any:
		for _, member := range value {
			parts = append(parts, partsOf(member)...)
		}
	case string:
		var document any
		_ = json.Unmarshal([]byte(strings.TrimPrefix(value, "\ufeff")), &document)
		switch document.(type) {
		case map[string]any, []any, string: // and no number, which a string of digits is
			return partsOf(document)
		}
		lines := strings.NewReplacer("\r", "\n", "-----", "\n").Replace(unescape(value))
		for _, line := range append(strings.Split(lines, "\n"), unescape(value)) { // short lines may make a long value
			if line = strings.Trim(line, "- \t"); !isNoSecret(line) {
				parts = append(parts, line)
			}
		}
	}
	return parts
}

// isNoSecret reports whether line is a URL, an e-mail address or the first or last line of a key.
func isNoSecret(line string) bool {
	link, err := url.Parse(line)
	user, host, _ := strings.Cut(line, "@")
	inHost := func(r rune) bool { return isLetter(r) || r == '.' || r == '-' }
	return err == nil && link.Scheme != "" && link.Host != "" && link.User == nil ||
		user != "" && strings.Contains(host, ".") && !strings.ContainsAny(line, " :/\n") && strings.TrimFunc(host, inHost) == "" ||
		strings.HasPrefix(line, "BEGIN ") || strings.HasPrefix(line, "END ")
}
