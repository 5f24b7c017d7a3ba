package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Report collects what traffic was checked and where it broke the contract; see [Collect]. The zero value is ready, and
// many goroutines, transports and handlers can share one.
//
// In the TestMain of a service's package:
//
//	code := m.Run()
//	fmt.Println(&traffic)
//	if err := traffic.Err(); err != nil {
//		code = 1
//	}
//	os.Exit(code)
type Report struct {
	mu        sync.Mutex
	exchanges int
	unmatched int
	counts    map[Violation]int
	lacking   map[int]int // answers by the status that the document lacks
	dropped   int         // violations beyond maxFindings distinct ones
}

// Finding is a violation and how often it was seen.
type Finding struct {
	Violation
	Count int `json:"count"`
}

// maxFindings bounds the distinct violations that a report keeps. Each index of a long list makes one of its own.
const maxFindings = 1000

// Exchanges returns how many requests were checked. A report of none says nothing about the contract.
func (r *Report) Exchanges() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exchanges
}

// Findings returns each distinct violation with its count, sorted by direction, location and rule. Answers with a status
// that the document lacks are among them.
func (r *Report) Findings() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Finding
	for v, n := range r.counts {
		all = append(all, Finding{v, n})
	}
	slices.SortFunc(all, func(a, b Finding) int { return compare(a.Violation, b.Violation) })
	return all
}

// Err returns nil, or else one error for all that broke the contract, with the text of String. Answers with a status
// that the document lacks are no part of it, since gateways give such answers and Composio does. errors.AsType[Violation]
// finds the first violation.
func (r *Report) Err() error {
	var broken refusal
	for _, f := range r.Findings() {
		if f.Violation != undocumented {
			broken = append(broken, f.Violation)
		}
	}
	if broken == nil {
		return nil
	}
	return &reported{r.String(), broken}
}

// reported is the error of a report.
type reported struct {
	text string
	refusal
}

func (r *reported) Error() string { return r.text }

// String returns the report as lines of text: what was checked, each violation with its count, and who is to fix it.
func (r *Report) String() string {
	findings := r.Findings()
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "composio: %s checked against the contract", plural(r.exchanges, "exchange"))
	if r.unmatched > 0 {
		fmt.Fprintf(&b, ", %s to no operation of it", plural(r.unmatched, "request"))
	}
	var theirs, ours bool
	for _, f := range findings {
		if f.Violation == undocumented {
			continue
		}
		fmt.Fprintf(&b, "\n  %dx %s at %s: %s", f.Count, f.Direction, f.Location, f.Rule)
		ours = ours || f.Direction == Request
		theirs = theirs || f.Direction == Response
	}
	if r.dropped > 0 {
		fmt.Fprintf(&b, "\n  %dx others", r.dropped)
	}
	for _, status := range slices.Sorted(maps.Keys(r.lacking)) {
		fmt.Fprintf(&b, "\n  %dx status %d, which the contract lacks; that is no error", r.lacking[status], status)
	}
	if ours {
		b.WriteString("\nrequest: what sends it departs from the contract; fix it, or take the composio module whose contract allows it")
	}
	if theirs {
		b.WriteString("\nresponse: the fake that gave it is wrong, or Composio has moved: api/README.md of the composio module says what to run")
	}
	return b.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (r *Report) add(vs []Violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range vs {
		switch _, known := r.counts[v]; {
		case !known && len(r.counts) >= maxFindings:
			r.dropped++
			continue
		case r.counts == nil:
			r.counts = map[Violation]int{}
		}
		r.counts[v]++
	}
}

// count notes a request, and whether the document has its operation.
func (c *config) count(matched bool) {
	for _, r := range c.reports {
		r.mu.Lock()
		if matched {
			r.exchanges++
		} else {
			r.unmatched++
		}
		r.mu.Unlock()
	}
}

// lacks reports an answer with a status that the document lacks.
func (c *config) lacks(req *http.Request, status int) {
	c.report(req, []Violation{undocumented})
	for _, r := range c.reports {
		r.mu.Lock()
		if r.lacking == nil {
			r.lacking = map[int]int{}
		}
		r.lacking[status]++
		r.mu.Unlock()
	}
}

// refusal is the error for an exchange that breaks the contract, with every violation that was found.
type refusal []Violation

// Error returns all of them in one line.
func (r refusal) Error() string {
	var b strings.Builder
	b.WriteString(r[0].Error())
	for _, v := range r[1:] {
		fmt.Fprintf(&b, "; at %s: %s", v.Location, v.Rule)
	}
	return b.String()
}

// Unwrap returns each [Violation].
func (r refusal) Unwrap() []error {
	all := make([]error, len(r))
	for i, v := range r {
		all[i] = v
	}
	return all
}
