package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	composio "example.com/composio/wrapper"
)

// backlog is how many updates are taken from the sequence for each that may be under way. The others wait for one of the
// same account, so that this does not hold up the accounts after it.
const backlog = 4

// run is one Run of a Runner.
type run struct {
	*Runner
	draining context.Context // done when nothing more may be sent
	drain    context.CancelCauseFunc
	calling  context.Context // done when what has been sent is given up
	giveUp   func()
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
	run.draining, run.drain = context.WithCancelCause(ctx)
	calling, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	run.calling, run.giveUp = calling, func() { giveUp(context.Cause(run.draining)) }
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
	r.drain(nil)
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

// make makes one update, and lets the others know of its result before the pace lets them go.
func (r *run) make(u update) Result {
	c := &call{run: r}
	defer c.finish()
	result := r.try(c, u)
	r.reporting.Lock()
	defer r.reporting.Unlock()
	if r.onResult != nil {
		if err := r.onResult(result); err != nil {
			r.drain(err)
		}
	}
	return result
}

// try sends an update, and again when it was refused because there was too much to do.
func (r *run) try(c *call, u update) (result Result) {
	result = Result{Index: u.index, ID: u.id}
	defer func() { result.Sent = result.Attempts > 0 }()
	unknown := false
	for begun := time.Now(); r.draining.Err() == nil; {
		updated, err := c.make(u)
		if err == nil {
			result.Updated, result.Err, result.RateLimit = updated, nil, updated.RateLimit
			result.Attempts += updated.Attempts
			return result
		}
		e, _ := errors.AsType[*composio.Error](err) // the client has no other errors
		if e.Attempts == 0 && result.Attempts > 0 {
			return result // the refusal before says more
		}
		if unknown && !errors.Is(e, composio.ErrOutcomeUnknown) { // what a 503 left open, no later answer settles
			e.Err = errors.Join(e.Err, fmt.Errorf("after a 503, %w", composio.ErrOutcomeUnknown))
		}
		unknown = errors.Is(e, composio.ErrOutcomeUnknown)
		result.Err, result.RateLimit = e, e.RateLimit
		result.Attempts += e.Attempts
		if !c.maySendAgain(e) || r.pace.isHopeless(begun, result.Attempts) {
			return result
		}
	}
	if result.Err == nil {
		result.Err = &composio.Error{AccountID: u.id, Err: r.ended()}
	}
	return result
}

// ended is why an update is not sent.
func (r *run) ended() error { return fmt.Errorf("%w: %w", ErrEnded, context.Cause(r.draining)) }
