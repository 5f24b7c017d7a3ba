package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// MarshalJSON returns what String has, for programs.
func (r *Report) MarshalJSON() ([]byte, error) {
	type entry struct {
		Status int `json:"status,omitzero"`
		Violation
		Want  string `json:"want,omitzero"`
		Count int    `json:"count"`
	}
	report := struct {
		Exchanges    int            `json:"exchanges"`
		Findings     []entry        `json:"findings"`
		Dropped      int            `json:"dropped,omitzero"`
		Undocumented map[int]int    `json:"undocumented,omitempty"`
		NotChecked   map[string]int `json:"not_checked,omitempty"`
		NeverSeen    []string       `json:"never_seen,omitempty"`
		Error        string         `json:"error,omitzero"`
	}{Findings: []entry{}, Undocumented: map[int]int{}}
	if err := r.Err(); err != nil {
		report.Error = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places(false) {
		report.Findings = append(report.Findings, entry{p.status, p.Violation, p.want, r.counts[p]})
	}
	for _, p := range r.places(true) {
		report.Undocumented[p.status] = r.counts[p]
	}
	report.Exchanges, report.Dropped, report.NeverSeen, report.NotChecked = r.exchanges, r.dropped, r.unseen(), r.others
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
	for _, p := range r.places(false) {
		write("error", fmt.Sprintf("%s (%dx)", p.text(), r.counts[p]))
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
