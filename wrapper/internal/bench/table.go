package main

import (
	"fmt"
	"slices"
	"strings"
)

// table collects what is measured: a row a measure, a column a variant.
type table struct{ rows []*row }

type row struct {
	measure
	values map[string][]float64 // by variant, one a round
}

func (t *table) row(what string) *row {
	if i := slices.IndexFunc(t.rows, func(r *row) bool { return r.what == what }); i >= 0 {
		return t.rows[i]
	}
	return nil
}

func (t *table) add(m measure, variant string, value float64) {
	r := t.row(m.what)
	if r == nil {
		r = &row{m, map[string][]float64{}}
		t.rows = append(t.rows, r)
	}
	r.values[variant] = append(r.values[variant], value)
}

// ratios are a variant's numbers over the hand-written code's of the same round: a round on a busy machine is slow for all.
func (r *row) ratios(variant string) []float64 {
	ratios := slices.Clone(r.values[variant])
	for i := range ratios {
		ratios[i] /= r.values[variants[0].name][i]
	}
	return ratios
}

// cell is what the table shows of a variant.
func (r *row) cell(variant string) string {
	own := r.values[variant]
	switch {
	case len(own) == 0:
		return "–"
	case !r.ratio:
		sum := 0.0
		for _, value := range own {
			sum += value
		}
		return r.format(sum / float64(len(own)))
	case variant == variants[0].name:
		return "1 = " + r.format(quantile(own, 0.5))
	}
	ratios := r.ratios(variant)
	if len(own) == 1 {
		return fmt.Sprintf("%.3f", ratios[0])
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
}

// markdown is the table as Markdown.
func (t *table) markdown() string {
	lines := []string{"|", "| ---" + strings.Repeat(" | ---:", len(variants))}
	for _, r := range t.rows {
		lines = append(lines, "| "+r.what)
	}
	for _, v := range variants {
		lines[0] += " | " + v.name
		for i, r := range t.rows {
			lines[i+2] += " | " + r.cell(v.name)
		}
	}
	return strings.Join(lines, " |\n") + " |\n"
}

// quantile returns the value below which the share q of values lies, between two of them where need be.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// duration formats seconds.
func duration(seconds float64) string {
	if seconds < 1e-3 {
		return fmt.Sprintf("%.3g µs", 1e6*seconds)
	}
	return fmt.Sprintf("%.3g ms", 1e3*seconds)
}

func thousands(n float64) string { return fmt.Sprintf("%.1fk", n/1e3) }
func megabytes(n float64) string { return fmt.Sprintf("%.2f MB", n/1e6) }
func decimals(n int) func(float64) string {
	return func(value float64) string { return fmt.Sprintf("%.*f", n, value) }
}
