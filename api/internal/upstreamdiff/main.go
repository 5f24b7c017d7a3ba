// Command upstreamdiff is what api/upstream-diff runs: it says what differs between the OpenAPI document that Composio
// publishes and ours, from Composio's side. oasdiff finds the differences; whether they break, and how to say it, is here.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
)

// The exit statuses of api/upstream-diff.
const (
	exitFits   = 0 // no difference, or additions alone
	exitBreaks = 1
	exitFailed = 2 // no comparison was made
)

var errUsage = errors.New("say which document: api/upstream-diff [--version v3.1] FILE|URL, or make upstream-diff UPSTREAM=FILE|URL")

var versionFormat = regexp.MustCompile(`^(v\d+(\.\d+)*)?$`)

func main() { os.Exit(run(os.Args[1], os.Args[2:], os.Stdout, os.Stderr)) }

// run compares our document with the one in the arguments, those of api/upstream-diff.
func run(ours string, args []string, stdout, stderr io.Writer) (status int) {
	var err error
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("oasdiff or this command does not understand the document: %v", r)
		}
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "upstream-diff: %s\nNothing was compared. Next: api/upstream-diff FILE|URL with the OpenAPI document that Composio publishes.\n", printable(err.Error()))
			status = exitFailed
		}
	}()
	flags := flag.NewFlagSet("upstream-diff", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.String("version", "", "the version of the API to compare with, as in /api/v3.1/")
	var sources []string
	err = flags.Parse(args)
	for ; err == nil && flags.NArg() > 0; err = flags.Parse(flags.Args()[1:]) { // the flag may stand behind the document
		sources = append(sources, flags.Arg(0))
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w; %w", err, errUsage)
	case len(sources) != 1 || sources[0] == "":
		err = errUsage
	case !versionFormat.MatchString(*version):
		err = fmt.Errorf("--version %s is not a version of the API, such as v3.1", *version)
	default:
		var changes []change
		if changes, err = compare(ours, sources[0], *version); err == nil {
			return report(stdout, changes, *version)
		}
	}
	return exitFailed
}
