package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Request is a booking as it is asked for.
type Request struct {
	Owner, Title, LabType string
	Purpose               fleet.Purpose // default production
	Seats                 int
	Start, End            time.Time
	Students              []string      // labs of theirs are asked for when the class starts
	NoShow                time.Duration // default Config.NoShow
}

// Change changes a booking; what is nil stays.
type Change struct {
	Seats      *int
	Start, End *time.Time
	Title      *string
	Students   *[]string
}

// Limits of what a calendar, one document of at most 16 MB, holds.
const (
	ahead        = 365 * 24 * time.Hour
	maxSeats     = 10_000
	maxStudent   = 200 // bytes; the request id of the lab holds it
	maxBookings  = 5_000
	maxCalendar  = 8 << 20 // bytes of names
	defaultOwner = "fleet"
)

// newBooking checks a request but for its place in the calendar.
func (s *Service) newBooking(ctx context.Context, r Request) (*fleet.Booking, error) {
	b := &fleet.Booking{ID: s.NewID(), Owner: cmp.Or(r.Owner, defaultOwner), Title: r.Title, LabType: r.LabType, Seats: r.Seats,
		Purpose: cmp.Or(r.Purpose, fleet.Production), Start: stamp(r.Start), End: stamp(r.End), Lead: s.Lead, Turn: s.Turn,
		NoShow: cmp.Or(r.NoShow, s.NoShow), Students: slices.Clone(r.Students), State: fleet.BookingBooked, MadeAt: s.now(), Version: 1}
	if !slices.Contains(Purposes, b.Purpose) {
		return nil, &fleet.FieldError{Field: "purpose", Value: string(b.Purpose), Remedy: "give production, development or testing"}
	}
	if b.NoShow < 0 {
		return nil, &fleet.FieldError{Field: "no_show", Value: b.NoShow.String(), Remedy: "give more than 0"}
	}
	return b, errors.Join(checkSeats(b), s.checkStart(b.Start), s.checkLength(ctx, b), s.checkOn(ctx, b.LabType))
}

// apply changes a booking as asked for, and checks what was changed.
func (s *Service) apply(ctx context.Context, b *fleet.Booking, c Change) error {
	var errs []error
	begun := !s.now().Before(b.Start)
	if c.Title != nil {
		b.Title = *c.Title
	}
	if c.Students != nil {
		b.Students = slices.Clone(*c.Students)
	}
	if c.Seats != nil {
		if *c.Seats < b.Labs || b.LetGo && *c.Seats != b.Seats {
			errs = append(errs, &fleet.FieldError{Field: "seats", Value: strconv.Itoa(*c.Seats),
				Remedy: fmt.Sprintf("%d are taken; those that nobody took by %s are let go and stay so", b.Labs, b.NoShowAt().Format(time.RFC3339))})
		}
		b.Seats = *c.Seats
	}
	if c.Start != nil && !stamp(*c.Start).Equal(b.Start) {
		if begun {
			errs = append(errs, &fleet.FieldError{Field: "start", Value: c.Start.Format(time.RFC3339), Remedy: "the class has begun; leave its start as it is"})
		}
		b.Start = stamp(*c.Start)
		errs = append(errs, s.checkStart(b.Start))
	}
	if c.End != nil {
		b.End = stamp(*c.End)
	}
	if c.Start != nil || c.End != nil {
		errs = append(errs, s.checkLength(ctx, b))
		if !b.End.After(s.now()) {
			errs = append(errs, &fleet.FieldError{Field: "end", Value: b.End.Format(time.RFC3339), Remedy: "give a time in the future, or cancel the booking"})
		}
	}
	return errors.Join(append(errs, checkSeats(b))...)
}

func checkSeats(b *fleet.Booking) error {
	if b.Seats < 1 || b.Seats > maxSeats {
		return &fleet.FieldError{Field: "seats", Value: strconv.Itoa(b.Seats), Remedy: fmt.Sprintf("give 1 to %d", maxSeats)}
	}
	if len(b.Students) > b.Seats {
		return &fleet.FieldError{Field: "students", Value: fmt.Sprintf("%d of them", len(b.Students)), Remedy: fmt.Sprintf("list at most one for each of the %d seats", b.Seats)}
	}
	seen := make(map[string]bool, len(b.Students))
	for i, name := range b.Students {
		field := fmt.Sprintf("students[%d]", i)
		switch {
		case name == "" || len(name) > maxStudent:
			return &fleet.FieldError{Field: field, Value: name, Remedy: fmt.Sprintf("give 1 to %d bytes", maxStudent)}
		case seen[name]:
			return &fleet.FieldError{Field: field, Value: name, Remedy: "list each student once"}
		}
		seen[name] = true
	}
	return nil
}

func (s *Service) checkStart(start time.Time) error {
	if now := s.now(); !start.After(now) || start.After(now.Add(ahead)) {
		return &fleet.FieldError{Field: "start", Value: start.Format(time.RFC3339), Remedy: "give a time in the future, at most a year ahead"}
	}
	return nil
}

func (s *Service) checkLength(ctx context.Context, b *fleet.Booking) error {
	if !b.End.After(b.Start) {
		return &fleet.FieldError{Field: "end", Value: b.End.Format(time.RFC3339), Remedy: "give a time after the start"}
	}
	return s.checkDuration(ctx, "end", b.End.Format(time.RFC3339), b.LabType, b.End.Sub(b.Start))
}

// checkDuration refuses a class that is longer than its labs may be.
func (s *Service) checkDuration(ctx context.Context, field, value, labType string, d time.Duration) error {
	lt, err := s.LabTypes.Get(ctx, labType)
	if errors.Is(err, fleet.ErrNotFound) {
		return &fleet.FieldError{Field: "lab_type", Value: labType, Remedy: "name a lab type that there is"}
	}
	if err != nil {
		return fmt.Errorf("look for lab type %s: %w", labType, err)
	}
	if d <= 0 || d > lt.MaxDuration {
		return &fleet.FieldError{Field: field, Value: value, Remedy: fmt.Sprintf("a class of %s may last at most %v", lt.Name, lt.MaxDuration)}
	}
	return nil
}

func (s *Service) checkOn(ctx context.Context, labType string) error {
	st, err := s.Statuses.Status(ctx, labType)
	if err != nil {
		return fmt.Errorf("status of lab type %s: %w", labType, err)
	}
	if st.Off {
		return fmt.Errorf("%w: %s: %s", fleet.ErrLabTypeOff, labType, st.Reason)
	}
	return nil
}

// checkRoom refuses a calendar that would outgrow its document.
func checkRoom(c *fleet.Calendar) error {
	size := 0
	for i := range c.Bookings {
		size += len(c.Bookings[i].Title)
		for _, name := range c.Bookings[i].Students {
			size += len(name) + 16
		}
	}
	if len(c.Bookings) > maxBookings || size > maxCalendar {
		return &fleet.FieldError{Field: "students", Value: fmt.Sprintf("%d bookings ahead", len(c.Bookings)),
			Remedy: "the calendar is full; book nearer to the time, or without listing the students"}
	}
	return nil
}
