package main

import (
	"fmt"
	"net/http"

	"example.com/composio/wrapper/internal/bench/call"
)

// benchCase is what all variants do in turn.
type benchCase struct {
	Name    string
	Status  int  // of the answer from memory; 0 for a server in another process
	Callers int  // at once
	Calls   int  // of a slice: enough for several garbage collections in memory
	Secure  bool // TLS, and with it HTTP/2
	OurPool bool // for every variant
}

// memoryCases measure what a call costs without a network.
var memoryCases = []benchCase{
	{Name: "in memory, 200", Status: http.StatusOK, Callers: 1, Calls: 10_000},
	{Name: "in memory, 409", Status: http.StatusConflict, Callers: 1, Calls: 10_000},
}

// loopbackCases measure what a call costs with a server in another process.
var loopbackCases = []benchCase{
	{Name: "loopback, 1 at once", Callers: 1, Calls: 1000},
	{Name: "loopback, 16 at once", Callers: 16, Calls: 2000},
	{Name: "loopback, 64 at once", Callers: 64, Calls: 2000},
	{Name: "loopback, 256 at once", Callers: 256, Calls: 2000},
	{Name: "all on our pool, 1 at once", Callers: 1, Calls: 1000, OurPool: true},
	{Name: "all on our pool, 16 at once", Callers: 16, Calls: 2000, OurPool: true},
	{Name: "all on our pool, 64 at once", Callers: 64, Calls: 2000, OurPool: true},
	{Name: "all on our pool, 256 at once", Callers: 256, Calls: 2000, OurPool: true},
	{Name: "HTTP/2 and TLS, 1 at once", Callers: 1, Calls: 1000, Secure: true},
	{Name: "HTTP/2 and TLS, 64 at once", Callers: 64, Calls: 2000, Secure: true},
}

func (c *benchCase) inMemory() bool { return c.Status != 0 }

// fails reports whether each call has to return an error.
func (c *benchCase) fails() bool { return c.inMemory() && c.Status != http.StatusOK }

// variants leaves out one that only its pool sets apart, where there is none or the same for all.
func (c *benchCase) variants() (some []variant) {
	for _, v := range variants {
		if v.pkg != "" || !c.inMemory() && !c.OurPool {
			some = append(some, v)
		}
	}
	return some
}

// check returns what is wrong with the outcome of a call.
func (c *benchCase) check(result call.Result, err error) error {
	want := call.Result{ID: call.ID, Status: "ACTIVE"}
	if c.fails() {
		want = call.Result{}
	}
	if (err != nil) != c.fails() || result != want {
		return fmt.Errorf("the call returned %+v, and the error %v", result, err)
	}
	return nil
}

// measure is what one row of the table says.
type measure struct {
	what   string
	ratio  bool // to the hand-written code in the same round; otherwise the mean of all rounds is shown
	format func(float64) string
	of     func(*Sample) float64
}

func (c *benchCase) measures() []measure {
	p50 := measure{c.Name + ": p50", true, duration, func(s *Sample) float64 { return s.P50 }}
	cpu := measure{c.Name + ": client CPU", true, duration, func(s *Sample) float64 { return s.CPU }}
	switch {
	case c.inMemory():
		return []measure{
			{c.Name + ": time", true, duration, func(s *Sample) float64 { return s.Wall }}, cpu,
			{c.Name + ": allocations", false, decimals(0), func(s *Sample) float64 { return s.Allocations }},
			{c.Name + ": garbage collections in 10,000 calls", false, decimals(1), func(s *Sample) float64 { return 10_000 * s.Collections }},
		}
	case c.Callers == 1:
		return []measure{p50, cpu, {c.Name + ": writes a call", false, decimals(2), func(s *Sample) float64 { return s.Writes }}}
	}
	all := []measure{
		{c.Name + ": calls/s", true, thousands, func(s *Sample) float64 { return 1 / s.Wall }}, p50,
		{c.Name + ": p99", true, duration, func(s *Sample) float64 { return s.P99 }}, cpu,
	}
	if !c.OurPool { // which opens none
		all = append(all, measure{c.Name + ": connections opened in 1,000 calls", false, decimals(0), func(s *Sample) float64 { return 1000 * s.Connections }})
	}
	return all
}
