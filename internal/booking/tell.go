package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// tell tells what of a calendar as it stands was not told yet, of one booking or
// ("") of all, notes what was, and gives the calendar as it stands then. A change
// may be told twice: by two at once, or if the note is lost.
func (s *Service) tell(ctx context.Context, c *fleet.Calendar, only string) (*fleet.Calendar, error) {
	told := map[string]int64{}
	var errs []error
	for _, b := range c.Bookings {
		if b.Told >= b.Version || only != "" && b.ID != only {
			continue
		}
		err := s.Tell(ctx, fleet.Event{ID: fmt.Sprintf("booking/%s/%d", b.ID, b.Version), Type: fleet.EventBooking, At: s.now(), Owner: b.Owner,
			LabType: b.LabType, Booking: b.ID, State: string(b.State), Reason: b.Reason, EndsAt: b.End})
		if err != nil {
			errs = append(errs, fmt.Errorf("tell of booking %s: %w", b.ID, err))
			continue
		}
		told[b.ID] = b.Version
	}
	if len(told) == 0 {
		return c, errors.Join(errs...)
	}
	stands, err := s.edit(ctx, c.Purpose, func(c *fleet.Calendar) error {
		changed := false
		for i := range c.Bookings {
			if b := &c.Bookings[i]; b.Told < told[b.ID] {
				b.Told, changed = told[b.ID], true
			}
		}
		if !changed {
			return errSame
		}
		return nil
	})
	if err != nil {
		return c, errors.Join(append(errs, err)...)
	}
	return stands, errors.Join(errs...)
}

// tellNow tells at once what a caller has just written. What fails here stays
// noted as not told, and the next tick tells it, or says why not.
func (s *Service) tellNow(ctx context.Context, c *fleet.Calendar, id string) {
	_, _ = s.tell(ctx, c, id)
}
