package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
)

// Limiter refuses what comes too often, by the minute. A count that Redis has
// lost starts anew. It is safe for concurrent use.
type Limiter struct{ limiter *redis_rate.Limiter }

// NewLimiter makes a Limiter on a client, which stays the caller's to close.
func NewLimiter(client goredis.UniversalClient) *Limiter {
	return &Limiter{redis_rate.NewLimiter(client)}
}

// Allow counts one of key, of which there may be so many per minute and burst at
// once. If it is not ok, it was not counted, and retryAfter is when the next
// will be.
func (l *Limiter) Allow(ctx context.Context, key string, perMinute, burst int) (ok bool, retryAfter time.Duration, err error) {
	if perMinute < 1 || burst < 1 {
		return false, 0, &fleet.FieldError{Field: "limit of " + key, Value: fmt.Sprintf("%d/min, burst %d", perMinute, burst),
			Remedy: "give a rate and a burst of at least 1"}
	}
	res, err := l.limiter.Allow(ctx, limitKey(key), redis_rate.Limit{Rate: perMinute, Burst: burst, Period: time.Minute})
	if err != nil {
		return false, 0, fmt.Errorf("limit of %s: %w", key, err)
	}
	if res.Allowed > 0 {
		return true, 0, nil
	}
	return false, res.RetryAfter, nil
}

// forgetFailures is how long after the last failure they are forgotten.
const forgetFailures = 15 * time.Minute

// Failures counts failed logins, by address or whatever the key is; 15 minutes
// after the last they are forgotten. It is safe for concurrent use.
type Failures struct{ client goredis.UniversalClient }

// NewFailures makes Failures on a client, which stays the caller's to close.
func NewFailures(client goredis.UniversalClient) *Failures { return &Failures{client} }

// Failed counts a failure and gives how many there are now.
func (f *Failures) Failed(ctx context.Context, key string) (int, error) {
	var count *goredis.IntCmd
	_, err := f.client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		count = p.Incr(ctx, failuresKey(key))
		p.PExpire(ctx, failuresKey(key), forgetFailures)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count failure of %s: %w", key, err)
	}
	return int(count.Val()), nil
}

// FailedCount gives how many failures there are.
func (f *Failures) FailedCount(ctx context.Context, key string) (int, error) {
	n, err := f.client.Get(ctx, failuresKey(key)).Int()
	if errors.Is(err, goredis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("failures of %s: %w", key, err)
	}
	return n, nil
}

// Forget lets go of the failures: a login succeeded.
func (f *Failures) Forget(ctx context.Context, key string) error {
	if err := f.client.Del(ctx, failuresKey(key)).Err(); err != nil {
		return fmt.Errorf("forget failures of %s: %w", key, err)
	}
	return nil
}
