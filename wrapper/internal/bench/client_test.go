package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/composio/wrapper/internal/bench/call"
)

// observed is a server in this process, which knows what a client should say that it did.
type observed struct {
	*httptest.Server
	mu          sync.Mutex
	requests    int
	connections map[string]bool // by the client's address
}

// observe starts one. before is called for each request, with how many came before it.
func observe(t *testing.T, secure bool, before func(w http.ResponseWriter, n int)) *observed {
	t.Helper()
	o := &observed{connections: map[string]bool{}}
	o.Server = startServer(secure, func(w http.ResponseWriter, r *http.Request) {
		if secure && r.ProtoMajor != 2 {
			t.Errorf("a request came by %s", r.Proto)
		}
		o.mu.Lock()
		n := o.requests
		o.requests++
		o.connections[r.RemoteAddr] = true
		o.mu.Unlock()
		before(w, n)
		answer(w, r)
	})
	t.Cleanup(o.Close)
	return o
}

func (o *observed) counts() (requests, connections int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.requests, len(o.connections)
}

// prepare starts a client, which ends with the test.
func prepare(t *testing.T, j *Job) (*process, error) {
	t.Helper()
	p, err := startProcess()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p, p.Call("Child.Prepare", j, new(bool))
}

// samples prepares a client, and returns the samples of so many slices.
func samples(t *testing.T, j *Job, slices int) []Sample {
	t.Helper()
	p, err := prepare(t, j)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]Sample, slices)
	for i := range all {
		if err := p.Call("Child.Slice", j.Case.Calls, &all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAClientOfEveryVariantMakesTheCallsThatItCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []benchCase{
		{Name: "one", Callers: 1, Calls: 30},
		{Name: "our pool", Callers: 1, Calls: 30, OurPool: true},
		{Name: "HTTP/2", Callers: 1, Calls: 30, Secure: true},
	} {
		for _, v := range c.variants() {
			t.Run(c.Name+", "+v.name, func(t *testing.T) {
				t.Parallel()
				o := observe(t, c.Secure, func(http.ResponseWriter, int) {})
				s := samples(t, &Job{v.name, c, o.URL}, 1)[0]
				if requests, connections := o.counts(); requests != 60 || connections != 1 || s.Connections != 0 { // 30 to warm up
					t.Errorf("%d requests on %d connections, of which %v were opened for the last 30", requests, connections, 30*s.Connections)
				}
				fewest, most := 1.0, 1.0
				switch {
				case c.Secure:
					most = 5 // headers, body, and what HTTP/2 has to say beside
				case v.name == "openai-go":
					fewest, most = 2, 2 // headers and body by themselves
				}
				if s.Writes < fewest || s.Writes > most {
					t.Errorf("%v writes a call", s.Writes)
				}
			})
		}
	}
}

func TestAClientCountsEachConnectionOnce(t *testing.T) {
	t.Parallel()
	o := observe(t, false, func(w http.ResponseWriter, _ int) { w.Header().Set("Connection", "close") })
	for _, s := range samples(t, &Job{"hand-written", benchCase{Callers: 1, Calls: 30}, o.URL}, 2) {
		if s.Connections != 1 || s.Writes != 1 {
			t.Errorf("%+v", s)
		}
	}
}

func TestAClientHasItsCallersAtOnceAndThePoolOfItsCase(t *testing.T) {
	t.Parallel()
	for _, ourPool := range []bool{false, true} {
		t.Run(fmt.Sprint(ourPool), func(t *testing.T) {
			t.Parallel()
			var all [8]chan struct{}
			for i := range all {
				all[i] = make(chan struct{})
			}
			o := observe(t, false, func(w http.ResponseWriter, n int) {
				if n%4 == 3 {
					close(all[n/4])
				}
				select {
				case <-all[n/4]:
				case <-time.After(10 * time.Second):
					t.Error("there are not four callers at once")
					w.WriteHeader(http.StatusInternalServerError) // which ends the client
				}
			})
			s := samples(t, &Job{"hand-written", benchCase{Callers: 4, Calls: 16, OurPool: ourPool}, o.URL}, 1)[0]
			if (s.Connections == 0) != ourPool { // net/http's pool keeps two
				t.Errorf("%v connections a call were opened once warm", s.Connections)
			}
		})
	}
}

func TestAClientMeasuresTime(t *testing.T) {
	t.Parallel()
	const pause = 300 * time.Millisecond // for two calls in a hundred
	slow := pause.Seconds()
	o := observe(t, false, func(_ http.ResponseWriter, n int) {
		if n == 140 || n == 180 {
			time.Sleep(pause)
		}
	})
	s := samples(t, &Job{"wrapper", benchCase{Callers: 1, Calls: 100}, o.URL}, 1)[0]
	all := 100 * s.Wall
	if s.P50 <= 0 || s.P50 >= slow || s.P99 < slow || all < 2*slow || all > 60 {
		t.Errorf("half of the calls took %v s, 99 %% of them %v s, and all %v s", s.P50, s.P99, all)
	}
	if cpu := 100 * s.CPU; cpu <= 0 || cpu > all-slow { // it only waits
		t.Errorf("all took %v s, %v s of the processor", all, cpu)
	}
}

// What this is all about: a process of one's own has so little on its heap that it collects garbage within a slice.
func TestAClientInMemoryCollectsGarbage(t *testing.T) {
	t.Parallel()
	for _, c := range memoryCases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := samples(t, &Job{"hand-written", c, ""}, 1)[0]
			if collections := 10_000 * s.Collections; collections < 3 || collections > 1000 {
				t.Errorf("%v collections in ten thousand calls", collections)
			}
			if s.CPU < s.Wall/100 || s.Wall <= 0 || s.Allocations < 20 || s.Allocations > 100 || s.Writes+s.Connections != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAClientThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	teapot := observe(t, false, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusTeapot) })
	for name, test := range map[string]struct {
		job  Job
		want string
	}{
		"no server":      {Job{"resty", benchCase{Callers: 3, Calls: 10}, closed.URL}, "connection refused"},
		"another answer": {Job{"hand-written", benchCase{Callers: 3, Calls: 10}, teapot.URL}, "418"},
		"no such name":   {Job{"nobody", benchCase{}, ""}, `there is no variant "nobody"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := prepare(t, &test.job); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

func TestCheckTellsARightOutcome(t *testing.T) {
	t.Parallel()
	right, none, refused := call.Result{ID: call.ID, Status: "ACTIVE"}, call.Result{}, errors.New("refused")
	success, conflict := &benchCase{Status: http.StatusOK}, &benchCase{Status: http.StatusConflict}
	for i, wrong := range []bool{
		success.check(right, nil) != nil, success.check(none, nil) == nil, success.check(none, refused) == nil, success.check(right, refused) == nil,
		conflict.check(none, refused) != nil, conflict.check(right, nil) == nil, conflict.check(none, nil) == nil,
	} {
		if wrong {
			t.Errorf("outcome %d is taken for another", i)
		}
	}
}

func TestAChildEndsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	p, err := prepare(t, &Job{"hand-written", benchCase{Status: http.StatusOK, Callers: 1, Calls: 1}, ""})
	if err != nil {
		t.Fatal(err)
	}
	if p.stop(); !p.command.ProcessState.Success() {
		t.Errorf("it ended with %v", p.command.ProcessState)
	}
}
