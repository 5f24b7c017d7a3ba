package contract

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// checkRequest returns how a request departs from op.
func (op operation) checkRequest(ctx context.Context, u *url.URL, h http.Header, data []byte) (found []Violation) {
	defer caught(Request, &found)
	if ref := op.route.Operation.RequestBody; ref != nil && len(data) > 0 {
		fatal, more := checkJSON(Request, ref.Value.Content, h, data)
		if fatal != nil {
			return fatal
		}
		found = more
	}
	err := openapi3filter.ValidateRequest(ctx, op.input(u, h, data))
	return tidy(append(found, violations(Request, body, err)...))
}

// checkSecurity returns the credentials that a request lacks: if the document has several ways to send some, those of
// the first way.
func (op operation) checkSecurity(u *url.URL, h http.Header) (found []Violation) {
	defer caught(Request, &found)
	spec := op.route.Spec
	ways := op.route.Operation.Security
	if ways == nil {
		ways = &spec.Security
	}
	for _, way := range *ways {
		var lacking []Violation
		for _, name := range slices.Sorted(maps.Keys(way)) {
			if where, ok := credential(spec, name, u, h); !ok {
				lacking = append(lacking, Violation{Request, where, "security"})
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

// credential finds where a request has the credential of a security scheme, and whether it does.
func credential(spec *openapi3.T, scheme string, u *url.URL, h http.Header) (where string, ok bool) {
	var s openapi3.SecurityScheme
	if spec.Components != nil && spec.Components.SecuritySchemes[scheme] != nil {
		s = *spec.Components.SecuritySchemes[scheme].Value
	}
	switch s.In {
	case "header":
		return s.Name, h.Get(s.Name) != ""
	case "query":
		return s.Name, u.Query().Get(s.Name) != ""
	case "cookie":
		cookie, err := (&http.Request{Header: h}).Cookie(s.Name)
		return s.Name, err == nil && cookie.Value != ""
	default: // http, oauth2 and openIdConnect
		return "Authorization", h.Get("Authorization") != ""
	}
}

// checkResponse returns how an answer departs from op. A status that the document lacks is the only finding then.
func (op operation) checkResponse(ctx context.Context, u *url.URL, status int, h http.Header, data []byte) (found []Violation) {
	defer caught(Response, &found)
	answer := op.answer(status)
	if answer == nil {
		return []Violation{undocumented}
	}
	// kin-openapi says which header it means in its text alone, so each is checked by itself.
	for name, ref := range answer.Headers {
		only := &openapi3.Response{Headers: openapi3.Headers{name: ref}}
		found = append(found, violations(Response, name, op.validateAnswer(ctx, u, only, status, h, nil))...)
	}
	if len(answer.Content) > 0 {
		fatal, more := checkJSON(Response, answer.Content, h, data)
		if fatal != nil {
			return tidy(append(found, fatal...))
		}
		found = append(found, more...)
		only := &openapi3.Response{Content: answer.Content}
		found = append(found, violations(Response, body, op.validateAnswer(ctx, u, only, status, h, data))...)
	}
	return tidy(found)
}

// undocumented is the violation that no answer is withheld for.
var undocumented = Violation{Response, "status", "undocumented"}

// unusable is the violation of every request where there is no document to check it against.
var unusable = Violation{Request, "document", "load"}

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
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc,

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

// caught makes a panic of the validator a violation: a defect of the check must not look like one of the service.
func caught(d Direction, found *[]Violation) {
	if recover() != nil {
		*found = []Violation{{d, body, "panic"}}
	}
}
