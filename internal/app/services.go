package app

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/cleaner/settings"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/metrics"
	"github.com/kodekloud/kml/internal/orgsync"
	"github.com/kodekloud/kml/internal/readiness"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/seal"
	"github.com/kodekloud/kml/internal/webhook"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

// services makes the services, each from what it needs.
func (a *App) services(ctx context.Context, base *aws.Config) (err error) {
	c := a.Config
	if a.Sealer, err = seal.New(c.Seal.Primary, c.Seal.Keys); err != nil {
		return err
	}
	a.Metrics = metrics.New(metrics.Source{Accounts: a.DB.Accounts().Count, Sessions: a.DB.Sessions().Count, Queues: a.queues})
	if a.AWS, err = a.provider(ctx, base); err != nil {
		return err
	}
	pool := redis.NewPool(a.Redis)
	a.Follow = &scheduler.Follower{Client: a.Queue, Pool: pool, Clock: a.Clock, Log: a.Log}
	a.telling()
	a.Machine = lifecycle.New(a.DB.Accounts(), a.DB.Activity(), a.Clock, a.Follow.Account, a.Events.Account)
	a.Machine.Skew = c.Timing.ClockSkew
	a.Machine.HistoryError = func(id string, err error) {
		a.Log.Warn().Err(err).Str("account", id).Msg("transition not logged yet; the sweeper will")
	}
	orgs := byName(c.Organizations)
	a.Identity = identity.New(identity.Config{Accounts: a.DB.Accounts(), Machine: a.Machine, AWS: a.AWS, Orgs: orgs, LabTypes: a.LabTypes, Sealer: a.Sealer, Clock: a.Clock,
		SignInURL: c.AWS.SignIn()})
	a.booking(pool)
	a.Assign = assign.New(assign.Config{Accounts: a.DB.Accounts(), Sessions: a.Sessions, LabTypes: a.LabTypes, Statuses: a.DB.LabTypes(), Pool: pool,
		Machine: a.Machine, Granter: a.Identity, Sealer: a.Sealer, Seats: a.Bookings, Room: a.Bookings, Clock: a.Clock, NewID: uuid.NewString, Wake: a.Follow.Session, Served: a.Metrics.Served,
		Patience: c.Timing.Patience, Stale: c.Timing.ReadinessStale})
	a.Failsafe = failsafe.New(failsafe.Config{Accounts: a.DB.Accounts(), Machine: a.Machine, LabTypes: a.DB.LabTypes(), Log: a.DB.Activity(),
		Requeuer: a.Assign, Sessions: a.Assign, Clock: a.Clock, AccountLimit: c.Limits.Account, LabTypeLimit: c.Limits.LabType, Tell: a.tell})
	a.LabTypes.Applied = func(ctx context.Context, lt fleet.LabType) {
		a.tell(ctx, fleet.Event{ID: fmt.Sprintf("labtype/%s/revision/%d", lt.Name, lt.Revision), Type: fleet.EventLabType, At: a.Clock.Now().UTC(),
			LabType: lt.Name, State: "applied"})
	}
	if err := a.cleaning(orgs); err != nil {
		return err
	}
	a.Sync = orgsync.New(a.DB.Accounts(), a.Machine, a.AWS, orgs)
	a.Readiness = readiness.New(a.DB.Accounts(), a.Machine, a.AWS, a.Clock)
	a.Reconcile = scheduler.NewReconciler(scheduler.Config{Accounts: a.DB.Accounts(), Sessions: a.Sessions, Runs: a.DB.Cleanings(), Pool: pool,
		Machine: a.Machine, Assign: a.Assign, Follow: a.Follow, Inspector: asynq.NewInspectorFromRedisClient(a.Redis), Orgs: c.Organizations, Clock: a.Clock,
		Pools: a.Bookings.Pools, Targets: a.DB.PoolTargets().All, Demand: a.Bookings.Demand, Events: a.Events.Republish,
		Stuck: c.Timing.StuckAfter, StuckRun: c.Timing.StuckRunAfter,
		Refresh: c.Timing.ReadinessRefresh, UserMaxAge: c.Timing.UserMaxAge, SyncEvery: c.Timing.SyncEvery, RefillEvery: c.Timing.RefillEvery, MatchEvery: c.Timing.MatchEvery, RescueEvery: c.Timing.SweepEvery})
	return nil
}

// telling makes what tells others of what happens.
func (a *App) telling() {
	a.Webhooks = webhook.New(webhook.Config{Webhooks: a.DB.Webhooks(), Deliveries: a.DB.Deliveries(), Sealer: a.Sealer, Clock: a.Clock, NewID: uuid.NewString,
		Enqueue: func(ctx context.Context, delivery string, attempt int, at time.Time) error {
			return a.Follow.Enqueue(ctx, tasks.NewDeliver(delivery, attempt, at))
		},
		Targets: webhook.Targets{Private: a.Config.Webhooks.AllowPrivate},
		Observe: func(now fleet.DeliveryState) { a.Metrics.Delivery(string(now)) }})
	a.Events = events.New(events.Config{Log: a.DB.Activity(), Stream: redis.NewEventStream(a.Redis), Sessions: a.DB.Sessions(), Clock: a.Clock, Deliver: a.Webhooks.Deliver,
		Failed: func(err error) { a.Log.Warn().Err(err).Msg("events are not told yet; the tick will") }})
	a.Sessions = &events.Sessions{Sessions: a.DB.Sessions(), Clock: a.Clock, Tell: a.Events.Session}
}

func (a *App) booking(pool fleet.Pool) {
	times := a.Config.Booking
	a.Bookings = booking.New(booking.Config{Calendars: a.DB.Calendars(), Accounts: a.DB.Accounts(), Sessions: a.DB.Sessions(), Cleanings: a.DB.Cleanings(),
		LabTypes: a.LabTypes, Statuses: a.DB.LabTypes(), Pool: pool, Machine: a.Machine, Clock: a.Clock, NewID: uuid.NewString,
		Lead: times.Lead, Turn: times.Turn, NoShow: times.NoShow, Warm: times.WarmAhead,
		Request: func(ctx context.Context, l booking.Lab) error {
			_, err := a.Assign.Request(ctx, assign.Request{RequestID: l.RequestID, LabType: l.LabType, Student: l.Student, Owner: l.Owner, Booking: l.Booking,
				Purpose: l.Purpose, Duration: l.Duration, Patience: l.Patience})
			return err
		},
		EndLab: func(ctx context.Context, session, reason string) error { return a.Assign.End(ctx, session, reason) },
		Tell: func(ctx context.Context, e fleet.Event) error {
			err := a.Events.Tell(ctx, e)
			if err != nil {
				a.Log.Warn().Err(err).Str("booking", e.Booking).Msg("a change of a booking is not told yet; the tick will")
			}
			return err
		}})
}

// tell tells an event once, as well as it goes: its record is elsewhere.
func (a *App) tell(ctx context.Context, e fleet.Event) {
	if err := a.Events.Tell(ctx, e); err != nil {
		a.Log.Warn().Err(err).Str("event", e.ID).Msg("an event was not told")
	}
}

func (a *App) cleaning(orgs map[string]fleet.Organization) error {
	registry, err := kinds.Registry()
	if err != nil {
		return err
	}
	t, c := a.Config.Timing, a.Config.Cleanup
	a.Cleanup = cleanup.New(cleanup.Config{Accounts: a.DB.Accounts(), Runs: a.DB.Cleanings(), Machine: a.Machine, AWS: a.AWS, Users: a.Identity,
		Settings: settings.New(), Failures: a.Failsafe, Registry: registry, LabTypes: a.LabTypes, Orgs: orgs, Clock: a.Clock, Follow: a.Follow.Run,
		Phase: a.Metrics.Phase, Cleaned: a.Metrics.Cleaned,
		Settle: t.Settle, SettleMax: t.SettleMax, SettlePoll: t.SettlePoll, Rounds: c.Rounds, Backoff: c.RoundBackoff})
	return nil
}
