package contract

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Direction says which half of an exchange a violation is in.
type Direction string

// The two halves of an exchange.
const (
	Request  Direction = "request"
	Response Direction = "response"
)

// Violation is one place where traffic departs from the document. It holds no value from the traffic, only where the
// value was and which rule it broke, so it is safe to log; the zero value is no violation.
//
// Location may hold one thing that the other side chose: the name of a property that the document does not know.
// It is the part that says what to fix, and it is a credential only if somebody sent one as a name. To keep such an
// accident small, a name is shown only if it is at most 40 letters, digits, and the characters _ - . $, and does not
// begin with ak_; any other name stands as "*".
type Violation struct {
	// Direction is the half of the exchange.
	Direction Direction `json:"direction"`

	// Location is a JSON pointer into the body, such as /connection/state/val/token; or the name of a header or a query
	// parameter; or "path", "body" (the body as a whole), "status", or "document" (the document cannot be read).
	Location string `json:"location"`

	// Rule is the keyword of the document that does not hold: type, nullable, enum, required, additionalProperties,
	// minLength, maxLength, maxItems, security and so on. Beyond keywords it is: content-type, a media type that the
	// document lacks; content-encoding, an answer in a coding that hides its body; json, a body that is not one JSON
	// value; utf-8; duplicate, a name that an object has twice; size, a body that is too large to be checked; read, a
	// request's body that broke off; undocumented, a status that the document lacks; load, a document that cannot be
	// used; panic, a failure of the validator; invalid, anything else it reports.
	Rule string `json:"rule"`
}

// Error returns the violation in one line.
func (v Violation) Error() string {
	return "composio: " + string(v.Direction) + " breaks the contract at " + v.Location + ": " + v.Rule
}

// maxViolations bounds what one wrong body makes us write: each item of a long list can be a violation.
const maxViolations = 100

// violations turns what kin-openapi returned into violations. where is the location of an error that names none.
// kin-openapi's texts are never used: they quote the traffic.
func violations(d Direction, where string, err error) []Violation {
	// One layer at a time: errors.As would look through the layer that says where it was.
	switch e := any(err).(type) {
	case nil:
		return nil
	case openapi3.MultiError:
		var all []Violation
		for _, one := range e {
			all = append(all, violations(d, where, one)...)
		}
		return all
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			return violations(d, parameterLocation(e.Parameter), e.Err)
		}
		return bodyViolations(d, where, e.Err)
	case *openapi3filter.ResponseError:
		return bodyViolations(d, where, e.Err)
	case *openapi3.SchemaError:
		return schemaViolations(d, where, e)
	}
	rule := "invalid"
	if errors.Is(err, openapi3filter.ErrInvalidRequired) || errors.Is(err, openapi3filter.ErrInvalidEmptyValue) {
		rule = "required"
	}
	return []Violation{{d, where, rule}}
}

// bodyViolations reads the cause of a refused body: without one it was the media type.
func bodyViolations(d Direction, where string, cause error) []Violation {
	switch {
	case cause != nil:
		return violations(d, where, cause)
	case where == body:
		return []Violation{{d, "Content-Type", "content-type"}}
	default: // a header that is not there
		return []Violation{{d, where, "required"}}
	}
}

func schemaViolations(d Direction, where string, e *openapi3.SchemaError) []Violation {
	if where != body {
		return []Violation{{d, where, e.SchemaField}}
	}
	at := e.JSONPointer()
	if e.SchemaField != "properties" {
		return []Violation{{d, pointer(at...), e.SchemaField}}
	}
	// kin-openapi reports an unknown property at its object and leaves its name to the text.
	object, _ := e.Value.(map[string]any)
	var all []Violation
	for name := range object {
		if e.Schema.Properties[name] == nil {
			all = append(all, Violation{d, pointer(append(at, name)...), "additionalProperties"})
		}
	}
	return all
}

func parameterLocation(p *openapi3.Parameter) string {
	if p.In == openapi3.ParameterInPath {
		return "path"
	}
	return p.Name
}

// body is the location of a body as a whole.
const body = "body"

// pointer joins names to a JSON pointer. shown lets nothing through that a pointer would have to escape.
func pointer(names ...string) string {
	if len(names) == 0 {
		return body
	}
	var b strings.Builder
	for _, name := range names {
		b.WriteByte('/')
		b.WriteString(shown(name))
	}
	return b.String()
}

// shown returns name if it looks like a name rather than a secret; see [Violation].
func shown(name string) string {
	if name == "" || len(name) > 40 || strings.HasPrefix(name, "ak_") {
		return "*"
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == '.', c == '$':
		default:
			return "*"
		}
	}
	return name
}

// tidy sorts violations, drops repetitions (kin-openapi reports each unknown property of an object, and we list all of
// them each time) and bounds their number.
func tidy(vs []Violation) []Violation {
	slices.SortFunc(vs, compare)
	vs = slices.Compact(vs)
	return vs[:min(len(vs), maxViolations)]
}

func compare(a, b Violation) int {
	return cmp.Or(
		strings.Compare(string(a.Direction), string(b.Direction)),
		strings.Compare(a.Location, b.Location),
		strings.Compare(a.Rule, b.Rule),
	)
}
