// Package composio changes connected accounts of Composio: it renames one, or replaces the credentials it signs in
// with. It is a thin layer over a client generated from the API's OpenAPI document, for one call,
// PATCH /api/v3/connected_accounts/{nanoid}. Its directory is wrapper.
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
// A call returns a result if, and only if, Composio said that the update was applied, and otherwise an [*Error]. An
// update says of every stored value whether it stays, is replaced or is removed:
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
//	ErrServer             500 and up                           it is ErrOutcomeUnknown too
//	ErrRedirect           3xx, never followed                  check the base URL
//	ErrResponseTooLarge   more than 1 MiB                      check what answers at the base URL
//	ErrOutcomeUnknown     it may have been applied             if nobody else writes the account, send it again; else read it first
//
// Check ErrOutcomeUnknown first: without it, the update was not applied. It holds unless that is shown: by a status from
// 300 to 499, or by a transport that failed before it began to send (no host, no connection, no TLS; a client certificate
// or cipher suite that the server refuses stays open behind a transport that is not net/http's own). Every 5xx leaves the
// outcome open, because proxies answer 503 too after the server behind them has applied an update. So does a 2xx that is
// not a readable "success": true about this account. Once an attempt has left it open, no later failure settles it.
//
// # What cannot be known
//
// An attempt that timed out may still be applied later, even after a newer update of the same caller: before sending a
// different value, wait, or read the account afterwards. A gateway that repeats a PATCH or rewrites a status hides the
// truth from every client. An HTTPS_PROXY that does not parse is ignored by net/http.
//
// # Retries
//
// A call makes at most [WithMaxRetries] more attempts after the first, by default 2, with the same body and the same
// x-request-id, as long as its context lasts. It tries again after 408, 429, 500, 502, 503, 504, 520 to 527, 529, 530, a
// 409 that is no taken alias, an attempt beyond [WithTimeout], and a transport's failure. It does not after any other
// status, a redirect, an answer too large, an unreadable 2xx, an error of the key function or limiter, an untrusted
// certificate, a TLS handshake that one side refuses, or an error whose Retryable() bool says false.
//
// Before an attempt the client waits as long as Retry-After says (seconds or a date) if that is at most 60 s, and returns
// at once if it is more. Without one it waits 0.5 s, then twice as long each time up to 8 s, less a random part of at most
// a quarter. Once a call, after a connection that ended without an answer, the next attempt follows at once on a new one.
// A wait that would outlast the context's deadline is not begun.
//
// WithMaxRetries(0) means that nothing is sent again that a server may have processed, as far as it tells the truth:
// net/http sends a request a second time where nothing of it was written, or where an HTTP/2 server says that it processed
// nothing (Go 1.26 takes a PROTOCOL_ERROR for that too), and the client lets it do that once. Use it if an account has several
// writers: a retry can undo somebody else's newer write, because Composio offers no conditional update.
//
// # Secrets
//
// No error text, log line or printed value shows the API key or a credential of four bytes or more. A text from outside
// that holds one is changed or dropped, also where the secret is escaped, trimmed or re-wrapped. What is not recognised:
// hex, another case, \u{5a}, an escape of HTML's without its semicolon, in a secret of fewer than twelve letters and
// digits a name such as &excl;, such a secret of fewer than three bytes once its own escapes are read, and encodings
// other than JSON's, HTML's, percent and base64 of user:password. net/http's own log can quote the rest of a broken
// answer; GODEBUG=http2debug and printers that follow pointers (go-spew without methods) show all. A transport's Read
// that ignores both the context and Close holds its attempt for as long as it likes.
//
// With [WithLogger], each attempt is logged at debug ("composio: attempt": account_id, attempt, status, duration,
// request_id) and each retry at warn ("composio: trying again": account_id, attempt, status, wait, request_id, error).
// Status is 0 where no answer arrived, and request_id is the one that was sent.
package composio
