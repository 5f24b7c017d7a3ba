package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// bench runs cases, and notes what they come to.
type bench struct {
	table    *table
	progress io.Writer // gets a dot for each case of a pass
	random   *rand.Rand
	totals   map[string]*total // by case and variant
}

func newBench(t *table, progress io.Writer) *bench {
	return &bench{t, progress, rand.New(rand.NewPCG(1, 2)), map[string]*total{}}
}

// passRounds is how many rounds a process lives. One that is lucky in where its memory lies stays so; and 20,000 calls
// that each open a connection leave some of the 28,000 ports over that one can be opened from, to one server, in the
// minute until they are free again.
const passRounds = 10

// run makes so many rounds of every case, or fewer if time runs out, and returns how many. Cases follow each other in
// passes: a first round of all shows what they cost, and so how many fit.
func (b *bench) run(cases []benchCase, rounds int, budget time.Duration) (done int, err error) {
	deadline := time.Now().Add(budget)
	for n := 1; n > 0; {
		starting, measuring, err := b.pass(cases, n)
		if err != nil {
			return done, err
		}
		done += n
		n = min(passRounds, rounds-done, fit(time.Until(deadline), starting, measuring/time.Duration(n)))
	}
	return done, nil
}

// fit returns how many rounds there is time for.
func fit(left, starting, round time.Duration) int { return int((left - starting) / round) }

// pass makes so many rounds of each case, and returns how long it took before them and for them.
func (b *bench) pass(cases []benchCase, rounds int) (starting, measuring time.Duration, err error) {
	for _, c := range cases {
		s, m, err := b.runCase(c, rounds)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", c.Name, err)
		}
		starting, measuring = starting+s, measuring+m
		_, _ = fmt.Fprint(b.progress, ".")
	}
	return starting, measuring, nil
}

func (b *bench) runCase(c benchCase, rounds int) (starting, measuring time.Duration, err error) {
	start := time.Now()
	s := &servers{}
	if !c.inMemory() {
		var stop func() error
		if s, stop, err = startServers(c.Secure); err != nil {
			return 0, 0, err
		}
		defer also(&err, stop)
	}
	clients, stop, err := startClients(&c, c.variants(), s)
	if err != nil {
		return 0, 0, err
	}
	defer also(&err, stop)
	for _, p := range clients {
		b.total(&c, p.variant).addFirst(p.first)
	}
	started := time.Now()
	for range rounds {
		samples := map[string]sample{}
		for _, p := range inRandomOrder(b.random, clients) {
			sample, err := p.slice()
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", p.variant, err)
			}
			samples[p.variant] = sample
			b.total(&c, p.variant).add(sample, c.Calls)
		}
		b.note(&c, samples)
	}
	for _, p := range clients {
		b.noteTotal(&c, p)
	}
	return started.Sub(start), time.Since(started), nil
}

// also calls f, whose error counts if there was none before.
func also(err *error, f func() error) {
	if failed := f(); *err == nil {
		*err = failed
	}
}

// clientProcess is a client in a process of its own.
type clientProcess struct {
	*process
	variant string
	first   sample // after warming up
}

// startClients starts one for each variant, one after the other, so that none disturbs another's warming up. stop ends
// them.
func startClients(c *benchCase, all []variant, s *servers) (clients []*clientProcess, stop func() error, err error) {
	stop = func() error {
		var errs []error
		for _, p := range clients {
			errs = append(errs, p.stop())
		}
		return errors.Join(errs...)
	}
	for _, v := range all {
		p, err := startClient(&job{v.name, *c, s.URLs[v.name], s.Certificate})
		if err != nil {
			_ = stop() // the first error is the reason
			return nil, nil, fmt.Errorf("%s: %w", v.name, err)
		}
		clients = append(clients, p)
	}
	return clients, stop, nil
}

func startClient(j *job) (*clientProcess, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p, err := startProcess(clientVariable, string(text))
	if err != nil {
		return nil, err
	}
	client := &clientProcess{process: p, variant: j.Variant}
	return client, p.read(&client.first)
}

// slice has the client make one.
func (p *clientProcess) slice() (s sample, err error) {
	_, _ = p.stdin.Write([]byte("\n")) // if that fails the process has ended, and reading returns the reason
	return s, p.read(&s)
}

// inRandomOrder returns all in another order each time. With a rotation, which also gives each its turn to be first,
// each would always follow the same one, and work with what that left in the processor's caches.
func inRandomOrder[T any](random *rand.Rand, all []T) []T {
	shuffled := make([]T, len(all))
	for i, from := range random.Perm(len(all)) {
		shuffled[i] = all[from]
	}
	return shuffled
}
