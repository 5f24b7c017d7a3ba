package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// controlSchemas are those of the control routes' document, by their names.
var controlSchemas = sync.OnceValue(func() openapi3.Schemas {
	spec, _ := controlFiles.ReadFile("control.yaml")
	document, err := openapi3.NewLoader().LoadFromData(spec)
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
	// What encoding/json cannot read as a character it has replaced.
	if read, _ := json.Marshal(value); !utf8.Valid(data) || bytes.ContainsRune(read, utf8.RuneError) {
		return errors.New("body: text that is not Unicode")
	}
	if err := controlSchemas()[schema].Value.VisitJSON(value); err != nil {
		place, reason := "body", "not what the document of the control routes has"
		if broken, ok := errors.AsType[*openapi3.SchemaError](err); ok {
			if path := broken.JSONPointer(); len(path) > 0 {
				place = strings.Trim(strconv.Quote("/"+strings.Join(path, "/")), `"`)
			}
			reason = broken.Reason
		}
		return fmt.Errorf("%s: %s", place, reason)
	}
	return json.Unmarshal(data, to)
}
