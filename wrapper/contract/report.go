package contract

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
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
	unmatched  int
	counts     map[place]int
	dropped    int             // findings beyond maxFindings distinct ones
	lacking    map[int]int     // answers by the status that the document lacks
	documented map[string]bool // the document's answers, and whether one came
	others     map[string]int  // requests to other operations
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
	var all []Finding
	for _, p := range r.places() {
		i := slices.IndexFunc(all, func(f Finding) bool { return f.Violation == p.Violation })
		if i < 0 {
			i, all = len(all), append(all, Finding{Violation: p.Violation})
		}
		all[i].Count += r.counts[p]
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return compare(place{finding: finding{Violation: a.Violation}}, place{finding: finding{Violation: b.Violation}})
	})
	return all
}

// places returns the keys of counts, sorted.
func (r *Report) places() []place { return slices.SortedFunc(maps.Keys(r.counts), compare) }

// Err returns nil, or else one error with the text of String: something broke the contract; or nothing was checked,
// because no request came, or because the document of [WithDocument] cannot be used. That no request came is no error
// with AllowNone, or if go test was told to leave tests out: by -run, -skip, -list, -bench or -fuzz.
//
// Answers with a status that the document lacks are no error, since gateways give such answers and Composio does.
// errors.AsType[Violation] finds the first violation.
func (r *Report) Err() error {
	var broken refusal
	for _, f := range r.Findings() {
		if f.Violation != undocumented.Violation {
			broken = append(broken, f.Violation)
		}
	}
	r.mu.Lock()
	failed := broken != nil || r.unusable != nil || r.idle()
	r.mu.Unlock()
	switch {
	case broken != nil:
		return &reported{r.String(), broken}
	case failed:
		return errors.New(r.String())
	}
	return nil
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
	for _, p := range r.places() {
		if p.finding == undocumented {
			continue
		}
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
	for _, status := range slices.Sorted(maps.Keys(r.lacking)) {
		notes = append(notes, fmt.Sprintf("%dx status %d, which the contract lacks; that is no error", r.lacking[status], status))
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

// MarshalJSON returns what String has, for programs.
func (r *Report) MarshalJSON() ([]byte, error) {
	type entry struct {
		Status    int       `json:"status,omitzero"`
		Direction Direction `json:"direction"`
		Location  string    `json:"location"`
		Rule      string    `json:"rule"`
		Want      string    `json:"want,omitzero"`
		Count     int       `json:"count"`
	}
	report := struct {
		Exchanges    int            `json:"exchanges"`
		Findings     []entry        `json:"findings"`
		Dropped      int            `json:"dropped,omitzero"`
		Undocumented map[int]int    `json:"undocumented,omitempty"`
		NotChecked   map[string]int `json:"not_checked,omitempty"`
		NeverSeen    []string       `json:"never_seen,omitempty"`
		Error        string         `json:"error,omitzero"`
	}{Findings: []entry{}}
	if err := r.Err(); err != nil {
		report.Error = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places() {
		if p.finding != undocumented {
			report.Findings = append(report.Findings, entry{p.status, p.Direction, p.Location, p.Rule, p.want, r.counts[p]})
		}
	}
	report.Exchanges, report.Dropped, report.NeverSeen = r.exchanges, r.dropped, r.unseen()
	report.Undocumented, report.NotChecked = r.lacking, r.others
	return json.Marshal(report)
}

// WriteAnnotations writes the report as GitHub Actions reads it from the output of a step: an error for each violation by
// status and place, or because nothing was checked, and a notice for each line that is no error.
func (r *Report) WriteAnnotations(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	write := func(level, text string) {
		text = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
		fmt.Fprintf(&b, "::%s title=Composio contract::%s\n", level, text)
	}
	for _, p := range r.places() {
		if p.finding != undocumented {
			write("error", fmt.Sprintf("%s (%dx)", p.text(), r.counts[p]))
		}
	}
	if r.unusable != nil {
		write("error", r.unusable.Error())
	}
	if r.idle() {
		write("error", "no exchange was checked against the contract")
	}
	for _, note := range r.notes() {
		write("notice", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// add counts findings; status is that of the answer they are about.
func (r *Report) add(status int, all []finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[place]int{}
	}
	for _, f := range all {
		p := place{f, status}
		if _, known := r.counts[p]; !known && len(r.counts) >= maxFindings {
			r.dropped++
			continue
		}
		r.counts[p]++
	}
}

// began counts a request to op, and notes which answers that has.
func (r *Report) began(op operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges++
	if r.documented == nil {
		r.documented = map[string]bool{}
	}
	for key := range op.answers {
		if !r.documented[key] {
			r.documented[key] = false
		}
	}
}

// missed counts a request that calls no operation of the document; other is what to list it as, if that is no finding.
func (r *Report) missed(other string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unmatched++
	if r.others == nil {
		r.others = map[string]int{}
	}
	if other != "" {
		r.others[other]++
	}
}

// cannot notes why there is no document to check with.
func (r *Report) cannot(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unusable = err
}

// answered notes the status of an answer: key is the document's for it, "" if it lacks it.
func (r *Report) answered(key string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key != "" {
		r.documented[key] = true
		return
	}
	if r.lacking == nil {
		r.lacking = map[int]int{}
	}
	r.lacking[status]++
}
