package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// The one operation, whatever comes before it in the path and however its parameter is called.
const (
	method   = "patch"
	pathTail = "/connected_accounts/{}"
)

// The files of one comparison, in a directory of its own.
const (
	oursFile      = "ours.json"
	upstreamFile  = "upstream.json"
	foundFile     = "found.json" // changes that reducing takes away
	namesFile     = "names.json" // of our components
	diffFile      = "diff.json"  // what oasdiff diff says of the first two
	changelogFile = "changelog.json"
)

// reduce writes both documents to dir, reduced to the operation and in one form: equal bytes are the same contract.
func reduce(ours, upstream, dir string) error {
	a, err := load(ours)
	if err != nil {
		return err
	}
	b, err := load(upstream)
	if err != nil {
		return err
	}
	ourPlace, err := a.find("")
	if err != nil {
		return err
	}
	theirPlace, err := b.find(ourPlace.normal)
	if err != nil {
		return err
	}
	found := ourPlace.moved(theirPlace)
	ourReduced, err := a.reduce(ourPlace, ourPlace)
	if err != nil {
		return err
	}
	theirReduced, err := b.reduce(theirPlace, ourPlace)
	if err != nil {
		return err
	}
	files, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }()
	for name, content := range map[string]any{oursFile: ourReduced, upstreamFile: theirReduced, foundFile: found, namesFile: a.names()} {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return fmt.Errorf("%s holds a number that JSON does not have: %w", upstream, err)
		}
		if err := files.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// place is where a document has the operation.
type place struct {
	full      string // the key under "paths", after the path of the server's URL
	normal    string // full, with {} for each parameter
	item      map[string]any
	operation map[string]any
}

var parameterName = regexp.MustCompile(`\{([^{}]*)\}`)

func normalPath(path string) string { return parameterName.ReplaceAllString(path, "{}") }

// find looks the operation up, preferably under the path wanted.
func (d *document) find(wanted string) (place, error) {
	r := &reducer{document: d}
	paths := d.root["paths"].(map[string]any)
	var places []place
	others := ""
	for _, key := range sortedKeys(paths) {
		full := d.serverPath() + key
		normal := normalPath(full)
		if !strings.HasSuffix(normal, pathTail) {
			continue
		}
		item := r.object(paths[key], "path "+key)
		operation, ok := item[method].(map[string]any)
		if !ok {
			methods := slices.DeleteFunc(sortedKeys(item), func(name string) bool {
				return !slices.Contains([]string{"get", "put", "post", "delete", "head", "options", "trace"}, name)
			})
			others += fmt.Sprintf("; %s has %s alone", full, cmp.Or(strings.Join(methods, ", "), "nothing"))
			continue
		}
		places = append(places, place{full, normal, item, operation})
	}
	if r.err != nil {
		return place{}, r.err
	}
	if len(places) == 0 {
		return place{}, fmt.Errorf("%s lacks the operation: no PATCH …%s among its %d paths%s", d.from, pathTail, len(paths), others)
	}
	for _, p := range places {
		if p.normal == wanted {
			return p, nil
		}
	}
	return places[len(places)-1], nil // the newest version
}

// serverPath is the path of the document's first server, which comes before every path.
func (d *document) serverPath() string {
	urls := serverURLs(d.root["servers"])
	if len(urls) == 0 {
		return ""
	}
	u, err := url.Parse(urls[0])
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// serverURLs returns the URLs of a list of servers, with the defaults of their variables.
func serverURLs(servers any) []string {
	var urls []string
	list, _ := servers.([]any)
	for _, entry := range list {
		server, _ := entry.(map[string]any)
		address, _ := server["url"].(string)
		variables, _ := server["variables"].(map[string]any)
		for _, name := range sortedKeys(variables) {
			variable, _ := variables[name].(map[string]any)
			address = strings.ReplaceAll(address, "{"+name+"}", fmt.Sprint(variable["default"]))
		}
		if address != "" {
			urls = append(urls, address)
		}
	}
	return urls
}

// moved says what the reduced documents do not show: another path, and other names in it.
func (p place) moved(theirs place) []change {
	found := []change{}
	if p.normal != theirs.normal {
		found = append(found, change{
			Section: "path", Breaks: true,
			Verb: fmt.Sprintf("moved the operation from %s to %s; if that document describes another version of the API alone, give the one of this version", printable(p.full), printable(theirs.full)),
		})
	}
	a, b := p.parameters(), theirs.parameters()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			found = append(found, change{Section: "path", Verb: fmt.Sprintf("calls the parameter %s now %s, which nobody sees on the wire", printable(a[i]), printable(b[i]))})
		}
	}
	return found
}

func (p place) parameters() []string {
	var names []string
	for _, match := range parameterName.FindAllStringSubmatch(p.full, -1) {
		names = append(names, match[1])
	}
	return names
}

// reduce returns a document with the operation at p alone, as if it stood at the place at.
func (d *document) reduce(p, at place) (map[string]any, error) {
	r := &reducer{document: d, components: map[string]any{}, rename: map[string]string{}}
	theirs, ours := p.parameters(), at.parameters()
	for i := range min(len(theirs), len(ours)) {
		r.rename[theirs[i]] = ours[i]
	}
	operation := r.operation(p)
	r.addComponents()
	if r.err != nil {
		return nil, r.err
	}
	return map[string]any{
		"openapi":    "3.0.3",
		"info":       map[string]any{"title": "one operation", "version": "1"},
		"paths":      map[string]any{at.full: map[string]any{method: operation}},
		"components": map[string]any{"schemas": r.components},
	}, nil
}

// names returns the names of the document's components by their content, for messages.
func (d *document) names() map[string]string {
	r := &reducer{document: d, components: map[string]any{}}
	components, _ := d.root["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	names := map[string]string{}
	for _, name := range sortedKeys(schemas) {
		names[encoded(r.schema(schemas[name], nil))] = name
	}
	return names
}

// reducer builds one reduced document. The first thing that cannot be understood ends in err.
type reducer struct {
	*document
	rename     map[string]string // path parameters
	components map[string]any    // the schemas that hold themselves, which cannot be written out
	err        error
}

func (r *reducer) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", r.from, fmt.Errorf(format, args...))
	}
}

// object returns v, or what v refers to; what is for messages. It is never nil.
func (r *reducer) object(v any, what string) map[string]any {
	for range 32 { // references to references end some time
		object, ok := v.(map[string]any)
		if !ok {
			r.fail("the %s is not an object", what)
			return map[string]any{}
		}
		ref, ok := object["$ref"].(string)
		if !ok {
			return object
		}
		v = r.target(ref)
	}
	r.fail("the %s refers to itself", what)
	return map[string]any{}
}

// target returns what a reference points to.
func (r *reducer) target(ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		r.fail("it refers to %s, outside itself; bundle it into one document first", ref)
		return map[string]any{}
	}
	var v any = r.root
	for token := range strings.SplitSeq(pointer, "/") {
		if unescaped, err := url.PathUnescape(token); err == nil {
			token = unescaped
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		object, _ := v.(map[string]any)
		if v, ok = object[token]; !ok {
			r.fail("it refers to %s, which it does not have", ref)
			return map[string]any{}
		}
	}
	return v
}

func (r *reducer) operation(p place) map[string]any {
	op := p.operation
	out := map[string]any{"parameters": r.parameters(p), "responses": r.responses(op["responses"])}
	copyTrue(out, op, "deprecated")
	if id, ok := op["operationId"]; ok {
		out["operationId"] = id
	}
	if body, ok := op["requestBody"]; ok {
		out["requestBody"] = r.body(body, "request body")
	}
	if callbacks, ok := op["callbacks"].(map[string]any); ok && len(callbacks) > 0 {
		names := map[string]any{}
		for name := range callbacks {
			names[name] = map[string]any{} // that there is one is news enough
		}
		out["callbacks"] = names
	}
	if security := r.security(op); len(security) > 0 {
		out["security"] = security
	}
	if servers := r.servers(p); len(servers) > 0 {
		out["servers"] = servers
	}
	return out
}

// servers returns the operation's servers without what its full path has of their URLs.
func (r *reducer) servers(p place) []any {
	servers := r.root["servers"]
	for _, nearer := range []map[string]any{p.item, p.operation} {
		if own, ok := nearer["servers"]; ok {
			servers = own
		}
	}
	var out []any
	for _, address := range serverURLs(servers) {
		address = strings.TrimSuffix(strings.TrimSuffix(address, "/"), r.serverPath())
		out = append(out, map[string]any{"url": address})
	}
	return out
}

// security returns what the operation asks of a caller, each scheme named by what it is and not by its name in the
// document.
func (r *reducer) security(op map[string]any) []any {
	requirements, ok := op["security"].([]any)
	if !ok {
		requirements, _ = r.root["security"].([]any)
	}
	components, _ := r.root["components"].(map[string]any)
	schemes, _ := components["securitySchemes"].(map[string]any)
	var out []any
	for _, entry := range requirements {
		requirement := map[string]any{}
		required := r.object(entry, "security requirement")
		for _, name := range sortedKeys(required) {
			scopes := required[name]
			if scheme, ok := schemes[name]; ok {
				name = schemeName(name, r.object(scheme, "security scheme "+name))
			}
			requirement[name] = scopes
		}
		out = append(out, requirement)
	}
	return sortedSet(out)
}

func schemeName(name string, scheme map[string]any) string {
	switch scheme["type"] {
	case "apiKey":
		key := fmt.Sprint(scheme["name"])
		if scheme["in"] == "header" {
			key = strings.ToLower(key)
		}
		return fmt.Sprintf("%v %s", scheme["in"], key)
	case "http":
		return fmt.Sprintf("HTTP %v", scheme["scheme"])
	}
	return fmt.Sprintf("%v %s", scheme["type"], name)
}

// parameters returns those of the operation, and those of its path that it does not replace.
func (r *reducer) parameters(p place) []any {
	var names []string
	byName := map[string]any{}
	for _, list := range []any{p.item["parameters"], p.operation["parameters"]} {
		entries, _ := list.([]any)
		for _, entry := range entries {
			parameter := r.object(entry, "parameter")
			name, in := fmt.Sprint(parameter["name"]), fmt.Sprint(parameter["in"])
			if renamed, ok := r.rename[name]; ok && in == "path" {
				name = renamed
			}
			out := r.valued(parameter, "parameter "+name)
			out["name"], out["in"] = name, in
			names = append(names, in+" "+name)
			byName[in+" "+name] = out
		}
	}
	slices.Sort(names)
	list := []any{}
	for _, name := range slices.Compact(names) {
		list = append(list, byName[name])
	}
	return list
}

// valued reduces what parameters and headers have in common.
func (r *reducer) valued(v map[string]any, what string) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"required", "deprecated", "allowEmptyValue", "allowReserved"} {
		copyTrue(out, v, name)
	}
	usual := "simple"
	if v["in"] == "query" || v["in"] == "cookie" {
		usual = "form"
	}
	style, ok := v["style"].(string)
	if !ok {
		style = usual
	}
	if style != usual {
		out["style"] = style
	}
	if explode, ok := v["explode"].(bool); ok && explode != (style == "form") {
		out["explode"] = explode
	}
	if schema, ok := v["schema"]; ok {
		out["schema"] = r.schema(schema, nil)
	}
	if content, ok := v["content"]; ok {
		out["content"] = r.content(content, what)
	}
	return out
}

// body reduces a request body or an answer.
func (r *reducer) body(v any, what string) map[string]any {
	body := r.object(v, what)
	out := map[string]any{}
	copyTrue(out, body, "required")
	if content, ok := body["content"]; ok {
		out["content"] = r.content(content, what)
	}
	return out
}

func (r *reducer) content(v any, what string) map[string]any {
	out := map[string]any{}
	types := r.object(v, "content of the "+what)
	for _, mediaType := range sortedKeys(types) {
		media := map[string]any{}
		object := r.object(types[mediaType], mediaType+" of the "+what)
		if schema, ok := object["schema"]; ok {
			media["schema"] = r.schema(schema, nil)
		}
		if encoding, ok := object["encoding"].(map[string]any); ok && len(encoding) > 0 {
			media["encoding"] = encoding
		}
		out[mediaType] = media
	}
	return out
}

func (r *reducer) responses(v any) map[string]any {
	out := map[string]any{}
	answers := r.object(v, "list of answers")
	for _, status := range sortedKeys(answers) {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		what := "answer " + status
		answer := r.body(answers[status], what)
		answer["description"] = "" // which an answer must have
		headers, _ := r.object(answers[status], what)["headers"].(map[string]any)
		reduced := map[string]any{}
		for _, name := range sortedKeys(headers) {
			reduced[name] = r.valued(r.object(headers[name], "header "+name), "header "+name)
		}
		if len(reduced) > 0 {
			answer["headers"] = reduced
		}
		out[status] = answer
	}
	return out
}

// copyTrue copies a property that is false when it is absent.
func copyTrue(to, from map[string]any, name string) {
	if from[name] == true {
		to[name] = true
	}
}

// encoded is v in JSON, by which two values can be compared and ordered.
func encoded(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// sortedSet orders a list in which order and repetition mean nothing.
func sortedSet(list []any) []any {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(encoded(a), encoded(b)) })
	return slices.CompactFunc(list, func(a, b any) bool { return encoded(a) == encoded(b) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
