package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/wrapper/internal/strictjson"
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

// problems are the rules of package strictjson in words.
var problems = map[string]string{
	"utf-8": "text that is not Unicode", "surrogate": "text that is not Unicode", "json": "not one JSON value", "duplicate": "given twice",
}

// decode reads one JSON value that the control document's schema allows. An error names the place, and shows no value.
func decode(data []byte, schema string, to any) error {
	value, found, _ := strictjson.Parse(data)
	if len(found) > 0 {
		return misplaced(found[0].At, problems[found[0].Rule])
	}
	err := controlSchemas()[schema].Value.VisitJSON(value)
	if broken, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return misplaced(broken.JSONPointer(), broken.Reason)
	}
	if err != nil {
		return misplaced(nil, "not what the document of the control routes has")
	}
	return json.Unmarshal(data, to)
}

// pointerEscapes writes a name as a part of a JSON pointer.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// misplaced is an error about a place in a body.
func misplaced(at []string, reason string) error {
	place := "body"
	if len(at) > 0 {
		place = ""
		for _, name := range at {
			place += "/" + pointerEscapes.Replace(name)
		}
		place = strings.Trim(strconv.Quote(place), `"`)
	}
	return fmt.Errorf("%s: %s", place, reason)
}
