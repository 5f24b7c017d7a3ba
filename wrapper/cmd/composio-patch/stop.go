package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

const (
	// maxAlike is how many rows in a row may fail alike, and maxWait how long a pause may be, before a run stops.
	maxAlike = 20
	maxWait  = 15 * time.Minute

	// goesOn ends the reason of a stop that a flag turns off.
	goesOn = "; --keep-going would go on"
)

// stopRule finds out that it is pointless to go on.
type stopRule struct {
	succeeded bool
	alike     int
	last      string // the answer to the latest failures
}

// judge takes in a finished row and returns why the run should stop, or "".
func (s *stopRule) judge(r bulk.Result) (why string) {
	e, failed := errors.AsType[*composio.Error](r.Err)
	switch {
	case !failed:
		s.succeeded, s.alike = true, 0
		return ""
	case e.StatusCode == http.StatusUnauthorized && isEnvelope(e.Body):
		return fmt.Sprintf("Composio refuses the API key (%s)", answerOf(e)) + goesOn
	case s.succeeded && (refusedForGood(e) || e.StatusCode == http.StatusConflict): // the row's own fault, not the run's
		s.alike = 0
		return ""
	}
	if answer := answerOf(e); answer != s.last {
		s.last, s.alike = answer, 0
	}
	if s.alike++; s.alike < maxAlike {
		return ""
	}
	return fmt.Sprintf("%d rows in a row had the same end (%s)", s.alike, s.last) + goesOn
}

// isEnvelope reports whether a body is an error as Composio writes them, and not a gateway's.
func isEnvelope(body []byte) bool {
	var object struct{ Error map[string]json.RawMessage }
	return json.Unmarshal(body, &object) == nil && object.Error != nil
}

// answerOf is the status and slug of an answer.
func answerOf(e *composio.Error) string {
	switch {
	case e.StatusCode == 0:
		return "no answer"
	case e.Slug != "":
		return printable(fmt.Sprintf("%d %s", e.StatusCode, e.Slug))
	}
	return fmt.Sprint(e.StatusCode)
}
