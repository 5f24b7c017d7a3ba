package redislimiter

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

const (
	workers           = 4
	accountsOfAWorker = 240
)

// runWorkers has several processes update all accounts once, calls meanwhile, and returns the requests when all are done.
func runWorkers(t *testing.T, redisAddress string, meanwhile func(*sandbox.Server)) []sandbox.Request {
	t.Helper()
	box := sandbox.New(sandbox.WithRateLimit(limit, window))
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	var running []*exec.Cmd
	for i := range workers {
		worker := strconv.Itoa(i)
		for i := range accountsOfAWorker {
			box.Put(sandbox.Account{ID: accountID(worker, i), Scheme: composio.SchemeBearerToken})
		}
		process := exec.CommandContext(t.Context(), os.Args[0], redisAddress, server.URL, worker)
		process.Env = append(os.Environ(), "COMPOSIO_TEST_WORKER=1")
		process.Stderr = &bytes.Buffer{}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, process)
	}
	meanwhile(box)
	for _, process := range running {
		if err := process.Wait(); err != nil {
			t.Errorf("a process ended: %v: %s", err, process.Stderr)
		}
	}
	return box.Requests()
}

// checkRequests fails the test unless each account was updated by one request, and no window can have seen more than the
// limit, whenever it began.
func checkRequests(t *testing.T, requests []sandbox.Request) {
	t.Helper()
	updates := map[string]int{}
	for i, q := range requests {
		updates[q.Path]++
		if q.Status != 200 || !q.Applied {
			t.Errorf("request %d: %v", i, q)
		}
		if i >= limit && q.Time.Sub(requests[i-limit].Time) < window {
			t.Errorf("%d requests in %v", limit+1, q.Time.Sub(requests[i-limit].Time))
		}
	}
	if len(updates) != workers*accountsOfAWorker || len(requests) != len(updates) {
		t.Errorf("%d requests for %d accounts, want one for each of %d", len(requests), len(updates), workers*accountsOfAWorker)
	}
}

// checkUse fails the test unless at least 90 % of the budget was used in the time that stretches of requests took.
func checkUse(t *testing.T, stretches ...[]sandbox.Request) {
	t.Helper()
	n, took := 0, time.Duration(0)
	for _, s := range stretches {
		n += len(s)
		took += s[len(s)-1].Time.Sub(s[0].Time)
	}
	used := float64(n) / (limit * took.Seconds() / window.Seconds())
	t.Logf("%d requests in %v: %.1f %% of the budget", n, took, 100*used)
	if used < 0.9 {
		t.Errorf("%.1f %% of the budget was used", 100*used)
	}
}

func TestProcessesShareTheBudget(t *testing.T) {
	requests := runWorkers(t, startRedis(t).address(), func(*sandbox.Server) {})
	checkRequests(t, requests)
	checkUse(t, requests)
}

func TestProcessesOutliveAnOutageOfRedis(t *testing.T) {
	server := startRedis(t)
	var before, during int
	requests := runWorkers(t, server.address(), func(box *sandbox.Server) {
		for len(box.Requests()) < 300 {
			time.Sleep(10 * time.Millisecond)
		}
		server.kill()
		before = len(box.Requests())
		time.Sleep(window)
		if during = len(box.Requests()) - before; during > workers { // each may have had leave for one
			t.Errorf("%d requests were made without Redis", during)
		}
		server.start()
	})
	checkRequests(t, requests)
	checkUse(t, requests[:before], requests[before+during:])
}
