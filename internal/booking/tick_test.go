package booking_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
)

// The way of a class: accounts are held ahead of it, listed students get their
// labs when it starts, what nobody took is let go, and at its end all is.
func TestWayOfAClass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 6)
	r := class(4, time.Hour)
	r.Students = []string{"ada", "grace"}
	c := b.book(t, r)

	b.at(t, 44*time.Minute)
	b.is(t, c.ID, fleet.BookingBooked)
	if n := b.held(t, c.ID); n != 0 {
		t.Fatalf("%d held before the lead time", n)
	}
	b.at(t, 45*time.Minute)
	b.is(t, c.ID, fleet.BookingOpen)
	if held, rest := b.held(t, c.ID), b.held(t, ""); held != 4 || rest != 2 {
		t.Fatalf("%d held, %d left", held, rest)
	}
	if pools, err := b.Pools(b.ctx); err != nil || !slices.Equal(pools, []fleet.PoolName{fleet.BookedPool(c.ID)}) {
		t.Fatalf("pools %v (%v)", pools, err)
	}
	if n := len(b.labs(t, c.ID)); n != 0 {
		t.Fatalf("%d labs before the start", n)
	}

	b.at(t, time.Hour)
	labs := b.labs(t, c.ID)
	if len(labs) != 2 {
		t.Fatalf("%d labs at the start", len(labs))
	}
	for _, l := range labs {
		if l.RequestID != "booking/"+c.ID+"/"+l.Student || l.Owner != "academy" || l.Duration != 2*time.Hour || l.PoolName() != fleet.BookedPool(c.ID) {
			t.Errorf("%+v", l)
		}
		b.serve(t, l, c.End)
	}
	if n := b.held(t, c.ID); n != 2 {
		t.Fatalf("%d held for those who come late", n)
	}
	must(t, b.request(b.ctx, booking.Lab{RequestID: "late", LabType: labName, Student: "late", Booking: c.ID, Purpose: fleet.Production, Duration: time.Hour}))

	b.at(t, 90*time.Minute) // no show
	got := b.get(t, c.ID)
	if got.State != fleet.BookingOpen || !got.LetGo || got.Labs != 3 {
		t.Fatalf("%+v", got)
	}
	if held, rest := b.held(t, c.ID), b.held(t, ""); held != 1 || rest != 3 { // for who waits
		t.Fatalf("%d held, %d left after the no show", held, rest)
	}
	_, err := b.Seat(b.ctx, c.ID, "academy", labName)
	field(t, err, "booking")
	b.book(t, class(3, 100*time.Minute)) // with the seat that was let go and two that were free

	b.at(t, 3*time.Hour)
	b.is(t, c.ID, fleet.BookingDone)
	for _, l := range b.labs(t, c.ID) {
		want := map[string]fleet.SessionState{"late": fleet.SessionCancelled}[l.Student]
		if want == "" {
			want = fleet.SessionActive // ends by its own time
		}
		if l.State != want {
			t.Errorf("lab of %s is %s, want %s", l.Student, l.State, want)
		}
	}
	if n := b.held(t, c.ID); n != 0 {
		t.Errorf("%d held after the end", n)
	}
	if past, err := b.List(b.ctx, booking.Query{State: fleet.BookingDone, To: c.End}); err != nil || len(past) != 2 || past[1].Labs != 3 {
		t.Errorf("%+v (%v)", past, err)
	}
	if calendar, err := b.db.Calendars().Get(b.ctx, fleet.Production); err != nil || len(calendar.Bookings) != 0 {
		t.Errorf("%+v (%v)", calendar, err)
	}
	if got := b.states(); !slices.Equal(got, []string{"booked", "open", "open", "booked", "done", "open", "done"}) { // nobody came to the second
		t.Errorf("told %v", got)
	}
}

func TestNobodyComes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	c := b.book(t, class(3, time.Hour))
	b.at(t, 89*time.Minute)
	if n := b.held(t, c.ID); n != 3 {
		t.Fatalf("%d held", n)
	}
	b.at(t, 90*time.Minute)
	got := b.get(t, c.ID)
	if got.State != fleet.BookingDone || got.Reason != "nobody came" || b.held(t, "") != 3 {
		t.Errorf("%+v", got)
	}
	b.book(t, class(3, 2*time.Hour)) // its time is free again
}

func TestCancelLetsGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	r := class(3, time.Hour)
	r.Students = []string{"ada", "grace"}
	c := b.book(t, r)
	b.at(t, 61*time.Minute)
	labs := b.labs(t, c.ID)
	b.serve(t, labs[0], c.End)
	for range 2 { // again is no error
		got, err := b.Cancel(b.ctx, c.ID, "academy", "the teacher is ill")
		must(t, err)
		if got.State != fleet.BookingCancelled || got.Reason != "the teacher is ill" {
			t.Fatalf("%+v", got)
		}
	}
	b.at(t, 62*time.Minute)
	b.is(t, c.ID, fleet.BookingCancelled)
	if _, err := b.Cancel(b.ctx, c.ID, "academy", "again"); err != nil {
		t.Error(err)
	}
	var states []string
	for _, l := range b.labs(t, c.ID) {
		states = append(states, string(l.State))
	}
	slices.Sort(states)
	if !slices.Equal(states, []string{"active", "cancelled"}) || b.held(t, "") != 2 {
		t.Errorf("labs are %v, %d accounts are nobody's", states, b.held(t, ""))
	}
	if told := b.states(); !slices.Equal(told, []string{"booked", "open", "cancelled"}) {
		t.Errorf("told %v", told)
	}
}

func TestSeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	c := b.book(t, class(2, time.Hour))
	_, err := b.Seat(b.ctx, c.ID, "academy", labName)
	field(t, err, "booking") // too early
	b.at(t, 45*time.Minute)
	_, err = b.Seat(b.ctx, c.ID, "bootcamp", labName)
	wantErr(t, err, fleet.ErrNotFound)
	_, err = b.Seat(b.ctx, "nothing", "academy", labName)
	wantErr(t, err, fleet.ErrNotFound)
	_, err = b.Seat(b.ctx, c.ID, "academy", "s3-basics")
	field(t, err, "booking")
	lab := func(n int) error {
		return b.request(b.ctx, booking.Lab{RequestID: fmt.Sprint("r", n), LabType: labName, Student: "x", Owner: "academy", Booking: c.ID, Purpose: fleet.Production, Duration: time.Hour})
	}
	must(t, lab(1))
	must(t, lab(2))
	full(t, lab(3))
	labs := b.labs(t, c.ID)
	b.swap(t, labs[0], func(n *fleet.Session) { n.State = fleet.SessionFailed }) // gives its seat back
	got, err := b.Seat(b.ctx, c.ID, "", labName)
	must(t, err)
	if !got.End.Equal(c.End) {
		t.Errorf("%+v", got)
	}
	b.swap(t, labs[1], func(n *fleet.Session) { n.State = fleet.SessionEnded }) // does not
	must(t, lab(4))
	full(t, lab(5))
	b.at(t, 3*time.Hour)
	_, err = b.Seat(b.ctx, c.ID, "academy", labName)
	field(t, err, "booking")
}

// An account that is held and goes its own way is replaced; labs that came to
// nothing give their seat, and its account, back.
func TestHeldAccountsAreReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	c := b.book(t, class(2, time.Hour))
	b.at(t, 50*time.Minute)
	held, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{Booking: c.ID})
	must(t, err)
	b.move(t, held[0], fleet.Failed, nil)
	must(t, b.pool.Remove(b.ctx, held[0].PoolName(), held[0].ID))
	if d, err := b.Demand(b.ctx); err != nil || d[fleet.Production] != 1 {
		t.Errorf("demand %v (%v)", d, err)
	}
	b.at(t, 51*time.Minute)
	if n := b.held(t, c.ID); n != 2 {
		t.Fatalf("%d held", n)
	}
	_, err = b.machine.Edit(b.ctx, b.account(t, held[1].ID), func(n *fleet.Account) { n.Drain = "an operator" })
	must(t, err)
	b.at(t, 52*time.Minute)
	if n := b.held(t, c.ID); n != 1 {
		t.Fatalf("%d held, one of them is drained", n)
	}
	b.fleetOf(t, 1)
	b.at(t, 53*time.Minute)
	if n := b.held(t, c.ID); n != 2 {
		t.Fatalf("%d held", n)
	}
}

func (b *bundle) account(t testing.TB, id string) *fleet.Account {
	t.Helper()
	a, err := b.db.Accounts().Get(b.ctx, id)
	must(t, err)
	return a
}

// A booking that is moved to a later time gives its accounts back until then; so
// does one that gets smaller.
func TestChangeOfAnOpenBooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 4)
	c := b.book(t, class(4, time.Hour))
	b.at(t, 50*time.Minute)
	seats := 3
	_, err := b.Change(b.ctx, c.ID, "", b.get(t, c.ID).Version, booking.Change{Seats: &seats})
	must(t, err)
	b.at(t, 51*time.Minute)
	if n := b.held(t, c.ID); n != 3 {
		t.Fatalf("%d held", n)
	}
	start, end := t0.Add(4*time.Hour), t0.Add(5*time.Hour)
	got, err := b.Change(b.ctx, c.ID, "", b.get(t, c.ID).Version, booking.Change{Start: &start, End: &end})
	must(t, err)
	if got.State != fleet.BookingBooked {
		t.Errorf("state is %s", got.State)
	}
	b.at(t, 52*time.Minute)
	if n := b.held(t, c.ID); n != 0 {
		t.Errorf("%d held", n)
	}
	b.at(t, 241*time.Minute)
	_, err = b.Change(b.ctx, c.ID, "", b.get(t, c.ID).Version, booking.Change{Start: &end})
	field(t, err, "start") // it has begun
}

func TestDemand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	for range 4 {
		b.add(t)
	}
	b.book(t, class(3, time.Hour))
	b.at(t, 34*time.Minute)
	if d, err := b.Demand(b.ctx); err != nil || d[fleet.Production] != 0 {
		t.Errorf("demand is %v (%v)", d, err)
	}
	b.at(t, 35*time.Minute) // warming begins ten minutes before the lead time
	if d, err := b.Demand(b.ctx); err != nil || d[fleet.Production] != 3 {
		t.Errorf("demand is %v (%v)", d, err)
	}
	b.at(t, 45*time.Minute)
	if d, err := b.Demand(b.ctx); err != nil || d[fleet.Production] != 2 { // one is held
		t.Errorf("demand is %v (%v)", d, err)
	}
}

// A student whose lab is refused for good does not keep the others, nor the
// seats, waiting; one that failed for a moment is asked for again.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 3)
	r := class(3, time.Hour)
	r.Students = []string{"ada", "grace"}
	c := b.book(t, r)
	b.at(t, 50*time.Minute)
	b.clock.Advance(10 * time.Minute)
	b.setRefuse(errors.New("no connection"))
	if err := b.Tick(b.ctx, b.clock.Now()); err == nil {
		t.Error("what is left to do is not told")
	}
	b.clock.Advance(31 * time.Minute) // past the no show: nobody could come
	if err := b.Tick(b.ctx, b.clock.Now()); err == nil {
		t.Error("what is left to do is not told")
	}
	b.is(t, c.ID, fleet.BookingOpen)
	b.setRefuse(nil)
	b.at(t, 92*time.Minute)
	if n := len(b.labs(t, c.ID)); n != 2 {
		t.Errorf("%d labs", n)
	}

	d := b.book(t, booking.Request{Owner: "academy", LabType: labName, Seats: 1, Students: []string{"ada"}, Start: t0.Add(4 * time.Hour), End: t0.Add(5 * time.Hour)})
	b.at(t, 230*time.Minute)
	b.setRefuse(fleet.ErrLabTypeOff)
	b.clock.Advance(40 * time.Minute)
	wantErr(t, b.Tick(b.ctx, b.clock.Now()), fleet.ErrLabTypeOff)
	b.is(t, d.ID, fleet.BookingDone)
}

func (b *bundle) setRefuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = err
}

// A booking that is cancelled while its labs are being asked for leaves none of
// them waiting.
func TestCancelWhileLabsAreAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	r := class(1, time.Hour)
	r.Students = []string{"ada"}
	c := b.book(t, r)
	b.at(t, 50*time.Minute)
	b.asked = func() {
		if _, err := b.Cancel(b.ctx, c.ID, "", "no"); err != nil {
			t.Error(err)
		}
	}
	b.at(t, time.Hour)
	labs := b.labs(t, c.ID)
	if len(labs) != 1 || labs[0].State != fleet.SessionCancelled || b.held(t, "") != 1 {
		t.Errorf("%+v", labs)
	}
}

// What cannot be archived stays in the calendar until it can.
func TestArchiveFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 1)
	c := b.book(t, class(1, time.Hour))
	_, err := b.Cancel(b.ctx, c.ID, "", "no")
	must(t, err)
	hook := mongosim.Hook(func(command, collection string, after bool) mongosim.Fault {
		if command == "insert" && collection == "bookings" && !after {
			return mongosim.Fault{Code: 50}
		}
		return mongosim.Fault{}
	})
	b.hook.Store(&hook)
	if err := b.Tick(b.ctx, b.clock.Now()); err == nil {
		t.Error("no error")
	}
	b.is(t, c.ID, fleet.BookingCancelled)
	b.hook.Store(nil)
	b.at(t, time.Minute)
	b.is(t, c.ID, fleet.BookingCancelled)
	if calendar, err := b.db.Calendars().Get(b.ctx, fleet.Production); err != nil || len(calendar.Bookings) != 0 {
		t.Errorf("%+v (%v)", calendar, err)
	}
}
