package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The second client fails; the first, and in a case with a server that one, must end with it.
func TestNoProcessIsLeftBehind(t *testing.T) {
	t.Parallel()
	c := benchCase{Name: fmt.Sprintf("to be found in the environment of a child of %d", os.Getpid()), Status: http.StatusOK, WarmUp: 1, Calls: 1}
	running := func() (n int) {
		files, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			// It is empty, or gone, once the process has ended.
			if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(c.Name)) {
				n++
			}
		}
		return n
	}
	_, stop, err := startClients(&c, variants[:2], &servers{})
	if err != nil {
		t.Fatal(err)
	}
	if got := running(); got != 2 {
		t.Errorf("%d processes run", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	_, _, err = startClients(&c, []variant{variants[0], {name: "nobody"}}, &servers{})
	if err == nil || !strings.Contains(err.Error(), "nobody: exit status 1") {
		t.Errorf("the error is %v", err)
	}
	if got := running(); got != 0 {
		t.Errorf("%d processes run on", got)
	}
}
