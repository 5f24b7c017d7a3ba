package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"testing"

	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/wrapper"
)

// clientVariable, when set, makes this program a client: it holds a job.
const clientVariable = "COMPOSIO_BENCH_CLIENT"

// job is one variant in one case. A process has only one, because what else lives on a heap puts the next garbage
// collection off: with all of them in one process, there was hardly any.
type job struct {
	Variant     string
	Case        benchCase
	URL         string // of the server; "" in memory
	Certificate []byte // that the server has, if it speaks TLS
}

// sample is what a client writes: a line after warming up, and then one after each slice. Times are in seconds.
type sample struct {
	Wall, CPU           float64 // of all calls
	P50, P99            float64 // of one call; 0 in memory, where looking at the clock costs too much to do it for each
	Writes, Connections int64   // since the sample before
	Collections         uint32  // of garbage
	Allocations         float64 // of one call; only after warming up, and in memory
}

// client does a job.
type client struct {
	benchCase
	call     call.Func
	counters *counters // stay 0 in memory
}

// beClient warms up, and makes a slice for every line of standard input until that ends.
func beClient() error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(clientVariable)), &j); err != nil {
		return err
	}
	c, err := newClient(&j)
	if err != nil {
		return err
	}
	s, err := c.slice(c.WarmUp)
	if err != nil {
		return err
	}
	if c.inMemory() {
		s.Allocations = testing.AllocsPerRun(1000, func() { _, _ = c.call(context.Background()) }) // each slice checks what it returns
	}
	out, in := json.NewEncoder(os.Stdout), bufio.NewScanner(os.Stdin)
	if err := out.Encode(s); err != nil {
		return err
	}
	for in.Scan() {
		s, err := c.slice(c.Calls)
		if err != nil {
			return err
		}
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return in.Err()
}

func newClient(j *job) (*client, error) {
	i := slices.IndexFunc(variants, func(v variant) bool { return v.name == j.Variant })
	if i < 0 {
		return nil, fmt.Errorf("there is no variant %q", j.Variant)
	}
	v, c := variants[i], &client{benchCase: j.Case, counters: &counters{}}
	config := call.Config{BaseURL: "http://127.0.0.1", NoRetries: c.fails()}
	if c.inMemory() {
		body, ok := answers[c.Status]
		if !ok {
			return nil, fmt.Errorf("there is no answer %d", c.Status)
		}
		config.Client = &http.Client{Transport: &memory{c.Status, body}}
	} else {
		pool := v.pool
		if c.OurPool {
			pool = wrapper.Pool
		}
		transport := pool()
		if c.Secure {
			certificate, err := x509.ParseCertificate(j.Certificate)
			if err != nil {
				return nil, err
			}
			roots := x509.NewCertPool()
			roots.AddCert(certificate)
			transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		}
		c.counters = countOn(transport)
		config.BaseURL, config.Client = j.URL, &http.Client{Transport: transport}
	}
	var err error
	c.call, err = v.make(config)
	return c, err
}

// slice makes so many calls.
func (c *client) slice(calls int) (s sample, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var times []float64
	wall, cpu, err := measure(func() (err error) {
		if c.inMemory() {
			return c.repeat(calls)
		}
		times, err = makeCalls(c.once, c.Callers, calls)
		return err
	})
	if err != nil {
		return s, err
	}
	runtime.ReadMemStats(&after)
	s = sample{
		Wall: wall.Seconds(), CPU: cpu.Seconds(),
		Writes: c.counters.writes.Swap(0), Connections: c.counters.connections.Swap(0),
		Collections: after.NumGC - before.NumGC,
	}
	if len(times) > 0 {
		s.P50, s.P99 = quantile(times, 0.5), quantile(times, 0.99)
	}
	return s, nil
}

// repeat makes one call after the other, and does nothing else that takes time.
func (c *client) repeat(calls int) error {
	for range calls {
		if err := c.once(); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) once() error { return c.check(c.call(context.Background())) }
