package redis_test

import (
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/internal/storetest"
)

// onEach runs a test on each kind of Redis that is there. open gives a client
// of an empty one.
func onEach(t *testing.T, test func(t *testing.T, open func(t *testing.T) goredis.UniversalClient)) {
	for name, cfg := range map[string]redisdev.Config{"redis-server": {}, "miniredis": {InProcess: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("redis-server"); err != nil && !cfg.InProcess {
				t.Skip("no redis-server on the PATH")
			}
			test(t, func(t *testing.T) goredis.UniversalClient {
				server, err := redisdev.Start(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if server.Kind() != name {
					t.Fatalf("started a %s", server.Kind())
				}
				client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
				t.Cleanup(func() {
					if err := errors.Join(client.Close(), server.Close()); err != nil {
						t.Error(err)
					}
				})
				return client
			})
		})
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		storetest.Pool(t, func(t *testing.T) fleet.Pool { return redis.NewPool(open(t)) })
	})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		storetest.Budget(t, func(t *testing.T, c clock.Clock) fleet.Budget { return redis.NewBudget(open(t), c) })
	})
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		storetest.EventStream(t, func(t *testing.T) (fleet.EventStream, func(ctx context.Context) error) {
			client := open(t)
			return redis.NewEventStream(client), func(ctx context.Context) error { return client.FlushAll(ctx).Err() }
		})
	})
}

func TestBudgetLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		client := open(t)
		if err := redis.NewBudget(client, clock.New()).Take(t.Context(), "k", 10, 20); err != nil {
			t.Fatal(err)
		}
		ttl, err := client.PTTL(t.Context(), "kml:budget:k").Result()
		if err != nil || ttl <= 0 || ttl > 5*time.Second {
			t.Fatalf("an idle bucket lives for %v (%v)", ttl, err)
		}
	})
}

func TestErrorsAreNotAnswers(t *testing.T) {
	t.Parallel()
	client := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pool := redis.NewPool(client)
	_, popErr := pool.Pop(ctx, fleet.Production.Pool())
	_, sizeErr := pool.Size(ctx, fleet.Production.Pool())
	stream, failures := redis.NewEventStream(client), redis.NewFailures(client)
	_, _, readErr := stream.Read(ctx, "1-0", 0, 1)
	_, _, limitErr := redis.NewLimiter(client).Allow(ctx, "k", 1, 1)
	_, failedErr := failures.FailedCount(ctx, "k")
	for name, err := range map[string]error{"pop": popErr, "size": sizeErr, "take": redis.NewBudget(client, clock.New()).Take(ctx, "k", 1, 1),
		"publish": stream.Publish(ctx, storetest.Event(1)), "read": readErr, "limit": limitErr, "failures": failedErr, "forget": failures.Forget(ctx, "k")} {
		if err == nil || errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrTrimmed) {
			t.Errorf("%s without a Redis: %v", name, err)
		}
	}
}
