package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"example.com/composio/gen"
)

// asked is what a body asks for, by the exact names of the document: encoding/json would read an unknown property Alias
// as the alias. What is of another type is left out, since the contract tells of it.
type asked struct {
	alias           *string
	scheme          *string
	credentials     map[string]*string // nil removes
	allowAllUsers   *bool
	allowed, denied *[]any
}

func ask(body []byte) (a asked) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // the document bounds no number that it does not know
	var v any
	if decoder.Decode(&v) != nil {
		return a
	}
	a.alias = as[string](member(v, "alias"))
	state := member(v, "connection", "state")
	a.scheme = as[string](member(state, "authScheme"))
	a.credentials = map[string]*string{}
	val, _ := member(state, "val").(map[string]any)
	for name := range new(gen.CredentialPatch).Nullables() {
		value, named := val[name]
		if text := as[string](value); text != nil || named && value == nil {
			a.credentials[name] = text
		}
	}
	sharing := member(v, "experimental", "acl_config_for_shared")
	a.allowAllUsers = as[bool](member(sharing, "allow_all_users"))
	a.allowed = as[[]any](member(sharing, "allowed_user_ids"))
	a.denied = as[[]any](member(sharing, "not_allowed_user_ids"))
	return a
}

// member returns what is at a path of names; nil if that is nothing.
func member(v any, path ...string) any {
	for _, name := range path {
		members, _ := v.(map[string]any)
		v = members[name]
	}
	return v
}

// as returns v if it is a T, and nil otherwise.
func as[T any](v any) *T {
	if t, ok := v.(T); ok {
		return &t
	}
	return nil
}

// changes returns the names of the fields that are set, and of those that are cleared.
func (a asked) changes() (set, cleared []string) {
	set, cleared = []string{}, []string{} // for JSON
	note := func(name string, isSet bool) {
		if isSet {
			set = append(set, name)
		} else {
			cleared = append(cleared, name)
		}
	}
	if a.alias != nil {
		note("alias", *a.alias != "")
	}
	for _, name := range slices.Sorted(maps.Keys(a.credentials)) {
		note(name, a.credentials[name] != nil)
	}
	if a.allowAllUsers != nil {
		note("allow_all_users", true)
	}
	if a.allowed != nil {
		note("allowed_user_ids", len(*a.allowed) > 0)
	}
	if a.denied != nil {
		note("not_allowed_user_ids", len(*a.denied) > 0)
	}
	return set, cleared
}

// log writes the line of a request.
func (q record) log(l *slog.Logger) {
	where := slog.String("id", q.account)
	if q.account == "" {
		where = slog.String("path", q.Path)
	}
	attrs := []slog.Attr{slog.String("method", q.Method), where, slog.Int("status", q.Status), slog.Bool("applied", q.Applied)}
	set, cleared := ask(q.Body).changes()
	var violations []string
	for _, v := range q.Violations {
		violations = append(violations, string(v.Direction)+" "+v.Location+": "+v.Rule)
	}
	for _, part := range [][2]string{
		{"set", strings.Join(set, ",")}, {"cleared", strings.Join(cleared, ",")}, {"fault", q.Fault}, {"violations", strings.Join(violations, "; ")},
	} {
		if part[1] != "" {
			attrs = append(attrs, slog.String(part[0], part[1]))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
