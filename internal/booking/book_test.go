package booking_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestBookRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	for name, c := range map[string]struct {
		field string
		edit  func(*booking.Request)
	}{
		"no lab type":       {"lab_type", func(r *booking.Request) { r.LabType = "nothing" }},
		"no seats":          {"seats", func(r *booking.Request) { r.Seats = 0 }},
		"fewer than none":   {"seats", func(r *booking.Request) { r.Seats = -1 }},
		"huge":              {"seats", func(r *booking.Request) { r.Seats = 10_001 }},
		"now":               {"start", func(r *booking.Request) { r.Start = t0 }},
		"never":             {"start", func(r *booking.Request) { r.Start, r.End = time.Time{}, time.Time{}.Add(time.Hour) }},
		"in two years":      {"start", func(r *booking.Request) { r.Start, r.End = t0.AddDate(2, 0, 0), t0.AddDate(2, 0, 0).Add(time.Hour) }},
		"backwards":         {"end", func(r *booking.Request) { r.End = r.Start.Add(-time.Minute) }},
		"no time":           {"end", func(r *booking.Request) { r.End = r.Start }},
		"too long":          {"end", func(r *booking.Request) { r.End = r.Start.Add(4*time.Hour + time.Second) }},
		"quarantine":        {"purpose", func(r *booking.Request) { r.Purpose = fleet.Quarantine }},
		"no show":           {"no_show", func(r *booking.Request) { r.NoShow = -time.Minute }},
		"too many students": {"students", func(r *booking.Request) { r.Students = []string{"a", "b", "c"} }},
		"twice":             {"students[1]", func(r *booking.Request) { r.Students = []string{"ada", "ada"} }},
		"nobody":            {"students[0]", func(r *booking.Request) { r.Students = []string{""} }},
		"wordy":             {"students[0]", func(r *booking.Request) { r.Students = []string{strings.Repeat("x", 201)} }},
	} {
		r := class(2, time.Hour)
		c.edit(&r)
		_, err := b.Book(b.ctx, r)
		t.Run(name, func(t *testing.T) { field(t, err, c.field) })
	}
	must(t, b.db.LabTypes().SetOff(b.ctx, labName, true, "broken", t0))
	_, err := b.Book(b.ctx, class(1, time.Hour))
	wantErr(t, err, fleet.ErrLabTypeOff)
	if all, err := b.List(b.ctx, booking.Query{}); err != nil || len(all) > 0 {
		t.Errorf("refused requests left %v (%v)", all, err)
	}
	if len(b.states()) > 0 {
		t.Errorf("refused requests were told: %v", b.states())
	}
}

// Of 5 accounts one fails, one is drained, one leaves: two can be booked.
func TestCapacity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	b.add(t) // rests: it is warmed in time
	a := b.add(t)
	b.move(t, a, fleet.Failed, nil)
	for _, f := range []func(*fleet.Account){func(n *fleet.Account) { n.Drain = "an operator" }, func(n *fleet.Account) { n.Leaving = true }} {
		_, err := b.machine.Edit(b.ctx, b.add(t), f)
		must(t, err)
	}
	_, err := b.Book(b.ctx, class(3, time.Hour))
	if f := full(t, err); f.Seats != 3 || f.Free != 2 || len(f.Slots) > 0 {
		t.Errorf("%+v", f)
	}
	b.book(t, class(2, time.Hour))
	other := class(1, time.Hour)
	other.Purpose = fleet.Testing
	_, err = b.Book(b.ctx, other)
	full(t, err) // each purpose has accounts of its own
}

// A class takes its accounts from 15 minutes before it to 15 minutes after it.
func TestLeadAndTurnKeepClassesApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 10)
	b.book(t, class(6, 10*time.Hour)) // 22:00 to 24:00
	for in, fits := range map[time.Duration]bool{
		7*time.Hour + 30*time.Minute: true, 7*time.Hour + 31*time.Minute: false, 9 * time.Hour: false, 10 * time.Hour: false,
		12*time.Hour + 29*time.Minute: false, 12*time.Hour + 30*time.Minute: true,
	} {
		got, err := b.Book(b.ctx, class(5, in))
		if fits {
			must(t, err)
			_, err = b.Cancel(b.ctx, got.ID, "", "only a try")
			must(t, err)
			continue
		}
		f := full(t, err)
		if f.Free != 4 || len(f.Slots) != 3 {
			t.Fatalf("%v: %+v", in, f)
		}
		// The nearest before and the nearest after, and another one; each is true.
		around := t0.Add(in)
		if !f.Slots[0].Start.Equal(t0.Add(7*time.Hour+30*time.Minute)) && !f.Slots[1].Start.Equal(t0.Add(7*time.Hour+30*time.Minute)) || !f.Slots[2].Start.After(around) {
			t.Errorf("%v: slots %v", in, f.Slots)
		}
		for _, slot := range f.Slots {
			if slot.Seats < 5 || slot.End.Sub(slot.Start) != 2*time.Hour || !slot.Start.After(b.clock.Now()) || !slot.Start.Equal(slot.Start.Truncate(15*time.Minute)) {
				t.Errorf("%v: slot %+v", in, slot)
			}
			r := class(5, slot.Start.Sub(t0))
			made := b.book(t, r)
			_, err := b.Cancel(b.ctx, made.ID, "", "only a try")
			must(t, err)
		}
	}
}

// What is known to run counts beside the bookings: labs, later labs, cleanings.
func TestLabsCountBesideBookings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	for i, l := range []fleet.Session{
		{State: fleet.SessionActive, AccountID: "000000000001", EndsAt: t0.Add(2 * time.Hour)},     // to 14:15
		{State: fleet.SessionScheduled, NotBefore: t0.Add(4 * time.Hour), Duration: 2 * time.Hour}, // 16:00 to 18:15
		{State: fleet.SessionWaiting, Duration: time.Hour},                                         // to 13:15
	} {
		l.ID, l.RequestID, l.Purpose, l.Version, l.RequestedAt = fmt.Sprint("s", i), fmt.Sprint("r", i), fleet.Production, 1, t0
		must(t, b.db.Sessions().Insert(b.ctx, &l))
	}
	a := b.move(t, b.warm(t, b.add(t)), fleet.Cleanup, nil) // 12:00 to 12:15
	free := func(in time.Duration) int {
		f, err := b.Forecast(b.ctx, t0.Add(in))
		must(t, err)
		return f[0].Free
	}
	for in, want := range map[time.Duration]int{0: 2, 16 * time.Minute: 3, 76 * time.Minute: 4, 135 * time.Minute: 5, 239 * time.Minute: 5, 4 * time.Hour: 4, 375 * time.Minute: 5} {
		if got := free(in); got != want {
			t.Errorf("free after %v: %d, want %d", in, got, want)
		}
	}
	// A cleaning that takes too long is expected to take as long again.
	b.clock.Advance(time.Hour)
	if got := free(90 * time.Minute); got != 2 {
		t.Errorf("free while %s is stuck: %d", a.ID, got)
	}
	_, err := b.Book(b.ctx, class(5, 2*time.Hour))
	if f := full(t, err); f.Free > 3 || len(f.Slots) == 0 {
		t.Errorf("%+v", f)
	}
}

// Whatever is booked at once, by however many: at no time are more seats booked
// than there are accounts, and somebody gets the last one.
func TestNeverTooMany(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		b := setup(t)
		const capacity, writers, each = 12, 12, 6
		for range capacity {
			b.add(t)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		accepted, refused := 0, 0
		for w := range uint64(writers) {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(seed, w))
				for range each {
					r := class(1+rng.IntN(capacity), time.Hour+time.Duration(rng.IntN(300))*time.Minute)
					made, err := b.Book(b.ctx, r)
					var f *fleet.FullError
					mu.Lock()
					switch {
					case err == nil:
						accepted++
					case errors.As(err, &f):
						refused++
					default:
						t.Error(err)
					}
					mu.Unlock()
					if err == nil && rng.IntN(3) == 0 {
						if _, err := b.Cancel(b.ctx, made.ID, "academy", "changed my mind"); err != nil {
							t.Error(err)
						}
					} else if err == nil && rng.IntN(2) == 0 {
						seats := 1 + rng.IntN(capacity)
						if _, err := b.Change(b.ctx, made.ID, "academy", made.Version, booking.Change{Seats: &seats}); err != nil && !errors.As(err, &f) {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		all, err := b.List(b.ctx, booking.Query{State: fleet.BookingBooked})
		must(t, err)
		most := 0
		for at := t0; at.Before(t0.Add(12 * time.Hour)); at = at.Add(time.Minute) {
			seats := 0
			for _, c := range all {
				if !at.Before(c.Start.Add(-15*time.Minute)) && at.Before(c.End.Add(15*time.Minute)) {
					seats += c.Seats
				}
			}
			most = max(most, seats)
		}
		if most > capacity || most == 0 {
			t.Fatalf("seed %d: %d seats at a time of %d (%d accepted, %d refused)", seed, most, capacity, accepted, refused)
		}
		if accepted == 0 || refused == 0 {
			t.Fatalf("seed %d proves nothing: %d accepted, %d refused", seed, accepted, refused)
		}
	}
}

// Many ask for the very last seats at once: one gets them.
func TestOneGetsTheLastSeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	results := make(chan error, 16)
	for range cap(results) {
		go func() { _, err := b.Book(b.ctx, class(2, time.Hour)); results <- err }()
	}
	won := 0
	for range cap(results) {
		if err := <-results; err == nil {
			won++
		} else {
			full(t, err)
		}
	}
	if won != 1 {
		t.Errorf("%d got the last seats", won)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 6)
	made := b.book(t, class(2, 3*time.Hour))
	b.book(t, class(3, 3*time.Hour))
	ptr := func(n int) *int { return &n }
	at := func(d time.Duration) *time.Time { at := t0.Add(d); return &at }
	_, err := b.Change(b.ctx, made.ID, "bootcamp", 1, booking.Change{Seats: ptr(1)})
	wantErr(t, err, fleet.ErrNotFound)
	_, err = b.Change(b.ctx, made.ID, "academy", 7, booking.Change{Seats: ptr(1)})
	wantErr(t, err, fleet.ErrConflict)
	_, err = b.Change(b.ctx, made.ID, "academy", 1, booking.Change{Seats: ptr(4)})
	if f := full(t, err); f.Free != 3 { // its own seats are not in its way
		t.Errorf("%+v", f)
	}
	_, err = b.Change(b.ctx, made.ID, "academy", 1, booking.Change{Seats: ptr(3), Start: at(time.Hour), End: at(6 * time.Hour)})
	field(t, err, "end")
	_, err = b.Change(b.ctx, made.ID, "academy", 1, booking.Change{Start: at(-time.Hour)})
	field(t, err, "start")
	title, students := "Cloud 101", []string{"ada", "grace"}
	got, err := b.Change(b.ctx, made.ID, "academy", 1, booking.Change{Seats: ptr(3), End: at(4 * time.Hour), Title: &title, Students: &students})
	must(t, err)
	if got.Version != 2 || got.Seats != 3 || !got.End.Equal(t0.Add(4*time.Hour)) || got.Title != title || len(got.Students) != 2 || !got.Start.Equal(made.Start) {
		t.Errorf("%+v", got)
	}
	_, err = b.Change(b.ctx, made.ID, "academy", 2, booking.Change{Seats: ptr(1)})
	field(t, err, "students")
	// Accounts that fail meanwhile are no reason to refuse what takes less.
	for _, id := range []string{"000000000001", "000000000002", "000000000003"} {
		a, err := b.db.Accounts().Get(b.ctx, id)
		must(t, err)
		b.move(t, a, fleet.Failed, nil)
	}
	_, err = b.Change(b.ctx, made.ID, "academy", 2, booking.Change{Seats: ptr(2)})
	must(t, err)
	_, err = b.Change(b.ctx, made.ID, "academy", 3, booking.Change{Seats: ptr(3)})
	full(t, err)
	b.at(t, 8*time.Hour)
	_, err = b.Change(b.ctx, made.ID, "academy", b.get(t, made.ID).Version, booking.Change{Seats: ptr(1)})
	wantErr(t, err, fleet.ErrBookingOver)
	_, err = b.Cancel(b.ctx, made.ID, "academy", "too late")
	wantErr(t, err, fleet.ErrBookingOver)
}

func TestOwnersSeeTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	made := b.book(t, class(2, 3*time.Hour))
	_, err := b.Get(b.ctx, made.ID, "bootcamp")
	wantErr(t, err, fleet.ErrNotFound)
	_, err = b.Cancel(b.ctx, made.ID, "bootcamp", "mine now")
	wantErr(t, err, fleet.ErrNotFound)
	for owner, want := range map[string]int{"": 1, "academy": 1, "bootcamp": 0} {
		got, err := b.List(b.ctx, booking.Query{Owner: owner})
		must(t, err)
		if len(got) != want {
			t.Errorf("%q sees %d", owner, len(got))
		}
	}
	_, err = b.Get(b.ctx, "nothing", "")
	wantErr(t, err, fleet.ErrNotFound)
}

// Bookings that are to come and those that are over are one list, page by page.
func TestListPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	want := map[string]bool{}
	for n := range 9 {
		made := b.book(t, class(1, time.Duration(1+n/3*3)*time.Hour)) // three at a time
		want[made.ID] = true
		if n%2 == 0 {
			_, err := b.Cancel(b.ctx, made.ID, "", "no")
			must(t, err)
		}
	}
	b.at(t, 30*time.Minute) // the cancelled ones are archived
	q := booking.Query{Limit: 2}
	var last *fleet.Booking
	for seen := 0; ; seen++ {
		got, err := b.List(b.ctx, q)
		must(t, err)
		for _, x := range got {
			if !want[x.ID] || last != nil && last.Start.Before(x.Start) {
				t.Fatalf("%s again, or out of order", x.ID)
			}
			delete(want, x.ID)
			last = &x
		}
		if len(got) < q.Limit {
			break
		}
		q.Cursor = fleet.Cursor{At: last.Start, ID: last.ID}
	}
	if len(want) > 0 {
		t.Errorf("never listed: %v", want)
	}
	for state, n := range map[fleet.BookingState]int{fleet.BookingCancelled: 1, fleet.BookingBooked: 2, fleet.BookingOpen: 0, fleet.BookingDone: 0} {
		got, err := b.List(b.ctx, booking.Query{State: state, To: t0.Add(5 * time.Hour), From: t0.Add(4 * time.Hour)})
		must(t, err)
		if len(got) != n {
			t.Errorf("%s: %d, want %d", state, len(got), n)
		}
	}
}

func TestFreeSlots(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	b.book(t, class(3, 3*time.Hour)) // takes 14:45 to 17:15
	got, err := b.FreeSlots(b.ctx, booking.SlotQuery{LabType: labName, Seats: 2, Duration: time.Hour})
	must(t, err)
	if len(got) != 12 || !got[0].Start.Equal(t0.Add(15*time.Minute)) || got[0].Seats != 4 {
		t.Fatalf("%+v", got)
	}
	// 12:15, 13:15 (cleaned by 14:30), and then what fits after 17:15.
	if !got[1].Start.Equal(t0.Add(75*time.Minute)) || !got[2].Start.Equal(t0.Add(5*time.Hour+30*time.Minute)) {
		t.Errorf("%v, %v", got[1], got[2])
	}
	none, err := b.FreeSlots(b.ctx, booking.SlotQuery{LabType: labName, Seats: 5, Duration: time.Hour})
	if err != nil || len(none) > 0 {
		t.Errorf("%v, %v", none, err)
	}
	_, err = b.FreeSlots(b.ctx, booking.SlotQuery{LabType: labName, Seats: 1, Duration: 5 * time.Hour})
	field(t, err, "duration")
	_, err = b.FreeSlots(b.ctx, booking.SlotQuery{LabType: "nothing", Seats: 1, Duration: time.Hour})
	field(t, err, "lab_type")
	_, err = b.FreeSlots(b.ctx, booking.SlotQuery{LabType: labName, Seats: 0, Duration: time.Hour})
	field(t, err, "seats")
}
