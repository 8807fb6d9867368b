package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

// run runs clocks until the returned function stops them.
func run(t *testing.T, clocks ...*scheduler.Clock) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, c := range clocks {
		wg.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

// Three schedulers, two of them a little late, one Redis, and a worker that
// finishes ticks at once: each planned tick is enqueued and done exactly once.
func TestEachTickOnce(t *testing.T) {
	t.Parallel()
	r := newRedis(t)
	const seconds = 12
	start := time.Now().Truncate(time.Minute)
	var mu sync.Mutex
	enqueued, done := map[string]int{}, map[string]int{}
	finished := make(chan string, 100)
	server := asynq.NewServerFromRedisClient(r, asynq.Config{Concurrency: 4, Queues: tasks.CriticalQueues, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel})
	must(t, server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		p, err := tasks.Decode[tasks.Tick](task)
		finished <- fmt.Sprint(task.Type(), " ", p.At.Sub(start))
		return err
	})))
	t.Cleanup(server.Shutdown)
	var clocks []*scheduler.Clock
	var fakes []*clock.Fake
	for n := range 3 {
		fake := clock.NewFake(start.Add(time.Duration(n) * 100 * time.Millisecond))
		fakes = append(fakes, fake)
		clocks = append(clocks, &scheduler.Clock{Client: asynq.NewClientFromRedisClient(r), Clock: fake, Log: zerolog.Nop(),
			Ticks: []scheduler.Tick{{Name: "a", Every: time.Second}, {Name: "b", Every: 3 * time.Second}},
			Enqueued: func(name string, at time.Time) {
				mu.Lock()
				defer mu.Unlock()
				enqueued[fmt.Sprint(tasks.KindTick, name, " ", at.Sub(start))]++
			}})
	}
	stop := run(t, clocks...)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	const ticks = seconds + seconds/3
	for range seconds * 2 {
		for _, f := range fakes {
			must(t, f.BlockUntilContext(ctx, 1))
			f.Advance(500 * time.Millisecond)
		}
	}
	for range ticks {
		select {
		case id := <-finished:
			done[id]++
		case <-ctx.Done():
			t.Fatalf("only %v are done", done)
		}
	}
	for _, f := range fakes {
		must(t, f.BlockUntilContext(ctx, 1))
	}
	stop()
	for at := time.Second; at <= seconds*time.Second; at += time.Second {
		ids := []string{fmt.Sprint("tick:a ", at)}
		if at%(3*time.Second) == 0 {
			ids = append(ids, fmt.Sprint("tick:b ", at))
		}
		for _, id := range ids {
			if enqueued[id] != 1 || done[id] != 1 {
				t.Errorf("%s was enqueued %d times, done %d times", id, enqueued[id], done[id])
			}
		}
	}
	if len(enqueued) != ticks {
		t.Errorf("enqueued: %v", enqueued)
	}
	// Stopped is stopped.
	for _, f := range fakes {
		f.Advance(time.Minute)
	}
	if len(enqueued) != ticks || len(finished) > 0 {
		t.Error("a stopped scheduler enqueues")
	}
}

// client is a Redis that does not answer for a while.
type client struct {
	err   error
	asked chan string
}

func (c client) EnqueueContext(_ context.Context, task *asynq.Task, _ ...asynq.Option) (*asynq.TaskInfo, error) {
	c.asked <- task.Type()
	return nil, c.err
}

func TestClockOutlivesRedis(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Now().Truncate(time.Minute))
	c := client{errors.New("connection refused"), make(chan string)}
	run(t, &scheduler.Clock{Client: c, Clock: fake, Ticks: []scheduler.Tick{{Name: "a", Every: time.Second}}, Log: zerolog.Nop()})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 3 {
		must(t, fake.BlockUntilContext(ctx, 1))
		fake.Advance(time.Second)
		<-c.asked
	}
	// After a pause one tick is as good as sixty.
	must(t, fake.BlockUntilContext(ctx, 1))
	fake.Advance(time.Minute)
	<-c.asked
	must(t, fake.BlockUntilContext(ctx, 1))
	select {
	case <-c.asked:
		t.Error("missed ticks are made up for")
	default:
	}
}

func TestClockRefusesAPeriodOfZero(t *testing.T) {
	t.Parallel()
	if err := (&scheduler.Clock{Ticks: []scheduler.Tick{{Name: "a"}}}).Run(context.Background()); err == nil {
		t.Error("no error")
	}
}

func TestEveryTickHasItsWork(t *testing.T) {
	t.Parallel()
	r := scheduler.NewReconciler(scheduler.Config{})
	work := r.Tickers()
	for _, tick := range r.Ticks() {
		if work[tick.Name] == nil || tick.Every < time.Second {
			t.Errorf("tick %s: every %v", tick.Name, tick.Every)
		}
		delete(work, tick.Name)
	}
	if len(work) > 0 {
		t.Errorf("never done: %v", work)
	}
}
