package redislimiter

import (
	"cmp"
	"context"
	"fmt"
	"net"
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

// The budget of the tests with several processes.
const (
	limit  = 200
	window = 2 * time.Second
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
