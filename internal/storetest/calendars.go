package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Calendars tests a store of bookings. open gives an empty one to each test.
func Calendars(t *testing.T, open func(t *testing.T) fleet.Calendars) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.Calendars){
		"Swap": calendarSwap, "FirstRace": firstCalendar, "Race": calendarRace, "Archive": archiveBookings, "Past": pastBookings,
	})
}

// Booking is booking number n, from minute n on.
func Booking(n int) fleet.Booking {
	return fleet.Booking{ID: fmt.Sprintf("b%03d", n), Owner: "ada", Title: "class", LabType: "ec2-basics", Seats: 20, Purpose: fleet.Production,
		Start: stored(at(n)), End: stored(at(n + 60)), Lead: 30 * time.Minute, Turn: 20 * time.Minute, NoShow: 15 * time.Minute,
		Students: []string{"x@example.com"}, State: fleet.BookingBooked, MadeAt: stored(t0), Version: 1}
}

// booked is the successor of a calendar, with one booking more.
func booked(c *fleet.Calendar, b fleet.Booking) *fleet.Calendar {
	n := c.Clone()
	n.Version++
	n.Bookings = append(n.Bookings, b)
	return n
}

func calendarSwap(t *testing.T, ctx context.Context, s fleet.Calendars) {
	empty, err := s.Get(ctx, fleet.Production)
	must(t, err)
	equal(t, "calendar of nothing", empty, &fleet.Calendar{Purpose: fleet.Production})
	one := booked(empty, Booking(1))
	must(t, s.Swap(ctx, empty, one))
	got, err := s.Get(ctx, fleet.Production)
	must(t, err)
	equal(t, "with one booking", got, one)
	two := booked(one, Booking(2))
	must(t, s.Swap(ctx, one, two))
	wantErr(t, s.Swap(ctx, one, booked(one, Booking(3))), fleet.ErrConflict)
	wantErr(t, s.Swap(ctx, empty, booked(empty, Booking(3))), fleet.ErrConflict)
	none := two.Clone()
	none.Version, none.Bookings = 3, nil
	must(t, s.Swap(ctx, two, none))
	got, err = s.Get(ctx, fleet.Production)
	must(t, err)
	equal(t, "with no booking", got, none)
	other, err := s.Get(ctx, fleet.Testing)
	must(t, err)
	equal(t, "another purpose", other.Version, int64(0))
}

func firstCalendar(t *testing.T, ctx context.Context, s fleet.Calendars) {
	empty := &fleet.Calendar{Purpose: fleet.Testing}
	winner := oneWinner(t, race(16, func(i int) error { return s.Swap(ctx, empty, booked(empty, Booking(i))) }), fleet.ErrConflict)
	got, err := s.Get(ctx, fleet.Testing)
	must(t, err)
	equal(t, "bookings", got.Bookings, []fleet.Booking{Booking(winner)})
}

// calendarRace lets writers book at once, each trying again after a conflict.
func calendarRace(t *testing.T, ctx context.Context, s fleet.Calendars) {
	const writers = 12
	for _, err := range race(writers, func(i int) error {
		for {
			old, err := s.Get(ctx, fleet.Production)
			if err != nil {
				return err
			}
			err = s.Swap(ctx, old, booked(old, Booking(i)))
			if !errors.Is(err, fleet.ErrConflict) {
				return err
			}
		}
	}) {
		must(t, err)
	}
	got, err := s.Get(ctx, fleet.Production)
	must(t, err)
	equal(t, "bookings and version", []int{len(got.Bookings), int(got.Version)}, []int{writers, writers})
}

func archiveBookings(t *testing.T, ctx context.Context, s fleet.Calendars) {
	_, err := s.Archived(ctx, "b001")
	wantErr(t, err, fleet.ErrNotFound)
	b := Booking(1)
	b.State = fleet.BookingDone
	must(t, s.Archive(ctx, b))
	again := b
	again.Reason = "again"
	must(t, s.Archive(ctx, again))
	got, err := s.Archived(ctx, b.ID)
	must(t, err)
	equal(t, "archived", *got, b)
}

func pastBookings(t *testing.T, ctx context.Context, s fleet.Calendars) {
	for n := range 6 {
		b := Booking(n)
		b.Owner, b.Start = []string{"ada", "bob"}[n%2], stored(at(n/2)) // two at a time: the id decides
		must(t, s.Archive(ctx, b))
	}
	for name, c := range map[string]struct {
		owner    string
		from, to time.Time
		limit    int
		want     []string
	}{
		"all":     {want: []string{"b005", "b004", "b003", "b002", "b001", "b000"}},
		"limit":   {limit: 2, want: []string{"b005", "b004"}},
		"owner":   {owner: "bob", want: []string{"b005", "b003", "b001"}},
		"times":   {from: stored(at(1)), to: stored(at(2)), want: []string{"b003", "b002"}},
		"from":    {owner: "ada", from: stored(at(1)), want: []string{"b004", "b002"}},
		"nothing": {owner: "eve", want: []string{}},
	} {
		got, err := s.Past(ctx, c.owner, c.from, c.to, c.limit)
		must(t, err)
		equal(t, name, ids(got, func(b fleet.Booking) string { return b.ID }), c.want)
	}
}
