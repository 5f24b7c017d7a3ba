package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/bench/call"
)

// Job is one variant in one case.
type Job struct {
	Variant string
	Case    benchCase
	URL     string // of the server; "" in memory
}

// Sample is what one call of a slice came to. Times are in seconds.
type Sample struct {
	Wall, CPU                        float64
	P50, P99                         float64 // 0 in memory, where looking at the clock costs too much to do it for each call
	Writes, Connections, Collections float64 // Collections are of garbage
	Allocations                      float64
}

// client does a job.
type client struct {
	benchCase
	call                call.Func
	connections, writes atomic.Int64 // stay 0 in memory
}

// Prepare makes the client, and warms it up with as many calls as a slice has.
func (c *Child) Prepare(j *Job, _ *bool) (err error) {
	if c.client, err = newClient(j); err != nil {
		return err
	}
	return c.Slice(j.Case.Calls, &Sample{})
}

func newClient(j *Job) (*client, error) {
	v := variants[slices.IndexFunc(variants, func(v variant) bool { return v.name == j.Variant })]
	c := &client{benchCase: j.Case}
	config := call.Config{BaseURL: cmp.Or(j.URL, "http://127.0.0.1"), NoRetries: c.fails()}
	if c.inMemory() {
		config.Client = &http.Client{Transport: &memory{c.Status, answers[c.Status]}}
	} else {
		pool := v.pool
		if c.OurPool {
			pool = composio.NewTransport
		}
		transport := pool()
		if c.Secure {
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the server is a process of ours
		}
		c.countOn(transport)
		config.Client = &http.Client{Transport: transport}
	}
	var err error
	c.call, err = v.make(config)
	return c, err
}

// countOn makes a pool count its connections and their writes, each of which is a system call. A connection counts when
// its dial begins, so that it is counted where it was asked for, even if the call found another one meanwhile.
func (c *client) countOn(t *http.Transport) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.connections.Add(1)
		conn, err := dial(ctx, network, address)
		return &countedConn{conn, &c.writes}, err
	}
}

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Slice makes so many calls.
func (c *Child) Slice(calls int, s *Sample) error {
	before, start := c.client.used(), time.Now()
	times, err := c.client.makeCalls(calls)
	if err != nil {
		return err
	}
	wall, after, n := time.Since(start), c.client.used(), float64(calls)
	*s = Sample{
		Wall: wall.Seconds() / n, CPU: (after.CPU - before.CPU) / n,
		Writes: (after.Writes - before.Writes) / n, Connections: (after.Connections - before.Connections) / n,
		Collections: (after.Collections - before.Collections) / n, Allocations: (after.Allocations - before.Allocations) / n,
	}
	if len(times) > 0 {
		s.P50, s.P99 = quantile(times, 0.5), quantile(times, 0.99)
	}
	return nil
}

// used is what all calls came to until now. The time of the processor includes the garbage collector's.
func (c *client) used() Sample {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail for these
	return Sample{
		CPU:    float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9,
		Writes: float64(c.writes.Load()), Connections: float64(c.connections.Load()),
		Collections: float64(memory.NumGC), Allocations: float64(memory.Mallocs),
	}
}

// makeCalls returns how long each took, in seconds, except in memory. There it does nothing else that takes time.
func (c *client) makeCalls(calls int) (times []float64, err error) {
	once := func() error { return c.check(c.call(context.Background())) }
	if c.inMemory() {
		for range calls {
			if err := once(); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	times = make([]float64, calls)
	errs := make([]error, c.Callers)
	var begun atomic.Int64
	var callers sync.WaitGroup
	for caller := range errs {
		callers.Go(func() {
			for errs[caller] == nil {
				i := int(begun.Add(1)) - 1
				if i >= calls {
					return
				}
				start := time.Now()
				errs[caller] = once()
				times[i] = time.Since(start).Seconds()
			}
		})
	}
	callers.Wait()
	return times, cmp.Or(errs...) // where one call fails most do, for the same reason
}
