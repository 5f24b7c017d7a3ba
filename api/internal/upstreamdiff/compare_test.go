package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compareDocuments does what api/upstream-diff does with two documents, and returns what it prints and its status.
func compareDocuments(t *testing.T, ours, upstream []byte, flags ...string) (stdout, stderr string, status int) {
	t.Helper()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "ours"), filepath.Join(dir, "upstream")
	for path, data := range map[string][]byte{a: ours, b: upstream} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, complaint bytes.Buffer
	status = run(a, append(flags, b), &out, &complaint)
	return out.String(), strings.ReplaceAll(complaint.String(), dir+"/", ""), status
}

func file(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// tree is a document that a test changes.
type tree = map[string]any

func parsed(t *testing.T, data []byte) tree {
	t.Helper()
	v, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return v.(tree)
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func september(t *testing.T) tree { return parsed(t, file(t, "testdata", "september.yaml")) }

const operationPath = "/api/v3/connected_accounts/{nanoid}"

// in returns the object of a document at a path of keys; "operation" and "schemas" stand for the paths to these.
func in(t *testing.T, d tree, path string) tree {
	t.Helper()
	for _, key := range strings.Fields(path) {
		keys := []string{key}
		switch key {
		case "operation":
			keys = []string{"paths", operationPath, "patch"}
		case "schemas":
			keys = []string{"components", "schemas"}
		}
		for _, key := range keys {
			next, ok := d[key].(tree)
			if !ok {
				t.Fatalf("the test's document has no %s in %s", key, path)
			}
			d = next
		}
	}
	return d
}

// edit is one change to a document: a property set, or with gone removed.
type edit struct {
	path, key string
	value     any
}

type edits []edit

type says []string

type removed struct{}

var gone removed

func (e edit) apply(t *testing.T, d tree) {
	t.Helper()
	object := in(t, d, e.path)
	if e.value == gone {
		if _, ok := object[e.key]; !ok {
			t.Fatalf("the test's document has no %s in %s to remove", e.key, e.path)
		}
		delete(object, e.key)
		return
	}
	object[e.key] = e.value
}

// Places in the documents of the tests.
const (
	body     = "schemas PatchConnectedAccountBody"
	alias    = body + " properties alias"
	schemes  = "schemas AuthScheme"
	val      = "schemas CredentialPatch"
	token    = val + " properties token"
	userIDs  = "schemas SharedAccountACL properties allowed_user_ids"
	result   = "schemas PatchConnectedAccountResponse"
	state    = result + " properties status"
	failure  = "schemas Error properties error"
	code     = failure + " properties code"
	answers  = "operation responses"
	requests = "operation requestBody content"
)

func jsonOf(schema any) tree { return tree{"application/json": tree{"schema": schema}} }

func ref(name string) tree { return tree{"$ref": "#/components/schemas/" + name} }

// Each case is a change of Composio's, against the document of September, and what is said of it: what breaks, and what is added.
var changesOfComposio = []struct {
	name         string
	edits        edits
	breaks, adds says
}{
	{"a property of the request dropped", edits{{body + " properties", "alias", gone}}, says{"request body: Composio dropped the property alias"}, nil},
	{"properties of a closed object dropped are one paragraph", edits{{val + " properties", "token", gone}, {val + " properties", "api_key", gone}}, says{"request body, connection.state.val: Composio dropped the properties api_key and token, and refuses what the object does not name"}, nil},
	{"properties dropped that concern different files", edits{{body + " properties", "alias", gone}, {body + " properties", "experimental", gone}}, says{"request body: Composio dropped the property alias", "request body: Composio dropped the property experimental"}, nil},
	{"an optional property of the request added", edits{{val + " properties", "otp_seed", tree{"type": "string", "nullable": true}}}, nil, says{"request body, connection.state.val: Composio added the optional property otp_seed: {nullable: true, type: string}"}},
	{"a required property of the request added", edits{{body + " properties", "labels", tree{"type": "array", "items": tree{"type": "string"}}}, {body, "required", []any{"labels"}}}, says{"request body: Composio now requires the new property labels: {items: {type: string}, type: array}"}, nil},
	{"a property of the request required", edits{{body, "required", []any{"alias"}}}, says{"request body: Composio now requires the property alias"}, nil},
	{"a property of the request no longer required", edits{{body + " properties connection", "required", gone}}, nil, says{"request body, connection: Composio no longer requires the property state"}},
	{"an object of the request closed", edits{{body, "additionalProperties", false}}, says{"request body: Composio closed the object: it now refuses properties that are not named"}, nil},
	{"an object of the request opened", edits{{val, "additionalProperties", gone}}, nil, says{"request body, connection.state.val: Composio opened the object: it now takes properties that are not named"}},
	{"other properties given a schema", edits{{body, "additionalProperties", tree{"type": "string"}}, {result, "additionalProperties", tree{"type": "string"}}}, says{"request body: Composio added additionalProperties: {type: string}"}, says{"answer 200: Composio added additionalProperties: {type: string}"}},
	{"a value of the request taken away, and one added", edits{{schemes, "enum", []any{"BEARER_TOKEN", "API_KEY", "BASIC", "BASIC_WITH_JWT", "GOOGLE_SERVICE_ACCOUNT", "S2S"}}}, says{"request body, connection.state.authScheme: Composio no longer takes the value SERVICE_ACCOUNT"}, says{"request body, connection.state.authScheme: Composio now takes the value S2S"}},
	{"values of the request listed", edits{{alias, "enum", []any{"work", "home"}}}, says{"request body, alias: Composio now takes nothing but [home, work]"}, nil},
	{"null in the request taken away, and allowed", edits{{token, "nullable", gone}, {alias, "nullable", true}}, says{"request body, connection.state.val.token: Composio no longer takes null"}, says{"request body, alias: Composio now takes null"}},
	{"a type added", edits{{alias, "type", []any{"string", "integer"}}, {state, "type", []any{"string", "number"}}}, says{"answer 200, status: Composio may now also answer the type number"}, says{"request body, alias: Composio now also takes the type integer"}},
	{"a bound in the request tightened, and one loosened", edits{{userIDs, "maxItems", 500.0}, {userIDs + " items", "minLength", gone}}, says{"request body, experimental.acl_config_for_shared.allowed_user_ids: Composio changed maxItems from 1000 to 500, and so takes less"}, says{"request body, experimental.acl_config_for_shared.allowed_user_ids[]: Composio changed minLength from 1 to 0, and so takes more"}},
	{"a bound or a pattern in the request set, and one dropped", edits{{alias, "maxLength", 64.0}, {token, "pattern", "^[a-z]+$"}, {userIDs, "maxItems", gone}}, says{"request body, alias: Composio added maxLength 64, and so takes less", "request body, connection.state.val.token: Composio added pattern ^[a-z]+$, and so takes less"}, says{"request body, experimental.acl_config_for_shared.allowed_user_ids: Composio dropped maxItems 1000, and so takes more"}},
	{"defaults, one of several lines", edits{{alias, "default", "main\n::error::forged"}, {token, "default", "main"}}, nil, says{`request body, alias: Composio added default "main\n::error::forged"`, "request body, connection.state.val.token: Composio added default main"}},
	{"a long list of values", edits{{state, "enum", []any{"ACTIVE", "INITIALIZING", "INITIATED", "EXPIRED", "FAILED", "INACTIVE", "REVOKED", "PENDING_REMOVAL", "UNKNOWN", "WAITING_FOR_USER"}}}, nil, says{"answer 200, status: Composio now answers nothing but [ACTIVE, EXPIRED, FAILED, INACTIVE, INITIALIZING, INITIATED, PENDING_REMOVAL, REVOKED, UNKNOWN, WAITING_FOR_USER]"}},
	{"a property of the request read-only, which oasdiff warns of", edits{{alias, "readOnly", true}}, says{"request body, alias: Composio added readOnly true"}, nil},
	{"a property deprecated, itself or a part of it", edits{{alias, "deprecated", true}, {state, "allOf", []any{tree{"deprecated": true}}}}, nil, says{"request body, alias: Composio now calls it deprecated", "answer 200, status: Composio now calls it deprecated"}},
	{"alternatives in the request", edits{{alias, "anyOf", []any{tree{"minLength": 3.0}, tree{"maxLength": 1.0}}}}, says{"request body, alias: Composio added anyOf alternative: {maxLength: 1}", "request body, alias: Composio added anyOf alternative: {minLength: 3}"}, nil},
	{"something forbidden in the request, of which oasdiff's changelog says nothing", edits{{alias, "not", tree{"enum": []any{"default"}}}}, says{"request body, alias: Composio added not: {enum: [default], type: string}"}, nil},
	{"a keyword that nobody knows", edits{{alias, "frobnicate", true}}, says{"request body, alias: Composio added the keyword frobnicate"}, nil},
	{"the request's media type", edits{{"operation requestBody", "content", tree{"application/merge-patch+json": tree{"schema": ref("PatchConnectedAccountBody")}}}}, says{"request body: Composio changed the media type from application/json to application/merge-patch+json"}, nil},
	{"another media type of the request", edits{{requests, "application/x-www-form-urlencoded", tree{}}}, nil, says{"request body: Composio now also takes the media type application/x-www-form-urlencoded"}},
	{"a body that must be sent", edits{{"operation requestBody", "required", true}}, says{"request body: Composio now requires it"}, nil},
	{"the request's body dropped", edits{{"operation", "requestBody", gone}}, says{"request body: Composio dropped it"}, nil},
	{"a property of an answer dropped", edits{{result + " properties", "status", gone}, {result, "required", []any{"success", "id"}}}, says{"answer 200: Composio dropped the property status"}, nil},
	{"a property of an answer added", edits{{result + " properties", "alias", tree{"type": "string"}}, {result, "required", []any{"success", "id", "status", "alias"}}}, nil, says{"answer 200: Composio added the property alias: {type: string}"}},
	{"a property of an answer that may be missing", edits{{result, "required", []any{"success", "id"}}}, says{"answer 200: Composio may now leave out the property status"}, nil},
	{"a property of an answer that is always there", edits{{failure, "required", []any{"message", "code", "slug", "status", "request_id"}}}, nil, says{"answers 400, 401, 403, 404, 409 and 500, error: Composio now always sends the property request_id"}},
	{"a type in every error answer is one paragraph", edits{{code, "type", "string"}}, says{"answers 400, 401, 403, 404, 409 and 500, error.code: Composio changed the type from number to string"}, nil},
	{"a status dropped", edits{{answers, "409", gone}}, says{"answers: Composio dropped the answer 409"}, nil},
	{"statuses added", edits{{answers, "429", tree{"description": "Wait.", "content": jsonOf(ref("Error"))}}, {answers, "422", tree{"description": "No.", "content": jsonOf(ref("Error"))}}, {answers, "502", tree{"description": "Gone."}}}, nil, says{"answers: Composio added the answers 422 and 429: the same schema as Error", "answers: Composio added the answer 502, without a body"}},
	{"another success, which the client would have to understand", edits{{answers, "202", tree{"description": "Later."}}}, says{"answers: Composio added the answer 202, without a body"}, nil},
	{"an answer without its body, and one with a header", edits{{answers + " 404", "content", gone}, {answers + " 200", "headers", tree{"x-request-id": tree{"schema": tree{"type": "string"}}}}}, says{"answer 404: Composio no longer answers the media type application/json"}, says{"answer 200: Composio added the header x-request-id"}},
	{"required parameters, whatever else has their names, and one of the path's", edits{{"operation", "parameters", []any{idParameter(tree{}), parameter("X-Project", "query", false), parameter("X-Project", "header", true), parameter("dry_run", "query", true), parameter("dry_run", "header", false)}}, {"paths " + operationPath, "parameters", []any{parameter("x-org", "header", true)}}}, says{"parameters: Composio now requires the new header parameters x-project and x-org", "parameters: Composio now requires the new query parameter dry_run"}, says{"parameters: Composio added the optional header parameter dry_run", "parameters: Composio added the optional query parameter X-Project"}},
	{"the id's schema", edits{{"operation", "parameters", []any{idParameter(tree{"maxLength": 20.0})}}}, says{"parameter nanoid: Composio added maxLength 20, and so takes less"}, nil},
	{"another header for the key", edits{{"components securitySchemes ApiKeyAuth", "name", "authorization"}}, says{"security: Composio no longer takes requests with header x-api-key"}, says{"security: Composio now also takes requests with header authorization"}},
	{"a second key beside the first", edits{{"components securitySchemes", "Org", tree{"type": "apiKey", "in": "header", "name": "x-org-key"}}, {"operation", "security", []any{tree{"ApiKeyAuth": []any{}, "Org": []any{}}}}}, says{"security: Composio no longer takes requests with header x-api-key"}, says{"security: Composio now also takes requests with header x-api-key AND header x-org-key"}},
	{"another way to sign in", edits{{"components securitySchemes", "Token", tree{"type": "http", "scheme": "bearer"}}, {"operation", "security", []any{tree{"ApiKeyAuth": []any{}}, tree{"Token": []any{}}}}}, nil, says{"security: Composio now also takes requests with HTTP bearer"}},
	{"a key that must be allowed more", edits{{"operation", "security", []any{tree{"ApiKeyAuth": []any{"write"}}}}}, says{"security: Composio now asks for header x-api-key with the scopes [write]"}, nil},
	{"no key at all", edits{{"operation", "security", gone}}, nil, says{"security: Composio now also takes requests without credentials"}},
	{"the operation renamed and deprecated", edits{{"operation", "operationId", "updateConnectedAccount"}, {"operation", "deprecated", true}}, nil, says{"operation: Composio now calls it deprecated", "operation: Composio now calls the operation updateConnectedAccount, and no longer patchConnectedAccountsByNanoid"}},
	{"a schema that holds itself, with prose beside the reference", edits{{"", "openapi", "3.1.0"}, {"schemas", "Tree", tree{"type": "object", "properties": tree{"below": tree{"$ref": "#/components/schemas/Tree", "description": "D"}, "leaf": tree{"type": "string"}}}}, {body + " properties", "tree", ref("Tree")}}, nil, says{"request body: Composio added the optional property tree: {properties: {below: {$ref: '#/components/schemas/Tree'}, leaf: {type: string}}, type: object}"}},
	{"no credentials asked for", edits{{"operation", "security", []any{}}}, nil, says{"security: Composio now also takes requests without credentials"}},
	{"credentials that may be left out", edits{{"operation", "security", []any{tree{}, tree{"ApiKeyAuth": []any{}}}}}, nil, says{"security: Composio now also takes requests without credentials"}},
	{"one property required by another", edits{{"", "openapi", "3.1.0"}, {val, "dependentRequired", tree{"token": []any{"api_key"}}}}, says{"request body, connection.state.val (where token is): Composio now requires the property api_key"}, nil},
	{"the wrapper's server twice, of which the first counts", edits{{"", "servers", []any{tree{"url": "https://backend.composio.dev"}, tree{"url": "https://backend.composio.dev/api/v3"}}}}, nil, says{"servers: Composio added the server https://backend.composio.dev/api/v3"}},
	{"the wrapper's server kept beside another", edits{{"", "servers", []any{tree{"url": "https://eu.composio.dev"}, tree{"url": "https://Backend.composio.dev:443/"}}}}, nil, says{"servers: Composio added the server https://eu.composio.dev"}},
	{"no server at all", edits{{"", "servers", gone}}, says{"servers: Composio dropped the server https://backend.composio.dev, which the wrapper calls"}, nil},
	{"other properties of a closed object with a type", edits{{val, "additionalProperties", tree{"type": "string"}}}, nil, says{"request body, connection.state.val: Composio opened the object: it now takes properties that are not named: {type: string}"}},
	{"a scalar that becomes a list", edits{{alias, "type", "array"}, {alias, "items", tree{"type": "string"}}}, says{"request body, alias: Composio changed the type from string to array: {items: {type: string}, type: array}"}, nil},
	{"null and a value of an enum at once", edits{{schemes, "nullable", true}, {schemes, "enum", []any{"BEARER_TOKEN", "API_KEY", "BASIC", "BASIC_WITH_JWT", "GOOGLE_SERVICE_ACCOUNT", "SERVICE_ACCOUNT", nil}}}, nil, says{"request body, connection.state.authScheme: Composio now takes null"}},
	{"no credentials, and others", edits{{"components securitySchemes", "Token", tree{"type": "http", "scheme": "Bearer"}}, {"operation", "security", []any{tree{"Token": []any{}}, tree{}}}}, nil, says{"security: Composio now also takes requests with HTTP bearer", "security: Composio now also takes requests without credentials"}},
	{"what has no name", edits{{"operation", "operationId", gone}, {"", "servers", []any{tree{"url": "/"}}}, {val + " properties", "a\x00b", tree{}}}, says{"servers: Composio dropped the server https://backend.composio.dev, which the wrapper calls"}, says{"servers: Composio added the server /", "operation: Composio now calls the operation nothing, and no longer patchConnectedAccountsByNanoid", "request body, connection.state.val: Composio added the optional property a\ufffdb: {}"}},
	{"any type", edits{{token, "type", gone}, {state, "type", gone}}, says{"answer 200, status: Composio may now answer any type, and not only string"}, says{"request body, connection.state.val.token: Composio now takes any type, and not only string"}},
	{"no difference", nil, nil, nil},
}

func parameter(name, in string, required bool) tree {
	return tree{"name": name, "in": in, "required": required, "schema": tree{"type": "string"}}
}

func idParameter(more tree) tree {
	schema := tree{"type": "string", "format": "connectedAccountId"}
	for key, value := range more {
		schema[key] = value
	}
	return tree{"name": "nanoid", "in": "path", "required": true, "schema": schema}
}

func TestEachChangeIsSaidWithItsDirectionAndJudged(t *testing.T) {
	t.Parallel()
	ours := file(t, "testdata", "september.yaml")
	for _, c := range changesOfComposio {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			upstream := september(t)
			for _, e := range c.edits {
				e.apply(t, upstream)
			}
			report, stderr, status := compareDocuments(t, ours, asJSON(t, upstream))
			if diff := cmp.Diff([]says{c.breaks, c.adds}, []says{paragraphs(report, titleBreaks), paragraphs(report, titleAdds)}); diff != "" || stderr != "" {
				t.Errorf("what breaks, and what is added (-want +got):\n%s%s", diff, stderr)
			}
			if want := min(len(c.breaks), 1); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			if none := strings.HasPrefix(report, "No difference"); none != (c.edits == nil) || !strings.Contains(report, "\nNext:") {
				t.Errorf("it does not begin and end as it should:\n%s", report)
			}
		})
	}
}

// paragraphs returns what a report lists under one title, each paragraph in one line and without the files.
func paragraphs(report, title string) []string {
	_, list, _ := strings.Cut(report, "\n"+title+":\n")
	var all []string
	for _, paragraph := range strings.Split(list, "\n\n") {
		text, ok := strings.CutPrefix(strings.TrimPrefix(paragraph, "\n"), "- ")
		if !ok {
			break
		}
		text, _, _ = strings.Cut(text, "\n  -> ")
		all = append(all, strings.Join(strings.Fields(text), " "))
	}
	return all
}
