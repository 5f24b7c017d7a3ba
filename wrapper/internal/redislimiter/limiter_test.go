package redislimiter

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func newLimiter(t *testing.T, client redis.UniversalClient, limit int, window time.Duration) *Limiter {
	t.Helper()
	limiter, err := New(client, "composio", limit, window)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

func TestNewRefusesWhatGivesNoPace(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer func() { _ = client.Close() }()
	for _, tt := range []struct {
		client redis.UniversalClient
		key    string
		limit  int
		window time.Duration
		want   string
	}{
		{nil, "composio", 200, time.Second, "redislimiter: a Redis client and a key are needed"},
		{client, "", 200, time.Second, "redislimiter: a Redis client and a key are needed"},
		{client, "composio", 0, time.Second, "redislimiter: 0 requests in 1s are no pace"},
		{client, "composio", -1, time.Second, "redislimiter: -1 requests in 1s are no pace"},
		{client, "composio", 200, 0, "redislimiter: 200 requests in 0s are no pace"},
		{client, "composio", 200, 199, "redislimiter: 200 requests in 199ns are no pace"},
	} {
		if _, err := New(tt.client, tt.key, tt.limit, tt.window); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestBurstIsAFortiethAndAtMostTen(t *testing.T) {
	server := startRedis(t)
	for _, tt := range []struct{ limit, burst int }{{1, 1}, {20, 1}, {100, 2}, {200, 5}, {400, 10}, {2000, 10}, {100_000, 10}} {
		if err := server.client(nil).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		limiter := newLimiter(t, server.client(nil), tt.limit, time.Duration(tt.limit)*time.Hour)
		burst := 0
		for ; burst <= tt.limit; burst++ {
			wait, err := limiter.ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if wait > 0 {
				break
			}
		}
		if burst != tt.burst {
			t.Errorf("of %d, %d went at once, want %d", tt.limit, burst, tt.burst)
		}
	}
}

// The store counts the life of a key in whole seconds, of which the second process must notice nothing.
func TestPaceBelowOneASecond(t *testing.T) {
	server := startRedis(t)
	const limit, window = 2, 1900 * time.Millisecond // one is kept back
	start := time.Now()
	if err := newLimiter(t, server.client(nil), limit, window).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(window * 2 / 3)
	if err := newLimiter(t, server.client(nil), limit, window).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < window {
		t.Errorf("two requests were let through in %v", took)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name     string
		hinder   func(*redisServer, *Limiter) error
		redisErr error
	}{
		{"the next is due in an hour", func(_ *redisServer, l *Limiter) error { return l.Wait(t.Context()) }, nil},
		{"another waits", func(_ *redisServer, l *Limiter) error { l.next <- struct{}{}; return nil }, nil},
		{"Redis is down", func(s *redisServer, _ *Limiter) error { s.kill(); return nil }, syscall.ECONNREFUSED},
		{"Redis hangs", func(s *redisServer, _ *Limiter) error { return s.process.Signal(syscall.SIGSTOP) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := startRedis(t)
			limiter := newLimiter(t, server.client(&redis.Options{ReadTimeout: -1, MaxRetries: -1, DialerRetries: 1}), 1, time.Hour)
			if err := tt.hinder(server, limiter); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(3*retryInterval, cancel)
			err := limiter.Wait(ctx)
			if !errors.Is(err, context.Canceled) || errors.Is(err, syscall.ECONNREFUSED) != (tt.redisErr != nil) {
				t.Errorf("got %v, with %v", err, tt.redisErr)
			}
		})
	}
}
