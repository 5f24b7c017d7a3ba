package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// The tests need no oasdiff: what it says of their documents is recorded in testdata/oasdiff.json.
var (
	ask    = flag.Bool("oasdiff", false, "ask the oasdiff in .bin/, and compare what it says with the record")
	update = flag.Bool("update", false, "ask the oasdiff in .bin/, and record what it says")
)

const howToRecord = "run: api/upstream-diff api/openapi.yaml && go test ./api/internal/upstreamdiff -update"

// What a test binary that is run in the place of oasdiff is told.
const (
	standInFor = "UPSTREAMDIFF_TESTDATA" // the directory of the record
	standInAsk = "UPSTREAMDIFF_OASDIFF"  // the oasdiff to ask in place of the record, if any
)

// program is the oasdiff to ask, and "" if the record is to answer.
func program() string {
	if !*ask && !*update {
		return ""
	}
	path, err := filepath.Abs(filepath.Join(root, ".bin", "oasdiff-"+pinned()))
	if err != nil {
		panic(err)
	}
	return path
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(standInFor); dir != "" {
		os.Exit(standIn(dir))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if *update {
			if err := recorded().write(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				status = 1
			}
		}
		os.Exit(status)
	}))
}

// record is what one version of oasdiff says of the documents of the tests.
type record struct {
	Version string
	Says    map[string]json.RawMessage // by command and documents

	mu   sync.Mutex
	used map[string]json.RawMessage
}

var recorded = sync.OnceValue(func() *record {
	r, err := readRecord("testdata")
	if err != nil && !*update {
		panic(err)
	}
	return r
})

func readRecord(dir string) (*record, error) {
	r := &record{used: map[string]json.RawMessage{}}
	data, err := os.ReadFile(filepath.Join(dir, "oasdiff.json"))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, r)
}

func (r *record) write() error {
	says := r.used
	if flag.Lookup("test.run").Value.String() != "" { // some of the tests have not asked
		says = maps.Clone(r.Says)
		maps.Copy(says, r.used)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"Version\": %q,\n\"Says\": {", pinned())
	for i, key := range sortedKeys(says) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n%q: %s", key, says[key])
	}
	b.WriteString("\n}\n}\n")
	return os.WriteFile(filepath.Join("testdata", "oasdiff.json"), b.Bytes(), 0o644)
}

// pinned is the version of oasdiff that the script builds.
func pinned() string {
	script, err := os.ReadFile(filepath.Join("..", "..", "upstream-diff"))
	if err != nil {
		panic(err)
	}
	match := regexp.MustCompile(`(?m)^oasdiff_version=(\S+)$`).FindSubmatch(script)
	if match == nil {
		panic("api/upstream-diff does not say which oasdiff_version it builds")
	}
	return string(match[1])
}

// question is the key of a record: what is asked of which documents.
func question(dir string, args []string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{oursFile, upstreamFile} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%d %s", len(data), data)
	}
	return fmt.Sprintf("%s %x", args[0], sum.Sum(nil)[:8]), nil
}

// oasdiff asks the real one, if there is one, or else the record.
func oasdiff(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	r := recorded()
	key, err := question(dir, args)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	path := program()
	if path == "" {
		answer, ok := r.Says[key]
		if !ok {
			t.Fatalf("what oasdiff says of this test's documents is not recorded; %s", howToRecord)
		}
		return answer
	}
	answer, err := runOasdiff(path, dir, args)
	if err != nil {
		t.Fatalf("%v; %s", err, howToRecord)
	}
	r.used[key] = answer
	if !*update && !bytes.Equal(answer, r.Says[key]) {
		t.Errorf("oasdiff says\n%s\nand the record has\n%s\n%s", answer, r.Says[key], howToRecord)
	}
	return answer
}

func runOasdiff(path, dir string, args []string) ([]byte, error) {
	var said, complaint bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("oasdiff: %w: %s", err, &complaint)
	}
	return bytes.TrimSpace(said.Bytes()), nil
}

// standIn is oasdiff as far as the script can see: it answers from the record, or asks the real one.
func standIn(dir string) int {
	answer, err := func() ([]byte, error) {
		args := os.Args[1:]
		if path := os.Getenv(standInAsk); path != "" {
			return runOasdiff(path, ".", args)
		}
		r, err := readRecord(dir)
		if err != nil {
			return nil, err
		}
		key, err := question(".", args)
		if err != nil {
			return nil, err
		}
		answer, ok := r.Says[key]
		if !ok {
			return nil, fmt.Errorf("not recorded; %s", howToRecord)
		}
		return answer, nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = os.Stdout.Write(answer)
	return 0
}

func TestTheRecordIsOfTheVersionThatTheScriptBuilds(t *testing.T) {
	if *update {
		return // it is being written
	}
	if got := recorded().Version; got != pinned() {
		t.Errorf("testdata/oasdiff.json holds what oasdiff %s says, and api/upstream-diff builds %s; %s", got, pinned(), howToRecord)
	}
}
