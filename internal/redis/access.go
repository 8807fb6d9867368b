package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
)

// AccessCache caches the sealed access of sessions, so that polling for
// credentials spares MongoDB. It is safe for concurrent use.
type AccessCache struct{ client goredis.UniversalClient }

// NewAccessCache makes an AccessCache on a client, which stays the caller's to
// close.
func NewAccessCache(client goredis.UniversalClient) *AccessCache { return &AccessCache{client} }

// Put keeps sealed bytes for a while; id is session/epoch. A ttl of 0 or less
// forgets them.
func (c *AccessCache) Put(ctx context.Context, id string, sealed []byte, ttl time.Duration) error {
	ttl = ttl.Truncate(time.Millisecond) // Redis's precision; never longer than asked
	if ttl <= 0 {
		return c.Forget(ctx, id)
	}
	if err := c.client.Set(ctx, accessKey(id), sealed, ttl).Err(); err != nil {
		return fmt.Errorf("cache access %s: %w", id, err)
	}
	return nil
}

// Get gives the sealed bytes, or ErrNotFound, which says nothing about the
// session.
func (c *AccessCache) Get(ctx context.Context, id string) ([]byte, error) {
	sealed, err := c.client.Get(ctx, accessKey(id)).Bytes()
	if errors.Is(err, goredis.Nil) {
		return nil, fmt.Errorf("cached access %s: %w", id, fleet.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("cached access %s: %w", id, err)
	}
	return sealed, nil
}

// Forget drops the bytes, if they are there: the session has ended.
func (c *AccessCache) Forget(ctx context.Context, id string) error {
	if err := c.client.Del(ctx, accessKey(id)).Err(); err != nil {
		return fmt.Errorf("forget cached access %s: %w", id, err)
	}
	return nil
}
