package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// observed is a server in this process, which knows what a client should say that it did.
type observed struct {
	*httptest.Server
	requests, connections atomic.Int64
}

// observe starts one. before is called for each request, with how many came before it.
func observe(t *testing.T, secure bool, before func(w http.ResponseWriter, n int64)) *observed {
	t.Helper()
	o := &observed{}
	handler := answer
	if secure {
		handler = answerHTTP2
	}
	o.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(w, o.requests.Add(1)-1)
		handler(w, r)
	}))
	o.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			o.connections.Add(1)
		}
	}
	o.EnableHTTP2 = secure
	if secure {
		o.StartTLS()
	} else {
		o.Start()
	}
	t.Cleanup(o.Close)
	return o
}

// start starts a client, and ends it with the test.
func start(t *testing.T, variant string, c benchCase, o *observed) *clientProcess {
	t.Helper()
	j := &job{Variant: variant, Case: c}
	if o != nil {
		j.URL = o.URL
		if c.Secure {
			j.Certificate = o.Certificate().Raw
		}
	}
	p, err := startClient(j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("the client ended with %v", err)
		}
	})
	return p
}

func slice(t *testing.T, p *clientProcess) sample {
	t.Helper()
	s, err := p.slice()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func nothing(http.ResponseWriter, int64) {}

func TestAClientOfEveryVariantMakesTheCallsThatItCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []benchCase{
		{Name: "one", Callers: 1, WarmUp: 10, Calls: 30},
		{Name: "our pool", Callers: 1, WarmUp: 10, Calls: 30, OurPool: true},
		{Name: "HTTP/2", Callers: 1, WarmUp: 10, Calls: 30, Secure: true},
	} {
		for _, v := range c.variants() {
			t.Run(c.Name+", "+v.name, func(t *testing.T) {
				t.Parallel()
				o := observe(t, c.Secure, nothing)
				p := start(t, v.name, c, o)
				if got := o.requests.Load(); got != 10 {
					t.Errorf("%d requests to warm up", got)
				}
				s := slice(t, p)
				if got := o.requests.Load(); got != 40 {
					t.Errorf("%d requests after a slice", got)
				}
				if opened := p.first.Connections; opened != 1 || o.connections.Load() != 1 || s.Connections != 0 {
					t.Errorf("%d connections were opened to warm up and %d later, by the server's count %d", opened, s.Connections, o.connections.Load())
				}
				fewest, most := int64(30), int64(30)
				switch {
				case c.Secure:
					most = 5 * 30 // headers, body, and what HTTP/2 has to say beside
				case v.name == "openai-go":
					fewest, most = 2*30, 2*30 // headers and body by themselves
				}
				if s.Writes < fewest || s.Writes > most {
					t.Errorf("%d writes for 30 calls", s.Writes)
				}
			})
		}
	}
}

func TestAClientCountsEachConnectionOnce(t *testing.T) {
	t.Parallel()
	o := observe(t, false, func(w http.ResponseWriter, _ int64) { w.Header().Set("Connection", "close") })
	p := start(t, "hand-written", benchCase{Callers: 1, WarmUp: 10, Calls: 30}, o)
	if s := slice(t, p); p.first.Connections != 10 || s.Connections != 30 || s.Writes != 30 {
		t.Errorf("%d and %d connections, %d writes", p.first.Connections, s.Connections, s.Writes)
	}
	if s := slice(t, p); s.Connections != 30 || s.Writes != 30 {
		t.Errorf("%d connections, %d writes in another slice", s.Connections, s.Writes)
	}
}

func TestAClientHasItsCallersAtOnceAndThePoolOfItsCase(t *testing.T) {
	t.Parallel()
	for _, ourPool := range []bool{false, true} {
		t.Run(fmt.Sprint(ourPool), func(t *testing.T) {
			t.Parallel()
			var all [4]chan struct{}
			for i := range all {
				all[i] = make(chan struct{})
			}
			o := observe(t, false, func(w http.ResponseWriter, n int64) {
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
			p := start(t, "hand-written", benchCase{Callers: 4, WarmUp: 4, Calls: 12, OurPool: ourPool}, o)
			s := slice(t, p)
			if p.first.Connections != 4 || (s.Connections == 0) != ourPool { // net/http's pool keeps two
				t.Errorf("%d connections were opened to warm up, and %d later", p.first.Connections, s.Connections)
			}
		})
	}
}

func TestAClientMeasuresTime(t *testing.T) {
	t.Parallel()
	const pause = 300 * time.Millisecond // for two calls in a hundred
	slow := pause.Seconds()
	o := observe(t, false, func(_ http.ResponseWriter, n int64) {
		if n == 40 || n == 80 {
			time.Sleep(pause)
		}
	})
	s := slice(t, start(t, "wrapper", benchCase{Callers: 1, WarmUp: 1, Calls: 100}, o))
	if s.P50 <= 0 || s.P50 >= slow || s.P99 < slow || s.Wall < 2*slow || s.Wall > 60 {
		t.Errorf("half of the calls took %v s, 99 %% of them %v s, and all %v s", s.P50, s.P99, s.Wall)
	}
	if s.CPU <= 0 || s.CPU > s.Wall-slow { // it only waits
		t.Errorf("all took %v s, %v s of the processor", s.Wall, s.CPU)
	}
}

// What this is all about: a process of one's own has so little on its heap that it collects garbage within a slice.
func TestAClientInMemoryCollectsGarbage(t *testing.T) {
	t.Parallel()
	for _, c := range memoryCases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "hand-written", c, nil)
			s := slice(t, p)
			if s.Collections < 3 || s.Collections > memoryCalls || c.Calls < 10_000 {
				t.Errorf("%d collections in %d calls", s.Collections, c.Calls)
			}
			if s.CPU < s.Wall/100 || s.Wall <= 0 {
				t.Errorf("%v s, %v s of the processor", s.Wall, s.CPU)
			}
			if n := p.first.Allocations; n < 20 || n > 100 || s.Writes+s.Connections != 0 {
				t.Errorf("%v allocations, %d writes, %d connections", n, s.Writes, s.Connections)
			}
		})
	}
}

func TestAClientMeasuresASliceByItself(t *testing.T) {
	t.Parallel()
	p := start(t, "hand-written", benchCase{Status: http.StatusOK, Callers: 1, WarmUp: memoryCalls, Calls: 1}, nil)
	s := slice(t, p)
	if s.CPU > p.first.CPU/2 || s.Collections > p.first.Collections/2 {
		t.Errorf("one call came to %+v, and ten thousand before it to %+v", s, p.first)
	}
}

func TestAClientThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, test := range map[string]struct {
		job  job
		want string
	}{
		"no server":      {job{Variant: "resty", Case: benchCase{Callers: 3, WarmUp: 10}, URL: closed.URL}, "connection refused"},
		"no such name":   {job{Variant: "nobody"}, `there is no variant "nobody"`},
		"no such status": {job{Variant: "ogen", Case: benchCase{Status: 418}}, "there is no answer 418"},
		"no certificate": {job{Variant: "ogen", Case: benchCase{Secure: true}}, "x509"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := startClient(&test.job)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "exit status 1") {
				t.Errorf("the error is %v", err)
			}
			if again := p.stop(); again == nil || again.Error() != err.Error() {
				t.Errorf("stopped again, it returns %v", again)
			}
		})
	}
}

func TestAClientThatFailsInASliceSaysWhy(t *testing.T) {
	t.Parallel()
	o := observe(t, false, func(w http.ResponseWriter, n int64) {
		if n == 15 {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	p, err := startClient(&job{"hand-written", benchCase{Callers: 1, WarmUp: 10, Calls: 10}, o.URL, nil})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // once it has failed it goes on to
		if _, err = p.slice(); err == nil || !strings.Contains(err.Error(), "exit status 1: bench: 418") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestAProcessThatWritesSomethingElse(t *testing.T) {
	t.Parallel()
	p, err := startProcess(serveVariable, "http")
	if err != nil {
		t.Fatal(err)
	}
	var none int
	if err := p.read(&none); err == nil || !strings.Contains(err.Error(), `the process wrote "{`) {
		t.Errorf("the error is %v", err)
	}
}
