package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

// hold makes the accounts held for each open booking as many as it needs: ready
// accounts that are nobody's are marked, longest rested first, the earliest class
// first; marks that are too many, or of a booking that is not open, are taken off.
func (s *Service) hold(ctx context.Context, c *fleet.Calendar, labs map[string]*tally) error {
	ready, err := s.accounts(ctx, fleet.AccountQuery{Purpose: c.Purpose, States: []fleet.State{fleet.UserCreated}})
	if err != nil {
		return err
	}
	slices.SortStableFunc(ready, func(x, y *fleet.Account) int { return x.RestedSince.Compare(y.RestedSince) })
	open, lacks := opened(c), map[string]int{}
	for _, b := range open {
		lacks[b.ID] = -1 // not looked at by this tick: left as it is
		if t := labs[b.ID]; t != nil {
			lacks[b.ID] = needs(b, t)
		}
	}
	var free []*fleet.Account
	var errs []error
	for _, a := range ready {
		n, ok := lacks[a.Booking]
		switch {
		case a.Booking == "":
			if holdable(a) {
				free = append(free, a)
			}
		case ok && n < 0:
		case ok && n > 0 && holdable(a):
			lacks[a.Booking]--
		default:
			_, err := s.mark(ctx, a, "")
			errs = append(errs, err)
		}
	}
	for _, b := range open {
		for ; lacks[b.ID] > 0 && len(free) > 0; free = free[1:] {
			held, err := s.mark(ctx, free[0], b.ID)
			if held {
				lacks[b.ID]--
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// opened gives the open bookings of a calendar, the earliest class first.
func opened(c *fleet.Calendar) []*fleet.Booking {
	var open []*fleet.Booking
	for i := range c.Bookings {
		if c.Bookings[i].State == fleet.BookingOpen {
			open = append(open, &c.Bookings[i])
		}
	}
	slices.SortStableFunc(open, func(x, y *fleet.Booking) int {
		if c := x.Start.Compare(y.Start); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return open
}

// needs is how many ready accounts a booking needs: one for each seat that has
// none yet, or only for those who wait, once the others were let go.
func needs(b *fleet.Booking, t *tally) int {
	waiting := len(t.waiting) + t.fresh
	if b.LetGo {
		return waiting
	}
	return max(b.Seats-t.seated, waiting)
}

// holdable says whether a ready account may be held.
func holdable(a *fleet.Account) bool {
	return usable(a) && a.State == fleet.UserCreated && a.User != nil && a.SessionID == "" && !a.SweptAt.IsZero()
}

// mark holds a ready account for a booking, or for none (""), and moves it to
// the pool of that; what the pool misses of it is found by a search of accounts.
// One that went its own way meanwhile is let be: the next tick looks again.
func (s *Service) mark(ctx context.Context, a *fleet.Account, booking string) (done bool, err error) {
	next, err := s.Machine.Edit(ctx, a, func(n *fleet.Account) { n.Booking = booking })
	if errors.Is(err, fleet.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = errors.Join(s.Pool.Remove(ctx, a.PoolName(), a.ID), s.Pool.Add(ctx, next.PoolName(), a.ID, a.RestedSince))
	if err != nil {
		return true, fmt.Errorf("account %s, which is held for %q now: %w", a.ID, booking, err)
	}
	return true, nil
}

// Demand is how many accounts bookings still lack by purpose: those that are
// open, and those whose warming has begun. Accounts that are held already are
// not in it, others that are ready are not taken off.
func (s *Service) Demand(ctx context.Context) (map[fleet.Purpose]int, error) {
	now := s.now()
	out := map[fleet.Purpose]int{}
	for _, p := range Purposes {
		c, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		for i := range c.Bookings {
			b := &c.Bookings[i]
			if b.State.Final() || now.Before(b.WarmFrom().Add(-s.Warm)) || !now.Before(b.End) {
				continue
			}
			lacks, err := s.lacks(ctx, b)
			if err != nil {
				return nil, err
			}
			out[p] += lacks
		}
	}
	return out, nil
}

// lacks is how many accounts a booking needs beyond those held.
func (s *Service) lacks(ctx context.Context, b *fleet.Booking) (int, error) {
	t, err := s.tally(ctx, b.ID)
	if err != nil {
		return 0, err
	}
	held, err := s.Held(ctx, *b)
	if err != nil {
		return 0, err
	}
	return max(0, needs(b, t)-held), nil
}

// Pools are the pools of open bookings: where labs wait beside the purposes'.
func (s *Service) Pools(ctx context.Context) ([]fleet.PoolName, error) {
	var out []fleet.PoolName
	for _, p := range Purposes {
		c, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		for _, b := range opened(c) {
			out = append(out, fleet.BookedPool(b.ID))
		}
	}
	return out, nil
}
