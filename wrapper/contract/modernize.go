package contract

import (
	"maps"
	"slices"
)

// notes are what a schema can say that binds no value. Published documents have faults there.
var notes = []string{"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment"}

// literals are members that are values, in which nothing is a schema.
var literals = []string{"const", "enum", "example", "security"}

// named are the objects whose members have names of the document's own choice, which may be those of notes.
var named = []string{
	"$defs", "content", "definitions", "dependentRequired", "dependentSchemas", "headers", "parameters", "paths", "pathItems", "patternProperties", "properties",
	"requestBodies", "responses", "schemas", "securitySchemes",
}

// modernize makes the schemas in v those of JSON Schema 2020-12, which OpenAPI has since 3.1, and leaves out notes. old says
// that v is of OpenAPI 3.0, and choice that it is one of named. Whatever is no schema has none of a schema's members.
func modernize(v any, old, choice bool) {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			modernize(item, old, false)
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, member := range object {
		switch {
		case choice:
			modernize(member, old, false)
		case slices.Contains(notes, name):
			delete(object, name)
		case !slices.Contains(literals, name):
			modernize(member, old, slices.Contains(named, name))
		}
	}
	if !old || choice {
		return
	}
	nullable := object["nullable"] == true
	if _, ok := object["$ref"].(string); ok { // what else stands beside a reference does not count
		maps.DeleteFunc(object, func(name string, _ any) bool { return name != "$ref" })
	}
	only, typed := object["type"].(string)
	if nullable && typed {
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
	if nullable && (!typed || object["allOf"] != nil || object["anyOf"] != nil || object["oneOf"] != nil) {
		schema := maps.Clone(object)
		clear(object)
		object["if"], object["else"] = map[string]any{"type": "null"}, schema // anyOf would tell less of what is wrong
	}
}
