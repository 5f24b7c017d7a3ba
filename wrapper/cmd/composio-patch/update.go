package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// updateCmd changes one account. The groups of flags that exclude each other are kong's xor.
type updateCmd struct {
	ID string `arg:"" help:"The account, such as ca_1a2b3c4d5e6f."`

	Alias      *string `placeholder:"A" xor:"alias" help:"Name the account; an empty name clears it."`
	ClearAlias bool    `xor:"alias" help:"Clear the account's name."`

	Scheme     *string  `placeholder:"S" predictor:"scheme" help:"How the account signs in, which never changes. Goes with --set, --set-file and --clear."`
	Set        []string `sep:"none" placeholder:"FIELD=VALUE" predictor:"value" help:"Replace a credential with VALUE, as it stands. May be repeated. Everybody on this machine can read it in the process list, and it stands in the shell's history: prefer --set-file."`
	SetFile    []string `sep:"none" placeholder:"FIELD=PATH" predictor:"value" help:"Replace a credential with what a file has, less one newline at its end; - is standard input, and on a terminal asks. May be repeated."`
	Clear      []string `sep:"none" placeholder:"FIELD" predictor:"field" help:"Remove a credential. May be repeated."`
	AllowClear bool     `help:"Let --set FIELD= store an empty credential, which is refused otherwise: often a variable was not set."`
	Verbatim   bool     `help:"Send values that look like a mistake as they stand: masked ones, and those with white space at an edge, a byte order mark or NUL."`

	AllowAll  *bool    `help:"Let every user use the account, or with =false not every."`
	AllowUser []string `sep:"none" placeholder:"U" xor:"allow" help:"Let these users use the account, in place of those before. May be repeated."`
	AllowNone bool     `xor:"allow" help:"Empty the list of users who may use the account."`
	DenyUser  []string `sep:"none" placeholder:"U" xor:"deny" help:"Keep these users from the account, in place of those before. May be repeated."`
	DenyNone  bool     `xor:"deny" help:"Empty the list of users who may not use the account."`

	JSON bool `help:"Write one JSON object to standard output, also on failure."`
	clientFlags
}

// Help is what --help adds.
func (*updateCmd) Help() string {
	return `What no flag names stays as it is. A value that begins with a hyphen is written --flag=VALUE.

S is one of ` + schemeList() + `.

FIELD is one of ` + strings.Join(fieldNames(), ", ") + `.

With --sandbox, what goes over the wire is shown on standard error.

` + jsonHelp + "\n\n" + exitHelp + "\n\n" + environment
}

// Run makes the call.
func (c *updateCmd) Run(ctx context.Context, std *stdio) error {
	update, err := c.update(std)
	if err != nil {
		return err
	}
	// Only now: until the input was read, a signal ends the process.
	ctx, cancel := drainable(std.onSignals(ctx, "waiting for the answer, and not trying again after it. Again stops at once", "stopped"))
	defer cancel()
	result, err := c.send(ctx, std, update)
	if err == nil {
		std.done(result, c.JSON)
	}
	return err
}

// send makes the call to where the flags and the environment say, or to a sandbox of its own.
func (c *updateCmd) send(ctx context.Context, std *stdio, update composio.Update) (*composio.Result, error) {
	opts := append(c.options(), composio.WithLogger(slog.New(retryLog{std})))
	if !c.Sandbox {
		client, err := composio.NewFromEnv(opts...)
		if err != nil {
			return nil, err
		}
		return client.UpdateConnectedAccount(ctx, c.ID, update)
	}
	server, err := startEmbedded(ctx, &shownSandbox{fill(sandbox.New(), seeds()), std, c.ID})
	if err != nil {
		return nil, err
	}
	defer server.stop(context.WithoutCancel(ctx), grace)
	client, err := composio.New(sandbox.DefaultAPIKey, append(opts, composio.WithBaseURL(server.url))...)
	if err != nil {
		return nil, err
	}
	return client.UpdateConnectedAccount(ctx, c.ID, update)
}

// update converts the flags, and refuses all that is wrong with them at once.
func (c *updateCmd) update(std *stdio) (composio.Update, error) {
	var refused refusals
	c.check(&refused)
	if refused.update(c.ID, composio.Update{Alias: composio.Set("any")}) {
		std.account = c.ID
	}
	var update composio.Update
	switch {
	case c.ClearAlias:
		update.Alias = composio.Clear()
	case c.Alias != nil:
		update.Alias = composio.Set(*c.Alias)
		refused.update("any", update)
	}
	refused.users("--allow-user", c.AllowUser)
	refused.users("--deny-user", c.DenyUser)
	update.Sharing = &composio.Sharing{
		AllowAllUsers:     c.AllowAll,
		AllowedUserIDs:    users(c.AllowUser, c.AllowNone),
		NotAllowedUserIDs: users(c.DenyUser, c.DenyNone),
	}
	fields := c.credentials(std, &refused)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		one := map[string]composio.Field{field: fields[field]}
		refused.update("any", composio.Update{Credentials: composio.CredentialFields{Scheme: schemes[0], Fields: one}})
	}
	if len(refused) == 0 {
		if c.Scheme != nil {
			update.Credentials = composio.CredentialFields{Scheme: composio.Scheme(*c.Scheme), Fields: fields}
		}
		refused.update(c.ID, update)
	}
	return update, refused.err()
}

// users is the list to send: nil keeps what is stored, and empty clears it.
func users(ids []string, none bool) []string {
	if none {
		return []string{}
	}
	return ids
}

// credentials converts the flags that are about them. No message shows anything of an argument but a FIELD that exists.
func (c *updateCmd) credentials(std *stdio, refused *refusals) map[string]composio.Field {
	given := len(c.Set)+len(c.SetFile)+len(c.Clear) > 0
	switch {
	case c.Scheme == nil && given:
		refused.addf("--set, --set-file and --clear need --scheme, the scheme that the account was connected with")
	case c.Scheme != nil && !gen.AuthScheme(*c.Scheme).Valid(): // not quoted: it may be a value that lost its flag
		refused.addf("--scheme: not one of %s", schemeList())
	case c.Scheme != nil && !given:
		refused.addf("--scheme changes nothing by itself; add --set, --set-file or --clear")
	}
	fields, set, terminal := map[string]composio.Field{}, setter(c.Verbatim), terminalOf(std.in)
	take := func(field, text string, err error) {
		if fields[field] = set(text); err != nil {
			refused.addf("--set-file %s: %v", field, err)
		}
	}
	read := false
	var ask []string
	for _, given := range []struct {
		flag, form string
		args       []string
	}{{"--set", "FIELD=VALUE", c.Set}, {"--clear", "FIELD", c.Clear}, {"--set-file", "FIELD=PATH", c.SetFile}} {
		for _, arg := range given.args {
			field, value, complete := strings.Cut(arg, "=")
			_, taken := fields[field]
			switch {
			case complete != strings.Contains(given.form, "="):
				refused.addf("%s: a value is not of the form %s (it is not shown, since it may be a secret)", given.flag, given.form)
			case !slices.Contains(fieldNames(), field):
				refused.addf("%s: unknown FIELD (it is not shown, since it may be a secret); there are %s", given.flag, strings.Join(fieldNames(), ", "))
			case taken:
				refused.addf("%s: the field %s is given twice", given.flag, field)
			case given.flag == "--clear":
				fields[field] = composio.Clear()
			case given.flag == "--set":
				fields[field] = set(value)
				if value == "" && !c.AllowClear {
					refused.addf("--set %s=: there is nothing behind it; --clear %[1]s removes the credential, and --allow-clear lets an empty one be stored", field)
				}
			case value == "-" && terminal != nil:
				fields[field] = composio.Clear() // until it is asked for
				ask = append(ask, field)
			case value == "-" && read:
				refused.addf("--set-file %s=-: standard input was read for another field already", field)
			default:
				read = read || value == "-"
				text, err := readSecret(value, std.in)
				take(field, text, err)
			}
		}
	}
	for _, field := range ask {
		if len(*refused) == 0 { // or a secret would be typed in vain
			text, err := askSecret(std, terminal, field)
			take(field, text, err)
		}
	}
	return fields
}

// setter is how the value of a credential is taken.
func setter(verbatim bool) func(string) composio.Field {
	if verbatim {
		return composio.SetVerbatim
	}
	return composio.Set
}

// schemes are the wrapper's, for the help and for shells that complete.
var schemes = []composio.Scheme{
	composio.SchemeBearerToken, composio.SchemeAPIKey, composio.SchemeBasic, composio.SchemeBasicWithJWT,
	composio.SchemeGoogleServiceAccount, composio.SchemeServiceAccount,
}

func schemeList() string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(schemes)), ", "), "[]")
}

// fieldNames are the credentials that the document has.
func fieldNames() (names []string) {
	for field := range new(gen.CredentialPatch).Nullables() {
		names = append(names, field)
	}
	return names
}
