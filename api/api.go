// Package api holds the contract that everything here is built from: Composio's OpenAPI document, reduced to the
// one operation of this module.
package api

import _ "embed"

// Spec is openapi.yaml, an OpenAPI 3.0.3 document in YAML. Treat it as read-only.
//
//go:embed openapi.yaml
var Spec []byte
