package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/handlers"
	"github.com/kodekloud/kml/internal/asynqlog"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

// shutdownWait is how long tasks may take to end when the worker is told to.
const shutdownWait = 8 * time.Second

// Worker processes tasks until ctx ends: two asynq servers, so that long
// cleanings never fill the slots of hand-outs.
func (a *App) Worker(ctx context.Context) error {
	mux := handlers.Mux(a.handlers())
	// What the tasks run under: cancelled only after fetching has stopped, so that
	// no task is begun just to be cut off.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	critical := a.server(base, tasks.CriticalQueues, a.Config.Worker.Critical)
	bulk := a.server(base, tasks.BulkQueues, a.Config.Worker.Bulk)
	for _, s := range []*asynq.Server{critical, bulk} {
		if err := s.Start(mux); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
	}
	a.Log.Info().Int("critical", a.Config.Worker.Critical).Int("bulk", a.Config.Worker.Bulk).Msg("worker is processing tasks")
	<-ctx.Done()
	// Stop fetching on both before waiting for either.
	critical.Stop()
	bulk.Stop()
	cancel()
	var wg sync.WaitGroup
	wg.Go(critical.Shutdown)
	wg.Go(bulk.Shutdown)
	wg.Wait()
	return nil
}

func (a *App) server(base context.Context, queues map[string]int, slots int) *asynq.Server {
	return asynq.NewServerFromRedisClient(a.Redis, asynq.Config{
		BaseContext: func() context.Context { return base },
		Concurrency: slots, Queues: queues, TaskCheckInterval: tasks.PollEvery, DelayedTaskCheckInterval: tasks.DelayedPollEvery,
		ShutdownTimeout: shutdownWait, IsFailure: handlers.IsFailure, RetryDelayFunc: handlers.RetryDelay,
		Logger: asynqlog.New(a.Log), LogLevel: asynq.WarnLevel,
	})
}

func (a *App) handlers() handlers.Services {
	return handlers.Services{Assign: a.Assign, Users: a.Identity, Cleaner: a.Cleanup, Sync: a.Sync, Readiness: a.Readiness,
		Failures: a.Failsafe, Webhooks: a.Webhooks, Tickers: a.tickers(), Enqueue: a.Follow.Enqueue, Log: a.Log, Observe: a.Metrics.Task}
}

// Scheduler enqueues ticks until ctx ends. Any number may run.
func (a *App) Scheduler(ctx context.Context) error {
	c := &scheduler.Clock{Client: a.Queue, Clock: a.Clock, Ticks: a.ticks(), Log: a.Log,
		Enqueued: func(name string, at time.Time) {
			a.Log.Debug().Str("tick", name).Time("planned", at).Msg("tick enqueued")
		}}
	a.Log.Info().Int("ticks", len(c.Ticks)).Msg("scheduler is enqueueing ticks")
	// The first ticks do not wait for their period: a fleet that starts syncs.
	if err := a.Follow.Enqueue(ctx, tasks.NewTick(scheduler.TickSync, a.Clock.Now().Truncate(time.Second), a.Config.Timing.SyncEvery)); err != nil {
		return fmt.Errorf("first sync: %w", err)
	}
	return c.Run(ctx)
}

// All runs several roles of one process until one fails or ctx ends.
func All(ctx context.Context, roles ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(roles))
	for _, role := range roles {
		go func() {
			errs <- role(ctx)
			cancel()
		}()
	}
	var all []error
	for range roles {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
