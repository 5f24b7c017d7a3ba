package main

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// The processes of a case live for one pass: a process keeps a memory layout that happens to be good or bad, and in 20,000
// calls one that opens a connection for each does not use up the 28,000 ports, which are free again after a minute.
const passes, passRounds = 3, 10

// run makes so many passes over all cases, each with passRounds rounds, and writes a dot for each case.
func (t *table) run(cases []benchCase, passes, rounds int, progress io.Writer) error {
	for range passes {
		for _, c := range cases {
			if err := t.pass(&c, rounds); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			_, _ = fmt.Fprint(progress, ".")
		}
	}
	return nil
}

// pass makes so many rounds of a case: in each, every variant makes one slice of calls.
func (t *table) pass(c *benchCase, rounds int) error {
	var clients []*process
	for _, v := range c.variants() { // one after the other, so that none disturbs another's warming up
		job := Job{Variant: v.name, Case: *c}
		if !c.inMemory() {
			server := startServer(c.Secure, answer)
			defer server.Close()
			job.URL = server.URL
		}
		p, err := startProcess(&job)
		if err != nil {
			return err
		}
		defer p.stop()
		clients = append(clients, p)
	}
	for range rounds {
		// Whoever comes first has cold caches, and whoever follows another has what that one left in them.
		rand.Shuffle(len(clients), func(i, j int) { clients[i], clients[j] = clients[j], clients[i] })
		for _, p := range clients {
			var s Sample
			if err := p.Call("Child.Slice", c.Calls, &s); err != nil {
				return fmt.Errorf("%s: %w", p.variant, err)
			}
			for _, m := range c.measures() {
				t.add(m, p.variant, m.of(&s))
			}
		}
	}
	return nil
}
