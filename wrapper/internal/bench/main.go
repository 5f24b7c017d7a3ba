// Command bench measures what one call of the wrapper costs, beside hand-written net/http code and other clients that
// make the same call. README.md beside it says how, and gets its table and chart from it.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/bench/call"
	"example.com/composio/wrapper/internal/bench/peers/handwritten"
	"example.com/composio/wrapper/internal/bench/peers/ogen"
	"example.com/composio/wrapper/internal/bench/peers/openai"
	"example.com/composio/wrapper/internal/bench/peers/resty"
	"example.com/composio/wrapper/internal/bench/peers/retryable"
	"example.com/composio/wrapper/internal/bench/peers/stock"
	"example.com/composio/wrapper/internal/bench/peers/wrapper"
)

// variant is one way to make the call.
type variant struct {
	name string
	pkg  string // below peers; "" for one that only another pool sets apart
	make func(call.Config) (call.Func, error)
	pool func() *http.Transport // the one that its user gets by default
}

// variants begins with the one that all others are compared with.
var variants = []variant{
	{"hand-written", "handwritten", handwritten.New, handwritten.Pool},
	{"wrapper", "wrapper", wrapper.New, composio.NewTransport},
	{"hand-written, our pool", "", handwritten.New, composio.NewTransport},
	{"oapi-codegen, stock", "stock", stock.New, handwritten.Pool}, // it makes an http.Client without a transport
	{"ogen", "ogen", ogen.New, handwritten.Pool},                  // it uses http.DefaultClient
	{"resty", "resty", resty.New, resty.Pool},
	{"openai-go", "openai", openai.New, openai.Pool},
	{"go-retryablehttp", "retryable", retryable.New, cleanhttp.DefaultPooledTransport},
}

func main() {
	work := beChild
	if os.Getenv(childVariable) == "" {
		quick := flag.Bool("quick", false, "measure in memory only, and print the table")
		flag.Parse()
		work = func() error { return run(*quick) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(quick bool) error {
	start, t, cases := time.Now(), &table{}, slices.Clone(memoryCases)
	if !quick {
		if err := t.measureImports(); err != nil {
			return err
		}
		cases = append(cases, loopbackCases...)
	}
	err := t.run(cases, passes, passRounds, os.Stderr)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	measured := fmt.Sprintf("Measured %s in %v, %d rounds, on %d cores, %s/%s, %s.\n\n%s", start.Format(time.DateOnly),
		time.Since(start).Round(time.Second), passes*passRounds, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), t.markdown())
	if quick {
		_, _ = os.Stdout.WriteString(measured)
		return nil
	}
	return t.write(".", measured)
}

// write puts the chart into dir, and measured into its README.md, in place of what was measured before.
func (t *table) write(dir, measured string) error {
	path := filepath.Join(dir, "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(string(page), "Measured ")
	if err := os.WriteFile(path, []byte(text+measured), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "chart.svg"), []byte(t.chart()), 0o644)
}
