package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// sandboxCmd serves a sandbox.
type sandboxCmd struct {
	Addr      string   `default:"127.0.0.1:8787" placeholder:"HOST:PORT" help:"Where to listen, ${default} unless given; port 0 is any free one. Other machines may reach an address that is not this machine's own 127.0.0.1."`
	APIKey    *string  `placeholder:"K" help:"The API key to take, in place of one that is no secret. It stands in the process list."`
	Accounts  *string  `placeholder:"FILE" help:"Serve these accounts in place of seven of its own: JSON Lines with the keys id, toolkit, user, scheme, alias, status and credentials."`
	AllowHost []string `sep:"none" placeholder:"NAME" help:"Answer the control routes and the page also by this name of the machine, such as sandbox or sandbox:8787. May be repeated."`
	Quiet     bool     `help:"Do not write a line for each request to standard error."`
	Fault     []string `sep:"none" placeholder:"NAME[=RATE]" help:"Misbehave in this way, in one request of five or at another rate, such as 502=0.5. May be repeated; the rates add up."`
}

// Help is the text between the usage and the flags.
func (*sandboxCmd) Help() string {
	var names []string
	faults, _ := sandbox.Faults() // all of them: without names there is none to be unknown
	for _, fault := range faults {
		names = append(names, fault.Name)
	}
	return `The page at /_sandbox/ shows accounts and requests; /_sandbox/openapi.yaml describes the routes by which tests seed and read them.

The NAME of a fault is one of ` + strings.Join(names, ", ") + `. An update that was applied says so in its account, whatever was answered: that is what a client has to cope with.`
}

// defaultFaultRate is how many of the requests meet a fault that is named without a rate.
const defaultFaultRate = "=0.2"

// faultOptions returns what --fault asks for. The seed is always the same, so that a run can be repeated.
func faultOptions(flags []string, refused *refusals) (opts []sandbox.Option) {
	total := 0.0
	for _, flag := range flags {
		if !strings.Contains(flag, "=") {
			flag += defaultFaultRate
		}
		name, text, _ := strings.Cut(flag, "=")
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || !(rate > 0 && rate <= 1) {
			refused.addf("--fault: a rate is not a number above 0 and up to 1")
			continue
		}
		if total += rate; total > 1+1e-9 { // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1
			refused.addf("--fault: the rates add up to more than 1, so that some fault would never be met")
		}
		faults, err := sandbox.Faults(name)
		if err != nil {
			refused.addf("--fault: not one of the names that composio-patch help sandbox lists")
		}
		opts = append(opts, sandbox.WithFaults(1, rate, faults...))
	}
	return opts
}

// Run serves until SIGINT or SIGTERM.
func (c *sandboxCmd) Run(ctx context.Context, std *stdio) error {
	var refused refusals
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		refused.addf("--addr: not of the form HOST:PORT, such as 127.0.0.1:8787")
	}
	if c.APIKey != nil && *c.APIKey == "" {
		refused.addf("--api-key: the key is empty")
	}
	opts := c.options(std, &refused)
	if len(refused) > 0 {
		return &problem{exitUsage, strings.Join(refused, "\n"), "see " + name + " help sandbox"}
	}
	accounts, err := c.accounts()
	if err != nil {
		return err
	}
	draining, stopped := std.onSignals(ctx, "", "")
	server, err := startServer(ctx, c.Addr, "choose another --addr, such as 127.0.0.1:0 for any free port", fill(sandbox.New(opts...), accounts))
	if err != nil {
		return err
	}
	c.greet(std, server.url, accounts)
	select {
	case <-draining.Done():
		server.stop(stopped, grace)
		err = <-server.ended
	case err = <-server.ended:
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return &problem{exitFailed, err.Error(), "start it again"}
	}
	std.outf("stopped\n")
	return nil
}

// options returns what the flags ask for.
func (c *sandboxCmd) options(std *stdio, refused *refusals) []sandbox.Option {
	for _, host := range c.AllowHost {
		u, err := url.Parse("http://" + host)
		possible := err == nil && u.Host == host && u.Hostname() != "" && !strings.Contains(host, "*")
		if possible {
			_, err = strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
			possible = err == nil
		}
		if _, err := netip.ParseAddr(host); err != nil && !possible {
			refused.addf("--allow-host: not a host, such as sandbox or sandbox:8787")
		}
	}
	opts := append(faultOptions(c.Fault, refused), sandbox.WithControl(c.hosts()...), sandbox.WithJournal(100_000))
	if c.APIKey != nil {
		opts = append(opts, sandbox.WithAPIKey(*c.APIKey))
	}
	if !c.Quiet {
		opts = append(opts, sandbox.WithLogger(slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.LevelKey || a.Key == slog.MessageKey {
					return slog.Attr{} // they are the same in each line
				}
				return a
			},
		}))))
	}
	return opts
}

// hosts are the names by which the control routes are reached: those of --allow-host, and that of --addr if it is one machine's.
func (c *sandboxCmd) hosts() []string {
	name, _, _ := net.SplitHostPort(c.Addr)
	addr, err := net.ResolveIPAddr("ip", name)
	if err != nil || name == "" || addr.IP.IsUnspecified() {
		return c.AllowHost
	}
	return append(c.AllowHost, name, addr.String())
}

// accounts returns those of the file, or else the seeds.
func (c *sandboxCmd) accounts() ([]sandbox.Account, error) {
	if c.Accounts == nil {
		return seeds(), nil
	}
	file, err := os.Open(*c.Accounts)
	if err != nil {
		return nil, &problem{exitUsage, "--accounts: " + err.Error(), "name a file of JSON Lines, or leave --accounts out"}
	}
	defer func() { _ = file.Close() }() // it was only read
	accounts, err := sandbox.ReadAccounts(file)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, &problem{exitUsage, "--accounts: " + strings.TrimPrefix(err.Error(), "composio: "), "name a file of JSON Lines, or leave --accounts out"}
	}
	if err != nil {
		return nil, &problem{exitUsage, "--accounts " + *c.Accounts + ": " + strings.TrimPrefix(err.Error(), "composio: "),
			"correct the line; a line looks like " + strings.SplitN(seedLines, "\n", 2)[0]}
	}
	return accounts, nil
}

// maxListed is how many accounts are printed.
const maxListed = 20

// greet prints what one needs to know to use the sandbox. The key is printed only if everybody knows it anyway.
func (c *sandboxCmd) greet(std *stdio, url string, accounts []sandbox.Account) {
	std.outf("sandbox of Composio, in memory, at %s\n\n", url)
	page, key := url+"/_sandbox/", ""
	if c.APIKey == nil {
		page, key = page+"#key="+sandbox.DefaultAPIKey, "COMPOSIO_API_KEY="+sandbox.DefaultAPIKey+" "
		std.outf("API key: %s\n", sandbox.DefaultAPIKey)
	} else {
		std.outf("API key: [redacted], the one that was given; put it into COMPOSIO_API_KEY\n")
	}
	std.outf("page: %s\n", page)
	if len(c.Fault) > 0 {
		std.outf("faults: %s\n", strings.Join(c.Fault, ", "))
	}
	std.outf("accounts:\n")
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, account := range accounts[:min(maxListed, len(accounts))] {
		_, _ = fmt.Fprintf(table, "  %s\n", strings.Join(describe(account, account), "\t"))
	}
	_ = table.Flush()
	if more := len(accounts) - maxListed; more > 0 {
		std.outf("  and %d more\n", more)
	}
	if id := suggested(accounts); id != "" {
		insecure := ""
		if _, err := composio.New("for-checking-only", composio.WithBaseURL(url)); err != nil {
			insecure = " --insecure-http"
		}
		std.outf("\ntry, in another terminal:\n  %s%s update %s --alias new --base-url %s%s\n", key, shellQuote(std.program), id, url, insecure)
	}
	std.outf("\nstop with ctrl-c\n")
}

// suggested returns the id of the first account whose alias a command that needs no quotes can change to new, or else "".
func suggested(accounts []sandbox.Account) string {
	type owner struct{ toolkit, user string }
	taken := map[owner]bool{}
	for _, a := range accounts {
		if a.Alias == "new" {
			taken[owner{a.Toolkit, a.UserID}] = true
		}
	}
	for _, a := range accounts {
		if slices.Contains(schemes, a.Scheme) && plainID.MatchString(a.ID) && !taken[owner{a.Toolkit, a.UserID}] {
			return a.ID
		}
	}
	return ""
}

// plainID is an id that neither a shell nor the command takes for something else.
var plainID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)

// shellQuote quotes a word for a shell, if it must.
func shellQuote(word string) string {
	if strings.ContainsAny(word, " \t\n'\"\\$`!&;|<>()*?[]#~{}") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
