package handlers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// accountStep runs one step of an account. A failure is counted in the
// account's document, which also says when the next try is due.
func (s Services) accountStep(step func(context.Context, string, int64) error) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		p, err := tasks.Decode[tasks.AccountStep](t)
		if err != nil {
			return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.ForAccount"))
		}
		err = safely(ctx, func() error { return step(ctx, p.Account, p.Epoch) })
		o := outcome(ctx, err)
		if o == nil || !IsFailure(o) {
			return o
		}
		return s.count(ctx, p.Account, p.Epoch, err) // the document names the next try
	}
}

// runStep runs one phase of a cleaning run. A failure is counted against the
// account, whose document gives up in the end; until then asynq tries the task
// again, since no write of the account makes a next one.
func (s Services) runStep(step func(context.Context, string) error) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		p, err := tasks.Decode[tasks.RunStep](t)
		if err != nil {
			return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.ForRun"))
		}
		err = safely(ctx, func() error { return step(ctx, p.Run) })
		o := outcome(ctx, err)
		if o == nil || !IsFailure(o) {
			return o
		}
		if cerr := s.count(ctx, p.Account, p.Epoch, err); cerr != nil {
			return cerr
		}
		return o
	}
}

// unitTries is how often asynq tries a unit before its failures are counted
// against the account: three minutes of a store or of STS that does not answer,
// met by fifty units at once, are no reason to give an account up.
const unitTries = 8

// unit runs one unit of a cleaning run. What AWS answers about resources is in
// the unit's result; an error here is about the way there (store, queue, role)
// and is tried again.
func (s Services) unit(f func(context.Context, tasks.Unit) error) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		u, err := tasks.Decode[tasks.Unit](t)
		if err != nil {
			return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.ForRun"))
		}
		err = safely(ctx, func() error { return f(ctx, u) })
		o := outcome(ctx, err)
		if o == nil || !IsFailure(o) {
			return o
		}
		if tried, _ := asynq.GetRetryCount(ctx); tried < unitTries && !permanent(err) {
			return o
		}
		if cerr := s.count(ctx, u.Account, u.Epoch, err); cerr != nil {
			return cerr
		}
		return o
	}
}

func (s Services) sync(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Sync](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewSync"))
	}
	return outcome(ctx, s.Sync.Sync(ctx, p.Org))
}

// tick runs periodic work. One that fails is not tried again: the next tick is
// its next try.
func (s Services) tick(f Ticker) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		p, err := tasks.Decode[tasks.Tick](t)
		if err == nil {
			err = safely(ctx, func() error { return f(ctx, p.At) })
		}
		if err != nil {
			return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
		}
		return nil
	}
}

// count lets failsafe count a failed step; nil when it is written down. If it
// cannot be, the step is done again, whatever the step itself said.
func (s Services) count(ctx context.Context, account string, epoch int64, cause error) error {
	// The step's own context may be the reason of the failure.
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTime)
	defer cancel()
	if err := s.Failures.StepFailed(cctx, account, epoch, cause); err != nil {
		return outcome(ctx, fmt.Errorf("%w (after: %v)", err, cause))
	}
	zerolog.Ctx(ctx).Warn().Err(cause).Msg("step failed; counted")
	return nil
}

// safely runs a step; a panic is a failure like another, to be counted.
func safely(ctx context.Context, step func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			zerolog.Ctx(ctx).Error().Bytes("stack", debug.Stack()).Msg("step panicked")
			err = fmt.Errorf("%w: %v", errPanic, x)
		}
	}()
	return step()
}

var errPanic = errors.New("panic")
