package sandbox

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"example.com/composio/gen"
)

// fields returns the names of what an account has: its alias, if it has one, and its credentials.
func (a Account) fields() []string {
	names := make([]string, 0, len(a.Credentials)+1)
	if a.Alias != "" {
		names = append(names, "alias")
	}
	names = slices.AppendSeq(names, maps.Keys(a.Credentials))
	slices.Sort(names)
	return names
}

// changes returns what a body asks for: the fields that it sets, and those that it clears. What the document lacks, and
// what is of another type, is in neither: the contract tells of it.
func changes(body []byte) (set, cleared []string) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil, nil
	}
	note := func(name string, isSet, isCleared bool) {
		if isSet {
			set = append(set, name)
		} else if isCleared {
			cleared = append(cleared, name)
		}
	}
	if alias, ok := member(v, "alias").(string); ok {
		note("alias", alias != "", true)
	}
	val := member(v, "connection", "state", "val")
	for name := range new(gen.CredentialPatch).Nullables() {
		value, named := object(val)[name]
		_, ok := value.(string)
		note(name, ok, named && value == nil)
	}
	sharing := member(v, "experimental", "acl_config_for_shared")
	_, ok := member(sharing, "allow_all_users").(bool)
	note("allow_all_users", ok, false)
	for _, name := range []string{"allowed_user_ids", "not_allowed_user_ids"} {
		list, ok := member(sharing, name).([]any)
		note(name, len(list) > 0, ok)
	}
	return set, cleared
}

// object returns the members of v, by their exact names; none if it is no object.
func object(v any) map[string]any {
	members, _ := v.(map[string]any)
	return members
}

func member(v any, path ...string) any {
	for _, name := range path {
		v = object(v)[name]
	}
	return v
}

// log writes the line of a request.
func (q record) log(l *slog.Logger) {
	attrs := []slog.Attr{slog.String("method", q.Method)}
	if q.account == "" {
		attrs = append(attrs, slog.String("path", q.Path))
	} else {
		attrs = append(attrs, slog.String("id", q.account))
	}
	attrs = append(attrs, slog.Int("status", q.Status), slog.Bool("applied", q.Applied))
	set, cleared := changes(q.Body)
	var violations []string
	for _, v := range q.Violations {
		violations = append(violations, string(v.Direction)+" "+v.Location+": "+v.Rule)
	}
	for _, part := range []struct{ name, value string }{
		{"set", strings.Join(set, ",")}, {"cleared", strings.Join(cleared, ",")},
		{"fault", q.Fault}, {"violations", strings.Join(violations, "; ")},
	} {
		if part.value != "" {
			attrs = append(attrs, slog.String(part.name, part.value))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
