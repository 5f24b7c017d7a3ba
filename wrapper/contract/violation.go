package contract

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
	// parameter; or "path", "method", "body" (the body as a whole) or "status".
	Location string `json:"location"`

	// Rule is the keyword of the document that does not hold: type, nullable, enum, required, additionalProperties,
	// minLength, maxLength, maxItems, security and so on. Beyond keywords it is: operation, a request that was meant for
	// the operation and departs from its method or path; content-type, a media type that the document lacks;
	// content-encoding, an answer in a coding that hides its body; json, a body that is not one JSON value; utf-8;
	// surrogate, an escape that is half of a character; duplicate, a name that an object has twice, or a second
	// Content-Type; size, a body that is too large to be checked; read, a request's body that broke off; undocumented, a
	// status that the document lacks; panic, a failure of the validator; invalid, anything else it reports.
	Rule string `json:"rule"`
}

// Error returns the violation in one line.
func (v Violation) Error() string {
	return "composio: " + string(v.Direction) + " breaks the contract at " + v.Location + ": " + v.Rule
}

// Retryable returns false: the same request would break the contract again. The client asks an error for it.
func (v Violation) Retryable() bool { return false }

// finding is a violation, and what the document wants in its place; "" if that is not one value or a few.
type finding struct {
	Violation
	want string
}

// place is a finding and the status of the answer that it is about; 0 for a request.
type place struct {
	finding
	status int
}

// text returns the place and the rule, such as "response 409 at /error/errors/0: type, want string".
func (p place) text() string {
	text := string(p.Direction)
	if p.status != 0 {
		text += " " + strconv.Itoa(p.status)
	}
	text += " at " + p.Location + ": " + p.Rule
	if p.want != "" {
		text += ", want " + p.want
	}
	return text
}

// maxViolations bounds what one wrong body makes us write: each item of a long list can be a violation.
const maxViolations = 100

// findings turns what kin-openapi returned into findings. where is the location of an error that names none.
// kin-openapi's texts are never used: they quote the traffic.
func findings(d Direction, where string, err error) []finding {
	// One layer at a time: errors.As would look through the layer that says where it was.
	switch e := any(err).(type) {
	case nil:
		return nil
	case openapi3.MultiError:
		var all []finding
		for _, one := range e {
			all = append(all, findings(d, where, one)...)
		}
		return all
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			where = parameterLocation(e.Parameter)
		}
		return findings(d, where, e.Err)
	case *openapi3filter.ResponseError:
		if e.Err == nil { // a header that is not there
			return []finding{{Violation: Violation{d, where, "required"}}}
		}
		return findings(d, where, e.Err)
	case *openapi3.SchemaError:
		if e.Schema == nil {
			return modernFindings(d, where, e)
		}
		return schemaFindings(d, where, e)
	}
	rule := "invalid"
	if errors.Is(err, openapi3filter.ErrInvalidRequired) || errors.Is(err, openapi3filter.ErrInvalidEmptyValue) {
		rule = "required"
	}
	return []finding{{Violation: Violation{d, where, rule}}}
}

// schemaFindings reads an error of kin-openapi's own validator.
func schemaFindings(d Direction, where string, e *openapi3.SchemaError) (all []finding) {
	if parts, ok := errors.AsType[openapi3.MultiError](e.Origin); ok && e.SchemaField == "allOf" {
		return findings(d, where, parts)
	}
	want := wanted(e.Schema, e.SchemaField)
	if e.SchemaField == "nullable" {
		want = wanted(e.Schema, "type")
	}
	if where != body {
		return []finding{{Violation{d, where, e.SchemaField}, want}}
	}
	at := e.JSONPointer()
	if e.SchemaField != "properties" {
		return []finding{{Violation{d, pointer(at...), e.SchemaField}, want}}
	}
	// kin-openapi reports an unknown property at its object and leaves its name to the text.
	object, _ := e.Value.(map[string]any)
	for name := range object {
		if e.Schema.Properties[name] == nil {
			all = append(all, finding{Violation: Violation{d, pointer(append(at, name)...), "additionalProperties"}})
		}
	}
	return all
}

// modernFindings reads an error of the validator that kin-openapi takes for OpenAPI 3.1, and words it as the other one's.
func modernFindings(d Direction, where string, e *openapi3.SchemaError) (all []finding) {
	alternatives := slices.Contains([]string{"anyOf", "oneOf", "propertyNames"}, e.SchemaField)
	if parts, ok := errors.AsType[openapi3.MultiError](e.Origin); ok && !alternatives {
		return findings(d, where, parts)
	}
	add := func(rule string, of any, name ...string) {
		location := where
		if where == body {
			location = pointer(append(e.JSONPointer(), name...)...)
		}
		all = append(all, finding{Violation{d, location, rule}, wanted(of, "Want")})
	}
	cause, ok := errors.AsType[*jsonschema.ValidationError](e)
	if !ok || alternatives {
		add(e.SchemaField, nil)
		return all
	}
	switch k := cause.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			add("required", nil, name)
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add("additionalProperties", nil, name)
		}
	case *kind.Type:
		add(map[bool]string{true: "nullable", false: "type"}[k.Got == "null"], k)
	case *kind.FalseSchema:
		rule := cause.SchemaURL[strings.LastIndexByte(cause.SchemaURL, '/')+1:]
		if !strings.HasPrefix(rule, "unevaluated") {
			rule = "boolean" // as the other validator calls it
		}
		add(rule, nil)
	default:
		add(append(k.KeywordPath(), "invalid")[0], k)
	}
	return all
}

// wanted returns what a schema, or an error about one, has under a name, if that is one value or a list: "string or
// null". It is the document's and not the traffic's. A list of names says less than the location does.
func wanted(of any, name string) string {
	data, err := json.Marshal(of)
	if err != nil {
		return ""
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil || name == "required" {
		return ""
	}
	list, ok := members[name].([]any)
	if !ok {
		list = []any{members[name]}
	}
	texts := make([]string, len(list))
	for i, value := range list {
		switch value.(type) {
		case string, float64:
			texts[i] = fmt.Sprint(value)
		case nil:
			if !ok {
				return ""
			}
			texts[i] = "null"
		default:
			return ""
		}
	}
	if name == "type" && members["nullable"] == true {
		texts = append(texts, "null")
	}
	if i := slices.Index(texts, "null"); i >= 0 {
		texts = append(slices.Delete(texts, i, i+1), "null")
	}
	return strings.Join(texts, " or ")
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

// tidy sorts findings, drops repetitions (kin-openapi reports each unknown property of an object, and we list all of
// them each time) and bounds their number.
func tidy(all []finding) []finding {
	slices.SortFunc(all, func(a, b finding) int { return compare(place{finding: a}, place{finding: b}) })
	all = slices.Compact(all)
	return all[:min(len(all), maxViolations)]
}

func compare(a, b place) int {
	return cmp.Or(
		strings.Compare(string(a.Direction), string(b.Direction)),
		cmp.Compare(a.status, b.status),
		strings.Compare(a.Location, b.Location),
		strings.Compare(a.Rule, b.Rule),
		strings.Compare(a.want, b.want),
	)
}

func violations(all []finding) refusal {
	var found refusal
	for _, f := range all {
		found = append(found, f.Violation)
	}
	return found
}

// refusal is the error for an exchange that breaks the contract, with every violation that was found.
type refusal []Violation

// Error returns all of them in one line.
func (r refusal) Error() string {
	var b strings.Builder
	b.WriteString(r[0].Error())
	for _, v := range r[1:] {
		fmt.Fprintf(&b, "; at %s: %s", v.Location, v.Rule)
	}
	return b.String()
}

// Retryable returns false, as a [Violation] does.
func (r refusal) Retryable() bool { return false }

// Unwrap returns each [Violation].
func (r refusal) Unwrap() []error {
	all := make([]error, len(r))
	for i, v := range r {
		all[i] = v
	}
	return all
}
