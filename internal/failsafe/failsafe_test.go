package failsafe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
)

var (
	t0      = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	errStep = errors.New("CreateUser: Throttling")
)

const labName = "ec2-basics"

// requeuer notes what was sent back to the waiting list.
type requeuer struct {
	err   error
	calls []string
}

func (r *requeuer) Requeue(_ context.Context, session, account, reason string) error {
	r.calls = append(r.calls, session+" "+account)
	if reason == "" {
		return errors.New("no reason was given")
	}
	return r.err
}

type bundle struct {
	*failsafe.Service
	ctx     context.Context
	db      *mongo.DB
	machine *lifecycle.Machine
	clock   *clock.Fake
	queue   *requeuer
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	sim, err := mongosim.Start(mongosim.Config{})
	must(t, err)
	db, err := mongo.Open(ctx, sim.URI(), "kml")
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(db.Close(ctx), sim.Close())); cancel() })
	b := &bundle{ctx: ctx, db: db, clock: clock.NewFake(t0), queue: &requeuer{}}
	b.machine = lifecycle.New(db.Accounts(), db.Activity(), b.clock)
	b.Service = failsafe.New(failsafe.Config{Accounts: db.Accounts(), Machine: b.machine, LabTypes: db.LabTypes(), Log: db.Activity(),
		Requeuer: b.queue, Clock: b.clock, LabTypeLimit: 3})
	return b
}

// in puts an account into a state, as if it had got there.
func (b *bundle) in(t *testing.T, n int, state fleet.State, change func(*fleet.Account)) *fleet.Account {
	t.Helper()
	a := &fleet.Account{ID: fmt.Sprintf("%012d", n), Org: "o", OU: "ou-1", Purpose: fleet.Production, State: state, Version: 1, Epoch: 3, SweptAt: t0, Since: t0}
	if state == fleet.Assigning {
		a.SessionID, a.LabType = fmt.Sprint("s", n), labName
	}
	if change != nil {
		change(a)
	}
	must(t, b.db.Accounts().Insert(b.ctx, a))
	return a
}

func (b *bundle) get(t *testing.T, a *fleet.Account) *fleet.Account {
	t.Helper()
	now, err := b.db.Accounts().Get(b.ctx, a.ID)
	must(t, err)
	return now
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A hand-out is given up sooner than other steps: a student waits, and another
// account may serve.
func TestStepIsTriedAgainWithGrowingDelay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to fleet.State
		tries    int
	}{{fleet.UserCreating, fleet.Cleanup, 10}, {fleet.Assigning, fleet.AssigningFailed, 5}} {
		t.Run(string(c.from), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := b.in(t, 1, c.from, nil)
			for try, delay := 1, time.Second; try < c.tries; try, delay = try+1, min(2*delay, 2*time.Minute) {
				must(t, b.StepFailed(b.ctx, a.ID, a.Epoch, errStep))
				now := b.get(t, a)
				if now.State != c.from || now.Attempts != try || !now.NextTry.Equal(t0.Add(delay)) || now.LastFailure != errStep.Error() {
					t.Fatalf("after failure %d: %+v", try, now)
				}
			}
			must(t, b.StepFailed(b.ctx, a.ID, a.Epoch, errStep))
			now := b.get(t, a)
			if now.State != c.to || now.Failures != 1 || now.Attempts != 0 || !strings.Contains(now.Reason, fmt.Sprintf("%d tries in %s: %v", c.tries, c.from, errStep)) {
				t.Fatalf("given up: %+v", now)
			}
			if c.from == fleet.Assigning {
				return
			}
			// What the old epoch still reports is nobody's failure.
			must(t, b.StepFailed(b.ctx, a.ID, a.Epoch, errStep))
			if late := b.get(t, a); late.Version != now.Version {
				t.Fatalf("a late failure was counted: %+v", late)
			}
		})
	}
}

func TestDelayHasALimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.StepLimit = 1 << 20
	a := b.in(t, 1, fleet.Cleanup, func(a *fleet.Account) { a.Attempts = 100 })
	must(t, b.StepFailed(b.ctx, a.ID, a.Epoch, errStep))
	if now := b.get(t, a); !now.NextTry.Equal(t0.Add(2 * time.Minute)) {
		t.Fatalf("next try at %v", now.NextTry)
	}
}

// A permanent failure gives the step up at once; where the account goes depends
// on where it was, and on how often it failed before.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	permanent := fleet.Permanent(errStep, "look at it")
	for _, c := range []struct {
		from     fleet.State
		failures int
		to       fleet.State
	}{
		{fleet.UserCreating, 0, fleet.Cleanup},
		{fleet.UserCreating, 7, fleet.Failed},
		{fleet.Assigning, 0, fleet.AssigningFailed},
		{fleet.Assigning, 7, fleet.Failed}, // by way of AssigningFailed, which lets go of the session
		{fleet.AssigningFailed, 0, fleet.Failed},
		{fleet.Cleanup, 0, fleet.Failed},
		{fleet.UserDeleted, 0, fleet.Failed},
		{fleet.Loaded, 0, fleet.Loaded}, // no step is under way in the others
		{fleet.UserCreated, 0, fleet.UserCreated},
		{fleet.InUse, 0, fleet.InUse},
		{fleet.Failed, 0, fleet.Failed},
		{fleet.Draining, 0, fleet.Draining},
	} {
		t.Run(fmt.Sprint(c.from, c.failures), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := b.in(t, 1, c.from, func(a *fleet.Account) { a.Failures = c.failures })
			must(t, b.StepFailed(b.ctx, a.ID, a.Epoch, permanent))
			now := b.get(t, a)
			if now.State != c.to {
				t.Fatalf("went to %s, want %s", now.State, c.to)
			}
			if c.to == c.from {
				if now.Version != a.Version {
					t.Fatal("it was written")
				}
				return
			}
			story := now.History[len(now.History)-1]
			if now.Failures != c.failures+1 || !strings.Contains(story.Reason, errStep.Error()) || story.From != c.from && story.From != fleet.AssigningFailed {
				t.Fatalf("%d failures, story %+v", now.Failures, story)
			}
			if requeued := len(b.queue.calls) == 1; requeued != (c.from == fleet.Assigning) {
				t.Fatalf("requeued: %v", b.queue.calls)
			}
		})
	}
}

func TestLabTypeIsSwitchedOffAtTheLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	permanent := fleet.Permanent(errStep, "look at it")
	b.queue.err = errors.New("the session could not be written")
	for n := range 4 { // a failed requeue does not stop the count
		a := b.in(t, n, fleet.Assigning, nil)
		if err := b.StepFailed(b.ctx, a.ID, a.Epoch, permanent); !errors.Is(err, b.queue.err) {
			t.Fatalf("error is %v", err)
		}
		st, err := b.db.LabTypes().Status(b.ctx, labName)
		must(t, err)
		if st.Failures != n+1 || st.Off != (n >= 2) {
			t.Fatalf("after %d failures: %+v", n+1, st)
		}
	}
	must(t, b.SwitchLabType(b.ctx, labName, false, "ann", "policy mended"))
	st, err := b.db.LabTypes().Status(b.ctx, labName)
	must(t, err)
	if st.Off || st.Failures != 0 {
		t.Fatalf("switched on: %+v", st)
	}
	b.clock.Advance(time.Second)
	must(t, b.SwitchLabType(b.ctx, labName, true, "ann", "exam today"))
	entries, err := b.db.Activity().Find(b.ctx, fleet.ActivityQuery{Limit: 100})
	must(t, err)
	var told []string
	for _, e := range entries {
		if e.Kind == "labtype" {
			told = append(told, e.Who+" "+e.To)
		}
	}
	if strings.Join(told, ", ") != "ann off, ann on, failsafe off" && strings.Join(told, ", ") != "ann off, failsafe off, ann on" {
		t.Fatalf("the log tells %v", told)
	}
}

// Two workers report the same failure: whoever comes second is told to look again.
func TestFailureReportedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.in(t, 1, fleet.Cleanup, nil)
	errs := make(chan error)
	for range 8 {
		go func() { errs <- b.StepFailed(b.ctx, a.ID, a.Epoch, errStep) }()
	}
	counted := 0
	for range 8 {
		if err := <-errs; err == nil {
			counted++
		} else if !errors.Is(err, fleet.ErrConflict) {
			t.Error(err)
		}
	}
	now := b.get(t, a)
	if now.State == fleet.Cleanup && now.Attempts != counted || now.State == fleet.Failed && counted < 5 {
		t.Fatalf("%d told counted: %+v", counted, now)
	}
}

// TestTellsSwitches: whoever listens hears that a lab type was switched.
func TestTellsSwitches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var told []fleet.Event
	b.Tell = func(_ context.Context, e fleet.Event) { told = append(told, e) }
	if err := b.SwitchLabType(b.ctx, "x", true, "ada", "it is broken"); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Type != fleet.EventLabType || told[0].LabType != "x" || told[0].State != "off" || told[0].Reason != "it is broken" {
		t.Errorf("told %+v", told)
	}
}
