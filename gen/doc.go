// Package gen holds what is generated from api/openapi.yaml: the wire types, and the method and path of the
// operation. It makes no compatibility promise: a new contract may rename anything in it. Services import the
// wrapper package in its place.
//
// client.gen.go is written by go generate and never by hand. Beside it stand [NullableString], which
// api/go.overlay.yaml names as the type of a nullable property, and what the generated AppendJSON methods call.
package gen
