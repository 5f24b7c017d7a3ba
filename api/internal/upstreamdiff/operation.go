package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-openapi/jsonpointer"
	"github.com/oasdiff/oasdiff/load"
	"golang.org/x/mod/semver"
)

const (
	method        = "patch"
	pathTail      = "/connected_accounts/{}" // whatever comes before it, and however the parameter is called
	wrapperServer = "https://backend.composio.dev"
)

var (
	parameterName = regexp.MustCompile(`\{([^{}]*)\}`)
	versionName   = regexp.MustCompile(`/(v\d+(?:\.\d+)*)` + regexp.QuoteMeta(pathTail) + `$`)
)

// place is where a document has the operation.
type place struct {
	full, normal    string // the path with what the server's URL has of it, and that with {} for each parameter
	version         string // of the API, in the path
	parameters      []string
	item, operation map[string]any
	servers         []any // without what full has of their URLs
}

// find looks the operation up: under the path wanted or, if it is not there, in the newest version of the API.
func (d *document) find(wanted string) error {
	paths := object(d.root["paths"])
	var places []place
	others := ""
	for _, key := range sortedKeys(paths) {
		item, err := d.followed(paths[key])
		if err != nil || !strings.HasSuffix(parameterName.ReplaceAllString(key, "{}"), pathTail) {
			continue
		}
		p := place{item: item, operation: object(item[method])}
		p.full = p.addServers(d) + key
		p.normal = parameterName.ReplaceAllString(p.full, "{}")
		for _, match := range parameterName.FindAllStringSubmatch(p.full, -1) {
			p.parameters = append(p.parameters, match[1])
		}
		if match := versionName.FindStringSubmatch(p.normal); match != nil {
			p.version = match[1]
		}
		switch {
		case p.operation == nil:
			methods := slices.DeleteFunc(sortedKeys(item), func(name string) bool { return !slices.Contains([]string{"get", "put", "post", "delete"}, name) })
			others += fmt.Sprintf("; %s has %s alone", p.full, cmp.Or(strings.Join(methods, ", "), "nothing"))
		case p.normal == wanted:
			d.place = p
			return nil
		default:
			places = append(places, p)
		}
	}
	if len(places) == 0 {
		return fmt.Errorf("%s lacks the operation: no PATCH …%s among its %d paths%s", d.from, pathTail, len(paths), others)
	}
	d.place = slices.MaxFunc(places, func(a, b place) int { return semver.Compare(a.version, b.version) })
	return nil
}

// addServers gives p its servers, the nearest ones, and returns the part of the path that is in their URLs.
func (p *place) addServers(d *document) (base string) {
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
		u, err := cmp.Or(d.url, &url.URL{}).Parse(address) // relative to where the document is
		if err != nil || address == "" {
			continue
		}
		u.Host, u.Path = strings.TrimSuffix(strings.ToLower(u.Host), ":443"), strings.TrimSuffix(u.Path, "/")
		urls = append(urls, u)
	}
	if len(urls) > 0 {
		base = urls[max(0, slices.IndexFunc(urls, func(u *url.URL) bool { return u.Scheme+"://"+u.Host == wrapperServer }))].Path
	}
	p.servers = []any{}
	for _, u := range urls {
		u.Path = strings.TrimSuffix(u.Path, base)
		p.servers = append(p.servers, map[string]any{"url": cmp.Or(u.String(), "/")})
	}
	return base
}

// moved says what the reduced documents do not show: another path, and other names in it.
func (p place) moved(theirs place) (found []change) {
	if p.normal != theirs.normal {
		c := change{Section: "path", Breaks: true, Verb: fmt.Sprintf("moved the operation from %s to %s", p.full, theirs.full)}
		if theirs.version != "" && theirs.version != p.version {
			c.Tail = fmt.Sprintf("; if that document describes %s of the API alone, compare with --version %[1]s", theirs.version)
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

// followed returns v, or what it refers to.
func (d *document) followed(v any) (map[string]any, error) {
	ref, ok := object(v)["$ref"].(string)
	if !ok {
		return object(v), nil
	}
	inside, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("%s: it refers to %s, outside itself; bundle it into one document first", d.from, ref)
	}
	inside, _ = url.PathUnescape(inside)
	pointer, err := jsonpointer.New(inside)
	if err == nil {
		v, _, err = pointer.Get(d.root)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: it refers to %s, which it does not have", d.from, ref)
	}
	return object(v), nil
}

// reduced is a document with the operation alone, in one form: as oasdiff takes it, and as maps.
type reduced struct {
	info               *load.SpecInfo
	operation, schemas map[string]any
}

// reduce returns a document with the operation alone, as if it stood at the place at, with its references written out.
// Whatever else is in the document, however wrong, is left behind.
func (d *document) reduce(at place) (*reduced, error) {
	operation := maps.Clone(d.operation)
	operation["security"], operation["servers"] = d.security(), d.servers
	schemas := map[string]any{}
	item := d.written(map[string]any{method: operation, "parameters": d.item["parameters"]}, schemas)
	if d.values > maxValues {
		return nil, fmt.Errorf("%s: the operation is too large to compare: with its references written out, it has more than %d values", d.from, maxValues)
	}
	operation = object(object(item)[method])
	for _, holder := range append(slices.Collect(maps.Values(object(operation["responses"]))), operation["requestBody"]) {
		if content := object(object(holder)["content"]); content != nil {
			object(holder)["content"] = byMediaType(content)
		}
	}
	data := encoded(map[string]any{
		"openapi": text(d.root["openapi"]), "info": map[string]any{"title": "one operation", "version": "1"},
		"paths": map[string]any{at.full: item}, "components": map[string]any{"schemas": schemas},
	})
	data = strings.ReplaceAll(data, `"const":null`, `"enum":[null]`) // the loader sees none
	info, err := load.NewSpecInfoFromData(openapi3.NewLoader(), []byte(data), "document", load.WithLowercaseHeaders(), load.WithFlattenParams())
	if err == nil {
		err = oneForm(info.Spec)
	}
	if err != nil {
		return nil, cmp.Or(d.fault, fmt.Errorf("%s: the operation cannot be read: %w", d.from, err))
	}
	patch := info.Spec.Paths.Value(at.full).Patch
	patch.Parameters = slices.DeleteFunc(patch.Parameters, func(ref *openapi3.ParameterRef) bool { // which OpenAPI ignores, but for the key
		return ref.Value.In == "header" && slices.Contains([]string{"accept", "authorization", "content-type", "x-api-key"}, ref.Value.Name)
	})
	for _, ref := range patch.Parameters {
		parameter := ref.Value
		if how, err := parameter.SerializationMethod(); err == nil { // said or not
			parameter.Style, parameter.Explode = how.Style, &how.Explode
		}
		if i := slices.Index(d.parameters, parameter.Name); i >= 0 && i < len(at.parameters) && parameter.In == "path" {
			parameter.Name = at.parameters[i]
		}
	}
	return &reduced{info, asMap(patch), asMap(info.Spec.Components.Schemas)}, nil
}

// byMediaType returns a body's content with each media type in its one spelling, and without examples.
func byMediaType(content map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range sortedKeys(content) {
		kind, parameters, _ := mime.ParseMediaType(name)
		if strings.EqualFold(parameters["charset"], "utf-8") {
			delete(parameters, "charset") // JSON has no other
		}
		delete(object(content[name]), "examples") // which may refer to nothing
		out[cmp.Or(mime.FormatMediaType(kind, parameters), name)] = content[name]
	}
	return out
}

// maxValues is how much is compared. Composio's operation has less than a hundredth of that.
const maxValues = 50_000

// written returns v with what it refers to in the place of each reference, but for one in a circle of them. The
// schemas among the components are collected, so that such a reference leads somewhere. A reference to nothing stays.
func (d *document) written(v any, schemas map[string]any, within ...string) any {
	if list := slices.Clone(listOf(v)); list != nil {
		for i := range list {
			list[i] = d.written(list[i], schemas, within...)
		}
		return list
	}
	if d.values++; object(v) == nil || d.values > maxValues {
		return v
	}
	out := map[string]any{}
	for _, key := range sortedKeys(object(v)) {
		out[key] = d.written(object(v)[key], schemas, within...)
	}
	target, err := d.followed(v)
	ref, ok := out["$ref"].(string)
	if d.fault = cmp.Or(d.fault, err); !ok || err != nil {
		return out
	}
	token := strings.Split(ref+"///", "/")
	isSchema := token[1] != "components" || token[2] == "schemas"
	if name := jsonpointer.Unescape(token[3]); token[2] == "schemas" && schemas[name] == nil {
		schemas[name] = true // it is under way
		root := strings.Join(token[:4], "/")
		schemas[name] = d.written(object(object(d.root["components"])["schemas"])[name], schemas, root)
	}
	if delete(out, "$ref"); !isSchema || strings.HasPrefix(text(d.root["openapi"]), "3.0") {
		clear(out) // what stands beside a reference is ignored
	}
	if i := slices.Index(within, ref); i >= 0 {
		for _, each := range within[i:] {
			d.cyclic[each] = true
		}
	}
	whole := map[string]any{"$ref": ref}
	if !d.cyclic[ref] || !slices.ContainsFunc(within, func(each string) bool { return d.cyclic[each] }) {
		whole = object(d.written(target, schemas, append(slices.Clone(within), ref)...))
	} else if len(out) > 0 {
		whole = map[string]any{"allOf": []any{whole}}
	}
	if whole != nil && len(out) > 0 {
		whole["allOf"] = append(listOf(whole["allOf"]), out)
		if out["nullable"] == true { // which 3.1 does not have, but is there to be read
			whole["nullable"] = true
		}
	}
	return whole
}

// security returns what the operation asks of a caller, each scheme named by what it is and not by its name in the
// document. To ask for nothing is one alternative without a scheme.
func (d *document) security() []any {
	requirements, ok := d.operation["security"].([]any)
	if !ok {
		requirements = listOf(d.root["security"])
	}
	out := []any{}
	for _, entry := range requirements {
		requirement := map[string]any{}
		for name, scopes := range object(entry) {
			scheme, _ := d.followed(object(object(d.root["components"])["securitySchemes"])[name])
			kind, in, key := text(scheme["type"]), text(scheme["in"]), text(scheme["name"])
			switch {
			case kind == "apiKey" && in == "header":
				name = "header " + strings.ToLower(key)
			case kind == "apiKey":
				name = in + " " + key
			case kind == "http":
				name = "HTTP " + strings.ToLower(text(scheme["scheme"]))
			case scheme != nil:
				name = kind + " " + name
			}
			requirement[name] = scopes
		}
		if !slices.ContainsFunc(out, func(other any) bool { return byJSON[any](other, requirement) == 0 }) {
			out = append(out, requirement)
		}
	}
	if len(out) == 0 {
		out = append(out, map[string]any{})
	}
	return out
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
	data, _ := json.Marshal(v) // what came from JSON, or becomes it
	return string(data)
}

// asMap is v as its JSON has it.
func asMap(v any) (out map[string]any) {
	_ = json.Unmarshal([]byte(encoded(v)), &out) // nil if it is no object
	return out
}

func byJSON[T any](a, b T) int { return strings.Compare(encoded(a), encoded(b)) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
