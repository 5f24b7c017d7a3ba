package bulk

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
)

// isRefused reports whether somebody had too much to do for the request.
func isRefused(e *composio.Error) bool {
	return e != nil && (e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable)
}

// asksForPause reports whether all requests have to wait: because of Composio's own rate limit, or because the answer says
// how long. Any other refusal is a gateway's, to which requests come too fast.
func asksForPause(e *composio.Error) bool {
	const itsCode, itsMessage = 10429, "rate limit exceeded"
	return isRefused(e) && (e.RetryAfter > 0 || e.StatusCode == http.StatusTooManyRequests &&
		(e.Code == itsCode || e.RateLimit.Known || strings.HasPrefix(strings.ToLower(e.Message), itsMessage)))
}

const (
	// slowest is the least rate that refusals lead to, in requests a second. A server that answers 503 now and then, however
	// slowly it is asked, would otherwise bring the run to a stop.
	slowest = 20

	// backTo is the part of a refused rate that the first second of success leads back to.
	backTo = 0.95

	// leastStep is by how much each second of success raises the rate from there. After so many as calm has, there is room to be found: the step doubles each time, up to a doubled rate.
	leastStep = 0.01
	calm      = 10

	// few answers before the first refusal say nothing of what goes through in a second.
	few = 16
)

// gateway finds the rate that a gateway on the way lets through, which it does not tell. A refusal halves the rate, and
// each second of success raises it.
type gateway struct {
	rate      float64 // requests a second; 0 until the first refusal, which is no bound
	target    float64 // what the next second of success leads to, if it is above rate
	bound     float64 // of target
	step      float64
	successes int    // seconds without a refusal at the target or above
	halved    ticket // the last request before that, and when

	second time.Time // the beginning of the present second of success
	passed int       // answers in it
	recent [5]int    // passed, in the seconds before
}

// next returns when the request after one at this time may follow.
func (g *gateway) next(last time.Time) time.Time {
	if g.rate == 0 {
		return time.Time{}
	}
	return last.Add(time.Duration(float64(time.Second) / g.rate))
}

// pass takes note of a request that was let through.
func (g *gateway) pass(t ticket, now time.Time) {
	g.turn(now)
	g.passed++
	if t.number <= g.halved.number { // it was under way when the rate was halved
		g.target = min(g.target+backTo, g.bound)
	}
}

// refuse takes note of one that was refused. Those that were sent before the rate was halved are no reason to halve it
// again, nor are those of the second after: a gateway that counts by the second refuses all until the next.
func (g *gateway) refuse(t, last ticket, now time.Time) {
	g.turn(now)
	if t.number <= g.halved.number {
		return
	}
	g.second = now // success is counted from here
	if g.rate > 0 && now.Sub(g.halved.at) < time.Second {
		return
	}
	g.halved = ticket{last.number, now}
	through := float64(max(g.passed, slices.Max(g.recent[:])) + 1) // in a second, lately
	tried, step, bound := through, leastStep, cmp.Or(g.rate, math.Inf(1))
	switch {
	case g.rate == 0 && g.passed < few:
		step = 1 // that tells little: look for the rate by doubling
	case g.step > leastStep:
		tried = min(1.2*through, g.rate) // doubling went too far, and half of it was too little
	case g.rate > 0:
		tried = min(through, g.rate)
	}
	g.rate, g.target, g.step, g.successes = max(tried/2, slowest), tried*backTo, step, 0
	g.bound, g.passed = bound*backTo, 0
}

// turn ends the present second if it is over.
func (g *gateway) turn(now time.Time) {
	if now.Sub(g.second) < time.Second {
		return
	}
	copy(g.recent[1:], g.recent[:])
	g.recent[0] = g.passed
	if g.rate > 0 && g.passed > 0 {
		g.rise()
	}
	g.second, g.passed = now, 0
}

func (g *gateway) rise() {
	if g.rate < g.target {
		g.rate = g.target
		return
	}
	if g.successes++; g.successes > calm {
		g.step = min(2*g.step, 1)
	}
	g.rate *= 1 + g.step
}
