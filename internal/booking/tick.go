package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Tick does what is due at a time: opens bookings, asks for the labs of listed
// students, holds accounts, lets go, archives. What one tick could not do the
// next one does; the errors are of what is left.
func (s *Service) Tick(ctx context.Context, at time.Time) error {
	errs := make([]error, len(Purposes))
	for i, p := range Purposes {
		if err := s.tick(ctx, p, stamp(at)); err != nil {
			errs[i] = fmt.Errorf("bookings of %s: %w", p, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Service) tick(ctx context.Context, p fleet.Purpose, at time.Time) error {
	c, err := s.Calendars.Get(ctx, p)
	if err != nil {
		return err
	}
	labs := map[string]*tally{} // of bookings whose time has come
	for _, b := range c.Bookings {
		if at.Before(b.WarmFrom()) && !b.State.Final() {
			continue
		}
		if labs[b.ID], err = s.tally(ctx, b.ID); err != nil {
			return err
		}
	}
	errs := []error{s.request(ctx, c, labs, at)}
	c, err = s.advance(ctx, p, labs, at)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	c, err = s.tell(ctx, c, "")
	errs = append(errs, err, s.retire(ctx, c, labs), s.hold(ctx, c, labs))
	return errors.Join(errs...)
}

// requestsAtOnce bounds how many labs of a class are asked for together.
const requestsAtOnce = 16

// request asks for the labs of listed students whose class has begun, and notes
// them in the tallies. A student whose request is refused for good counts as
// asked for; the refusal is told by every tick until the class is over.
func (s *Service) request(ctx context.Context, c *fleet.Calendar, labs map[string]*tally, at time.Time) error {
	var errs []error
	for i := range c.Bookings {
		b, t := &c.Bookings[i], labs[c.Bookings[i].ID]
		if b.State != fleet.BookingOpen || at.Before(b.Start) || !at.Before(b.End) {
			continue
		}
		refused := s.requestAll(ctx, b, t)
		for j, err := range refused {
			if j < 3 { // they are mostly alike
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// requestAll asks for the labs of one class that were not asked for yet.
func (s *Service) requestAll(ctx context.Context, b *fleet.Booking, t *tally) []error {
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs []error
	)
	slots := make(chan struct{}, requestsAtOnce)
	for _, student := range missing(b, t) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			l := Lab{RequestID: b.RequestID(student), LabType: b.LabType, Student: student, Owner: b.Owner, Booking: b.ID,
				Purpose: b.Purpose, Duration: b.End.Sub(b.Start), Patience: b.End.Sub(b.Start)}
			err := s.Request(ctx, l)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("lab of %s for booking %s: %w", student, b.ID, err))
			}
			if err == nil {
				t.fresh++
			}
			if err == nil || final(err) {
				t.asked[l.RequestID] = true
			}
		})
	}
	wg.Wait()
	return errs
}

// missing is the listed students whose labs are still to be asked for.
func missing(b *fleet.Booking, t *tally) []string {
	var out []string
	for _, student := range b.Students {
		if !t.asked[b.RequestID(student)] && t.taken()+len(out) < b.Seats {
			out = append(out, student)
		}
	}
	return out
}

// final says whether a refusal stays one.
func final(err error) bool {
	var full *fleet.FullError
	return errors.Is(err, fleet.ErrInvalid) || errors.Is(err, fleet.ErrLabTypeOff) || errors.As(err, &full)
}

// advance writes the states that the bookings have come to, and how many labs
// they have, and gives the calendar as it stands then.
func (s *Service) advance(ctx context.Context, p fleet.Purpose, labs map[string]*tally, at time.Time) (*fleet.Calendar, error) {
	return s.edit(ctx, p, func(c *fleet.Calendar) error {
		changed := false
		for i := range c.Bookings {
			b := &c.Bookings[i]
			t := labs[b.ID]
			if t == nil || b.State.Final() {
				continue
			}
			if b.Labs != t.taken() {
				b.Labs, changed = t.taken(), true
			}
			if step(b, t, at) {
				b.Version++
				changed = true
			}
		}
		if !changed {
			return errSame
		}
		return nil
	})
}

// step takes a booking one step on if its time has come.
func step(b *fleet.Booking, t *tally, at time.Time) bool {
	switch {
	case !at.Before(b.End):
		b.State, b.Reason = fleet.BookingDone, "the class is over"
	case b.State == fleet.BookingBooked && !at.Before(b.WarmFrom()):
		b.State = fleet.BookingOpen
	case b.State != fleet.BookingOpen || b.LetGo || at.Before(b.NoShowAt()) || len(missing(b, t)) > 0:
		return false
	case t.taken() == 0:
		b.State, b.Reason = fleet.BookingDone, "nobody came"
	default:
		b.LetGo = true
	}
	return true
}

// retire takes bookings that are over, and told to be, out of the calendar: their
// waiting labs are cancelled, they are archived, and then they are left out.
// After a crash in between it is done again.
func (s *Service) retire(ctx context.Context, c *fleet.Calendar, labs map[string]*tally) error {
	var errs []error
	gone := map[string]bool{}
	for _, b := range c.Bookings {
		// Labs asked for by this very tick are seen by the next one.
		if t := labs[b.ID]; b.State.Final() && b.Told >= b.Version && t != nil && t.fresh == 0 {
			err := s.close(ctx, b, t)
			gone[b.ID] = err == nil
			errs = append(errs, err)
		}
	}
	_, err := s.edit(ctx, c.Purpose, func(c *fleet.Calendar) error {
		before := len(c.Bookings)
		c.Bookings = slices.DeleteFunc(c.Bookings, func(b fleet.Booking) bool { return gone[b.ID] })
		if len(c.Bookings) == before {
			return errSame
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// close cancels the labs that still wait for a seat, and archives the booking.
func (s *Service) close(ctx context.Context, b fleet.Booking, t *tally) error {
	for _, l := range t.waiting {
		if err := s.EndLab(ctx, l.ID, "its booking is over: "+b.Reason); err != nil {
			return fmt.Errorf("lab %s of booking %s: %w", l.ID, b.ID, err)
		}
	}
	if err := s.Calendars.Archive(ctx, b); err != nil {
		return fmt.Errorf("archive booking %s: %w", b.ID, err)
	}
	return nil
}
