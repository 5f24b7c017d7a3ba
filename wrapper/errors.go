package composio

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What an [Error] can be, for errors.Is. Several can hold for one error: an alias clash is ErrAliasTaken and
// ErrConflict.
var (
	// ErrInvalid: refused before anything was sent, for an invalid id, update, option or key.
	ErrInvalid = errors.New("composio: invalid input")
	// ErrBadRequest: status 400.
	ErrBadRequest = errors.New("composio: bad request")
	// ErrUnauthorized: status 401, the API key is missing or wrong.
	ErrUnauthorized = errors.New("composio: unauthorized")
	// ErrForbidden: status 403.
	ErrForbidden = errors.New("composio: forbidden")
	// ErrNotFound: status 404, from Composio or from a gateway before it. See ErrAccountNotFound.
	ErrNotFound = errors.New("composio: not found")
	// ErrAccountNotFound: a 404 with Composio's own slug or code: the project of this API key has no such account.
	ErrAccountNotFound = errors.New("composio: account not found")
	// ErrConflict: status 409, an alias clash or another change to the account under way.
	ErrConflict = errors.New("composio: conflict")
	// ErrAliasTaken: another account of this user and toolkit has the alias. Status 409, or 400 as Composio answered
	// before it had the 409.
	ErrAliasTaken = errors.New("composio: alias taken")
	// ErrUnprocessable: status 422.
	ErrUnprocessable = errors.New("composio: unprocessable")
	// ErrRateLimited: status 429, the organization's budget is used up. See Error.RetryAfter, and Error.RateLimit for the
	// window; Composio does not always say, and a minute is its usual one.
	ErrRateLimited = errors.New("composio: rate limited")
	// ErrServer: a status from 500 up.
	ErrServer = errors.New("composio: server error")
	// ErrRedirect: a status from 300 to 399. None is followed, since the key and the credentials would go along.
	ErrRedirect = errors.New("composio: redirect refused")
	// ErrResponseTooLarge: an answer of more than 1 MiB, or headers beyond the transport's limit.
	ErrResponseTooLarge = errors.New("composio: response too large")
	// ErrOutcomeUnknown: the update may have been applied. It holds unless it is shown that nothing was.
	ErrOutcomeUnknown = errors.New("composio: outcome unknown")
)

// Error is the error of every call in this package: what was refused, or what came of a request. Reach it with
// errors.AsType[*composio.Error] and test it with errors.Is and the sentinels.
//
// None of its text holds a secret: the API key and each credential value of four bytes or more is replaced by
// "[redacted]", also where the server or a transport quoted it.
type Error struct {
	AccountID    string        // the account the call was about; "" from New
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

	invalid        bool // refused on this side
	aliasTaken     bool
	gone           bool // the slug, which redaction may have changed since, was that of an account that does not exist
	tooLarge       bool
	outcomeUnknown bool
	transient      bool // no answer, for a reason that another attempt may not meet
	unsent         bool // no answer, since no server got the latest request
}

// invalidError is the error of an input that is refused before anything is sent.
func invalidError(accountID string, err error) *Error {
	return &Error{AccountID: accountID, Err: err, invalid: true}
}

// Error returns one line: the account, the status, Composio's slug, code, message and fix, and the request id, each
// where there is one.
func (e *Error) Error() string {
	text := "composio: "
	if checkID(e.AccountID) == nil {
		text += e.AccountID + ": "
	}
	parts := []string{e.whatHappened()}
	if e.StatusCode != 0 {
		parts = append(parts, e.Details...)
		if e.Err != nil {
			parts = append(parts, e.Err.Error())
		}
	}
	if e.SuggestedFix != "" {
		parts = append(parts, "fix: "+e.SuggestedFix)
	}
	if e.outcomeUnknown {
		parts = append(parts, "the update may have been applied")
	}
	if e.RequestID != "" {
		parts = append(parts, "request id "+e.RequestID)
	}
	return oneLine(redactKeys(text + strings.Join(parts, "; ")))
}

func (e *Error) whatHappened() string {
	if e.StatusCode == 0 && e.Err != nil {
		return e.Err.Error()
	}
	if e.StatusCode == 0 {
		return "no answer"
	}
	text := strconv.Itoa(e.StatusCode)
	if e.Slug != "" {
		text += " " + e.Slug
	}
	if e.Code != 0 {
		text += fmt.Sprintf(" (%d)", e.Code)
	}
	return text + ": " + cmp.Or(e.Message, http.StatusText(e.StatusCode))
}

// oneLine keeps what a server wrote from forging a second log line or steering a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a sentinel that holds for e. Most follow from the status.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.invalid
	case ErrBadRequest:
		return e.StatusCode == http.StatusBadRequest
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrAccountNotFound:
		return e.StatusCode == http.StatusNotFound && (e.Code == codeNotFound || e.Slug == slugNotFound || e.gone)
	case ErrConflict:
		return e.StatusCode == http.StatusConflict
	case ErrAliasTaken:
		return e.aliasTaken
	case ErrUnprocessable:
		return e.StatusCode == http.StatusUnprocessableEntity
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrServer:
		return e.StatusCode >= 500
	case ErrRedirect:
		return e.StatusCode >= 300 && e.StatusCode < 400
	case ErrResponseTooLarge:
		return e.tooLarge
	case ErrOutcomeUnknown:
		return e.outcomeUnknown
	}
	return false
}

// What Composio answers, with status 404, for an account that does not exist.
const (
	codeNotFound = 606
	slugNotFound = "ConnectedAccount_ResourceNotFound"
)
