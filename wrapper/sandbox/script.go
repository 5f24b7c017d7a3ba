package sandbox

import (
	"io"
	"net/http"
)

// Answer is a scripted answer; see [Server.Script]. The zero value is an empty 200.
type Answer struct {
	// Status is the HTTP status, 200 to 999; 0 is 200.
	Status int

	// Header is added to the headers that every answer has, and replaces those of the same name; a name without values
	// takes the header off. Without a Content-Type here, it is application/json.
	Header http.Header

	// Body is sent as it is.
	Body string
}

// Script has the next requests answered with answers, one each and in order, in place of what the sandbox would do:
// nothing but the contract is looked at, neither path nor key, and no account changes. Answers that are left from
// earlier calls come first. A request that the document forbids is answered 400 and uses up none.
func (s *Server) Script(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range answers {
		a.Header = a.Header.Clone()
		s.script = append(s.script, a)
	}
}

func (s *Server) nextAnswer() (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) == 0 {
		return Answer{}, false
	}
	a := s.script[0]
	s.script = s.script[1:]
	return a, true
}

func (a Answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	for name, values := range a.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, a.Body) // a client that is gone, or a status without a body
}
