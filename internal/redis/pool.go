package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
)

// Pool is the sets of ready accounts. It is safe for concurrent use.
type Pool struct{ client goredis.UniversalClient }

var _ fleet.Pool = (*Pool)(nil)

// NewPool makes a Pool on a client, which stays the caller's to close.
func NewPool(client goredis.UniversalClient) *Pool { return &Pool{client} }

// Add implements [fleet.Pool]. An account that is in already gets the new time.
func (p *Pool) Add(ctx context.Context, pool fleet.PoolName, accountID string, rested time.Time) error {
	member := goredis.Z{Score: float64(rested.UnixMilli()), Member: accountID}
	if err := p.client.ZAdd(ctx, poolKey(pool), member).Err(); err != nil {
		return fmt.Errorf("add account %s to the pool: %w", accountID, err)
	}
	return nil
}

// Pop implements [fleet.Pool]. Of accounts rested equally long the lower id
// comes first.
func (p *Pool) Pop(ctx context.Context, pool fleet.PoolName) (string, error) {
	popped, err := p.client.ZPopMin(ctx, poolKey(pool), 1).Result()
	if err != nil {
		return "", fmt.Errorf("pop from the pool: %w", err)
	}
	if len(popped) == 0 {
		return "", nil
	}
	id, ok := popped[0].Member.(string)
	if !ok {
		return "", fmt.Errorf("pop from the pool: member is a %T", popped[0].Member)
	}
	return id, nil
}

// Remove implements [fleet.Pool]. Removing an account that is not in does nothing.
func (p *Pool) Remove(ctx context.Context, pool fleet.PoolName, accountID string) error {
	if err := p.client.ZRem(ctx, poolKey(pool), accountID).Err(); err != nil {
		return fmt.Errorf("remove account %s from the pool: %w", accountID, err)
	}
	return nil
}

// Size implements [fleet.Pool].
func (p *Pool) Size(ctx context.Context, pool fleet.PoolName) (int, error) {
	n, err := p.client.ZCard(ctx, poolKey(pool)).Result()
	if err != nil {
		return 0, fmt.Errorf("size of the pool: %w", err)
	}
	return int(n), nil
}
