// Package redislimiter shares one budget of requests between processes through Redis. It is an example to copy, in a
// module of its own, so that nobody who uses the client links any of it.
//
// It counts with github.com/throttled/throttled over github.com/redis/go-redis. Of the limiters over Redis that keep an
// even pace, throttled is the one that is still released: redis_rate has not been since 2023. rueidislimiter counts in
// fixed windows, which an even pace cannot be made of.
package redislimiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"

	composio "example.com/composio/wrapper"
)

var _ composio.Limiter = (*Limiter)(nil)

// maxBurst is how many requests may follow one another at once, at most.
const maxBurst = 10

// retryInterval is the wait after a failure of Redis.
const retryInterval = 100 * time.Millisecond

// Limiter lets requests through at an even pace, which all limiters with one key in one Redis share.
type Limiter struct {
	limiter *throttled.GCRARateLimiterCtx
	key     string
	next    chan struct{} // held by the one caller that asks Redis; if all did, none would be let through sooner
}

// New returns a limiter that lets at most limit requests through in any time as long as window. It keeps a twentieth of
// them back: one half for a burst of at most 10 after a pause, the other for requests that arrive late. All processes
// must give the same limit and window.
func New(client redis.UniversalClient, key string, limit int, window time.Duration) (*Limiter, error) {
	if client == nil || key == "" {
		return nil, errors.New("redislimiter: a Redis client and a key are needed")
	}
	if limit < 1 || window < time.Duration(limit) {
		return nil, fmt.Errorf("redislimiter: %d requests in %v are no pace", limit, window)
	}
	redisStore, err := goredisstore.NewCtx(client, "")
	if err != nil {
		return nil, err
	}
	keptBack := (limit + 19) / 20
	limiter, err := throttled.NewGCRARateLimiterCtx(store{redisStore}, throttled.RateQuota{
		MaxRate:  throttled.PerDuration(max(limit-keptBack, 1), window),
		MaxBurst: min(max(keptBack/2, 1), maxBurst) - 1, // throttled counts those after the first
	})
	if err != nil {
		return nil, err
	}
	return &Limiter{limiter, key, make(chan struct{}, 1)}, nil
}

// Wait returns nil when a request may be made. If Redis fails, none may: Wait asks again until ctx is done, and its error
// then has the last failure of Redis too.
func (l *Limiter) Wait(ctx context.Context) error {
	select {
	case l.next <- struct{}{}:
		defer func() { <-l.next }()
	case <-ctx.Done():
	}
	var failure error
	for ctx.Err() == nil {
		wait, err := l.ask(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil && wait == 0 {
			return nil
		}
		if failure = err; err != nil {
			wait = retryInterval
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	if failure != nil {
		return fmt.Errorf("redislimiter: %w; Redis: %w", ctx.Err(), failure)
	}
	return fmt.Errorf("redislimiter: %w", ctx.Err())
}

// ask takes leave for one request from Redis, or returns how long to wait before asking again. It returns when ctx is
// done, which go-redis does not while it reads; leave that comes later is lost.
func (l *Limiter) ask(ctx context.Context) (wait time.Duration, err error) {
	type answer struct {
		wait time.Duration
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		limited, result, err := l.limiter.RateLimitCtx(ctx, l.key, 1)
		if limited {
			answers <- answer{wait: result.RetryAfter}
		} else {
			answers <- answer{err: err}
		}
	}()
	select {
	case a := <-answers:
		return a.wait, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// store keeps each key a second longer. The one inside rounds that time down to whole seconds, and a pace of less than
// one request a second would be exceeded when the key is gone too early.
type store struct{ *goredisstore.GoRedisStore }

func (s store) SetIfNotExistsWithTTL(ctx context.Context, key string, value int64, ttl time.Duration) (bool, error) {
	return s.GoRedisStore.SetIfNotExistsWithTTL(ctx, key, value, ttl+time.Second)
}

func (s store) CompareAndSwapWithTTL(ctx context.Context, key string, old, value int64, ttl time.Duration) (bool, error) {
	return s.GoRedisStore.CompareAndSwapWithTTL(ctx, key, old, value, ttl+time.Second)
}
