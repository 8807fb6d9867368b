package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Machine is what the reconcilers need of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
	FlushHistory(ctx context.Context) (int, error)
}

// Assigner is what the reconcilers need of assign.
type Assigner interface {
	Match(ctx context.Context, p fleet.PoolName) (int, error)
	Start(ctx context.Context, sessionID string) (*fleet.Session, error)
	End(ctx context.Context, sessionID, reason string) error
	Expire(ctx context.Context, sessionID string) error
	ExpireWaiting(ctx context.Context, s *fleet.Session) error
	Recover(ctx context.Context, s *fleet.Session) error
	Resume(ctx context.Context, a *fleet.Account) error
}

// Config is what a Reconciler is made of. Zero times get defaults.
type Config struct {
	Accounts fleet.Accounts
	Sessions fleet.Sessions
	Runs     fleet.Cleanings
	Pool     fleet.Pool
	Machine  Machine
	Assign   Assigner
	Follow   *Follower
	Orgs     []fleet.Organization
	Clock    clock.Clock
	// Pools lists the pools of open bookings, which are matched beside those of the
	// purposes; nil: none.
	Pools func(context.Context) ([]fleet.PoolName, error)
	// Targets gives the targets of warm accounts that stand in place of the
	// configured ones; nil: none.
	Targets func(context.Context) ([]fleet.PoolTarget, error)
	// Demand counts, by purpose, the seats of bookings that are due soon and that
	// no account is held for or works for yet; nil: none.
	Demand func(context.Context) (map[fleet.Purpose]int, error)
	// Events tells again what may not have been told; nil: nothing.
	Events func(context.Context) error
	// Inspector tells which tasks have lost their worker; without one asynq alone
	// gives them back, after one to two minutes.
	Inspector Inspector

	Stuck       time.Duration // in a state from which an account's task is looked for; default 10 s
	StuckRun    time.Duration // a cleaning run without news; default 45 s
	Refresh     time.Duration // age of a readiness stamp that is looked at again; default 5 min
	UserMaxAge  time.Duration // age at which a warm user is made anew; default 7 days
	CreatingMax int           // user creations at once in one OU; default 16
	FirstSweeps int           // first full sweeps at once in one OU; default 16
	SyncEvery   time.Duration // default 5 min
	RefillEvery time.Duration // default 2 s
	MatchEvery  time.Duration // default 1 s
	RescueEvery time.Duration // default 5 s
}

// Reconciler finds and mends what the normal way left behind.
type Reconciler struct{ Config }

// NewReconciler makes a Reconciler.
func NewReconciler(c Config) *Reconciler {
	c.Stuck = cmp.Or(c.Stuck, 10*time.Second)
	c.StuckRun = cmp.Or(c.StuckRun, 45*time.Second)
	c.Refresh = cmp.Or(c.Refresh, 5*time.Minute)
	c.UserMaxAge = cmp.Or(c.UserMaxAge, 7*24*time.Hour)
	c.CreatingMax = cmp.Or(c.CreatingMax, 16)
	c.FirstSweeps = cmp.Or(c.FirstSweeps, 16)
	c.SyncEvery = cmp.Or(c.SyncEvery, 5*time.Minute)
	c.RefillEvery = cmp.Or(c.RefillEvery, 2*time.Second)
	c.MatchEvery = cmp.Or(c.MatchEvery, time.Second)
	c.RescueEvery = cmp.Or(c.RescueEvery, 5*time.Second)
	return &Reconciler{c}
}

// The ticks' names.
const (
	TickSync      = "sync"
	TickRefill    = "refill"
	TickMatch     = "match"
	TickSessions  = "sessions"
	TickRescue    = "rescue"
	TickHeld      = "held"
	TickUnfrozen  = "unfrozen"
	TickRuns      = "runs"
	TickReadiness = "readiness"
	TickPool      = "pool"
	TickHistory   = "history"
	TickEvents    = "events"
)

// eventsEvery is how often the fleet looks for what may not have been told.
const eventsEvery = 2 * time.Second

// Ticks lists the periodic work with its periods.
func (r *Reconciler) Ticks() []Tick {
	return []Tick{
		{TickSync, r.SyncEvery}, {TickRefill, r.RefillEvery}, {TickMatch, r.MatchEvery}, {TickSessions, r.RescueEvery},
		{TickRescue, r.RescueEvery}, {TickHeld, 2 * r.RescueEvery}, {TickUnfrozen, 2 * r.RescueEvery}, {TickRuns, 2 * r.RescueEvery}, {TickReadiness, max(r.Refresh/4, time.Second)},
		{TickPool, 10 * time.Second}, {TickHistory, time.Minute}, {TickEvents, eventsEvery},
	}
}

// Tickers gives the work of each tick.
func (r *Reconciler) Tickers() map[string]func(ctx context.Context, at time.Time) error {
	return map[string]func(context.Context, time.Time) error{
		TickSync:      r.sync,
		TickRefill:    func(ctx context.Context, _ time.Time) error { return r.refill(ctx) },
		TickMatch:     func(ctx context.Context, _ time.Time) error { return r.match(ctx) },
		TickSessions:  func(ctx context.Context, _ time.Time) error { return r.sessions(ctx) },
		TickRescue:    func(ctx context.Context, _ time.Time) error { return r.rescue(ctx) },
		TickHeld:      func(ctx context.Context, _ time.Time) error { return r.held(ctx) },
		TickUnfrozen:  func(ctx context.Context, _ time.Time) error { return r.unfrozen(ctx) },
		TickRuns:      func(ctx context.Context, _ time.Time) error { return r.runs(ctx) },
		TickReadiness: func(ctx context.Context, _ time.Time) error { return r.readiness(ctx) },
		TickPool:      func(ctx context.Context, _ time.Time) error { return r.pool(ctx) },
		TickEvents: func(ctx context.Context, _ time.Time) error {
			if r.Events == nil {
				return nil
			}
			return r.Events(ctx)
		},
		TickHistory: func(ctx context.Context, _ time.Time) error {
			_, err := r.Machine.FlushHistory(ctx)
			return err
		},
	}
}

// sync enqueues the sync of every organization.
func (r *Reconciler) sync(ctx context.Context, at time.Time) error {
	var ts []*asynq.Task
	for _, o := range r.Orgs {
		ts = append(ts, tasks.NewSync(o.Name, at))
	}
	return r.Follow.Enqueue(ctx, ts...)
}

// match runs the match of every pool. Bookings that cannot be listed keep nobody
// else waiting.
func (r *Reconciler) match(ctx context.Context) error {
	pools, err := r.pools(ctx)
	errs := []error{err}
	for _, p := range pools {
		_, err := r.Assign.Match(ctx, p)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// pools gives the pools of all purposes and of the open bookings; with an error,
// the first of them alone.
func (r *Reconciler) pools(ctx context.Context) ([]fleet.PoolName, error) {
	out := make([]fleet.PoolName, 0, len(fleet.Purposes))
	for _, p := range fleet.Purposes {
		out = append(out, p.Pool())
	}
	if r.Pools == nil {
		return out, nil
	}
	booked, err := r.Pools(ctx)
	if err != nil {
		return out, fmt.Errorf("pools of bookings: %w", err)
	}
	return append(out, booked...), nil
}

// pool makes the hint in Redis anew: after a flush, or when an Add was lost.
func (r *Reconciler) pool(ctx context.Context) error {
	var errs []error
	err := r.eachAccount(ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}}, func(a *fleet.Account) {
		if !a.Leaves() {
			errs = append(errs, r.Pool.Add(ctx, a.PoolName(), a.ID, a.RestedSince))
		}
	})
	return errors.Join(append(errs, err)...)
}

// readiness has ready accounts looked at whose stamp is getting old, and those
// cleaned whose user is.
func (r *Reconciler) readiness(ctx context.Context) error {
	var ts []*asynq.Task
	var errs []error
	err := r.eachAccount(ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}}, func(a *fleet.Account) {
		switch {
		case a.Leaves(): // the refill lets it go
		case a.User != nil && r.Clock.Since(a.User.MadeAt) > r.UserMaxAge:
			_, err := r.Machine.Move(ctx, a, fleet.Cleanup, "its user is older than "+r.UserMaxAge.String(), nil)
			errs = append(errs, lost(err))
		case r.Clock.Since(a.ReadyAt) > r.Refresh:
			ts = append(ts, tasks.NewReadiness(a))
		}
	})
	return errors.Join(append(errs, err, r.Follow.Enqueue(ctx, ts...))...)
}

// lost is an error that means that somebody else was faster: nothing to mend.
func lost(err error) error {
	var snooze *fleet.SnoozeError
	if errors.Is(err, fleet.ErrConflict) || errors.As(err, &snooze) {
		return nil
	}
	return err
}
