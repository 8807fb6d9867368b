package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/handlers"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Every kind reaches its service.
func TestEveryKindIsHandled(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	request, err := tasks.NewAssign(tasks.Assign{RequestID: "r", LabType: "l", Student: "s", Duration: time.Hour})
	must(t, err)
	for _, c := range []struct {
		task  *asynq.Task
		calls []string
	}{
		{request, []string{"accept", "match"}}, {tasks.NewMatch(fleet.Production.Pool(), time.Now()), []string{"match"}},
		{tasks.NewStart("s1", time.Now()), []string{"start", "match"}}, {tasks.NewExpire("s1", time.Now(), 0), []string{"expire"}}, {step(fleet.Assigning), []string{"handout"}},
		{step(fleet.UserCreating), []string{"create"}}, {step(fleet.Cleanup), []string{"begin"}}, {step(fleet.UserDeleted), []string{"reset"}},
		{runStep(fleet.PhaseSweep), []string{"sweep"}}, {runStep(fleet.PhaseVerify), []string{"verify"}},
		{runStep(fleet.PhaseSettle), []string{"settle"}}, {runStep(fleet.PhaseUser), []string{"unuser"}},
		{tasks.NewSync("org", time.Now()), []string{"sync"}}, {tasks.NewReadiness(&fleet.Account{ID: account}), []string{"check"}},
		{tasks.NewTick("test", time.Now(), time.Second), []string{"tick"}},
	} {
		b.enqueue(t, c.task)
		for _, call := range c.calls {
			b.next(t, call)
		}
		if err := b.end(t); err != nil {
			t.Errorf("%s: %v", c.task.Type(), err)
		}
	}
}

// A snooze comes back after its delay, as often as it likes, and uses up nothing.
func TestSnoozeIsTriedAgain(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	var at []time.Time
	b := setup(t, func(context.Context, string) error {
		if at = append(at, time.Now()); len(at) < 3 {
			return fmt.Errorf("hand out: %w", fleet.Snooze(delay, "not yet"))
		}
		return nil
	})
	task := step(fleet.Assigning)
	b.enqueue(t, task)
	for n := range 3 {
		b.next(t, "handout")
		if n == 0 {
			if info := b.state(t, task, retry); info.Retried != 0 {
				t.Fatalf("a snooze used up %d retries", info.Retried)
			}
		}
	}
	b.state(t, task, gone)
	for n := 1; n < len(at); n++ {
		// asynq keeps times in whole seconds: up to one of them early.
		if d := at[n].Sub(at[n-1]); d < delay-time.Second || d > delay+wait/2 {
			t.Errorf("try %d came after %v", n, d)
		}
	}
	if len(b.causes) != 0 {
		t.Fatalf("counted as failures: %v", b.causes)
	}
}

// A failure is counted in the document, which makes the next task: this one is done.
func TestFailedStepIsCounted(t *testing.T) {
	t.Parallel()
	cause := errors.New("CreateUser: ServiceFailure")
	b := setup(t, func(context.Context, string) error { return cause })
	next := tasks.ForAccount(&fleet.Account{ID: account, State: fleet.UserCreating, Epoch: 2, Attempts: 1})
	b.failed = func(error) error { // as failsafe's write makes the follower do
		_, err := b.client.Enqueue(next, asynq.ProcessIn(time.Hour))
		return err
	}
	task := step(fleet.UserCreating)
	b.enqueue(t, task)
	b.next(t, "create")
	b.next(t, "failed")
	b.state(t, task, gone)
	if !errors.Is(b.causes[0], cause) {
		t.Fatalf("counted %v", b.causes[0])
	}
	b.state(t, next, func(i *asynq.TaskInfo) bool { return i != nil && i.State == asynq.TaskStateScheduled })
}

// What cannot be written down is not forgotten: the step is done again, even if
// it failed for good.
func TestFailureThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	var counts atomic.Int64
	b := setup(t, func(context.Context, string) error { return fleet.Permanent(errors.New("no such role"), "make it") })
	b.failed = func(error) error {
		if counts.Add(1) == 1 {
			return errors.New("MongoDB does not answer")
		}
		return nil
	}
	task := step(fleet.UserCreating)
	b.enqueue(t, task)
	for range 2 {
		b.next(t, "create")
		b.next(t, "failed")
	}
	b.state(t, task, gone)
}

// Permanent: recorded first, then gone, neither retried nor archived.
func TestPermanentIsRecordedThenRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ context.Context, call string) error {
		if call == "accept" {
			return fmt.Errorf("%w: ec2-basics", fleet.ErrLabTypeOff)
		}
		if call == "create" {
			return fleet.Permanent(errors.New("user exists and is not ours"), "clean the account")
		}
		return nil
	})
	user := step(fleet.UserCreating)
	b.enqueue(t, user)
	b.next(t, "create")
	b.next(t, "failed")
	b.state(t, user, gone)
	request, err := tasks.NewAssign(tasks.Assign{RequestID: "r1", LabType: "l", Student: "s", Duration: time.Hour})
	must(t, err)
	b.enqueue(t, request)
	b.next(t, "accept")
	b.next(t, "refuse r1")
	b.state(t, request, gone)
	// A payload that only tasks.NewAssign would have refused is recorded too.
	b.enqueue(t, asynq.NewTask(tasks.KindAssign, []byte(`{"request_id":"r2","lab_type":"l","student":"s"}`), asynq.Queue(tasks.QueueCritical)))
	b.next(t, "refuse r2")
	// And one that nobody can read is dropped.
	garbled := asynq.NewTask(tasks.KindAssign, []byte(`{`), asynq.Queue(tasks.QueueCritical), asynq.MaxRetry(5))
	for range 3 {
		b.end(t)
	}
	b.enqueue(t, garbled)
	if err := b.end(t); !errors.Is(err, asynq.RevokeTask) {
		t.Fatalf("asynq was told %v", err)
	}
	for q := range tasks.CriticalQueues {
		if archived, err := b.inspect.ListArchivedTasks(q); len(archived) > 0 && err == nil {
			t.Errorf("archived in %s: %v", q, archived)
		}
	}
}

// A step whose own time ran out has failed: a key that never works is no
// shutdown. So has one that panics.
func TestTimeoutAndPanicAreFailures(t *testing.T) {
	t.Parallel()
	b := setup(t, func(ctx context.Context, call string) error {
		if call == "create" {
			panic("nil map")
		}
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		<-ctx.Done()
		return fmt.Errorf("the key does not work yet: %w", ctx.Err())
	})
	b.enqueue(t, step(fleet.Assigning))
	b.next(t, "handout")
	b.next(t, "failed")
	if !errors.Is(b.causes[0], context.DeadlineExceeded) {
		t.Fatalf("counted %v", b.causes[0])
	}
	b.enqueue(t, step(fleet.UserCreating))
	b.next(t, "failed")
}

// The handler's time ends before asynq's, so that the failure is still counted.
func TestHandlerEndsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	b := setup(t, func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	})
	task := step(fleet.Assigning)
	_, err := b.client.Enqueue(task, asynq.Timeout(7*time.Second))
	must(t, err)
	b.next(t, "handout")
	b.next(t, "failed")
	b.state(t, task, gone)
}

// SIGTERM: what runs is cancelled, ends within a second, is no failure, and is
// given back.
func TestShutdownIsNoFailure(t *testing.T) {
	t.Parallel()
	started := make(chan time.Time, 10)
	b := setup(t, func(ctx context.Context, _ string) error {
		started <- time.Now()
		<-ctx.Done()
		return fmt.Errorf("CreateUser: %w", ctx.Err())
	})
	all := []*asynq.Task{step(fleet.Assigning), step(fleet.UserCreating), runStep(fleet.PhaseSettle), runStep(fleet.PhaseSweep)}
	for _, task := range all {
		b.enqueue(t, task)
		<-started
	}
	stopped := time.Now()
	b.stop()
	for range all {
		if err := b.end(t); handlers.IsFailure(err) {
			t.Errorf("a shutdown counts as failure: %v", err)
		}
	}
	if took := time.Since(stopped); took > time.Second {
		t.Errorf("handlers took %v to end", took)
	}
	for _, task := range all {
		if info := b.state(t, task, func(i *asynq.TaskInfo) bool { return i != nil && i.State != asynq.TaskStateActive }); info.Retried != 0 || info.State == asynq.TaskStateArchived {
			t.Errorf("%s is %v after %d retries", task.Type(), info.State, info.Retried)
		}
	}
	if len(b.causes) > 0 {
		t.Errorf("counted: %v", b.causes)
	}
}

// A failed step of a cleaning run is counted and comes back; nobody else would
// bring it.
func TestFailedRunStepComesBack(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	b := setup(t, func(context.Context, string) error {
		if calls.Add(1) == 1 {
			return errors.New("LookupEvents: Throttling")
		}
		return nil
	})
	task := runStep(fleet.PhaseSettle)
	b.enqueue(t, task)
	b.next(t, "settle")
	b.next(t, "failed")
	b.next(t, "settle")
	b.state(t, task, gone)
}

// Fifty units meet the same outage: that is not fifty failures of the account.
func TestUnitsAreCountedOnlyAfterManyTries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		counted bool
	}{"outage": {errors.New("AssumeRole: ServiceUnavailable"), false}, "for good": {fleet.Permanent(fleet.ErrProtected, "look"), true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(context.Context, string) error { return c.err })
			b.enqueue(t, runStep(fleet.PhaseSweep))
			b.next(t, "sweep")
			if err := b.end(t); !errors.Is(err, c.err) || (len(b.causes) > 0) != c.counted {
				t.Fatalf("%v, counted %v", err, b.causes)
			}
		})
	}
}

// A tick that fails is gone: the next one is its next try.
func TestFailedTickIsRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(context.Context, string) error { return fleet.Snooze(time.Hour, "not now") })
	task := tasks.NewTick("test", time.Now(), time.Second)
	b.enqueue(t, task)
	b.next(t, "tick")
	b.state(t, task, gone)
}

// What asynq says by itself about a lost lease or a cancelled task is no failure.
func TestWhatIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, err := range []error{asynq.ErrLeaseExpired, context.Canceled, fmt.Errorf("task: %w", asynq.ErrLeaseExpired)} {
		if handlers.IsFailure(err) {
			t.Errorf("%v counts as failure", err)
		}
	}
	if !handlers.IsFailure(errors.New("boom")) {
		t.Error("an error does not count")
	}
	for n := range 40 {
		if d := handlers.RetryDelay(n, errors.New("boom"), nil); d < time.Second || d > time.Minute {
			t.Errorf("retry %d after %v", n, d)
		}
	}
}

// The bulk server is full of long cleanings: a hand-out and a freeze do not wait.
func TestCriticalIsNotBlocked(t *testing.T) {
	t.Parallel()
	sweeping := make(chan struct{}, 20)
	b := setup(t, func(ctx context.Context, call string) error {
		if call == "sweep" {
			sweeping <- struct{}{}
			<-ctx.Done()
		}
		return ctx.Err()
	})
	for n := range 20 {
		r := fleet.CleaningRun{ID: fmt.Sprint("run", n), AccountID: fmt.Sprint("a", n), Phase: fleet.PhaseSweep, Round: 1, Regions: []string{"us-east-1"},
			Plan: []fleet.PlannedWave{{Services: []fleet.PlannedService{{Service: "ec2"}}}}}
		b.enqueue(t, tasks.ForRun(&r)[0])
	}
	for range 4 { // the bulk server's slots
		select {
		case <-sweeping:
		case <-time.After(wait):
			t.Fatal("the bulk server is not full")
		}
	}
	for _, task := range []*asynq.Task{step(fleet.Assigning), step(fleet.Cleanup), tasks.NewTick("test", time.Now(), time.Second)} {
		b.enqueue(t, task)
	}
	for range 3 {
		if err := b.end(t); err != nil {
			t.Error(err)
		}
	}
	if b.count("handout") != 1 || b.count("begin") != 1 || b.count("tick") != 1 || b.count("sweep") != 4 {
		t.Errorf("calls: %v", b.calls)
	}
	b.stop()
}
