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
	size := measure{what: sizeLabel, ratio: true, format: megabytes}
	table.add(size, "hand-written", 6e6)
	table.add(size, "wrapper", 6.276e6)
	want := `| | hand-written | wrapper | hand-written, our pool | oapi-codegen, stock | ogen | resty | openai-go | go-retryablehttp |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| time | 1 = 10 µs | 2.50 (2.25–2.75) | – | – | – | – | – | – |
| count | – | 1.7 | – | – | – | – | – | – |
| stripped binary | 1 = 6.00 MB | 1.046 | – | – | – | – | – | – |
`
	if got := table.markdown(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

// What was measured before is replaced. The longest bar of a column is go-retryablehttp's, 8 times the hand-written code's.
func TestWriteMakesThePageAndTheChart(t *testing.T) {
	t.Parallel()
	table := &table{}
	for _, c := range columns {
		for i, v := range variants {
			if v.pkg != "" {
				table.add(measure{what: c.what, ratio: true, format: decimals(0)}, v.name, float64(1+i))
			}
		}
	}
	dir := t.TempDir()
	page, chart := filepath.Join(dir, "README.md"), filepath.Join(dir, "chart.svg")
	if err := os.WriteFile(page, []byte("# Benchmark\n\nHow.\n\nMeasured 2025\n\n| old |\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := table.write(dir, "Measured 2026\n\n| new |\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != "# Benchmark\n\nHow.\n\nMeasured 2026\n\n| new |\n" {
		t.Errorf("the page is %q, %v", got, err)
	}
	text, err := os.ReadFile(chart)
	if err != nil {
		t.Fatal(err)
	}
	var svg struct {
		Style string `xml:"style"`
		Bars  []struct {
			Class string  `xml:"class,attr"`
			Width float64 `xml:"width,attr"`
		} `xml:"rect"`
	}
	if err := xml.Unmarshal(text, &svg); err != nil {
		t.Fatal(err)
	}
	var bars []string
	for _, bar := range svg.Bars[1:] { // the first is the background
		bars = append(bars, fmt.Sprintf("%s %.0f", bar.Class, 8*bar.Width/110))
	}
	column := []string{"bar 1", "wrapper 2", "bar 4", "bar 5", "bar 6", "bar 7", "bar 8"}
	if want := slices.Repeat(column, len(columns)); !slices.Equal(bars, want) {
		t.Errorf("the bars are %v, want %v", bars, want)
	}
	light, dark, _ := strings.Cut(svg.Style, "@media (prefers-color-scheme: dark)")
	for _, class := range []string{"text", ".muted", ".page", ".bar", ".wrapper"} {
		if rule := "\n" + class + " {"; !strings.Contains(light, rule) || !strings.Contains(dark, rule) {
			t.Errorf("%s has no colours of its own in light and dark", class)
		}
	}
}
