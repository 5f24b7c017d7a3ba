package main

import (
	"fmt"
	"slices"
	"strings"
)

// table collects what is measured, and is printed with a column a variant.
type table struct {
	rows []*row
}

// row is one measure of all variants: numbers that are compared with the hand-written code's of the same round, or
// texts.
type row struct {
	label  string
	format func(float64) string // of the hand-written code's own number
	rounds []map[string]float64 // by variant
	texts  map[string]string    // by variant
}

func (t *table) row(label string) *row {
	for _, r := range t.rows {
		if r.label == label {
			return r
		}
	}
	r := &row{label: label, texts: map[string]string{}}
	t.rows = append(t.rows, r)
	return r
}

// round adds the numbers of one round, by variant.
func (t *table) round(label string, format func(float64) string, values map[string]float64) {
	r := t.row(label)
	r.format = format
	r.rounds = append(r.rounds, values)
}

// text sets one cell.
func (t *table) text(label, variant, text string) { t.row(label).texts[variant] = text }

// cell is what the table shows of a variant.
func (r *row) cell(variant string) string {
	if text, ok := r.texts[variant]; ok {
		return text
	}
	base := variants[0].name
	var ratios, own []float64
	for _, round := range r.rounds {
		if value, ok := round[variant]; ok {
			ratios = append(ratios, value/round[base])
			own = append(own, value)
		}
	}
	switch {
	case len(ratios) == 0:
		return "–"
	case variant == base:
		return "1 = " + r.format(quantile(own, 0.5))
	default:
		return fmt.Sprintf("%.2f (%.2f–%.2f)", quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
	}
}

// quantile returns the value below which the share q of values lies, between two of them where need be.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// markdown is the table under heads, which stand for the variants.
func (t *table) markdown(heads []string) string {
	var text strings.Builder
	text.WriteString("| | " + strings.Join(heads, " | ") + " |\n")
	text.WriteString("|---|" + strings.Repeat("---:|", len(heads)) + "\n")
	for _, r := range t.rows {
		text.WriteString("| " + r.label)
		for _, v := range variants {
			text.WriteString(" | " + r.cell(v.name))
		}
		text.WriteString(" |\n")
	}
	return text.String()
}
