package composio

import "time"

// Result is what Composio said of an update that it applied.
type Result struct {
	ID        string    // the account
	Status    Status    // the state of its connection after the update
	RequestID string    // for Composio's support; the answer's x-request-id, or else the id that was sent
	Attempts  int       // how many requests it took, 1 or more
	RateLimit RateLimit // the organization's budget after this request
}

// Status is the state of an account's connection. The set is open: Composio may answer with one that has no constant
// here. It is "" where Composio named none.
type Status string

// The statuses seen so far.
const (
	StatusActive       Status = "ACTIVE"
	StatusInitializing Status = "INITIALIZING"
	StatusInitiated    Status = "INITIATED"
	StatusExpired      Status = "EXPIRED"
	StatusFailed       Status = "FAILED"
	StatusInactive     Status = "INACTIVE"
	StatusRevoked      Status = "REVOKED"
)

// RateLimit is the organization's budget of requests, which all of its API keys and endpoints share.
type RateLimit struct {
	Limit     int           // requests in a window
	Remaining int           // requests left in this window
	Window    time.Duration // the window's length; 0 if the answer did not say
	Known     bool          // whether the answer carried a limit and what remains of it
}
