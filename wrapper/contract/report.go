package contract

import (
	"encoding/json"
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

	mu        sync.Mutex
	exchanges int
	unmatched int            // requests to no operation of the document
	others    map[string]int // those of them that are no finding
	counts    map[finding]int
	seen      map[string]bool // the document's answers, and whether one came
	unusable  error           // why there is no document
}

// Finding is a violation and how often it was seen.
type Finding struct {
	Violation
	Count int `json:"count"`
}

// Exchanges returns how many requests were checked.
func (r *Report) Exchanges() int { return r.summary().Exchanges }

// Findings returns each distinct violation with its count, sorted by direction, location and rule. Answers with a status
// that the document lacks are among them.
func (r *Report) Findings() []Finding {
	counts := map[finding]int{}
	r.update(func() {
		for f, n := range r.counts {
			counts[finding{Violation: f.Violation}] += n
		}
	})
	var all []Finding
	for _, f := range slices.SortedFunc(maps.Keys(counts), compare) {
		all = append(all, Finding{f.Violation, counts[f]})
	}
	return all
}

// Err returns nil, or else one error with the text of String: something broke the contract; or nothing was checked,
// because no request came, or because the document of [WithDocument] cannot be used. That no request came is no error
// with AllowNone, or if go test was told to leave tests out: by -run, -skip, -list, -bench or -fuzz.
//
// Answers with a status that the document lacks are no error, since gateways give such answers and Composio does.
// errors.AsType[Violation] finds the first violation.
func (r *Report) Err() error { return r.summary().err() }

// String returns the report as lines of text: what was checked, each violation by status and place with its count, what
// was never seen, and who is to fix it.
func (r *Report) String() string { return r.summary().text() }

// MarshalJSON returns what String has, for programs.
func (r *Report) MarshalJSON() ([]byte, error) {
	s := r.summary()
	if err := s.err(); err != nil {
		s.Error = err.Error()
	}
	return json.Marshal(s)
}

// WriteAnnotations writes the report as GitHub Actions reads it from the output of a step: an error for each violation by
// status and place, or because nothing was checked, and a notice for each line that is no error.
func (r *Report) WriteAnnotations(w io.Writer) error {
	var b strings.Builder
	write := func(level, text string) {
		text = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
		fmt.Fprintf(&b, "::%s title=Composio contract::%s\n", level, text)
	}
	s := r.summary()
	for _, f := range s.Findings {
		write("error", fmt.Sprintf("%s (%dx)", f.line(), f.Count))
	}
	if s.nothing != "" {
		write("error", s.nothing)
	}
	for _, note := range s.notes() {
		write("notice", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// update reads or changes the report, as others may at the same time.
func (r *Report) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.others, r.seen = map[finding]int{}, map[string]int{}, map[string]bool{}
	}
	change()
}

// began counts a request to op and notes which answers that has; or one that calls no operation of the document, and
// other is what to list that as, if it is no finding.
func (r *Report) began(op *operation, other string) {
	r.update(func() {
		if op == nil {
			r.unmatched++
			if other != "" {
				r.others[other]++
			}
			return
		}
		r.exchanges++
		for key := range op.answers {
			if _, known := r.seen[key]; !known {
				r.seen[key] = false
			}
		}
	})
}

// summary is what a report says, in each of its forms.
type summary struct {
	Exchanges    int            `json:"exchanges"`
	Findings     []entry        `json:"findings"`
	Undocumented map[int]int    `json:"undocumented,omitempty"` // by status
	NotChecked   map[string]int `json:"not_checked,omitempty"`  // by request
	NeverSeen    []string       `json:"never_seen,omitempty"`   // of the document's answers
	Error        string         `json:"error,omitzero"`
	unmatched    int
	nothing      string // why nothing was checked, if that is an error
}

// entry is a finding and how often it was seen.
type entry struct {
	finding
	Count int `json:"count"`
}

func (r *Report) summary() (s summary) {
	s.Findings, s.Undocumented = []entry{}, map[int]int{}
	r.update(func() {
		s.Exchanges, s.unmatched, s.NotChecked = r.exchanges, r.unmatched, maps.Clone(r.others)
		for _, f := range slices.SortedFunc(maps.Keys(r.counts), compare) {
			if f.Rule == undocumented {
				s.Undocumented[f.Status] = r.counts[f]
			} else {
				s.Findings = append(s.Findings, entry{f, r.counts[f]})
			}
		}
		for _, status := range slices.Sorted(maps.Keys(r.seen)) {
			if !r.seen[status] {
				s.NeverSeen = append(s.NeverSeen, status)
			}
		}
		if r.unusable != nil {
			s.nothing = strings.TrimPrefix(r.unusable.Error(), "composio: ")
		} else if r.exchanges == 0 && !r.AllowNone && !filtered() {
			s.nothing = "nothing was checked: have the tests send through contract.Transport with contract.Collect of this report, or set its AllowNone"
		}
	})
	return s
}

// filtered reports whether this is a run of go test that leaves tests out. Package flag is asked, since importing testing
// would give its flags to every program that imports this package.
func filtered() bool {
	return slices.ContainsFunc([]string{"run", "skip", "list", "bench", "fuzz"}, func(name string) bool {
		f := flag.Lookup("test." + name)
		return f != nil && f.Value.String() != ""
	})
}

func (s summary) err() error {
	if len(s.Findings) == 0 && s.nothing == "" {
		return nil
	}
	err := &refusal{text: s.text()}
	for _, f := range s.Findings {
		err.found = append(err.found, f.Violation)
	}
	return err
}

func (s summary) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "composio: %s checked against the contract", plural(s.Exchanges, "exchange"))
	if s.unmatched > 0 {
		fmt.Fprintf(&b, ", %s to no operation of it", plural(s.unmatched, "request"))
	}
	var advice [2]string
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "\n  %dx %s", f.Count, f.line())
		if f.Direction == Request {
			advice[0] = "\nrequest: what sends it departs from the contract; fix it, or take the composio module whose contract allows it"
		} else {
			advice[1] = "\nresponse: the fake that gave it is wrong, or Composio has moved: api/README.md of the composio module says what to run"
		}
	}
	for _, note := range s.notes() {
		b.WriteString("\n  " + note)
	}
	if s.nothing != "" {
		b.WriteString("\n" + s.nothing)
	}
	return b.String() + advice[0] + advice[1]
}

// notes returns what is worth a line and no error.
func (s summary) notes() (notes []string) {
	for _, status := range slices.Sorted(maps.Keys(s.Undocumented)) {
		notes = append(notes, fmt.Sprintf("%dx status %d, which the contract lacks; that is no error", s.Undocumented[status], status))
	}
	for _, request := range slices.Sorted(maps.Keys(s.NotChecked)) {
		notes = append(notes, fmt.Sprintf("%dx %s, which is not checked; that is no error", s.NotChecked[request], request))
	}
	if s.NeverSeen != nil {
		notes = append(notes, strings.Join(s.NeverSeen, " never seen, ")+" never seen; that is no error")
	}
	return notes
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
