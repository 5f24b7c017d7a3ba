package main

import "fmt"

// total is what all slices of a variant in a case come to, for what one of them has too little of.
type total struct {
	processes, cold                         int64 // cold are the connections opened while warming up
	calls, connections, writes, collections int64 // later
}

func (b *bench) total(c *benchCase, variant string) *total {
	key := c.Name + ": " + variant
	if b.totals[key] == nil {
		b.totals[key] = &total{}
	}
	return b.totals[key]
}

func (t *total) addFirst(s sample) {
	t.processes++
	t.cold += s.Connections
}

func (t *total) add(s sample, calls int) {
	t.calls += int64(calls)
	t.connections += s.Connections
	t.writes += s.Writes
	t.collections += int64(s.Collections)
}

// note adds the rows of one round.
func (b *bench) note(c *benchCase, samples map[string]sample) {
	row := func(what string, format func(float64) string, of func(sample) float64) {
		values := map[string]float64{}
		for variant, s := range samples {
			values[variant] = of(s)
		}
		b.table.round(c.Name+": "+what, format, values)
	}
	calls := float64(c.Calls)
	p50 := func(s sample) float64 { return s.P50 }
	switch {
	case c.inMemory():
		row("time", duration, func(s sample) float64 { return s.Wall / calls })
	case c.Callers == 1:
		row("p50", duration, p50)
	default:
		row("calls/s", thousands, func(s sample) float64 { return calls / s.Wall })
		row("p50", duration, p50)
		row("p99", duration, func(s sample) float64 { return s.P99 })
	}
	row("client CPU", duration, func(s sample) float64 { return s.CPU / calls })
}

// noteTotal sets the cells that hold no ratio.
func (b *bench) noteTotal(c *benchCase, p *clientProcess) {
	t := b.total(c, p.variant)
	text := func(what, format string, values ...any) {
		b.table.text(c.Name+": "+what, p.variant, fmt.Sprintf(format, values...))
	}
	perCall := func(n int64) float64 { return float64(n) / float64(t.calls) }
	switch {
	case c.inMemory():
		text("allocations", "%.0f", p.first.Allocations)
		text("garbage collections in 10,000 calls", "%.1f", 10_000*perCall(t.collections))
	case c.Callers == 1:
		text("writes a call", "%.2f", perCall(t.writes))
	case !c.OurPool:
		// A connection counts where its dial began, see countOn: those that the first calls asked for, and did not wait
		// for because another became free, are with the first calls. Nothing falls between the two numbers, as every
		// sample counts from the one before.
		text("connections, first 1,000 calls + per 1,000 later", "%.0f + %.0f", float64(t.cold)/float64(t.processes), 1000*perCall(t.connections))
	}
}

// duration formats seconds.
func duration(seconds float64) string {
	if seconds < 1e-3 {
		return fmt.Sprintf("%.3g µs", 1e6*seconds)
	}
	return fmt.Sprintf("%.3g ms", 1e3*seconds)
}

func thousands(n float64) string { return fmt.Sprintf("%.1fk", n/1000) }
