// Package sandbox is an in-memory Composio for tests and demonstrations: one project with one API key, whose connected
// accounts can be updated over HTTP as Composio's are. It depends on nothing of package testing.
//
//	box := sandbox.New()
//	box.Put(sandbox.Account{ID: "ca_1", Toolkit: "github", UserID: "user_1",
//		Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": "old"}})
//	srv := httptest.NewServer(box)
//	defer srv.Close()
//	// point the client at srv.URL with sandbox.DefaultAPIKey, run the code under test, then look:
//	account, _ := box.Account("ca_1")
//	requests := box.Requests()
//
// # What it serves
//
// PATCH /api/v3/connected_accounts/{id} and the same under /api/v3.1, at the root; [http.StripPrefix] gives it a prefix.
// Any other path is answered with a page as a gateway's, 404 and without Composio's error number; another method on the
// right path with 405. Seeding and reading are Go only: there is no route for them.
//
// Requests are checked against the OpenAPI document by package contract, and one that it forbids is answered 400. What
// the sandbox answers by itself is checked too, so a client that understands the sandbox understands the document.
// Exempt from that, and marked so in the journal, are scripted answers, the pages for other routes, and 429, which the
// document lacks.
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
// # What is guessed
//
// Composio publishes less than a server has to decide. Guess: that 409 has code 600 and the slug ConnectedAccount_Conflict;
// the texts and slugs of the other 400s, and of a missing key; that a body the document forbids is refused before the
// key is looked at; that an alias is compared by case; that an update leaves the status alone; that every account
// takes sharing; that an update of nothing succeeds; that the rate-limit window opens with the first request, and that
// requests which are refused count.
package sandbox
