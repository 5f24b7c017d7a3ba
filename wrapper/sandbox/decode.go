package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// controlSpec is the OpenAPI document of the control routes.
//
//go:embed control.yaml
var controlSpec []byte

// controlSchemas are the document's, by their names.
var controlSchemas = sync.OnceValue(func() openapi3.Schemas {
	document, err := openapi3.NewLoader().LoadFromData(controlSpec)
	if err != nil {
		panic(err) // it is embedded
	}
	return document.Components.Schemas
})

// decode reads one JSON value that the control document's schema allows, and refuses text that is not Unicode, which
// encoding/json would change. An error names the place, and shows no value.
func decode(data []byte, schema string, to any) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return errors.New("body: not one JSON value")
	}
	if again, _ := json.Marshal(value); !utf8.Valid(data) || bytes.ContainsRune(again, utf8.RuneError) { // stands for what is none
		return errors.New("body: text that is not Unicode")
	}
	err := controlSchemas()[schema].Value.VisitJSON(value)
	if broken, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		place := "body"
		if path := broken.JSONPointer(); len(path) > 0 {
			place = strings.Trim(strconv.Quote("/"+strings.Join(path, "/")), `"`)
		}
		return fmt.Errorf("%s: %s", place, broken.Reason)
	}
	return json.Unmarshal(data, to)
}
