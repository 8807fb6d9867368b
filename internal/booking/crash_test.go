package booking_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
)

// Ticks of several workers at once come to the same as one.
func TestTicksBesideEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 8)
	r := class(5, time.Hour)
	for n := range 4 {
		r.Students = append(r.Students, fmt.Sprint("student-", n))
	}
	c := b.book(t, r)
	for _, at := range []time.Duration{45 * time.Minute, time.Hour, 90 * time.Minute, 3 * time.Hour} {
		b.clock.Advance(t0.Add(at).Sub(b.clock.Now()))
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if err := b.Tick(b.ctx, b.clock.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b.at(t, at)
		want := map[time.Duration]int{45 * time.Minute: 5, time.Hour: 5, 90 * time.Minute: 4}[at]
		ready, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{Booking: c.ID})
		must(t, err)
		if len(ready) != want {
			t.Errorf("%d held at %v, want %d", len(ready), at, want)
		}
	}
	if n := len(b.labs(t, c.ID)); n != 4 {
		t.Errorf("%d labs", n)
	}
	b.is(t, c.ID, fleet.BookingDone)
}

// A process dies at any write of a tick, before or after it has its effect: the
// next tick comes to where one that was not disturbed does.
func TestLostProcess(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		dead := true
		for n := int64(1); dead; n++ {
			if dead = lostProcess(t, n, after); n > 100 {
				t.Fatal("the ticks write without end")
			}
		}
	}
}

// lostProcess plays a class whose ticks die at the n-th write, once at each time;
// false if there are not so many writes.
func lostProcess(t *testing.T, n int64, after bool) (died bool) {
	b := setup(t)
	b.fleetOf(t, 4)
	r := class(3, time.Hour)
	r.Students = []string{"ada", "grace"}
	c := b.book(t, r)
	gone := b.book(t, class(1, time.Hour))
	_, err := b.Cancel(b.ctx, gone.ID, "", "no")
	must(t, err)
	for _, at := range []time.Duration{45 * time.Minute, time.Hour, 90 * time.Minute, 3 * time.Hour} {
		b.clock.Advance(t0.Add(at).Sub(b.clock.Now()))
		var writes atomic.Int64
		hook := mongosim.Hook(func(command, _ string, done bool) mongosim.Fault {
			if command != "update" && command != "insert" && command != "findAndModify" || done != after {
				return mongosim.Fault{}
			}
			if writes.Add(1) < n {
				return mongosim.Fault{}
			}
			return mongosim.Fault{Code: 50} // and so on: it is dead. No driver retries it.
		})
		b.hook.Store(&hook)
		err := b.Tick(b.ctx, b.clock.Now())
		b.hook.Store(nil)
		died = died || err != nil
		b.at(t, at)
		held, labs := 3, 0
		if at >= time.Hour {
			labs = 2
		}
		if at >= 90*time.Minute {
			held = 2 // both wait
		}
		state := fleet.BookingOpen
		if at == 3*time.Hour {
			held, state = 0, fleet.BookingDone
		}
		b.is(t, c.ID, state)
		if h, l := b.marked(t, c.ID), len(b.labs(t, c.ID)); h != held || l != labs {
			t.Fatalf("write %d (after: %v) at %v: %d held, %d labs, want %d, %d", n, after, at, h, l, held, labs)
		}
	}
	b.is(t, gone.ID, fleet.BookingCancelled)
	calendar, err := b.db.Calendars().Get(b.ctx, fleet.Production)
	must(t, err)
	past, err := b.db.Calendars().Past(b.ctx, "", time.Time{}, time.Time{}, 0)
	must(t, err)
	if len(calendar.Bookings) != 0 || len(past) != 2 || b.marked(t, "") != 4 {
		t.Fatalf("write %d (after: %v): %d in the calendar, %d archived, %d nobody's", n, after, len(calendar.Bookings), len(past), b.marked(t, ""))
	}
	for _, l := range b.labs(t, c.ID) {
		if l.State != fleet.SessionCancelled {
			t.Fatalf("write %d (after: %v): lab is %s", n, after, l.State)
		}
	}
	return died
}

// marked is held without a look at the pool, which is only a hint.
func (b *bundle) marked(t testing.TB, id string) int {
	t.Helper()
	ready, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}})
	must(t, err)
	return len(slices.DeleteFunc(ready, func(a *fleet.Account) bool { return a.Booking != id }))
}
