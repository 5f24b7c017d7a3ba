package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/hook"
)

const (
	// backlog is how many updates are taken from the sequence for each that may be under way. The others wait for one
	// of the same account, so that this does not hold up the accounts after it.
	backlog = 4

	// maxRateLimited is how often one update may be answered 429, beyond what the client tries again by itself.
	maxRateLimited = 10
)

// run is one Run of a Runner.
type run struct {
	*Runner
	draining context.Context // done when nothing more may be sent
	drain    context.CancelFunc
	calling  context.Context // done when what has been sent is given up
	giveUp   context.CancelFunc
	release  []func() bool
	results  chan Result

	mu     sync.Mutex
	queues map[string][]update // of each account with an update under way, those that wait for it
}

type update struct {
	index int
	id    string
	composio.Update
}

func (r *Runner) start(ctx context.Context) *run {
	run := &run{Runner: r, results: make(chan Result), queues: map[string][]update{}}
	run.draining, run.drain = context.WithCancel(ctx)
	run.calling, run.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	run.release = []func() bool{
		context.AfterFunc(r.stopped, run.abort),
		context.AfterFunc(run.draining, func() {
			timer := time.AfterFunc(r.grace, run.giveUp)
			<-run.calling.Done()
			timer.Stop()
		}),
	}
	if r.stopped.Err() != nil {
		run.abort() // AfterFunc has a goroutine of its own, which may come too late to stop the first update
	}
	return run
}

func (r *run) abort() {
	r.drain()
	r.giveUp()
}

// end leaves nothing behind of the run, whether or not all of it was ranged over.
func (r *run) end() {
	r.abort()
	for range r.results {
		// what nobody asks for any more
	}
	for _, release := range r.release {
		release()
	}
}

// feed starts the updates, each as soon as it may be, and closes the results after the last.
func (r *run) feed(updates iter.Seq2[string, composio.Update]) {
	defer close(r.results)
	var workers errgroup.Group
	workers.SetLimit(r.concurrency)
	defer func() { _ = workers.Wait() }() // they return no errors
	if r.draining.Err() != nil {
		return
	}
	taken := make(chan struct{}, backlog*r.concurrency)
	index := 0
	for id, u := range updates {
		taken <- struct{}{}
		if next := (update{index, id, u}); r.enqueue(next) {
			workers.Go(func() error {
				r.work(next, taken)
				return nil
			})
		}
		index++
		if r.draining.Err() != nil {
			return
		}
	}
}

// enqueue reports whether the update may start. If not, it is started after those of the same account.
func (r *run) enqueue(u update) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	queue, busy := r.queues[u.id]
	if busy {
		queue = append(queue, u)
	}
	r.queues[u.id] = queue
	return !busy
}

// work makes an update, and then those of the same account that came meanwhile.
func (r *run) work(u update, taken <-chan struct{}) {
	for more := true; more; u, more = r.next(u.id) {
		r.results <- r.make(u)
		<-taken
	}
}

func (r *run) next(id string) (update, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	queue := r.queues[id]
	if len(queue) == 0 {
		delete(r.queues, id)
		return update{}, false
	}
	r.queues[id] = queue[1:]
	return queue[0], true
}

// make makes one update. One that met a 429 was not applied and is sent again, unless an attempt before that may have
// been: then the client's own retries have decided.
func (r *run) make(u update) Result {
	result := Result{Index: u.index, ID: u.id}
	for range maxRateLimited {
		updated, err := r.call(u)
		if err == nil {
			result.Updated, result.Err = updated, nil
			result.Attempts += updated.Attempts
			result.RateLimit = updated.RateLimit
			break
		}
		e, _ := errors.AsType[*composio.Error](err) // the client has no other errors
		if e.Attempts == 0 && result.Attempts > 0 {
			break // the 429 before says more
		}
		result.Err, result.RateLimit = e, e.RateLimit
		result.Attempts += e.Attempts
		if !errors.Is(e, composio.ErrRateLimited) || errors.Is(e, composio.ErrOutcomeUnknown) {
			break
		}
	}
	result.Sent = result.Attempts > 0
	return result
}

func (r *run) call(u update) (*composio.Result, error) {
	if r.draining.Err() != nil {
		return nil, &composio.Error{AccountID: u.id, Err: r.ended()}
	}
	ctx, cancel := context.WithCancel(r.calling)
	defer cancel()
	c := &call{cancel: cancel, run: r}
	defer c.done()
	defer context.AfterFunc(r.draining, c.drain)()
	ctx = hook.With(ctx, hook.Attempts{Before: c.beforeAttempt, After: c.afterAttempt})
	return r.client.UpdateConnectedAccount(ctx, u.id, u.Update)
}

// ended is why an update is not sent.
func (r *run) ended() error { return fmt.Errorf("%w: %w", ErrEnded, context.Cause(r.draining)) }

// call is one update that the client makes.
type call struct {
	cancel context.CancelFunc
	run    *run

	mu      sync.Mutex
	sending bool // an attempt is under way
	drained bool
	ticket  ticket
}

// beforeAttempt waits until the pace lets an attempt be made.
func (c *call) beforeAttempt(ctx context.Context, limiter func(context.Context) error) error {
	ticket, err := c.run.pace.admit(ctx, limiter)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticket = ticket
	if ctx.Err() != nil {
		return c.run.ended()
	}
	c.sending = err == nil
	return err
}

// afterAttempt tells the pace what was answered.
func (c *call) afterAttempt(limit hook.RateLimit, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending = false
	if c.drained {
		c.cancel() // no retry
	}
	status, retryAfter := http.StatusOK, time.Duration(0)
	if e, ok := errors.AsType[*composio.Error](err); ok {
		status, retryAfter = e.StatusCode, e.RetryAfter
	}
	c.run.pace.answered(c.ticket, status, composio.RateLimit(limit), retryAfter)
}

// drain ends the call, unless an attempt is under way: that may end first.
func (c *call) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = true
	if !c.sending {
		c.cancel()
	}
}

// done follows the call's end. Its last attempt may have had leave, and then not been made.
func (c *call) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.pace.heard(c.ticket)
}
