package assign_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redisdev"
)

const (
	propAccounts = 3
	propSessions = 5
	propActors   = 4
	propSteps    = 12
)

var errCrash = errors.New("the process died here")

// chaos breaks writes now and then: refused before their effect, or their reply
// lost behind it in a way that no driver can repair.
func chaos(seed uint64) mongosim.Hook {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 7))
	return func(command, collection string, after bool) mongosim.Fault {
		if collection == "" || command != "update" && command != "insert" && command != "findAndModify" {
			return mongosim.Fault{}
		}
		mu.Lock()
		defer mu.Unlock()
		if rnd.IntN(20) > 0 {
			return mongosim.Fault{}
		}
		return mongosim.Fault{Drop: after, Code: notRetried}
	}
}

// actor is a process that does what workers do, in any order, on what it happens
// to read.
type actor struct {
	b   *bundle
	rnd *rand.Rand
}

func (a actor) step(ctx context.Context) error {
	b := a.b
	session, err := b.db.Sessions().ByRequest(ctx, fmt.Sprint("req-", a.rnd.IntN(propSessions)))
	if err != nil {
		return err
	}
	account, err := b.db.Accounts().Get(ctx, fmt.Sprintf("%012d", a.rnd.IntN(propAccounts)))
	if err != nil {
		return err
	}
	switch a.rnd.IntN(10) {
	case 0:
		return b.End(ctx, session.ID, "enough")
	case 1:
		_, err = b.Extend(ctx, session.ID, time.Minute)
		return err
	case 2:
		return b.Expire(ctx, session.ID)
	case 3:
		if session.State == fleet.SessionAssigning {
			return b.Recover(ctx, session)
		}
		return nil
	case 4:
		return b.clean(ctx, account)
	case 5:
		if account.State == fleet.Assigning && a.rnd.IntN(3) == 0 {
			return b.fail(ctx, account)
		}
		return nil
	case 6, 7:
		_, err = b.Match(ctx, fleet.Production.Pool())
		return err
	}
	return b.drive(ctx, account)
}

// drive does an account's step, as its task and the sweeper would.
func (b *bundle) drive(ctx context.Context, a *fleet.Account) error {
	switch a.State {
	case fleet.Assigning:
		return b.HandOut(ctx, a.ID, a.Epoch)
	case fleet.InUse:
		return b.Resume(ctx, a)
	}
	return b.clean(ctx, a)
}

// clean moves an account one step towards the pool.
func (b *bundle) clean(ctx context.Context, a *fleet.Account) error {
	move := func(to fleet.State, change func(*fleet.Account)) error {
		_, err := b.machine.Move(ctx, a, to, "on its way", change)
		return err
	}
	switch a.State {
	case fleet.AssigningFailed:
		return move(fleet.Cleanup, nil)
	case fleet.Cleanup:
		b.aws.freeze(a.ID)
		return move(fleet.UserDeleted, nil)
	case fleet.UserDeleted:
		return move(fleet.Loaded, nil)
	case fleet.Loaded:
		return move(fleet.UserCreating, nil)
	case fleet.UserCreating:
		purpose := fmt.Sprintf("account/%s/%d", a.ID, a.Epoch)
		key, err := b.cfg.Sealer.Seal(secretKey, purpose)
		if err != nil {
			return err
		}
		user := &fleet.User{Name: fmt.Sprint("kml-", a.Epoch), AccessKeyID: "AKIA", SecretKey: key, Password: key, Epoch: a.Epoch}
		return move(fleet.UserCreated, func(n *fleet.Account) { n.User, n.ReadyAt = user, b.clock.Now() })
	}
	return nil
}

// fail gives a hand-out up, as failsafe does.
func (b *bundle) fail(ctx context.Context, a *fleet.Account) error {
	if _, err := b.machine.Move(ctx, a, fleet.AssigningFailed, "no key", nil); err != nil {
		return err
	}
	return b.Requeue(ctx, a.SessionID, a.ID, "no key")
}

// check holds the documents against what must be so whenever nobody writes.
func (b *bundle) check(ctx context.Context) error {
	accounts, err := b.db.Accounts().Find(ctx, fleet.AccountQuery{})
	if err != nil {
		return err
	}
	sessions, err := b.db.Sessions().Find(ctx, fleet.SessionQuery{})
	if err != nil {
		return err
	}
	held := map[string]string{}
	for _, a := range accounts {
		if a.SessionID == "" {
			continue
		}
		if other := held[a.SessionID]; other != "" {
			return fmt.Errorf("%s and %s hold session %s", other, a.ID, a.SessionID)
		}
		held[a.SessionID] = a.ID
	}
	served := map[string]string{}
	for _, s := range sessions {
		if s.State != fleet.SessionActive {
			if s.Access != nil {
				return fmt.Errorf("session %s is %s and has credentials", s.ID, s.State)
			}
			continue
		}
		if other := served[s.AccountID]; other != "" {
			return fmt.Errorf("account %s serves %s and %s", s.AccountID, other, s.ID)
		}
		served[s.AccountID] = s.ID
		if held[s.ID] != s.AccountID {
			return fmt.Errorf("session %s is served by %s, and held by %q", s.ID, s.AccountID, held[s.ID])
		}
	}
	return nil
}

// settle lets the sweepers do their work, without faults, until all is at rest.
func (b *bundle) settle(t *rapid.T) {
	for range 60 {
		sessions, err := b.db.Sessions().Find(b.ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionAssigning}})
		fatal(t, err)
		for _, s := range sessions {
			fatal(t, b.Recover(b.ctx, s))
		}
		accounts, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{})
		fatal(t, err)
		rest := len(sessions) == 0
		for _, a := range accounts {
			if err := b.drive(b.ctx, a); err != nil && !errors.Is(err, fleet.ErrConflict) {
				t.Fatal(err)
			}
			now, err := b.db.Accounts().Get(b.ctx, a.ID)
			fatal(t, err)
			rest = rest && now.Version == a.Version && (now.State == fleet.UserCreated || now.State == fleet.InUse)
		}
		n, err := b.Match(b.ctx, fleet.Production.Pool())
		fatal(t, err)
		if rest && n == 0 {
			return
		}
	}
	t.Fatal("it does not come to rest")
}

func fatal(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever order requests, hand-outs, ends, extensions, failures and cleanings
// come in, whatever writes fail or lose their reply, and wherever a process
// dies: an account serves one session, a session has one account; and when the
// dust settles every session is served, or waits, or has ended for a reason.
func TestAnythingMayHappen(t *testing.T) {
	t.Parallel()
	hook := &atomic.Pointer[mongosim.Hook]{}
	sim, err := mongosim.Start(mongosim.Config{Hook: func(command, collection string, after bool) mongosim.Fault {
		if h := hook.Load(); h != nil {
			return (*h)(command, collection, after)
		}
		return mongosim.Fault{}
	}})
	must(t, err)
	store, err := redisdev.Start(context.Background(), redisdev.Config{})
	must(t, err)
	client := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() { must(t, errors.Join(client.Close(), store.Close(), sim.Close())) })
	stop := time.Now().Add(12 * time.Second)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		if time.Now().After(stop) { // enough, on a busy machine
			return
		}
		runs++
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		must(t, client.FlushAll(ctx).Err())
		b := open(t, ctx, sim.URI(), fmt.Sprint("kml", runs), client, hook)
		for n := range propAccounts {
			b.ready(t, n)
		}
		for n := range propSessions {
			b.accept(t, n)
		}
		b.aws.mu.Lock()
		var calls atomic.Int64
		b.aws.behind = func(string, *fleet.Account) error {
			if calls.Add(1)%5 == 0 {
				return errCrash
			}
			return nil
		}
		b.aws.mu.Unlock()
		b.faults(chaos(seed))
		play(rt, ctx, b, seed)
		b.faults(nil)
		b.aws.on("", nil, nil)
		b.settle(rt)
		settled(rt, ctx, b)
	})
	if runs == 0 {
		t.Fatal("nothing was tried")
	}
	t.Logf("%d runs", runs)
}

// play lets the actors loose.
func play(t *rapid.T, ctx context.Context, b *bundle, seed uint64) {
	var wg sync.WaitGroup
	for i := range propActors {
		wg.Go(func() {
			a := actor{b, rand.New(rand.NewPCG(seed, uint64(i)))}
			for range propSteps {
				_ = a.step(ctx) // a task's failure is a task's failure: what counts is what stands
			}
		})
	}
	wg.Wait()
	fatal(t, b.check(ctx))
}

// settled holds the fleet at rest against what a request was promised.
func settled(t *rapid.T, ctx context.Context, b *bundle) {
	fatal(t, b.check(ctx))
	sessions, err := b.db.Sessions().Find(ctx, fleet.SessionQuery{})
	fatal(t, err)
	inUse := 0
	for _, s := range sessions {
		switch {
		case s.State == fleet.SessionAssigning:
			t.Fatalf("session %s is stuck: %+v", s.ID, s)
		case s.State == fleet.SessionActive:
			if s.EndRequested {
				t.Fatalf("session %s was asked to end and is active", s.ID)
			}
			inUse++
			a, err := b.db.Accounts().Get(ctx, s.AccountID)
			fatal(t, err)
			until, open := b.aws.until(a.ID)
			if a.State != fleet.InUse || !a.EndsAt.Equal(s.EndsAt) || !open || !until.Equal(s.EndsAt) {
				t.Fatalf("session until %v; account %s until %v; AWS until %v, %v", s.EndsAt, a.State, a.EndsAt, until, open)
			}
		case s.State.Final() && s.Reason == "":
			t.Fatalf("session %s is %s without a reason", s.ID, s.State)
		}
	}
	accounts, err := b.db.Accounts().Find(ctx, fleet.AccountQuery{})
	fatal(t, err)
	ready := 0
	for _, a := range accounts {
		_, open := b.aws.until(a.ID)
		switch {
		case a.State == fleet.InUse:
			inUse--
		case a.State != fleet.UserCreated:
			t.Fatalf("account %s is stuck in %s: %s", a.ID, a.State, a.Reason)
		case open || a.SessionID != "":
			t.Fatalf("account %s is in the pool, open for session %q", a.ID, a.SessionID)
		default:
			ready++
		}
	}
	waiting, err := b.db.Sessions().Waiting(ctx, fleet.Production.Pool(), 10)
	fatal(t, err)
	if inUse != 0 || ready > 0 && len(waiting) > 0 {
		t.Fatalf("%d accounts in use by nobody; %d ready while %d wait", -inUse, ready, len(waiting))
	}
}
