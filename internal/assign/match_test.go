package assign_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

func TestMatchServesOldestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var waiting []*fleet.Session
	for n := range 20 { // more than are looked at together
		waiting = append(waiting, b.accept(t, n))
	}
	if n := b.match(t); n != 0 {
		t.Fatalf("%d matched without an account", n)
	}
	for n := range 20 {
		b.ready(t, n)
		if n%3 != 2 { // one, or several at once
			continue
		}
		b.match(t)
		for i, w := range waiting {
			if served := b.session(t, w.ID).State == fleet.SessionAssigning; served != (i <= n) {
				t.Fatalf("%d accounts: request %d served: %v", n+1, i, served)
			}
		}
	}
}

func TestMatchExpiresWhoWaitedTooLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(1)
	r.Patience = time.Minute
	short, err := b.Accept(b.ctx, r)
	must(t, err)
	long := b.accept(t, 2) // ten minutes by default
	b.clock.Advance(2 * time.Minute)
	b.ready(t, 1)
	if n := b.match(t); n != 1 {
		t.Fatalf("%d matched", n)
	}
	if s := b.session(t, short.ID); s.State != fleet.SessionExpired || s.Reason == "" || s.EndedAt.IsZero() {
		t.Fatalf("impatient session is %+v", s)
	}
	if s := b.session(t, long.ID); s.State != fleet.SessionAssigning {
		t.Fatalf("patient session is %s", s.State)
	}
}

// The pool is a hint: what it forgets is found, what it invents is not claimed.
func TestMatchWithAPoolThatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const accounts = 4
	for n := range accounts {
		b.ready(t, n)
	}
	b.clock.Advance(14 * time.Minute)
	fresh := b.ready(t, 7)
	b.clock.Advance(2 * time.Minute) // the others' stamps are too old now
	must(t, b.redis.FlushAll(b.ctx).Err())
	for n := range 40 { // all ahead of the good one
		must(t, b.cfg.Pool.Add(b.ctx, fleet.Production.Pool(), fmt.Sprintf("%012d", n%accounts), t0.Add(-time.Hour)))
	}
	w := b.accept(t, 1)
	if n := b.match(t); n != 1 {
		t.Fatalf("%d matched", n)
	}
	if s := b.session(t, w.ID); s.AccountID != fresh.ID {
		t.Fatalf("claimed %s", s.AccountID)
	}
}

func TestMatchLeavesOtherPoolsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	r := request(1)
	r.Purpose = fleet.Testing
	w, err := b.Accept(b.ctx, r)
	must(t, err)
	// It was in a testing OU once; the hint is late.
	must(t, b.cfg.Pool.Add(b.ctx, fleet.Testing.Pool(), a.ID, t0))
	if n, err := b.Match(b.ctx, fleet.Testing.Pool()); n != 0 || err != nil {
		t.Fatalf("%d matched, %v", n, err)
	}
	if s := b.session(t, w.ID); s.State != fleet.SessionWaiting {
		t.Fatalf("session is %s", s.State)
	}
}

func TestManyMatchersClaimOnce(t *testing.T) {
	t.Parallel()
	for name, flushed := range map[string]bool{"pool": false, "no pool": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			const accounts, sessions, matchers = 24, 30, 32
			var waiting []*fleet.Session
			for n := range sessions {
				waiting = append(waiting, b.accept(t, n))
			}
			for n := range accounts {
				b.ready(t, n)
			}
			if flushed {
				must(t, b.redis.FlushAll(b.ctx).Err())
			}
			var wg sync.WaitGroup
			for range matchers {
				wg.Go(func() {
					if _, err := b.Match(b.ctx, fleet.Production.Pool()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			b.match(t) // whoever lost every race
			served := map[string]string{}
			for i, w := range waiting {
				s := b.session(t, w.ID)
				if want := i < accounts; (s.State == fleet.SessionAssigning) != want {
					t.Errorf("request %d is %s", i, s.State)
				}
				if s.AccountID == "" {
					continue
				}
				if other := served[s.AccountID]; other != "" {
					t.Errorf("%s serves %s and %s", s.AccountID, other, s.ID)
				}
				served[s.AccountID] = s.ID
				if a := b.account(t, s.AccountID); a.SessionID != s.ID || a.AttemptID != s.AttemptID || a.Epoch != s.Epoch {
					t.Errorf("account %+v, session %+v", a, s)
				}
			}
		})
	}
}

// The matcher dies after it wrote the account; the hand-out does the rest.
func TestHandOutCompletesAHalfClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	w := b.accept(t, 1)
	b.faults(refuse("sessions"))
	if _, err := b.Match(b.ctx, fleet.Production.Pool()); err == nil {
		t.Fatal("the write was refused and nobody noticed")
	}
	b.faults(nil)
	a = b.account(t, a.ID)
	if s := b.session(t, w.ID); a.State != fleet.Assigning || s.State != fleet.SessionWaiting {
		t.Fatalf("account %s, session %s", a.State, s.State)
	}
	b.ready(t, 2) // an account more must not become a second one for the same session
	if n := b.match(t); n != 0 {
		t.Fatalf("%d matched", n)
	}
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	s := b.session(t, w.ID)
	if s.State != fleet.SessionActive || s.AccountID != a.ID || s.Epoch != a.Epoch {
		t.Fatalf("session is %+v", s)
	}
	if other := b.account(t, fmt.Sprintf("%012d", 2)); other.State != fleet.UserCreated {
		t.Fatalf("the other account is %s", other.State)
	}
	if id, err := b.cfg.Pool.Pop(b.ctx, fleet.Production.Pool()); err != nil || id != "000000000002" {
		t.Fatalf("the pool gives %q, %v", id, err)
	}
}
