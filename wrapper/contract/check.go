package contract

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"example.com/composio/wrapper/internal/strictjson"
)

// checkRequest returns how a request departs from op. Whether it has the credentials is looked at if that is asked for.
func (op *operation) checkRequest(u *url.URL, h http.Header, data []byte, credentials bool) (found []finding) {
	h = canonical(h)
	if found = twice(Request, h); credentials {
		found = append(found, op.lacking(u, h)...)
	}
	for _, p := range op.parameters {
		text, ok := op.text(credential{p.in, p.name}, u, h)
		found = append(found, p.check(Request, text, ok)...)
	}
	switch {
	case op.body == nil && len(data) > 0:
		found = append(found, newFinding(Request, body, "invalid"))
	case op.body != nil && len(data) > 0:
		found = append(found, op.body.content.check(Request, h, data)...)
	case op.body != nil && op.body.required:
		found = append(found, newFinding(Request, body, "required"))
	}
	return tidy(found)
}

// lacking returns the credentials that a request lacks: if the document has several ways to send some, those of
// the first way.
func (op *operation) lacking(u *url.URL, h http.Header) (found []finding) {
	for _, way := range slices.Backward(op.security) {
		found = nil
		for _, c := range way {
			if text, _ := op.text(c, u, h); text == "" {
				found = append(found, newFinding(Request, c.name, "security"))
			}
		}
		if found == nil {
			break
		}
	}
	return found
}

// text returns what a request has in a place, and whether it has anything there.
func (op *operation) text(at credential, u *url.URL, h http.Header) (text string, ok bool) {
	switch at.in {
	case "path":
		return op.id, true
	case "query":
		return u.Query().Get(at.name), u.Query().Has(at.name)
	case "cookie":
		cookie, err := (&http.Request{Header: h}).Cookie(at.name)
		if err != nil {
			return "", false
		}
		return cookie.Value, true
	}
	return h.Get(at.name), h.Values(at.name) != nil
}

// check returns how an answer departs from what the document has about its status; a is nil if it has nothing.
func (a *answer) check(h http.Header, data []byte) (found []finding) {
	h = canonical(h)
	if found = twice(Response, h); a == nil {
		return found
	}
	for _, header := range a.headers {
		found = append(found, header.check(Response, h.Get(header.name), h.Values(header.name) != nil)...)
	}
	if len(a.content) > 0 {
		found = append(found, a.content.check(Response, h, data)...)
	}
	return tidy(found)
}

// twice finds a second Content-Type, which says that nobody knows what the body is.
func twice(d Direction, h http.Header) []finding {
	if len(h["Content-Type"]) > 1 {
		return []finding{newFinding(d, "Content-Type", "duplicate")}
	}
	return nil
}

// canonical returns headers by their canonical names. A map may hold others, which net/http sends as they are.
func canonical(h http.Header) http.Header {
	c := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		key := http.CanonicalHeaderKey(name)
		c[key] = append(c[key], h[name]...)
	}
	return c
}

// ignored are the headers that OpenAPI describes elsewhere: a parameter of that name is to be ignored (Parameter Object).
var ignored = []string{"Accept", "Authorization", "Content-Type"}

// check checks the text of a parameter: as a text, or else as the number or truth value that it is in JSON.
func (p parameter) check(d Direction, text string, ok bool) []finding {
	if (p.in == "header" || p.in == "") && slices.Contains(ignored, http.CanonicalHeaderKey(p.name)) {
		return nil
	}
	where := p.name
	if p.in == "path" {
		where = "path"
	}
	if !ok && p.required {
		return []finding{newFinding(d, where, "required")}
	}
	if !ok || p.schema == nil {
		return nil
	}
	found := findings(d, where, p.schema.Validate(text))
	if found == nil || found[0].Rule != "type" {
		return found
	}
	if strings.Contains(found[0].Want, "array") || strings.Contains(found[0].Want, "object") {
		return nil // how a list is written is not looked at
	}
	switch value, _, _ := strictjson.Parse([]byte(text)); value.(type) {
	case float64, bool:
		return findings(d, where, p.schema.Validate(value))
	}
	return found
}

// check checks the media type of a body and, if that is JSON, what the body has.
func (c content) check(d Direction, h http.Header, data []byte) (found []finding) {
	mediaType := essence(h.Get("Content-Type"))
	general, _, _ := strings.Cut(mediaType, "/")
	for _, key := range []string{mediaType, general + "/*", "*/*"} {
		schema, ok := c[key]
		if !ok {
			continue
		}
		if mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
			return found
		}
		value, problems, whole := strictjson.Parse(data)
		for _, p := range problems {
			found = append(found, newFinding(d, pointer(p.At...), p.Rule))
		}
		if whole && schema != nil {
			found = append(found, findings(d, body, schema.Validate(value))...)
		}
		return found
	}
	want := strings.Join(slices.Sorted(maps.Keys(c)), " or ")
	return append(found, finding{Violation: Violation{d, "Content-Type", "content-type"}, Want: want})
}

// essence returns a media type without its parameters.
func essence(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}
