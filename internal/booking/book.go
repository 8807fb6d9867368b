package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/fleet"
)

// Book accepts a booking if the fleet can hold it beside what is known to need
// its accounts. Errors: fleet.ErrInvalid names the field; fleet.ErrLabTypeOff;
// *fleet.FullError gives the nearest free slots.
func (s *Service) Book(ctx context.Context, r Request) (*fleet.Booking, error) {
	b, err := s.newBooking(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.edit(ctx, b.Purpose, func(c *fleet.Calendar) error {
		if err := s.fits(ctx, c, b); err != nil {
			return err
		}
		c.Bookings = append(c.Bookings, *b)
		return checkRoom(c)
	})
	if err != nil {
		return nil, err
	}
	s.tellNow(ctx, c, b.ID)
	return b, nil
}

// Change changes a booking that has the given version, as owner ("": anybody's).
// More seats or another time must fit as a new booking must. Errors as of
// [Service.Book]; fleet.ErrNotFound; fleet.ErrConflict for another version;
// fleet.ErrBookingOver.
func (s *Service) Change(ctx context.Context, id, owner string, version int64, change Change) (*fleet.Booking, error) {
	var changed fleet.Booking
	c, err := s.write(ctx, id, owner, func(c *fleet.Calendar, b *fleet.Booking) error {
		if b.Version != version {
			return fmt.Errorf("booking %s: %w", id, fleet.ErrConflict)
		}
		if b.State.Final() {
			return over(b)
		}
		next := *b
		if err := s.apply(ctx, &next, change); err != nil {
			return err
		}
		if !within(&next, b) {
			rest := c.Clone()
			rest.Bookings = slices.DeleteFunc(rest.Bookings, func(o fleet.Booking) bool { return o.ID == id })
			if err := s.fits(ctx, rest, &next); err != nil {
				return err
			}
		}
		if next.State == fleet.BookingOpen && s.now().Before(next.WarmFrom()) {
			next.State = fleet.BookingBooked
		}
		next.Version++
		*b, changed = next, next
		return checkRoom(c)
	})
	if err != nil {
		return nil, err
	}
	s.tellNow(ctx, c, id)
	return &changed, nil
}

// Cancel cancels a booking, as owner ("": anybody's); again is no error. Labs of
// it that wait are cancelled by the next tick; those that run are let be. Errors:
// fleet.ErrNotFound, fleet.ErrBookingOver.
func (s *Service) Cancel(ctx context.Context, id, owner, reason string) (*fleet.Booking, error) {
	b, err := s.Get(ctx, id, owner)
	if err != nil {
		return nil, err
	}
	if b.State == fleet.BookingCancelled {
		return b, nil
	}
	if b.State.Final() {
		return nil, over(b)
	}
	var cancelled fleet.Booking
	c, err := s.write(ctx, id, owner, func(_ *fleet.Calendar, b *fleet.Booking) error {
		switch {
		case b.State == fleet.BookingCancelled:
			cancelled = *b
			return errSame
		case b.State.Final():
			return over(b)
		}
		b.State, b.Reason = fleet.BookingCancelled, reason
		b.Version++
		cancelled = *b
		return nil
	})
	if errors.Is(err, fleet.ErrNotFound) { // it left the calendar meanwhile
		return s.Get(ctx, id, owner)
	}
	if err != nil {
		return nil, err
	}
	s.tellNow(ctx, c, id)
	return &cancelled, nil
}

// write changes one booking of a calendar, and gives the calendar as it stands then.
func (s *Service) write(ctx context.Context, id, owner string, f func(*fleet.Calendar, *fleet.Booking) error) (*fleet.Calendar, error) {
	found, err := s.Get(ctx, id, owner)
	if err != nil {
		return nil, err
	}
	return s.edit(ctx, found.Purpose, func(c *fleet.Calendar) error {
		b := find(c, id)
		if b == nil { // over, and archived
			if found.State.Final() {
				return over(found)
			}
			return fmt.Errorf("booking %s: %w", id, fleet.ErrNotFound)
		}
		return f(c, b)
	})
}

// within says whether next takes no account at any time that b does not take.
func within(next, b *fleet.Booking) bool {
	return next.Takes() <= b.Takes() && !next.WarmFrom().Before(b.WarmFrom()) && !next.FreeFrom().After(b.FreeFrom())
}

// fits refuses a booking that does not fit beside what is in the calendar.
func (s *Service) fits(ctx context.Context, c *fleet.Calendar, b *fleet.Booking) error {
	now := s.now()
	w, err := s.look(ctx, c, now)
	if err != nil {
		return err
	}
	free := w.free(later(b.WarmFrom(), now), b.FreeFrom())
	if free >= b.Seats {
		return nil
	}
	return &fleet.FullError{Seats: b.Seats, Free: max(0, free), Slots: w.nearest(shapeOf(b), b.Start, nearestSlots)}
}

// over refuses what is over.
func over(b *fleet.Booking) error {
	return fmt.Errorf("booking %s is %s (%s): %w", b.ID, b.State, b.Reason, fleet.ErrBookingOver)
}

// find gives a booking of the calendar, to be changed in place; nil if it has none such.
func find(c *fleet.Calendar, id string) *fleet.Booking {
	i := slices.IndexFunc(c.Bookings, func(b fleet.Booking) bool { return b.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Bookings[i]
}
