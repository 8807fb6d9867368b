package assign_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
)

// seats is a calendar of one booking.
type seats struct {
	booking fleet.Booking
	err     error
}

func (s seats) Seat(_ context.Context, booking, _, _ string) (*fleet.Booking, error) {
	if booking != s.booking.ID {
		return nil, fmt.Errorf("booking %s: %w", booking, fleet.ErrNotFound)
	}
	return &s.booking, s.err
}

func (s seats) Ends(context.Context, string) (time.Time, error) { return s.booking.End, nil }

func (b *bundle) booked(t *testing.T) {
	t.Helper()
	b.cfg.Seats = seats{booking: fleet.Booking{ID: "b1", Owner: "teacher", Purpose: fleet.Production, End: t0.Add(2 * time.Hour)}}
	b.Service = assign.New(b.cfg)
}

func (b *bundle) seat(t *testing.T, n int) *fleet.Session {
	t.Helper()
	r := request(n)
	r.Booking = "b1"
	s, err := b.Accept(b.ctx, r)
	must(t, err)
	b.clock.Advance(time.Millisecond)
	return s
}

func (b *bundle) hold(t *testing.T, a *fleet.Account, booking string) *fleet.Account {
	t.Helper()
	held, err := b.machine.Edit(b.ctx, a, func(n *fleet.Account) { n.Booking = booking })
	must(t, err)
	return held
}

// Seats and the general list do not take accounts from each other, and neither
// waits for the other, with the hint in Redis and without.
func TestABookingAndTheOthersDoNotMeet(t *testing.T) {
	t.Parallel()
	for name, flushed := range map[string]bool{"late hint": false, "no hint": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.booked(t)
			pool := fleet.BookedPool("b1")
			match := func(p fleet.PoolName, want int) {
				t.Helper()
				if n, err := b.Match(b.ctx, p); n != want || err != nil {
					t.Fatalf("%d matched in %s, %v; want %d", n, p, err, want)
				}
			}
			var general, class []*fleet.Session
			for n := range 20 { // many before the class, who get nothing
				general = append(general, b.accept(t, n))
			}
			for n := range 2 {
				class = append(class, b.seat(t, 100+n))
			}
			held := b.hold(t, b.ready(t, 1), "b1") // the hint still says production
			if flushed {
				must(t, b.redis.FlushAll(b.ctx).Err())
			}
			match(fleet.Production.Pool(), 0)
			match(pool, 1)
			if s := b.session(t, class[0].ID); s.AccountID != held.ID || s.Org != held.Org {
				t.Fatalf("first seat: %+v", s)
			}
			free := b.ready(t, 2)
			if flushed {
				must(t, b.redis.FlushAll(b.ctx).Err())
			}
			match(pool, 0)
			match(fleet.Production.Pool(), 1)
			if s := b.session(t, general[0].ID); s.AccountID != free.ID {
				t.Fatalf("first of the list: %+v", s)
			}
			if s := b.session(t, class[1].ID); s.State != fleet.SessionWaiting {
				t.Fatalf("second seat is %s", s.State)
			}
		})
	}
}

// More accounts are held than a page of the search has; the one that is free is
// found all the same.
func TestSearchGoesPastOtherPools(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 1003 {
		a := &fleet.Account{ID: fmt.Sprintf("%012d", n), Purpose: fleet.Production, State: fleet.UserCreated, Version: 1, SweptAt: t0, ReadyAt: t0,
			User: &fleet.User{Name: "u"}, Booking: "b1"}
		if n == 1002 {
			a.Booking = ""
		}
		must(t, b.db.Accounts().Insert(b.ctx, a))
	}
	w := b.accept(t, 1)
	if n := b.match(t); n != 1 || b.session(t, w.ID).AccountID != "000000001002" {
		t.Fatalf("%d matched: %+v", n, b.session(t, w.ID))
	}
}

// An account that is to leave is claimed for nobody.
func TestWhoLeavesIsNotClaimed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, change := range []func(*fleet.Account){func(a *fleet.Account) { a.Drain = "ann: old" }, func(a *fleet.Account) { a.Leaving = true }} {
		_, err := b.machine.Edit(b.ctx, b.ready(t, n), change)
		must(t, err)
	}
	b.accept(t, 1)
	if n := b.match(t); n != 0 {
		t.Fatalf("%d matched", n)
	}
}

func TestPriorityGoesFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, 1)
	r := request(2)
	r.Priority = 3
	urgent, err := b.Accept(b.ctx, r)
	must(t, err)
	b.ready(t, 1)
	b.match(t)
	if s := b.session(t, urgent.ID); s.State != fleet.SessionAssigning || s.Priority != 3 {
		t.Fatalf("the urgent one is %s", s.State)
	}
}

func TestASeatIsTheBookings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(1)
	r.Booking = "b1"
	_, err := b.Accept(b.ctx, r)
	wantErr(t, err, fleet.ErrInvalid) // there are no bookings
	full := &fleet.FullError{Seats: 1}
	b.cfg.Seats = seats{booking: fleet.Booking{ID: "b1", Owner: "teacher", Purpose: fleet.Testing}, err: full}
	b.Service = assign.New(b.cfg)
	var got *fleet.FullError
	if _, err = b.Accept(b.ctx, r); !errors.As(err, &got) || got != full {
		t.Fatalf("full: %v", err)
	}
	b.cfg.Seats = seats{booking: fleet.Booking{ID: "b1", Owner: "teacher", Purpose: fleet.Testing}}
	b.Service = assign.New(b.cfg)
	wrong := r
	wrong.Purpose = fleet.Development
	_, err = b.Accept(b.ctx, wrong)
	wantErr(t, err, fleet.ErrInvalid)
	wrong = r
	wrong.Booking = "b2"
	_, err = b.Accept(b.ctx, wrong)
	wantErr(t, err, fleet.ErrNotFound)
	for range 2 { // asked again it is the same seat
		s, err := b.Accept(b.ctx, r)
		must(t, err)
		if s.Purpose != fleet.Testing || s.Owner != "teacher" || s.Booking != "b1" || s.PoolName() != fleet.BookedPool("b1") {
			t.Fatalf("%+v", s)
		}
	}
	all, err := b.db.Sessions().Find(b.ctx, fleet.SessionQuery{})
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d sessions", len(all))
	}
}
