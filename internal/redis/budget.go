package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// takeScript takes one token of a bucket and replies how long to wait before
// using it, in microseconds. Tokens are handed out in advance (the count may be
// negative), so those who wait are served in order and ask once. If the wait
// were longer than ARGV[3] µs (-1: no limit), nothing is taken and the reply is
// -1 - wait. Time is Redis's own, so that all processes share one clock.
//
//	KEYS[1] bucket   ARGV[1] tokens per second   ARGV[2] burst   ARGV[3] longest wait
var takeScript = goredis.NewScript(`
local rate, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000000)
local wait = 0
if tokens < 1 then wait = math.ceil((1 - tokens) * 1000000 / rate) end
if longest >= 0 and wait > longest then return -1 - wait end
tokens = tokens - 1
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) * 1000 / rate) + 1000)
return wait`)

// giveScript puts back a token that was not used.
//
//	KEYS[1] bucket
var giveScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBYFLOAT', KEYS[1], 'tokens', 1) end
return 0`)

// giveTimeout bounds the giving back of a token after the context has ended.
const giveTimeout = 500 * time.Millisecond

// Budget is token buckets shared through Redis. A bucket that Redis has lost is
// full again. It is safe for concurrent use.
type Budget struct {
	client goredis.UniversalClient
	clock  clock.Clock
}

var _ fleet.Budget = (*Budget)(nil)

// NewBudget makes a Budget on a client, which stays the caller's to close. The
// clock is what Take waits by.
func NewBudget(client goredis.UniversalClient, c clock.Clock) *Budget { return &Budget{client, c} }

// Take implements [fleet.Budget]. If the token would come only after the
// context's deadline, it gives up at once with context.DeadlineExceeded and
// leaves the token to others.
func (b *Budget) Take(ctx context.Context, key string, perSecond, burst float64) error {
	if perSecond <= 0 || burst < 1 {
		return &fleet.FieldError{Field: "budget " + key, Value: fmt.Sprintf("%v/s, burst %v", perSecond, burst),
			Remedy: "give a rate above 0 and a burst of at least 1"}
	}
	longest := int64(-1)
	if deadline, ok := ctx.Deadline(); ok {
		longest = max(0, time.Until(deadline).Microseconds()) // contexts end by the machine's clock
	}
	reply, err := takeScript.Run(ctx, b.client, []string{budgetKey(key)}, perSecond, burst, longest).Int64()
	if err != nil {
		return fmt.Errorf("budget %s: %w", key, err)
	}
	if reply < 0 {
		return fmt.Errorf("budget %s: next token in %v: %w", key, time.Duration(-1-reply)*time.Microsecond, context.DeadlineExceeded)
	}
	if reply == 0 {
		return nil
	}
	timer := b.clock.NewTimer(time.Duration(reply) * time.Microsecond)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return b.giveUp(ctx, key)
	}
}

// giveUp puts the token back that the context's end has kept from being used.
func (b *Budget) giveUp(ctx context.Context, key string) error {
	reason := context.Cause(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveTimeout)
	defer cancel()
	if err := giveScript.Run(ctx, b.client, []string{budgetKey(key)}).Err(); err != nil {
		return fmt.Errorf("budget %s: %w (and its token is lost: %w)", key, reason, err)
	}
	return fmt.Errorf("budget %s: %w", key, reason)
}
