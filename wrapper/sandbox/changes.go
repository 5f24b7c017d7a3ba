package sandbox

import (
	"maps"
	"slices"

	"example.com/composio/gen"
	"example.com/composio/wrapper/internal/strictjson"
)

// asked is what a body asks for, by the exact names of the document: encoding/json would read an unknown property Alias
// as the alias. What is of another type is left out, since the contract tells of it.
type asked struct {
	scheme string         // empty if none is named
	fields map[string]any // by name, a string, bool or []any; nil removes a credential
}

func ask(body []byte) asked {
	v, _, _ := strictjson.Parse(body)
	state := member(v, "connection", "state")
	a := asked{fields: map[string]any{}}
	a.scheme, _ = member(state, "authScheme").(string)
	take[string](a, v, "alias")
	for name := range new(gen.CredentialPatch).Nullables() {
		val, _ := member(state, "val").(map[string]any)
		take[string](a, val, name)
		if value, named := val[name]; named && value == nil {
			a.fields[name] = nil
		}
	}
	sharing := member(v, "experimental", "acl_config_for_shared")
	take[bool](a, sharing, "allow_all_users")
	take[[]any](a, sharing, "allowed_user_ids")
	take[[]any](a, sharing, "not_allowed_user_ids")
	return a
}

// take keeps a member of an object if it is a T.
func take[T any](a asked, object any, name string) {
	if value, ok := member(object, name).(T); ok {
		a.fields[name] = value
	}
}

// member returns what is at a path of names; nil if that is nothing.
func member(v any, path ...string) any {
	for _, name := range path {
		members, _ := v.(map[string]any)
		v = members[name]
	}
	return v
}

// changes returns the names of the fields that are set, and of those that are cleared.
func (a asked) changes() (set, cleared []string) {
	set, cleared = []string{}, []string{} // for JSON
	for _, name := range slices.Sorted(maps.Keys(a.fields)) {
		value := a.fields[name]
		list, isList := value.([]any)
		if value == nil || name == "alias" && value == "" || isList && len(list) == 0 {
			cleared = append(cleared, name)
		} else {
			set = append(set, name)
		}
	}
	return set, cleared
}
