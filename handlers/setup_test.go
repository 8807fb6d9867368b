package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/handlers"
	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/tasks"
)

const (
	wait    = 20 * time.Second
	account = "000000000001"
)

// fake is all services; each call goes to do.
type fake struct {
	mu     sync.Mutex
	do     func(ctx context.Context, call string) error
	failed func(cause error) error
	calls  map[string]int
	told   chan string // every call, and "failed" for what was counted
	causes []error
}

func (f *fake) call(ctx context.Context, name string) error {
	f.mu.Lock()
	f.calls[name]++
	do := f.do
	f.mu.Unlock()
	var err error
	if do != nil {
		err = do(ctx, name)
	}
	f.told <- name
	return err
}

func (f *fake) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

func (f *fake) Accept(ctx context.Context, r assign.Request) (*fleet.Session, error) {
	s := &fleet.Session{ID: "s1", State: fleet.SessionWaiting, Purpose: fleet.Production, NotBefore: r.NotBefore}
	if r.NotBefore.After(time.Now()) {
		s.State = fleet.SessionScheduled
	}
	if !r.Queued || r.Booking == "" != (r.Priority == 0) {
		return nil, fmt.Errorf("request as it came: %+v", r)
	}
	return s, f.call(ctx, "accept")
}
func (f *fake) Refuse(ctx context.Context, r assign.Request, _ error) (*fleet.Session, error) {
	return &fleet.Session{}, f.call(ctx, "refuse "+r.RequestID)
}
func (f *fake) Match(ctx context.Context, p fleet.PoolName) (int, error) {
	if p == "" {
		return 0, errors.New("no pool")
	}
	return 0, f.call(ctx, "match")
}
func (f *fake) Start(ctx context.Context, id string) (*fleet.Session, error) {
	return &fleet.Session{ID: id, State: fleet.SessionWaiting, Purpose: fleet.Production}, f.call(ctx, "start")
}
func (f *fake) HandOut(ctx context.Context, _ string, _ int64) error { return f.call(ctx, "handout") }
func (f *fake) Expire(ctx context.Context, _ string) error           { return f.call(ctx, "expire") }
func (f *fake) Create(ctx context.Context, _ string, _ int64) error  { return f.call(ctx, "create") }
func (f *fake) Begin(ctx context.Context, _ string, _ int64) error   { return f.call(ctx, "begin") }
func (f *fake) Sweep(ctx context.Context, _ tasks.Unit) error        { return f.call(ctx, "sweep") }
func (f *fake) Verify(ctx context.Context, _ tasks.Unit) error       { return f.call(ctx, "verify") }
func (f *fake) Settle(ctx context.Context, _ string) error           { return f.call(ctx, "settle") }
func (f *fake) DeleteUser(ctx context.Context, _ string) error       { return f.call(ctx, "unuser") }
func (f *fake) Reset(ctx context.Context, _ string, _ int64) error   { return f.call(ctx, "reset") }
func (f *fake) Sync(ctx context.Context, _ string) error             { return f.call(ctx, "sync") }
func (f *fake) Check(ctx context.Context, _ string, _ int64) error   { return f.call(ctx, "check") }
func (f *fake) StepFailed(ctx context.Context, _ string, _ int64, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	f.causes = append(f.causes, cause)
	failed := f.failed
	f.mu.Unlock()
	var err error
	if failed != nil {
		err = failed(cause)
	}
	f.told <- "failed"
	return err
}

// bundle is a worker on a real Redis with fake services.
type bundle struct {
	*fake
	redis   goredis.UniversalClient
	client  *asynq.Client
	inspect *asynq.Inspector
	ended   chan error // of every task, as asynq was told
	stop    func()     // cancels what runs, as SIGTERM does
}

func setup(t *testing.T, do func(ctx context.Context, call string) error) *bundle {
	t.Helper()
	store, err := redisdev.Start(context.Background(), redisdev.Config{})
	must(t, err)
	r := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() { must(t, errors.Join(r.Close(), store.Close())) })
	b := &bundle{fake: &fake{do: do, calls: map[string]int{}, told: make(chan string, 1000)}, redis: r,
		client: asynq.NewClientFromRedisClient(r), inspect: asynq.NewInspectorFromRedisClient(r), ended: make(chan error, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	tick := func(ctx context.Context, _ time.Time) error { return b.call(ctx, "tick") }
	mux := handlers.Mux(handlers.Services{Assign: b, Users: b, Cleaner: b, Sync: b.fake, Readiness: b, Failures: b, Webhooks: b,
		Tickers: map[string]handlers.Ticker{"test": tick}, Log: zerolog.Nop(),
		Enqueue: func(ctx context.Context, ts ...*asynq.Task) error { return b.call(ctx, "enqueue "+ts[0].Type()) },
		Observe: func(_ string, _ time.Duration, err error) { b.ended <- err }})
	for _, queues := range []map[string]int{tasks.CriticalQueues, tasks.BulkQueues} {
		s := asynq.NewServerFromRedisClient(r, asynq.Config{Concurrency: 4, Queues: queues, BaseContext: func() context.Context { return ctx },
			TaskCheckInterval: 5 * time.Millisecond, DelayedTaskCheckInterval: 20 * time.Millisecond, ShutdownTimeout: time.Second,
			IsFailure: handlers.IsFailure, RetryDelayFunc: handlers.RetryDelay, LogLevel: asynq.FatalLevel})
		must(t, s.Start(mux))
		t.Cleanup(s.Shutdown)
	}
	t.Cleanup(cancel)
	return b
}

func (b *bundle) enqueue(t *testing.T, task *asynq.Task) {
	t.Helper()
	_, err := b.client.EnqueueContext(context.Background(), task)
	must(t, err)
}

// next waits for the next call.
func (b *bundle) next(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-b.told:
		if got != want {
			t.Fatalf("%s was called, want %s", got, want)
		}
	case <-time.After(wait):
		t.Fatalf("no %s", want)
	}
}

func (b *bundle) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-b.ended:
		return err
	case <-time.After(wait):
		t.Fatal("no task ended")
		return nil
	}
}

// state waits until asynq has written what it was told: the task is in one of
// the states, or nil if it is gone.
func (b *bundle) state(t *testing.T, task *asynq.Task, ok func(*asynq.TaskInfo) bool) *asynq.TaskInfo {
	t.Helper()
	for stop := time.Now().Add(wait); ; {
		info, err := b.inspect.GetTaskInfo(tasks.QueueOf(task.Type()), tasks.IDOf(task))
		if errors.Is(err, asynq.ErrTaskNotFound) {
			info, err = nil, nil
		}
		must(t, err)
		if ok(info) {
			return info
		}
		if time.Now().After(stop) {
			t.Fatalf("task is %+v", info)
		}
		time.Sleep(2 * time.Millisecond) // asynq gives no signal for what it writes
	}
}

func gone(i *asynq.TaskInfo) bool  { return i == nil }
func retry(i *asynq.TaskInfo) bool { return i != nil && i.State == asynq.TaskStateRetry }

func step(state fleet.State) *asynq.Task {
	return tasks.ForAccount(&fleet.Account{ID: account, State: state, Epoch: 2})
}

func runStep(phase fleet.CleaningPhase) *asynq.Task {
	return tasks.ForRun(&fleet.CleaningRun{ID: account + "/2", AccountID: account, Epoch: 2, Phase: phase, Round: 1, Regions: []string{"us-east-1"},
		Plan: []fleet.PlannedWave{{Services: []fleet.PlannedService{{Service: "ec2"}}}}})[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
