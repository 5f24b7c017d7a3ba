package sandbox_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/sandbox"
)

func TestControlPlansAnswers(t *testing.T) {
	r := controlled(t)
	r.do("POST", "script", `{"answers":[{"fault":"502-applied"},{"status":409,"body":{"error" : {"message":"<x>","code":1}}}]}`)
	r.do("POST", "script", `{"answers":[{"status":503,"body":"<p>down</p>","headers":{"content-type":"text/html","retry-after":"7"}},{"status":500.0,"apply":true},{"status":200,"body":null}]}`)
	for i, want := range []struct {
		answered
		fault   string
		applied bool
	}{
		{answered{502, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page502}, "502-applied", true},
		{answered{409, http.Header{"Content-Type": {"application/json"}}, `{"error" : {"message":"<x>","code":1}}`}, "script", false},
		{answered{503, http.Header{"Content-Type": {"text/html"}, "Retry-After": {"7"}}, `<p>down</p>`}, "script", false},
		{answered{500, http.Header{"Content-Type": {"application/json"}}, ``}, "script", true},
		{answered{200, http.Header{"Content-Type": {"application/json"}}, `null`}, "script", false},
		{answered{200, http.Header{"Content-Type": {"application/json"}}, goodBody}, "", true},
	} {
		alias := fmt.Sprint("alias-", i)
		got := request(t.Context(), t, http.DefaultClient, "PATCH", r.url+path+"ca_1", `{"alias":"`+alias+`"}`)
		maps.DeleteFunc(got.header, func(name string, _ []string) bool { return name != "Content-Type" && name != "Retry-After" })
		want.body = strings.ReplaceAll(want.body, "EXPIRED", "ACTIVE")
		if diff := cmp.Diff(want.answered, got, cmp.AllowUnexported(answered{})); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
		a, _ := r.box.Account("ca_1")
		if q := last(r.box); q.Fault != want.fault || q.Applied != want.applied || (a.Alias == alias) != want.applied {
			t.Errorf("%d: %v, %v", i, q, a)
		}
	}
}

func TestControlRefusesWhatCannotBePlanned(t *testing.T) {
	r := controlled(t)
	for _, tt := range []struct{ method, path, body, about string }{
		{"POST", "script", `{"answers":`, `body: not one JSON value`},
		{"POST", "script", `{"answer":[{"status":502}]}`, `body: property \"answer\" is unsupported`},
		{"POST", "script", `{"answers":[{"status":502},{}]}`, `/answers/1: neither a fault nor a status`},
		{"POST", "script", `{"answers":[{"status":502},{"fault":"earthquake"}]}`, `/answers/1/fault: the sandbox has no fault \"earthquake\"; it has close-before`},
		{"POST", "script", `{"answers":[{"status":502},{"fault":"hang","status":409}]}`, `/answers/1/fault: there with something else`},
		{"POST", "script", `{"answers":[{"status":502},{"Fault":"hang"}]}`, `/answers/1: property \"Fault\" is unsupported`},
		{"POST", "script", `{"answers":[{"status":502},{"status":1000}]}`, `/answers/1/status: number must be at most 999`},
		{"POST", "script", `{"answers":[{"status":502},{"status":"502"}]}`, `/answers/1/status: value must be an integer`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a: b":"x"}}]}`, `/answers/1/headers: \"a: b\" is no name of a header`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"headers":{"a":"x\r\nb: y"}}]}`, `/answers/1/headers: \"a\" is no name of a header, or its value none`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"body":"\ud800"}]}`, `/answers/1/body: text that is not Unicode`},
		{"POST", "script", `{"answers":[{"status":502},{"status":409,"status":410}]}`, `/answers/1/status: given twice`},
		{"POST", "script", `{"answers":[{"status":502}],"answers":[]}`, `/answers: given twice`},
		{"POST", "script", `{"answers":null}`, `/answers: Value is not nullable`},
		{"POST", "script", `{"answers":[{"status":502}]}{}`, `body: not one JSON value`},
		{"PUT", "faults", `{"faults":{"502":1,"earthquake":0}}`, `"/faults/earthquake: the sandbox has no fault \"earthquake\"; it has close-before`},
		{"PUT", "faults", `{"faults":{"a/b~c":2}}`, `/faults/a~1b~0c: number must be at most 1`},
		{"PUT", "faults", `{"faults":{"502":1.5}}`, `/faults/502: number must be at most 1`},
		{"PUT", "faults", `{"faults":{"502":-0.5}}`, `/faults/502: number must be at least 0`},
		{"PUT", "faults", `{"faults":{"502":1,"502":0}}`, `/faults/502: given twice`},
		{"PUT", "faults", `{"faults":{"502":0.6,"503":0.6}}`, `/faults: the rates add up to more than 1`},
	} {
		status, body := r.send(tt.method, tt.path, tt.body)
		if status != 400 || !strings.Contains(body, tt.about) || strings.Contains(body, "composio: ") {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, status, body)
		}
	}
	if status := r.update(`{}`); status != 200 || last(r.box).Fault != "" {
		t.Errorf("a part of what was refused was done: %d %v", status, last(r.box))
	}
}

func TestControlTurnsFaultsOnAndOff(t *testing.T) {
	r := controlled(t, sandbox.WithFaults(7, 1, fault(t, "503-applied")))
	all, _ := sandbox.Faults()
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	list, _ := json.Marshal(names)
	for _, step := range []struct {
		put, on string
		status  int
	}{
		{``, `{"503-applied":1}`, 503},
		{`{}`, `{}`, 200},
		{`{"500":0.3,"504":0.7,"502":0}`, `{"500":0.3,"504":0.7}`, 0},
		{`{"408":0.2,"500":0.4,"502":0.3,"504":0.1}`, `{"408":0.2,"500":0.4,"502":0.3,"504":0.1}`, 0}, // as numbers a little more than 1
	} {
		if step.put != "" {
			r.do("PUT", "faults", `{"faults":`+step.put+`}`)
		}
		r.want("faults", `{"faults":`+step.on+`,"names":`+string(list)+`}`)
		if status := r.update(`{}`); status != step.status && step.status != 0 {
			t.Errorf("%s: %d", step.on, status)
		}
	}
}

// A run against a server can be repeated: the dice are thrown alike after each PUT and each reset.
func TestControlFaultsRepeatThemselves(t *testing.T) {
	r := controlled(t, sandbox.WithFaults(0, 0.2, fault(t, "504")), sandbox.WithFaults(0, 0.4, fault(t, "500")))
	run := func(method, path, body string) []string {
		r.do(method, path, body)
		r.do("DELETE", "requests", "")
		return meets(t, r.box, 50)
	}
	for _, again := range [][3]string{{"POST", "reset"}, {"PUT", "faults", `{"faults":{"503":0.2,"502":0.4}}`}} {
		one, other := run(again[0], again[1], again[2]), run(again[0], again[1], again[2])
		if diff := cmp.Diff(one, other); diff != "" || !slices.Contains(one, "") || len(slices.Compact(slices.Sorted(slices.Values(one)))) != 3 {
			t.Errorf("after %v (-one +other):\n%s", again, diff)
		}
	}
}

func TestResetPutsBackTheStart(t *testing.T) {
	r := controlled(t, sandbox.WithRateLimit(4, time.Hour), sandbox.WithFaults(1, 1, fault(t, "504")))
	r.box.Script(sandbox.Answer{Status: 418}, sandbox.Answer{Status: 410, Apply: true})
	for range 2 {
		for i, want := range []int{418, 410, 504, 504, 429} {
			if status := r.update(`{"alias":"new","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null}}}}`); status != want {
				t.Errorf("request %d: %d, want %d", i, status, want)
			}
			if q := r.requests("?limit=1")[0]; q["number"] != float64(i+1) || q["applied"] != (want == 410) {
				t.Errorf("request %d: %v", i, q)
			}
		}
		r.do("PUT", "accounts/ca_2", `{"scheme":"BASIC"}`)
		r.do("PUT", "faults", `{"faults":{"hang":1}}`)
		r.do("POST", "script", `{"answers":[{"fault":"hang"}]}`)
		r.do("POST", "reset", "")
		r.want("accounts/ca_1", ca1JSON)
		if status, _ := r.send("GET", "accounts/ca_2", ""); status != 404 {
			t.Errorf("an account that was added: %d", status)
		}
		r.want("requests", `{"requests":[],"total":0}`)
	}
}
