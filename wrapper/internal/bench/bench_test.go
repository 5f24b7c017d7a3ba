package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
