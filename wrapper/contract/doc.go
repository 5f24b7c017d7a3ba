// Package contract checks HTTP traffic against the OpenAPI document that this module is built from, api/openapi.yaml.
//
// A service has its tests checked, so that its CI says when its traffic, or its fakes, and Composio's contract part ways.
// [Check] stands in the client of one test, and makes each violation an error of that test:
//
//	checked := contract.Check(t, composio.NewTransport())
//	client, err := composio.New("ak_test", composio.WithBaseURL(url),
//		composio.WithHTTPClient(&http.Client{Transport: checked}))
//
// [Transport] with [Collect] does the same for a whole suite, whose TestMain then asks [Report.Err]. The README beside this
// package has both forms, and a workflow for GitHub.
//
// [Handler] stands in front of a fake Composio: a request that the document forbids never reaches the fake, and an
// answer that the document forbids never reaches the client.
//
//	srv := httptest.NewServer(contract.Handler(fake, contract.OnViolation(func(_ *http.Request, v contract.Violation) {
//		t.Error(v)
//	})))
//
// Transport and Handler refuse what breaks the contract; with [Collect] they let it pass and count it in a [Report].
// [OnViolation] tells of each violation either way, and [WithDocument] checks against another document.
//
// A request belongs to the document by its method and the tail of its path, so neither the host, nor a prefix, nor the
// version (/api/v3, /api/v3.1) makes a difference. A request that was meant for it is a violation too: a PATCH on a path
// that is nearly its own (a slash at the end, a misspelt segment, the old spelling /api/v1/connectedAccounts/{id}), and a
// PUT or POST in its place. Everything else passes through unchecked, and a report lists it.
//
// # What is checked
//
// Path parameters, headers, the media type, and the body down to each property. A body has to be one JSON value and
// nothing after it, in UTF-8 and without half of a surrogate pair, no name twice in one object; a number may be of any
// size. There is one Content-Type. A body may be missing where the document does not require it. Bodies of requests end at
// 10 MiB, and those of answers to a client at 1 MiB. Of a body that is not JSON the media type alone is checked, and a
// parameter that is a list or an object only for being there.
//
// An answer is checked if the document has its status. Any other status is passed on and reported as such, and is never
// an error by itself: gateways and rate limits answer so. An answer of a documented status that is an error page does
// break the contract; tests that send such pages on purpose had better use a client without the check.
//
// Transport looks for the credential that the document asks for, x-api-key, and not at its value. Handler does not look
// for it: a refusal is one of the documented answers, and the fake's to give.
//
// Schemas are github.com/santhosh-tekuri/jsonschema's to check. kin-openapi, with which the generator, the sandbox and this
// module's guards read the document, loads a whole one or none, and published ones have faults in other operations.
//
// # What a violation says
//
// A [Violation] has a place and a rule and never a value, because the values are credentials. It can be logged. It is no
// fault of the network, and the client does not try again because of it.
package contract
