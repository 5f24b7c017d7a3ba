package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
	"example.com/composio/wrapper/sandbox"
)

// bulkCmd changes many accounts.
type bulkCmd struct {
	File string `arg:"" help:"The rows, one JSON object a line; - is standard input."`

	Check   bool    `xor:"what" help:"Look at every row and send nothing."`
	DryRun  bool    `xor:"what" help:"Print what each row would change, with the credentials masked, and send nothing."`
	Journal *string `placeholder:"F" help:"Keep in F which rows are finished. With the same F again, rows that are done are skipped. One run at a time."`
	JSON    bool    `help:"Write JSON objects, one a line, to standard output: each row, the progress, and at the end the summary."`

	Concurrency *int     `placeholder:"N" help:"How many rows may be under way at once; 32 unless given."`
	Rate        *string  `placeholder:"R" help:"Send no more than R requests, such as 20/s or 1000/m, whatever Composio allows."`
	Share       *float64 `placeholder:"S" help:"The part of the organization's budget to spend, above 0 and up to 1; 0.8 unless given."`
	clientFlags
}

// Help is what --help adds.
func (*bulkCmd) Help() string {
	return `A row is the body of the API's own request, and the account: {"id":"ca_...","alias":"work","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"..."}}}}. What a row leaves out stays as it is, and a credential that is null is removed.

A FILE is read twice: a bad row, or an id that stands in two rows, is reported with its line number before anything is sent. Standard input is looked at row by row: a bad row is reported and left out, rows of one account keep their order, and there is no journal.

The pace follows the budget that Composio reports. SIGINT or SIGTERM lets the rows under way end and sends no more; a second one stops at once.

Exit status: 0 all done; 1 some not applied; 2 bad input; 3 the outcome of some is unknown, whatever else.`
}

// Run sends the rows.
func (c *bulkCmd) Run(ctx context.Context, std *stdio) error {
	input, err := c.open(std)
	if err != nil {
		return err
	}
	defer input.close()
	opts, err := c.clientOptions()
	if err != nil {
		return err
	}
	target, err := c.target(ctx, opts)
	if err != nil {
		return err
	}
	defer target.close()
	runner, err := bulk.New(target.client, c.runnerOptions()...)
	if err != nil {
		return usagef("%s", bulkFlags.Replace(strings.TrimPrefix(err.Error(), "bulk: ")))
	}
	if err := input.prepare(std, target); err != nil {
		return err
	}
	if c.Check {
		return input.report(std, c.JSON)
	}
	if err := input.resume(c.Journal, c.DryRun, target.server); err != nil {
		return err
	}
	job := &job{bulkCmd: c, std: std, input: input, target: target, tally: tally{total: input.total(), before: input.before()}, line: map[int]int{}}
	if c.DryRun {
		return job.dryRun()
	}
	draining, stopped := std.onSignals(ctx, "no more is sent; waiting for what is under way. Again stops at once", "stopped: the outcome of what was under way is unknown")
	context.AfterFunc(stopped, runner.Stop)
	return job.send(draining, runner)
}

// bulkFlags says in the command's words what package bulk refuses.
var bulkFlags = strings.NewReplacer("WithConcurrency", "--concurrency", "WithShare", "--share")

// clientOptions are the client's, as the flags say.
func (c *bulkCmd) clientOptions() ([]composio.Option, error) {
	opts := c.options() // no log: retries of thousands of rows would bury the rest
	if c.Rate != nil {
		limit, err := parseRate(*c.Rate)
		if err != nil {
			return nil, err
		}
		opts = append(opts, composio.WithLimiter(rate.NewLimiter(limit, 1)))
	}
	return opts, nil
}

func (c *bulkCmd) runnerOptions() (opts []bulk.Option) {
	if c.Concurrency != nil {
		opts = append(opts, bulk.WithConcurrency(*c.Concurrency))
	}
	if c.Share != nil {
		opts = append(opts, bulk.WithShare(*c.Share))
	}
	return opts
}

// parseRate reads a rate such as 20/s, 1000/m or, for a second, 20.
func parseRate(text string) (rate.Limit, error) {
	number, unit, _ := strings.Cut(text, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(n > 0 && n <= 1e9) {
		return 0, usagef("--rate: not of the form N/s, N/m or N/h, such as 1000/m")
	}
	return rate.Limit(n / per), nil
}

// target is where the rows go.
type target struct {
	client *composio.Client
	server string          // for the journal
	box    *sandbox.Server // of --sandbox
	close  func()
}

func (c *bulkCmd) target(ctx context.Context, opts []composio.Option) (*target, error) {
	switch {
	case c.Check || c.DryRun:
		client, err := composio.New("for-checking-only", opts...)
		if err != nil {
			return nil, err
		}
		return &target{client: client, server: c.server(), close: func() {}}, nil
	case c.Sandbox:
		return sandboxTarget(ctx, opts)
	case os.Getenv("COMPOSIO_API_KEY") == "":
		return nil, &problem{exitUsage, "COMPOSIO_API_KEY is not set", "set it to the project's API key, or add --sandbox to try without one"}
	}
	client, err := composio.NewFromEnv(opts...)
	if err != nil {
		return nil, err
	}
	return &target{client: client, server: c.server(), close: client.CloseIdleConnections}, nil
}

// server names where the rows go, so that no journal takes one server's rows for done at another.
func (c *bulkCmd) server() string {
	server := os.Getenv("COMPOSIO_BASE_URL")
	switch {
	case c.Sandbox:
		return "sandbox"
	case c.BaseURL != nil:
		server = *c.BaseURL
	case server == "":
		return "default"
	}
	return strings.TrimRight(server, "/")
}

// sandboxTarget serves a sandbox, to be filled with the accounts of the rows. It keeps no journal to speak of.
func sandboxTarget(ctx context.Context, opts []composio.Option) (*target, error) {
	box := sandbox.New(sandbox.WithJournal(1))
	url, stop, err := serveEmbedded(ctx, box)
	if err != nil {
		return nil, err
	}
	client, err := composio.New(sandbox.DefaultAPIKey, append(opts, composio.WithBaseURL(url))...)
	if err != nil {
		stop()
		return nil, err
	}
	return &target{client: client, server: "sandbox", box: box, close: func() { client.CloseIdleConnections(); stop() }}, nil
}

// put gives the sandbox the account of a row.
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

// input is where the rows come from: a file that was looked at before, or standard input.
type input struct {
	file    *os.File // nil for standard input
	size    int64    // of the file when it was opened: rows that are appended later have not been looked at
	in      io.Reader
	checker *checker
	sum     string // SHA-256 of the file
	rows    int    // in the file
	journal *journal
	skip    lineSet // the rows that are done
}

func (c *bulkCmd) open(std *stdio) (*input, error) {
	checker, err := newChecker()
	if err != nil {
		return nil, err
	}
	if c.File == "-" {
		if c.Journal != nil {
			return nil, usagef("--journal needs a FILE: standard input cannot be read again")
		}
		return &input{in: std.in, checker: checker}, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, &problem{exitUsage, "FILE: it cannot be opened: " + reason(err), "give a file that can be read, or - for standard input"}
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // it was only opened
		return nil, &problem{exitUsage, "FILE: it is not a regular file, which could be read twice", "give - and let it be standard input"}
	}
	return &input{file: file, size: info.Size(), checker: checker}, nil
}

func (in *input) close() {
	if in.file != nil {
		_ = in.file.Close() // it was only read
	}
	if in.journal != nil {
		in.journal.close()
	}
}

// maxProblems is how many bad rows are told one by one.
const maxProblems = 20

// findings collects what is wrong with an input.
type findings struct {
	told  []string
	count int
}

func (f *findings) add(line int, err error) {
	f.count++
	if len(f.told) < maxProblems {
		f.told = append(f.told, fmt.Sprintf("line %d: %v", line, err))
	}
}

// problem tells what was found, if anything.
func (f *findings) problem(std *stdio) error {
	if f.count == 0 {
		return nil
	}
	for _, text := range f.told {
		std.errf("%s\n", printable(text))
	}
	rows := "1 row cannot"
	if f.count > 1 {
		rows = fmt.Sprintf("%d rows cannot", f.count)
	}
	return &problem{exitUsage, rows + " be sent", "nothing was sent; correct what is said above, line by line"}
}

// prepare looks at every row of a file, before anything is sent.
func (in *input) prepare(std *stdio, t *target) error {
	if in.file == nil {
		return nil
	}
	var found findings
	ids := newIDSet()
	sum := sha256.New()
	for line, text := range lines(io.TeeReader(in.content(), sum)) {
		r, err := in.read(text)
		in.rows++
		if err != nil {
			found.add(line, err)
			continue
		}
		ids.add(r.ID)
		t.put(r)
	}
	in.sum = hex.EncodeToString(sum.Sum(nil))
	if twice := ids.repeated(); len(twice) > 0 {
		in.repeated(ids, twice, &found)
	}
	return found.problem(std)
}

func (in *input) read(text lineOrError) (row, error) {
	if text.err != nil {
		return row{}, text.err
	}
	return in.checker.check(text.line)
}

// repeated finds where the ids with these hashes stand.
func (in *input) repeated(ids *idSet, twice map[uint64]bool, found *findings) {
	first := map[string]int{}
	for line, text := range lines(in.content()) {
		r, err := in.read(text)
		if err != nil || !twice[ids.hash(r.ID)] {
			continue
		}
		if before, ok := first[r.ID]; ok {
			found.add(line, fmt.Errorf("the id %s stands in line %d already", r.ID, before))
		} else {
			first[r.ID] = line
		}
	}
}

// content is the file from its beginning.
func (in *input) content() io.Reader { return io.NewSectionReader(in.file, 0, in.size) }

// isChanged reports whether a file whose content had this sum when it was sent is another than the one looked at.
func (in *input) isChanged(sum string) bool {
	info, err := in.file.Stat()
	return err != nil || info.Size() != in.size || sum != in.sum
}

// report says that a file has been looked at, or looks at standard input.
func (in *input) report(std *stdio, asJSON bool) error {
	if in.file == nil {
		var found findings
		for line, text := range lines(in.in) {
			in.rows++
			if _, err := in.read(text); err != nil {
				found.add(line, err)
			}
		}
		if err := found.problem(std); err != nil {
			return err
		}
	}
	if asJSON {
		std.json(map[string]any{"event": "checked", "rows": in.rows})
	} else {
		std.outf("%d rows, all of which can be sent\n", in.rows)
	}
	return nil
}

// resume takes in the journal. A dry run leaves no trace, so it looks only at one that exists.
func (in *input) resume(path *string, dryRun bool, server string) error {
	if path == nil {
		return nil
	}
	if _, err := os.Stat(*path); dryRun && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	journal, err := openJournal(*path, journalHeader{journalKind, 1, in.sum, server})
	if err != nil {
		return err
	}
	in.journal, in.skip = journal, journal.done
	return nil
}

// total is how many rows are to be sent, -1 if that is not known.
func (in *input) total() int {
	if in.file == nil {
		return -1
	}
	return in.rows - in.before()
}

// before is how many rows earlier runs have done.
func (in *input) before() int {
	if in.journal == nil {
		return 0
	}
	return in.journal.rows
}

// job is one sending of an input.
type job struct {
	*bulkCmd
	std    *stdio
	input  *input
	target *target
	tally  tally

	mu      sync.Mutex
	line    map[int]int // of each update under way, by its place in the sequence
	changed bool        // the file is not what it was when it was looked at
}

// todo yields the rows that are to be sent. Those of standard input are read ahead by one, on a goroutine that stays if
// the input neither gives nor ends: nothing can end a read.
func (j *job) todo(ctx context.Context) iter.Seq2[int, row] {
	if j.input.file == nil {
		return j.fromStdin(ctx)
	}
	return func(yield func(int, row) bool) {
		sum := sha256.New()
		for line, text := range lines(io.TeeReader(j.input.content(), sum)) {
			if j.input.skip.has(line) {
				continue
			}
			r, err := j.input.read(text)
			if err != nil {
				j.changed = true
				return
			}
			if !yield(line, r) {
				return
			}
		}
		j.changed = j.input.isChanged(hex.EncodeToString(sum.Sum(nil)))
	}
}

func (j *job) fromStdin(ctx context.Context) iter.Seq2[int, row] {
	type next struct {
		line int
		row  row
		err  error
	}
	rows := make(chan next)
	ended, end := context.WithCancel(ctx)
	read := func() {
		defer close(rows)
		for line, text := range lines(j.input.in) {
			r, err := j.input.read(text)
			select {
			case rows <- next{line, r, err}:
			case <-ended.Done():
				return
			}
		}
	}
	return func(yield func(int, row) bool) {
		defer end()
		go read()
		for {
			select {
			case n, ok := <-rows:
				switch {
				case !ok:
					return
				case n.err != nil:
					j.bad(n.line, n.err)
				case !yield(n.line, n.row):
					j.cutOff()
					return
				}
			case <-ended.Done():
				j.cutOff()
				return
			}
		}
	}
}

// cutOff notes that there may be rows that were not even read.
func (j *job) cutOff() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tally.cutOff = true
}

// bad reports a row of standard input that is left out.
func (j *job) bad(line int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tally.countBad(line, err)
	text := printable(err.Error())
	if j.JSON {
		j.std.json(rowEvent{Event: "row", journalEntry: journalEntry{Line: line, Outcome: "bad_input", Time: time.Now()}, Error: text, Fix: "correct the row and give it again"})
		return
	}
	j.std.errf("line %d: %s; the row is left out\n", line, text)
}

// dryRun prints what would be changed.
func (j *job) dryRun() error {
	j.tally.start = time.Now()
	rows := 0
	for line, r := range j.todo(context.Background()) {
		rows++
		if j.JSON {
			j.std.json(struct {
				Event string `json:"event"`
				Line  int    `json:"line"`
				row
			}{"would_send", line, r.masked()})
		} else {
			j.std.outf("line %d: %s\n", line, r.describe())
		}
	}
	if !j.JSON {
		j.std.outf("%d rows would be sent\n", rows)
	}
	return j.end()
}

// send sends the rows.
func (j *job) send(ctx context.Context, runner *bulk.Runner) error {
	ctx, drain := context.WithCancel(ctx)
	defer drain()
	j.tally.start = time.Now()
	show := newProgress(j.std, j.JSON, j.tally.total)
	ticker := time.NewTicker(every / 5)
	defer ticker.Stop()
	var lost error
	for result := range withTicks(runner.Run(ctx, j.updates(ctx)), ticker.C) {
		j.mu.Lock()
		if result != nil {
			if err := j.take(*result); err != nil && lost == nil {
				lost = err
				drain()
			}
		}
		show.show(&j.tally)
		j.mu.Unlock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.tally.total >= 0 {
		j.tally.unsent = j.tally.total - j.tally.finished()
	}
	show.end(&j.tally)
	j.tally.summary(j.std, j.JSON)
	if lost != nil {
		return &problem{max(exitFailed, j.tally.status()), lost.Error(), "see why, and run again with the same --journal: rows that were done and are not in it are repeated"}
	}
	return j.end()
}

func (j *job) end() error {
	if j.changed {
		return &problem{max(exitUsage, j.tally.status()), "FILE: it was changed while it was read", "run again; a journal of it is of no use any more"}
	}
	if status := j.tally.status(); status != exitDone {
		return exitCode(status)
	}
	return nil
}

// updates are the rows as package bulk takes them.
func (j *job) updates(ctx context.Context) iter.Seq2[string, composio.Update] {
	return func(yield func(string, composio.Update) bool) {
		index := 0
		for line, r := range j.todo(ctx) {
			if j.input.file == nil {
				j.target.put(r)
			}
			j.mu.Lock()
			j.line[index] = line
			j.mu.Unlock()
			if !yield(r.ID, r.update()) {
				return
			}
			index++
		}
	}
}

// take notes what came of a row.
func (j *job) take(r bulk.Result) error {
	line := j.line[r.Index]
	delete(j.line, r.Index)
	entry := journalEntry{Line: line, ID: r.ID, Outcome: j.tally.count(r, line), Status: http.StatusOK, Attempts: r.Attempts, Time: time.Now().UTC()}
	event := rowEvent{Event: "row"}
	if r.Updated != nil {
		entry.RequestID = r.Updated.RequestID
	}
	if e, ok := errors.AsType[*composio.Error](r.Err); ok {
		entry.Status, entry.RequestID = e.StatusCode, e.RequestID
		event.Error, event.Fix = printable(strings.TrimPrefix(e.Error(), "composio: ")), bulkFix(e)
	}
	if j.JSON {
		event.journalEntry = entry
		j.std.json(event)
	}
	if j.input.journal == nil || entry.Outcome == outcomeUnsent {
		return nil
	}
	return j.input.journal.add(entry)
}

// withTicks yields each result, and nil for each tick meanwhile, so that what takes long is seen to go on.
func withTicks(results iter.Seq[bulk.Result], ticks <-chan time.Time) iter.Seq[*bulk.Result] {
	return func(yield func(*bulk.Result) bool) {
		all := make(chan bulk.Result)
		left := make(chan struct{})
		defer close(left)
		go func() {
			defer close(all)
			for r := range results {
				select {
				case all <- r:
				case <-left:
					return
				}
			}
		}()
		for {
			select {
			case r, ok := <-all:
				if !ok || !yield(&r) {
					return
				}
			case <-ticks:
				if !yield(nil) {
					return
				}
			}
		}
	}
}
