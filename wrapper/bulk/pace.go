package bulk

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
)

const (
	// defaultWindow is the length of a window whose answers do not tell it.
	defaultWindow = time.Minute

	// looks is in how many parts a window is divided for looking, with one request each, whether it is over.
	looks = 8

	// firstPause follows a 429 that does not say how long to wait, and twice as long the next, up to maxPause.
	firstPause = time.Second
	maxPause   = time.Minute
)

// pace says when a request may be made: evenly over the window, and not while the budget is spent.
type pace struct {
	share  float64
	turn   chan struct{} // held by the request that is next, so that no two wait for one moment and then go together
	steady *rate.Limiter // the share of the limit, evenly
	news   chan struct{} // what the next request waits for may have changed

	mu      sync.Mutex
	last    ticket // of the latest request
	probe   int    // the number of the request that goes alone, if it is under way
	learned bool   // it has ended, so the others may go
	limit   int
	size    time.Duration
	window  window
	pause   time.Time     // nothing is sent before this
	backoff time.Duration // the pause after a 429 that names none
}

// ticket is the number of a request, and when it was let go.
type ticket struct {
	number int
	at     time.Time
}

// window is what is known of the server's present window. Its beginning is not told: it is seen when more is left than
// was before.
type window struct {
	first     int       // the number of the request by whose answer the window was noticed
	end       time.Time // it is over then, or was before
	remaining int       // the least that was left
	number    int       // by the answer to this request
	heard     time.Time // at this time
}

func newPace(share float64) *pace {
	return &pace{
		share:  share,
		turn:   make(chan struct{}, 1),
		steady: rate.NewLimiter(rate.Inf, 0),
		news:   make(chan struct{}, 1),
	}
}

// admit waits until a request may be made. The limiter is waited for last, and again if it took so long that the
// request may not be made any more: its leave must not be kept for later.
func (p *pace) admit(ctx context.Context, limiter func(context.Context) error) (ticket, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ticket{}, ctx.Err()
	}
	for {
		if err := p.await(ctx); err != nil {
			return ticket{}, err
		}
		if err := p.steady.Wait(ctx); err != nil {
			return ticket{}, err
		}
		if err := limiter(ctx); err != nil {
			return ticket{}, err
		}
		if t, ok := p.take(); ok {
			return t, nil
		}
	}
}

// await returns when the budget allows a request.
func (p *pace) await(ctx context.Context) error {
	for {
		p.mu.Lock()
		wait, forNews := p.wait(time.Now())
		p.mu.Unlock()
		if wait <= 0 && !forNews {
			return ctx.Err()
		}
		var over <-chan time.Time
		if !forNews {
			over = time.After(wait)
		}
		select {
		case <-over:
		case <-p.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take counts a request, unless it may not be made now.
func (p *pace) take() (ticket, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if wait, forNews := p.wait(now); wait > 0 || forNews {
		return ticket{}, false
	}
	p.last = ticket{p.last.number + 1, now}
	if !p.learned {
		p.probe = p.last.number
	}
	return p.last, true
}

// wait returns how long the budget allows no request; with forNews, until something is heard.
func (p *pace) wait(now time.Time) (wait time.Duration, forNews bool) {
	if wait := p.pause.Sub(now); wait > 0 {
		return wait, false
	}
	if !p.learned && p.probe > 0 {
		return 0, true
	}
	w := &p.window
	if !now.Before(w.end) {
		return 0, false
	}
	// Alone, a run must never come to wait here while it keeps its pace, though answers tell of the past. So what is under
	// way does not count towards the share; it counts towards the end of the budget.
	left := w.remaining - (p.last.number - w.number)
	share := p.spendable() + p.slack()
	if w.remaining > p.limit-share && left > 0 {
		return 0, false
	}
	wait = w.end.Sub(now)
	if left > 0 {
		wait = min(wait, p.last.at.Add(p.size/looks).Sub(now))
	}
	return wait, false
}

// spendable is how many requests of a window the share is, slack how many more a window may have for an uneven pace, and
// burst how many may follow one another at once, to catch up with the pace.
func (p *pace) spendable() int { return int(math.Ceil(p.share * float64(p.limit))) }
func (p *pace) slack() int     { return max(1, p.spendable()/50) }
func (p *pace) burst() int     { return max(1, p.spendable()/10) }

// heard takes note that a request has ended, with or without an answer, or was not made after all.
func (p *pace) heard(t ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learn(t)
}

// learn lets the others go after the one that went alone.
func (p *pace) learn(t ticket) {
	if p.probe > 0 && t.number >= p.probe {
		p.learned = true
		p.tell()
	}
}

// tell wakes the request that is next.
func (p *pace) tell() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// answered learns from the answer to a request.
func (p *pace) answered(t ticket, status int, limit composio.RateLimit, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.tell()
	now := time.Now()
	p.learn(t)
	if limit.Known && limit.Limit > 0 {
		p.set(limit)
		p.look(t, limit.Remaining, now)
	}
	switch status {
	case http.StatusTooManyRequests:
		p.refused(retryAfter, now)
	case 0:
	default:
		p.backoff = 0
	}
}

// set sets the pace.
func (p *pace) set(limit composio.RateLimit) {
	size := limit.Window
	if size <= 0 {
		size = defaultWindow
	}
	if limit.Limit == p.limit && size == p.size {
		return
	}
	p.limit, p.size = limit.Limit, size
	p.steady.SetLimit(rate.Limit(p.share * float64(p.limit) / size.Seconds()))
	p.steady.SetBurst(p.burst())
}

// look takes in what is left. Answers can overtake one another, so more being left shows a new window only if the request
// was made after less had been heard of; and one made before the window was noticed says nothing of it.
func (p *pace) look(t ticket, remaining int, now time.Time) {
	w := &p.window
	switch {
	case t.number < w.first:
	case !t.at.Before(w.end), remaining > w.remaining && t.at.After(w.heard):
		*w = window{first: t.number, end: now.Add(p.size), remaining: remaining, number: t.number, heard: now}
	case remaining <= w.remaining:
		w.remaining, w.number, w.heard = remaining, max(t.number, w.number), now
	}
}

// refused stops all requests. When they go on, the window is over, and one goes alone again.
func (p *pace) refused(retryAfter time.Duration, now time.Time) {
	if retryAfter <= 0 {
		switch {
		case now.Before(p.pause): // it was under way with another
		case p.backoff == 0:
			p.backoff = firstPause
		default:
			p.backoff = min(2*p.backoff, maxPause)
		}
		retryAfter = p.backoff
	}
	if until := now.Add(retryAfter); until.After(p.pause) {
		p.pause = until
	}
	p.window = window{first: p.last.number + 1}
	p.learned, p.probe = false, 0
}
