package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/load"
)

const (
	method        = "patch"
	pathTail      = "/connected_accounts/{}" // whatever comes before it, and however the parameter is called
	wrapperServer = "https://backend.composio.dev"
)

var (
	parameterName = regexp.MustCompile(`\{([^{}]*)\}`)
	versionName   = regexp.MustCompile(`/v(\d+(?:\.\d+)*)` + regexp.QuoteMeta(pathTail) + `$`)
)

// place is where a document has the operation.
type place struct {
	full            string   // the key under "paths", after the path of the server's URL
	normal          string   // full, with {} for each parameter
	parameters      []string // their names
	version         []int    // of the API
	item, operation map[string]any
	servers         []any // without what full has of their URLs
}

// find looks the operation up: under the path wanted or, unless it must be that one, in the newest version of the API.
func (d *document) find(wanted string, must bool) (place, error) {
	paths := object(d.root["paths"])
	var places []place
	others := ""
	for _, key := range sortedKeys(paths) {
		if !strings.HasSuffix(parameterName.ReplaceAllString(key, "{}"), pathTail) {
			continue
		}
		item, err := d.follow(object(paths[key]))
		if err != nil {
			return place{}, err
		}
		p := place{item: item, operation: object(item[method])}
		p.full = d.addServers(&p) + key
		p.normal = parameterName.ReplaceAllString(p.full, "{}")
		for _, match := range parameterName.FindAllStringSubmatch(p.full, -1) {
			p.parameters = append(p.parameters, match[1])
		}
		for number := range strings.SplitSeq(p.apiVersion(), ".") {
			n, _ := strconv.Atoi(number)
			p.version = append(p.version, n)
		}
		switch {
		case p.operation == nil:
			methods := slices.DeleteFunc(sortedKeys(item), func(name string) bool {
				return !slices.Contains([]string{"get", "put", "post", "delete", "head", "options", "trace"}, name)
			})
			others += fmt.Sprintf("; %s has %s alone", p.full, cmp.Or(strings.Join(methods, ", "), "nothing"))
		case p.normal == wanted:
			return p, nil
		case must:
			others += "; it has " + p.full
		default:
			places = append(places, p)
		}
	}
	if len(places) == 0 {
		return place{}, fmt.Errorf("%s lacks the operation: no PATCH %s among its %d paths%s", d.from, map[bool]string{true: wanted, false: "…" + pathTail}[must], len(paths), others)
	}
	return slices.MaxFunc(places, func(a, b place) int { return slices.Compare(a.version, b.version) }), nil
}

// apiVersion is the version of the API that the path names, without its v.
func (p place) apiVersion() string {
	if match := versionName.FindStringSubmatch(p.normal); match != nil {
		return match[1]
	}
	return ""
}

// addServers gives p its servers, the nearest ones, and returns the part of the path that is in their URLs.
func (d *document) addServers(p *place) (base string) {
	list := listOf(d.root["servers"])
	for _, nearer := range []map[string]any{p.item, p.operation} {
		if own, ok := nearer["servers"]; ok {
			list = listOf(own)
		}
	}
	if len(list) == 0 && d.url != nil {
		list = []any{map[string]any{"url": "/"}} // which is what it means to have none
	}
	var urls []*url.URL
	for _, server := range list {
		address, _ := object(server)["url"].(string)
		for name, variable := range object(object(server)["variables"]) {
			address = strings.ReplaceAll(address, "{"+name+"}", fmt.Sprint(object(variable)["default"]))
		}
		u, err := url.Parse(address)
		if err != nil || address == "" {
			continue
		}
		if d.url != nil {
			u = d.url.ResolveReference(u)
		}
		u.Host, u.Path = strings.TrimSuffix(strings.ToLower(u.Host), ":443"), strings.TrimSuffix(u.Path, "/")
		if urls = append(urls, u); len(urls) == 1 || u.Scheme+"://"+u.Host == wrapperServer {
			base = u.Path
		}
	}
	for _, u := range urls {
		u.Path = strings.TrimSuffix(u.Path, base)
		p.servers = append(p.servers, map[string]any{"url": u.String()})
	}
	p.servers = sortedSet(p.servers)
	return base
}

// moved says what the reduced documents do not show: another path, and other names in it.
func (p place) moved(theirs place) (found []change) {
	if p.normal != theirs.normal {
		c := change{Section: "path", Breaks: true, Verb: fmt.Sprintf("moved the operation from %s to %s", p.full, theirs.full)}
		if version := theirs.apiVersion(); version != "" {
			c.Tail = fmt.Sprintf("; if that document describes v%s of the API alone, compare with --version v%[1]s", version)
		}
		found = append(found, c)
	}
	for i := range min(len(p.parameters), len(theirs.parameters)) {
		if a, b := p.parameters[i], theirs.parameters[i]; a != b {
			found = append(found, change{Section: "path", Verb: fmt.Sprintf("calls the parameter %s now %s, which nobody sees on the wire", a, b)})
		}
	}
	return found
}

// follow returns what an object refers to, if it does.
func (d *document) follow(v map[string]any) (map[string]any, error) {
	for range 32 { // references to references end some time
		ref, ok := v["$ref"].(string)
		if !ok {
			return v, nil
		}
		target, err := d.target(ref)
		if err != nil {
			return nil, err
		}
		v = object(target)
	}
	return nil, fmt.Errorf("%s: %v refers to itself", d.from, v["$ref"])
}

// target returns what a reference points to.
func (d *document) target(ref string) (any, error) {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, fmt.Errorf("%s: it refers to %s, outside itself; bundle it into one document first", d.from, ref)
	}
	var v any = d.root
	for token := range strings.SplitSeq(pointer, "/") {
		if v, ok = object(v)[unescaped(token)]; !ok {
			return nil, fmt.Errorf("%s: it refers to %s, which it does not have", d.from, ref)
		}
	}
	return v, nil
}

func unescaped(token string) string {
	if plain, err := url.PathUnescape(token); err == nil {
		token = plain
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// reduced is a document with the operation alone, in one form: as oasdiff takes it, and as maps.
type reduced struct {
	info               *load.SpecInfo
	operation, schemas map[string]any
}

// reduce returns a document with the operation at p alone, as if it stood at the place at. Whatever else is in the
// document, however wrong, is left behind, unless named keeps every schema of it, for its name.
func (d *document) reduce(p, at place, named bool) (*reduced, error) {
	r := &reducer{document: d, schemas: map[string]any{}}
	operation := object(r.part(p.operation, method))
	operation["security"], operation["servers"] = d.security(p.operation), p.servers
	for _, name := range sortedKeys(object(object(d.root["components"])["schemas"])) {
		if named {
			r.include(schemaRef + name)
		}
	}
	data, err := json.Marshal(map[string]any{
		"openapi":    map[bool]string{false: "3.0.3", true: "3.1.0"}[d.v31],
		"info":       map[string]any{"title": "one operation", "version": "1"},
		"paths":      map[string]any{at.full: map[string]any{method: operation, "parameters": r.part(p.item["parameters"], "")}},
		"components": map[string]any{"schemas": r.schemas},
	})
	if err := cmp.Or(r.err, err); err != nil {
		return nil, err
	}
	out := &reduced{}
	out.info, err = load.NewSpecInfoFromData(openapi3.NewLoader(), data, "document", load.WithLowercaseHeaders(), load.WithFlattenParams())
	if err == nil {
		err = oneForm(out.info.Spec)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: the operation cannot be read: %w", d.from, err)
	}
	patch := out.info.Spec.Paths.Value(at.full).Patch
	for _, ref := range patch.Parameters {
		parameter := ref.Value
		if how, err := parameter.SerializationMethod(); err == nil { // said or not
			parameter.Style, parameter.Explode = how.Style, &how.Explode
		}
		if i := slices.Index(p.parameters, parameter.Name); i >= 0 && i < len(at.parameters) && parameter.In == "path" {
			parameter.Name = at.parameters[i]
		}
	}
	slices.SortFunc(patch.Parameters, byJSON)
	return out, cmp.Or(json.Unmarshal([]byte(encoded(out.info.Spec.Components.Schemas)), &out.schemas), json.Unmarshal([]byte(encoded(patch)), &out.operation))
}

// reducer copies a part of a document, and the schemas that it refers to. The first fault ends in err.
type reducer struct {
	*document
	schemas map[string]any
	depth   int // of references in references
	err     error
}

const schemaRef = "#/components/schemas/"

var (
	// Maps in which keys are names, and no keywords.
	named = strings.Fields("properties patternProperties dependentSchemas dependentRequired responses headers content encoding mapping callbacks")
	// Keywords that ask nothing of anybody.
	prose = strings.Fields("title description summary example examples externalDocs xml tags links $comment $schema $id $anchor $defs")
)

// part copies v, which stands under key, without prose, and with all references written out but those to schemas in
// schemas, which may be to what they stand in.
func (r *reducer) part(v any, key string) any {
	if list, ok := v.([]any); ok {
		out := []any{}
		for _, each := range list {
			out = append(out, r.part(each, ""))
		}
		return out
	}
	in := object(v)
	if in == nil {
		return v
	}
	if ref, ok := in["$ref"].(string); ok {
		if !strings.HasPrefix(ref, schemaRef) || key == "schema" && (len(in) == 1 || !r.v31) { // 3.0 has nothing beside it
			return r.target(ref, key)
		}
		r.include(ref)
	}
	out := map[string]any{}
	for name, value := range in {
		switch {
		case strings.HasPrefix(name, "x-") && (key == "responses" || !slices.Contains(named, key)): // an extension
		case key == "callbacks":
			out[name] = map[string]any{} // that there is one is news enough
		case key == "content":
			out[strings.ToLower(name)] = r.part(value, "")
		case slices.Contains(named, key):
			out[name] = r.part(value, "")
		case slices.Contains(prose, name):
		case name == "const":
			out["enum"] = []any{value}
		case name == "enum" || name == "default":
			out[name] = value
		default:
			out[name] = r.part(value, name)
		}
	}
	return out
}

// target copies what a reference under key points to.
func (r *reducer) target(ref, key string) any {
	target, err := r.document.target(ref)
	if r.depth++; r.depth > 64 && err == nil {
		err = fmt.Errorf("%s: %s refers to itself", r.from, ref)
	}
	defer func() { r.depth-- }()
	if r.err = cmp.Or(r.err, err); r.err != nil {
		return nil
	}
	return r.part(target, key)
}

// include copies the schema that a reference points to, or into, once.
func (r *reducer) include(ref string) {
	token, _, _ := strings.Cut(strings.TrimPrefix(ref, schemaRef), "/")
	if _, ok := r.schemas[unescaped(token)]; !ok {
		r.schemas[unescaped(token)] = nil
		r.schemas[unescaped(token)] = r.target(schemaRef+token, "")
	}
}

// security returns what the operation asks of a caller, each scheme named by what it is and not by its name in the
// document. To ask for nothing is one alternative without a scheme.
func (d *document) security(operation map[string]any) []any {
	requirements, ok := operation["security"].([]any)
	if !ok {
		requirements = listOf(d.root["security"])
	}
	out := []any{}
	for _, entry := range requirements {
		requirement := map[string]any{}
		for name, scopes := range object(entry) {
			scheme, _ := d.follow(object(object(object(d.root["components"])["securitySchemes"])[name]))
			switch kind := fmt.Sprint(scheme["type"]); {
			case kind == "apiKey" && scheme["in"] == "header":
				name = "header " + strings.ToLower(fmt.Sprint(scheme["name"]))
			case kind == "apiKey":
				name = fmt.Sprintf("%v %v", scheme["in"], scheme["name"])
			case kind == "http":
				name = "HTTP " + strings.ToLower(fmt.Sprint(scheme["scheme"]))
			case scheme != nil:
				name = kind + " " + name
			}
			requirement[name] = scopes
		}
		out = append(out, requirement)
	}
	if len(out) == 0 {
		out = append(out, map[string]any{})
	}
	return sortedSet(out)
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

// encoded is v in JSON, by which two values can be compared and ordered.
func encoded(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func byJSON[T any](a, b T) int { return strings.Compare(encoded(a), encoded(b)) }

// sortedSet orders a list in which order and repetition mean nothing.
func sortedSet(list []any) []any {
	list = slices.SortedFunc(slices.Values(list), byJSON)
	return slices.CompactFunc(list, func(a, b any) bool { return byJSON(a, b) == 0 })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
