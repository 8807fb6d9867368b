package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Assigner is the way of a lab, by package assign.
type Assigner interface {
	Accept(ctx context.Context, r assign.Request) (*fleet.Session, error)
	Refuse(ctx context.Context, r assign.Request, why error) (*fleet.Session, error)
	Match(ctx context.Context, p fleet.PoolName) (int, error)
	Start(ctx context.Context, sessionID string) (*fleet.Session, error)
	HandOut(ctx context.Context, accountID string, epoch int64) error
	Expire(ctx context.Context, sessionID string) error
}

// Users makes and deletes the temporary users, by package identity.
type Users interface {
	Create(ctx context.Context, accountID string, epoch int64) error
}

// Cleaner is the way of a cleaning, by package cleanup.
type Cleaner interface {
	Begin(ctx context.Context, accountID string, epoch int64) error
	Sweep(ctx context.Context, u tasks.Unit) error
	Verify(ctx context.Context, u tasks.Unit) error
	Settle(ctx context.Context, runID string) error
	DeleteUser(ctx context.Context, runID string) error
	Reset(ctx context.Context, accountID string, epoch int64) error
}

// Syncer syncs an organization, by package orgsync.
type Syncer interface {
	Sync(ctx context.Context, org string) error
}

// Readiness looks at a ready account again, by package readiness.
type Readiness interface {
	Check(ctx context.Context, accountID string, epoch int64) error
}

// Failures counts failed steps, by package failsafe.
type Failures interface {
	StepFailed(ctx context.Context, accountID string, epoch int64, cause error) error
}

// Ticker is one piece of periodic work, by package scheduler.
type Ticker func(ctx context.Context, at time.Time) error

// Services is what the handlers call.
type Services struct {
	Assign    Assigner
	Users     Users
	Cleaner   Cleaner
	Sync      Syncer
	Readiness Readiness
	Failures  Failures
	Webhooks  Webhooks // nil: this worker delivers none
	Tickers   map[string]Ticker
	Enqueue   func(context.Context, ...*asynq.Task) error
	Log       zerolog.Logger
	Observe   func(kind string, d time.Duration, err error) // metrics; may be nil
}

// Mux gives the handler of all kinds.
func Mux(s Services) *asynq.ServeMux {
	m := asynq.NewServeMux()
	m.Use(s.around)
	m.HandleFunc(tasks.KindAssign, s.assign)
	m.HandleFunc(tasks.KindMatch, s.match)
	m.HandleFunc(tasks.KindStart, s.start)
	m.HandleFunc(tasks.KindExpire, s.expire)
	m.HandleFunc(tasks.KindHandOut, s.accountStep(s.Assign.HandOut))
	m.HandleFunc(tasks.KindUser, s.accountStep(s.Users.Create))
	m.HandleFunc(tasks.KindFreeze, s.accountStep(s.Cleaner.Begin))
	m.HandleFunc(tasks.KindReset, s.accountStep(s.Cleaner.Reset))
	m.HandleFunc(tasks.KindReadiness, s.accountStep(s.Readiness.Check))
	m.HandleFunc(tasks.KindSweep, s.unit(s.Cleaner.Sweep))
	m.HandleFunc(tasks.KindVerify, s.unit(s.Cleaner.Verify))
	m.HandleFunc(tasks.KindSettle, s.runStep(s.Cleaner.Settle))
	m.HandleFunc(tasks.KindUnuser, s.runStep(s.Cleaner.DeleteUser))
	m.HandleFunc(tasks.KindSync, s.sync)
	if s.Webhooks != nil {
		m.HandleFunc(tasks.KindDeliver, s.deliver)
	}
	for name, f := range s.Tickers {
		m.HandleFunc(tasks.KindTick+name, s.tick(f))
	}
	return m
}

// around logs and measures every task. The log line carries ids, never payloads.
func (s Services) around(next asynq.Handler) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		log := logger(ctx, s.Log, t)
		ctx, cancel := early(ctx)
		defer cancel()
		start := time.Now()
		err := next.ProcessTask(log.WithContext(ctx), t)
		took := time.Since(start)
		if s.Observe != nil {
			s.Observe(t.Type(), took, err)
		}
		var later *again
		switch {
		case err == nil:
			log.Debug().Dur("took", took).Msg("done")
		case errors.As(err, &later):
			log.Debug().Dur("took", took).Err(err).Msg("again")
		default:
			log.Warn().Dur("took", took).Err(err).Msg("failed")
		}
		return err
	})
}

// Times at the end of a task's deadline.
const (
	grace     = 3 * time.Second // from the handler's own deadline to asynq's
	countTime = 2 * time.Second // of it, to write a failure down
)

// early ends a task's time a little before asynq does. When asynq's deadline
// passes it gives the task back at once and drops what the handler says, so a
// step that takes too long would never be counted, and would run twice.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) <= 2*grace {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-grace))
}
