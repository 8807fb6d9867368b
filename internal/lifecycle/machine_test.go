package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/storetest"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// bundle is a machine on stores in memory.
type bundle struct {
	*lifecycle.Machine
	store *storetest.Memory
	clock *clock.Fake
	ctx   context.Context
}

func setup(t *testing.T, observers ...func(old, next *fleet.Account)) bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	b := bundle{store: &storetest.Memory{}, clock: clock.NewFake(t0), ctx: ctx}
	b.Machine = lifecycle.New(b.store, b.store.Log(), b.clock, observers...)
	return b
}

// put stores account 1 in a state, without asking how it came there.
func (b bundle) put(t *testing.T, state fleet.State, change func(*fleet.Account)) *fleet.Account {
	t.Helper()
	a := storetest.Account(1)
	a.State = state
	if change != nil {
		change(a)
	}
	if err := b.store.Insert(b.ctx, a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (b bundle) get(t *testing.T) *fleet.Account {
	t.Helper()
	a, err := b.store.Get(b.ctx, storetest.Account(1).ID)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// logged is the activity log, oldest first, as from→to.
func (b bundle) logged(t *testing.T) string {
	t.Helper()
	entries, err := b.store.Log().Find(b.ctx, fleet.ActivityQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := len(entries) - 1; i >= 0; i-- {
		out = append(out, entries[i].From+"→"+entries[i].To)
	}
	return strings.Join(out, " ")
}

func hold(session string) func(*fleet.Account) {
	return func(a *fleet.Account) { a.SessionID = session }
}

func TestMoveWritesWhatItSays(t *testing.T) {
	t.Parallel()
	var seen []string
	b := setup(t, func(old, next *fleet.Account) { seen = append(seen, fmt.Sprint(old.State, "→", next.State)) })
	a := b.put(t, fleet.UserCreated, func(a *fleet.Account) { a.Attempts, a.NextTry, a.Epoch = 3, t0, 5 })
	b.clock.Advance(time.Minute)
	n, err := b.Move(b.ctx, a, fleet.Assigning, "claimed", func(n *fleet.Account) {
		n.SessionID = "s1"
		n.CleaningID = fmt.Sprint(n.ID, "/", n.Epoch)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n.State != fleet.Assigning || n.Version != 2 || n.Epoch != 6 || n.Reason != "claimed" || !n.Since.Equal(t0.Add(time.Minute)) ||
		n.Attempts != 0 || !n.NextTry.IsZero() || n.CleaningID != n.ID+"/6" {
		t.Errorf("written: %+v", n)
	}
	want := fleet.Transition{Version: 2, From: fleet.UserCreated, To: fleet.Assigning, At: t0.Add(time.Minute), Reason: "claimed", Session: "s1", Epoch: 6}
	if got := n.History[len(n.History)-1]; got != want {
		t.Errorf("history: %+v", got)
	}
	if a.State != fleet.UserCreated || a.Version != 1 || a.SessionID != "" {
		t.Errorf("the account given was changed: %+v", a)
	}
	if got := b.get(t); got.Version != n.Version || got.State != n.State {
		t.Errorf("stored: %+v", got)
	}
	if got := b.logged(t); got != "→account_loaded user_created→account_assigning" {
		t.Errorf("logged: %s", got)
	}
	if len(seen) != 1 || seen[0] != "user_created→account_assigning" {
		t.Errorf("observed: %v", seen)
	}
}

func TestTheWholeTable(t *testing.T) {
	t.Parallel()
	for _, from := range fleet.States {
		for _, to := range fleet.States {
			b := setup(t)
			a := b.put(t, from, func(a *fleet.Account) {
				a.History = []fleet.Transition{{Version: 1, From: fleet.Loaded, To: from}}
			})
			n, err := b.Move(b.ctx, a, to, "r", func(n *fleet.Account) {
				if to == fleet.Assigning {
					n.SessionID = "s1"
				}
			})
			if !fleet.CanMove(from, to) {
				if !errors.Is(err, fleet.ErrBadMove) || b.get(t).Version != 1 {
					t.Errorf("%s → %s: %v", from, to, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s → %s: %v", from, to, err)
				continue
			}
			if raised := n.Epoch == a.Epoch+1; raised != to.Claims() {
				t.Errorf("%s → %s: epoch %d → %d", from, to, a.Epoch, n.Epoch)
			}
		}
	}
}

func TestMutateLeavesAloneWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for field, mutate := range map[string]func(*fleet.Account){
		"ID":        func(a *fleet.Account) { a.ID = "x" },
		"State":     func(a *fleet.Account) { a.State = fleet.Loaded },
		"Version":   func(a *fleet.Account) { a.Version++ },
		"Epoch":     func(a *fleet.Account) { a.Epoch++ },
		"Since":     func(a *fleet.Account) { a.Since = t0.Add(time.Hour) },
		"Reason":    func(a *fleet.Account) { a.Reason = "x" },
		"History":   func(a *fleet.Account) { a.History[0].Reason = "x" },
		"Writes":    func(a *fleet.Account) { a.Writes = nil },
		"Leases":    func(a *fleet.Account) { a.Leases = map[string]time.Time{"x": t0} },
		"SessionID": func(a *fleet.Account) { a.SessionID = "s2" },
	} {
		b := setup(t)
		a := b.put(t, fleet.InUse, hold("s1"))
		_, moveErr := b.Move(b.ctx, a, fleet.Cleanup, "r", mutate)
		_, editErr := b.Edit(b.ctx, a, mutate)
		_, latestErr := b.EditLatest(b.ctx, a.ID, func(n *fleet.Account) error { mutate(n); return nil })
		for what, err := range map[string]error{"move": moveErr, "edit": editErr, "edit latest": latestErr} {
			if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), field) {
				t.Errorf("%s that changes %s: %v", what, field, err)
			}
		}
		if b.get(t).Version != 1 {
			t.Errorf("%s was written", field)
		}
	}
}

func TestTheHoldOfASession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.put(t, fleet.UserCreated, func(a *fleet.Account) { a.User = &fleet.User{Name: "u"} })
	if _, err := b.Move(b.ctx, a, fleet.Assigning, "r", nil); !errors.Is(err, fleet.ErrInvalid) {
		t.Fatalf("claim without a session: %v", err)
	}
	step := func(to fleet.State, mutate func(*fleet.Account)) {
		t.Helper()
		var err error
		if a, err = b.Move(b.ctx, a, to, "r", mutate); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(a *fleet.Account) { a.SessionID, a.AttemptID, a.LabType, a.EndsAt = "s1", "t1", "l", t0 }
	step(fleet.Assigning, claim)
	step(fleet.UserCreated, nil) // untouched
	if a.SessionID+a.AttemptID+a.LabType != "" || !a.EndsAt.IsZero() || a.User == nil {
		t.Errorf("given back untouched: %+v", a)
	}
	step(fleet.Assigning, claim)
	step(fleet.InUse, nil)
	step(fleet.Cleanup, nil)
	if a.SessionID != "s1" || a.EndsAt.IsZero() {
		t.Errorf("the hold ended before the account was clean: %+v", a)
	}
	step(fleet.UserDeleted, nil)
	if a.SessionID+a.AttemptID+a.LabType != "" || a.User != nil {
		t.Errorf("clean: %+v", a)
	}
	if last := a.History[len(a.History)-1]; last.Session != "s1" {
		t.Errorf("the last step of the session does not name it: %+v", last)
	}
	step(fleet.Loaded, nil)
}

func TestUncleanAccountsDoNotRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.put(t, fleet.Failed, nil)
	a, err := b.Move(b.ctx, a, fleet.Draining, "left", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Move(b.ctx, a, fleet.Loaded, "back", nil); !errors.Is(err, fleet.ErrBadMove) {
		t.Errorf("a failed account came back around its cleaning: %v", err)
	}
	if _, err := b.Move(b.ctx, a, fleet.Cleanup, "back", nil); err != nil {
		t.Errorf("the way through cleanup: %v", err)
	}
	b = setup(t)
	a = b.put(t, fleet.Loaded, func(a *fleet.Account) { a.SweptAt = time.Time{} })
	if _, err := b.Move(b.ctx, a, fleet.UserCreating, "r", nil); !errors.Is(err, fleet.ErrBadMove) {
		t.Errorf("an account that was never swept: %v", err)
	}
}

func TestTheFence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to fleet.State }{{fleet.Loaded, fleet.UserCreating}, {fleet.UserCreating, fleet.UserCreated}} {
		b := setup(t)
		a := b.put(t, c.from, nil)
		if err := b.store.Acquire(b.ctx, a.ID, a.Epoch, "x", t0.Add(2*time.Minute)); err != nil {
			t.Fatal(err)
		}
		var snooze *fleet.SnoozeError
		if _, err := b.Move(b.ctx, a, c.to, "r", nil); !errors.As(err, &snooze) || snooze.For != 2*time.Minute+lifecycle.Skew {
			t.Fatalf("with a live lease: %v", err)
		}
		b.clock.Advance(snooze.For)
		n, err := b.Move(b.ctx, a, c.to, "r", nil) // read before the lease was taken
		if err != nil {
			t.Fatalf("after the lease: %v", err)
		}
		if len(n.Leases) != 0 {
			t.Errorf("leases behind the fence: %v", n.Leases)
		}
		if err := b.store.Acquire(b.ctx, a.ID, a.Epoch, "y", t0.Add(time.Hour)); !errors.Is(err, fleet.ErrStaleEpoch) {
			t.Errorf("a lease of the epoch before: %v", err)
		}
	}
	b := setup(t)
	a := b.put(t, fleet.UserCreating, nil)
	if err := errors.Join(b.store.Acquire(b.ctx, a.ID, a.Epoch, "x", t0.Add(time.Hour)), b.store.Release(b.ctx, a.ID, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Move(b.ctx, a, fleet.UserCreated, "r", nil); err != nil {
		t.Errorf("the lease was given back: %v", err)
	}
}

// leaseInBetween takes a lease between the look at the leases and the swap.
type leaseInBetween struct {
	*storetest.Memory
	once sync.Once
	err  error
}

func (s *leaseInBetween) Swap(ctx context.Context, old, next *fleet.Account) error {
	s.once.Do(func() { s.err = s.Acquire(ctx, old.ID, old.Epoch, "x", t0.Add(time.Minute)) })
	return s.Memory.Swap(ctx, old, next)
}

func TestALeaseInBetweenStopsTheMove(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &leaseInBetween{Memory: b.store}
	a := b.put(t, fleet.UserCreating, nil)
	var snooze *fleet.SnoozeError
	_, err := lifecycle.New(store, b.store.Log(), b.clock).Move(b.ctx, a, fleet.UserCreated, "r", nil)
	if !errors.As(err, &snooze) || store.err != nil {
		t.Fatalf("move: %v; lease: %v", err, store.err)
	}
}

func TestMoveOfAnOldReading(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to fleet.State }{{fleet.InUse, fleet.Cleanup}, {fleet.UserCreating, fleet.UserCreated}} {
		b := setup(t)
		a := b.put(t, c.from, nil)
		if _, err := b.Edit(b.ctx, a, func(n *fleet.Account) { n.Attempts++ }); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Move(b.ctx, a, c.to, "r", nil); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("%s → %s: %v", c.from, c.to, err)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.put(t, fleet.InUse, nil)
	if _, err := b.Move(b.ctx, a, fleet.Cleanup, "", nil); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("no reason: %v", err)
	}
	n, err := b.Move(b.ctx, a, fleet.Cleanup, strings.Repeat("ü", 1000), nil)
	if err != nil || len(n.Reason) > 510 || !strings.HasPrefix(n.Reason, "üüü") || strings.ContainsRune(n.Reason, '\uFFFD') {
		t.Errorf("a wordy reason: %v, %q", err, n.Reason)
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, err := b.Add(b.ctx, &fleet.Account{ID: "000000000001", Purpose: fleet.Testing}, "found in the organization")
	if err != nil {
		t.Fatal(err)
	}
	if a.State != fleet.Loaded || a.Version != 1 || a.Purpose != fleet.Testing || !a.RestedSince.Equal(t0) || b.logged(t) != "→account_loaded" {
		t.Errorf("added: %+v, logged %q", a, b.logged(t))
	}
	if _, err := b.Add(b.ctx, a, "again"); !errors.Is(err, fleet.ErrExists) {
		t.Errorf("again: %v", err)
	}
}

func TestEditLatestLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, fleet.Loaded, nil)
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = b.EditLatest(b.ctx, storetest.Account(1).ID, func(a *fleet.Account) error { a.Failures++; return nil })
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if a := b.get(t); a.Failures != len(errs) || a.Version != int64(1+len(errs)) {
		t.Errorf("%d failures in version %d", a.Failures, a.Version)
	}
}

func TestEditLatestStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.put(t, fleet.Loaded, nil)
	if _, err := b.EditLatest(b.ctx, "9", func(*fleet.Account) error { return nil }); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("unknown account: %v", err)
	}
	if _, err := b.EditLatest(b.ctx, a.ID, func(*fleet.Account) error { return fleet.ErrEnded }); err != fleet.ErrEnded {
		t.Errorf("mutate's own error: %v", err)
	}
	if n, err := b.EditLatest(b.ctx, a.ID, func(*fleet.Account) error { return nil }); err != nil || n.Version != 1 {
		t.Errorf("nothing to change: version %d, %v", n.Version, err)
	}
}

// brokenLog fails to append while it is broken.
type brokenLog struct {
	fleet.ActivityLog
	broken bool
}

var errBroken = errors.New("log is broken")

func (l *brokenLog) Append(ctx context.Context, e ...fleet.Activity) error {
	if l.broken {
		return errBroken
	}
	return l.ActivityLog.Append(ctx, e...)
}

func TestHistoryThatCannotBeLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log := &brokenLog{ActivityLog: b.store.Log(), broken: true}
	m := lifecycle.New(b.store, log, b.clock)
	var told error
	m.HistoryError = func(_ string, err error) { told = err }
	a := b.put(t, fleet.Loaded, func(a *fleet.Account) { a.History = nil })
	a, err := m.Move(b.ctx, a, fleet.Draining, "r", nil) // nothing before it to log
	if err != nil || !errors.Is(told, errBroken) {
		t.Fatalf("move %v, told %v", err, told)
	}
	if _, err := m.Move(b.ctx, a, fleet.Loaded, "r", nil); !errors.Is(err, errBroken) || b.get(t).Version != a.Version {
		t.Fatalf("a move over an unlogged transition: %v", err)
	}
	if _, err := m.FlushHistory(b.ctx); !errors.Is(err, errBroken) {
		t.Fatalf("flush: %v", err)
	}
	log.broken = false
	if n, err := m.FlushHistory(b.ctx); err != nil || n != 1 || b.logged(t) != "account_loaded→draining_org_unit" {
		t.Fatalf("flush: %d, %v, logged %q", n, err, b.logged(t))
	}
}

// An account that is held for a booking goes back to it untouched; clean, or out
// of the fleet, it is held for nobody.
func TestABookingHoldsWhatIsReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to fleet.State
		held     bool
	}{{fleet.UserCreated, fleet.Assigning, true}, {fleet.Assigning, fleet.UserCreated, true}, {fleet.Assigning, fleet.InUse, true},
		{fleet.Cleanup, fleet.UserDeleted, false}, {fleet.UserCreated, fleet.Draining, false}} {
		b := setup(t)
		a := b.put(t, c.from, func(a *fleet.Account) { a.Booking = "b1" })
		next, err := b.Move(b.ctx, a, c.to, "test", func(n *fleet.Account) {
			if c.to == fleet.Assigning {
				n.SessionID = "s1"
			}
		})
		if err != nil || (next.Booking == "b1") != c.held {
			t.Errorf("%s to %s: booking %q, %v", c.from, c.to, next.Booking, err)
		}
	}
}
