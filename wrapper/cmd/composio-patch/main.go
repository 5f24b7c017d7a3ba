// Composio-patch changes a connected account of Composio: it renames the account, replaces or removes the credentials
// it signs in with, or says who may use it. It makes one call, PATCH /api/v3/connected_accounts/{id}.
//
// Usage:
//
//	composio-patch update ID [flags]
//	composio-patch bulk FILE|- [flags]
//	composio-patch sandbox [flags]
//	composio-patch --version
//
// # Update
//
// What no flag names stays as it is. Each flag takes one value; those marked * may be repeated. A value that begins with
// a hyphen is written --flag=VALUE.
//
//	--alias A                  name the account; "" clears the name
//	--clear-alias              clear the name
//	--scheme S                 how the account signs in, such as BEARER_TOKEN; needed to change credentials
//	--set FIELD=VALUE *        replace a credential with VALUE as it stands, which may hold "=" or be empty
//	--set-file FIELD=PATH *    replace a credential with what the file has, less one newline at its end; an empty one is
//	                           refused; - is standard input
//	--clear FIELD *            remove a credential
//	--allow-all[=false]        whether every user may use the account
//	--allow-user U *           the users who may, in place of those before
//	--allow-none               no user in particular
//	--deny-user U *            the users who may not, in place of those before
//	--deny-none                no user in particular
//	--json                     write one JSON object to standard output, also on failure
//	--timeout D                bound one attempt, such as 10s; 30s unless given, 0 for no bound. The command as a whole
//	                           is bounded by timeout(1) or an interrupt
//	--max-retries N            attempts after the first, 2 unless given
//	--base-url U               where Composio is
//	--sandbox                  change an account of a sandbox in this process, and show what goes over the wire
//
// A value given with --set can be read in the process list by other users of the machine, and stays in the shell's
// history. With --set-file it is not.
//
// SIGINT and SIGTERM end the call. If the update was on its way, its outcome is unknown, and the exit status says so.
//
// # Bulk
//
// The bulk command makes many changes within the organization's budget. Its input has one JSON object a line, which is
// the body of the API's own request and the account's id:
//
//	{"id":"ca_1a2b3c4d5e6f","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"..."}}}}
//
// What a row leaves out stays as it is; a credential that is null is removed. Unknown keys are refused. A FILE is read
// twice: whatever is wrong in it, an id in two rows included, is told with its line before anything is sent. Of standard
// input a bad row is told and left out, and rows of one account are sent in their order.
//
//	--check            look at every row and send nothing
//	--dry-run          print what each row would change, masked, and send nothing
//	--journal F        keep in F which rows are finished; with the same F again, rows that are done are skipped, and all
//	                   others sent again
//	--json             write JSON objects, one a line: each row, the progress and the summary
//	--concurrency N    how many rows may be under way at once, 32 unless given
//	--rate R           send no more than R requests, such as 20/s or 1000/m
//	--share S          the part of the organization's budget to spend, 0.8 unless given
//	--max-retries N    attempts after the first, 2 unless given
//	--timeout D        bound one attempt, 30s unless given
//	--base-url U       where Composio is
//	--sandbox          send to a sandbox in this process that has the accounts of the rows
//
// The journal has no secret. It survives the end of the process at any moment: no finished row is lost, and what was
// under way is sent again. It belongs to one input and one server. The first SIGINT or SIGTERM lets what is under way end
// and sends no more, the second stops at once, the third ends the process.
//
// The exit status is 0 if all rows are done, 1 if some were not applied or not sent, 2 for bad input and, whatever
// else, 3 if the outcome of some is unknown.
//
// # Sandbox
//
// The sandbox command serves an in-memory Composio with a few accounts until SIGINT or SIGTERM. It prints its URL, key
// and accounts, the address of a page that shows them, and a command to try; then one line a request, without values, to
// standard error. Tests in any language seed and read it over the routes that /_sandbox/openapi.yaml describes.
//
//	--addr HOST:PORT           where to listen, 127.0.0.1:8787 unless given; port 0 is any free one
//	--api-key K                the key it takes, in place of one that is no secret
//	--accounts FILE            serve these accounts: JSON Lines with id, toolkit, user, scheme, alias, status, credentials
//	--allow-host NAME *        answer page and control routes also by this name
//	--quiet                    write no line for each request to standard error
//	--fault NAME[=RATE] *      misbehave in one request of five, or at another rate; --help lists the names
//
// # Environment
//
//	COMPOSIO_API_KEY     the API key of the project
//	COMPOSIO_BASE_URL    where Composio is, unless --base-url says so
//	HTTPS_PROXY, ...     a proxy, as for other Go programs
//
// With --sandbox none of them matters.
//
// # Output
//
// Standard output has the result: one line, or with --json one object
//
//	{"id", "status", "request_id", "attempts", "rate_limit": {"limit", "remaining", "window_seconds"}}
//
// and on failure, with --json only,
//
//	{"error", "fix", "http_status", "code", "slug", "suggested_fix", "details", "request_id", "attempts",
//	"retry_after_seconds", "outcome_unknown", "retryable"}
//
// Standard error has, on failure, a line that says what happened and one that says what to do. Retries and what
// --sandbox shows are there too. No secret is printed: a credential reads "[redacted]", and an argument that is not
// understood is named by its place and not quoted.
//
// # Exit status
//
//	0    done
//	1    not applied: refused by Composio, or Composio was not reached
//	2    wrong usage, or refused before anything was sent
//	3    outcome unknown: the update may have been applied
//
// # Examples
//
// Push a new bearer token, without showing it to the process list:
//
//	composio-patch update ca_1a2b3c4d5e6f --scheme BEARER_TOKEN --set-file token=token.txt
//	pass show github | composio-patch update ca_1a2b3c4d5e6f --scheme BEARER_TOKEN --set-file token=-
//
// Rename an account:
//
//	composio-patch update ca_1a2b3c4d5e6f --alias work
//
// See what a removed credential looks like on the wire, without an account or a key:
//
//	composio-patch update ca_1a2b3c4d5e6f --scheme BEARER_TOKEN --clear token --sandbox
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

const name = "composio-patch"

// cli is what kong parses the command line into, one field a command.
type cli struct {
	Update  updateCmd  `cmd:"" help:"Change one connected account."`
	Bulk    bulkCmd    `cmd:"" help:"Change many connected accounts, within the organization's budget."`
	Sandbox sandboxCmd `cmd:"" help:"Serve an in-memory Composio to try things on."`

	Version versionFlag `help:"Print the module's version and Go's, and end."`
}

func main() {
	log.SetOutput(io.Discard)      // net/http quotes broken answers there, which may have secrets
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone ends nobody
	os.Exit(run(context.Background(), &stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[0], os.Args[1:]...))
}

// run does what the arguments say and returns the exit status.
func run(ctx context.Context, std *stdio, program string, args ...string) int {
	std.program = program
	std.start()
	return std.finish(do(ctx, std, args))
}

func do(ctx context.Context, std *stdio, args []string) int {
	var c cli
	helped := false
	parser := kong.Must(&c,
		kong.Name(name),
		kong.Description("Change a connected account of Composio."),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}),
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { helped = true }), // kong exits for --help alone
		kong.KindMapper(reflect.String, kong.MapperFunc(literal)),
		kong.Bind(std),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	command, err := parser.Parse(args)
	switch {
	case helped:
		return exitDone
	case err != nil:
		err = usagef("%s", withhold(err.Error(), args, words(parser.Model)))
	default:
		err = command.Run()
	}
	if err == nil {
		return exitDone
	}
	if status, ok := errors.AsType[exitCode](err); ok {
		return int(status)
	}
	return std.fail(err, c.Update.JSON || slices.Contains(args, "--json"))
}

// literal takes a flag's value as it stands. Kong's own way leads through JSON, which silently replaces what is not
// valid UTF-8, and its refusal of a value that begins with a hyphen quotes it.
func literal(ctx *kong.DecodeContext, target reflect.Value) error {
	token := ctx.Scan.Pop()
	value, ok := token.Value.(string)
	if !ok || !token.IsValue() {
		return fmt.Errorf("the value is missing; write --%s=VALUE for one that begins with a hyphen", ctx.Value.Name)
	}
	target.SetString(value)
	return nil
}

// words are the commands and flags, which a message may name.
func words(app *kong.Application) map[string]bool {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // fails if the func does
		switch node := node.(type) {
		case *kong.Node:
			known[node.Name] = true
		case *kong.Flag:
			known["--"+node.Name] = true
		}
		return next(nil)
	})
	return known
}

// withhold takes the arguments out of kong's message, which quotes those it does not understand: a password with a
// space in it, that nobody quoted, is two arguments, of which the second is "unexpected". What is shorter than four bytes
// stays, as in the wrapper.
func withhold(message string, args []string, known map[string]bool) string {
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		for _, part := range []string{arg, name, value} {
			if len(part) < 4 || known[part] {
				continue
			}
			for _, form := range []string{part, strings.ToLower(part)} { // kong quotes a bool in lower case
				for _, form := range []string{form, strings.Trim(strconv.Quote(form), `"`)} {
					message = strings.ReplaceAll(message, form, fmt.Sprintf("[argument %d]", i+1))
				}
			}
		}
	}
	return message
}
