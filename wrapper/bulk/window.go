package bulk

import "time"

// probesPerWindow is how many requests a window has that find out, while its budget is spent, whether the next has begun.
const probesPerWindow = 8

// window is what is known of the server's present window. Its beginning is not told: it is seen when more is left than
// was before.
type window struct {
	first     int       // the number of the request by whose answer the window was noticed
	end       time.Time // it is over then, or was before
	remaining int       // the least that was left,
	number    int       // by the answer to this request,
	at        time.Time // which came at this time
}

// left is how much of the window's budget is left if what is under way is counted.
func (p *pace) left() int { return p.window.remaining - (p.last.number - p.window.number) }

// isSpent reports whether the budget allows no request but a probe.
//
// Alone, a run must never come to wait for the window's end while it keeps its pace, though answers tell of the past. So
// what is under way does not count towards the share; it counts towards the end of the budget.
func (p *pace) isSpent(now time.Time) bool {
	share := p.spendable() + p.slack()
	return now.Before(p.window.end) && (p.window.remaining <= p.limit-share || p.left() <= 0)
}

// updateWindow takes in what is left. Answers can overtake one another, so more being left shows a new window only if the
// request was made after less was known to be left; and one made before the window was noticed says nothing of it.
func (p *pace) updateWindow(t ticket, remaining int, now time.Time) {
	w := &p.window
	switch {
	case t.number < w.first:
	case !t.at.Before(w.end), remaining > w.remaining && t.at.After(w.at):
		*w = window{first: t.number, end: now.Add(p.size), remaining: remaining, number: t.number, at: now}
	case remaining <= w.remaining:
		w.remaining, w.number, w.at = remaining, max(t.number, w.number), now
	}
}
