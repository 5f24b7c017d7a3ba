package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-openapi/jsonpointer"
)

// What cannot be compared ends with status 2, one sentence that says why, and what to run next.
func TestWhatCannotBeComparedIsSaidInASentence(t *testing.T) {
	t.Parallel()
	whole := string(asJSON(t, september(t)))
	asYAML := string(file(t, "testdata", "september.yaml"))
	changed := func(all ...edit) string {
		d := september(t)
		for _, e := range all {
			e.apply(t, d)
		}
		return string(asJSON(t, d))
	}
	doubling := september(t) // each of these schemas refers to the next one twice
	for i := range 16 {
		in(t, doubling, "schemas")[strconv.Itoa(i)] = tree{"properties": tree{"a": ref(strconv.Itoa(i + 1)), "b": ref(strconv.Itoa(i + 1))}}
	}
	in(t, doubling, "schemas")["16"], in(t, doubling, body+" properties")["alias"] = tree{}, ref("0")
	for _, c := range []struct{ name, document, want string }{
		{"nothing", "", "upstream is neither JSON nor YAML: yaml: construct errors: <unknown position>: yaml: no documents in stream"},
		{"a page", "<!doctype html><title>Sign in</title>", "upstream is not an OpenAPI document: it holds no object"},
		{"JSON that was cut short", whole[:len(whole)/2], "upstream is neither JSON nor YAML: line 1: jsontext: unexpected EOF"},
		{"JSON with a slip", "{\n\"openapi\": \"3.0.0\",\n\"paths\" {}\n}", "upstream is neither JSON nor YAML: line 3: jsontext: invalid character '{' after object name (expecting ':')"},
		{"JSON with something after it", whole + "\n{}", "upstream is neither JSON nor YAML: line 2: jsontext: invalid character '{' after top-level value"},
		{"JSON with a key twice", strings.Replace(whole, `"paths":`, `"paths":{},"paths":`, 1), `upstream is neither JSON nor YAML: line 1: jsontext: duplicate object member name "paths"`},
		{"JSON with a key twice in another operation", strings.Replace(whole, `"paths":{`, `"paths":{"/a":{"get":{"a":1,"a":1}},`, 1), `upstream is neither JSON nor YAML: line 1: jsontext: duplicate object member name "a" within "/paths/~1a/get"`},
		{"YAML with a slip", "openapi: 3.0.0\npaths:\n  a: [\n", "upstream is neither JSON nor YAML: go-yaml load error in parser (while parsing a flow node) at L4.C1: did not find expected node content"},
		{"two YAML documents", asYAML + "---\n" + asYAML, "upstream is neither JSON nor YAML: yaml: construct errors: <unknown position>: yaml: expected single document, found multiple"},
		{"YAML with something after its end", asYAML + "...\nmore", "upstream is neither JSON nor YAML: yaml: construct errors: <unknown position>: yaml: expected single document, found multiple"},
		{"YAML with a key twice", asYAML + "paths: {}\n", `upstream is neither JSON nor YAML: yaml: construct errors: line 118: mapping key "paths" already defined at line 6`},
		{"YAML with a status twice", "openapi: 3.0.0\npaths: {200: a, \"200\": b}", `upstream is neither JSON nor YAML: yaml: construct errors: line 2: mapping key "200" already defined at line 2`},
		{"another JSON document", `{"swagger":"2.0","paths":{}}`, "upstream is a Swagger 2.0 document, and not OpenAPI 3; convert it first"},
		{"no version", `{"paths":{}}`, `upstream is not an OpenAPI 3 document: its "openapi" is null`},
		{"a version to come", `{"openapi":"4.0.0","paths":{}}`, `upstream is not an OpenAPI 3 document: its "openapi" is 4.0.0`},
		{"no paths", `{"openapi":"3.1.0"}`, `upstream is not an OpenAPI document with operations: it has no "paths"`},
		{"no such path", changed(edit{"paths", operationPath, gone}, edit{"paths", "/api/v3/tools", tree{}}), "upstream lacks the operation: no PATCH …/connected_accounts/{} among its 1 paths"},
		{"another method", changed(edit{"paths " + operationPath, "patch", gone}, edit{"paths " + operationPath, "put", tree{}}, edit{"paths " + operationPath, "get", tree{}}),
			"upstream lacks the operation: no PATCH …/connected_accounts/{} among its 1 paths; /api/v3/connected_accounts/{nanoid} has get, put alone"},
		{"a reference to another file", changed(edit{body + " properties", "alias", tree{"$ref": "common.yaml#/Alias"}}), "upstream: it refers to common.yaml#/Alias, outside itself; bundle it into one document first"},
		{"a reference to nothing", changed(edit{body + " properties", "alias", ref("Alias")}), "upstream: it refers to #/components/schemas/Alias, which it does not have"},
		{"a parameter that refers to itself", changed(edit{"components", "parameters", tree{"P": tree{"$ref": "#/components/parameters/P"}}}, edit{"operation", "parameters", []any{tree{"$ref": "#/components/parameters/P"}}}), "upstream: the operation cannot be read: "},
		{"an answer that is no object", changed(edit{answers, "400", "text"}), "upstream: the operation cannot be read: "},
		{"a number that JSON lacks", strings.Replace(asYAML, "maxItems: 1000", "maxItems: .inf", 1), "upstream is neither JSON nor YAML: it holds a number or a key that JSON does not have"},
		{"a key that JSON lacks", asYAML + "x-a: {true: 1}\n", "upstream is neither JSON nor YAML: it holds a number or a key that JSON does not have"},
		{"references that double sixteen times", string(asJSON(t, doubling)), "upstream: the operation is too large to compare: with its references written out, it has more than 50000 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := compareDocuments(t, []byte(asYAML), []byte(c.document))
			sentence, next, _ := strings.Cut(strings.TrimPrefix(stderr, "upstream-diff: "), "\n")
			if !strings.HasPrefix(sentence, c.want) {
				t.Errorf("%s\nwant %s", sentence, c.want)
			}
			if status != exitFailed || stdout != "" || !strings.Contains(next, "Next: api/upstream-diff FILE|URL") {
				t.Errorf("status %d, standard output %q, then %q", status, stdout, next)
			}
		})
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	document := filepath.Join("testdata", "september.yaml")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, errUsage.Error()},
		{[]string{""}, errUsage.Error()},
		{[]string{document, document}, errUsage.Error()},
		{[]string{"--verbose", document}, "flag provided but not defined: -verbose; " + errUsage.Error()},
		{[]string{"--version", "latest", document}, "--version latest is not a version of the API, such as v3.1"},
		{[]string{filepath.Join("testdata", "none.json")}, "testdata/none.json cannot be read: no such file or directory"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(document, c.args, &stdout, &stderr)
		if got, _, _ := strings.Cut(stderr.String(), "\n"); status != exitFailed || got != "upstream-diff: "+c.want {
			t.Errorf("%q: status %d, %s", c.args, status, got)
		}
	}
}

func TestADocumentIsFetched(t *testing.T) {
	t.Parallel()
	document := september(t)
	document["servers"] = []any{tree{"url": "/"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/openapi.json" && r.URL.Query().Get("token") == "s3cret":
			_, _ = w.Write(asJSON(t, document))
		case r.URL.Path == "/endless":
			for block := bytes.Repeat([]byte(" "), 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		case r.URL.Path == "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	host := strings.TrimPrefix(gone.URL, "http://")
	for _, c := range []struct{ source, want string }{
		{server.URL + "/openapi.json?token=s3cret", ""},
		{server.URL + "/other?token=s3cret", server.URL + "/other cannot be fetched: the server answers 404 Not Found"},
		{server.URL + "/cut", server.URL + "/cut cannot be fetched: unexpected EOF"},
		{server.URL + "/endless", server.URL + "/endless cannot be fetched: it has more than 64 MiB"},
		{strings.Replace(server.URL, "http://", "http://user:s3cret@", 1) + "/openapi.json?token=s3cret", ""},
		{"HTTP://user:s3cret@" + host + "/a?token=s3cret", gone.URL + "/a cannot be fetched: dial tcp " + host + ": connect: connection refused"},
		{"http://user:s3cret@%zz/", "the URL is not a URL that can be fetched"},
		{"ftp://user:s3cret@host/a?token=s3cret", `ftp://host/a cannot be fetched: unsupported protocol scheme "ftp"`},
	} {
		var stdout, stderr bytes.Buffer
		run(filepath.Join("testdata", "september.yaml"), []string{c.source}, &stdout, &stderr)
		sentence, _, _ := strings.Cut(stderr.String(), "\n")
		if got := strings.TrimPrefix(sentence, "upstream-diff: "); got != c.want {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
		if told := paragraphs(stdout.String(), titleAdds); c.want == "" && (len(told) != 1 || told[0] != "servers: Composio added the server "+server.URL) {
			t.Errorf("a server named by its path is that of the document: %v", told)
		}
	}
}

// Whatever a document holds in some place, it is compared or refused in a sentence.
func TestNoDocumentMakesTheCommandPanic(t *testing.T) {
	t.Parallel()
	small := september(t)
	for _, status := range []string{"401", "403", "404", "409", "500"} {
		delete(in(t, small, answers), status)
	}
	whole := asJSON(t, small)
	var places []string
	var walk func(v any, place string)
	walk = func(v any, place string) {
		places = append(places, place)
		for _, key := range sortedKeys(object(v)) {
			walk(object(v)[key], place+"/"+jsonpointer.Escape(key))
		}
		for i, each := range listOf(v) {
			walk(each, place+"/"+strconv.Itoa(i))
		}
	}
	walk(parsed(t, whole), "")
	for i, place := range places[1:] {
		for j, odd := range []any{nil, "text", 7, false, []any{}, []any{nil}, []any{[]any{"a"}}, tree{}, tree{"a": nil}, tree{"$ref": 7}, tree{"$ref": "#/paths"}, ref("Error")} {
			if (5*i+j)%36 != 0 {
				continue // every third place meets one of these
			}
			pointer, wrong := jsonpointer.New(place)
			changed, err := pointer.Set(parsed(t, whole), odd)
			if err := errors.Join(wrong, err); err != nil {
				t.Fatal(err)
			}
			if _, stderr, _ := compareDocuments(t, whole, asJSON(t, changed)); strings.Contains(stderr, "does not understand") {
				t.Errorf("%v instead of %s: %s", odd, place, stderr)
			}
		}
	}
}
