package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/api"
)

const (
	update  = "wrapper/update.go, wrapper/sandbox/update.go, wrapper/sandbox/changes.go, wrapper/cmd/composio-patch/row.go and gen/request_test.go"
	schemes = "wrapper/credentials.go, wrapper/update.go, wrapper/sandbox/update.go and wrapper/cmd/composio-patch/row.go"
	sharing = "wrapper/update.go, wrapper/sandbox/update.go and wrapper/cmd/composio-patch/row.go"
	errors  = "wrapper/envelope.go, wrapper/sandbox/respond.go and wrapper/contract/handler.go"
)

// handled are the properties that hand-written code uses by their Go names, the forms that it takes them for, and where it
// is. A property that is not here may be added in any form, and everything still compiles.
var handled = []struct{ schema, property, form, files string }{
	{"PatchConnectedAccountBody", "alias", "string", update},
	{"PatchConnectedAccountBody", "connection", "ConnectionPatch", update},
	{"PatchConnectedAccountBody", "experimental", "ExperimentalPatch", update},
	{"ConnectionPatch", "state", "ConnectionStatePatch, required", schemes},
	{"ConnectionStatePatch", "authScheme", "AuthScheme, required", schemes},
	{"ConnectionStatePatch", "val", "CredentialPatch, required", schemes},
	{"CredentialPatch", "token", "string or null", schemes},
	{"CredentialPatch", "generic_api_key", "string or null", schemes},
	{"CredentialPatch", "api_key", "string or null", schemes},
	{"CredentialPatch", "bearer_token", "string or null", schemes},
	{"CredentialPatch", "basic_encoded", "string or null", schemes},
	{"CredentialPatch", "username", "string or null", schemes},
	{"CredentialPatch", "password", "string or null", schemes},
	{"CredentialPatch", "credentials_json", "string or null", schemes},
	{"CredentialPatch", "application_id", "string or null", schemes},
	{"CredentialPatch", "installation_id", "string or null", schemes},
	{"CredentialPatch", "private_key", "string or null", schemes},
	{"ExperimentalPatch", "acl_config_for_shared", "SharedAccountACL", sharing},
	{"SharedAccountACL", "allow_all_users", "boolean", sharing},
	{"SharedAccountACL", "allowed_user_ids", "array of string", sharing},
	{"SharedAccountACL", "not_allowed_user_ids", "array of string", sharing},
	{"ErrorDetail", "message", "string, required", errors},
	{"ErrorDetail", "code", "number, required", errors},
	{"ErrorDetail", "slug", "string, required", errors},
	{"ErrorDetail", "status", "number, required", errors},
	{"ErrorDetail", "request_id", "string", errors},
	{"ErrorDetail", "suggested_fix", "string", errors},
	{"ErrorDetail", "errors", "array of string", errors},
}

// What would be a compile error in wrapper, which keeps wrapper's own tests from running, is a sentence here. make generate
// runs it.
func TestHandWrittenCodeFitsTheDocument(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range handled {
		schema := document.Components.Schemas[is.schema]
		if schema == nil || schema.Value.Properties[is.property] == nil {
			t.Errorf("the document has no property %s of %s any more: take it out of %s, and out of handled in api/types_test.go", is.property, is.schema, is.files)
			continue
		}
		if got := form(schema.Value, is.property); got != is.form {
			t.Errorf("%s of %s is %q in the document, and the code takes %q: change %s, and then handled in api/types_test.go", is.property, is.schema, got, is.form, is.files)
		}
	}
	generated, err := os.ReadFile("../gen/client.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	for code := range strings.SplitSeq(string(generated), "\n}\n") {
		properties := map[string]string{} // of a type, by their names in Go
		for _, field := range regexp.MustCompile("(?m)^\t(\\w+) .*`json:\"([^\",]+)").FindAllStringSubmatch(code, -1) {
			if other := properties[field[1]]; other != "" {
				t.Errorf("%s and %s are both %s in Go: give one of them another name, as x-go-name, in api/go.overlay.yaml", other, field[2], field[1])
			}
			properties[field[1]] = field[2]
		}
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				if p.Value.In == "path" && !p.Value.Schema.Value.Type.Is("string") {
					t.Errorf("the path parameter %s is of type %v in the document, and the code takes string: change wrapper/client.go, wrapper/exchange.go and gen/request_test.go, and then api/types_test.go", p.Value.Name, p.Value.Schema.Value.Type)
				}
			}
			if operation.OperationID != "patchConnectedAccountsByNanoid" {
				t.Errorf("%s %s is the operation %q: the generated functions are called so, in wrapper/exchange.go, wrapper/sandbox/server.go and gen/request_test.go; change them, and then api/types_test.go", method, path, operation.OperationID)
			}
		}
	}
}

// form says what Go code sees of a property. In an answer's error an enum is a text, and an integer a number; null is a state
// of credentials alone.
func form(of *openapi3.Schema, property string) string {
	ref := of.Properties[property]
	name, schema := ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:], ref.Value
	if name == "" {
		name = strings.Join(schema.Type.Slice(), "|")
		switch {
		case of.Properties["slug"] != nil && name == "integer":
			name = "number"
		case of.Properties["slug"] == nil && len(schema.Enum) > 0:
			name += " with an enum"
		case name == "":
			name = "of any type"
		}
		if items := schema.Items; items != nil {
			name += " of " + strings.Join(items.Value.Type.Slice(), "|") + items.Ref
		}
	}
	if schema.Nullable && of.Properties["token"] != nil {
		name += " or null"
	}
	for _, required := range of.Required {
		if required == property {
			name += ", required"
		}
	}
	return name
}
