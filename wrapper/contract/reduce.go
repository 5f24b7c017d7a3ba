package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// reducer takes one operation out of a document, with what it refers to, and leaves out what says nothing of traffic:
// prose, examples, defaults and extensions. Published documents have faults there that no check needs to know of.
type reducer struct {
	root    map[string]any
	modern  bool              // OpenAPI 3.1 or later
	schemas map[string]any    // what goes to components.schemas
	names   map[string]string // what schemas are called there, by reference
}

// operation returns an operation of a path; nil if the path has none.
func (r *reducer) operation(path, verb string) (*operation, error) {
	paths, _ := r.root["paths"].(map[string]any)
	item, err := r.object(paths[path])
	if err != nil {
		return nil, err
	}
	op, ok := item[strings.ToLower(verb)].(map[string]any)
	if !ok {
		return nil, nil
	}
	kept := map[string]any{}
	for _, parameters := range []any{op["parameters"], item["parameters"]} { // the first of two with one name counts
		if err := r.parameters(kept, parameters); err != nil {
			return nil, err
		}
	}
	if op["requestBody"] != nil {
		if kept["requestBody"], err = r.part(op["requestBody"], "required"); err != nil {
			return nil, err
		}
	}
	responses, _ := op["responses"].(map[string]any)
	answers := map[string]any{}
	for status, answer := range responses {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		if answers[status], err = r.part(answer); err != nil {
			return nil, fmt.Errorf("the answer %s: %w", status, err)
		}
		answers[status].(map[string]any)["description"] = "" // OpenAPI requires one
	}
	kept["responses"] = answers

	data, err := json.Marshal(map[string]any{
		"openapi":    map[bool]string{false: "3.0.3", true: "3.1.0"}[r.modern],
		"info":       map[string]any{"title": "", "version": ""},
		"paths":      map[string]any{path: map[string]any{strings.ToLower(verb): kept}},
		"components": map[string]any{"schemas": r.schemas},
	})
	if err != nil {
		return nil, err
	}
	spec, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if r.modern {
		ctx = openapi3.WithValidationOptions(ctx, openapi3.IsOpenAPI31OrLater())
	}
	pathItem := spec.Paths.Value(path)
	checked := pathItem.GetOperation(verb)
	if err := checked.Validate(ctx); err != nil {
		return nil, err
	}
	return &operation{
		route:    &routers.Route{Spec: spec, Path: path, PathItem: pathItem, Method: verb, Operation: checked},
		security: r.security(op),
	}, nil
}

// parameters adds a list of parameters to those of an operation.
func (r *reducer) parameters(op map[string]any, list any) error {
	items, _ := list.([]any)
	kept, _ := op["parameters"].([]any)
	for _, item := range items {
		parameter, err := r.part(item, "name", "in", "required", "style", "explode", "allowEmptyValue", "allowReserved")
		if err != nil {
			return fmt.Errorf("a parameter: %w", err)
		}
		if parameter["in"] == "path" {
			parameter["required"] = true // which it is, whatever the document says
		}
		if !slices.ContainsFunc(kept, func(v any) bool {
			other := v.(map[string]any)
			return other["in"] == parameter["in"] && other["name"] == parameter["name"]
		}) {
			kept = append(kept, parameter)
		}
	}
	op["parameters"] = kept
	return nil
}

// part keeps of a parameter, body, answer or header the named members, and what it says of content.
func (r *reducer) part(v any, names ...string) (map[string]any, error) {
	whole, err := r.object(v)
	if err != nil {
		return nil, err
	}
	kept := map[string]any{}
	for _, name := range names {
		if value, ok := whole[name]; ok {
			kept[name] = value
		}
	}
	if schema, ok := whole["schema"]; ok {
		if kept["schema"], err = r.schema(schema); err != nil {
			return nil, err
		}
	}
	for name, each := range map[string]func(any) (map[string]any, error){
		"content": func(media any) (map[string]any, error) { return r.part(media) },
		"headers": func(header any) (map[string]any, error) { return r.part(header, "required", "style", "explode") },
	} {
		members, ok := whole[name].(map[string]any)
		if !ok {
			continue
		}
		parts := map[string]any{}
		for key, member := range members {
			if parts[key], err = each(member); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		kept[name] = parts
	}
	return kept, nil
}

// schema keeps the keywords of a schema that bind a value.
func (r *reducer) schema(v any) (any, error) {
	whole, ok := v.(map[string]any)
	if _, always := v.(bool); always && r.modern {
		return v, nil
	}
	if !ok {
		return nil, errors.New("a schema is no object")
	}
	kept := map[string]any{}
	if ref, ok := whole["$ref"].(string); ok {
		name, err := r.component(ref)
		if err != nil {
			return nil, err
		}
		kept["$ref"] = "#/components/schemas/" + name
		if !r.modern { // what stands beside a reference does not count
			return kept, nil
		}
	}
	for keyword, value := range whole {
		var err error
		switch keyword {
		case "type", "format", "nullable", "enum", "const", "required", "readOnly", "writeOnly",
			"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
			"minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties", "dependentRequired":
			kept[keyword] = value
		case "pattern": // one that Go cannot read, such as a lookahead, is not checked
			if text, ok := value.(string); ok && compiles(text) {
				kept[keyword] = value
			}
		case "items", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "additionalProperties":
			if _, always := value.(bool); always {
				kept[keyword] = value
			} else {
				kept[keyword], err = r.schema(value)
			}
		case "allOf", "anyOf", "oneOf", "prefixItems":
			list, _ := value.([]any)
			schemas := make([]any, len(list))
			for i := 0; i < len(list) && err == nil; i++ {
				schemas[i], err = r.schema(list[i])
			}
			kept[keyword] = schemas
		case "properties", "patternProperties", "dependentSchemas":
			members, _ := value.(map[string]any)
			schemas := map[string]any{}
			for _, name := range slices.Sorted(maps.Keys(members)) {
				if schemas[name], err = r.schema(members[name]); err != nil {
					err = fmt.Errorf("%s: %w", name, err)
					break
				}
			}
			kept[keyword] = schemas
		}
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// unicode is how JavaScript writes a character in a pattern, which kin-openapi turns into Go's way.
var unicode = regexp.MustCompile(`\\u([0-9A-F]{4})`)

func compiles(pattern string) bool {
	_, err := regexp.Compile(unicode.ReplaceAllString(pattern, `\x{$1}`))
	return err == nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// component keeps the schema that a reference means, and returns its name among the components.
func (r *reducer) component(ref string) (name string, err error) {
	if name, ok := r.names[ref]; ok {
		return name, nil
	}
	v, err := r.at(ref)
	if err != nil {
		return "", err
	}
	name = notInNames.ReplaceAllString(ref[strings.LastIndexByte(ref, '/')+1:], "_")
	if _, taken := r.schemas[name]; taken || name == "" {
		name += strconv.Itoa(len(r.names))
	}
	r.names[ref], r.schemas[name] = name, nil
	if r.schemas[name], err = r.schema(v); err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	return name, nil
}

// object returns what v is, or refers to.
func (r *reducer) object(v any) (map[string]any, error) {
	for range 20 {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("there is no object where OpenAPI has one")
		}
		ref, ok := object["$ref"].(string)
		if !ok {
			return object, nil
		}
		var err error
		if v, err = r.at(ref); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("references go in a circle")
}

// at returns what stands in the document where a reference leads.
func (r *reducer) at(ref string) (any, error) {
	pointer, inside := strings.CutPrefix(ref, "#/")
	if !inside {
		return nil, fmt.Errorf("the reference %q leads out of the document", ref)
	}
	v := any(r.root)
	for token := range strings.SplitSeq(pointer, "/") {
		if plain, err := url.PathUnescape(token); err == nil {
			token = plain
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		var ok bool
		switch parent := v.(type) {
		case map[string]any:
			v, ok = parent[token]
		case []any:
			i, err := strconv.Atoi(token)
			if ok = err == nil && 0 <= i && i < len(parent); ok {
				v = parent[i]
			}
		}
		if !ok {
			return nil, fmt.Errorf("the reference %q leads nowhere", ref)
		}
	}
	return v, nil
}

// security returns the ways to send credentials. One whose scheme the document does not have cannot be checked, and is
// left out.
func (r *reducer) security(op map[string]any) (ways [][]credential) {
	list, ok := op["security"].([]any)
	if !ok {
		list, _ = r.root["security"].([]any)
	}
	components, _ := r.root["components"].(map[string]any)
	schemes, _ := components["securitySchemes"].(map[string]any)
next:
	for _, item := range list {
		names, _ := item.(map[string]any)
		way := []credential{}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			scheme, err := r.object(schemes[name])
			if err != nil {
				continue next
			}
			where := credential{"header", "Authorization"} // of http, oauth2 and openIdConnect
			if scheme["type"] == "apiKey" {
				in, _ := scheme["in"].(string)
				name, _ := scheme["name"].(string)
				where = credential{in, name}
			}
			way = append(way, where)
		}
		ways = append(ways, way)
	}
	return ways
}
