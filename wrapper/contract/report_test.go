package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"example.com/composio/api"
	"example.com/composio/wrapper/contract"
)

// collect sends each body through a transport that collects, which is answered as f does.
func collect(t *testing.T, report *contract.Report, f *fake, bodies ...string) *answering {
	t.Helper()
	next := &answering{fake: f}
	for _, body := range bodies {
		_, answer := roundTrip(t, contract.Transport(next, contract.Collect(report, io.Discard)), newRequest(t, base, body))
		if answer != f.body {
			t.Errorf("the answer arrived as %.40q", answer)
		}
	}
	if diff := cmp.Diff(bodies, next.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	return next
}

// spec is the document of this module.
func spec(t testing.TB) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// others are the document's statuses but for some.
func others(t testing.TB, seen ...string) []string {
	t.Helper()
	var statuses []string
	for status := range spec(t).Paths.Value(operationPath).Patch.Responses.Map() {
		if !slices.Contains(seen, status) {
			statuses = append(statuses, status)
		}
	}
	slices.Sort(statuses)
	return statuses
}

// neverSeen is what a report says where some statuses were seen.
func neverSeen(t testing.TB, seen ...string) string {
	t.Helper()
	return strings.Join(others(t, seen...), " never seen, ") + " never seen; that is no error"
}

// get sends a request to another operation through a transport that collects.
func get(t *testing.T, report *contract.Report) {
	t.Helper()
	req := newRequest(t, base, ``)
	req.Method = "GET"
	roundTrip(t, contract.Transport(&answering{fake: good()}, contract.Collect(report, io.Discard)), req)
}

func TestReportOfOneExchangeAfterTheOther(t *testing.T) {
	var report contract.Report
	collect(t, &report, good(), `{"alias":"work"}`)
	if report.Err() != nil || report.Findings() != nil || report.Exchanges() != 1 {
		t.Errorf("%v, %v, %d", report.Err(), report.Findings(), report.Exchanges())
	}
	if got, want := report.String(), "composio: 1 exchange checked against the contract\n  "+neverSeen(t, "200"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	collect(t, &report, &fake{status: 502, body: `<p>`}, `{}`)
	if report.Err() != nil || len(report.Findings()) != 1 {
		t.Errorf("with a status that the document lacks: %v, %v", report.Err(), report.Findings())
	}
	collect(t, &report, good(), `[]`)
	if text := report.String(); !strings.Contains(text, "\nrequest: ") || strings.Contains(text, "\nresponse: ") {
		t.Errorf("with a wrong request: %s", text)
	}
}

func TestReportCountsEachDistinctViolation(t *testing.T) {
	var report contract.Report
	collect(t, &report, good(), `{"alias":7}`, `{"alias":"`+secret+`","connection":{}}`, `{"alias":8}`)
	collect(t, &report, jsonAnswer(200, without(t, "status")), `{}`)
	collect(t, &report, &fake{status: 429, body: `<p>`}, `{}`, `{}`)
	collect(t, &report, &fake{status: 403, header: http.Header{"Content-Type": {"text/html"}}, body: `<p>`}, `{}`)
	for header, value := range map[string]string{"Content-Type": "text/plain", "X-Unchecked": "x"} {
		req := newRequest(t, base, `{}`)
		req.Header.Set(header, value)
		roundTrip(t, contract.Transport(&answering{fake: good()}, contract.Collect(&report, io.Discard)), req)
	}
	get(t, &report)

	want := []contract.Finding{
		{Violation: contract.Violation{Direction: "request", Location: "/alias", Rule: "type"}, Count: 2},
		{Violation: contract.Violation{Direction: "request", Location: "/connection/state", Rule: "required"}, Count: 1},
		{Violation: contract.Violation{Direction: "request", Location: "Content-Type", Rule: "content-type"}, Count: 1},
		{Violation: contract.Violation{Direction: "response", Location: "/status", Rule: "required"}, Count: 1},
		{Violation: contract.Violation{Direction: "response", Location: "Content-Type", Rule: "content-type"}, Count: 1},
		{Violation: contract.Violation{Direction: "response", Location: "status", Rule: "undocumented"}, Count: 2},
	}
	if diff := cmp.Diff(want, report.Findings()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	text := `composio: 9 exchanges checked against the contract, 1 request to no operation of it
  2x request at /alias: type, want string
  1x request at /connection/state: required
  1x request at Content-Type: content-type, want application/json
  1x response 200 at /status: required
  1x response 403 at Content-Type: content-type, want application/json
  2x status 429, which the contract lacks; that is no error
  1x GET .../connected_accounts/{id}, which is not checked; that is no error
  ` + neverSeen(t, "200", "403") + `
request: what sends it departs from the contract; fix it, or take the composio module whose contract allows it
response: the fake that gave it is wrong, or Composio has moved: api/README.md of the composio module says what to run`
	if diff := cmp.Diff(text, report.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	err := report.Err()
	if err == nil || err.Error() != text {
		t.Fatalf("error %v", err)
	}
	if v, ok := errors.AsType[contract.Violation](err); !ok || v != want[0].Violation {
		t.Errorf("errors.AsType finds %v", v)
	}
	if strings.Contains(fmt.Sprintf("%+v %v", report.Findings(), err), "s3cr3t") {
		t.Error("a value of the traffic shows")
	}
}

func TestCollectHoldsNoLargeBodyUp(t *testing.T) {
	var report contract.Report
	collect(t, &report, good(), `{"alias":"`+strings.Repeat("a", 10<<20)+`"}`)
	large := good()
	large.body += strings.Repeat(" ", 1<<20)
	collect(t, &report, large, `{}`)
	if got, both := fmt.Sprint(report.Findings()), "[composio: request breaks the contract at body: size composio: response breaks the contract at body: size]"; got != both {
		t.Errorf("findings %s", got)
	}
}

func TestHandlerCollects(t *testing.T) {
	var report contract.Report
	wrong := jsonAnswer(200, `[]`)
	res, answer := send(t, contract.Handler(wrong, contract.Collect(&report, io.Discard)), "PATCH", path, jsonType, `{"alias":7}`)
	if res.StatusCode != 200 || answer != `[]` || wrong.got != `{"alias":7}` || wrong.nanoid != "ca_1" {
		t.Errorf("got %d %q; next read %q of account %q", res.StatusCode, answer, wrong.got, wrong.nanoid)
	}
	send(t, contract.Handler(&fake{status: 429}, contract.Collect(&report, io.Discard)), "PATCH", path, jsonType, `{}`)
	send(t, contract.Handler(good(), contract.Collect(&report, io.Discard)), "GET", path, jsonType, `{}`)
	text := `composio: 2 exchanges checked against the contract, 1 request to no operation of it
  1x request at /alias: type, want string
  1x response 200 at body: type, want object
  1x status 429, which the contract lacks; that is no error
  1x GET .../connected_accounts/{id}, which is not checked; that is no error
  ` + neverSeen(t, "200") + "\n"
	if got := report.String(); !strings.HasPrefix(got, text) {
		t.Errorf("got %s", got)
	}
}

// wrongEverywhere is a report of what can be in one.
func wrongEverywhere(t *testing.T) *contract.Report {
	t.Helper()
	report := &contract.Report{}
	failure := `{"error":{"message":["` + secret + `"],"slug":"s","status":400,"code":1}}`
	for _, status := range []int{409, 400, 409} {
		collect(t, report, jsonAnswer(status, failure), `{}`)
	}
	collect(t, report, &fake{status: 502}, `{"alias":["`+secret+`"]}`)
	get(t, report)
	return report
}

func TestReportAsJSON(t *testing.T) {
	for name, tt := range map[string]struct {
		report *contract.Report
		want   string
	}{
		"wrong": {wrongEverywhere(t), `{"exchanges":4,"findings":[` +
			`{"direction":"request","location":"/alias","rule":"type","want":"string","count":1},` +
			`{"status":400,"direction":"response","location":"/error/message","rule":"type","want":"string","count":1},` +
			`{"status":409,"direction":"response","location":"/error/message","rule":"type","want":"string","count":2}],` +
			`"undocumented":{"502":1},"not_checked":{"GET .../connected_accounts/{id}":1},"never_seen":["` + strings.Join(others(t, "400", "409"), `","`) + `"],"error":`},
		"nothing": {&contract.Report{AllowNone: true}, `{"exchanges":0,"findings":[]}`},
	} {
		if err := tt.report.Err(); err != nil {
			text, _ := json.Marshal(err.Error())
			tt.want += string(text) + "}"
		}
		got, err := json.Marshal(tt.report)
		if diff := cmp.Diff(tt.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestReportAsAnnotations(t *testing.T) {
	unusable := &contract.Report{}
	contract.Transport(nil, contract.WithDocument([]byte(`{"openapi":"3.0.3","paths":{"`+operationPath+`":{"$ref":"a%b"}}}`)), contract.Collect(unusable, io.Discard))
	twoLines := &contract.Report{}
	spec := changed(t, string(api.Spec), "        alias:\n          type: string", "        alias:\n          const: \"a\\nb\"")
	roundTrip(t, contract.Transport(&answering{fake: good()}, contract.WithDocument([]byte(spec)), contract.Collect(twoLines, io.Discard)), newRequest(t, base, `{"alias":7}`))
	for name, tt := range map[string]struct {
		report *contract.Report
		want   string
	}{
		"two lines": {twoLines, "::error title=Composio contract::request at /alias: const, want \"a\\nb\" (1x)\n::notice title=Composio contract::" + neverSeen(t, "200") + "\n"},
		"wrong": {wrongEverywhere(t), `::error title=Composio contract::request at /alias: type, want string (1x)
::error title=Composio contract::response 400 at /error/message: type, want string (1x)
::error title=Composio contract::response 409 at /error/message: type, want string (2x)
::notice title=Composio contract::1x status 502, which the contract lacks; that is no error
::notice title=Composio contract::1x GET .../connected_accounts/{id}, which is not checked; that is no error
::notice title=Composio contract::` + neverSeen(t, "400", "409") + "\n"},
		"nothing":     {&contract.Report{AllowNone: true}, ""},
		"no document": {unusable, "::error title=Composio contract::nothing is checked, because the OpenAPI document cannot be used: PATCH /api/v3/connected_accounts/{nanoid}: its path: the reference \"a%25b\" leads nowhere in the document\n"},
	} {
		var b strings.Builder
		err := tt.report.WriteAnnotations(&b)
		if diff := cmp.Diff(tt.want, b.String()); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if err := wrongEverywhere(t).WriteAnnotations(failing{}); err != errOwn {
		t.Errorf("error %v of a writer that fails", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errOwn }

func TestCollectTellsOfEachViolationToEachWriter(t *testing.T) {
	var report contract.Report
	var a, b strings.Builder
	rt := contract.Transport(&answering{fake: jsonAnswer(409, `{}`)}, contract.Collect(&report, &a, nil, &b))
	for range 2 {
		roundTrip(t, rt, newRequest(t, base, `{"alias":"`+secret+`","connection":7}`))
	}
	want := strings.Repeat("composio: request at /connection: type, want object\ncomposio: response 409 at /error: required\n", 2)
	if a.String() != want || b.String() != want {
		t.Errorf("the writers have %q and %q", &a, &b)
	}
}

func TestReportTakesManyAtOnce(t *testing.T) {
	var report contract.Report
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { collect(t, &report, good(), `{"alias":7}`) })
		wg.Go(func() { _, _, _ = report.String(), report.Err(), report.Exchanges() })
	}
	wg.Wait()
	if findings := report.Findings(); report.Exchanges() != 20 || len(findings) != 1 || findings[0].Count != 20 {
		t.Errorf("%d exchanges, %v", report.Exchanges(), findings)
	}
}
