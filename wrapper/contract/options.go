package contract

import (
	"cmp"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

// Option configures [Handler], [Transport] and [Check].
type Option func(*config)

type config struct {
	load    func() (document, error)
	observe []func(*http.Request, Violation)
	tell    []func(text string) // of what is wrong, as soon as it is known
	reports []*Report
	lenient bool // what is wrong is told, and not held up

	document document
	unusable error // why there is no document
}

func newConfig(opts []Option) *config {
	c := &config{load: own}
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
	if c.document, c.unusable = c.load(); c.unusable != nil {
		c.failed(c.unusable)
	}
	return c
}

// failed tells that nothing is checked, and why.
func (c *config) failed(err error) {
	for _, tell := range c.tell {
		tell(err.Error())
	}
	for _, r := range c.reports {
		r.update(func() { r.unusable = err })
	}
}

// match returns the operation that a request calls, if it calls one, and counts the request. found is how it departs from
// the operation if it was meant for that. An error is why it can be neither checked nor let through.
func (c *config) match(r *http.Request) (op *operation, found []finding, err error) {
	err = c.unusable
	if err == nil {
		to := address(cmp.Or(r.Method, http.MethodGet), r.URL)
		if to.id != "" {
			op = c.document.operation(to)
		} else if to.near != "" {
			found = []finding{{Violation: Violation{Request, to.near, "operation"}, Want: method + " " + c.document[0].path}}
		}
		if op != nil && op.fault != nil {
			err = op.fault
			c.failed(err)
		} else {
			for _, r := range c.reports {
				r.began(op, to.other)
			}
		}
	}
	if err != nil && c.lenient {
		return nil, nil, nil
	}
	return op, found, err
}

// documented returns what op has about the status of an answer, if anything, and notes it.
func (c *config) documented(req *http.Request, op *operation, status int) *answer {
	code := strconv.Itoa(status)
	for _, key := range []string{code, code[:1] + "XX", "default"} {
		if found, ok := op.answers[key]; ok {
			for _, r := range c.reports {
				r.update(func() { r.seen[key] = true })
			}
			return &found
		}
	}
	c.report(req, status, []finding{newFinding(Response, "status", undocumented)})
	return nil
}

// undocumented is the rule that no answer is withheld for.
const undocumented = "undocumented"

// report tells of findings; status is that of the answer that they are about, 0 for a request. It returns whether the
// exchange ends with them.
func (c *config) report(r *http.Request, status int, all []finding) bool {
	for _, f := range all {
		f.Status = status
		for _, observe := range c.observe {
			observe(r, f.Violation)
		}
		for _, tell := range c.tell {
			if f.Rule != undocumented {
				tell("composio: " + f.line())
			}
		}
		for _, r := range c.reports {
			r.update(func() { r.counts[f]++ })
		}
	}
	return len(all) > 0 && !c.lenient
}

// OnViolation has f called for each violation, with the request that it belongs to, before the answer is written or
// returned. The request's body may have been read. f is called by the goroutine that serves or sends the request, so by
// several at a time. Each OnViolation adds an observer. A nil f is ignored.
func OnViolation(f func(*http.Request, Violation)) Option {
	return func(c *config) {
		if f != nil {
			c.observe = append(c.observe, f)
		}
	}
}

// Collect has violations counted in report, and lets the traffic through that has them: for the end of a service's test
// run, which then fails with [Report.Err]. Each violation is written to w as well, as soon as it is found, so that a run
// which ends in a panic has told of it: to [os.Stderr] if no w is given; give [io.Discard] for silence.
//
// A [Handler] still refuses a request whose body it cannot read to the end. Each Collect adds a report. A nil report is
// ignored.
func Collect(report *Report, w ...io.Writer) Option {
	if report == nil {
		return nil
	}
	if len(w) == 0 {
		w = []io.Writer{os.Stderr}
	}
	var mu sync.Mutex
	return func(c *config) {
		c.lenient = true
		c.reports = append(c.reports, report)
		c.tell = append(c.tell, func(text string) {
			mu.Lock()
			defer mu.Unlock()
			for _, to := range w {
				if to != nil {
					_, _ = io.WriteString(to, text+"\n") // the report has it, whatever becomes of the line
				}
			}
		})
	}
}

// WithDocument checks against another OpenAPI document, 3.0 or 3.1, YAML or JSON, in the place of this module's own: say,
// the whole of what Composio publishes today. Of that only the operation is read and what it refers to; other operations
// may have faults, and so may a version of this one that no request calls. It is read once, however many transports and
// handlers have the option.
//
// If the operation cannot be had, nothing is checked, and an error says why: it is the error of [Report.Err]; [Check] gives
// it to its test; and without either, each request ends with it.
func WithDocument(spec []byte) Option {
	load := loader(spec)
	return func(c *config) { c.load = load }
}
