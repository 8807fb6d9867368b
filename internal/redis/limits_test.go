package redis_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redis"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		l := redis.NewLimiter(open(t))
		var allowed, refused atomic.Int64
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				ok, after, err := l.Allow(t.Context(), "key/k1", 1, 10)
				switch {
				case err != nil:
					t.Error(err)
				case ok && after == 0:
					allowed.Add(1)
				case !ok && after > 30*time.Second && after <= time.Minute:
					refused.Add(1)
				default:
					t.Errorf("ok %v, next after %v", ok, after)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 10 || refused.Load() != 30 {
			t.Errorf("%d allowed, %d refused", allowed.Load(), refused.Load())
		}
		if ok, _, err := l.Allow(t.Context(), "key/k2", 1, 10); err != nil || !ok {
			t.Errorf("another key: %v, %v", ok, err)
		}
		if _, _, err := l.Allow(t.Context(), "key/k1", 0, 10); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("a rate of 0: %v", err)
		}
	})
}

func TestLimiterLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		client := open(t)
		if _, _, err := redis.NewLimiter(client).Allow(t.Context(), "k", 60, 5); err != nil {
			t.Fatal(err)
		}
		ttl, err := client.PTTL(t.Context(), "rate:kml:k").Result()
		if err != nil || ttl <= 0 || ttl > 5*time.Second {
			t.Fatalf("an idle limit lives for %v (%v)", ttl, err)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t *testing.T) goredis.UniversalClient) {
		client := open(t)
		f := redis.NewFailures(client)
		count := func(want int) {
			t.Helper()
			if n, err := f.FailedCount(t.Context(), "192.0.2.1"); err != nil || n != want {
				t.Fatalf("%d failures (%v), want %d", n, err, want)
			}
		}
		count(0)
		for want := 1; want <= 3; want++ {
			if n, err := f.Failed(t.Context(), "192.0.2.1"); err != nil || n != want {
				t.Fatalf("%d failures (%v), want %d", n, err, want)
			}
			count(want)
		}
		ttl, err := client.PTTL(t.Context(), "kml:failures:192.0.2.1").Result()
		if err != nil || ttl < 14*time.Minute || ttl > 15*time.Minute {
			t.Fatalf("failures are forgotten after %v (%v)", ttl, err)
		}
		if err := f.Forget(t.Context(), "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		count(0)
	})
}
