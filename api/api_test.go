package api_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.uber.org/goleak"

	"example.com/composio/api"
)

// The document is valid, and each of its examples, of requests and of answers, is what its schema says.
func TestDocumentAndItsExamplesAreValid(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

// A component without a description, or a property of one, would leave the reader of the generated code alone with a name.
func TestEverythingIsDescribed(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range document.Components.Schemas {
		if schema.Value.Description == "" {
			t.Errorf("schema %s has no description", name)
		}
		for property, ref := range schema.Value.Properties {
			if ref.Value.Description == "" {
				t.Errorf("property %s of schema %s has no description", property, name)
			}
			if ref.Ref == "" && (ref.Value.Type.Is("object") || len(ref.Value.Enum) > 0) {
				t.Errorf("property %s of schema %s is an object or an enum, and not a named component", property, name)
			}
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
