package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestARatioIsTheMedianOfTheRounds(t *testing.T) {
	t.Parallel()
	var table table
	time, count := measure{what: "time", ratio: true, format: duration}, measure{what: "count", format: decimals(1)}
	for i, slowness := range []float64{1e-6, 10e-6, 100e-6} { // a machine that is busy is slow for all
		table.add(time, "hand-written", slowness)
		table.add(time, "wrapper", (2+float64(i)/2)*slowness)
		table.add(count, "wrapper", float64(i*i))
	}
	table.add(measure{what: sizeLabel, ratio: true, format: megabytes}, "hand-written", 6e6)
	table.add(measure{what: sizeLabel, ratio: true, format: megabytes}, "wrapper", 6.276e6)
	for _, test := range []struct{ what, variant, want string }{
		{"time", "hand-written", "1 = 10 µs"},
		{"time", "wrapper", "2.50 (2.25–2.75)"},
		{"time", "ogen", "–"},
		{"count", "wrapper", "1.7"},
		{sizeLabel, "hand-written", "1 = 6.00 MB"},
		{sizeLabel, "wrapper", "1.046"},
	} {
		if got := table.row(test.what).cell(test.variant); got != test.want {
			t.Errorf("%s of %s is %q, want %q", test.what, test.variant, got, test.want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values  []float64
		q, want float64
	}{
		{[]float64{7}, 0.5, 7}, {[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{5, 1, 2, 3, 4}, 0.25, 2}, {[]float64{5, 1, 2, 3, 4}, 0.75, 4}, {[]float64{5, 1, 2, 3, 4}, 1, 5},
	} {
		before := slices.Clone(test.values)
		if got := quantile(test.values, test.q); got != test.want || !slices.Equal(before, test.values) {
			t.Errorf("quantile(%v, %v) = %v, want %v; the values are now %v", before, test.q, got, test.want, test.values)
		}
	}
}

// measured is a table with what the chart shows: 1 of the hand-written code, 2 of the next variant, and so on.
func measured() *table {
	table := &table{}
	for _, c := range columns {
		for i, v := range variants {
			if v.pkg != "" {
				table.add(measure{what: c.what, ratio: true, format: decimals(0)}, v.name, float64(1+i))
			}
		}
	}
	return table
}

func TestTheTableHasAColumnAVariant(t *testing.T) {
	t.Parallel()
	table := &table{}
	table.add(measure{what: "allocations", format: decimals(0)}, "hand-written", 35)
	table.add(measure{what: "allocations", format: decimals(0)}, "go-retryablehttp", 38)
	want := "| | hand-written | wrapper | hand-written, our pool | oapi-codegen, stock | ogen | resty | openai-go | go-retryablehttp |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n" +
		"| allocations | 35 | – | – | – | – | – | – | 38 |\n"
	if got := table.markdown(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

// The longest bar of a column is go-retryablehttp's, 8 times the hand-written code's.
func TestTheChartHasABarForEachNumber(t *testing.T) {
	t.Parallel()
	type element struct {
		Class string  `xml:"class,attr"`
		Width float64 `xml:"width,attr"`
		Text  string  `xml:",chardata"`
	}
	var svg struct {
		Style string    `xml:"style"`
		Bars  []element `xml:"rect"`
		Texts []element `xml:"text"`
	}
	if err := xml.Unmarshal([]byte(measured().chart()), &svg); err != nil {
		t.Fatal(err)
	}
	var widths, numbers []string
	for _, bar := range svg.Bars[1:] { // the first is the background
		widths = append(widths, fmt.Sprintf("%s %.0f", bar.Class, 8*bar.Width/110))
	}
	for _, text := range svg.Texts {
		if strings.Contains(text.Text, ".00") {
			numbers = append(numbers, text.Text)
		}
	}
	column := []string{"bar 1", "wrapper 2", "bar 4", "bar 5", "bar 6", "bar 7", "bar 8"}
	if want := slices.Repeat(column, len(columns)); !slices.Equal(widths, want) {
		t.Errorf("the bars are %v, want %v", widths, want)
	}
	if want := slices.Repeat([]string{"1.00", "2.00", "4.00", "5.00", "6.00", "7.00", "8.00"}, len(columns)); !slices.Equal(numbers, want) {
		t.Errorf("the numbers are %v, want %v", numbers, want)
	}
	light, dark, ok := strings.Cut(svg.Style, "@media (prefers-color-scheme: dark)")
	for _, class := range []string{"text", ".muted", ".page", ".bar", ".wrapper"} {
		if rule := "\n" + class + " {"; !ok || !strings.Contains(light, rule) || !strings.Contains(dark, rule) {
			t.Errorf("%s has no colours of its own in light and dark", class)
		}
	}
}

func TestWriteReplacesWhatWasMeasuredBefore(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), measured()
	page := filepath.Join(dir, "README.md")
	if err := os.WriteFile(page, []byte("# Benchmark\n\nHow.\n\nMeasured 2025\n\n| old |\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := table.write(dir, "Measured 2026\n\n| new |\n"); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{page: "# Benchmark\n\nHow.\n\nMeasured 2026\n\n| new |\n", filepath.Join(dir, "chart.svg"): table.chart()} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}
