package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

var class = fleet.BookedPool("b1")

func pools(context.Context) ([]fleet.PoolName, error) { return []fleet.PoolName{class}, nil }

func user(a *fleet.Account) { a.User = &fleet.User{Name: "kml-3"} }

// The tick matches the pools of the open bookings too; bookings that cannot be
// listed keep nobody else waiting.
func TestMatchOfBookings(t *testing.T) {
	t.Parallel()
	broken := errors.New("no answer")
	for name, list := range map[string]func(context.Context) ([]fleet.PoolName, error){"listed": pools,
		"not listed": func(context.Context) ([]fleet.PoolName, error) { return nil, broken }} {
		b := setup(t, func(c *scheduler.Config) { c.Pools = list })
		b.in(t, 1, fleet.UserCreated, user)
		b.in(t, 2, fleet.UserCreated, func(a *fleet.Account) { user(a); a.Booking = "b1" })
		b.wait(t, 1)
		b.newSession(t, "seat", func(s *fleet.Session) { s.Booking = "b1" })
		err := b.Tickers()[scheduler.TickMatch](b.ctx, b.clock.Now())
		seated := b.get(t, "000000000002").SessionID
		if errors.Is(err, broken) != (name == "not listed") || b.get(t, "000000000001").SessionID != "w0" || (seated == "seat") != (name == "listed") {
			t.Errorf("%s: %v, account 2 is for %q", name, err, seated)
		}
	}
}

// A ready account that is held for a booking, or let go again, changes its set,
// and the match of its new pool is due.
func TestFollowerMovesBetweenPools(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	free := &fleet.Account{ID: "000000000001", State: fleet.UserCreated, Purpose: fleet.Production}
	held := free.Clone()
	held.Booking = "b1"
	b.follow.Account(&fleet.Account{State: fleet.UserCreating}, free)
	for _, step := range []struct{ from, to *fleet.Account }{{free, held}, {held, free}} {
		b.flush(t)
		must(t, b.Pool.Add(b.ctx, step.from.PoolName(), free.ID, b.clock.Now()))
		b.follow.Account(step.from, step.to)
		b.wantQueued(t, tasks.NewMatch(step.to.PoolName(), b.clock.Now()))
		for p, want := range map[fleet.PoolName]int{step.from.PoolName(): 0, step.to.PoolName(): 1} {
			if n, err := b.Pool.Size(b.ctx, p); n != want || err != nil {
				t.Errorf("%d in %s, want %d; %v", n, p, want, err)
			}
		}
	}
}

// An account that fails while its lab may be open is frozen at once.
func TestFollowerFreezesWhatFails(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	open := &fleet.Account{ID: "000000000001", State: fleet.Failed, Epoch: 3, EndsAt: b.clock.Now().Add(time.Hour), User: &fleet.User{Name: "u"}}
	over := &fleet.Account{ID: "000000000002", State: fleet.Failed, Epoch: 3, EndsAt: b.clock.Now(), User: &fleet.User{Name: "u"}}
	for range 2 {
		b.follow.Account(&fleet.Account{State: fleet.InUse}, open)
		b.follow.Account(&fleet.Account{State: fleet.InUse}, over)
	}
	b.wantQueued(t, tasks.NewFreezeFailed(open, b.clock.Now()))
}

func TestFollowerOfRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	at := b.clock.Now().Add(time.Hour)
	b.follow.Session(b.ctx, &fleet.Session{ID: "s1", State: fleet.SessionWaiting, Purpose: fleet.Production, Booking: "b1"})
	b.follow.Session(b.ctx, &fleet.Session{ID: "s2", State: fleet.SessionScheduled, NotBefore: at})
	b.follow.Session(b.ctx, &fleet.Session{ID: "s3", State: fleet.SessionEnded})
	b.wantQueued(t, tasks.NewMatch(class, b.clock.Now()), tasks.NewStart("s2", at))
}

// What is set at run time stands in place of the configured target, up and down.
func TestRefillOfATargetSetAtRunTime(t *testing.T) {
	t.Parallel()
	target := fleet.PoolTarget{Org: "o", OU: "ou-1", Warm: 5}
	b := setup(t, func(c *scheduler.Config) {
		c.Targets = func(context.Context) ([]fleet.PoolTarget, error) {
			return []fleet.PoolTarget{{Org: "other", OU: "ou-1", Warm: 9}, target}, nil
		}
	})
	for n := range 10 {
		b.in(t, n, fleet.Loaded, nil)
	}
	b.tick(t, scheduler.TickRefill)
	if got := b.states(t); got[fleet.UserCreating] != 5 {
		t.Fatalf("target 5: %v", got)
	}
	target.Warm = 0
	b.tick(t, scheduler.TickRefill)
	if got := b.states(t); got[fleet.UserCreating] != 5 {
		t.Fatalf("target 0: %v", got)
	}
}

// Warm 3; two wait; the bookings lack four, of whom one waits already. Accounts
// that are held are not the pool's.
func TestRefillForBookings(t *testing.T) {
	t.Parallel()
	lacks := 4
	b := setup(t, func(c *scheduler.Config) {
		c.Pools = pools
		c.Demand = func(context.Context) (map[fleet.Purpose]int, error) {
			return map[fleet.Purpose]int{fleet.Production: lacks}, nil
		}
	})
	for n := range 20 {
		b.in(t, n, fleet.Loaded, nil)
	}
	for n := 20; n < 25; n++ {
		b.in(t, n, fleet.UserCreated, func(a *fleet.Account) { user(a); a.Booking = "b1" })
	}
	b.wait(t, 2)
	b.newSession(t, "seat", func(s *fleet.Session) { s.Booking = "b1" })
	for range 2 {
		b.tick(t, scheduler.TickRefill)
	}
	if got := b.states(t); got[fleet.UserCreating] != 3+2+4 {
		t.Fatalf("%v", got)
	}
	lacks = 0 // the one who waits is there all the same
	b.newSession(t, "seat2", func(s *fleet.Session) { s.Booking = "b1" })
	for n := range 5 {
		b.newSession(t, fmt.Sprint("seat1", n), func(s *fleet.Session) { s.Booking = "b1" })
	}
	b.tick(t, scheduler.TickRefill)
	if got := b.states(t); got[fleet.UserCreating] != 3+2+7 {
		t.Fatalf("%v", got)
	}
}

// What is to be drained leaves as soon as it is free, and is counted for nobody.
func TestRefillDrains(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	drain := func(a *fleet.Account) { a.Drain = "ann: old" }
	rested := b.in(t, 1, fleet.Loaded, drain)
	ready := b.in(t, 2, fleet.UserCreated, func(a *fleet.Account) { drain(a); user(a); a.ReadyAt = b.clock.Now().Add(-time.Hour) })
	failed := b.in(t, 3, fleet.Failed, drain)
	open := b.in(t, 4, fleet.Failed, func(a *fleet.Account) { drain(a); user(a); a.EndsAt = b.clock.Now().Add(time.Hour) })
	busy := b.in(t, 5, fleet.InUse, func(a *fleet.Account) { drain(a); a.SessionID = "s1" })
	b.in(t, 6, fleet.UserCreating, drain)
	for n := 10; n < 20; n++ {
		b.in(t, n, fleet.Loaded, nil)
	}
	b.tick(t, scheduler.TickReadiness)
	b.tick(t, scheduler.TickPool)
	if n, err := b.Pool.Size(b.ctx, fleet.Production.Pool()); n != 0 || err != nil {
		t.Errorf("%d in the pool, %v", n, err)
	}
	b.tick(t, scheduler.TickRefill)
	for _, a := range []*fleet.Account{rested, ready, failed} {
		if now := b.get(t, a.ID); now.State != fleet.Draining || now.Reason != "drained by ann: old" {
			t.Errorf("%s: %s, %s", a.State, now.State, now.Reason)
		}
	}
	for _, a := range []*fleet.Account{open, busy} {
		if now := b.get(t, a.ID); now.State != a.State {
			t.Errorf("%s: %s", a.State, now.State)
		}
	}
	if got := b.states(t); got[fleet.UserCreating] != 3+1 {
		t.Errorf("warm 3: %v", got)
	}
	b.clock.Advance(2 * time.Hour)
	b.tick(t, scheduler.TickRefill)
	if now := b.get(t, open.ID); now.State != fleet.Draining {
		t.Errorf("its end is over, and it is %s", now.State)
	}
}

// The sweeper starts what nobody started, and ends labs whose account was taken
// out under them.
func TestSweeperStartsAndEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	now := b.clock.Now()
	later := func(d time.Duration) func(*fleet.Session) {
		return func(s *fleet.Session) {
			s.State, s.NotBefore, s.WaitUntil = fleet.SessionScheduled, now.Add(d), now.Add(d+time.Hour)
		}
	}
	b.newSession(t, "due", later(time.Second))
	b.newSession(t, "later", later(time.Hour))
	b.in(t, 1, fleet.Failed, func(a *fleet.Account) { a.SessionID, a.Reason = "orphan", "quarantined by ann" })
	b.in(t, 2, fleet.InUse, func(a *fleet.Account) { a.SessionID, a.EndsAt = "new", now.Add(2*time.Hour) }) // in use for a moment
	for n, id := range []string{"orphan", "new"} {
		b.newSession(t, id, func(s *fleet.Session) {
			s.State, s.AccountID, s.EndsAt = fleet.SessionActive, fmt.Sprintf("%012d", n+1), now.Add(2*time.Hour)
		})
	}
	b.clock.Advance(2 * time.Second)
	b.tick(t, scheduler.TickSessions)
	b.tick(t, scheduler.TickHeld)
	for id, want := range map[string]fleet.SessionState{"due": fleet.SessionWaiting, "later": fleet.SessionScheduled, "orphan": fleet.SessionEnded, "new": fleet.SessionActive} {
		s, err := b.db.Sessions().Get(b.ctx, id)
		must(t, err)
		if s.State != want {
			t.Errorf("%s is %s, want %s", id, s.State, want)
		}
	}
}

func TestEventsTick(t *testing.T) {
	t.Parallel()
	broken := errors.New("no answer")
	b := setup(t, func(c *scheduler.Config) { c.Events = func(context.Context) error { return broken } })
	if err := b.Tickers()[scheduler.TickEvents](b.ctx, b.clock.Now()); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	setup(t, nil).tick(t, scheduler.TickEvents)
}
