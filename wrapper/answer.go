package composio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/composio/gen"
)

const (
	maxAnswer    = 1 << 20  // bytes that are read; far above any answer of Composio's
	maxErrorBody = 64 << 10 // bytes that Error.Body keeps
)

// answer is what arrived for one request; with status 0 nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // why there is no answer, or no end of it
	unsent bool  // with status 0: it is shown that no server got the request
}

// send makes the exchange, and reads no more than maxAnswer bytes, into buffer.
//
// It asks the transport itself: an http.Client would add no more than redirects, which would take the key and the
// credentials to another host, and cookies.
func (c *Client) send(req *http.Request, body *requestBody, buffer *bytes.Buffer) answer {
	resp, err := c.transport.RoundTrip(req)
	unsent := err != nil && body.untouched()
	if body.traced {
		unsent = err != nil && neverSent(err) && body.sent.Load() == 0
	}
	if err == nil && (resp == nil || resp.Body == nil) {
		err = errNoResponse
	}
	if err != nil {
		return answer{err: &url.Error{Op: req.Method, URL: req.URL.String(), Err: err}, unsent: unsent}
	}
	defer func() { _ = resp.Body.Close() }() // what Close says, the read has said before
	if resp.StatusCode < 100 {
		return answer{err: fmt.Errorf("%w: %d", errBadStatus, resp.StatusCode)}
	}
	limited := &io.LimitedReader{R: resp.Body, N: maxErrorBody}
	_, err = buffer.ReadFrom(limited)
	if limited.N == 0 {
		limited.N = maxAnswer + 1 - maxErrorBody
		buffer.Grow(int(limited.N) + bytes.MinRead) // at once: doubling would cost four times maxAnswer
		_, err = buffer.ReadFrom(limited)
	}
	if buffer.Len() > maxAnswer {
		err = errTooLarge
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: buffer.Bytes(), err: err}
}

// buffers hold answers while they are read. Whatever is kept of one is copied.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// release gives a buffer back, unless an unusual answer has made it large.
func release(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxErrorBody {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

var (
	errNoResponse = errors.New("the transport returned neither an answer nor an error")
	errBadStatus  = errors.New("the answer has a status that HTTP does not have")
	errTooLarge   = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	errNotJSON    = errors.New("the answer is not readable JSON: it was cut short, or a gateway or proxy gave it")
	errNoSuccess  = errors.New(`the answer does not say "success": true`)
)

// read says what an answer means: the result of an update that was applied, or else an error. It goes by the status
// first and by the body second, so that no body can hide a status.
func (call *call) read(a answer) (*Result, *Error) {
	succeeded := a.status >= 200 && a.status < 300
	if succeeded && a.err == nil {
		if result := call.readResult(a); result != nil {
			return result, nil
		}
	}
	e := &Error{AccountID: call.id, StatusCode: a.status, RequestID: call.requestID, Attempts: call.attempts}
	if a.status == 0 {
		e.tooLarge = headersTooLarge(a.err)
		e.transient = !e.tooLarge && !wrongServer(a.err)
		e.unsent, e.outcomeUnknown = a.unsent, !a.unsent
		e.Err = call.secrets.hide(a.err)
		return nil, e
	}
	e.outcomeUnknown = a.status < 300 || a.status >= 500 && a.status != http.StatusServiceUnavailable
	e.tooLarge = errors.Is(a.err, errTooLarge)
	e.RetryAfter = retryAfter(first(a.header, "Retry-After"))
	e.RateLimit = rateLimit(a.header)
	if id := first(a.header, "X-Request-Id"); id != "" {
		e.RequestID = id
	}
	if a.err != nil {
		e.Err = call.secrets.hide(a.err)
	} else {
		e.readEnvelope(a.body)
	}
	if succeeded && e.Err == nil {
		e.Err = errNoSuccess
	}
	e.aliasTaken = call.setsAlias() && saysAliasTaken(a.status, e.Message)
	e.gone = e.Slug == slugNotFound
	e.redact(&call.secrets, a)
	return nil, e
}

// readResult returns nil if the answer does not say that the update was applied.
func (call *call) readResult(a answer) *Result {
	var response gen.PatchConnectedAccountResponse
	if json.Unmarshal(a.body, &response) != nil || !response.Success {
		return nil
	}
	result := &Result{ID: call.id, RequestID: call.requestID, Attempts: call.attempts, RateLimit: rateLimit(a.header)}
	result.Status = Status(call.secrets.redact(response.Status))
	if response.ID != "" && response.ID != call.id {
		result.ID = call.secrets.redact(response.ID)
	}
	if id := first(a.header, "X-Request-Id"); id != "" {
		result.RequestID = call.secrets.redact(id)
	}
	return result
}

// redact takes the secrets out of all that the server wrote, after it was understood.
func (e *Error) redact(s *secrets, a answer) {
	e.Slug, e.Message, e.SuggestedFix, e.RequestID = s.redact(e.Slug), s.redact(e.Message), s.redact(e.SuggestedFix), s.redact(e.RequestID)
	for i, detail := range e.Details {
		e.Details[i] = s.redact(detail)
	}
	body := string(a.body[:min(len(a.body), maxErrorBody)])
	clean := s.redact(body)
	if e.Err != nil || len(body) < len(a.body) { // not whole: its end may be the first half of a secret
		clean = s.redactCut(body)
	}
	e.Body = []byte(clean[:min(len(clean), maxErrorBody)]) // what stands for a secret may be longer
}

func (call *call) setsAlias() bool {
	alias := call.update.body.Alias
	return alias != nil && *alias != ""
}

// rateLimit reads the headers that Composio sends with an answer. One that does not have both numbers is not Known.
func rateLimit(h http.Header) RateLimit {
	limit, err1 := strconv.Atoi(first(h, "X-Ratelimit"))
	remaining, err2 := strconv.Atoi(first(h, "X-Ratelimit-Remaining"))
	if err1 != nil || err2 != nil || limit < 0 || remaining < 0 {
		return RateLimit{}
	}
	size := first(h, "X-Ratelimit-Window-Size")
	window, err := time.ParseDuration(size)
	if err != nil {
		window, _ = time.ParseDuration(size + "s")
	}
	return RateLimit{Limit: limit, Remaining: remaining, Window: max(0, window), Known: true}
}

// first returns the first value of a header, "" if there is none. The name is a canonical one: to make it so again,
// for each name of each answer, is what http.Header.Get spends most of its time on.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// saysAliasTaken reports whether an answer to an update that set an alias is Composio's alias clash, which has no
// code of its own.
func saysAliasTaken(status int, message string) bool {
	message = strings.ToLower(message)
	return (status == http.StatusBadRequest || status == http.StatusConflict) &&
		strings.Contains(message, "alias") && strings.Contains(message, "already in use")
}

// readEnvelope fills in what an error answer's body says. The document's envelope is read as it is; what the document
// does not have but Composio sends is looked for where that leaves something open. A body that is neither goes to Err.
func (e *Error) readEnvelope(body []byte) {
	var envelope gen.Error
	// A property of another type than the document's leaves its field zero, and the others are read all the same.
	err := json.Unmarshal(body, &envelope)
	detail := envelope.Error
	e.Message, e.Slug, e.Code, e.Details = detail.Message, detail.Slug, wholeNumber(detail.Code), detail.Errors
	e.SuggestedFix = detail.SuggestedFix
	if detail.RequestID != "" {
		e.RequestID = detail.RequestID
	}
	if err == nil && e.Message != "" && e.Code != 0 {
		return
	}
	if !json.Valid(body) {
		if len(body) > 0 {
			e.Err = errNotJSON
		}
		return
	}
	e.readStray(body)
}

// readStray reads the shapes of error answer that Composio sends and the document does not have: a bare message,
// error as a string, code as a string or called error_code, errors that hold objects.
func (e *Error) readStray(body []byte) {
	var stray struct {
		Message json.RawMessage `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(body, &stray) // an answer that is no object has none of these
	var detail struct {
		Code      json.RawMessage `json:"code"`
		ErrorCode json.RawMessage `json:"error_code"`
		Errors    json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(stray.Error, &detail) // nor has an error that is no object
	if e.Message == "" {
		e.Message = text(stray.Message)
	}
	if e.Message == "" && !strings.HasPrefix(string(stray.Error), "{") {
		e.Message = text(stray.Error)
	}
	for _, code := range []json.RawMessage{detail.Code, detail.ErrorCode} {
		if number, err := strconv.ParseFloat(text(code), 64); err == nil && e.Code == 0 {
			e.Code = wholeNumber(number)
		}
	}
	var findings []json.RawMessage
	if json.Unmarshal(detail.Errors, &findings) != nil && len(detail.Errors) > 0 {
		findings = []json.RawMessage{detail.Errors}
	}
	e.Details = nil
	for _, finding := range findings {
		e.Details = append(e.Details, text(finding))
	}
}

// text returns the string that raw encodes, or raw itself if it encodes something else; "" for null and for nothing.
func text(raw json.RawMessage) string {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	if s == nil {
		return ""
	}
	return *s
}

// wholeNumber returns f as an int, and 0 if it is none.
func wholeNumber(f float64) int {
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0
	}
	return int(f)
}
