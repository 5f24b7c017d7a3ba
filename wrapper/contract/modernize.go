package contract

import (
	"maps"
	"slices"
)

// notes are what a schema can say that binds no value. Published documents have faults there.
var notes = []string{"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment"}

// modernize makes the schemas in v those of JSON Schema 2020-12, which OpenAPI has since 3.1, and leaves out notes. old says
// that v is of OpenAPI 3.0. Whatever is no schema has none of these members.
func modernize(v any, old bool) {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			modernize(item, old)
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, member := range object {
		switch member := member.(type) {
		case map[string]any, []any: // of a note's name, it may be a property, or a security scheme
			modernize(member, old)
		default:
			if slices.Contains(notes, name) {
				delete(object, name)
			}
		}
	}
	if !old {
		return
	}
	if _, ok := object["$ref"].(string); ok { // what stands beside a reference does not count
		maps.DeleteFunc(object, func(name string, _ any) bool { return name != "$ref" })
	}
	if only, ok := object["type"].(string); ok && object["nullable"] == true {
		object["type"] = []any{only, "null"}
		if values, ok := object["enum"].([]any); ok {
			object["enum"] = append(values, nil)
		}
	}
	for bound, exclusive := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
		on, ok := object[exclusive].(bool)
		if !ok {
			continue
		}
		delete(object, exclusive)
		if limit, ok := object[bound]; on && ok {
			object[exclusive] = limit
			delete(object, bound)
		}
	}
}
