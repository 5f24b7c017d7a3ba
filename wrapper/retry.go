package composio

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxRetryAfter is Composio's rate-limit window. A longer wait is the caller's to decide on.
	maxRetryAfter = 60 * time.Second
	minBackoff    = 500 * time.Millisecond
	maxBackoff    = 8 * time.Second
)

// Retryable reports whether the same update may succeed if it is sent again: no answer arrived, or the status was 408,
// 429, 500, 502, 503, 504, or 409 for another reason than a taken alias. It is what the client itself goes by, within
// [WithMaxRetries]; an error that says "not tried again" had another reason to end the call.
func (e *Error) Retryable() bool {
	if e.tooLarge {
		return false
	}
	switch e.StatusCode {
	case 0:
		return e.lost
	case http.StatusConflict:
		return !e.aliasTaken
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryDelay returns how long to wait before the attempt after the one that failed with e, and whether to make it.
func (c *config) retryDelay(ctx context.Context, e *Error) (wait time.Duration, again bool) {
	if e.Attempts > c.maxRetries || !e.Retryable() || e.RetryAfter > maxRetryAfter || ctx.Err() != nil {
		return 0, false
	}
	if errors.Is(e.Err, errReplayedOnce) {
		return 0, true // a stale connection says nothing about the server
	}
	wait = e.RetryAfter
	if wait <= 0 {
		wait = backoff(e.Attempts)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	return wait, true
}

// backoff doubles from minBackoff to maxBackoff, less a random part of at most a quarter, so that callers who failed
// together do not return together.
func backoff(attempts int) time.Duration {
	wait := min(minBackoff<<min(attempts-1, 10), maxBackoff) // 10, because much more would overflow
	return wait - rand.N(wait/4+1)
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3), in whole or fractional seconds or as a date. It
// returns 0 for one that is absent, unreadable or not in the future, and the longest Duration for one beyond it.
func retryAfter(value string) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil && !math.IsInf(seconds, 1) {
			return 0
		}
		if seconds >= math.MaxInt64/float64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(math.Round(seconds * float64(time.Second)))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, time.Until(at))
}

// sendings counts how often one attempt's request is sent: net/http asks it for the body of a replay, which it gives
// once.
type sendings struct {
	ctx     context.Context // the attempt's
	payload []byte

	mu       sync.Mutex
	body     *bytes.Reader // the copy of payload that was given last
	asked    bool          // for another copy
	replayed bool
}

// again is the request's GetBody.
func (s *sendings) again() (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx.Err(); err != nil {
		return nil, err // before the body is looked at, which a transport may still read now
	}
	// HTTP/2 also asks when a connection took no request any more, so that nothing was sent.
	if s.body.Len() < len(s.payload) {
		if s.replayed {
			return nil, errReplayedOnce
		}
		s.replayed = true
	}
	s.asked = true
	s.body = bytes.NewReader(s.payload)
	return io.NopCloser(s.body), nil
}

// twice reports whether the request may have been sent more than once.
func (s *sendings) twice() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replayed
}

// none reports whether it is shown that the request was not sent, because nobody read its body. It is asked when the
// transport is done with the request, which it may not be yet when the context is.
func (s *sendings) none() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx.Err() == nil && !s.asked && s.body.Len() == len(s.payload)
}

// errReplayedOnce stands in the place of a third sending of one attempt's request.
var errReplayedOnce = errors.New("two connections in turn died before an answer, so the request is not sent a third time")

// neverSent reports whether a transport's error shows that no server got the request, whoever read its body: it is
// about finding the host, connecting to it or the TLS handshake.
func neverSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial", "proxyconnect", "socks connect":
			return true
		}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return neverWillBe(err) || strings.HasSuffix(err.Error(), "net/http: TLS handshake timeout") // a type of net/http's own
}

// neverWillBe reports whether a transport's error shows that another attempt must fail as well: the host is not the one
// that was asked for, or does not speak TLS.
func neverWillBe(err error) bool {
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	record, badRecord := errors.AsType[tls.RecordHeaderError](err)
	noTLS := badRecord && record.Conn != nil // crypto/tls hands the connection over only if the first record is none
	return badCertificate || noTLS
}

// headersTooLarge reports whether a transport gave up on an answer for the size of its headers. net/http has no type
// for it, in either version of HTTP.
func headersTooLarge(err error) bool {
	return strings.Contains(err.Error(), "server response headers exceeded") ||
		strings.Contains(err.Error(), "response header list larger than advertised limit")
}
