// Package composio changes connected accounts of Composio: it renames one, or replaces the credentials it signs in
// with. It is a thin layer over code generated from the API's OpenAPI document, for one call,
// PATCH /api/v3/connected_accounts/{nanoid}.
//
//	client, err := composio.New(apiKey)
//	if err != nil {
//		return err
//	}
//	result, err := client.UpdateConnectedAccount(ctx, "ca_1a2b3c4d5e6f", composio.Update{
//		Alias:       composio.Set("work"),
//		Credentials: composio.BearerToken{Token: composio.Set(token)},
//	})
//
// A call returns a result if, and only if, Composio said that the update was applied, and otherwise an [*Error].
//
// # Three states
//
// An update says of every stored value whether it stays, is replaced or is removed:
//
//	Field                 a credential       the alias
//	the zero value        is left out: kept  is left out: kept
//	composio.Set("x")     "x"                "x"
//	composio.Set("")      ""                 "", which clears it
//	composio.Clear()      null: removed      "", which clears it
//
// # Errors
//
// errors.Is tells what happened, errors.AsType[*composio.Error] gives the details:
//
//	ErrInvalid            refused before anything was sent     correct the input
//	ErrBadRequest         400                                  do what SuggestedFix and Details say
//	ErrUnauthorized       401                                  check the API key
//	ErrForbidden          403                                  check the key's rights, or a gateway's rules
//	ErrNotFound           404 from anybody                     check the base URL and the id
//	ErrAccountNotFound    404 with Composio's own code         this key's project has no such account: check the key, then the id
//	ErrConflict           409                                  see ErrAliasTaken; else somebody else writes: try later
//	ErrAliasTaken         400 or 409                           choose another alias
//	ErrUnprocessable      422                                  do what SuggestedFix and Details say
//	ErrRateLimited        429                                  wait for RetryAfter, or a minute if it is 0; or use WithLimiter
//	ErrServer             500 and up                           try later
//	ErrRedirect           3xx, never followed                  check the base URL
//	ErrResponseTooLarge   more than 1 MiB                      check what answers at the base URL
//	ErrOutcomeUnknown     it may have been applied             if nobody else writes the account, send it again; else read it first
//
// ErrOutcomeUnknown can hold beside any other and is the one to check first: without it, the update was not applied. It
// holds after a transport's failure or the end of a timeout, unless the transport failed before it began to send (no host,
// no connection, no TLS), after a 2xx that is not a readable "success": true, and after a 5xx other than 503. Once an
// attempt has left the outcome open, no later failure settles it.
//
// No error text, log line or printed value holds the API key or a credential of four bytes or more: as it is, or as
// escaped, up to four times over, by JSON or by HTML's numbers and &amp; &lt; &gt; &quot; &apos;. Of a key that the server
// quotes in part, the part is hidden if it begins with "ak_", as Composio's do.
//
// # Retries
//
// A call makes at most [WithMaxRetries] more attempts after the first, by default 2, with the same body and the same
// x-request-id, as long as its context lasts:
//
//	no connection, a reset, an early end      tried again
//	an attempt beyond WithTimeout             tried again, on a new connection (see below)
//	408, 429, 500, 502, 503, 504              tried again
//	409, unless it is a taken alias           tried again
//	connections that died while idle          one attempt sends at most twice; then at once, on a new connection
//	an untrusted certificate, no TLS at all   not tried again
//	any other status, a redirect              not tried again
//	an answer too large, an unreadable 2xx    not tried again
//	an error of the key function or limiter   not tried again
//	the context is done                       not tried again
//
// Before an attempt the client waits as long as Retry-After says (seconds, whole or not, or a date) if that is at most
// 60 s; it returns at once if it is more, with Error.RetryAfter filled in. Without a usable Retry-After it waits 0.5 s,
// then twice as long each time up to 8 s, less a random part of at most a quarter. A wait that would outlast the
// context's deadline is not begun, and one that is interrupted ends at once.
//
// A silently dead HTTP/2 connection is abandoned when an attempt on it times out; if other calls keep it in use, a ping
// finds it dead within 20 s, in a pool that [NewTransport] made. If an HTTP/2 connection ends without GOAWAY while a
// request is on it and retries are off, the call returns ErrOutcomeUnknown.
//
// A retry can undo somebody else's newer write: if an attempt was applied but its answer lost, and another writer then
// changed the same value, the retry puts the older value back. Composio offers no way to make an update conditional. If
// an account has several writers, use WithMaxRetries(0) and decide on each ErrOutcomeUnknown yourself; even then net/http
// may send a request a second time, when a reused connection dies before an answer.
//
// # Logging
//
// With [WithLogger], each attempt is logged at debug ("composio: attempt": account_id, attempt, status, duration,
// request_id) and each retry at warn ("composio: trying again": account_id, attempt, status, wait, request_id, error).
// Status is 0 where no answer arrived, and request_id is the one that was sent.
package composio
