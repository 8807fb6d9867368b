package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/tasks"
)

// Tick is one piece of periodic work.
type Tick struct {
	Name  string
	Every time.Duration
}

// Enqueuer is what asynq's client does.
type Enqueuer interface {
	EnqueueContext(ctx context.Context, t *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
}

// Clock enqueues ticks at their planned times.
type Clock struct {
	Client Enqueuer
	Clock  clock.Clock
	Ticks  []Tick
	Log    zerolog.Logger
	// Enqueued is told of each tick that this scheduler was the first to
	// enqueue; may be nil.
	Enqueued func(name string, at time.Time)
}

// Run enqueues ticks until ctx ends, which is its normal end.
func (c *Clock) Run(ctx context.Context) error {
	for _, t := range c.Ticks {
		if t.Every <= 0 {
			return fmt.Errorf("tick %s: period %v: give a positive one", t.Name, t.Every)
		}
	}
	next := make([]time.Time, len(c.Ticks))
	for i, t := range c.Ticks {
		next[i] = c.Clock.Now().Truncate(t.Every).Add(t.Every)
	}
	for {
		soonest := 0
		for i := range next {
			if next[i].Before(next[soonest]) {
				soonest = i
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.Clock.After(next[soonest].Sub(c.Clock.Now())):
		}
		t := c.Ticks[soonest]
		c.enqueue(ctx, t, next[soonest])
		// After a pause the missed ticks are not made up for: one is as good.
		next[soonest] = c.Clock.Now().Truncate(t.Every).Add(t.Every)
	}
}

// enqueue enqueues one tick; that another scheduler was first is success. A
// Redis that does not answer costs this tick, not the scheduler.
func (c *Clock) enqueue(ctx context.Context, t Tick, at time.Time) {
	ectx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := c.Client.EnqueueContext(ectx, tasks.NewTick(t.Name, at, t.Every))
	switch {
	case err == nil:
		if c.Enqueued != nil {
			c.Enqueued(t.Name, at)
		}
	case errors.Is(err, asynq.ErrTaskIDConflict), ctx.Err() != nil:
	default:
		c.Log.Error().Err(err).Str("tick", t.Name).Msg("tick not enqueued; the next one will be")
	}
}
