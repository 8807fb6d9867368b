package handlers

import (
	"context"
	"errors"
	"time"

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
			return outcome(fleet.Permanent(err, "enqueue with tasks.ForAccount"))
		}
		ctx = with(ctx, p.Account, "")
		return s.counted(ctx, p.Account, p.Epoch, step(ctx, p.Account, p.Epoch))
	}
}

// runStep runs one phase of a cleaning run.
func (s Services) runStep(step func(context.Context, string) error) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		p, err := tasks.Decode[tasks.RunStep](t)
		if err != nil {
			return outcome(fleet.Permanent(err, "enqueue with tasks.ForRun"))
		}
		ctx = with(ctx, p.Account, "")
		return s.counted(ctx, p.Account, p.Epoch, step(ctx, p.Run))
	}
}

// unit runs one unit of a cleaning run. What AWS answers is in the unit's
// result; an error here is ours (store, queue) and is tried again.
func (s Services) unit(f func(context.Context, tasks.Unit) error) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		u, err := tasks.Decode[tasks.Unit](t)
		if err != nil {
			return outcome(fleet.Permanent(err, "enqueue with tasks.ForRun"))
		}
		return outcome(f(with(ctx, u.Account, ""), u))
	}
}

func (s Services) sync(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Sync](t)
	if err != nil {
		return outcome(fleet.Permanent(err, "enqueue with tasks.NewSync"))
	}
	return outcome(s.Sync.Sync(ctx, p.Org))
}

func (s Services) tick(f Ticker) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		p, err := tasks.Decode[tasks.Tick](t)
		if err != nil {
			return outcome(fleet.Permanent(err, "enqueue with tasks.NewTick"))
		}
		return outcome(f(ctx, p.At))
	}
}

// counted lets failsafe count a failed step; what is no failure is not counted.
func (s Services) counted(ctx context.Context, account string, epoch int64, err error) error {
	o := outcome(err)
	if o == nil || !IsFailure(o) {
		return o
	}
	// The step's own context may be the reason of the failure.
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if ferr := s.Failures.StepFailed(rctx, account, epoch, err); ferr != nil {
		return outcome(errors.Join(ferr, err))
	}
	zerolog.Ctx(ctx).Warn().Err(err).Msg("step failed; counted")
	return nil
}
