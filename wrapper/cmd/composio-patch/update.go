package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
)

// updateCmd changes one account. The groups of flags that exclude each other are kong's xor.
type updateCmd struct {
	ID string `arg:"" help:"The account, such as ca_1a2b3c4d5e6f."`

	Alias      *string `placeholder:"A" xor:"alias" help:"Name the account; an empty name clears it."`
	ClearAlias bool    `xor:"alias" help:"Clear the account's name."`

	Scheme  *string  `placeholder:"S" help:"How the account signs in, which never changes: BEARER_TOKEN, API_KEY, BASIC, BASIC_WITH_JWT, GOOGLE_SERVICE_ACCOUNT or SERVICE_ACCOUNT. Goes with --set, --set-file and --clear."`
	Set     []string `sep:"none" placeholder:"FIELD=VALUE" help:"Replace a credential with VALUE, as it stands. May be repeated. Everybody on this machine can read it in the process list: prefer --set-file."`
	SetFile []string `sep:"none" placeholder:"FIELD=PATH" help:"Replace a credential with what a file has, less one newline at its end; - is standard input. May be repeated."`
	Clear   []string `sep:"none" placeholder:"FIELD" help:"Remove a credential. May be repeated."`

	AllowAll  *bool    `help:"Let every user use the account, or with =false not every."`
	AllowUser []string `sep:"none" placeholder:"U" xor:"allow" help:"Let these users use the account, in place of those before. May be repeated."`
	AllowNone bool     `xor:"allow" help:"Empty the list of users who may use the account."`
	DenyUser  []string `sep:"none" placeholder:"U" xor:"deny" help:"Keep these users from the account, in place of those before. May be repeated."`
	DenyNone  bool     `xor:"deny" help:"Empty the list of users who may not use the account."`

	JSON       bool           `help:"Write one JSON object to standard output, also on failure."`
	Timeout    *time.Duration `placeholder:"D" help:"Bound one attempt, such as 10s; 30s unless given, 0 for no bound. Retries and waits come on top."`
	MaxRetries *int           `placeholder:"N" help:"How many attempts may follow the first; 2 unless given."`
	BaseURL    *string        `placeholder:"U" xor:"server" help:"Where Composio is; else COMPOSIO_BASE_URL says so."`
	Sandbox    bool           `xor:"server" help:"Change an account of a sandbox in this process, without key or environment, and show what goes over the wire."`
}

// Help is what --help adds.
func (*updateCmd) Help() string {
	return `What no flag names stays as it is. The API key comes from COMPOSIO_API_KEY.

FIELD is one of ` + strings.Join(fieldNames(), ", ") + `.

A secret given with --set stands in the process list and in the shell's history; with --set-file it does not.

Exit status: 0 done; 1 not applied, refused or unreachable; 2 wrong usage or refused before anything was sent; 3 outcome unknown, the update may have been applied.`
}

// Run makes the call.
func (c *updateCmd) Run(ctx context.Context, std *stdio) error {
	update, err := c.update(std.in)
	if err != nil {
		return err
	}
	// Only now: until the input was read, a signal ends the process.
	ctx, cancel := drainable(std.onSignals(ctx, "waiting for the answer, and not trying again after it. Again stops at once", "stopped"))
	defer cancel()
	var result *composio.Result
	if c.Sandbox {
		result, err = c.sendEmbedded(ctx, std, update)
	} else {
		result, err = c.send(ctx, std, update)
	}
	if err != nil {
		return err
	}
	std.done(result, c.JSON)
	return nil
}

// send makes the call to where the flags and the environment say.
func (c *updateCmd) send(ctx context.Context, std *stdio, update composio.Update) (*composio.Result, error) {
	if os.Getenv("COMPOSIO_API_KEY") == "" {
		return nil, &problem{exitUsage, "COMPOSIO_API_KEY is not set", "set it to the project's API key, or add --sandbox to try without one"}
	}
	client, err := composio.NewFromEnv(c.options(std)...)
	if err != nil {
		return nil, err
	}
	return client.UpdateConnectedAccount(ctx, c.ID, update)
}

// sendEmbedded makes the call to a sandbox of its own, and shows it.
func (c *updateCmd) sendEmbedded(ctx context.Context, std *stdio, update composio.Update) (*composio.Result, error) {
	box, err := startEmbedded(ctx)
	if err != nil {
		return nil, err
	}
	before := box.account(c.ID)
	client, err := composio.New(box.key, append(c.options(std), composio.WithBaseURL(box.url))...)
	var result *composio.Result
	if err == nil {
		result, err = client.UpdateConnectedAccount(ctx, c.ID, update)
	}
	box.stop(ctx)
	box.show(std, before, box.account(c.ID))
	return result, err
}

// options are the client's, as the flags say. What no flag says is left to the wrapper's defaults.
func (c *updateCmd) options(std *stdio) []composio.Option {
	opts := []composio.Option{composio.WithUserAgent(name), composio.WithLogger(retryLog(std.err))}
	if c.BaseURL != nil {
		opts = append(opts, composio.WithBaseURL(*c.BaseURL))
	}
	if c.Timeout != nil {
		opts = append(opts, composio.WithTimeout(*c.Timeout))
	}
	if c.MaxRetries != nil {
		opts = append(opts, composio.WithMaxRetries(*c.MaxRetries))
	}
	return opts
}

// retryLog says that the client tries again, before which it may wait for a minute.
func retryLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// update converts the flags.
func (c *updateCmd) update(in io.Reader) (u composio.Update, err error) {
	switch {
	case c.ClearAlias:
		u.Alias = composio.Clear()
	case c.Alias != nil:
		u.Alias = composio.Set(*c.Alias)
	}
	u.Sharing = &composio.Sharing{
		AllowAllUsers:     c.AllowAll,
		AllowedUserIDs:    users(c.AllowUser, c.AllowNone),
		NotAllowedUserIDs: users(c.DenyUser, c.DenyNone),
	}
	u.Credentials, err = c.credentials(in)
	return u, err
}

// users is the list to send: nil keeps what is stored, and empty clears it.
func users(ids []string, none bool) []string {
	if none {
		return []string{}
	}
	return ids
}

// credentials converts the flags that are about them. No message shows anything of an argument but a FIELD that exists.
func (c *updateCmd) credentials(in io.Reader) (composio.Credentials, error) {
	given := len(c.Set)+len(c.SetFile)+len(c.Clear) > 0
	switch {
	case c.Scheme == nil && !given:
		return nil, nil
	case c.Scheme == nil:
		return nil, usagef("--set, --set-file and --clear need --scheme, the scheme that the account was connected with")
	case !gen.AuthScheme(*c.Scheme).Valid(): // not quoted: it may be a value that lost its flag
		return nil, usagef("--scheme: not one of the schemes that --help lists")
	case !given:
		return nil, usagef("--scheme changes nothing by itself; add --set, --set-file or --clear")
	}
	fields := credentialFields{}
	for _, arg := range c.Set {
		field, value, ok := strings.Cut(arg, "=")
		if err := fields.claim("--set", "FIELD=VALUE", field, ok); err != nil {
			return nil, err
		}
		fields[field] = composio.Set(value)
	}
	for _, field := range c.Clear {
		if err := fields.claim("--clear", "FIELD", field, true); err != nil {
			return nil, err
		}
		fields[field] = composio.Clear()
	}
	read := false
	for _, arg := range c.SetFile {
		field, path, ok := strings.Cut(arg, "=")
		if err := fields.claim("--set-file", "FIELD=PATH", field, ok); err != nil {
			return nil, err
		}
		if path == "-" && read {
			return nil, usagef("--set-file %s=-: standard input was read for another field already", field)
		}
		read = read || path == "-"
		value, err := readSecret(path, in)
		if err != nil {
			return nil, usagef("--set-file %s: %v", field, err)
		}
		fields[field] = composio.Set(value)
	}
	return composio.CredentialFields{Scheme: composio.Scheme(*c.Scheme), Fields: fields}, nil
}

// credentialFields are the fields that a command line changes.
type credentialFields map[string]composio.Field

// claim refuses a field that a flag must not change: because there is none, or another flag changes it.
func (f credentialFields) claim(flag, form, field string, complete bool) error {
	if !complete {
		return usagef("%s: a value is not of the form %s (it is not shown, since it may be a secret)", flag, form)
	}
	for _, known := range fieldNames() {
		if known != field {
			continue
		}
		if _, taken := f[field]; taken {
			return usagef("%s: the field %s is given twice", flag, field)
		}
		return nil
	}
	return usagef("%s: unknown FIELD (it is not shown, since it may be a secret); there are %s", flag, strings.Join(fieldNames(), ", "))
}

// fieldNames are the credentials that the document has.
func fieldNames() (names []string) {
	for field := range new(gen.CredentialPatch).Nullables() {
		names = append(names, field)
	}
	return names
}

// maxSecret is far above any credential; a file beyond it is the wrong one.
const maxSecret = 1 << 20

// readSecret reads a credential from a file, or from in for "-". Its errors do not show the path, since whoever takes
// --set-file for --set has the secret there.
func readSecret(path string, in io.Reader) (string, error) {
	if path != "-" {
		file, err := os.Open(path) // #nosec G304 -- reading the file that the user names is what the flag is for
		if err != nil {
			return "", withoutPath(err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	switch {
	case err != nil:
		return "", withoutPath(err)
	case len(data) > maxSecret:
		return "", errors.New("the input has more than 1 MiB, and is no credential")
	}
	value, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		value = strings.TrimSuffix(value, "\r")
	}
	if value == "" {
		return "", errors.New("the input is empty; to store an empty credential, use --set FIELD=")
	}
	return value, nil
}

func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return errors.New("the input cannot be read: " + pathError.Err.Error())
	}
	return err
}
