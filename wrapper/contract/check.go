package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

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

// input makes what kin-openapi validates. The request is a copy, since validation replaces the body.
func (op operation) input(u *url.URL, h http.Header, data []byte) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request:    &http.Request{Method: op.route.Method, URL: u, Header: h, Body: io.NopCloser(bytes.NewReader(data))},
		PathParams: op.params,
		Route:      op.route,
		Options: &openapi3filter.Options{
			MultiError:          true,
			SkipSettingDefaults: true, // checking changes nothing
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc,
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
