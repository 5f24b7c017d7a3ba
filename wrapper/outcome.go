package composio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var (
	errNotJSON   = errors.New("the answer is not readable JSON: it was cut short, or a gateway or proxy gave it")
	errNoSuccess = errors.New(`the answer does not say "success": true`)
	errTwice     = errors.New(`the answer says "success" more than once`)
	errSwitched  = errors.New("the server switched to another protocol in place of an answer")
)

// decide says what an answer means: the result of an update that was applied, or else an error. It goes by the status
// first and by the body second, so that no body can hide a status.
func decide(call *call, a answer) (*Result, *Error) {
	body := bytes.TrimPrefix(a.body, []byte("\ufeff"))
	complete := a.err == nil && json.Valid(body)
	if complete && a.status >= 200 && a.status < 300 {
		var result *Result
		if result, a.err = readResult(call, body, a.header); a.err == nil {
			return result, nil
		}
	}
	e := &Error{AccountID: call.shownID(), StatusCode: a.status, RequestID: call.requestID, Attempts: call.attempts, Err: a.err}
	e.outcomeUnknown = a.status == 0 && !a.notSent || statusLeavesUnknown(a.status) || a.sentTwice ||
		call.last != nil && call.last.outcomeUnknown // no answer settles what an earlier attempt left open
	if a.status == 0 {
		switch {
		case headersTooLarge(a.err):
			e.kind = ErrResponseTooLarge
		case !a.callEnded && !permanent(a.err):
			e.kind = errPassing
		}
		if call.disconnected = connectionEnded(a.err); call.disconnected {
			a.err = fmt.Errorf("the server ended the connection without an answer: %w", a.err)
		}
		e.Err = call.secrets.hide(a.err)
		return nil, e
	}
	e.RetryAfter, e.RateLimit = retryAfter(a.header), rateLimit(a.header)
	e.RequestID = cmp.Or(requestID(a.header), e.RequestID)
	switch {
	case complete:
		readEnvelope(e, body)
	case e.Err == nil && len(body) > 0:
		e.Err = errNotJSON
	case e.Err == nil && a.status == http.StatusSwitchingProtocols:
		e.Err = errSwitched
	case e.Err == nil && a.status < 300:
		e.Err = errNoSuccess
	}
	switch {
	case errors.Is(a.err, errTooLarge):
		e.kind = ErrResponseTooLarge
	case call.update.setsAlias() && saysAliasTaken(e):
		e.kind = ErrAliasTaken
	case saysAccountNotFound(e):
		e.kind = ErrAccountNotFound // here, because redaction may change the slug
	case a.err != nil && permanent(a.err):
		e.kind = errLasting
	}
	redactAnswer(e, &call.secrets, a.body, !complete)
	return nil, e
}

// stop ends the call before its next attempt. It returns the last attempt's error with err added as a cause, or if there was
// no attempt, an error of that kind.
func stop(call *call, err, kind error) *Error {
	if call.last == nil {
		return &Error{AccountID: call.shownID(), Err: call.secrets.hide(err), kind: kind}
	}
	e := *call.last
	err = fmt.Errorf("not tried again: %w", err)
	if e.Err != nil {
		err = fmt.Errorf("%w; %w", e.Err, err)
	}
	e.Err = call.secrets.hide(err)
	return &e
}

// readResult returns the result that the body of a 2xx tells, or why it tells none.
func readResult(call *call, body []byte, header http.Header) (*Result, error) {
	result := &Result{ID: call.id, Attempts: call.attempts, RateLimit: rateLimit(header)}
	result.RequestID = cmp.Or(call.secrets.redact(requestID(header)), call.requestID)
	succeeded, given := false, false
	for name, value := range members(body) {
		switch string(name) {
		case "success":
			if given {
				return nil, errTwice
			}
			succeeded, given = string(value) == "true", true
		case "id":
			id := strings.TrimSpace(stringOf(value)) // the account stays the same, so blanks around it settle nothing
			switch {
			case id == "" || id == call.id:
			case strings.HasPrefix(id, accountPrefix) && strings.HasPrefix(call.id, accountPrefix):
				return nil, fmt.Errorf("the answer is about another account, %.128q", call.secrets.redact(id)) // a cut secret would be seen
			default:
				result.ID = call.secrets.redact(id)
			}
		case "status":
			result.Status = Status(call.secrets.redact(stringOf(value)))
		}
	}
	if !succeeded {
		return nil, errNoSuccess
	}
	return result, nil
}

// redactAnswer takes the secrets out of all that the server wrote, after it was understood.
func redactAnswer(e *Error, s *secrets, body []byte, incomplete bool) {
	text := string(body[:min(len(body), maxErrorBody)])
	cut := incomplete || len(text) < len(body) // it may end within a secret
	redact := s.redact
	if cut {
		redact = s.redactCut
	}
	clean := redact(text)
	e.Body = []byte(clean[:min(len(clean), maxErrorBody)]) // what stands for a secret may be longer
	e.RequestID = s.redact(e.RequestID)
	hide := func(part string) string {
		if !cut && !hasEscape(clean) && strings.Contains(clean, part) {
			return part // of a text that shows no secret
		}
		return s.redact(part)
	}
	e.Slug, e.Message, e.SuggestedFix = hide(e.Slug), hide(e.Message), hide(e.SuggestedFix)
	for i, detail := range e.Details {
		e.Details[i] = hide(detail)
	}
	if e.Err != nil {
		e.Err = s.hide(e.Err)
	}
}

// accountPrefix begins the ids of accounts, such as ca_1a2b3c4d5e6f.
const accountPrefix = "ca_"

// What Composio answers, with status 404, for an account that does not exist.
const (
	codeNotFound = 606
	slugNotFound = "ConnectedAccount_ResourceNotFound"
)

func saysAccountNotFound(e *Error) bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == codeNotFound || e.Slug == slugNotFound)
}

// saysAliasTaken reports whether the answer to an update that sets an alias is Composio's alias clash, which has no code
// of its own.
func saysAliasTaken(e *Error) bool {
	message := strings.ToLower(e.Message)
	return (e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusConflict) &&
		strings.Contains(message, "alias") && strings.Contains(message, "already in use")
}

var statusErrors = map[int]error{
	http.StatusBadRequest:          ErrBadRequest,
	http.StatusUnauthorized:        ErrUnauthorized,
	http.StatusForbidden:           ErrForbidden,
	http.StatusNotFound:            ErrNotFound,
	http.StatusConflict:            ErrConflict,
	http.StatusUnprocessableEntity: ErrUnprocessable,
	http.StatusTooManyRequests:     ErrRateLimited,
}

// statusError returns the sentinel of a status, nil if it has none.
func statusError(status int) error {
	switch {
	case status >= 500:
		return ErrServer
	case status >= 300 && status < 400:
		return ErrRedirect
	}
	return statusErrors[status]
}

// statusLeavesUnknown reports whether an update may have been applied although status came in place of a readable success.
// Every 5xx is among them: a proxy answers 503 too after the server behind it has applied the update.
func statusLeavesUnknown(status int) bool { return status >= 100 && status < 300 || status >= 500 }
