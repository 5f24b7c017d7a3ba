package main

import (
	"cmp"
	"context"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
	"example.com/composio/wrapper/sandbox"
)

// bulkCmd changes many accounts.
type bulkCmd struct {
	File string `arg:"" help:"The rows, one JSON object a line; - is standard input."`

	Check      bool `xor:"what" help:"Look at every row and send nothing."`
	DryRun     bool `xor:"what" help:"Print what each row would change, with the credentials masked, and send nothing."`
	AllowClear bool `help:"Take rows that remove (null) or empty (\"\") a credential."`
	AllowEmpty bool `help:"Take an input without rows."`
	Verbatim   bool `help:"Take credentials with white space at an edge, NUL or a byte order mark, as they stand."`

	Journal      *string `placeholder:"F" help:"Keep in F which rows are finished. With the same F again, those are left alone. One run at a time."`
	Rejects      *string `placeholder:"F" help:"Write to F the rows that Composio refused for good, as they stand, to be corrected and sent in a run of their own. F has their secrets."`
	RetryRefused bool    `help:"Send the rows, too, that Composio refused for good in an earlier run of the journal."`
	KeepGoing    bool    `help:"Do not stop when the key is refused, when 20 rows in a row fail alike, or for a pause of more than 15 minutes."`
	JSON         bool    `help:"Write JSON objects, one a line, to standard output: each row, the progress, and at the end the summary."`

	Concurrency  int      `default:"32" placeholder:"N" help:"How many rows may be under way at once; ${default} unless given."`
	Rate         *string  `placeholder:"R" help:"Send no more than R requests, such as 20/s or 1000/m, whatever Composio allows."`
	Share        float64  `default:"0.8" placeholder:"S" help:"The part of the organization's budget to spend, above 0 and up to 1; ${default} unless given."`
	SandboxLimit *string  `placeholder:"R" help:"The rate limit of --sandbox, such as 2000/m; none unless given."`
	Fault        []string `sep:"none" placeholder:"NAME[=RATE]" help:"Have --sandbox misbehave, as the sandbox command's --fault does."`
	clientFlags
}

// Help is what --help adds.
func (*bulkCmd) Help() string {
	return `A row is the body of the API's own request, and the account: {"id":"ca_...","alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"..."}}}}. What a row leaves out stays as it is.

A FILE is looked at before anything is sent: bad rows, and ids that stand in two rows, are told by their lines. Standard input is looked at row by row: a bad row is told and left out, rows of one account keep their order, and there is no journal.

The pace follows the budget that Composio reports. What a row was answered 429 or 503 for is sent again, but with --max-retries=0 not after a 503. The first SIGINT, SIGTERM or SIGHUP lets the rows under way end and sends no more, the second stops at once, the third ends the process.

` + jsonHelp + `
--dry-run gives would_send for each row: its line, and the row with its credentials masked. An object of progress has finished, total, not_applied, bad_input, unknown, rows_per_second, seconds_left, paused_until and rate_limit. The summary has done, done_before, not_applied, refused_before, unknown, not_sent, bad_input, cut_off, stopped, seconds, kinds, failures and exit_status. --check and --dry-run end with checked: rows, bad_input and kinds.

Exit status: 0 all rows are done; 1 some are not; 2 wrong usage or bad input; 3 the outcome of some is unknown, whatever else; 4 all are done, but the output could not be written.

` + environment
}

// Run sends the rows.
func (c *bulkCmd) Run(ctx context.Context, std *stdio) error {
	target, err := c.target(ctx)
	if err != nil {
		return err
	}
	defer target.close()
	input, err := c.open(std)
	if err != nil {
		return err
	}
	defer input.close()
	if c.Check {
		return input.report()
	}
	if input.file != nil {
		if err := input.look(target.put); err != nil {
			return err
		}
	}
	job := &job{input: input, target: target, sending: map[int]sending{}, sent: lineSet{}}
	defer job.close()
	if err := job.resume(); err != nil {
		return err
	}
	if c.DryRun {
		return job.dryRun()
	}
	if job.runner, err = bulk.New(target.client, append(target.pace, bulk.OnResult(job.onResult))...); err != nil {
		return err
	}
	draining, stopped := std.onSignals(ctx, "no more is sent; waiting for what is under way. Again stops at once", "stopped: the outcome of what was under way is unknown")
	context.AfterFunc(stopped, job.runner.Stop)
	return job.send(draining)
}

// target is where the rows go, and how fast.
type target struct {
	client *composio.Client
	pace   []bulk.Option
	box    *sandbox.Server // of --sandbox
	close  func()
}

// target refuses all flags that cannot be right at once.
func (c *bulkCmd) target(ctx context.Context) (*target, error) {
	var refused refusals
	offline := c.clientFlags
	offline.Sandbox = c.Sandbox || c.Check || c.DryRun
	offline.check(&refused)
	opts, t := c.options(), &target{close: func() {}} // no log: retries of thousands of rows would bury the rest
	if n, per := parseRate("--rate", c.Rate, &refused); n > 0 {
		opts = append(opts, composio.WithLimiter(rate.NewLimiter(rate.Limit(n/per.Seconds()), 1)))
	}
	t.pace = []bulk.Option{bulk.WithConcurrency(c.Concurrency), bulk.WithShare(c.Share)}
	for _, opt := range t.pace {
		if _, err := bulk.New(new(composio.Client), opt); err != nil {
			refused.addf("%s", strings.NewReplacer("bulk: ", "", "WithConcurrency", "--concurrency", "WithShare", "--share").Replace(err.Error()))
		}
	}
	limit, per := parseRate("--sandbox-limit", c.SandboxLimit, &refused)
	faults := faultOptions(c.Fault, &refused)
	if !c.Sandbox && (c.SandboxLimit != nil || c.Fault != nil) {
		refused.addf("--sandbox-limit and --fault need --sandbox")
	}
	if c.Journal != nil && c.File == "-" {
		refused.addf("--journal needs a FILE: standard input cannot be read again")
	}
	if c.Journal != nil && *c.Journal == "" || c.Rejects != nil && *c.Rejects == "" {
		refused.addf("--journal and --rejects need the name of a file, and it is empty")
	}
	if c.RetryRefused && c.Journal == nil {
		refused.addf("--retry-refused needs the --journal that says which rows were refused")
	}
	err := refused.err()
	switch {
	case err != nil:
		return nil, err
	case c.Check || c.DryRun: // there is nothing to send
	case c.Sandbox:
		t.box = sandbox.New(append(faults, sandbox.WithJournal(1), sandbox.WithRateLimit(int(math.Ceil(limit)), per))...)
		server, err := startEmbedded(ctx, t.box)
		if err != nil {
			return nil, err
		}
		t.close = func() { _ = server.Close() } // at once: the run is over, and Shutdown waits for connections that were never used
		t.client, err = composio.New(sandbox.DefaultAPIKey, append(opts, composio.WithBaseURL(server.url))...)
		return t, err
	default:
		t.client, err = composio.NewFromEnv(opts...)
	}
	return t, err
}

// server names where the rows go, so that no journal takes one server's rows for done at another.
func (c *bulkCmd) server() string {
	if c.Sandbox {
		return "sandbox"
	}
	server := os.Getenv("COMPOSIO_BASE_URL")
	if c.BaseURL != nil {
		server = *c.BaseURL
	}
	return strings.TrimRight(cmp.Or(server, "default"), "/")
}

// parseRate reads a rate such as 20/s or 1000/m; without text it is 0.
func parseRate(flag string, text *string, refused *refusals) (n float64, per time.Duration) {
	if text == nil {
		return 0, 0
	}
	number, unit, _ := strings.Cut(*text, "/")
	per, ok := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(n > 0 && n <= 1e9) {
		refused.addf("%s: not of the form N/s, N/m or N/h, such as 1000/m", flag)
	}
	return n, per
}

// put gives the sandbox, if there is one, the account of a row.
func (t *target) put(r row) {
	if t.box == nil {
		return
	}
	account := sandbox.Account{ID: r.ID, Toolkit: "toolkit", UserID: "user_of_" + r.ID, Scheme: composio.SchemeBearerToken}
	if r.Connection != nil {
		account.Scheme = composio.Scheme(r.Connection.State.AuthScheme)
	}
	t.box.Put(account)
}
