package contract_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/contract"
)

// fakeTB is a test of which the end can be chosen. Whatever else of testing.TB is called panics.
type fakeTB struct {
	testing.TB
	mu     sync.Mutex
	ended  bool
	late   bool
	errors []string
	end    []func()
}

func (f *fakeTB) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = f.late || f.ended
}

func (f *fakeTB) Helper()           { f.touch() }
func (f *fakeTB) Cleanup(fn func()) { f.touch(); f.end = append(f.end, fn) }
func (f *fakeTB) Errorf(format string, args ...any) {
	f.touch()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeTB) finish() {
	for _, fn := range f.end {
		fn()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
}

func TestCheckTellsItsTestOfEachViolationOfEachExchange(t *testing.T) {
	tb := &fakeTB{}
	clash := jsonAnswer(409, `{"error":{"message":"m","slug":"s","status":409,"code":1E400,"errors":[7,"`+secret+`"]}}`)
	next := &answering{fake: clash}
	rt := contract.Check(tb, next)
	for _, body := range []string{`{"alias":7}`, `{}`, `{"connection":{"state":{"authScheme":"` + secret + `"}}}`} {
		if _, answer := roundTrip(t, rt, newRequest(t, base, body)); answer != clash.body {
			t.Errorf("the answer arrived as %q", answer)
		}
	}
	clash.status, clash.body = 429, `slow down`
	roundTrip(t, rt, newRequest(t, base, `{}`))
	const answer = "composio: response 409 at /error/errors/0: type, want string"
	var schemes []string
	for _, scheme := range spec(t).Components.Schemas["AuthScheme"].Value.Enum {
		schemes = append(schemes, scheme.(string))
	}
	want := []string{
		"composio: request at /alias: type, want string", answer, answer,
		"composio: request at /connection/state/authScheme: enum, want " + strings.Join(schemes, " or "),
		"composio: request at /connection/state/val: required", answer,
	}
	if diff := cmp.Diff(want, tb.errors); diff != "" {
		t.Errorf("errors of the test (-want +got):\n%s", diff)
	}
	if len(next.sent) != 4 {
		t.Errorf("%d requests were sent", len(next.sent))
	}
}

func TestCheckLeavesItsTestAloneAfterTheEnd(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(was *os.File) { os.Stderr = was }(os.Stderr)
	os.Stderr = write

	tb := &fakeTB{}
	rt := contract.Check(tb, &answering{fake: good()})
	tb.finish()
	roundTrip(t, rt, newRequest(t, base, `{"alias":7}`))
	_ = write.Close()
	told, _ := io.ReadAll(read)
	if want := "composio: request at /alias: type, want string (found after the end of its test)\n"; string(told) != want || tb.late {
		t.Errorf("stderr has %q, the test was used after its end: %t", told, tb.late)
	}
}

// With the real package testing a use after the end would be a panic, and with the race detector a race.
func TestCheckWhileTestsEnd(t *testing.T) {
	defer func(was *os.File) { os.Stderr = was }(os.Stderr)
	os.Stderr, _ = os.Open(os.DevNull)
	defer os.Stderr.Close()
	var traffic sync.WaitGroup
	defer traffic.Wait()
	for range 20 {
		t.Run("", func(t *testing.T) {
			rt := contract.Check(passing{t}, &answering{fake: good()})
			traffic.Go(func() {
				for range 20 {
					req, _ := http.NewRequest("PATCH", base+path, strings.NewReader(`{"alias":7}`))
					if res, err := rt.RoundTrip(req); err == nil {
						_ = res.Body.Close()
					}
				}
			})
		})
	}
}

// passing is a real test whose errors are lines of its log.
type passing struct{ *testing.T }

func (p passing) Errorf(format string, args ...any) { p.Logf(format, args...) }

func TestCheckCollectsToo(t *testing.T) {
	var report contract.Report
	tb := &fakeTB{}
	roundTrip(t, contract.Check(tb, &answering{fake: good()}, contract.Collect(&report, io.Discard)), newRequest(t, base, `{"alias":7}`))
	if len(report.Findings()) != 1 || len(tb.errors) != 1 {
		t.Errorf("the report has %v, the test %q", report.Findings(), tb.errors)
	}
}
