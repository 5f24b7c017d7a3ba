package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3conv"
	"github.com/oasdiff/oasdiff/flatten/allof"
)

// oneForm brings every schema of a document to one form, whichever version and spelling it has: that of OpenAPI 3.1
// with null as nullable, allOf merged, and no other way to write an enum.
func oneForm(spec *openapi3.T) error {
	var all []*openapi3.SchemaRef
	nullable := map[*openapi3.Schema]bool{} // which the upgrade drops where there is no type
	err := spec.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		all = append(all, ref)
		nullable[ref.Value] = ref.Value.Nullable
		return nil
	})
	openapi3conv.Upgrade(spec)
	for _, ref := range slices.Backward(all) { // those in a schema before it
		ref.Value.Nullable = nullable[ref.Value]
		simplify(ref)
	}
	return err
}

func isNull(ref *openapi3.SchemaRef) bool {
	return len(ref.Value.Enum) == 1 && ref.Value.Enum[0] == nil
}

// simplify brings a schema to the one form that those in it have already.
func simplify(ref *openapi3.SchemaRef) {
	s := ref.Value
	maps.DeleteFunc(s.Extensions, func(name string, _ any) bool { return strings.HasPrefix(name, "x-") })
	s.Title, s.Description, s.Example, s.Examples, s.ExternalDocs, s.XML = "", "", nil, nil, nil, nil // prose
	s.Comment, s.SchemaID, s.SchemaDialect, s.Anchor, s.Defs = "", "", "", "", nil
	if s.Const != nil {
		s.Enum, s.Const = []any{s.Const}, nil
	}
	if s.Type.Includes(openapi3.TypeNull) {
		types := slices.DeleteFunc(s.Type.Slice(), func(name string) bool { return name == openapi3.TypeNull })
		if s.Type, s.Nullable = (*openapi3.Types)(&types), true; len(types) == 0 {
			s.Type, s.Enum = nil, []any{nil}
		}
	}
	if s.Always != nil && !*s.Always {
		s.Not = openapi3.NewSchemaRef("", openapi3.NewSchema())
	}
	s.Always = nil
	for _, list := range []*openapi3.SchemaRefs{&s.AnyOf, &s.OneOf} {
		mergeNull(s, list)
		mergeValues(s, list, list == &s.OneOf)
	}
	mergeAll(ref)
	if s.AdditionalProperties != (openapi3.BoolSchema{}) {
		s.UnevaluatedProperties = openapi3.BoolSchema{} // nothing is left for it
	}
	if s.AdditionalProperties = closed(s.AdditionalProperties); s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.DependentSchemas) == 0 && s.If == nil {
		s.AdditionalProperties, s.UnevaluatedProperties = closed(s.UnevaluatedProperties), openapi3.BoolSchema{} // no part evaluates anything
	}
	if s.Items != nil && s.Items.Value.IsEmpty() {
		s.Items = nil
	}
	typed := openapi3.Schema{Type: s.Type, Nullable: true}
	if values := slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool { return typed.VisitJSON(v) != nil }); len(values) > 0 {
		s.Enum = values
	}
	if s.Type.IsEmpty() && slices.Contains(s.Enum, nil) {
		s.Nullable = true
	}
	if s.Type.IsEmpty() && len(s.Enum) > 0 && !isNull(ref) {
		s.Type = typeOf(s.Enum)
	}
	if s.Type.Is(openapi3.TypeBoolean) && slices.Contains(s.Enum, any(true)) && slices.Contains(s.Enum, any(false)) {
		s.Nullable, s.Enum = s.Nullable && slices.Contains(s.Enum, nil), nil // all that there is
	}
	if s.Type.Includes(openapi3.TypeNumber) && s.Type.Includes(openapi3.TypeInteger) {
		types := slices.DeleteFunc(s.Type.Slice(), func(name string) bool { return name == openapi3.TypeInteger })
		s.Type = (*openapi3.Types)(&types)
	}
	slices.SortFunc(s.Enum, byJSON)
	slices.SortFunc(s.AnyOf, byJSON)
	slices.SortFunc(s.OneOf, byJSON)
}

// closed takes away what says that anything goes.
func closed(b openapi3.BoolSchema) openapi3.BoolSchema {
	if b.Schema != nil && b.Schema.Ref == "" && b.Schema.Value.IsEmpty() || b.Has != nil && *b.Has {
		return openapi3.BoolSchema{}
	}
	if b.Schema != nil && encoded(b.Schema) == `{"not":{}}` {
		return openapi3.BoolSchema{Has: new(false)}
	}
	return b
}

// mergeNull makes nullable of an alternative that is null alone, and a part of allOf of the only alternative.
func mergeNull(s *openapi3.Schema, list *openapi3.SchemaRefs) {
	others := slices.DeleteFunc(slices.Clone(*list), isNull)
	if len(others) < len(*list) && len(others) > 0 {
		s.Nullable, *list = true, others
	}
	if len(others) != 1 {
		return
	}
	only := others[0]
	if s.Nullable && len(only.Value.Enum) > 0 {
		only = &openapi3.SchemaRef{Value: new(*only.Value)}
		only.Value.Enum = append(slices.Clone(only.Value.Enum), nil)
	}
	*list, s.AllOf = nil, append(s.AllOf, only)
}

// mergeValues makes one enum of alternatives that are nothing but values.
func mergeValues(s *openapi3.Schema, list *openapi3.SchemaRefs, one bool) {
	var merged openapi3.Schema
	for _, branch := range *list {
		b := *branch.Value
		overlap := slices.ContainsFunc(b.Enum, func(v any) bool {
			return slices.ContainsFunc(merged.Enum, func(other any) bool { return byJSON(v, other) == 0 })
		})
		if len(b.Enum) == 0 || one && overlap {
			return
		}
		b.Enum = append(slices.Clone(merged.Enum), b.Enum...)
		merged.Enum = b.Enum
		if len(merged.Enum) > len(branch.Value.Enum) && encoded(merged.Type) != encoded(b.Type) {
			merged.Type, b.Type = nil, nil // the values say it
		}
		if len(merged.Enum) > len(branch.Value.Enum) && encoded(merged) != encoded(b) {
			return
		}
		merged = b
	}
	if s.Nullable && len(merged.Enum) > 0 {
		merged.Enum = append(merged.Enum, nil)
	}
	if len(merged.Enum) > 0 {
		*list, s.AllOf = nil, append(s.AllOf, &openapi3.SchemaRef{Value: &merged})
	}
}

// What oasdiff's merging of allOf keeps of each part. It loses any other keyword silently.
var kept = strings.Fields(`anyOf default dependentRequired deprecated enum exclusiveMaximum exclusiveMinimum format items maximum maxItems
	maxLength maxProperties minimum minItems minLength minProperties multipleOf not nullable oneOf pattern properties
	readOnly required type uniqueItems writeOnly`)

// mergeAll takes an allOf apart, if oasdiff can merge its parts without a loss.
func mergeAll(ref *openapi3.SchemaRef) {
	s := ref.Value
	s.AllOf = slices.DeleteFunc(s.AllOf, func(part *openapi3.SchemaRef) bool { return encoded(part) == "{}" })
	outer := *s
	outer.AllOf, outer.Nullable, outer.Deprecated, outer.UnevaluatedProperties, outer.Discriminator = nil, false, false, openapi3.BoolSchema{}, nil
	parts := slices.Clone(s.AllOf)
	if !outer.IsEmpty() {
		parts = append(parts, &openapi3.SchemaRef{Value: &outer})
	}
	switch {
	case len(s.AllOf) == 0 || len(parts) > 1 && !mergeable(parts):
		return
	case len(parts) == 1 && parts[0].Ref != "":
		if !s.Nullable && !s.Deprecated {
			*ref = *parts[0]
		}
		return
	}
	merged := new(*parts[0].Value)
	if len(parts) > 1 {
		var err error
		if merged, err = allof.Merge(openapi3.SchemaRef{Value: &openapi3.Schema{AllOf: parts}}); err != nil {
			return
		}
		// A part without a type says nothing about null; to oasdiff it forbids it.
		typed := slices.DeleteFunc(parts, func(part *openapi3.SchemaRef) bool { return part.Value.Type.IsEmpty() })
		merged.Nullable = len(typed) > 0 && !slices.ContainsFunc(typed, func(part *openapi3.SchemaRef) bool { return !part.Value.Nullable })
	}
	merged.Nullable = merged.Nullable || s.Nullable
	merged.Deprecated = s.Deprecated || slices.ContainsFunc(s.AllOf, func(part *openapi3.SchemaRef) bool { return part.Value.Deprecated })
	if s.UnevaluatedProperties != (openapi3.BoolSchema{}) {
		merged.UnevaluatedProperties = s.UnevaluatedProperties
	}
	if s.Discriminator != nil {
		merged.Discriminator = s.Discriminator
	}
	*s = *merged
}

// mergeable reports whether oasdiff keeps every keyword of the parts, also of properties that several of them have.
func mergeable(parts openapi3.SchemaRefs) bool {
	properties := map[string]openapi3.SchemaRefs{}
	for _, part := range parts {
		for keyword, value := range asMap(part) {
			if !slices.Contains(kept, keyword) && (keyword != "additionalProperties" || value != false) || strings.Contains(encoded(value), `"$ref":`) {
				return false
			}
		}
		for name, property := range part.Value.Properties {
			properties[name] = append(properties[name], property)
		}
	}
	return !slices.ContainsFunc(slices.Collect(maps.Values(properties)), func(same openapi3.SchemaRefs) bool {
		return len(same) > 1 && (!mergeable(same) || strings.Contains(encoded(same), "deprecated"))
	})
}

// typeOf returns the type that the values of an enum have in common, but for null; nil if there is none.
func typeOf(values []any) *openapi3.Types {
	for _, name := range []string{openapi3.TypeString, openapi3.TypeBoolean, openapi3.TypeInteger, openapi3.TypeNumber} {
		s := &openapi3.Schema{Type: &openapi3.Types{name}, Nullable: true}
		if !slices.ContainsFunc(values, func(v any) bool { return s.VisitJSON(v) != nil }) {
			return s.Type
		}
	}
	return nil
}
