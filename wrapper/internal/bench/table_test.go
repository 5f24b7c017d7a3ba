package main

import (
	"slices"
	"strings"
	"testing"
)

// A round on a machine that is busy is slow for all, so each is compared within itself.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	t.Parallel()
	var table table
	for _, slowness := range []float64{1e-6, 10e-6, 100e-6} {
		table.round("time", duration, map[string]float64{"hand-written": slowness, "wrapper": 2 * slowness})
	}
	r := table.row("time")
	if got := r.cell("hand-written"); got != "1 = 10 µs" {
		t.Errorf("the hand-written code has %q", got)
	}
	if got := r.cell("wrapper"); got != "2.00 (2.00–2.00)" {
		t.Errorf("the wrapper has %q", got)
	}
	if got := r.cell("ogen"); got != "–" {
		t.Errorf("a variant that was not measured has %q", got)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0.5, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{5, 1, 2, 3, 4}, 0.25, 2},
		{[]float64{5, 1, 2, 3, 4}, 0.75, 4},
		{[]float64{5, 1, 2, 3, 4}, 1, 5},
	} {
		before := slices.Clone(test.values)
		if got := quantile(test.values, test.q); got != test.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", test.values, test.q, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("the values were put in another order: %v", test.values)
		}
	}
}

func TestMarkdownHasAColumnAVariant(t *testing.T) {
	t.Parallel()
	var table table
	table.text("allocations", "hand-written", "35")
	table.text("allocations", variants[len(variants)-1].name, "38")
	heads := make([]string, len(variants))
	for i := range heads {
		heads[i] = "h"
	}
	middle := strings.Repeat(" | –", len(variants)-2)
	want := "| | " + strings.Join(heads, " | ") + " |\n" +
		"|---|" + strings.Repeat("---:|", len(variants)) + "\n" +
		"| allocations | 35" + middle + " | 38 |\n"
	if got := table.markdown(heads); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{3.456e-6: "3.46 µs", 999e-6: "999 µs", 0.012345: "12.3 ms"} {
		if got := duration(seconds); got != want {
			t.Errorf("duration(%v) = %q, want %q", seconds, got, want)
		}
	}
}
