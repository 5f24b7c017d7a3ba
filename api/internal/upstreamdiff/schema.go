package main

import (
	"maps"
	"slices"
	"strings"
)

// Where a schema has schemas in it.
var (
	schemaKeys     = []string{"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties", "contentSchema"}
	schemaListKeys = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	schemaMapKeys  = []string{"properties", "patternProperties", "dependentSchemas"}
)

// Keywords that ask nothing of a value.
var proseKeys = []string{"title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$schema", "$id", "$anchor", "$defs"}

func isProse(keyword string) bool {
	return slices.Contains(proseKeys, keyword) || strings.HasPrefix(keyword, "x-")
}

// schema returns v in one form, that of OpenAPI 3.0, whichever version and spelling v has: references written out,
// null as nullable, const as an enum, no keyword that says what holds without it, no prose. open are the references
// that v stands in.
func (r *reducer) schema(v any, open []string) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			return r.referred(ref, v, open)
		}
		out := r.subschemas(v, open)
		lowerVersion(out)
		dropUsual(out)
		oneNull(out)
		return out
	case bool:
		if v {
			return map[string]any{}
		}
		return nothing()
	}
	r.fail("a schema is neither an object nor true or false")
	return map[string]any{}
}

// nothing is the schema that no value fits.
func nothing() map[string]any { return map[string]any{"not": map[string]any{}} }

// null is the schema that null alone fits, as OpenAPI 3.0 must write it.
func null() map[string]any { return map[string]any{"enum": []any{nil}, "nullable": true} }

// referred writes a reference out, unless that would never end: then the schema becomes a component.
func (r *reducer) referred(ref string, v map[string]any, open []string) map[string]any {
	var target map[string]any
	if slices.Contains(open, ref) {
		name := ref[strings.LastIndex(ref, "/")+1:]
		if _, ok := r.components[name]; !ok {
			r.components[name] = ref
		}
		target = map[string]any{"$ref": "#/components/schemas/" + name}
	} else {
		target = r.schema(r.target(ref), append(slices.Clone(open), ref))
	}
	beside := maps.Clone(v)
	delete(beside, "$ref")
	maps.DeleteFunc(beside, func(keyword string, _ any) bool { return isProse(keyword) })
	if len(beside) == 0 || !r.v31 { // 3.0 has nothing beside a reference
		return target
	}
	out := r.schema(beside, open)
	if !absorb(out, target) {
		out["allOf"] = append(listOf(out["allOf"]), target)
	}
	return out
}

// addComponents writes out the schemas that hold themselves, each once.
func (r *reducer) addComponents() {
	for {
		done := true
		for _, name := range sortedKeys(r.components) {
			if ref, ok := r.components[name].(string); ok {
				r.components[name] = r.schema(r.target(ref), []string{ref})
				done = false
			}
		}
		if done {
			return
		}
	}
}

// subschemas returns a copy of v without prose, and with every schema in it in the one form.
func (r *reducer) subschemas(v map[string]any, open []string) map[string]any {
	out := map[string]any{}
	for _, keyword := range sortedKeys(v) {
		value := v[keyword]
		switch {
		case isProse(keyword):
		case slices.Contains(schemaKeys, keyword):
			out[keyword] = r.schema(value, open)
		case slices.Contains(schemaListKeys, keyword):
			list := []any{}
			for _, each := range listOf(value) {
				list = append(list, r.schema(each, open))
			}
			out[keyword] = list
		case slices.Contains(schemaMapKeys, keyword):
			schemas := map[string]any{}
			of := r.object(value, keyword)
			for _, name := range sortedKeys(of) {
				schemas[name] = r.schema(of[name], open)
			}
			out[keyword] = schemas
		default:
			out[keyword] = value
		}
	}
	return out
}

// lowerVersion replaces what only OpenAPI 3.1 has by what 3.0 has for it, where it has something.
func lowerVersion(s map[string]any) {
	if value, ok := s["const"]; ok {
		delete(s, "const")
		s["enum"] = []any{value}
	}
	if types, ok := s["type"].([]any); ok {
		others := slices.DeleteFunc(sortedSet(types), func(t any) bool { return t == "null" })
		if len(others) < len(types) {
			s["nullable"] = true
		}
		s["type"] = others
		switch len(others) {
		case 0:
			s["type"] = "null"
		case 1:
			s["type"] = others[0]
		}
	}
	if s["type"] == "null" {
		delete(s, "type")
		maps.Copy(s, null())
	}
	for _, bound := range []struct {
		inclusive, exclusive string
		sign                 float64
	}{{"minimum", "exclusiveMinimum", 1}, {"maximum", "exclusiveMaximum", -1}} {
		limit, ok := s[bound.exclusive].(float64)
		if !ok {
			continue
		}
		inclusive, both := s[bound.inclusive].(float64)
		delete(s, bound.exclusive)
		if !both || bound.sign*limit >= bound.sign*inclusive {
			s[bound.inclusive], s[bound.exclusive] = limit, true
		}
	}
}

// oneNull brings the ways to allow null to one, and takes away wrappers around one schema.
func oneNull(s map[string]any) {
	if values := listOf(s["enum"]); len(values) == 1 && values[0] == nil {
		s["nullable"] = true
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		branches := listOf(s[keyword])
		others := slices.DeleteFunc(slices.Clone(branches), func(branch any) bool { return encoded(branch) == encoded(null()) })
		orNull := len(others) < len(branches)
		switch {
		case len(others) == 0:
			// Nothing there, or nothing but null.
		case len(others) == 1:
			only := others[0].(map[string]any)
			if orNull {
				only = maps.Clone(only)
				only["nullable"] = true
				if values, ok := only["enum"].([]any); ok {
					only["enum"] = sortedSet(append(slices.Clone(values), nil))
				}
			}
			rest := maps.Clone(s)
			delete(rest, keyword)
			if absorb(rest, only) {
				delete(s, keyword)
				maps.Copy(s, rest)
			}
		case orNull:
			s[keyword] = others
			s["nullable"] = true
		}
	}
	if all := listOf(s["allOf"]); len(all) == 1 {
		rest := maps.Clone(s)
		delete(rest, "allOf")
		if absorb(rest, all[0].(map[string]any)) {
			delete(s, "allOf")
			maps.Copy(s, rest)
		}
	}
}

// absorb adds the keywords of other to s, if that says the same as both of them do.
func absorb(s, other map[string]any) bool {
	if other["$ref"] != nil && len(s) > 0 {
		return false
	}
	if closes(s) && names(other) || closes(other) && names(s) {
		return false // "additional" means other properties in each of the two
	}
	for keyword, value := range other {
		if own, ok := s[keyword]; ok && encoded(own) != encoded(value) {
			return false
		}
	}
	maps.Copy(s, other)
	return true
}

func closes(s map[string]any) bool {
	return s["additionalProperties"] != nil || s["unevaluatedProperties"] != nil
}

func names(s map[string]any) bool { return s["properties"] != nil || s["patternProperties"] != nil }

// dropUsual takes away what holds without being said, and orders what has no order.
func dropUsual(s map[string]any) {
	for _, keyword := range []string{"nullable", "deprecated", "readOnly", "writeOnly", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum"} {
		if s[keyword] == false {
			delete(s, keyword)
		}
	}
	for _, keyword := range []string{"minLength", "minItems", "minProperties"} {
		if s[keyword] == 0.0 {
			delete(s, keyword)
		}
	}
	for _, keyword := range []string{"required", "enum", "allOf", "anyOf", "oneOf"} {
		if list, ok := s[keyword].([]any); ok {
			s[keyword] = sortedSet(list)
			if len(list) == 0 {
				delete(s, keyword)
			}
		}
	}
	if properties, ok := s["properties"].(map[string]any); ok && len(properties) == 0 {
		delete(s, "properties")
	}
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties", "items"} {
		switch encoded(s[keyword]) {
		case encoded(map[string]any{}):
			delete(s, keyword)
		case encoded(nothing()):
			s[keyword] = false
		}
	}
	if discriminator, ok := s["discriminator"].(map[string]any); ok {
		s["discriminator"] = withoutRefs(discriminator)
	}
}

// withoutRefs keeps the names in a discriminator's mapping, whose schemas are written out elsewhere.
func withoutRefs(discriminator map[string]any) map[string]any {
	out := map[string]any{"propertyName": discriminator["propertyName"]}
	if mapping, ok := discriminator["mapping"].(map[string]any); ok {
		names := map[string]any{}
		for value, ref := range mapping {
			if text, ok := ref.(string); ok {
				names[value] = text[strings.LastIndex(text, "/")+1:]
			}
		}
		out["mapping"] = names
	}
	return out
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}
