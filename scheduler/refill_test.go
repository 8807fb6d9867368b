package scheduler_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

var realClock = clock.New()

func (b *bundle) wait(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		b.newSession(t, fmt.Sprint("w", i), func(*fleet.Session) {})
	}
}

func TestRefillKeepsTheTarget(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for n := range 20 {
		b.in(t, n, fleet.Loaded, nil)
	}
	for range 3 { // enough is enough
		b.tick(t, scheduler.TickRefill)
	}
	if got := b.states(t); got[fleet.UserCreating] != 3 {
		t.Fatalf("warm 3: %v", got)
	}
	for n := range 3 { // longest rested first
		if a := b.get(t, fmt.Sprintf("%012d", n)); a.State != fleet.UserCreating {
			t.Errorf("account %d is %s", n, a.State)
		}
	}
	b.wait(t, 5)
	b.tick(t, scheduler.TickRefill)
	if got := b.states(t); got[fleet.UserCreating] != 8 {
		t.Fatalf("warm 3, waiting 5: %v", got)
	}
	if q := b.queued(t); len(q) != 8 {
		t.Fatalf("queued: %v", q)
	}
}

// Two OUs of one purpose do not both make an account for each who waits.
func TestRefillSharesTheDemand(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *scheduler.Config) {
		c.CreatingMax = 6
		c.Orgs = []fleet.Organization{{Name: "o", OUs: []fleet.OU{{ID: "ou-1", Purpose: fleet.Production, Warm: 2}, {ID: "ou-2", Purpose: fleet.Production, Warm: 1}}}}
	})
	for n := range 40 {
		b.in(t, n, fleet.Loaded, func(a *fleet.Account) { a.OU = fmt.Sprint("ou-", n%2+1) })
	}
	b.wait(t, 7)
	for range 3 {
		b.tick(t, scheduler.TickRefill)
	}
	if got := b.states(t); got[fleet.UserCreating] != 2+1+7 {
		t.Fatalf("warm 2 and 1, waiting 7: %v", got)
	}
}

func TestManyRefillsDoNotOvershoot(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *scheduler.Config) { c.CreatingMax = 50 })
	for n := range 60 {
		b.in(t, n, fleet.Loaded, nil)
	}
	b.wait(t, 9)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := b.Tickers()[scheduler.TickRefill](b.ctx, b.clock.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := b.states(t); got[fleet.UserCreating] != 12 {
		t.Fatalf("warm 3, waiting 9, eight refills at once: %v", got)
	}
}

func TestRefillGoesAroundWhatItCannotUse(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *scheduler.Config) { c.FirstSweeps = 2 })
	for n := range 3 { // a dead reset's sessions may still act in them
		a := b.in(t, n, fleet.Loaded, nil)
		must(t, b.db.Leases().Acquire(b.ctx, a.ID, a.Epoch, "reset-1", b.clock.Now().Add(2*time.Minute)))
	}
	for n := 3; n < 10; n++ {
		b.in(t, n, fleet.Loaded, nil)
	}
	for n := 10; n < 14; n++ {
		b.in(t, n, fleet.Loaded, func(a *fleet.Account) { a.SweptAt = time.Time{} })
	}
	b.in(t, 14, fleet.Loaded, func(a *fleet.Account) { a.Leaving = true })
	for range 2 {
		b.tick(t, scheduler.TickRefill)
	}
	if got := b.states(t); got[fleet.UserCreating] != 3 || got[fleet.Cleanup] != 2 || got[fleet.Draining] != 1 {
		t.Fatalf("%v", got)
	}
}

func TestFollower(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for n, state := range fleet.States {
		b.flush(t)
		next := &fleet.Account{ID: fmt.Sprintf("%012d", n), State: state, Epoch: 3, Purpose: fleet.Production, SessionID: "s1", EndsAt: b.clock.Now().Add(time.Hour)}
		for range 2 { // told twice is told once
			b.follow.Account(&fleet.Account{State: "before"}, next)
		}
		switch state {
		case fleet.UserCreated:
			b.wantQueued(t, tasks.NewMatch(fleet.Production.Pool(), b.clock.Now()))
			if n, err := b.redis.ZCard(b.ctx, "kml:pool:production").Result(); n != 1 || err != nil {
				t.Errorf("%d in the pool, %v", n, err)
			}
		case fleet.InUse:
			b.wantQueued(t, tasks.NewExpire("s1", next.EndsAt, 0))
		case fleet.UserCreating, fleet.Assigning, fleet.Cleanup, fleet.AssigningFailed, fleet.UserDeleted:
			b.wantQueued(t, tasks.ForAccount(next))
		default:
			b.wantQueued(t)
		}
		b.flush(t)
		b.follow.Account(next, next) // nothing that makes a task has changed
		b.wantQueued(t)
		again := next.Clone()
		again.Attempts++
		b.follow.Account(next, again)
		if task := tasks.ForAccount(again); task != nil {
			b.wantQueued(t, task)
		}
	}
}

// Redis is gone: the follower says so and goes on.
func TestFollowerWithoutRedis(t *testing.T) {
	t.Parallel()
	c := client{fmt.Errorf("connection refused"), make(chan string, 1)}
	f := scheduler.Follower{Client: c, Clock: clock.New()}
	f.Account(nil, &fleet.Account{ID: "1", State: fleet.Cleanup})
	if kind := <-c.asked; kind != tasks.KindFreeze {
		t.Fatalf("enqueued %s", kind)
	}
	if err := f.Enqueue(t.Context(), tasks.NewSync("o", time.Now())); err == nil {
		t.Fatal("no error")
	}
}

func TestPoolAndReadiness(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	fresh := b.in(t, 1, fleet.UserCreated, nil)
	old := b.in(t, 2, fleet.UserCreated, func(a *fleet.Account) { a.ReadyAt = b.clock.Now().Add(-time.Hour) })
	b.in(t, 3, fleet.UserCreated, func(a *fleet.Account) { a.Leaving = true })
	b.tick(t, scheduler.TickPool)
	ids, err := b.redis.ZRange(b.ctx, "kml:pool:production", 0, -1).Result()
	if err != nil || fmt.Sprint(ids) != fmt.Sprint([]string{fresh.ID, old.ID}) {
		t.Fatalf("pool: %v, %v", ids, err)
	}
	for range 3 { // a full queue collects one task per stamp
		b.tick(t, scheduler.TickReadiness)
		b.clock.Advance(time.Minute)
	}
	b.wantQueued(t, tasks.NewReadiness(old))
}

func TestSyncAndMatchTicks(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	at := b.clock.Now()
	b.tick(t, scheduler.TickSync)
	b.wantQueued(t, tasks.NewSync("o", at))
	a := b.in(t, 1, fleet.UserCreated, func(a *fleet.Account) { a.User = &fleet.User{Name: "kml-3"} })
	b.wait(t, 1)
	b.tick(t, scheduler.TickMatch)
	if a = b.get(t, a.ID); a.SessionID != "w0" {
		t.Fatalf("account is %s for %q", a.State, a.SessionID)
	}
	b.tick(t, scheduler.TickHistory)
}
