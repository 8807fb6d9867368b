package failsafe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
)

// noAWS grants whatever is asked for, after its hook.
type noAWS struct{ before func(*fleet.Account) }

func (g *noAWS) Grant(_ context.Context, a *fleet.Account, _ fleet.LabType, _ time.Time) error {
	if g.before != nil {
		g.before(a)
	}
	return nil
}
func (g *noAWS) Extend(context.Context, *fleet.Account, fleet.LabType, time.Time) error { return nil }
func (g *noAWS) Refreeze(context.Context, *fleet.Account) error                         { return nil }

// labs puts the real service of labs behind the orders.
func (b *bundle) labs(t *testing.T) (*assign.Service, *noAWS) {
	t.Helper()
	aws, n := &noAWS{}, 0
	labs := assign.New(assign.Config{Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), LabTypes: labtype.Fixed{labName: {Name: labName, MaxDuration: time.Hour}},
		Statuses: b.db.LabTypes(), Pool: noHint{}, Machine: b.machine, Granter: aws, Clock: b.clock, NewID: func() string { n++; return fmt.Sprint("id-", n) }})
	c := b.Config
	c.Requeuer, c.Sessions = labs, labs
	b.Service = failsafe.New(c)
	return labs, aws
}

// noHint is a pool that remembers nothing.
type noHint struct{}

func (noHint) Add(context.Context, fleet.PoolName, string, time.Time) error { return nil }
func (noHint) Pop(context.Context, fleet.PoolName) (string, error)          { return "", nil }
func (noHint) Remove(context.Context, fleet.PoolName, string) error         { return nil }
func (noHint) Size(context.Context, fleet.PoolName) (int, error)            { return 0, nil }

// claimed is a lab on its way into an account.
func (b *bundle) claimed(t *testing.T, labs *assign.Service, n int) (*fleet.Session, *fleet.Account) {
	t.Helper()
	b.in(t, n, fleet.UserCreated, func(a *fleet.Account) { a.User, a.ReadyAt = &fleet.User{Name: "u"}, t0 })
	s, err := labs.Accept(b.ctx, assign.Request{RequestID: fmt.Sprint("r", n), LabType: labName, Student: "ada", Duration: time.Hour})
	must(t, err)
	if m, err := labs.Match(b.ctx, fleet.Production.Pool()); m != 1 || err != nil {
		t.Fatalf("%d matched, %v", m, err)
	}
	s = b.session(t, s.ID)
	a, err := b.db.Accounts().Get(b.ctx, s.AccountID)
	must(t, err)
	return s, a
}

func (b *bundle) session(t *testing.T, id string) *fleet.Session {
	t.Helper()
	s, err := b.db.Sessions().Get(b.ctx, id)
	must(t, err)
	return s
}

func TestQuarantineFromAnyState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.labs(t)
	for n, state := range fleet.States {
		a := b.in(t, n, state, func(a *fleet.Account) { a.SessionID, a.Drain = "", "ann: old" })
		for range 2 { // again is no error
			must(t, b.Quarantine(b.ctx, a.ID, "ann", "odd calls"))
		}
		now := b.get(t, a)
		if now.State != fleet.Failed || state != fleet.Failed && (now.Reason != "quarantined by ann: odd calls" || now.Drain != "") {
			t.Errorf("%s: %+v", state, now)
		}
	}
}

// The lab in it ends, and what was going on in the account stops where it is.
func TestQuarantineOfALab(t *testing.T) {
	t.Parallel()
	b := setup(t)
	labs, aws := b.labs(t)
	active, a := b.claimed(t, labs, 1)
	must(t, labs.HandOut(b.ctx, a.ID, a.Epoch))
	must(t, b.Quarantine(b.ctx, a.ID, "ann", "mining"))
	s, now := b.session(t, active.ID), b.get(t, a)
	if s.State != fleet.SessionEnded || s.Reason != "quarantined by ann: mining" || s.Access != nil || now.State != fleet.Failed || !now.Open(t0) {
		t.Fatalf("%+v\n%+v", s, now)
	}
	waiting, a := b.claimed(t, labs, 2)
	must(t, b.Quarantine(b.ctx, a.ID, "ann", "mining"))
	if s, now := b.session(t, waiting.ID), b.get(t, a); s.State != fleet.SessionCancelled || s.Reason != "quarantined by ann: mining" || now.State != fleet.Failed {
		t.Fatalf("%+v\n%+v", s, now)
	}
	must(t, labs.HandOut(b.ctx, a.ID, a.Epoch)) // a late task
	granted, a := b.claimed(t, labs, 3)
	aws.before = func(a *fleet.Account) { must(t, b.Quarantine(b.ctx, a.ID, "ann", "mining")) }
	for range 2 {
		var snooze *fleet.SnoozeError
		if err := labs.HandOut(b.ctx, a.ID, a.Epoch); err != nil && !errors.As(err, &snooze) {
			t.Fatal(err)
		}
	}
	if s, now := b.session(t, granted.ID), b.get(t, a); s.State != fleet.SessionCancelled || now.State != fleet.Failed {
		t.Fatalf("%+v\n%+v", s, now)
	}
}

// Whoever ends the lab at the same time: it is over, and the account is out.
func TestQuarantineBesideTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	labs, _ := b.labs(t)
	for n := range 10 {
		s, a := b.claimed(t, labs, n)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := labs.HandOut(b.ctx, a.ID, a.Epoch); err != nil {
				var snooze *fleet.SnoozeError
				if !errors.As(err, &snooze) && !errors.Is(err, fleet.ErrConflict) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() { must(t, b.Quarantine(b.ctx, a.ID, "ann", "mining")) })
		wg.Go(func() {
			if err := labs.End(b.ctx, s.ID, "done"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if s, now := b.session(t, s.ID), b.get(t, a); !s.State.Final() || now.State != fleet.Failed {
			t.Fatalf("session %s, account %s", s.State, now.State)
		}
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, state := range fleet.States {
		for m, drain := range []string{"", "bob: old"} {
			a := b.in(t, 2*n+m, state, func(a *fleet.Account) { a.Failures, a.Drain = 9, drain })
			err := b.Release(b.ctx, a.ID, "ann", "looked at it")
			now := b.get(t, a)
			switch {
			case state == fleet.Failed:
				if err != nil || now.State != fleet.Cleanup || now.Failures != 0 || now.Drain != "" || now.Reason != "released by ann: looked at it" {
					t.Errorf("failed: %v, %+v", err, now)
				}
			case drain == "":
				if !errors.Is(err, fleet.ErrBadMove) || now.Version != a.Version {
					t.Errorf("%s: %v, now %s", state, err, now.State)
				}
			case state == fleet.Draining: // nobody knows what it was when it left
				if err != nil || now.State != fleet.Cleanup || now.Drain != "" || !now.SweptAt.IsZero() {
					t.Errorf("drained: %v, %+v", err, now)
				}
			default:
				if err != nil || now.State != state || now.Drain != "" {
					t.Errorf("%s to be drained: %v, %+v", state, err, now)
				}
			}
		}
	}
}

// What was at rest comes back to rest, to be swept before it is used; what left
// the OUs meanwhile stays out until a sync finds it.
func TestDrainAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.in(t, 1, fleet.Loaded, nil)
	for range 2 {
		must(t, b.Drain(b.ctx, a.ID, "ann", "for the audit"))
	}
	if now := b.get(t, a); now.State != fleet.Draining || now.Drain != "ann: for the audit" || now.Version != 2 {
		t.Fatalf("%+v", now)
	}
	must(t, b.Release(b.ctx, a.ID, "ann", "audited"))
	if now := b.get(t, a); now.State != fleet.Loaded || now.Drain != "" || !now.SweptAt.IsZero() {
		t.Fatalf("%+v", now)
	}
	must(t, b.Drain(b.ctx, a.ID, "ann", "again"))
	_, err := b.machine.Edit(b.ctx, b.get(t, a), func(n *fleet.Account) { n.Leaving = true })
	must(t, err)
	must(t, b.Release(b.ctx, a.ID, "ann", "audited"))
	if now := b.get(t, a); now.State != fleet.Draining || now.Drain != "" {
		t.Fatalf("%+v", now)
	}
}

// Free accounts leave at once, the others are marked; one whose lab may still be
// open is not free.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, state := range fleet.States {
		a := b.in(t, n, state, func(a *fleet.Account) { a.Booking = "b1" })
		must(t, b.Drain(b.ctx, a.ID, "ann", "old"))
		now := b.get(t, a)
		free := state == fleet.Loaded || state == fleet.UserCreated || state == fleet.Failed
		if now.Drain != "ann: old" || free != (now.State == fleet.Draining && state != fleet.Draining) || !free && now.State != state || free && now.Booking != "" {
			t.Errorf("%s: %+v", state, now)
		}
	}
	open := b.in(t, 99, fleet.Failed, func(a *fleet.Account) { a.User, a.EndsAt = &fleet.User{Name: "u"}, t0.Add(time.Hour) })
	must(t, b.Drain(b.ctx, open.ID, "ann", "old"))
	if now := b.get(t, open); now.State != fleet.Failed || now.Drain == "" {
		t.Errorf("%+v", now)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	b := setup(t)
	says := map[fleet.State]string{fleet.Assigning: "end the lab", fleet.InUse: "end the lab", fleet.Draining: "release it", fleet.Cleanup: "already",
		fleet.UserDeleted: "already", fleet.AssigningFailed: "already", fleet.UserCreating: "try again"}
	for n, state := range fleet.States {
		for m, full := range []bool{false, true} {
			a := b.in(t, 2*n+m, state, func(a *fleet.Account) { a.Failures, a.Drain = 9, "bob: old" })
			err := b.Clean(b.ctx, a.ID, full, "ann", "odd things in it")
			now := b.get(t, a)
			if what := says[state]; what != "" {
				if !errors.Is(err, fleet.ErrBadMove) || !strings.Contains(err.Error(), what) || now.Version != a.Version {
					t.Errorf("%s: %v, now %s", state, err, now.State)
				}
				continue
			}
			if err != nil || now.State != fleet.Cleanup || now.Reason != "cleaning ordered by ann: odd things in it" || now.SweptAt.IsZero() != full ||
				(now.Failures == 0) != (state == fleet.Failed) || now.Drain == "" {
				t.Errorf("%s, full %v: %v, %+v", state, full, err, now)
			}
		}
	}
}

// An order and a claim at once: one of them gets the account.
func TestCleanBesideAClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 20 {
		a := b.in(t, n, fleet.UserCreated, func(a *fleet.Account) { a.User = &fleet.User{Name: "u"} })
		var wg sync.WaitGroup
		var claimed, cleaned error
		wg.Go(func() {
			_, claimed = b.machine.Move(b.ctx, a, fleet.Assigning, "claimed", func(n *fleet.Account) { n.SessionID = "s" + a.ID })
		})
		wg.Go(func() { cleaned = b.Clean(b.ctx, a.ID, false, "ann", "why not") })
		wg.Wait()
		if (claimed == nil) == (cleaned == nil) || cleaned != nil && !errors.Is(cleaned, fleet.ErrBadMove) {
			t.Fatalf("claimed %v, cleaned %v", claimed, cleaned)
		}
	}
}

func TestOrdersOfNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, err := range map[string]error{"quarantine": b.Quarantine(b.ctx, "9", "a", "b"), "release": b.Release(b.ctx, "9", "a", "b"),
		"drain": b.Drain(b.ctx, "9", "a", "b"), "clean": b.Clean(b.ctx, "9", true, "a", "b")} {
		if !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), name+" 9") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
