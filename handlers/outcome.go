package handlers

import (
	"context"
	"encoding/json"
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

// outcome turns a service's error into what asynq is told. ctx is the task's:
// only if it was cancelled from outside (the worker shuts down) is a step that
// was cut short no failure. A time that ran out is one: it might run out for ever.
func outcome(ctx context.Context, err error) error {
	var snooze *fleet.SnoozeError
	switch {
	case err == nil, errors.Is(err, fleet.ErrStaleEpoch):
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return &again{time.Second, err}
	case errors.As(err, &snooze):
		return &again{snooze.For, err}
	case errors.Is(err, fleet.ErrConflict):
		return &again{raceDelay, err}
	case permanent(err):
		return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
	default:
		return err
	}
}

// permanent says whether trying again cannot help.
func permanent(err error) bool {
	var p *fleet.PermanentError
	return errors.As(err, &p) || errors.Is(err, fleet.ErrInvalid) || errors.Is(err, fleet.ErrLabTypeOff)
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

// logger is the logger of a task: every line carries the task's id and kind, and
// the ids that its payload names. A payload holds ids and never a secret.
func logger(ctx context.Context, base zerolog.Logger, t *asynq.Task) zerolog.Logger {
	id, _ := asynq.GetTaskID(ctx)
	var ids struct {
		Account string `json:"account"`
		Session string `json:"session"`
		Request string `json:"request_id"`
		Run     string `json:"run"`
		Sent    string `json:"delivery"`
	}
	_ = json.Unmarshal(t.Payload(), &ids) // one that cannot be read is refused by its handler
	c := base.With().Str("task", id).Str("kind", t.Type())
	for _, f := range []struct{ name, value string }{{"account", ids.Account}, {"session", ids.Session}, {"request", ids.Request}, {"run", ids.Run}, {"delivery", ids.Sent}} {
		if f.value != "" {
			c = c.Str(f.name, f.value)
		}
	}
	return c.Logger()
}
