package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMain also is a child, when a test starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := beChild(); err != nil {
			panic(err)
		}
		return
	}
	// With -race, each process that a test starts would sleep for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	m.Run()
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

func TestRowsHoldWhatASampleSays(t *testing.T) {
	t.Parallel()
	s := &Sample{Wall: 250e-6, CPU: 100e-6, P50: 0.003, P99: 0.009, Writes: 2, Connections: 0.003, Collections: 0.002, Allocations: 35}
	for _, test := range []struct {
		of   benchCase
		want map[string]string
	}{
		{benchCase{Callers: 16}, map[string]string{
			": calls/s": "1 = 4.0k", ": p50": "1 = 3 ms", ": p99": "1 = 9 ms", ": client CPU": "1 = 100 µs",
			": connections opened in 1,000 calls": "3",
		}},
		{benchCase{Callers: 1}, map[string]string{": p50": "1 = 3 ms", ": client CPU": "1 = 100 µs", ": writes a call": "2.00"}},
		{benchCase{Callers: 1, Status: http.StatusOK}, map[string]string{
			": time": "1 = 250 µs", ": client CPU": "1 = 100 µs", ": allocations": "35", ": garbage collections in 10,000 calls": "20.0",
		}},
	} {
		var table table
		got := map[string]string{}
		for _, m := range test.of.measures() {
			table.add(m, "hand-written", m.of(s))
			got[m.what] = table.row(m.what).cell("hand-written")
		}
		if !maps.Equal(got, test.want) {
			t.Errorf("%+v: the cells are\n%v\nwant\n%v", test.of, got, test.want)
		}
	}
}

func TestCasesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range slices.Concat(memoryCases, loopbackCases) {
		if seen[c.Name] || c.Calls < c.Callers || !c.inMemory() && !strings.HasSuffix(c.Name, fmt.Sprintf(", %d at once", c.Callers)) {
			t.Errorf("%+v", c)
		}
		seen[c.Name] = true
	}
	for _, c := range columns {
		if name, _, _ := strings.Cut(c.what, ": "); !seen[name] && c.what != sizeLabel {
			t.Errorf("the chart has a column of %s, which is not measured", c.what)
		}
	}
}
