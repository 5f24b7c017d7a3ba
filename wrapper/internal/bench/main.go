// Command bench measures what one call of the wrapper costs, beside hand-written net/http code and other clients that
// make the same call. It prints one Markdown table.
//
// Each variant makes its calls in a process of its own, with the heap of a service that does nothing else, so that it
// pays for its own garbage. In each round of a case they take turns, because the machine may be shared: a number is the
// median, over the rounds, of the ratio to the hand-written code in the same round, with the quartiles in brackets. All
// traffic stays on this machine.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

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
	name   string
	pkg    string // below peers; "" for one that only another pool sets apart
	module string // whose version goes into the table
	make   func(call.Config) (call.Func, error)
	pool   func() *http.Transport // the one that its user gets by default
}

// variants begins with the one that all others are compared with.
var variants = []variant{
	{"hand-written", "handwritten", "", handwritten.New, handwritten.Pool},
	{"wrapper", "wrapper", "", wrapper.New, wrapper.Pool},
	{"hand-written, our pool", "", "", handwritten.New, wrapper.Pool},
	{"oapi-codegen, stock", "stock", "github.com/oapi-codegen/oapi-codegen/v2", stock.New, stock.Pool},
	{"ogen", "ogen", "github.com/ogen-go/ogen", ogen.New, ogen.Pool},
	{"resty", "resty", "github.com/go-resty/resty/v2", resty.New, resty.Pool},
	{"openai-go", "openai", "github.com/openai/openai-go/v3", openai.New, openai.Pool},
	{"go-retryablehttp", "retryable", "github.com/hashicorp/go-retryablehttp", retryable.New, retryable.Pool},
}

func main() {
	if work := childsWork(); work != nil {
		exit(work())
	}
	quick := flag.Bool("quick", false, "measure in memory only, in less than a minute")
	rounds := flag.Int("rounds", 30, "rounds in which all variants take turns")
	budget := flag.Duration("budget", 0, "`time` for the rounds, of which at least one is made (default 45s with -quick, 5m without)")
	flag.Parse()
	if *budget == 0 {
		*budget = 5 * time.Minute
		if *quick {
			*budget = 45 * time.Second
		}
	}
	if flag.NArg() > 0 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "usage: go run . [-quick] [-rounds N] [-budget D]")
		os.Exit(2)
	}
	exit(run(*quick, *rounds, *budget))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(quick bool, rounds int, budget time.Duration) error {
	start := time.Now()
	t := &table{}
	cases := memoryCases()
	if !quick {
		cases = append(cases, loopbackCases()...)
	}
	done, err := newBench(t, os.Stderr).run(cases, rounds, budget)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	slices := fmt.Sprintf("%d in memory", memoryCalls)
	if !quick {
		slices += fmt.Sprintf(", %d over loopback by one caller, %d by several", singleCalls, loadCalls)
		if err := measureImports(t); err != nil {
			return err
		}
		if err := measureGeneration(t); err != nil {
			return err
		}
	}
	heads, err := heads()
	if err != nil {
		return err
	}
	command := strings.TrimSpace("go run . " + strings.Join(os.Args[1:], " "))
	_, err = fmt.Fprintf(os.Stdout, "Measured %s with `%s` (%d rounds, %v; calls of a slice: %s) on %d cores, %s/%s, %s.\n\n%s",
		start.Format(time.DateOnly), command, done, time.Since(start).Round(time.Second), slices,
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), t.markdown(heads))
	return err
}

// heads are the variants' names, with the versions of what they use.
func heads() ([]string, error) {
	var heads []string
	for _, v := range variants {
		head := v.name
		if v.module != "" {
			version, err := goTool("", "list", "-m", "-f", "{{.Version}}", v.module)
			if err != nil {
				return nil, err
			}
			head += " " + strings.TrimSpace(version)
		}
		heads = append(heads, head)
	}
	return heads, nil
}

// goTool runs the go command in dir and returns what it prints.
func goTool(dir string, args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Dir = dir
	var problem strings.Builder
	command.Stderr = &problem
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, &problem)
	}
	return string(out), nil
}
