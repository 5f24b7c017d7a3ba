package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What cannot be compared ends with status 2, one sentence that says why, and what to run next.
func TestWhatCannotBeComparedIsSaidInASentence(t *testing.T) {
	t.Parallel()
	whole := string(asJSON(t, september(t)))
	changed := func(edits ...edit) string {
		d := september(t)
		for _, e := range edits {
			e.apply(t, d)
		}
		return string(asJSON(t, d))
	}
	for _, c := range []struct{ name, document, want string }{
		{"nothing", "", "upstream is not an OpenAPI document: it holds no object"},
		{"a page", "<!doctype html><title>Sign in</title>", "upstream is not an OpenAPI document: it holds no object"},
		{"JSON that was cut short", whole[:len(whole)/2], "upstream is neither JSON nor YAML: line 1: unexpected end of JSON input"},
		{"JSON with a slip", "{\n\"openapi\": \"3.0.0\",\n\"paths\" {}\n}", "upstream is neither JSON nor YAML: line 3: invalid character '{' after object key"},
		{"YAML with a slip", "openapi: 3.0.0\npaths:\n  a: [\n", "upstream is neither JSON nor YAML: yaml: line 3: did not find expected node content"},
		{"another JSON document", `{"swagger":"2.0","paths":{}}`, "upstream is a Swagger 2.0 document, and not OpenAPI 3; convert it first"},
		{"no version", `{"paths":{}}`, `upstream is not an OpenAPI 3 document: its "openapi" is missing`},
		{"a version to come", `{"openapi":"4.0.0","paths":{}}`, `upstream is not an OpenAPI 3 document: its "openapi" is 4.0.0`},
		{"no paths", `{"openapi":"3.1.0"}`, `upstream is not an OpenAPI document with operations: it has no "paths"`},
		{"no such path", changed(edit{"paths", operationPath, gone}, edit{"paths", "/api/v3/tools", tree{}}), "upstream lacks the operation: no PATCH …/connected_accounts/{} among its 1 paths"},
		{"another method", changed(edit{"paths " + operationPath, "patch", gone}, edit{"paths " + operationPath, "put", tree{}}, edit{"paths " + operationPath, "get", tree{}}),
			"upstream lacks the operation: no PATCH …/connected_accounts/{} among its 1 paths; /api/v3/connected_accounts/{nanoid} has get, put alone"},
		{"a reference to another file", changed(edit{body + " properties", "alias", tree{"$ref": "common.yaml#/Alias"}}), "upstream: it refers to common.yaml#/Alias, outside itself; bundle it into one document first"},
		{"a reference to nothing", changed(edit{body + " properties", "alias", ref("Alias")}), "upstream: it refers to #/components/schemas/Alias, which it does not have"},
		{"a parameter that refers to itself", changed(edit{"components", "parameters", tree{"P": tree{"$ref": "#/components/parameters/P"}}}, edit{"operation", "parameters", []any{tree{"$ref": "#/components/parameters/P"}}}), "upstream: the parameter refers to itself"},
		{"an answer that is no object", changed(edit{answers, "400", "text"}), "upstream: the answer 400 is not an object"},
		{"a number that JSON lacks", strings.Replace(string(file(t, "testdata", "september.yaml")), "maxItems: 1000", "maxItems: .inf", 1), "upstream holds a number that JSON does not have: json: unsupported value: +Inf"},
		{"a schema that is none", changed(edit{body + " properties", "alias", 1.0}), "upstream: a schema is neither an object nor true or false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := compareDocuments(t, file(t, "testdata", "september.yaml"), []byte(c.document))
			sentence, next, _ := strings.Cut(strings.TrimPrefix(stderr, "upstream-diff: "), "\n")
			if diff := cmp.Diff(c.want, sentence); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if status != exitFailed || stdout != "" || !strings.Contains(next, "Next: api/upstream-diff FILE|URL") {
				t.Errorf("status %d, standard output %q, then %q", status, stdout, next)
			}
		})
	}
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	ours := filepath.Join("testdata", "september.yaml")
	if status := run([]string{"reduce", ours, filepath.Join("testdata", "none.json"), t.TempDir()}, &stdout, &stderr); status != exitFailed {
		t.Errorf("status %d", status)
	}
	if got, _, _ := strings.Cut(stderr.String(), "\n"); got != "upstream-diff: testdata/none.json cannot be read: no such file or directory" {
		t.Error(got)
	}
}

func TestADocumentIsFetched(t *testing.T) {
	t.Parallel()
	document := file(t, "testdata", "september.yaml")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/openapi.json" && r.URL.Query().Get("token") == "s3cret":
			_, _ = w.Write(document)
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
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	gone := httptest.NewServer(nil)
	gone.Close()

	dir := t.TempDir()
	ours := filepath.Join("testdata", "september.yaml")
	if err := reduce(ours, server.URL+"/openapi.json?token=s3cret", dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(file(t, dir, oursFile)), string(file(t, dir, upstreamFile))); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ source, want string }{
		{server.URL + "/other?token=s3cret", server.URL + "/other cannot be fetched: the server answers 404 Not Found"},
		{server.URL + "/cut", server.URL + "/cut cannot be fetched: unexpected EOF"},
		{server.URL + "/endless", server.URL + "/endless has more than 16 MiB"},
		{gone.URL + "/a?token=s3cret", gone.URL + "/a cannot be fetched: dial tcp " + strings.TrimPrefix(gone.URL, "http://") + ": connect: connection refused"},
		{"http://user:s3cret@%zz/", "the URL is not a URL that can be fetched"},
	} {
		if err := reduce(ours, c.source, dir); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.source, err, c.want)
		}
	}
}

func TestWhatYAMLHasBeyondJSONBecomesJSON(t *testing.T) {
	t.Parallel()
	v, err := parse([]byte("a: 2026-04-01\nb: 2026-04-01T10:20:30Z\nc: &x [0x10, 1e3, yes]\nd: *x\n200: {true: null}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"200":{"true":null},"a":"2026-04-01","b":"2026-04-01T10:20:30Z","c":[16,1000,"yes"],"d":[16,1000,"yes"]}`
	if diff := cmp.Diff(want, string(asJSON(t, v))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
