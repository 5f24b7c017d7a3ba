// Package composio is the root of the module; the client is in its wrapper directory.
package composio

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config api/oapi-codegen.yaml api/openapi.yaml
