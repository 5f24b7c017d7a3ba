//go:build tools

package composio

// The generator is pinned by go.mod through this import.
import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
