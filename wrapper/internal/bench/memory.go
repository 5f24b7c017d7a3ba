package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/composio/wrapper/internal/bench/call"
)

// What the server answers, in memory and over loopback.
const (
	success  = `{"success":true,"id":"` + call.ID + `","status":"ACTIVE"}`
	conflict = `{"error":{"message":"Another update of this account is under way","code":4090,"slug":"ConnectedAccount_Conflict",` +
		`"status":409,"request_id":"8b628209-81f4-414a-a1c2-28806e2d7480","suggested_fix":"Try again","errors":["lease held"]}}`
)

// answerHeader is what Composio sends beside Content-Length and Date.
var answerHeader = http.Header{
	"Content-Type":            {"application/json"},
	"X-Request-Id":            {"8b628209-81f4-414a-a1c2-28806e2d7480"},
	"X-Ratelimit":             {"2000"},
	"X-Ratelimit-Remaining":   {"1999"},
	"X-Ratelimit-Window-Size": {"60s"},
}

// memory is a transport without a network. It costs as little as it can, because its own cost, the same for all, would
// draw every ratio towards 1: hence the one header for all answers, which nobody writes to.
type memory struct {
	status int
	body   string
}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	if err := req.Body.Close(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(m.status), StatusCode: m.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answerHeader, Body: io.NopCloser(strings.NewReader(m.body)), ContentLength: int64(len(m.body)), Request: req,
	}, nil
}

const (
	memoryCalls  = 1000 // a slice: a few milliseconds
	memoryPasses = 4    // slices of each variant in a round, each compared with that of the hand-written code next to it
)

// memoryBench measures what a call costs without a network.
type memoryBench struct {
	table *table
	cases []memoryCase
	turn  int
}

type memoryCase struct {
	name  string
	calls map[string]call.Func // by variant
	fails bool
}

// newMemoryBench also counts allocations, which are the same in every round.
func newMemoryBench(t *table) (*memoryBench, error) {
	b := &memoryBench{table: t}
	for _, answer := range []memory{{http.StatusOK, success}, {http.StatusConflict, conflict}} {
		c := memoryCase{name: fmt.Sprintf("in memory, %d", answer.status), calls: map[string]call.Func{}, fails: answer.status != http.StatusOK}
		for _, v := range variants {
			if v.pkg == "" {
				continue // in memory there is no pool
			}
			f, err := v.make(call.Config{BaseURL: "http://127.0.0.1", Client: &http.Client{Transport: &answer}, NoRetries: c.fails})
			if err != nil {
				return nil, err
			}
			if err := c.check(f); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c.name, v.name, err)
			}
			c.calls[v.name] = f
		}
		b.cases = append(b.cases, c)
	}
	for _, c := range b.cases {
		for name, f := range c.calls {
			n := testing.AllocsPerRun(1000, func() { _, _ = f(context.Background()) }) // what it returns was checked
			t.text(c.name+": allocations", name, fmt.Sprintf("%.0f", n))
		}
	}
	return b, nil
}

func (c *memoryCase) check(f call.Func) error {
	result, err := f(context.Background())
	if (err != nil) != c.fails || err == nil && result != (call.Result{ID: call.ID, Status: "ACTIVE"}) {
		return fmt.Errorf("the result is %+v, the error %w", result, err)
	}
	return nil
}

func (b *memoryBench) round() error {
	for range memoryPasses {
		for _, c := range b.cases {
			walls, cpus := map[string]float64{}, map[string]float64{}
			for _, v := range takeTurns(variants, b.turn) {
				f := c.calls[v.name]
				if f == nil {
					continue
				}
				wall, cpu, err := measure(func() error {
					for range memoryCalls {
						if _, err := f(context.Background()); (err != nil) != c.fails {
							return fmt.Errorf("%s, %s: the error is %w", c.name, v.name, err)
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
				walls[v.name] = wall.Seconds() / memoryCalls
				cpus[v.name] = cpu.Seconds() / memoryCalls
			}
			b.table.round(c.name+": time", micro, walls)
			b.table.round(c.name+": client CPU", micro, cpus)
		}
		b.turn++
	}
	return nil
}

// micro formats seconds as microseconds.
func micro(seconds float64) string {
	return fmt.Sprintf("%.3g µs", seconds*float64(time.Second/time.Microsecond))
}
