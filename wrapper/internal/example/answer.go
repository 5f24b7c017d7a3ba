// Package example makes good answers from the document's own example, for the sandbox and for tests, so that a property
// which the document gains is in all of them.
package example

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/composio/api"
)

// Answer is what Composio answers after an update, with the account's id and status.
func Answer(id, status string) map[string]any {
	answer := maps.Clone(documented())
	answer["success"], answer["id"], answer["status"] = true, id, status
	return answer
}

// JSON is Answer on the wire.
func JSON(id, status string) string {
	data, _ := json.Marshal(Answer(id, status)) // came from JSON
	return string(data)
}

var documented = sync.OnceValue(func() map[string]any {
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		return map[string]any{} // contract, which reads it too, refuses the request
	}
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			response := operation.Responses.Status(http.StatusOK)
			if response == nil || response.Value.Content.Get("application/json") == nil {
				continue
			}
			for _, example := range response.Value.Content.Get("application/json").Examples {
				if answer, ok := example.Value.Value.(map[string]any); ok {
					return answer
				}
			}
		}
	}
	return map[string]any{}
})
