package contract

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// checkRequest returns how a request departs from op.
func (op operation) checkRequest(ctx context.Context, u *url.URL, h http.Header, data []byte) (found []finding) {
	defer caught(Request, &found)
	h = canonical(h)
	if ref := op.route.Operation.RequestBody; ref != nil && len(data) > 0 {
		var whole bool
		if data, found, whole = checkBody(Request, ref.Value.Content, h, data); !whole {
			return found
		}
	}
	err := openapi3filter.ValidateRequest(ctx, op.input(u, h, data))
	return tidy(append(found, findings(Request, body, err)...))
}

// checkSecurity returns the credentials that a request lacks: if the document has several ways to send some, those of
// the first way.
func (op operation) checkSecurity(u *url.URL, h http.Header) (found []finding) {
	h = canonical(h)
	for _, way := range op.security {
		var lacking []finding
		for _, c := range way {
			if !c.sent(u, h) {
				lacking = append(lacking, finding{Violation: Violation{Request, c.name, "security"}})
			}
		}
		if lacking == nil {
			return nil
		}
		if found == nil {
			found = lacking
		}
	}
	return found
}

func (c credential) sent(u *url.URL, h http.Header) bool {
	switch c.in {
	case "query":
		return u.Query().Get(c.name) != ""
	case "cookie":
		cookie, err := (&http.Request{Header: h}).Cookie(c.name)
		return err == nil && cookie.Value != ""
	}
	return h.Get(c.name) != ""
}

// checkResponse returns how an answer departs from op. A status that the document lacks is the only finding then.
func (op operation) checkResponse(ctx context.Context, u *url.URL, status int, h http.Header, data []byte) (found []finding) {
	defer caught(Response, &found)
	h = canonical(h)
	_, answer := op.answer(status)
	if answer == nil {
		return []finding{undocumented}
	}
	// kin-openapi says which header it means in its text alone, so each is checked by itself.
	for _, name := range slices.Sorted(maps.Keys(answer.Headers)) {
		only := &openapi3.Response{Headers: openapi3.Headers{name: answer.Headers[name]}}
		found = append(found, findings(Response, name, op.validateAnswer(ctx, u, only, status, h, nil))...)
	}
	if len(answer.Content) > 0 {
		data, more, whole := checkBody(Response, answer.Content, h, data)
		found = append(found, more...)
		if whole {
			only := &openapi3.Response{Content: answer.Content}
			found = append(found, findings(Response, body, op.validateAnswer(ctx, u, only, status, h, data))...)
		}
	}
	return tidy(found)
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

// answer returns what the document says about a status, and the key that it does so under; nil if it lacks it.
func (op operation) answer(status int) (key string, answer *openapi3.Response) {
	responses := op.route.Operation.Responses
	code := strconv.Itoa(status)
	for _, key := range []string{code, code[:1] + "XX", "default"} {
		if ref := responses.Value(key); ref != nil {
			return key, ref.Value
		}
	}
	return "", nil
}

// undocumented is the finding that no answer is withheld for.
var undocumented = finding{Violation: Violation{Response, "status", "undocumented"}}

// input makes what kin-openapi validates. The request is a copy, since validation replaces the body.
func (op operation) input(u *url.URL, h http.Header, data []byte) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request: &http.Request{
			Method: op.route.Method, URL: u, Header: h,
			Body: io.NopCloser(bytes.NewReader(data)), ContentLength: int64(len(data)),
		},
		PathParams: op.params,
		Route:      op.route,
		Options: &openapi3filter.Options{
			MultiError:          true,
			SkipSettingDefaults: true, // checking changes nothing

			RejectWhenRequestBodyNotSpecified: true,
		},
	}
}

// validateAnswer validates an answer as if the document had nothing but answer for its status.
func (op operation) validateAnswer(ctx context.Context, u *url.URL, answer *openapi3.Response, status int, h http.Header, data []byte) error {
	route, operation := *op.route, *op.route.Operation
	operation.Responses = openapi3.NewResponses(openapi3.WithStatus(status, &openapi3.ResponseRef{Value: answer}))
	route.Operation = &operation
	request := op.input(u, nil, nil)
	request.Route = &route
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request,
		Status:                 status,
		Header:                 h,
		Body:                   io.NopCloser(bytes.NewReader(data)),
		Options:                request.Options,
	})
}

// caught makes a panic of the validator a finding: a defect of the check must not look like one of the service.
func caught(d Direction, found *[]finding) {
	if recover() != nil {
		*found = []finding{{Violation: Violation{d, body, "panic"}}}
	}
}

// checkBody checks the media type of a body, and what kin-openapi lets pass because encoding/json does: see [scan]. It
// returns the body for kin-openapi, and whether there is one to compare with a schema.
func checkBody(d Direction, content openapi3.Content, h http.Header, data []byte) (checked []byte, found []finding, whole bool) {
	if len(h["Content-Type"]) > 1 {
		found = append(found, finding{Violation: Violation{d, "Content-Type", "duplicate"}})
	}
	contentType := h.Get("Content-Type")
	if content.Get(contentType) == nil {
		want := strings.Join(slices.Sorted(maps.Keys(content)), " or ")
		return nil, append(found, finding{Violation{d, "Content-Type", "content-type"}, want}), false
	}
	if !isJSON(contentType) {
		return data, found, true
	}
	checked, more := scan(d, data)
	return checked, append(found, more...), checked != nil
}
