package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// kept is a calendar as it was read or written here.
type kept struct {
	calendar *fleet.Calendar
	at       time.Time
}

// keep keeps a calendar for those who may know it as it was a second ago.
func (s *Service) keep(c *fleet.Calendar, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.kept[c.Purpose].calendar; old == nil || old.Version <= c.Version {
		s.kept[c.Purpose] = kept{c.Clone(), at}
	}
}

// calendar gives a calendar, not to be written, that may be a second old.
func (s *Service) calendar(ctx context.Context, p fleet.Purpose) (*fleet.Calendar, error) {
	s.mu.Lock()
	k := s.kept[p]
	s.mu.Unlock()
	now := s.now()
	if age := now.Sub(k.at); k.calendar != nil && age >= 0 && age < viewAge {
		return k.calendar, nil
	}
	c, err := s.Calendars.Get(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("calendar of %s: %w", p, err)
	}
	c.Purpose = p
	s.keep(c, now)
	return c, nil
}

// known gives a booking, not to be written, that may be a second old.
func (s *Service) known(ctx context.Context, id string) (*fleet.Booking, error) {
	for _, p := range Purposes {
		c, err := s.calendar(ctx, p)
		if err != nil {
			return nil, err
		}
		if b := find(c, id); b != nil {
			return b, nil
		}
	}
	return s.get(ctx, id)
}
