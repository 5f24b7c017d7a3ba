// Command upstreamdiff does for api/upstream-diff what takes more than a shell: "reduce" brings two OpenAPI documents
// to one operation in one form, which oasdiff then compares, and "report" says in words what oasdiff found.
package main

import (
	"fmt"
	"io"
	"os"
)

// The exit statuses of api/upstream-diff.
const (
	exitFits   = 0 // no difference, or additions alone
	exitBreaks = 1
	exitFailed = 2 // no comparison was made
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 4 && args[0] == "reduce" {
		if err := reduce(args[1], args[2], args[3]); err != nil {
			return fail(stderr, err)
		}
		return exitFits
	}
	if len(args) == 2 && args[0] == "report" {
		changes, err := compare(args[1])
		if err != nil {
			return fail(stderr, err)
		}
		return report(stdout, changes)
	}
	return fail(stderr, fmt.Errorf("internal: %q is neither reduce OURS UPSTREAM DIR nor report DIR", args))
}

func fail(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "upstream-diff: %s\nNothing was compared. Next: api/upstream-diff FILE|URL with the OpenAPI document that Composio publishes.\n", printable(err.Error()))
	return exitFailed
}
