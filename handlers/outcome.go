package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/fleet"
)

// again is an outcome that asks for another try and is no failure.
type again struct {
	in    time.Duration
	cause error
}

func (a *again) Error() string { return fmt.Sprintf("again in %v: %v", a.in, a.cause) }
func (a *again) Unwrap() error { return a.cause }

const raceDelay = 100 * time.Millisecond

// outcome turns a service's error into what asynq is told.
func outcome(err error) error {
	var snooze *fleet.SnoozeError
	var permanent *fleet.PermanentError
	switch {
	case err == nil, errors.Is(err, fleet.ErrStaleEpoch):
		return nil
	case errors.As(err, &snooze):
		return &again{snooze.For, err}
	case errors.Is(err, fleet.ErrConflict):
		return &again{raceDelay, err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &again{time.Second, err}
	case errors.As(err, &permanent), errors.Is(err, fleet.ErrInvalid), errors.Is(err, fleet.ErrLabTypeOff):
		return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
	default:
		return err
	}
}

// IsFailure tells asynq which errors are failures; see outcome.
func IsFailure(err error) bool {
	var a *again
	return !errors.As(err, &a) && !errors.Is(err, asynq.ErrLeaseExpired) && !errors.Is(err, context.Canceled)
}

// RetryDelay tells asynq when to try again: what the outcome asks for, else
// doubling from a second to a minute.
func RetryDelay(n int, err error, _ *asynq.Task) time.Duration {
	var a *again
	if errors.As(err, &a) {
		return a.in
	}
	return min(time.Second<<min(n, 6), time.Minute)
}

// log is the logger of a task: every line carries the task's id and kind.
func logger(ctx context.Context, base zerolog.Logger, t *asynq.Task) zerolog.Logger {
	id, _ := asynq.GetTaskID(ctx)
	return base.With().Str("task", id).Str("kind", t.Type()).Logger()
}
