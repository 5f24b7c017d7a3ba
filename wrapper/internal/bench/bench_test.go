package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestMain also is a child, when a test starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		m.Run()
	} else if err := beChild(); err != nil {
		panic(err)
	}
}

// With so few calls the numbers mean nothing; that there is one for each variant in every round does.
func TestRunMeasuresEveryVariantInEveryRound(t *testing.T) {
	t.Parallel()
	cases := map[*benchCase]int{ // and how many variants there are to measure
		{Name: "in memory, 409", Status: http.StatusConflict, Callers: 1, Calls: 20}: len(variants) - 1,
		{Name: "one", Callers: 1, Calls: 20}:                                         len(variants),
		{Name: "HTTP/2", Callers: 3, Calls: 20, Secure: true}:                        len(variants),
		{Name: "our pool", Callers: 3, Calls: 20, OurPool: true}:                     len(variants) - 1,
	}
	var table table
	for c, want := range cases {
		if err := table.run([]benchCase{*c}, 2, 3, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, m := range c.measures() {
			values := table.row(m.what).values
			if len(values) != want {
				t.Errorf("%s: %d variants", m.what, len(values))
			}
			for variant, rounds := range values {
				if len(rounds) != 6 {
					t.Errorf("%s, %s: %d rounds", m.what, variant, len(rounds))
				}
			}
		}
	}
}

func TestTheChartShowsWhatIsMeasured(t *testing.T) {
	t.Parallel()
	measured := map[string]bool{sizeLabel: true}
	for _, c := range slices.Concat(memoryCases, loopbackCases) {
		for _, m := range c.measures() {
			if measured[m.what] {
				t.Errorf("two cases measure %s", m.what)
			}
			measured[m.what] = true
		}
	}
	for _, c := range columns {
		if !measured[c.what] {
			t.Errorf("nothing measures %s", c.what)
		}
	}
}

func TestEveryVariantMakesTheCallsThatItCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []benchCase{{Callers: 1, Calls: 30}, {Callers: 1, Calls: 30, OurPool: true}, {Callers: 1, Calls: 30, Secure: true}} {
		for _, v := range c.variants() {
			var requests atomic.Int64
			server := startServer(c.Secure, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if (r.ProtoMajor == 2) != c.Secure {
					t.Errorf("%s: a request came by %s", v.name, r.Proto)
				}
				answer(w, r)
			})
			defer server.Close()
			p, err := startProcess(&Job{v.name, c, server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			var s Sample
			if err := p.Call("Child.Slice", c.Calls, &s); err != nil {
				t.Fatal(err)
			}
			if requests.Load() != 60 || s.Connections != 0 { // 30 to warm up, which open the connection
				t.Errorf("%s: %d requests, and %v connections for each of the last 30", v.name, requests.Load(), s.Connections)
			}
			fewest, most := 1.0, 1.0
			switch {
			case c.Secure:
				most = 5 // headers, body, and what HTTP/2 has to say beside
			case v.name == "openai-go":
				fewest, most = 2, 2 // headers and body by themselves
			}
			if s.Writes < fewest || s.Writes > most {
				t.Errorf("%s: %v writes a call", v.name, s.Writes)
			}
		}
	}
}

func TestAClientThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	teapot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer teapot.Close()
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"success":true,"id":"ca_another","status":"ACTIVE"}`)
	}))
	defer stranger.Close()
	for url, want := range map[string]string{
		closed.URL: "connection refused", teapot.URL: "status 418", stranger.URL: "the call returned {ID:ca_another Status:ACTIVE}, and the error <nil>",
	} {
		if _, err := startProcess(&Job{"hand-written", benchCase{Callers: 3, Calls: 10}, url}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
