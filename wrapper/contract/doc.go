// Package contract checks HTTP traffic against the OpenAPI document that this module is built from, api/openapi.yaml.
//
// [Transport] stands in a client, between the service under test and whatever answers it. A service adds it in its own
// tests, so that its CI says when its traffic, or its fakes, and Composio's contract part ways:
//
//	var traffic contract.Report
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		if err := traffic.Err(); err != nil {
//			fmt.Fprintln(os.Stderr, err)
//			code = 1
//		}
//		os.Exit(code)
//	}
//
//	func newTestClient(t *testing.T, url string) *composio.Client {
//		checked := contract.Transport(composio.NewTransport(), contract.Collect(&traffic))
//		client, err := composio.New("ak_test", composio.WithBaseURL(url),
//			composio.WithHTTPClient(&http.Client{Transport: checked}))
//		…
//
// [Handler] stands in front of a fake Composio: a request that the document forbids never reaches the fake, and an
// answer that the document forbids never reaches the client.
//
//	srv := httptest.NewServer(contract.Handler(fake, contract.OnViolation(func(_ *http.Request, v contract.Violation) {
//		t.Error(v)
//	})))
//
// Both refuse what breaks the contract; with [Collect] they let it pass and count it in a [Report]. [OnViolation] tells
// of each violation either way, and [WithDocument] checks against another document.
//
// A request belongs to the document by its method and the tail of its path, so neither the host, nor a prefix, nor the
// version (/api/v3, /api/v3.1) makes a difference. Everything else passes through unchecked.
//
// # What is checked
//
// Path parameters, headers, the media type, and the body down to each property. A body has to be one JSON value and
// nothing after it, in UTF-8, no name twice in one object. A body may be missing where the document does not require it.
// Bodies of requests end at 10 MiB, and those of answers to a client at 1 MiB.
//
// An answer is checked if the document has its status. Any other status is passed on and reported as such, and is never
// an error by itself: gateways and rate limits answer so. An answer of a documented status that is an error page does
// break the contract; tests that send such pages on purpose had better use a client without the check.
//
// Transport looks for the credential that the document asks for, x-api-key, and not at its value. Handler does not look
// for it: a refusal is one of the documented answers, and the fake's to give.
//
// # What a violation says
//
// A [Violation] has a place and a rule and never a value, because the values are credentials. It can be logged.
package contract
