package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/redis"
)

var otherTeacher = access.Principal{ID: "key-other", Name: "Ada", Role: access.Teacher, Owner: "bootcamp"}

type classBench struct {
	*bench
	bookings *booking.Service
}

// setupClasses makes an API on a fleet of so many warm accounts; labs are asked
// for by package assign.
func setupClasses(t *testing.T, accounts int) *classBench {
	t.Helper()
	f := &classBench{}
	f.bench = setup(t, func(b *bench, c *Config) {
		catalog := labtype.NewCatalog(map[string]fleet.LabType{labName: ec2Basics}, b.db.LabTypeFiles(), b.clock)
		var labs *assign.Service
		f.bookings = booking.New(booking.Config{Calendars: b.db.Calendars(), Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), Cleanings: b.db.Cleanings(),
			LabTypes: catalog, Statuses: b.db.LabTypes(), Pool: redis.NewPool(b.redis), Machine: b.machine, Clock: b.clock, NewID: b.newID,
			Request: func(ctx context.Context, l booking.Lab) error {
				_, err := labs.Request(ctx, assign.Request{RequestID: l.RequestID, LabType: l.LabType, Student: l.Student, Owner: l.Owner, Booking: l.Booking,
					Purpose: l.Purpose, Duration: l.Duration, Patience: l.Patience})
				return err
			},
			EndLab: func(ctx context.Context, id, reason string) error { return labs.End(ctx, id, reason) }})
		labs = assign.New(assign.Config{Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), LabTypes: catalog, Statuses: b.db.LabTypes(), Pool: redis.NewPool(b.redis),
			Machine: b.machine, Seats: f.bookings, Clock: b.clock, NewID: b.newID})
		c.Bookings, c.Pool = f.bookings, &booking.Pools{Orgs: orgs, Targets: b.db.PoolTargets(), Bookings: f.bookings}
		c.Sessions, c.Labs = b.db.Sessions(), labs
	})
	for n := range accounts {
		a, err := f.machine.Add(f.ctx, &fleet.Account{ID: fmt.Sprintf("%012d", n+1), Org: "main", OU: "ou-1", Purpose: fleet.Production, SweptAt: t0}, "new")
		must(t, err)
		a, err = f.machine.Move(f.ctx, a, fleet.UserCreating, "pool below its target", nil)
		must(t, err)
		_, err = f.machine.Move(f.ctx, a, fleet.UserCreated, "user stands", func(n *fleet.Account) { n.User, n.ReadyAt = &fleet.User{Name: "kml"}, t0 })
		must(t, err)
	}
	return f
}

// at moves the clock to so long after t0, and ticks.
func (f *classBench) at(t *testing.T, after time.Duration) {
	t.Helper()
	f.clock.Advance(t0.Add(after).Sub(f.clock.Now()))
	for range 2 {
		must(t, f.bookings.Tick(f.ctx, f.clock.Now()))
	}
}

func classRequest(seats int, in time.Duration) apitypes.BookingRequest {
	return apitypes.BookingRequest{Type: labName, Seats: seats, Start: t0.Add(in), End: t0.Add(in + 2*time.Hour), Title: "Cloud 101"}
}

func (f *classBench) book(t *testing.T, as access.Principal, r apitypes.BookingRequest) apitypes.Booking {
	t.Helper()
	return decode[apitypes.Booking](t, f.do(t, as, http.MethodPost, "/v1/bookings", r), http.StatusCreated)
}

func TestBookAClass(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	r := classRequest(3, time.Hour)
	r.Students = []string{"ada@example.org", "grace@example.org"}
	a := f.do(t, teacher, http.MethodPost, "/v1/bookings", r)
	made := decode[apitypes.Booking](t, a, http.StatusCreated)
	if a.header.Get("Location") != "/v1/bookings/"+made.ID || a.header.Get("ETag") != `"1"` {
		t.Errorf("header %v", a.header)
	}
	if made.Owner != "academy" || made.Purpose != "production" || made.State != "booked" || !made.WarmFrom.Equal(t0.Add(45*time.Minute)) || !made.NoShow.Equal(t0.Add(90*time.Minute)) {
		t.Errorf("%+v", made)
	}
	p := refused(t, f.do(t, otherTeacher, http.MethodPost, "/v1/bookings", classRequest(2, 90*time.Minute)), http.StatusConflict, "full")
	if len(p.Slots) != 3 || p.Slots[0].Seats < 2 || p.Remedy == "" {
		t.Fatalf("%+v", p)
	}
	again := classRequest(2, 0)
	again.Start, again.End = p.Slots[0].Start, p.Slots[0].End
	f.book(t, otherTeacher, again) // a slot that is offered fits

	f.at(t, 45*time.Minute)
	if got := get[apitypes.Booking](t, f.bench, teacher, "/v1/bookings/"+made.ID); got.State != "open" || got.Held != 3 {
		t.Errorf("%+v", got)
	}
	f.at(t, time.Hour)
	labs := get[apitypes.Page[apitypes.Lab]](t, f.bench, teacher, "/v1/labs")
	if len(labs.Items) != 2 || labs.Items[0].Booking != made.ID || labs.Items[0].State != "waiting" {
		t.Errorf("%+v", labs)
	}
	late := apitypes.LabRequest{Type: labName, Student: "linus@example.org", Duration: apitypes.Duration(time.Hour), Booking: made.ID}
	refused(t, f.do(t, bootcamp, http.MethodPost, "/v1/labs", late), http.StatusNotFound, "not_found")
	decode[apitypes.Lab](t, f.do(t, teacher, http.MethodPost, "/v1/labs", late), http.StatusCreated)
	late.Student = "ken@example.org"
	refused(t, f.do(t, teacher, http.MethodPost, "/v1/labs", late), http.StatusConflict, "full")
	f.at(t, 3*time.Hour)
	if got := get[apitypes.Booking](t, f.bench, teacher, "/v1/bookings/"+made.ID); got.State != "done" || got.Held != 0 || got.Labs != 3 {
		t.Errorf("%+v", got)
	}
	refused(t, f.do(t, teacher, http.MethodPost, "/v1/bookings/"+made.ID+"/cancel", apitypes.Reason{Reason: "late"}), http.StatusConflict, "booking_over")
}

func TestBookingsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	made := f.book(t, teacher, classRequest(1, time.Hour))
	path := "/v1/bookings/" + made.ID
	seats := 2
	for name, a := range map[string]answer{
		"get":    f.do(t, otherTeacher, http.MethodGet, path, nil),
		"change": f.do(t, otherTeacher, http.MethodPatch, path, apitypes.BookingChange{Seats: &seats}, "If-Match", "*"),
		"cancel": f.do(t, otherTeacher, http.MethodPost, path+"/cancel", apitypes.Reason{Reason: "mine now"}),
		"none":   f.do(t, operator, http.MethodGet, "/v1/bookings/nothing", nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, a, http.StatusNotFound, "not_found") })
	}
	for as, want := range map[access.Principal]int{teacher: 1, otherTeacher: 0, viewer: 1, operator: 1} {
		if got := get[apitypes.Page[apitypes.Booking]](t, f.bench, as, "/v1/bookings"); len(got.Items) != want {
			t.Errorf("%s sees %d", as.Name, len(got.Items))
		}
	}
	for _, as := range []access.Principal{viewer, academy} {
		refused(t, f.do(t, as, http.MethodPost, "/v1/bookings", classRequest(1, time.Hour)), http.StatusForbidden, "forbidden")
	}
	cancelled := decode[apitypes.Booking](t, f.do(t, operator, http.MethodPost, path+"/cancel", apitypes.Reason{Reason: "maintenance"}), http.StatusOK)
	if cancelled.State != "cancelled" || cancelled.Reason != "maintenance" || cancelled.Owner != "academy" {
		t.Errorf("%+v", cancelled)
	}
}

// Who sees everything may ask for a lab in anybody's class: it is of those whose
// class it is.
func TestLabInTheClassOfAnotherBooking(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 3)
	made := f.book(t, teacher, classRequest(3, time.Hour))
	f.at(t, 50*time.Minute)
	for _, as := range []access.Principal{operator, admin} {
		r := apitypes.LabRequest{Type: labName, Student: "linus@example.org", Duration: apitypes.Duration(time.Hour), Booking: made.ID, RequestID: "one-seat"}
		lab := decode[apitypes.Lab](t, f.do(t, as, http.MethodPost, "/v1/labs", r), http.StatusCreated)
		if lab.Owner != "academy" || lab.Booking != made.ID || lab.Purpose != "production" {
			t.Errorf("%s: %+v", as.Name, lab)
		}
		if again := decode[apitypes.Lab](t, f.do(t, as, http.MethodPost, "/v1/labs", r), http.StatusCreated); again.ID != lab.ID {
			t.Errorf("%s: asked again it is %+v", as.Name, again)
		}
		if seen := get[apitypes.Lab](t, f.bench, teacher, "/v1/labs/"+lab.ID); seen.ID != lab.ID {
			t.Errorf("the teacher sees %+v", seen)
		}
		refused(t, f.do(t, otherTeacher, http.MethodGet, "/v1/labs/"+lab.ID, nil), http.StatusNotFound, "not_found")
	}
}

func TestChangeABooking(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	made := f.book(t, teacher, classRequest(1, time.Hour))
	path, seats := "/v1/bookings/"+made.ID, 2
	c := apitypes.BookingChange{Seats: &seats}
	refused(t, f.do(t, teacher, http.MethodPatch, path, c), http.StatusPreconditionRequired, "if_match_required")
	refused(t, f.do(t, teacher, http.MethodPatch, path, c, "If-Match", `"7"`), http.StatusPreconditionFailed, "changed")
	a := f.do(t, teacher, http.MethodPatch, path, c, "If-Match", `"1"`)
	if got := decode[apitypes.Booking](t, a, http.StatusOK); got.Seats != 2 || got.Version != 2 || got.Title != "Cloud 101" || a.header.Get("ETag") != `"2"` {
		t.Errorf("%+v", got)
	}
	refused(t, f.do(t, teacher, http.MethodPatch, path, c, "If-Match", `"1"`), http.StatusPreconditionFailed, "changed")
	seats = 5
	refused(t, f.do(t, teacher, http.MethodPatch, path, c, "If-Match", "*"), http.StatusConflict, "full")
	past := t0.Add(-time.Hour)
	p := refused(t, f.do(t, teacher, http.MethodPatch, path, apitypes.BookingChange{Start: &past}, "If-Match", "*"), http.StatusUnprocessableEntity, "invalid")
	names(t, p, "body.start")
	if got := get[apitypes.Booking](t, f.bench, teacher, path); got.Version != 2 || got.Seats != 2 {
		t.Errorf("a refused change changed it: %+v", got)
	}
}

func TestBadBookings(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	for name, c := range map[string]struct {
		field string
		edit  func(*apitypes.BookingRequest)
	}{
		"lab type": {"body.lab_type", func(r *apitypes.BookingRequest) { r.Type = "nothing" }},
		"past":     {"body.start", func(r *apitypes.BookingRequest) { r.Start = t0.Add(-time.Second) }},
		"end":      {"body.end", func(r *apitypes.BookingRequest) { r.End = r.Start }},
		"students": {"body.students", func(r *apitypes.BookingRequest) { r.Students = []string{"a", "b"} }},
		"no show":  {"body.no_show", func(r *apitypes.BookingRequest) { r.NoShow = -1 }},
		"seats":    {"body.seats", func(r *apitypes.BookingRequest) { r.Seats = 0 }},
		"purpose":  {"body.purpose", func(r *apitypes.BookingRequest) { r.Purpose = "quarantine" }},
	} {
		r := classRequest(1, time.Hour)
		c.edit(&r)
		a := f.do(t, teacher, http.MethodPost, "/v1/bookings", r)
		t.Run(name, func(t *testing.T) { names(t, refused(t, a, http.StatusUnprocessableEntity, "invalid"), c.field) })
	}
	if got := get[apitypes.Page[apitypes.Booking]](t, f.bench, operator, "/v1/bookings"); len(got.Items) != 0 {
		t.Errorf("refused bookings stand: %+v", got)
	}
}

func TestListBookings(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	for n := range 5 {
		f.book(t, teacher, classRequest(1, time.Duration(1+3*n)*time.Hour))
	}
	seen, path := 0, "/v1/bookings?limit=2"
	for next := ""; ; {
		got := get[apitypes.Page[apitypes.Booking]](t, f.bench, teacher, path+next)
		seen += len(got.Items)
		if got.Next == "" {
			break
		}
		next = "&cursor=" + got.Next
	}
	if seen != 5 {
		t.Errorf("%d on all pages", seen)
	}
	for query, want := range map[string]int{"?from=2026-11-21T16:00:00Z": 4, "?to=2026-11-21T16:00:00Z": 1, "?state=open": 0, "?state=booked": 5,
		"?from=2026-11-21T16:00:00Z&to=2026-11-21T16:00:01Z": 1} {
		if got := get[apitypes.Page[apitypes.Booking]](t, f.bench, teacher, "/v1/bookings"+query); len(got.Items) != want {
			t.Errorf("%s: %d, want %d", query, len(got.Items), want)
		}
	}
	refused(t, f.do(t, teacher, http.MethodGet, "/v1/bookings?cursor=nonsense", nil), http.StatusUnprocessableEntity, "invalid")
	refused(t, f.do(t, teacher, http.MethodGet, "/v1/bookings?from=yesterday", nil), http.StatusUnprocessableEntity, "invalid")
}

func TestFreeSlotsOverHTTP(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 4)
	f.book(t, teacher, classRequest(3, time.Hour))
	got := get[apitypes.Page[apitypes.Slot]](t, f.bench, teacher, "/v1/bookings/slots?lab_type=ec2-basics&seats=2&duration=1h&from=2026-11-21T12:00:00Z")
	if len(got.Items) == 0 || got.Items[0].Start.Before(t0.Add(3*time.Hour)) || got.Items[0].Seats < 2 || !got.Items[0].End.Equal(got.Items[0].Start.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
	for query, field := range map[string]string{"lab_type=ec2-basics&seats=2&duration=long": "query.duration", "lab_type=ec2-basics&seats=2&duration=-1h": "query.duration",
		"lab_type=ec2-basics&seats=0&duration=1h": "query.seats", "lab_type=nothing&seats=1&duration=1h": "query.lab_type"} {
		names(t, refused(t, f.do(t, teacher, http.MethodGet, "/v1/bookings/slots?"+query, nil), http.StatusUnprocessableEntity, "invalid"), field)
	}
}
