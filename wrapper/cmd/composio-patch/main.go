// Composio-patch changes a connected account of Composio: it renames the account, replaces or removes the credentials
// it signs in with, or says who may use it. It makes one call, PATCH /api/v3/connected_accounts/{id}.
//
// Its help has the commands, and a command's help all there is to say about its flags, the environment, its output and its exit
// status. The members of what --json prints are in the help of update; in Go they are the type event.
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
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

const name = "composio-patch"

// cli is what kong parses the command line into, one field a command.
type cli struct {
	Update     updateCmd     `cmd:"" help:"Change one connected account."`
	Bulk       bulkCmd       `cmd:"" help:"Change many connected accounts, within the organization's budget."`
	Sandbox    sandboxCmd    `cmd:"" help:"Serve an in-memory Composio to try things on."`
	Help       helpCmd       `cmd:"" help:"Print this help, or a command's."`
	Version    versionCmd    `cmd:"" help:"Print the module's version and Go's."`
	Completion completionCmd `cmd:"" help:"Print a script that makes a shell complete command lines."`

	VersionFlag kong.VersionFlag `name:"version" help:"Print the module's version and Go's, and end."`
}

// helpCmd prints what --help prints.
type helpCmd struct {
	Command string `arg:"" optional:"" predictor:"command" help:"The command."`
}

func (c *helpCmd) Run(app *kong.Kong) error {
	args := strings.Fields(c.Command)
	trace, err := kong.Trace(app, args)
	if err = errors.Join(err, trace.Error); err != nil {
		return misunderstood(app, trace.Error, args)
	}
	return trace.PrintUsage(false)
}

// versionCmd prints what --version prints.
type versionCmd struct{}

func (versionCmd) Run(std *stdio) error {
	std.outf("%s\n", version())
	return nil
}

// version returns the module, its version and that of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name + ", built without module information"
	}
	return fmt.Sprintf("%s %s %s, %s", name, info.Main.Path, info.Main.Version, info.GoVersion)
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
		kong.Description("Change connected accounts of Composio: rename them, replace or remove the credentials they sign in with, or say who may use them.\n\n"+exitHelp+"\n\n"+environment),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}),
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { helped = true }), // kong exits for --help alone
		kong.KindMapper(reflect.String, kong.MapperFunc(literal)),
		kong.Vars{"version": version()}, // of --version
		kong.Bind(std),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if completeLine(parser); helped {
		return exitDone
	}
	if len(args) == 0 {
		parser.Stdout = std.err
		_ = (&helpCmd{}).Run(parser) // the help of all commands
		return exitUsage
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return exitDone
	case err != nil:
		if parsed, ok := errors.AsType[*kong.ParseError](err); ok {
			command = parsed.Context
		}
		err = misunderstood(parser, err, args)
	default:
		err = command.Run()
	}
	if std.command, _, _ = strings.Cut(command.Command(), " "); std.command == "help" {
		std.command = ""
	}
	if err == nil {
		return exitDone
	}
	return std.fail(err, c.Update.JSON || c.Bulk.JSON || slices.Contains(args, "--json"))
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
