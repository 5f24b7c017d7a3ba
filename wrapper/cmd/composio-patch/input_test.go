package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func TestInputWithoutRowsIsRefused(t *testing.T) {
	newStandIn(t, answers(200, applied))
	empty := inputFile(t, "", "  ", "")
	for _, args := range [][]string{{"-"}, {empty}, {"-", "--check"}, {empty, "--dry-run"}, {"-", "--sandbox", "--json"}} {
		got := commandIn(t, strings.NewReader("\n"), append([]string{"bulk"}, args...)...)
		if got.Status != exitUsage || got.Err != "composio-patch: the input has no rows\nfix: see what should have written them, or add --allow-empty\n" {
			t.Errorf("%v: %+v", args, got)
		}
		if got := commandIn(t, strings.NewReader(""), append([]string{"bulk", "--allow-empty"}, args...)...); got.Status != exitDone || got.Err != "" {
			t.Errorf("%v --allow-empty: %+v", args, got)
		}
	}
}

func TestWhatIsNoRowsIsRecognized(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	rows := strings.Join(aliasRows(2), "\n") + "\n"
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(rows)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	wide := func(text string, order binary.AppendByteOrder) (wide []byte) {
		for _, unit := range utf16.Encode([]rune(text)) {
			wide = order.AppendUint16(wide, unit)
		}
		return wide
	}
	pretty, _ := json.MarshalIndent(map[string]string{"id": "ca_1", "alias": "a"}, "", "  ")
	for name, tt := range map[string]struct{ input, what, fix string }{
		"gzip":                   {zipped.String(), "gzip", "unpack it: gunzip -c %s | composio-patch bulk -"},
		"UTF-16, little-endian":  {string(wide("\ufeff"+rows, binary.LittleEndian)), "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 %s"},
		"UTF-16, big-endian":     {string(wide("\ufeff"+rows, binary.BigEndian)), "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 %s"},
		"UTF-16 without a mark":  {string(wide(rows, binary.LittleEndian)), "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 %s"},
		"an array":               {"\n [" + strings.Join(aliasRows(2), ",") + "]", "a JSON array", "make rows of it: jq -c '.[]' %s"},
		"an array, too long":     {"[" + strings.Repeat(aliasRows(1)[0]+",", maxRow/26) + "{}]\n", "a JSON array", "make rows of it: jq -c '.[]' %s"},
		"an array, pretty":       {"[\n  {}\n]", "a JSON array", "make rows of it: jq -c '.[]' %s"},
		"pretty":                 {string(pretty) + "\n", "JSON over several lines", "make rows of it: jq -c . %s"},
		"pretty, another way":    {`{"id": "ca_1",` + "\n " + `"alias": "a"}`, "JSON over several lines", "make rows of it: jq -c . %s"},
		"CSV":                    {"id,token\nca_1,s3cr3t\n", "CSV", "make JSON of it, and rows of that as README.md says: mlr --icsv --ojsonl cat %s"},
		"CSV of a spreadsheet's": {"\ufeff\"id\";\"token\"\r\nca_1;s3cr3t\r\n", "CSV", "make JSON of it, and rows of that as README.md says: mlr --icsv --ifs ';' --ojsonl cat %s"},
		"CSV with tabs":          {"id\ttoken, new\tx\n", "CSV", "make JSON of it, and rows of that as README.md says: mlr --itsv --ojsonl cat %s"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "input")
			writeFile(t, path, tt.input)
			for from, args := range map[string][]string{path: {"bulk", path}, "FILE": {"bulk", "-"}} {
				want(t, commandIn(t, strings.NewReader(tt.input), args...), outcome{exitUsage, "", "composio-patch: the input is " + tt.what +
					", not one JSON object a line\nfix: " + strings.ReplaceAll(tt.fix, "%s", from) + "\n"})
			}
		})
	}
	if s.received() != nil {
		t.Errorf("sent %v", s.received())
	}
	if got := commandIn(t, strings.NewReader("\ufeff"+rows), "bulk", "-"); got.Status != exitDone || len(s.received()) != 2 {
		t.Errorf("after a byte order mark: %+v", got)
	}
}

func TestCheckWithJSONListsEveryBadRow(t *testing.T) {
	rows := strings.Split(strings.Repeat("{}\n", 43), "\n")
	path := inputFile(t, append(rows[:43], aliasRows(2)...)...)
	got := command(t, "bulk", path, "--check", "--json")
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	if got.Status != exitUsage || len(lines) != 45 || lines[42] != `{"event":"row","line":43,"id":"","outcome":"refused","http_status":0,"code":0,"slug":"","error":"id: missing","fix":"correct the row and give it again"}` ||
		!strings.HasPrefix(lines[43], `{"event":"checked","rows":45,"bad_input":43,`) {
		t.Errorf("status %d, %d lines: %v", got.Status, len(lines), lines[42:])
	}
	if got := command(t, "bulk", inputFile(t, rows[:maxProblems+1]...), "--check"); !strings.Contains(got.Err, "\n1 more bad row\n") {
		t.Errorf("%+v", got)
	}
	if got := command(t, "bulk", path, "--check"); strings.Count(got.Err, "\n") != maxProblems+3 || !strings.Contains(got.Err, "\n23 more bad rows\ncomposio-patch: 43 rows cannot be sent\n") {
		t.Errorf("%+v", got)
	}
}

func TestABadRowIsToldWithItsID(t *testing.T) {
	for _, rest := range []string{`"alias":1`, `"alias":null`, `"nick":"x"`, `"alias":"x","alias":"y"`, `"connection":{"state":{"authScheme":"BASIC","val":{"newToken":"t"}}}`} {
		row := `{"id":"ca_9",` + rest + `}`
		for _, args := range [][]string{{inputFile(t, row), "--check"}, {"-", "--sandbox"}} {
			got := commandIn(t, strings.NewReader(row), append([]string{"bulk", "--json"}, args...)...)
			if got.Status != exitUsage || !strings.HasPrefix(got.Out, `{"event":"row","line":1,"id":"ca_9","outcome":"refused",`) {
				t.Errorf("%s: %+v", rest, got)
			}
		}
	}
}

func TestRowsAreCountedByKind(t *testing.T) {
	newStandIn(t, answers(200, applied))
	const (
		val   = `{"id":"ca_%d","connection":{"state":{"authScheme":"BASIC","val":{%s}}}%s}`
		kinds = " rows replace credentials, 5 remove credentials, 3 set the alias, 2 clear the alias, 4 change sharing\n"
	)
	var rows []string
	add := func(n int, format string, args ...any) {
		for range n {
			rows = append(rows, fmt.Sprintf(format, append([]any{len(rows)}, args...)...))
		}
	}
	add(3, val, `"password":null,"username":"u"`, `,"alias":"x"`)
	add(2, val, `"password":""`, `,"alias":""`)
	add(4, `{"id":"ca_%d","experimental":{"acl_config_for_shared":{"allow_all_users":true}}}`)
	few := inputFile(t, rows...)
	add(1000, val, `"password":"s3cr3t"`, "")
	many := inputFile(t, rows...)
	for line, end := range map[string]string{
		few + " --keep-going": "\nof those done, 3" + kinds, many + " --check": "\n1,003" + kinds, few + " --dry-run": "\n9 rows would be sent\n3" + kinds,
	} {
		if got := command(t, append([]string{"bulk", "--allow-clear"}, strings.Fields(line)...)...); got.Status != exitDone || !strings.HasSuffix(got.Out, end) {
			t.Errorf("%s: status %d, …%s", line, got.Status, got.Out[max(0, len(got.Out)-300):])
		}
	}
}

func TestVerbatimAllowsEdgesAndNoMaskedValue(t *testing.T) {
	s := newStandIn(t, answers(200, applied))
	row := func(value string) string {
		quoted, _ := json.Marshal(value)
		return fmt.Sprintf(`{"id":"ca_1","connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":%s}}}}`, quoted)
	}
	for _, value := range []string{"\ttoken", "token\n", "\ufefftoken", "to\x00ken", " token ", "\u00a0token", "token\u3000", "\u2028token", "\u0085token"} {
		path := inputFile(t, row(value))
		if got := command(t, "bulk", path, "--check"); got.Status != exitUsage || !strings.Contains(got.Err, "line 1: credential token: ") || !strings.Contains(got.Err, "add --verbatim") {
			t.Errorf("%q: %+v", value, got)
		}
		wantStart(t, command(t, "bulk", path, "--verbatim"), exitDone, "")
		bodies := s.bodies()["ca_1"]
		if diff := cmp.Diff(row(value), `{"id":"ca_1",`+bodies[len(bodies)-1][1:]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
	sent := len(s.received())
	for _, value := range []string{"REDACTED", "ya29...", "\t****", "REDACTED\n", "\u3000****"} {
		if got := command(t, "bulk", inputFile(t, row(value)), "--verbatim"); got.Status != exitUsage || !strings.Contains(got.Err, "looks masked") || strings.Contains(got.Err, "--verbatim") {
			t.Errorf("%q: %+v", value, got)
		}
	}
	if len(s.received()) != sent {
		t.Error("a masked value was sent")
	}
}

func TestSandboxOfABulkRun(t *testing.T) {
	t.Setenv("COMPOSIO_API_KEY", "")
	rows := append(aliasRows(22), `{"id":"ca_a","alias":"same"}`, `{"id":"ca_b","alias":"same"}`,
		`{"id":"ca_c","connection":{"state":{"authScheme":"SERVICE_ACCOUNT","val":{"private_key":"s3cr3t"}}}}`)
	path := inputFile(t, rows...)
	for _, tt := range []struct {
		flag   string
		status int
		has    string // each row's event, or none
		all    bool
	}{
		{"--verbatim", exitDone, `"rate_limit":`, false},
		{"--sandbox-limit=60000/m", exitDone, `"rate_limit":{"limit":60000,`, true},
		{"--fault=empty=1", exitUnknown, `"outcome":"unknown","http_status":200`, true},
	} {
		for _, from := range []string{path, "-"} {
			got := commandIn(t, strings.NewReader(strings.Join(rows, "\n")), "bulk", from, "--sandbox", "--json", "--keep-going", "--max-retries=0", tt.flag)
			if n := strings.Count(got.Out, tt.has); got.Status != tt.status || strings.Count(got.Out, `"event":"row"`) != 25 || tt.all && n < 25 || !tt.all && n > 0 {
				t.Errorf("%s of %s: status %d, %d × %s", tt.flag, from, got.Status, n, tt.has)
			}
		}
	}
	want(t, command(t, "bulk", path, "--fault=none", "--sandbox-limit=5", "--rate=20", "--share=0", "--concurrency=0", "--timeout=-1s", "--max-retries=-1"), outcome{exitUsage, "", strings.Join([]string{
		"composio-patch: --timeout: -1s is negative",
		"composio-patch: --max-retries: -1 is negative",
		"composio-patch: COMPOSIO_API_KEY is not set: set it to the project's API key, or add --sandbox to try without one",
		"composio-patch: --rate: not of the form N/s, N/m or N/h, such as 1000/m",
		"composio-patch: --concurrency: 0 is less than 1",
		"composio-patch: --share: 0 is not above 0 and up to 1",
		"composio-patch: --sandbox-limit: not of the form N/s, N/m or N/h, such as 1000/m",
		"composio-patch: --fault: not one of the names that composio-patch help sandbox lists",
		"composio-patch: --sandbox-limit and --fault need --sandbox",
		"fix: nothing was sent; see composio-patch help bulk\n",
	}, "\n")})
}
