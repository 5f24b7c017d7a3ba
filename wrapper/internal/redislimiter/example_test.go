package redislimiter_test

import (
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/internal/redislimiter"
)

// Every replica does this. Of a budget of 2,000 requests a minute it leaves 200 to others.
func Example() {
	limiter, err := redislimiter.New(redis.NewClient(&redis.Options{Addr: "redis.internal:6379"}), "composio", 1800, time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	client, err := composio.NewFromEnv(composio.WithLimiter(limiter))
	if err != nil {
		log.Fatal(err)
	}
	_ = client
}
