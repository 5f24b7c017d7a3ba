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

// decode reads one JSON value that the control document's schema allows. It also refuses what encoding/json passes over:
// a key that an object has twice, and text that is not Unicode. An error names the place, and shows no value.
func decode(data []byte, schema string, to any) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return errors.New("body: not one JSON value")
	}
	if again, _ := json.Marshal(value); !utf8.Valid(data) || bytes.ContainsRune(again, utf8.RuneError) { // stands for what is none
		return errors.New("body: text that is not Unicode")
	}
	if err := refuseDuplicates(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return err
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

// refuseDuplicates reads the next value, which is valid JSON.
func refuseDuplicates(d *json.Decoder) error {
	open, _ := d.Token()
	if open != json.Delim('{') && open != json.Delim('[') {
		return nil
	}
	names := map[any]bool{}
	for d.More() {
		if open == json.Delim('{') {
			name, _ := d.Token()
			if names[name] {
				return fmt.Errorf("body: the key %q is there twice", name)
			}
			names[name] = true
		}
		if err := refuseDuplicates(d); err != nil {
			return err
		}
	}
	_, err := d.Token() // the end of it
	return err
}
