package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/wrapper"
)

// coldCalls fill a pool before it is measured. The connections that takes are counted.
const coldCalls = 1000

// loopbackCase is what all variants do in turn: calls by some callers at once, to a server in another process.
type loopbackCase struct {
	name    string
	callers int
	calls   int  // of a slice, which takes some tens of milliseconds
	secure  bool // TLS, and with it HTTP/2
	pool    *pool
	clients map[string]*client // by variant
}

// pool is a transport with its counters.
type pool struct {
	*http.Transport
	*counters
}

func newPool(t *http.Transport) *pool { return &pool{t, countOn(t)} }

// client is one variant in one case, and what all its slices came to.
type client struct {
	call                       call.Func
	pool                       *pool
	coldConnections            int64
	calls, writes, connections int64
}

func loopbackCases() []*loopbackCase {
	load := []struct{ callers, calls int }{{1, 200}, {16, 1000}, {64, 1500}, {256, 2000}}
	var cases []*loopbackCase
	for _, l := range load {
		cases = append(cases, &loopbackCase{name: fmt.Sprintf("loopback, %d at once", l.callers), callers: l.callers, calls: l.calls})
	}
	shared := newPool(wrapper.Pool())
	for _, l := range load {
		cases = append(cases, &loopbackCase{name: fmt.Sprintf("all on our pool, %d at once", l.callers), callers: l.callers, calls: l.calls, pool: shared})
	}
	return append(cases,
		&loopbackCase{name: "HTTP/2 and TLS, 1 at once", callers: 1, calls: 200, secure: true},
		&loopbackCase{name: "HTTP/2 and TLS, 64 at once", callers: 64, calls: 1500, secure: true})
}

// loopbackBench measures what a call costs with a server in another process.
type loopbackBench struct {
	table *table
	cases []*loopbackCase
	turn  int
}

func newLoopbackBench(t *table) (b *loopbackBench, stop func() error, err error) {
	s, stop, err := startServers()
	if err != nil {
		return nil, nil, err
	}
	b = &loopbackBench{table: t, cases: loopbackCases()}
	for _, c := range b.cases {
		if err := c.prepare(s); err != nil {
			return nil, nil, errors.Join(err, stop())
		}
	}
	return b, stop, nil
}

// prepare makes the clients and fills their pools.
func (c *loopbackCase) prepare(s *servers) error {
	trust, err := s.trust()
	if err != nil {
		return err
	}
	c.clients = map[string]*client{}
	for i, v := range variants {
		if c.pool != nil && v.pkg == "" {
			continue // on our pool it is the hand-written code
		}
		pool, url := c.pool, s.HTTP[i]
		if pool == nil {
			pool = newPool(v.pool())
		}
		if c.secure {
			url = s.HTTPS[i]
			pool.TLSClientConfig = trust
		}
		f, err := v.make(call.Config{BaseURL: url, Client: &http.Client{Transport: pool.Transport}})
		if err != nil {
			return err
		}
		if _, err := makeCalls(f, c.callers, coldCalls); err != nil {
			return fmt.Errorf("%s, %s: %w", c.name, v.name, err)
		}
		c.clients[v.name] = &client{call: f, pool: pool, coldConnections: pool.connections.Load()}
	}
	return nil
}

func (b *loopbackBench) round() error {
	for _, c := range b.cases {
		passes := 1
		if c.callers == 1 {
			passes = 4 // its slices are short, and what is looked for is small
		}
		for pass := range passes {
			if err := b.pass(c, b.turn+pass); err != nil {
				return err
			}
		}
	}
	b.turn++
	return nil
}

// pass measures one slice of each variant.
func (b *loopbackBench) pass(c *loopbackCase, turn int) error {
	rates, cpus, medians := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, v := range takeTurns(variants, turn) {
		client := c.clients[v.name]
		if client == nil {
			continue
		}
		wall, cpu, times, err := client.slice(c.callers, c.calls)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", c.name, v.name, err)
		}
		rates[v.name] = float64(c.calls) / wall.Seconds()
		cpus[v.name] = cpu.Seconds() / float64(c.calls)
		medians[v.name] = quantile(times, 0.5)
	}
	if c.callers == 1 {
		b.table.round(c.name+": p50", micro, medians)
	} else {
		b.table.round(c.name+": calls/s", thousands, rates)
	}
	b.table.round(c.name+": client CPU", micro, cpus)
	for name, client := range c.clients {
		switch {
		case c.callers == 1:
			b.table.text(c.name+": writes a call", name, fmt.Sprintf("%.2f", float64(client.writes)/float64(client.calls)))
		case c.pool == nil:
			b.table.text(c.name+": connections of the first 1,000 calls + of 1,000 later", name,
				fmt.Sprintf("%d + %.0f", client.coldConnections, 1000*float64(client.connections)/float64(client.calls)))
		}
	}
	return nil
}

// slice makes one slice of calls, and returns how long each took, in seconds.
func (c *client) slice(callers, calls int) (wall, cpu time.Duration, times []float64, err error) {
	writes, connections := c.pool.writes.Load(), c.pool.connections.Load()
	wall, cpu, err = measure(func() (err error) {
		times, err = makeCalls(c.call, callers, calls)
		return err
	})
	c.calls += int64(calls)
	c.writes += c.pool.writes.Load() - writes
	c.connections += c.pool.connections.Load() - connections
	return wall, cpu, times, err
}

// makeCalls makes so many calls, by several callers at once, and returns how long each took, in seconds.
func makeCalls(f call.Func, callers, calls int) ([]float64, error) {
	times := make([]float64, calls)
	errs := make([]error, callers)
	var begun atomic.Int64
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for errs[caller] == nil {
				i := int(begun.Add(1)) - 1
				if i >= calls {
					return
				}
				start := time.Now()
				_, errs[caller] = f(context.Background())
				times[i] = time.Since(start).Seconds()
			}
		})
	}
	wg.Wait()
	return times, errors.Join(errs...)
}

func thousands(n float64) string { return fmt.Sprintf("%.1fk", n/1000) }
