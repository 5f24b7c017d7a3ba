package contract

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Report collects what traffic was checked and where it broke the contract; see [Collect]. The zero value is ready, and
// many goroutines, transports and handlers can share one. The README beside this package shows how a service uses it.
type Report struct {
	// AllowNone has Err accept that nothing was checked, where that is right.
	AllowNone bool

	mu         sync.Mutex
	exchanges  int
	unmatched  int            // requests to no operation of the document
	others     map[string]int // those of them that are no finding
	counts     map[place]int
	dropped    int             // findings beyond maxFindings distinct ones
	documented map[string]bool // the document's answers, and whether one came
	unusable   error           // why there is no document
}

// Finding is a violation and how often it was seen.
type Finding struct {
	Violation
	Count int `json:"count"`
}

// maxFindings bounds the distinct violations that a report keeps. Each index of a long list makes one of its own.
const maxFindings = 1000

// Exchanges returns how many requests were checked.
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
	counts := map[Violation]int{}
	for p, n := range r.counts {
		counts[p.Violation] += n
	}
	var all []Finding
	for v, n := range counts {
		all = append(all, Finding{v, n})
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return compare(place{finding: finding{Violation: a.Violation}}, place{finding: finding{Violation: b.Violation}})
	})
	return all
}

// places returns where the contract was broken, sorted, or else the answers with a status that the document lacks.
func (r *Report) places(lacking bool) []place {
	return slices.DeleteFunc(slices.SortedFunc(maps.Keys(r.counts), compare), func(p place) bool {
		return (p.finding == undocumented) != lacking
	})
}

// Err returns nil, or else one error with the text of String: something broke the contract; or nothing was checked,
// because no request came, or because the document of [WithDocument] cannot be used. That no request came is no error
// with AllowNone, or if go test was told to leave tests out: by -run, -skip, -list, -bench or -fuzz.
//
// Answers with a status that the document lacks are no error, since gateways give such answers and Composio does.
// errors.AsType[Violation] finds the first violation.
func (r *Report) Err() error {
	text := r.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	var broken refusal
	for _, p := range r.places(false) {
		broken = append(broken, p.Violation)
	}
	if broken == nil && r.unusable == nil && !r.idle() {
		return nil
	}
	return &reported{text, broken}
}

// idle reports whether nothing was checked where something should have been.
func (r *Report) idle() bool {
	return r.exchanges == 0 && !r.AllowNone && r.unusable == nil && !filtered()
}

// filtered reports whether this is a run of go test that leaves tests out. Package flag is asked, since importing testing
// would give its flags to every program that imports this package.
func filtered() bool {
	for _, name := range []string{"run", "skip", "list", "bench", "fuzz"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			return true
		}
	}
	return false
}

// reported is the error of a report.
type reported struct {
	text string
	refusal
}

func (r *reported) Error() string { return r.text }

// String returns the report as lines of text: what was checked, each violation by status and place with its count, what
// was never seen, and who is to fix it.
func (r *Report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "composio: %s checked against the contract", plural(r.exchanges, "exchange"))
	if r.unmatched > 0 {
		fmt.Fprintf(&b, ", %s to no operation of it", plural(r.unmatched, "request"))
	}
	var theirs, ours bool
	for _, p := range r.places(false) {
		fmt.Fprintf(&b, "\n  %dx %s", r.counts[p], p.text())
		ours = ours || p.Direction == Request
		theirs = theirs || p.Direction == Response
	}
	if r.dropped > 0 {
		fmt.Fprintf(&b, "\n  %dx others", r.dropped)
	}
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "\n  %s", note)
	}
	if r.unusable != nil {
		fmt.Fprintf(&b, "\n%s", strings.TrimPrefix(r.unusable.Error(), "composio: "))
	}
	if ours {
		b.WriteString("\nrequest: what sends it departs from the contract; fix it, or take the composio module whose contract allows it")
	}
	if theirs {
		b.WriteString("\nresponse: the fake that gave it is wrong, or Composio has moved: api/README.md of the composio module says what to run")
	}
	if r.idle() {
		b.WriteString("\nnothing was checked: have the tests send through contract.Transport with contract.Collect of this report, or set its AllowNone")
	}
	return b.String()
}

// notes returns what is worth a line and no error.
func (r *Report) notes() (notes []string) {
	for _, p := range r.places(true) {
		notes = append(notes, fmt.Sprintf("%dx status %d, which the contract lacks; that is no error", r.counts[p], p.status))
	}
	for _, request := range slices.Sorted(maps.Keys(r.others)) {
		notes = append(notes, fmt.Sprintf("%dx %s, which is not checked; that is no error", r.others[request], request))
	}
	if unseen := r.unseen(); unseen != nil {
		notes = append(notes, strings.Join(unseen, " never seen, ")+" never seen; that is no error")
	}
	return notes
}

// unseen returns the answers of the document that never came.
func (r *Report) unseen() (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(r.documented)) {
		if !r.documented[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// update changes the report, which others may read or change at the same time.
func (r *Report) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.others, r.documented = map[place]int{}, map[string]int{}, map[string]bool{}
	}
	change()
}

// add counts findings; status is that of the answer they are about.
func (r *Report) add(status int, all []finding) {
	r.update(func() {
		for _, f := range all {
			p := place{f, status}
			if _, known := r.counts[p]; !known && len(r.counts) >= maxFindings {
				r.dropped++
				continue
			}
			r.counts[p]++
		}
	})
}

// began counts a request to op, and notes which answers that has.
func (r *Report) began(op operation) {
	r.update(func() {
		r.exchanges++
		for key := range op.answers {
			if _, known := r.documented[key]; !known {
				r.documented[key] = false // not seen yet
			}
		}
	})
}

// missed counts a request that calls no operation of the document; other is what to list it as, if that is no finding.
func (r *Report) missed(other string) {
	r.update(func() {
		r.unmatched++
		if other != "" {
			r.others[other]++
		}
	})
}
