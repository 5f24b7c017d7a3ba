package contract

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

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
// accident small, a name is shown only if it is at most 40 letters, digits, and the characters _ - . $, does not
// begin with ak_, and, where the document allows no other names, has no digit or at most 8 characters; any other name
// stands as "*".
type Violation struct {
	// Direction is the half of the exchange.
	Direction Direction `json:"direction"`

	// Location is a JSON pointer into the body, such as /connection/state/val/token; or the name of a header or a query
	// parameter; or "path", "method", "body" (the body as a whole) or "status".
	Location string `json:"location"`

	// Rule is the keyword of the document that does not hold: type, enum, required, additionalProperties, minLength,
	// maxLength, maxItems, security and so on. Beyond keywords it is: nullable, a null that may not be; operation, a request
	// that was meant for the operation and departs from its method or path; content-type, a media type that the document
	// lacks; content-encoding, an answer in a coding that hides its body; json, a body that is not one JSON value; utf-8;
	// surrogate, an escape that is half of a character; duplicate, a name that an object has twice, or a second
	// Content-Type; size, a body that is too large to be checked; read, a request's body that broke off; undocumented, a
	// status that the document lacks; invalid, a body where the document has none, or anything else.
	Rule string `json:"rule"`
}

// Error returns the violation in one line.
func (v Violation) Error() string {
	return "composio: " + string(v.Direction) + " breaks the contract at " + v.Location + ": " + v.Rule
}

// Retryable returns false: the same request would break the contract again. The client asks an error for it.
func (v Violation) Retryable() bool { return false }

// finding is a violation, what the document wants in its place ("" if that is not one value or a few), and the status of
// the answer that it is about, 0 for a request.
type finding struct {
	Status int `json:"status,omitzero"`
	Violation
	Want string `json:"want,omitzero"`
}

func newFinding(d Direction, location, rule string) finding {
	return finding{Violation: Violation{d, location, rule}}
}

// line returns the place and the rule, such as "response 409 at /error/errors/0: type, want string".
func (f finding) line() string {
	text := string(f.Direction)
	if f.Status != 0 {
		text += " " + strconv.Itoa(f.Status)
	}
	text += " at " + f.Location + ": " + f.Rule
	if f.Want != "" {
		text += ", want " + f.Want
	}
	return text
}

// findings turns what the validator of a schema returned into findings. where is the location if that is no body. The
// validator's texts are never used: they quote the traffic.
func findings(d Direction, where string, err error) (all []finding) {
	e, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return nil
	}
	add := func(rule string, name ...string) {
		location := where
		if where == body {
			location = pointer(append(e.InstanceLocation, name...)...)
		}
		all = append(all, finding{Violation: Violation{d, location, rule}, Want: wanted(e.ErrorKind)})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			all = append(all, findings(d, where, cause)...)
		}
	case *kind.Required:
		for _, name := range k.Missing {
			add("required", name)
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			if len(name) > 8 && strings.ContainsAny(name, "0123456789") {
				name = "*" // a key or a token, which a client sent as a name
			}
			add("additionalProperties", name)
		}
	case *kind.Type:
		add(map[bool]string{true: "nullable", false: "type"}[k.Got == "null"])
	case *kind.Not:
		add("not")
	case *kind.FalseSchema:
		rule := e.SchemaURL[strings.LastIndexByte(e.SchemaURL, '/')+1:]
		if !strings.HasPrefix(rule, "unevaluated") {
			rule = "boolean"
		}
		add(rule)
	default:
		add(append(k.KeywordPath(), "invalid")[0])
	}
	return all
}

// bounds are the rules whose limit the validator has as a fraction.
var bounds = []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

// mostWanted is how many values of an enum are told.
const mostWanted = 30

// wanted returns what the document wants in the place of what broke a rule, if that is one value or a list: "null or
// string". It is the document's and not the traffic's.
func wanted(rule jsonschema.ErrorKind) string {
	var want struct{ Want any }
	data, _ := json.Marshal(rule) // nothing is said of one that cannot be written
	_ = json.Unmarshal(data, &want)
	list, ok := want.Want.([]any)
	if !ok && want.Want != nil {
		list = []any{want.Want}
	}
	var texts []string
	for _, value := range list {
		text := fmt.Sprint(value)
		switch value := value.(type) {
		case nil:
			text = "null"
		case []any, map[string]any:
			return ""
		case string:
			if slices.Contains(bounds, strings.Join(rule.KeywordPath(), "/")) {
				bound, _ := new(big.Rat).SetString(value)
				limit, _ := bound.Float64()
				text = fmt.Sprint(limit)
			} else if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
				text = strconv.Quote(value)
			}
		}
		if len(text) > 200 {
			return ""
		}
		texts = append(texts, text)
	}
	if more := len(texts) - mostWanted; more > 0 {
		texts = append(texts[:mostWanted], fmt.Sprintf("one of %d more", more))
	}
	return strings.Join(texts, " or ")
}

// body is the location of a body as a whole.
const body = "body"

// pointer joins names to a JSON pointer. shown lets nothing through that a pointer would have to escape.
func pointer(names ...string) string {
	at := ""
	for _, name := range names {
		at += "/" + shown(name)
	}
	return cmp.Or(at, body)
}

var nameLike = regexp.MustCompile(`^[A-Za-z0-9_.$-]{1,40}$`)

// shown returns name if it looks like a name rather than a secret; see [Violation].
func shown(name string) string {
	if !nameLike.MatchString(name) || strings.HasPrefix(name, "ak_") {
		return "*"
	}
	return name
}

// tidy sorts findings, drops repetitions (two schemas of an allOf can say the same) and keeps a hundred: each item of a
// long list can be a violation.
func tidy(all []finding) []finding {
	slices.SortFunc(all, compare)
	all = slices.Compact(all)
	return all[:min(len(all), 100)]
}

func compare(a, b finding) int {
	return cmp.Or(
		cmp.Compare(a.Direction, b.Direction),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Location, b.Location),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Want, b.Want),
	)
}

// refusal is the error for what breaks the contract, with every violation that was found.
type refusal struct {
	text  string
	found []error
}

// refused returns the error for an exchange.
func refused(all []finding) error {
	r := &refusal{text: all[0].Error()}
	for i, f := range all {
		if r.found = append(r.found, f.Violation); i > 0 {
			r.text += "; at " + f.Location + ": " + f.Rule
		}
	}
	return r
}

func (r *refusal) Error() string { return r.text }

// Retryable returns false, as a [Violation] does.
func (r *refusal) Retryable() bool { return false }

// Unwrap returns each [Violation].
func (r *refusal) Unwrap() []error { return r.found }
