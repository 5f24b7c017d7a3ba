package bulk

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
)

const (
	// defaultWindow is the length of a window whose answers do not tell it.
	defaultWindow = time.Minute

	// firstPause follows a refusal that does not say how long to wait, and twice as long the next, up to maxPause.
	firstPause = time.Second
	maxPause   = time.Minute

	// A refused update is given up when nothing was let through for as long as patience, which is more than the minute by
	// which some gateways count, and it had minAttempts; or, though others are let through, after badLuck, since a slow
	// gateway lets now this one through and now that one, and maxAttempts.
	patience    = 65 * time.Second
	minAttempts = 3
	badLuck     = 5 * time.Minute
	maxAttempts = 100

	// untilChange is a wait that only a change ends.
	untilChange = time.Duration(math.MaxInt64)
)

// pace says when a request may be made: evenly over the window, no faster than a gateway lets through, and not while the
// budget is spent.
type pace struct {
	share   float64
	next    chan struct{} // a lock, held by the request that is next; waiting for it ends with a context
	limiter *rate.Limiter // the share of the limit, evenly
	changed chan struct{} // the wait of the request that is next may have changed

	mu      sync.Mutex
	last    ticket // of the latest request
	probe   int    // the number of the request that goes alone, if it is under way
	learned bool   // it has ended, so the others may go
	limit   int
	size    time.Duration
	window  window
	gateway gateway
	passed  time.Time     // the latest answer that was no refusal
	resume  time.Time     // nothing is sent before this
	backoff time.Duration // the pause after a refusal that names none
}

// ticket is the number of a request, and when it was let go.
type ticket struct {
	number int
	at     time.Time
}

func newPace(share float64) *pace {
	return &pace{
		share:   share,
		next:    make(chan struct{}, 1),
		limiter: rate.NewLimiter(rate.Inf, 0),
		changed: make(chan struct{}, 1),
	}
}

// admit waits until a request may be made. The client's limiter is waited for last, and again if it took so long that the
// request may not be made any more: what it allows must not be kept for later.
func (p *pace) admit(ctx context.Context, clientLimiter func(context.Context) error) (ticket, error) {
	select {
	case p.next <- struct{}{}:
		defer func() { <-p.next }()
	case <-ctx.Done():
		return ticket{}, ctx.Err()
	}
	for {
		for _, wait := range []func(context.Context) error{p.waitForBudget, p.limiter.Wait, clientLimiter} {
			if err := wait(ctx); err != nil {
				return ticket{}, err
			}
		}
		if t, ok := p.reserve(); ok {
			return t, nil
		}
	}
}

// waitForBudget returns when delay says that a request may be made.
func (p *pace) waitForBudget(ctx context.Context) error {
	for {
		p.mu.Lock()
		wait := p.delay(time.Now())
		p.mu.Unlock()
		if wait <= 0 {
			return ctx.Err()
		}
		select {
		case <-time.After(wait):
		case <-p.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserve counts a request, unless it may not be made now.
func (p *pace) reserve() (ticket, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.delay(now) > 0 {
		return ticket{}, false
	}
	p.last = ticket{p.last.number + 1, now}
	if !p.learned {
		p.probe = p.last.number
	}
	return p.last, true
}

// delay returns for how long no request may be made.
func (p *pace) delay(now time.Time) time.Duration {
	if wait := p.resume.Sub(now); wait > 0 {
		return wait
	}
	if !p.learned && p.probe > 0 {
		return untilChange
	}
	if wait := p.gateway.next(p.last.at).Sub(now); wait > 0 {
		return wait
	}
	if !p.isSpent(now) {
		return 0
	}
	wait := p.window.end.Sub(now)
	if p.left() > 0 {
		wait = min(wait, p.last.at.Add(p.size/probesPerWindow).Sub(now))
	}
	return wait
}

// pausedUntil returns when requests go on if they are paused, and otherwise the zero time.
func (p *pace) pausedUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case now.Before(p.resume):
		return p.resume
	case p.isSpent(now):
		return p.window.end
	}
	return time.Time{}
}

// spendable is how many requests of a window the share is, slack how many more a window may have for an uneven pace, and
// burst how many may follow one another at once, to catch up with the pace.
func (p *pace) spendable() int { return int(math.Ceil(p.share * float64(p.limit))) }
func (p *pace) slack() int     { return max(1, p.spendable()/50) }
func (p *pace) burst() int     { return max(1, p.spendable()/10) }

// finish records that a request has ended, with or without an answer, or was not made after all.
func (p *pace) finish(t ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endProbe(t)
}

// endProbe lets the others go after the one that went alone.
func (p *pace) endProbe(t ticket) {
	if p.probe > 0 && t.number >= p.probe {
		p.learned = true
		p.wake()
	}
}

// wake has the request that is next see again how long it waits.
func (p *pace) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// record learns from what came of a request; e is nil if its update was applied. A failure that is not tried again ends
// its probe only with finish, when it is known whether the run goes on.
func (p *pace) record(t ticket, limit composio.RateLimit, e *composio.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.wake()
	now := time.Now()
	if e == nil || e.Retryable() {
		p.endProbe(t)
	}
	if limit.Known && limit.Limit > 0 {
		p.setRate(limit)
		p.updateWindow(t, limit.Remaining, now)
	}
	switch {
	case asksForPause(e):
		p.pause(e.RetryAfter, now)
	case isRefused(e):
		p.gateway.refuse(t, p.last, now)
	case e == nil || e.StatusCode != 0:
		p.backoff, p.passed = 0, now
		p.gateway.pass(now)
	}
}

// setRate sets the pace.
func (p *pace) setRate(limit composio.RateLimit) {
	size := limit.Window
	if size <= 0 {
		size = defaultWindow
	}
	if limit.Limit == p.limit && size == p.size {
		return
	}
	p.limit, p.size = limit.Limit, size
	p.limiter.SetLimit(rate.Limit(p.share * float64(p.limit) / size.Seconds()))
	p.limiter.SetBurst(p.burst())
}

// pause stops all requests. When they go on, the window is over, and one goes alone again.
func (p *pace) pause(retryAfter time.Duration, now time.Time) {
	if retryAfter <= 0 {
		if !now.Before(p.resume) { // or else it was under way with another
			p.backoff = min(max(firstPause, 2*p.backoff), maxPause)
		}
		retryAfter = p.backoff
	}
	if until := now.Add(retryAfter); until.After(p.resume) {
		p.resume = until
	}
	p.window = window{first: p.last.number + 1}
	p.learned, p.probe = false, 0
}

// isHopeless reports whether to give up an update that was begun then and has been refused in so many attempts.
func (p *pace) isHopeless(begun time.Time, attempts int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	tried := time.Since(begun)
	return attempts >= minAttempts && min(tried, time.Since(p.passed)) >= patience || attempts >= maxAttempts && tried >= badLuck
}
