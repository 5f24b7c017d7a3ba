package redislimiter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

// The processes that some tests start, and their budget.
const (
	workers           = 4
	accountsOfAWorker = 240
	limit             = 200
	window            = 2 * time.Second
)

// TestMain also is one of several processes, when a test starts it with arguments for work.
func TestMain(m *testing.M) {
	if os.Getenv("COMPOSIO_TEST_WORKER") == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := work(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work updates every account of a worker's once, with a plain client.
func work(redisAddress, baseURL, worker string) error {
	failsAtOnce := &redis.Options{Addr: redisAddress, MaxRetries: -1, DialerRetries: 1}
	limiter, err := New(redis.NewClient(failsAtOnce), "composio", limit, window)
	if err != nil {
		return err
	}
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(baseURL), composio.WithLimiter(limiter))
	if err != nil {
		return err
	}
	for i := range accountsOfAWorker {
		_, err := client.UpdateConnectedAccount(context.Background(), accountID(worker, i), composio.Update{
			Credentials: composio.BearerToken{Token: composio.Set("new")},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func accountID(worker string, i int) string { return fmt.Sprintf("ca_%s_%d", worker, i) }

// redisServer is Debian's redis-server, on a port of its own. It stores nothing on disk, so that it starts empty.
type redisServer struct {
	t       *testing.T
	port    string
	process *os.Process
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &redisServer{t: t, port: strconv.Itoa(free.Addr().(*net.TCPAddr).Port)}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() { s.kill() })
	return s
}

func (s *redisServer) address() string { return "127.0.0.1:" + s.port }

// start returns when the server answers.
func (s *redisServer) start() {
	s.t.Helper()
	server := exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--dir", s.t.TempDir())
	if err := server.Start(); err != nil {
		s.t.Fatalf("%v; make test-redis installs it", err)
	}
	s.process = server.Process
	client := s.client(nil)
	for client.Ping(s.t.Context()).Err() != nil {
		if s.t.Context().Err() != nil {
			s.t.Fatal("redis-server does not answer")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// kill ends the server as kill -9 does.
func (s *redisServer) kill() {
	_ = s.process.Kill()
	_, _ = s.process.Wait()
}

// client returns a client of the server, with the default options if there are none.
func (s *redisServer) client(options *redis.Options) *redis.Client {
	options = cmp.Or(options, &redis.Options{})
	options.Addr = s.address()
	client := redis.NewClient(options)
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

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
