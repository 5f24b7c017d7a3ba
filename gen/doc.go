// Package gen is the client that oapi-codegen makes of api/openapi.yaml: wire types, requests, and [Client], which sends
// them. Services import the wrapper package in its place, which adds the API key and says what an answer means. A new
// contract may rename anything here.
//
// client.gen.go is written by go generate, from the templates in api/templates, and never by hand. Its names are those
// of the generator's own templates. It differs from them in that
//
//   - [Client] has its server's URL parsed, since parsing it for every request costs more than building the request
//   - a body is appended as JSON and not reflected; [NullableString] holds null apart from absence
//   - New…Request takes that URL, and not a string
//   - there is no NewClient, and so no ClientOption or With… function, because the two fields that a Client needs have no
//     useful defaults: http.DefaultClient follows redirects, and so sends the credential to another host
//   - there are no …WithResponse calls: they lose the status of an answer that does not fit the schema, give no error for
//     an HTML page with status 200, and read answers without bound
//   - there are no …WithBody calls, which take any bytes for a body, and no ClientInterface: a test puts an
//     [HttpRequestDoer] in the Client instead
//   - parameters other than the path's, and operations without a JSON body, stop the generator: the document has none
//
// The document's security scheme is left to the caller too, as oapi-codegen leaves it: a [RequestEditorFn] adds the key.
package gen
