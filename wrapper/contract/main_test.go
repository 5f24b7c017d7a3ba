package contract_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/composio/wrapper/contract"
)

// TestMain runs the tests, or what a child process of a test is for.
func TestMain(m *testing.M) {
	switch flag.Parse(); os.Getenv("CONTRACT_TEST_CHILD") {
	case "none":
		fmt.Println((&contract.Report{}).Err())
	case "annotated":
		_ = (&contract.Report{}).WriteAnnotations(os.Stdout)
	case "allowed":
		fmt.Println((&contract.Report{AllowNone: true}).Err())
	case "panic":
		var report contract.Report
		req, _ := http.NewRequest("PATCH", base+path, strings.NewReader(`{"alias":7}`))
		req.Header = http.Header{"Content-Type": {jsonType}, "X-Api-Key": {"ak_test"}}
		_, _ = contract.Transport(&answering{fake: good()}, contract.Collect(&report)).RoundTrip(req)
		panic("before the report")
	default:
		goleak.VerifyTestMain(m)
	}
}

// child runs this program again, with flags of go test, and returns what it writes.
func child(t *testing.T, task string, flags ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], flags...)
	command.Env = append(os.Environ(), "CONTRACT_TEST_CHILD="+task, "GORACE=atexit_sleep_ms=0") // which is a second otherwise

	out, _ := command.CombinedOutput() // of a panic, the exit status is an error
	return strings.TrimSpace(string(out))
}

func TestReportOfNothingIsAnErrorUnlessTestsAreLeftOut(t *testing.T) {
	const why = "nothing was checked: have the tests send through contract.Transport with contract.Collect of this report, or set its AllowNone"
	const failed = "composio: 0 exchanges checked against the contract\n" + why
	for _, tt := range []struct{ task, flags, want string }{
		{"none", "", failed},
		{"none", "-test.v -test.short -test.count=1 -test.timeout=1m -test.benchtime=1s", failed},
		{"none", "-test.run=X", "<nil>"},
		{"none", "-test.skip=X", "<nil>"},
		{"none", "-test.list=.", "<nil>"},
		{"none", "-test.bench=.", "<nil>"},
		{"none", "-test.fuzz=X -test.fuzzcachedir=x", "<nil>"},
		{"allowed", "", "<nil>"},
		{"annotated", "", "::error title=Composio contract::" + why},
		{"annotated", "-test.run=X", ""},
	} {
		if got := child(t, tt.task, strings.Fields(tt.flags)...); got != tt.want {
			t.Errorf("%s %s: %s", tt.task, tt.flags, got)
		}
	}
}

func TestCollectTellsBeforeAPanic(t *testing.T) {
	out := child(t, "panic")
	if told, _, _ := strings.Cut(out, "\n"); told != "composio: request at /alias: type, want string" || !strings.Contains(out, "panic: before the report") {
		t.Errorf("it wrote %s", out)
	}
}
