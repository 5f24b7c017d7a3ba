// Package bulk makes many updates within the one budget of requests that an organization has.
//
//	runner, err := bulk.New(client)
//	if err != nil {
//		return err
//	}
//	for result := range runner.Run(ctx, updates) { // updates is an iter.Seq2[string, composio.Update]
//		if result.Err != nil {
//			log.Print(result.Err)
//		}
//	}
//
// The sequence is read no faster than its updates are made, and may have no end: memory does not grow with it. Updates
// run side by side, up to [WithConcurrency]; those of one account follow one another in the order of the sequence. A later
// update of an account is sent although an earlier one, of unknown outcome, may still land after it and undo it.
//
// # Pace
//
// Composio counts requests in fixed windows and tells with every answer how large the budget is, what is left of it
// and how long the window is, but not when it ends. A [Runner] sends one request and waits for its answer; from then on
// it spends its share, [WithShare], evenly over the window. Retries that the client makes are part of that.
//
//   - If the answers show that others spend too, so that less is left than the part it leaves to them, it waits for the
//     next window, and finds out with one request in each eighth of a window whether that has begun. Several runs on one
//     budget, in any number of processes, so make way for each other.
//   - A 429 of Composio's rate limit, or a 503 that has a Retry-After, stops everything that is not yet sent until that is
//     over; see [Runner.PausedUntil].
//   - Any other 429 or 503 is a gateway's. It halves the rate, down to 10 requests a second, which soon rises to a little
//     less than was refused, and from there with each second of success.
//   - An update that was answered 429 or 503 is sent again: until nothing has been let through for a minute, or this one
//     not in five minutes and a hundred attempts. After a 503 it may have been applied already, so with
//     [composio.WithMaxRetries](0) it is not sent again.
//   - A limiter that the client has ([composio.WithLimiter]) is waited for besides.
//   - An answer without rate-limit headers changes nothing. Until the first with them there is no pace, only
//     concurrency. Where the window's length is missing, it is taken to be a minute.
//
// # Ends
//
// When the context is done, nothing more is sent, retries included, and the answers to what has been sent are awaited for as
// long as [WithGrace] says, so that its outcome is known. Every update that was taken from the sequence has one [Result];
// that of an update which was not sent says so. [Runner.Stop] ends that wait too, and so does leaving the loop.
package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	composio "example.com/composio/wrapper"
)

// The defaults of [New].
const (
	DefaultConcurrency = 32
	DefaultShare       = 0.8
	DefaultGrace       = 30 * time.Second
)

// ErrEnded is in the error of an update that was not sent, or not sent again, because the run's context was done, whose
// cause is in the error too, or because of [Runner.Stop].
var ErrEnded = errors.New("the run was ended")

// Result is what came of one update.
type Result struct {
	// Index is the update's place in the sequence, from 0, and ID the account.
	Index int
	ID    string

	// Updated is Composio's answer if the update was applied, and otherwise nil.
	Updated *composio.Result

	// Err is nil if the update was applied, and otherwise a *[composio.Error]. If that is
	// [composio.ErrOutcomeUnknown], the update may have been applied.
	Err error

	// Sent says whether any request was made for the update, and Attempts how many.
	Sent     bool
	Attempts int

	// RateLimit is the organization's budget after the update, if the answer told it.
	RateLimit composio.RateLimit
}

// Option changes a default of [New].
type Option func(*Runner) error

// WithConcurrency sets how many updates may be under way at once, by default 32. A run needs about its rate times the
// time that an answer takes: 133 requests a second at 200 ms each keep 27 busy.
func WithConcurrency(n int) Option {
	return func(r *Runner) error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d is less than 1", n)
		}
		r.concurrency = n
		return nil
	}
}

// WithShare sets which part of the organization's budget may be spent, above 0 and up to 1, by default 0.8. The rest is
// left to whoever else uses it.
func WithShare(share float64) Option {
	return func(r *Runner) error {
		if !(share > 0 && share <= 1) { // NaN too
			return fmt.Errorf("WithShare: %v is not above 0 and up to 1", share)
		}
		r.pace.share = share
		return nil
	}
}

// WithGrace sets how long requests under way may go on after the context is done, by default 30 s. What is then still
// without an answer is [composio.ErrOutcomeUnknown].
func WithGrace(d time.Duration) Option {
	return func(r *Runner) error {
		if d < 0 {
			return fmt.Errorf("WithGrace: %v is negative", d)
		}
		r.grace = d
		return nil
	}
}

// OnResult has f called with each result as soon as there is one: before the next update is sent in its place, and before
// [Runner.Run] yields it. It is called by one goroutine at a time. If it returns an error, that ends the run as the end of
// its context does, and is the cause that comes with [ErrEnded].
func OnResult(f func(Result) error) Option {
	return func(r *Runner) error {
		if f == nil {
			return errors.New("OnResult: the function is nil")
		}
		r.onResult = f
		return nil
	}
}

// Runner runs updates at one pace. It is safe for many goroutines at once: all its runs share the pace, and what one
// has learned of the budget the next knows.
type Runner struct {
	client      *composio.Client
	concurrency int
	grace       time.Duration
	pace        *pace
	reporting   sync.Mutex // held while onResult is called
	onResult    func(Result) error
	stopped     context.Context
	stop        context.CancelFunc
}

// New returns a Runner that sends through client. It refuses a nil client and invalid values, with an
// error that names the option.
func New(client *composio.Client, opts ...Option) (*Runner, error) {
	if client == nil {
		return nil, errors.New("bulk: the client is nil")
	}
	r := &Runner{client: client, concurrency: DefaultConcurrency, grace: DefaultGrace, pace: newPace(DefaultShare)}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("bulk: option %d is nil", i+1)
		}
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("bulk: %w", err)
		}
	}
	r.stopped, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Run makes the updates and yields one result each, as they end. Invalid updates are refused in their
// result, as the client refuses them, and cost no request.
//
// The sequence is read on a goroutine of its own, and only while the results are ranged over. It is asked for nothing
// more once ctx is done; a sequence that waits for something must end its waiting by itself then. No goroutine is left
// when the loop ends, however it ends.
func (r *Runner) Run(ctx context.Context, updates iter.Seq2[string, composio.Update]) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		run := r.start(ctx)
		go run.feed(updates)
		defer run.end()
		for result := range run.results {
			if !yield(result) {
				return
			}
		}
	}
}

// Stop ends all runs at once: nothing more is sent, as when the context is done, and what is under way is given up
// without a grace. The Runner sends nothing ever after.
func (r *Runner) Stop() { r.stop() }

// PausedUntil returns until when nothing is sent because Composio has asked for a pause, or because the budget of the
// present window is spent; if neither is so, the zero time.
func (r *Runner) PausedUntil() time.Time { return r.pace.pausedUntil() }
