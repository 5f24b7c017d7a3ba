package bulk

import (
	"net/http"
	"strings"
	"time"

	composio "example.com/composio/wrapper"
)

// isRefused reports whether the answer says that there is too much to do.
func isRefused(e *composio.Error) bool {
	return e != nil && (e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable)
}

// asksForPause reports whether all requests have to wait: because of Composio's own rate limit, or because the answer says
// how long. Any other refusal is a gateway's, to which requests come too fast.
func asksForPause(e *composio.Error) bool {
	const code, message = 10429, "rate limit exceeded"
	return isRefused(e) && (e.RetryAfter > 0 || e.StatusCode == http.StatusTooManyRequests &&
		(e.Code == code || e.RateLimit.Known || strings.HasPrefix(strings.ToLower(e.Message), message)))
}

const (
	// minRate is the least rate, in requests a second. A server that refuses a part of the requests, however slowly they
	// come, would otherwise bring the run to a stop. A gateway that allows less refuses more, which loses no update: each is
	// sent again as long as others get through.
	minRate = 10

	// recovery is how long the rate takes to rise from its half to safety, a part of the rate that was refused. It is short,
	// since a gateway that counts evenly also refuses at a lower rate than its own when two requests come close together.
	recovery = 300 * time.Millisecond
	safety   = 0.95

	// firstStep is by how much the first second of success raises the rate, and stepGrowth how much more each one does than
	// the one before: a gateway is not tried hard as long as it may be near its limit, and a limit that rose is soon found.
	firstStep  = 0.01
	stepGrowth = 1.2
)

// gateway finds the rate that a gateway lets through, which it does not tell. A refusal halves the rate, which soon rises
// to a little less than was refused, and from there with each second of success.
type gateway struct {
	rate   float64 // requests a second, but for the time after it was halved; 0 until then, and nothing is held back
	step   float64 // by how much the next second of success raises it
	halved ticket  // the latest request when the rate was halved, and when that was

	second   time.Time // the beginning of the present second
	passed   int       // requests that were let through in it
	previous int       // and in the one before
	refused  bool      // one was refused in it, so it is no second of success
}

// next returns when the request after one at this time may follow.
func (g *gateway) next(last time.Time) time.Time {
	if g.rate == 0 {
		return time.Time{}
	}
	recovered := min(max(0, last.Sub(g.halved.at).Seconds()/recovery.Seconds()), 1)
	return last.Add(time.Duration(float64(time.Second) / max(g.rate*(1+recovered)/2, minRate)))
}

// pass records a request that was let through.
func (g *gateway) pass(now time.Time) {
	g.endSecond(now)
	g.passed++
}

// refuse records one that was refused. Those that were sent before the rate was halved are no reason to halve it again, nor
// are those that come while it recovers. How much was let through is a lower bound of the limit: a gateway that counts by
// the second refuses all until the next.
func (g *gateway) refuse(t, last ticket, now time.Time) {
	g.endSecond(now)
	if t.number <= g.halved.number {
		return
	}
	g.refused = true
	if now.Sub(g.halved.at) < recovery {
		return
	}
	passed := float64(max(g.passed, g.previous))
	if g.rate == 0 {
		g.rate, g.step = passed+1, 1 // how much goes through is hardly known: double the rate
	} else {
		// The limit is between the rate before the last step and the present one, of which not all may have been used.
		g.rate, g.step = max(passed, min(g.rate/(1+g.step/2), 2*passed)), firstStep
	}
	g.rate = max(g.rate*safety, minRate)
	g.halved = ticket{last.number, now}
}

// endSecond ends the present second if it is over.
func (g *gateway) endSecond(now time.Time) {
	if now.Sub(g.second) < time.Second {
		return
	}
	if g.rate > 0 && g.passed > 0 && !g.refused {
		g.rate *= 1 + g.step
		g.step = min(g.step*stepGrowth, 1)
	}
	g.second, g.previous, g.passed, g.refused = now, g.passed, 0, false
}
