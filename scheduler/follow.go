package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Follower enqueues what follows from a change of a document.
type Follower struct {
	Client Enqueuer
	Pool   fleet.Pool
	Clock  clock.Clock
	Log    zerolog.Logger
}

const followTimeout = 3 * time.Second

// Account is an observer of lifecycle: it enqueues the account's next step after
// a move or a new attempt, and keeps the sets of ready accounts. An error here
// loses nothing: the reconcilers find the account again.
func (f *Follower) Account(old, next *fleet.Account) {
	moved := old == nil || old.State != next.State
	if !moved && old.Attempts == next.Attempts && !repooled(old, next) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), followTimeout)
	defer cancel()
	var err error
	switch {
	case next.State == fleet.UserCreated:
		if !moved && repooled(old, next) {
			err = f.Pool.Remove(ctx, old.PoolName(), old.ID)
		}
		err = errors.Join(err, f.Pool.Add(ctx, next.PoolName(), next.ID, next.RestedSince),
			f.Enqueue(ctx, tasks.NewMatch(next.PoolName(), f.Clock.Now())))
	case next.State == fleet.InUse:
		err = f.Enqueue(ctx, tasks.NewExpire(next.SessionID, next.EndsAt, 0))
	case next.State == fleet.Failed && next.Open(f.Clock.Now()): // it may not be frozen yet
		err = f.Enqueue(ctx, tasks.NewFreezeFailed(next, f.Clock.Now()))
	default:
		if t := tasks.ForAccount(next); t != nil {
			err = f.Enqueue(ctx, t)
		}
	}
	if err != nil {
		f.Log.Error().Err(err).Str("account", next.ID).Str("state", string(next.State)).Msg("follow-up not enqueued; the rescue will")
	}
}

// repooled says whether a ready account went from one set to another: it is held
// for a booking, or not any more.
func repooled(old, next *fleet.Account) bool {
	return next.State == fleet.UserCreated && old.State == fleet.UserCreated && old.PoolName() != next.PoolName()
}

// Session enqueues what an accepted session needs next: the match of its pool, or
// its start. What cannot be enqueued the ticks do.
func (f *Follower) Session(ctx context.Context, s *fleet.Session) {
	t := tasks.NewMatch(s.PoolName(), f.Clock.Now())
	switch s.State {
	case fleet.SessionWaiting:
	case fleet.SessionScheduled:
		t = tasks.NewStart(s.ID, s.NotBefore)
	default:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	if err := f.Enqueue(ctx, t); err != nil {
		f.Log.Error().Err(err).Str("session", s.ID).Msg("follow-up not enqueued; the tick will")
	}
}

// Run enqueues the next tasks of a cleaning run.
func (f *Follower) Run(ctx context.Context, r *fleet.CleaningRun) {
	if err := f.Enqueue(ctx, tasks.ForRun(r)...); err != nil {
		f.Log.Error().Err(err).Str("account", r.AccountID).Str("run", r.ID).Msg("units not enqueued; the rescue will")
	}
}

// Enqueue enqueues tasks; one that is known already is success.
func (f *Follower) Enqueue(ctx context.Context, ts ...*asynq.Task) error {
	var errs []error
	for _, t := range ts {
		_, err := f.enqueue(ctx, t)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// enqueue enqueues a task and says whether it was known already.
func (f *Follower) enqueue(ctx context.Context, t *asynq.Task) (known bool, err error) {
	_, err = f.Client.EnqueueContext(ctx, t)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("enqueue %s: %w", t.Type(), err)
	}
	return false, nil
}
