// Package sandbox is an in-memory Composio for tests and demonstrations: one project with one API key, whose connected
// accounts can be updated over HTTP as Composio's are. It depends on nothing of package testing.
//
// # What it serves
//
// PATCH /api/v3/connected_accounts/{id} and the same under /api/v3.1, at the root; [http.StripPrefix] gives it a prefix.
// Any other path is answered with a page as a gateway's, 404 and without Composio's error number; another method on the
// right path with 405.
//
// Tests in other languages seed, script and read the sandbox over HTTP, by the routes and the page of [WithControl];
// README.md beside this file shows both.
//
// Requests are checked against the OpenAPI document by package contract, and one that it forbids is answered 400. What
// the sandbox answers by itself is checked too, so a client that understands the sandbox understands the document.
// Exempt from that, and marked so in the journal, are scripted answers and faults, the pages for other routes, and 429,
// which the document lacks.
//
// # What an update does
//
//   - A property that is left out keeps what is stored.
//   - A credential that is null is removed, and a string replaces it, an empty one included.
//   - An alias of "" clears the alias. Another account of the same user and toolkit that has the alias makes it a 409.
//   - The scheme must be the account's own, or it is a 400. Accounts of other schemes, OAuth's, cannot be updated: 400.
//   - A list of users replaces the stored one, an empty one too.
//   - An update that is refused has changed nothing.
//
// A missing or wrong key is a 401, an unknown account a 404 with code 606 and slug ConnectedAccount_ResourceNotFound.
// Every answer carries x-request-id (the one sent, or a new one) and the rate-limit headers.
//
// # How it fails
//
// [Server.Script] has the next requests meet what it is told, [WithFaults] has a part of all requests, drawn from a seed,
// meet one of some faults. Both take an [Answer], which can be any status with any body, late, cut, compressed, or a
// closed connection. These are ready, by name, from [Faults]; * marks those whose update is carried out:
//
//	close-before         the connection is closed without an answer
//	close-during     *   it is reset while the update is carried out
//	close-after      *   it is closed without an answer
//	cut              *   it is closed in the middle of the body
//	hang             *   no answer comes
//	stall            *   half of the body comes, and no more
//	slow             *   the answer comes a second late
//	slow-body        *   the second half of the body does
//	length-short     *   Content-Length ends the body too early
//	length-long      *   Content-Length promises more than comes
//	media-type       *   the answer is as it should be, but said to be text/plain
//	gzip             *   the answer is compressed, whether the client accepts that or not
//	goaway           *   the connection is closed after the answer, over HTTP/2 with GOAWAY
//	empty            *   200 and nothing else
//	html             *   200 and a gateway's page
//	rate-limit           429 with rate-limit headers, Retry-After of a second and a bare message
//	rate-limit-bare      429 with code 10429 and none of these
//	conflict             409: another update of the account is under way; it is not the alias
//	408, 502, 503, 504   a gateway's page
//	500                  Composio's error body
//	500-applied, 502-applied, 503-applied, 504-applied
//	                 *   the same as without -applied
//
// An update is carried out, or not, as soon as its request is there, and delays come after that: no change is put off
// until after a later one, however late its answer is. The journal says of each request which fault it met and whether
// it was applied.
//
//	faults, err := sandbox.Faults("502-applied", "hang")
//	// …
//	box := sandbox.New(sandbox.WithFaults(1, 0.2, faults...)) // one request in five
//
// A delay ends when the client goes away, with [http.Server.Close], and when the server's BaseContext is done. Shutdown
// and the Close of net/http/httptest, on the other hand, wait for requests that are under way: end the clients' calls
// before, or close their connections.
//
// # What is guessed
//
// Composio publishes less than a server has to decide. These are guesses:
//
//   - that 409 has code 600 and the slug ConnectedAccount_Conflict, also for two updates at once, and its text then;
//   - that a failure of Composio itself has code 10500;
//   - the texts and slugs of the other 400s, and of a missing key;
//   - that a body the document forbids is refused before the key is looked at;
//   - that an alias is compared by case, and that an update leaves the status alone;
//   - that every account takes sharing, and that an update of nothing succeeds;
//   - that the rate-limit window opens with the first request, and that requests which are refused count.
package sandbox
