package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// sandboxCmd serves a sandbox.
type sandboxCmd struct {
	Addr   string   `default:"127.0.0.1:8787" placeholder:"HOST:PORT" help:"Where to listen, ${default} unless given; port 0 is any free one. Other machines may reach an address that is not this machine's own 127.0.0.1."`
	APIKey *string  `placeholder:"K" help:"The API key to take, in place of one that is no secret. It stands in the process list."`
	Fault  []string `sep:"none" placeholder:"NAME[=RATE]" help:"Misbehave in this way, in one request of five or at another rate, such as 502=0.5. May be repeated; the rates add up."`
}

// Help is the text between the usage and the flags.
func (*sandboxCmd) Help() string {
	var names []string
	for _, fault := range mustFaults() {
		names = append(names, fault.Name)
	}
	return "NAME is one of " + strings.Join(names, ", ") + `.

An update that was applied says so in its account, whatever was answered: that is what a client has to cope with.`
}

// mustFaults returns all ready faults; without names there is none to be unknown.
func mustFaults() []sandbox.Answer {
	faults, err := sandbox.Faults()
	if err != nil {
		panic(err)
	}
	return faults
}

// defaultFaultRate is how many of the requests meet a fault that is named without a rate.
const defaultFaultRate = 0.2

// faults returns what --fault asks for. The seed is always the same, so that a run can be repeated.
func (c *sandboxCmd) faults() ([]sandbox.Option, error) {
	var opts []sandbox.Option
	total := 0.0
	for _, flag := range c.Fault {
		name, rateText, hasRate := strings.Cut(flag, "=")
		rate := defaultFaultRate
		if hasRate {
			var err error
			if rate, err = strconv.ParseFloat(rateText, 64); err != nil || !(rate > 0 && rate <= 1) {
				return nil, usagef("--fault: a rate is not a number above 0 and up to 1")
			}
		}
		if total += rate; total > 1+1e-9 { // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1
			return nil, usagef("--fault: the rates add up to more than 1, so that some fault would never be met")
		}
		faults, err := sandbox.Faults(name)
		if err != nil {
			return nil, usagef("--fault: not one of the names that --help lists")
		}
		opts = append(opts, sandbox.WithFaults(1, rate, faults...))
	}
	return opts, nil
}

// Run serves until SIGINT or SIGTERM.
func (c *sandboxCmd) Run(ctx context.Context, std *stdio) error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return usagef("--addr: not of the form HOST:PORT, such as 127.0.0.1:8787")
	}
	if c.APIKey != nil && *c.APIKey == "" {
		return usagef("--api-key: the key is empty")
	}
	key := sandbox.DefaultAPIKey
	if c.APIKey != nil {
		key = *c.APIKey
	}
	faults, err := c.faults()
	if err != nil {
		return err
	}
	draining, stopped := std.onSignals(ctx, "", "")
	listener, err := listen(ctx, c.Addr)
	if err != nil {
		return &problem{exitFailed, err.Error(), "choose another --addr, such as 127.0.0.1:0 for any free port"}
	}
	server := newHTTPServer(newSandbox(key, faults...))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	c.greet(std, urlOf(listener.Addr()))
	select {
	case <-draining.Done():
		shutDown(stopped, server, grace)
		err = <-failed
	case err = <-failed:
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return &problem{exitFailed, err.Error(), "start it again"}
	}
	std.outf("stopped\n")
	return nil
}

// greet prints what one needs to know to use the sandbox. The key is printed only if everybody knows it anyway.
func (c *sandboxCmd) greet(std *stdio, url string) {
	std.outf("sandbox of Composio, in memory, at %s\n\n", url)
	try := fmt.Sprintf("%s update ca_1a2b3c4d5e6f --alias new --base-url %s", shellQuote(std.program), url)
	if c.APIKey == nil {
		std.outf("API key: %s\n", sandbox.DefaultAPIKey)
		try = "COMPOSIO_API_KEY=" + sandbox.DefaultAPIKey + " " + try
	} else {
		std.outf("API key: [redacted], the one that was given; put it into COMPOSIO_API_KEY\n")
	}
	if len(c.Fault) > 0 {
		std.outf("faults: %s\n", strings.Join(c.Fault, ", "))
	}
	std.outf("accounts:\n")
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, account := range seeds() {
		_, _ = fmt.Fprintf(table, "  %s\n", strings.Join(describe(account, account), "\t"))
	}
	_ = table.Flush()
	std.outf("\ntry, in another terminal:\n  %s\n\nstop with ctrl-c\n", try)
}

// shellQuote quotes the program's own path for a shell, if it must.
func shellQuote(path string) string {
	if strings.ContainsAny(path, " \t\n'\"\\$`!&;|<>()*?[]#~{}") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// urlOf returns the URL of a listener for somebody on this machine: one on all addresses is reached as localhost.
func urlOf(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", tcp.Port)
	}
	return "http://" + addr.String()
}

func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
}

// grace is how long requests under way have to end.
const grace = 3 * time.Second

// shutDown stops the server, and lets requests under way end within the time and before ctx is done.
func shutDown(ctx context.Context, server *http.Server, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // it closes listeners, which Shutdown has done
	}
}

// newSandbox returns a sandbox with the accounts that both commands show.
func newSandbox(key string, opts ...sandbox.Option) *sandbox.Server {
	box := sandbox.New(append(opts, sandbox.WithAPIKey(key))...)
	for _, account := range seeds() {
		box.Put(account)
	}
	return box
}

// seeds are accounts of each scheme. The first two are of one user and toolkit, so that their aliases can clash.
func seeds() []sandbox.Account {
	return []sandbox.Account{
		{
			ID: "ca_1a2b3c4d5e6f", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken,
			Status: composio.StatusActive, Alias: "personal",
			Credentials: map[string]string{"token": "old_access_token"},
		}, {
			ID: "ca_2b3c4d5e6f7a", Toolkit: "github", UserID: "user_1", Scheme: composio.SchemeBearerToken,
			Status: composio.StatusActive, Alias: "work",
			Credentials: map[string]string{"token": "work_access_token"},
		}, {
			ID: "ca_3c4d5e6f7a8b", Toolkit: "serpapi", UserID: "user_1", Scheme: composio.SchemeAPIKey,
			Status:      composio.StatusActive,
			Credentials: map[string]string{"generic_api_key": "old_api_key"},
		}, {
			ID: "ca_4d5e6f7a8b9c", Toolkit: "zendesk", UserID: "user_2", Scheme: composio.SchemeBasic,
			Status:      composio.StatusExpired,
			Credentials: map[string]string{"username": "robot", "password": "old_password"},
		}, {
			ID: "ca_5e6f7a8b9c0d", Toolkit: "metabase", UserID: "user_2", Scheme: composio.SchemeBasicWithJWT,
			Status:      composio.StatusActive,
			Credentials: map[string]string{"username": "robot", "password": "old_password"},
		}, {
			ID: "ca_6f7a8b9c0d1e", Toolkit: "bigquery", UserID: "user_3", Scheme: composio.SchemeGoogleServiceAccount,
			Status:      composio.StatusActive,
			Credentials: map[string]string{"credentials_json": `{"type":"service_account"}`},
		}, {
			ID: "ca_7a8b9c0d1e2f", Toolkit: "github_app", UserID: "user_3", Scheme: composio.SchemeServiceAccount,
			Status:      composio.StatusActive,
			Credentials: map[string]string{"application_id": "12345", "installation_id": "67890", "private_key": "old_private_key"},
		},
	}
}

// describe returns an account for a person, part by part. Of a credential it says whether there is one, and what
// became of it since before.
func describe(before, a sandbox.Account) []string {
	parts := []string{
		a.ID, string(a.Scheme), string(a.Status), fmt.Sprintf("%s of %s", a.Toolkit, a.UserID), fmt.Sprintf("alias %q", a.Alias),
	}
	var credentials []string
	names := map[string]string{}
	maps.Copy(names, before.Credentials)
	maps.Copy(names, a.Credentials)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		credentials = append(credentials, name+": "+became(before.Credentials, a.Credentials, name))
	}
	parts = append(parts, strings.Join(credentials, ", "))
	if a.AllowAllUsers {
		parts = append(parts, "every user may use it")
	}
	if len(a.AllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("allowed %q", a.AllowedUserIDs))
	}
	if len(a.NotAllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("denied %q", a.NotAllowedUserIDs))
	}
	return parts
}

func became(before, after map[string]string, name string) string {
	old, had := before[name]
	value, has := after[name]
	state := "set"
	if value == "" {
		state = "empty"
	}
	switch {
	case !has:
		return "absent (removed)"
	case !had:
		return state + " (added)"
	case old != value:
		return state + " (replaced)"
	}
	return state
}
