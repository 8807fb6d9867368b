package booking_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
)

// lab is a waiting lab of so long.
func (b *bundle) lab(t testing.TB, id string, d time.Duration) *fleet.Session {
	t.Helper()
	now := b.clock.Now()
	l := &fleet.Session{ID: id, RequestID: id, LabType: labName, Purpose: fleet.Production, State: fleet.SessionWaiting, Duration: d, Version: 1, RequestedAt: now, WaitUntil: now.Add(24 * time.Hour)}
	must(t, b.db.Sessions().Insert(b.ctx, l))
	return l
}

func (b *bundle) room(t testing.TB, s *booking.Service, l *fleet.Session, want bool) {
	t.Helper()
	got, err := s.Room(b.ctx, l)
	must(t, err)
	if got != want {
		t.Fatalf("room for %s is %v at %v", l.ID, got, b.clock.Now().Sub(t0))
	}
}

// Of three accounts a class has two from 12:45 to 15:15.
func TestRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	c := b.book(t, class(2, time.Hour))
	for n := range 5 { // clean again at 12:45
		b.room(t, b.Service, b.lab(t, fmt.Sprint("short", n), 30*time.Minute), true)
	}
	first, second := b.lab(t, "first", 31*time.Minute), b.lab(t, "second", time.Hour)
	b.room(t, b.Service, first, true)
	b.room(t, b.Service, first, true) // asks again: nobody else served it
	b.room(t, b.Service, second, false)
	b.clock.Advance(5 * time.Second) // the first never came
	b.room(t, b.Service, second, true)
	b.serve(t, second, t0.Add(time.Hour))
	b.clock.Advance(6 * time.Second)
	b.room(t, b.Service, first, false)
	_, err := b.Cancel(b.ctx, c.ID, "", "no")
	must(t, err)
	b.room(t, b.Service, first, true)
	b.room(t, b.Service, &fleet.Session{ID: "q", Purpose: fleet.Quarantine, Duration: time.Hour}, true)
}

// Held accounts, labs of the class and their cleanings are its seats: they do not
// count beside it. What it let go is anybody's.
func TestRoomBesideARunningClass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	r := class(3, time.Hour)
	r.Students = []string{"ada", "grace"}
	c := b.book(t, r)
	ask := func(want int) {
		t.Helper()
		b.clock.Advance(6 * time.Second)
		for n := range want + 1 {
			b.room(t, b.Service, b.lab(t, b.newID(), time.Hour), n < want)
		}
	}
	b.at(t, 50*time.Minute)
	ask(1)
	b.at(t, time.Hour)
	labs := b.labs(t, c.ID)
	a := b.serve(t, labs[0], c.End)
	b.serve(t, labs[1], c.End)
	ask(1)
	b.swap(t, labs[0], func(n *fleet.Session) { n.State = fleet.SessionEnded })
	b.move(t, a, fleet.Cleanup, nil)
	ask(1)
	b.at(t, 90*time.Minute)
	if !b.get(t, c.ID).LetGo {
		t.Fatal("nothing was let go")
	}
	ask(2)
}

// What is being claimed this moment counts: the account's half alone, and the lab
// that has ended whose account does not know yet.
func TestRoomCountsHalves(t *testing.T) {
	t.Parallel()
	for _, half := range []string{"claimed", "ended"} {
		b := setup(t)
		b.fleetOf(t, 2)
		b.book(t, class(1, 20*time.Minute))
		one, other := b.lab(t, "one", time.Hour), b.lab(t, "other", time.Hour)
		if half == "ended" {
			b.serve(t, one, t0.Add(time.Hour))
			b.swap(t, one, func(n *fleet.Session) { n.State = fleet.SessionEnded })
		} else {
			found, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{})
			must(t, err)
			b.move(t, found[0], fleet.Assigning, func(n *fleet.Account) { n.SessionID, n.AttemptID = one.ID, b.newID() })
		}
		if got, err := b.Room(b.ctx, other); err != nil || got {
			t.Errorf("%s: room for another one is %v (%v)", half, got, err)
		}
	}
}

// However many ask at once, of one process: no more are told that there is room
// than there is.
func TestRoomAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 5)
	b.book(t, class(3, time.Hour))
	var wg sync.WaitGroup
	var mu sync.Mutex
	yes := 0
	for n := range 16 {
		l := b.lab(t, fmt.Sprint("l", n), time.Hour)
		wg.Go(func() {
			ok, err := b.Room(b.ctx, l)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ok {
				yes++
			}
		})
	}
	wg.Wait()
	if yes != 2 {
		t.Fatalf("%d of 2 were told that there is room", yes)
	}
}

// Where nothing is booked, a claim costs no query: the calendar is read once a
// second. What another process books is known within that.
func TestRoomCostsNothingWithoutBookings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	l := &fleet.Session{ID: "l", Purpose: fleet.Production, State: fleet.SessionWaiting, Duration: time.Hour}
	var mu sync.Mutex
	read := map[string]int{}
	hook := mongosim.Hook(func(command, collection string, after bool) mongosim.Fault {
		mu.Lock()
		defer mu.Unlock()
		if collection != "" && !after {
			read[command+" "+collection]++
		}
		return mongosim.Fault{}
	})
	b.hook.Store(&hook)
	for range 100 {
		b.room(t, b.Service, l, true)
	}
	b.hook.Store(nil)
	if len(read) != 1 || read["find calendars"] != 1 {
		t.Errorf("100 claims in a second asked %v", read)
	}
	other := booking.New(b.Config)
	_, err := other.Book(b.ctx, class(1, time.Hour))
	must(t, err)
	b.clock.Advance(time.Second)
	b.room(t, b.Service, l, false)
}

// A lab until 13:00 may stay as long as its account is clean again at 14:45, when
// those of a class are held.
func TestExtension(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	l := b.lab(t, "l", time.Hour)
	b.serve(t, l, t0.Add(time.Hour))
	l, err := b.db.Sessions().Get(b.ctx, "l")
	must(t, err)
	c := b.book(t, class(2, 3*time.Hour))
	must(t, b.Extension(b.ctx, l, 90*time.Minute))
	err = b.Extension(b.ctx, l, 91*time.Minute)
	field(t, err, "by")
	for _, want := range []string{"at most 1h30m0s", c.ID, "2026-11-21T15:00:00Z"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
	_, err = b.Cancel(b.ctx, c.ID, "", "no")
	must(t, err)
	must(t, b.Extension(b.ctx, l, 91*time.Minute))
}

// A class's lab may be extended to the class's end, beside whatever is booked.
func TestExtensionInAClass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	r := class(1, time.Hour)
	r.Students = []string{"ada"}
	c := b.book(t, r)
	b.book(t, class(1, 3*time.Hour+30*time.Minute)) // right after
	b.at(t, time.Hour)
	l := b.labs(t, c.ID)[0]
	b.serve(t, l, t0.Add(2*time.Hour))
	l = b.labs(t, c.ID)[0]
	must(t, b.Extension(b.ctx, l, time.Hour))
	err := b.Extension(b.ctx, l, time.Hour+time.Second)
	field(t, err, "by")
	if !strings.Contains(err.Error(), "at most 1h0m0s") || !strings.Contains(err.Error(), c.ID) {
		t.Error(err)
	}
	if end, err := b.Ends(b.ctx, c.ID); err != nil || !end.Equal(c.End) {
		t.Errorf("ends %v (%v)", end, err)
	}
	b.at(t, 3*time.Hour) // and is archived
	if end, err := b.Ends(b.ctx, c.ID); err != nil || !end.Equal(c.End) {
		t.Errorf("ends %v (%v)", end, err)
	}
	_, err = b.Ends(b.ctx, "nothing")
	wantErr(t, err, fleet.ErrNotFound)
}

// Accounts are ready, and needed: a lab waits until the class has ended and its
// accounts are clean, or until one more comes back.
func TestETABesideALaterClass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	b.book(t, class(2, time.Hour)) // 12:45 to 15:15
	for n, want := range []time.Duration{0, 195 * time.Minute, 195 * time.Minute, -1} {
		got, known, err := b.ETA(b.ctx, b.waiting(t, n, ""))
		must(t, err)
		if known != (want >= 0) || known && !got.Equal(t0.Add(want)) {
			t.Errorf("%d in line: %v (%v), want after %v", n, got.Sub(t0), known, want)
		}
	}
}
