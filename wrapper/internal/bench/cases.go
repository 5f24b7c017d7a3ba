package main

import (
	"errors"
	"fmt"
	"net/http"

	"example.com/composio/wrapper/internal/bench/call"
)

// The calls of one slice: enough for several garbage collections, at some kilobytes a call and a first collection at
// four megabytes.
const (
	memoryCalls = 10_000
	singleCalls = 1000 // over loopback by one caller
	loadCalls   = 2000 // over loopback by several
)

// coldCalls fill a pool before it is measured. The connections that takes are counted.
const coldCalls = 1000

// benchCase is what all variants do in turn.
type benchCase struct {
	Name    string
	Status  int  // of the answer from memory; 0 for a server in another process
	Callers int  // at once
	WarmUp  int  // calls before the first slice
	Calls   int  // of a slice
	Secure  bool // TLS, and with it HTTP/2
	OurPool bool // for every variant
}

// memoryCases measure what a call costs without a network.
func memoryCases() []benchCase {
	var cases []benchCase
	for _, status := range []int{http.StatusOK, http.StatusConflict} {
		cases = append(cases, benchCase{Name: fmt.Sprintf("in memory, %d", status), Status: status, Callers: 1, WarmUp: memoryCalls, Calls: memoryCalls})
	}
	return cases
}

// loopbackCases measure what a call costs with a server in another process.
func loopbackCases() []benchCase {
	var cases []benchCase
	add := func(c benchCase, callers ...int) {
		name := c.Name
		for _, n := range callers {
			c.Name, c.Callers, c.WarmUp, c.Calls = fmt.Sprintf("%s, %d at once", name, n), n, coldCalls, loadCalls
			if n == 1 {
				c.Calls = singleCalls
			}
			cases = append(cases, c)
		}
	}
	add(benchCase{Name: "loopback"}, 1, 16, 64, 256)
	add(benchCase{Name: "all on our pool", OurPool: true}, 1, 16, 64, 256)
	add(benchCase{Name: "HTTP/2 and TLS", Secure: true}, 1, 64)
	return cases
}

func (c *benchCase) inMemory() bool { return c.Status != 0 }

// fails reports whether each call has to return an error.
func (c *benchCase) fails() bool { return c.inMemory() && c.Status != http.StatusOK }

// variants leaves out one that only its pool sets apart, where there is none or the same for all.
func (c *benchCase) variants() []variant {
	var some []variant
	for _, v := range variants {
		if v.pkg != "" || !c.inMemory() && !c.OurPool {
			some = append(some, v)
		}
	}
	return some
}

// check returns what is wrong with the outcome of a call.
func (c *benchCase) check(result call.Result, err error) error {
	if c.fails() {
		if err == nil {
			return errors.New("the call returned no error")
		}
		return nil
	}
	if err == nil && result != (call.Result{ID: call.ID, Status: "ACTIVE"}) {
		return fmt.Errorf("the call returned %+v", result)
	}
	return err
}
