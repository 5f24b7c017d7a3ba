package main

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
)

func TestProgressIsALineEveryFewSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if line := lineOf(&tally{total: 1000, start: time.Now()}, 40); line != "0% [               ] 0/1000 0.0/s" {
			t.Errorf("%q", line)
		}
		var out, errs bytes.Buffer
		std := &stdio{out: &out, err: &errs}
		count := &tally{total: 1000, start: time.Now()}
		text, asJSON := newProgress(std, false), newProgress(std, true)
		for range 120 { // twelve seconds
			time.Sleep(100 * time.Millisecond)
			count.Done++
			count.budget = composio.RateLimit{Limit: 2000, Remaining: 2000 - count.Done, Window: time.Minute, Known: true}
			text.show(count)
			asJSON.show(count)
		}
		count.total = -1
		time.Sleep(5 * time.Second)
		count.Bad = 3
		text.show(count)
		want := "50 of 1000 rows, 0 not applied, 0 unknown, 1m35s left, 10.0 a second, budget 1950 of 2000 left\n" +
			"100 of 1000 rows, 0 not applied, 0 unknown, 1m30s left, 10.0 a second, budget 1900 of 2000 left\n" +
			"120 rows, 0 not applied, 0 unknown, 3 bad input, 7.1 a second, budget 1880 of 2000 left\n"
		if errs.String() != want {
			t.Errorf("got:\n%swant:\n%s", &errs, want)
		}
		wantJSON := `{"event":"progress","finished":50,"total":1000,"not_applied":0,"bad_input":0,"unknown":0,"rows_per_second":10,"seconds_left":95,"rate_limit":{"limit":2000,"remaining":1950,"window_seconds":60}}` + "\n" +
			`{"event":"progress","finished":100,"total":1000,"not_applied":0,"bad_input":0,"unknown":0,"rows_per_second":10,"seconds_left":90,"rate_limit":{"limit":2000,"remaining":1900,"window_seconds":60}}` + "\n"
		if out.String() != wantJSON {
			t.Errorf("got:\n%swant:\n%s", &out, wantJSON)
		}
	})
}

// A server that invents errors cannot make the summary grow without end.
func TestSummaryIsBounded(t *testing.T) {
	var count tally
	for i := range 1000 {
		count.count(bulk.Result{Sent: true, Err: &composio.Error{StatusCode: 400, Slug: fmt.Sprint(i)}}, sending{line: i})
	}
	total := 0
	for _, g := range count.Failures {
		total += g.Count
	}
	if n := len(count.Failures); n != maxGroups || total != 1000 || count.Failures[n-1].Label != "other errors" {
		t.Errorf("%d groups with %d failures", n, total)
	}
}
