// Package contract checks HTTP traffic against the OpenAPI document that this module is built from, api/openapi.yaml.
//
// [Handler] stands in front of a fake Composio: a request that the document forbids never reaches the fake, and an
// answer that the document forbids never reaches the client.
//
//	srv := httptest.NewServer(contract.Handler(fake, contract.OnViolation(func(_ *http.Request, v contract.Violation) {
//		t.Error(v)
//	})))
//
// A request belongs to the document by its method and the tail of its path, so neither the host, nor a prefix, nor the
// version (/api/v3, /api/v3.1) makes a difference. Everything else passes through unchecked.
//
// # What is checked
//
// Path parameters, headers, the media type, and the body down to each property. A body has to be one JSON value and
// nothing after it, in UTF-8, no name twice in one object. A body may be missing where the document does not require it.
// Bodies of requests end at 10 MiB. An answer is checked if the document has its status; any other status is passed on,
// and reported to [OnViolation] as such.
//
// Whether an API key is right is not checked: a refusal is one of the documented answers, and the handler's to give.
//
// # What a violation says
//
// A [Violation] has a place and a rule and never a value, because the values are credentials. It can be logged.
package contract
