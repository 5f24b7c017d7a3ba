package composio

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What an [Error] can be, for errors.Is. Several can hold for one error: an alias clash is ErrAliasTaken and ErrConflict.
// The package page says what to do about each.
var (
	ErrInvalid          = errors.New("composio: invalid input")      // refused before anything was sent: an id, update, option or key
	ErrBadRequest       = errors.New("composio: bad request")        // status 400
	ErrUnauthorized     = errors.New("composio: unauthorized")       // status 401: the API key is missing or wrong
	ErrForbidden        = errors.New("composio: forbidden")          // status 403
	ErrNotFound         = errors.New("composio: not found")          // status 404, from Composio or from a gateway before it
	ErrAccountNotFound  = errors.New("composio: account not found")  // a 404 with Composio's own slug or code: this key's project has no such account
	ErrConflict         = errors.New("composio: conflict")           // status 409: an alias clash, or another change to the account under way
	ErrAliasTaken       = errors.New("composio: alias taken")        // another account of this user and toolkit has the alias: status 409, or 400 as before
	ErrUnprocessable    = errors.New("composio: unprocessable")      // status 422
	ErrRateLimited      = errors.New("composio: rate limited")       // status 429: the organization's budget is used up, see Error.RetryAfter and RateLimit
	ErrServer           = errors.New("composio: server error")       // a status from 500 up, each of which is ErrOutcomeUnknown too
	ErrRedirect         = errors.New("composio: redirect refused")   // a status from 300 to 399: the key and the credentials would go along
	ErrResponseTooLarge = errors.New("composio: response too large") // more than 1 MiB, or headers beyond the transport's limit
	ErrOutcomeUnknown   = errors.New("composio: outcome unknown")    // the update may have been applied; it holds unless it is shown that nothing was
)

// Error is the error of every call in this package: what was refused, or what came of a request. Reach it with
// errors.AsType[*composio.Error] and test it with errors.Is and the sentinels. None of its text holds a secret: see Secrets
// on the package page.
type Error struct {
	AccountID    string        // the account the call was about, but for secrets; "" from New
	StatusCode   int           // 0: no answer arrived
	Code         int           // Composio's error number; 0 if absent
	Slug         string        // Composio's error name, such as "ConnectedAccount_BadRequest"; "" if absent
	Message      string        // what went wrong, in Composio's words; "" if absent
	SuggestedFix string        // what to do about it, in Composio's words; "" if absent
	Details      []string      // the envelope's errors; one that is no string as its JSON
	RequestID    string        // from the body, the x-request-id header, or the id that was sent; "" if nothing was
	RetryAfter   time.Duration // how long Composio asks to wait; 0 if it does not
	RateLimit    RateLimit     // the organization's budget, as the answer had it
	Attempts     int           // how many requests were made; 0 if refused before
	Body         []byte        // the answer, at most 64 KiB, as received but for secrets; never part of Error()
	Err          error         // cause: transport, context, decoding, or what was refused; nil if the answer says it all

	// What the fields above do not tell, as outcome.go has decided it.
	kind           error // ErrInvalid, ErrAliasTaken, ErrAccountNotFound, ErrResponseTooLarge, errPassing, errLasting or nil
	outcomeUnknown bool  // an attempt left it open, whether or not the latest one did
}

// The kinds of a transport's failure that another attempt may not meet, and of one that it must, whatever the status says.
var (
	errPassing = errors.New("a passing failure")
	errLasting = errors.New("a lasting failure")
)

// invalidError is the error of an input that is refused before anything is sent.
func invalidError(accountID string, err error) *Error {
	return &Error{AccountID: accountID, Err: err, kind: ErrInvalid}
}

// Error returns one line of at most 4 KiB: the account, the status, Composio's slug, code, message and fix, and the
// request id, each where there is one, and cut with "…" where it is long. The fields have all of it.
func (e *Error) Error() string {
	line, separator := "composio: ", ""
	if checkID(strings.ReplaceAll(e.AccountID, redacted, "_")) == nil {
		line += printable(e.AccountID) + ": " // in an Error that a test double made it may be a key
	}
	add := func(label, text string) {
		if text != "" {
			line += separator + label + printable(text)
			separator = "; "
		}
	}
	if e.StatusCode != 0 {
		status := strings.TrimSuffix(fmt.Sprint(e.StatusCode, " ", printable(e.Slug)), " ")
		if e.Code != 0 {
			status += fmt.Sprintf(" (%d)", e.Code)
		}
		add(status+": ", cmp.Or(e.Message, http.StatusText(e.StatusCode), "no message"))
		add("", strings.Join(e.Details, "; "))
	}
	if e.Err != nil {
		add("", e.Err.Error())
	} else if e.StatusCode == 0 {
		add("", "no answer")
	}
	add("fix: ", e.SuggestedFix)
	if e.Is(ErrOutcomeUnknown) {
		add("", "the update may have been applied")
	}
	add("request id ", e.RequestID)
	return line
}

// printable cuts text, so that all parts together stay below 4 KiB, and keeps what a server wrote from forging a second
// log line or steering a terminal.
func printable(text string) string {
	const most = 550 // bytes
	text = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, redactKeys(text))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("…")], "") + "…"
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a sentinel that holds for e. Most follow from the status, also in an Error that a test
// double made.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.outcomeUnknown || statusLeavesUnknown(e.StatusCode)
	case ErrAccountNotFound:
		return e.kind == target || saysAccountNotFound(e)
	case ErrInvalid, ErrAliasTaken, ErrResponseTooLarge:
		return e.kind == target
	}
	return target != nil && target == statusError(e.StatusCode)
}

// Retryable reports whether the same update may succeed if it is sent again: the rule by which the client retries, within
// [WithMaxRetries]; see Retries on the package page. In an error that says "not tried again", what follows those words is
// why the client stopped.
func (e *Error) Retryable() bool {
	return errors.Is(e.kind, errPassing) || e.kind == nil && slices.Contains(retriedStatuses, e.StatusCode)
}
