package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// answerJSON is a scripted answer.
type answerJSON struct {
	Fault   *string           `json:"fault"`
	Status  float64           `json:"status"` // 409.0 is a whole number too
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Apply   bool              `json:"apply"`
}

// What a header can be; net/http would drop a name, and change a value, without a word.
var (
	headerName  = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	headerValue = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
)

// answer returns what is planned. An error begins with the place in it.
func (a answerJSON) answer() (Answer, error) {
	if a.Fault != nil {
		if a.Status != 0 || a.Headers != nil || a.Body != nil || a.Apply {
			return Answer{}, errors.New("/fault: there with something else, which it would not do")
		}
		faults, err := Faults(*a.Fault)
		if err != nil {
			return Answer{}, fmt.Errorf("/fault: %w", err)
		}
		return faults[0], nil
	}
	if a.Status == 0 {
		return Answer{}, errors.New(": neither a fault nor a status")
	}
	header := http.Header{}
	for name, value := range a.Headers {
		if !headerName.MatchString(name) || !headerValue.MatchString(value) {
			return Answer{}, fmt.Errorf("/headers: %.40q is no name of a header, or its value none", name)
		}
		header.Add(name, value)
	}
	text := string(a.Body)
	if bytes.HasPrefix(a.Body, []byte{'"'}) {
		_ = json.Unmarshal(a.Body, &text) // decode has read it
	}
	return Answer{Name: "script", Status: int(a.Status), Header: header, Body: text, Apply: a.Apply}, nil
}

func (c *control) addAnswers(_ *http.Request, script struct{ Answers []answerJSON }) error {
	var answers []Answer
	for i, planned := range script.Answers {
		a, err := planned.answer()
		if err != nil {
			return fmt.Errorf("/answers/%d%w", i, err)
		}
		answers = append(answers, a)
	}
	c.Script(answers...)
	return nil
}

func (c *control) getFaults(*http.Request) (any, error) {
	rates := map[string]float64{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.chance.faults {
		rates[f.Name] += f.rate
	}
	return map[string]any{"faults": rates, "names": namesOf(readyFaults())}, nil
}

func (c *control) setFaults(_ *http.Request, wanted struct{ Faults map[string]float64 }) error {
	var on []likely
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(wanted.Faults)) { // in one order, so that a run can be repeated
		faults, err := Faults(name)
		if err != nil {
			return misplaced([]string{"faults", name}, err.Error())
		}
		if rate := wanted.Faults[name]; rate > 0 {
			total += rate
			on = append(on, likely{faults[0], rate})
		}
	}
	if total > 1+1e-9 { // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1
		return errors.New("/faults: the rates add up to more than 1, so that some fault would never be met")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chance = newChance(c.chance.seed, on)
	return nil
}
