package contract

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// checkJSON checks what kin-openapi lets pass because encoding/json does: a second value after the first, bytes that
// are not UTF-8 (replaced in silence), and a name that an object has twice (the last one wins). After fatal findings
// there is nothing to compare with a schema. A media type that is not documented, or not JSON, is not judged here.
func checkJSON(d Direction, content openapi3.Content, h http.Header, data []byte) (fatal, more []Violation) {
	contentType := h.Get("Content-Type")
	if content.Get(contentType) == nil || !isJSON(contentType) {
		return nil, nil
	}
	if !utf8.Valid(data) {
		return []Violation{{d, body, "utf-8"}}, nil
	}
	if !json.Valid(data) {
		return []Violation{{d, body, "json"}}, nil
	}
	return nil, duplicates(d, data)
}

// isJSON reads a media type as kin-openapi does, which looks at no parameter, not even a malformed one.
func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	mediaType = strings.TrimSpace(mediaType)
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// level is one object or array that the walk of duplicates is inside of.
type level struct {
	names map[string]bool // nil in an array
	name  string          // in an object, the name whose value comes next; "" before a name
	named bool
	index int
}

func (l *level) step() string {
	if l.names == nil {
		return strconv.Itoa(l.index)
	}
	return l.name
}

// done notes that a value of the level has ended.
func (l *level) done() {
	l.named = false
	l.index++
}

// duplicates finds the names that valid JSON has twice in one object. It walks without recursion.
func duplicates(d Direction, data []byte) []Violation {
	var found []Violation
	var open []*level
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil { // the end: the caller knows that data is valid
			return found
		}
		var top *level
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch delim, isDelim := token.(json.Delim); {
		case isDelim && delim == '{':
			open = append(open, &level{names: map[string]bool{}})
			continue
		case isDelim && delim == '[':
			open = append(open, &level{})
			continue
		case isDelim:
			open = open[:len(open)-1]
			if len(open) > 0 {
				open[len(open)-1].done()
			}
			continue
		}
		if name, ok := token.(string); ok && top != nil && top.names != nil && !top.named {
			top.name, top.named = name, true
			if top.names[name] {
				found = append(found, Violation{d, at(open), "duplicate"})
			}
			top.names[name] = true
		} else if top != nil {
			top.done()
		}
	}
}

func at(open []*level) string {
	steps := make([]string, len(open))
	for i, l := range open {
		steps[i] = l.step()
	}
	return pointer(steps...)
}
