package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

var driven = []fleet.State{fleet.UserCreating, fleet.Assigning, fleet.AssigningFailed, fleet.Cleanup, fleet.UserDeleted}

func session(a *fleet.Account) {
	if a.State == fleet.Assigning {
		a.SessionID = "s1"
	}
}

// The task of a state was lost (here: Redis was flushed): it is enqueued again,
// nothing is written. While it is known, nothing happens at all.
func TestRescueOfALostTask(t *testing.T) {
	t.Parallel()
	for _, state := range driven {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			a := b.in(t, 1, state, session)
			task := tasks.ForAccount(a)
			b.tick(t, scheduler.TickRescue)
			b.wantQueued(t) // not stuck yet
			b.clock.Advance(11 * time.Second)
			for range 3 {
				b.tick(t, scheduler.TickRescue)
				b.wantQueued(t, task)
			}
			b.flush(t)
			b.tick(t, scheduler.TickRescue)
			b.wantQueued(t, task)
			if now := b.get(t, a.ID); now.Version != a.Version {
				t.Fatal("the rescue wrote an account whose step may be at work")
			}
		})
	}
	t.Run("at rest", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		for n, state := range []fleet.State{fleet.Loaded, fleet.UserCreated, fleet.Failed, fleet.Draining} {
			b.in(t, n, state, nil)
		}
		b.clock.Advance(time.Hour)
		b.tick(t, scheduler.TickRescue)
		b.wantQueued(t)
	})
}

// Somebody archived the task by hand: its id is taken for good, so the attempt
// is raised.
func TestRescueOfAnArchivedTask(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	a := b.in(t, 1, fleet.Cleanup, nil)
	task := tasks.ForAccount(a)
	must(t, b.follow.Enqueue(b.ctx, task))
	must(t, b.inspect.ArchiveTask(tasks.QueueFreeze, tasks.IDOf(task)))
	b.clock.Advance(11 * time.Second)
	b.tick(t, scheduler.TickRescue)
	now := b.get(t, a.ID)
	if now.Attempts != 1 {
		t.Fatalf("%d attempts", now.Attempts)
	}
	b.wantQueued(t, tasks.ForAccount(now))
}

// inspector is asynq's view of a task whose worker is alive or not.
type inspector struct {
	scheduler.Inspector
	servers func() []*asynq.ServerInfo
}

func (i inspector) GetTaskInfo(queue, id string) (*asynq.TaskInfo, error) {
	info, err := i.Inspector.GetTaskInfo(queue, id)
	if info != nil {
		info.State = asynq.TaskStateActive
	}
	return info, err
}

func (i inspector) Servers() ([]*asynq.ServerInfo, error) { return i.servers(), nil }

// A task is active. Only when no living worker reports it, at two looks, is its
// attempt raised.
func TestRescueOfADeadWorkersTask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reported []bool // at each look
		dead     bool
	}{"alive": {[]bool{true}, false}, "just begun": {[]bool{false, true}, false}, "dead": {[]bool{false, false}, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looks := 0
			var a *fleet.Account
			b := setup(t, func(c2 *scheduler.Config) {
				c2.Inspector = inspector{c2.Inspector, func() []*asynq.ServerInfo {
					looks++
					if looks > len(c.reported) || !c.reported[looks-1] {
						return nil
					}
					return []*asynq.ServerInfo{{ActiveWorkers: []*asynq.WorkerInfo{{TaskID: tasks.IDOf(tasks.ForAccount(a))}}}}
				}}
			})
			a = b.in(t, 1, fleet.Assigning, session)
			must(t, b.follow.Enqueue(b.ctx, tasks.ForAccount(a)))
			b.clock.Advance(11 * time.Second)
			done := make(chan error)
			go func() { done <- b.Tickers()[scheduler.TickRescue](b.ctx, b.clock.Now()) }()
			if len(c.reported) > 1 {
				must(t, b.clock.BlockUntilContext(b.ctx, 1))
				b.clock.Advance(6 * time.Second)
			}
			must(t, <-done)
			now := b.get(t, a.ID)
			if dead := now.Attempts == 1; dead != c.dead || looks != len(c.reported) {
				t.Fatalf("%d attempts after %d looks", now.Attempts, looks)
			}
			if c.dead {
				b.wantQueued(t, tasks.ForAccount(a), tasks.ForAccount(now))
			}
		})
	}
}

// A living worker of asynq reports what it runs in time: its step is left alone.
func TestRescueLeavesALivingWorkerAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *scheduler.Config) { c.Clock = realClock })
	a := b.in(t, 1, fleet.Assigning, func(a *fleet.Account) { a.SessionID, a.Since = "s1", time.Now().Add(-time.Minute) })
	started, end := make(chan struct{}), make(chan struct{})
	server := asynq.NewServerFromRedisClient(b.redis, asynq.Config{Concurrency: 1, Queues: tasks.CriticalQueues, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel})
	must(t, server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { close(started); <-end; return nil })))
	t.Cleanup(server.Shutdown)
	t.Cleanup(func() { close(end) })
	must(t, b.follow.Enqueue(b.ctx, tasks.ForAccount(a)))
	<-started
	b.tick(t, scheduler.TickRescue)
	if now := b.get(t, a.ID); now.Version != a.Version {
		t.Fatalf("the rescue disturbed a step at work: %d attempts", now.Attempts)
	}
}

func cleaning(phase fleet.CleaningPhase) *fleet.CleaningRun {
	return &fleet.CleaningRun{ID: "000000000001/3", AccountID: "000000000001", Org: "o", Epoch: 3, Version: 1, Phase: phase, Round: 1,
		Regions: []string{"us-east-1", "eu-west-1"}, Plan: []fleet.PlannedWave{{Services: []fleet.PlannedService{{Service: "ec2", Kinds: []string{"ec2.instance"}}}}}}
}

// A cleaning run in any phase whose tasks were lost gets them again; the
// account's rescue and the run's do not both work on it.
func TestRescueOfACleaningRun(t *testing.T) {
	t.Parallel()
	for _, phase := range []fleet.CleaningPhase{fleet.PhaseFreeze, fleet.PhasePlan, fleet.PhaseSweep, fleet.PhaseVerify, fleet.PhaseSettle, fleet.PhaseUser} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			a := b.in(t, 1, fleet.Cleanup, nil)
			r := cleaning(phase)
			must(t, b.db.Cleanings().Insert(b.ctx, r))
			want := tasks.ForRun(r)
			if len(want) == 0 {
				want = []*asynq.Task{tasks.ForAccount(a)}
			}
			b.clock.Advance(time.Minute)
			for range 2 {
				b.tick(t, scheduler.TickRescue)
				b.tick(t, scheduler.TickRuns)
				b.wantQueued(t, want...)
			}
			if now, err := b.db.Cleanings().Get(b.ctx, r.ID); err != nil || now.Version != r.Version {
				t.Fatalf("the run was written: %+v, %v", now, err)
			}
		})
	}
}

// The worker that completed the last unit died before it moved the run on.
func TestRescueOfARunWhoseLastWriterDied(t *testing.T) {
	t.Parallel()
	for _, phase := range []fleet.CleaningPhase{fleet.PhaseSweep, fleet.PhaseVerify} {
		b := setup(t, nil)
		b.in(t, 1, fleet.Cleanup, nil)
		r := cleaning(phase)
		must(t, b.db.Cleanings().Insert(b.ctx, r))
		for _, u := range fleet.Units(r) {
			now, err := b.db.Cleanings().CompleteUnit(b.ctx, r.ID, u.Key(), fleet.UnitResult{Verdict: fleet.Clean})
			must(t, err)
			r = now
		}
		b.clock.Advance(time.Minute)
		b.tick(t, scheduler.TickRuns)
		want := tasks.ForRun(r)
		if len(want) != 1 {
			t.Fatalf("%s: %d tasks", phase, len(want))
		}
		b.wantQueued(t, want...)
	}
}

// A run whose account went another way is closed, with or without a reason.
func TestRunsOfOtherEpochsAreClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state fleet.State
		epoch int64
		fine  bool
	}{"at rest": {fleet.Loaded, 3, true}, "given up": {fleet.Failed, 3, false}, "cleaned anew": {fleet.Cleanup, 4, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			b.in(t, 1, c.state, func(a *fleet.Account) { a.Epoch = c.epoch })
			r := cleaning(fleet.PhaseReset)
			must(t, b.db.Cleanings().Insert(b.ctx, r))
			b.clock.Advance(time.Minute)
			b.tick(t, scheduler.TickRuns)
			now, err := b.db.Cleanings().Get(b.ctx, r.ID)
			must(t, err)
			if now.Phase != fleet.PhaseDone || (now.Error == "") != c.fine {
				t.Fatalf("run is %s: %s", now.Phase, now.Error)
			}
			b.wantQueued(t)
		})
	}
}

func (b *bundle) newSession(t *testing.T, id string, change func(*fleet.Session)) {
	t.Helper()
	now := b.clock.Now()
	s := &fleet.Session{ID: id, RequestID: id, LabType: labName, Purpose: fleet.Production, State: fleet.SessionWaiting, Version: 1,
		RequestedAt: now, WaitUntil: now.Add(time.Hour)}
	change(s)
	must(t, b.db.Sessions().Insert(b.ctx, s))
}

// What the expiry tasks would have done, and what a dead matcher left.
func TestSessionsSweeper(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	now := b.clock.Now()
	b.in(t, 1, fleet.InUse, func(a *fleet.Account) { a.SessionID, a.EndsAt = "over", now })
	b.in(t, 2, fleet.InUse, func(a *fleet.Account) { a.SessionID, a.EndsAt = "running", now.Add(time.Hour) })
	b.in(t, 3, fleet.InUse, func(a *fleet.Account) { a.SessionID, a.EndsAt = "ended", now.Add(time.Hour) })
	b.in(t, 4, fleet.InUse, func(a *fleet.Account) { a.SessionID, a.EndsAt = "extended", now.Add(time.Hour) })
	active := func(account string, ends time.Time) func(*fleet.Session) {
		return func(s *fleet.Session) { s.State, s.AccountID, s.EndsAt = fleet.SessionActive, account, ends }
	}
	b.newSession(t, "over", active("000000000001", now))
	b.newSession(t, "running", active("000000000002", now.Add(time.Hour)))
	b.newSession(t, "ended", func(s *fleet.Session) { s.State, s.AccountID = fleet.SessionEnded, "000000000003" })
	b.newSession(t, "extended", active("000000000004", now.Add(2*time.Hour)))
	b.newSession(t, "impatient", func(s *fleet.Session) { s.WaitUntil = now })
	b.newSession(t, "patient", func(*fleet.Session) {})
	b.newSession(t, "lost", func(s *fleet.Session) {
		s.State, s.AccountID, s.AssignedAt = fleet.SessionAssigning, "000000000009", now
	})
	b.clock.Advance(11 * time.Second)
	b.tick(t, scheduler.TickSessions)
	b.tick(t, scheduler.TickHeld)
	for id, want := range map[string]fleet.SessionState{"over": fleet.SessionEnded, "running": fleet.SessionActive, "extended": fleet.SessionActive,
		"impatient": fleet.SessionExpired, "patient": fleet.SessionWaiting, "lost": fleet.SessionWaiting} {
		if s, err := b.db.Sessions().Get(b.ctx, id); err != nil || s.State != want {
			t.Errorf("%s is %v, %v", id, s, err)
		}
	}
	for id, want := range map[string]fleet.State{"000000000001": fleet.Cleanup, "000000000002": fleet.InUse, "000000000003": fleet.Cleanup, "000000000004": fleet.InUse} {
		if a := b.get(t, id); a.State != want {
			t.Errorf("%s is %s", id, a.State)
		}
	}
	if until := b.aws.until["000000000004"]; !until.Equal(now.Add(2 * time.Hour)) {
		t.Errorf("the extension that a crash kept from AWS ends at %v there", until)
	}
	if len(b.aws.until) != 1 {
		t.Errorf("AWS was told of others: %v", b.aws.until)
	}
}

// One that cannot be mended does not keep the others from it.
func TestOneFailureDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	now := b.clock.Now()
	for _, id := range []string{"a", "b"} { // their accounts are not known
		b.newSession(t, id, func(s *fleet.Session) { s.State, s.AccountID, s.EndsAt = fleet.SessionActive, "000000000077", now })
	}
	b.newSession(t, "impatient", func(s *fleet.Session) { s.WaitUntil = now })
	if err := b.Tickers()[scheduler.TickSessions](b.ctx, now); !errors.Is(err, fleet.ErrNotFound) {
		t.Fatalf("error is %v", err)
	}
	if s, err := b.db.Sessions().Get(b.ctx, "impatient"); err != nil || s.State != fleet.SessionExpired {
		t.Fatalf("%v, %v", s, err)
	}
}

// An account that failed before it was frozen goes on being frozen, until that
// worked or the end that AWS enforces has come.
func TestFreezingOfFailedAccounts(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	now := b.clock.Now().UTC()
	open := func(a *fleet.Account) { a.User, a.EndsAt = &fleet.User{Name: "u"}, now.Add(time.Hour) }
	unfrozen := b.in(t, 1, fleet.Failed, open)
	b.in(t, 2, fleet.Failed, func(a *fleet.Account) { a.User, a.EndsAt = &fleet.User{Name: "u"}, now.Add(-time.Second) })
	b.in(t, 3, fleet.Failed, nil)
	frozen := b.in(t, 4, fleet.Failed, open)
	must(t, b.db.Cleanings().Insert(b.ctx, &fleet.CleaningRun{ID: "r4", AccountID: frozen.ID, Epoch: frozen.Epoch, Version: 1, Phase: fleet.PhaseDone,
		StartedAt: now, FrozenAt: now}))
	b.tick(t, scheduler.TickUnfrozen)
	b.wantQueued(t, tasks.NewFreezeFailed(unfrozen, now))
}
