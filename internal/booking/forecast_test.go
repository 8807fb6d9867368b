package booking_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

// waiting adds a lab that waits, n-th in line.
func (b *bundle) waiting(t testing.TB, n int, bookingID string) *fleet.Session {
	t.Helper()
	l := &fleet.Session{ID: fmt.Sprint("w", n, bookingID), RequestID: fmt.Sprint("w", n, bookingID), Purpose: fleet.Production, Booking: bookingID, State: fleet.SessionWaiting,
		Duration: time.Hour, Version: 1, RequestedAt: t0.Add(time.Duration(n) * time.Second), WaitUntil: t0.Add(24 * time.Hour)}
	must(t, b.db.Sessions().Insert(b.ctx, l))
	return l
}

// Accounts come back one after the other: one is being cleaned, which took the
// last ones 20 minutes, one is in a lab until 13:00, one rests.
func TestETA(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, took := range []time.Duration{10 * time.Minute, 20 * time.Minute, 50 * time.Minute} {
		run := &fleet.CleaningRun{ID: fmt.Sprint("run", n), Version: 1, Phase: fleet.PhaseDone, StartedAt: t0.Add(-2 * time.Hour), DoneAt: t0.Add(-2 * time.Hour).Add(took)}
		a := b.add(t)
		run.AccountID = a.ID
		must(t, b.db.Cleanings().Insert(b.ctx, run))
		_, err := b.machine.Edit(b.ctx, a, func(n *fleet.Account) {
			n.CleaningID = run.ID
			if run.ID != "run0" {
				n.Drain = "not part of what follows"
			}
		})
		must(t, err)
	}
	b.move(t, b.warm(t, b.add(t)), fleet.Cleanup, nil)
	a := b.move(t, b.warm(t, b.add(t)), fleet.Assigning, func(n *fleet.Account) { n.SessionID = "s" })
	b.move(t, a, fleet.InUse, func(n *fleet.Account) { n.EndsAt = t0.Add(time.Hour) })
	const creation = 30 * time.Second
	for n, want := range []time.Duration{creation, 20*time.Minute + creation, 80*time.Minute + creation, -1} {
		got, known, err := b.ETA(b.ctx, b.waiting(t, n, ""))
		must(t, err)
		if known != (want >= 0) || known && !got.Equal(t0.Add(want)) {
			t.Errorf("%d in line: %v (%v), want after %v", n, got.Sub(t0), known, want)
		}
	}
	got, known, err := b.ETA(b.ctx, &fleet.Session{State: fleet.SessionScheduled, NotBefore: t0.Add(time.Hour)})
	if err != nil || !known || !got.Equal(t0.Add(time.Hour)) {
		t.Errorf("scheduled: %v %v %v", got, known, err)
	}
	if _, known, err := b.ETA(b.ctx, &fleet.Session{State: fleet.SessionActive}); known || err != nil {
		t.Errorf("active: %v %v", known, err)
	}
}

// What is held for a class serves its labs at once, and nobody else.
func TestETABesideABooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	c := b.book(t, class(2, time.Hour))
	b.at(t, 50*time.Minute)
	now := b.clock.Now()
	if got, known, err := b.ETA(b.ctx, b.waiting(t, 1, c.ID)); err != nil || !known || !got.Equal(now) {
		t.Errorf("of the class: %v %v %v", got, known, err)
	}
	if got, known, err := b.ETA(b.ctx, b.waiting(t, 1, "")); err != nil || known {
		t.Errorf("beside it: %v %v %v", got, known, err)
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 5)
	b.book(t, class(3, time.Hour))
	got, err := b.Forecast(b.ctx, t0, t0.Add(time.Hour), t0.Add(4*time.Hour))
	must(t, err)
	for n, want := range []booking.Forecast{
		{Purpose: fleet.Production, At: t0, Free: 5}, {Purpose: fleet.Production, At: t0.Add(time.Hour), Free: 2, Booked: 3},
		{Purpose: fleet.Production, At: t0.Add(4 * time.Hour), Free: 5}, {Purpose: fleet.Development, At: t0},
	} {
		if got[n] != want {
			t.Errorf("%+v, want %+v", got[n], want)
		}
	}
}

// Whoever waits is served after the bookings that are due.
func TestETABehindADueBooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	b.book(t, class(1, time.Hour))
	b.clock.Advance(40 * time.Minute) // warmed for, not open
	first, second := b.waiting(t, 1, ""), b.waiting(t, 2, "")
	if got, known, err := b.ETA(b.ctx, first); err != nil || !known || !got.Equal(b.clock.Now()) {
		t.Errorf("first: %v %v %v", got, known, err)
	}
	if got, known, err := b.ETA(b.ctx, second); err != nil || known {
		t.Errorf("second: %v %v %v", got, known, err)
	}
}

// An account counts once: not as busy beside the booking it works for, and not
// as busy if it does not count as one that serves.
func TestAccountsCountOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	r := class(2, time.Hour)
	r.Students = []string{"ada"}
	c := b.book(t, r)
	b.at(t, 50*time.Minute)
	b.at(t, time.Hour)
	lab := b.labs(t, c.ID)[0]
	a := b.serve(t, lab, c.End)
	free := func(what string, want int) {
		t.Helper()
		got, err := b.Forecast(b.ctx, b.clock.Now())
		must(t, err)
		if got[0].Free != want {
			t.Errorf("%s: %+v, want %d free", what, got[0], want)
		}
	}
	free("in the class", 1)
	b.swap(t, lab, func(n *fleet.Session) { n.State = fleet.SessionEnded })
	b.move(t, a, fleet.Cleanup, nil)
	free("cleaned during the class", 1)

	other := b.waiting(t, 1, "")
	ready, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}})
	must(t, err)
	for _, a := range ready {
		if a.Booking != "" {
			continue
		}
		_, err := b.machine.Edit(b.ctx, a, func(n *fleet.Account) { n.Drain = "an operator" })
		must(t, err)
		b.swap(t, other, func(n *fleet.Session) { n.State, n.AccountID, n.EndsAt = fleet.SessionActive, a.ID, c.End })
	}
	free("in an account that leaves", 0)
}
