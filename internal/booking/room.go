package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	// viewAge is how old what a decision is made from may be: what this process
	// wrote counts at once, what another one wrote within this time.
	viewAge = time.Second
	// slack is how many accounts must be left over for a decision to be made from a
	// view that is not of this very moment.
	slack = 32
	// grantAge is within which a lab that was told that there is room has its
	// account, or its later end, or tries no more.
	grantAge = 5 * time.Second
)

// room decides who gets accounts of a purpose beside its bookings, one at a time.
type room struct {
	turn    chan struct{} // holds one while nobody decides
	view    *view
	version int64 // of the calendar that the view is of
	granted map[string]grant
}

// grant is what a lab was told: until when its account is its own, cleaning and all.
type grant struct{ until, at time.Time }

func newRoom() *room {
	r := &room{turn: make(chan struct{}, 1), granted: map[string]grant{}}
	r.turn <- struct{}{}
	return r
}

// Room says whether an account can be given to a waiting lab now, for as long as
// the lab takes and the cleaning after it, such that at no time of that one is
// missing to a booking. A lab that is told so counts from then on. Without a
// booking in that time nothing but the calendar is looked at, once a second.
func (s *Service) Room(ctx context.Context, l *fleet.Session) (bool, error) {
	now := s.now()
	until := now.Add(l.Duration + s.Turn)
	c, r, err := s.contended(ctx, l.Purpose, now, until)
	if r == nil || err != nil {
		return err == nil, err
	}
	if err := r.enter(ctx); err != nil {
		return false, err
	}
	defer r.leave()
	most, err := s.spare(ctx, r, c, l.ID, now, until)
	if err != nil {
		return false, fmt.Errorf("room for session %s: %w", l.ID, err)
	}
	if _, over := r.view.load.first(now, until, most); over {
		return false, nil
	}
	r.granted[l.ID] = grant{until, now}
	return true, nil
}

// Extension refuses to move the end of an active lab by so much if it would end
// after its class, or miss at some time to another one: a *fleet.FieldError
// gives the class and how much is possible.
func (s *Service) Extension(ctx context.Context, l *fleet.Session, by time.Duration) error {
	if l.Booking != "" {
		b, err := s.known(ctx, l.Booking)
		if err != nil {
			return fmt.Errorf("extend session %s: %w", l.ID, err)
		}
		if l.EndsAt.Add(by).After(b.End) {
			return tooLong(by, b.End.Sub(l.EndsAt), "then its class ends", b)
		}
		if !b.State.Final() {
			return nil // its seat is its own
		}
	}
	now := s.now()
	from, until := l.EndsAt.Add(s.Turn), l.EndsAt.Add(by+s.Turn)
	c, r, err := s.contended(ctx, l.Purpose, from, until)
	if r == nil || err != nil {
		return err
	}
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer r.leave()
	most, err := s.spare(ctx, r, c, l.ID, from, until)
	if err != nil {
		return fmt.Errorf("room to extend session %s: %w", l.ID, err)
	}
	if at, over := r.view.load.first(from, until, most); over {
		return tooLong(by, at.Sub(from), "from then on its account is needed", inTheWay(c, at))
	}
	r.granted[l.ID] = grant{until, now}
	return nil
}

func tooLong(by, possible time.Duration, why string, b *fleet.Booking) error {
	remedy := "no more time is possible: "
	if possible = possible.Truncate(time.Second); possible > 0 {
		remedy = fmt.Sprintf("give at most %v: ", possible)
	}
	return &fleet.FieldError{Field: "by", Value: by.String(),
		Remedy: fmt.Sprintf("%s%s (booking %s, %s to %s)", remedy, why, b.ID, b.Start.Format(time.RFC3339), b.End.Format(time.RFC3339))}
}

// inTheWay is the first booking that takes accounts at a time.
func inTheWay(c *fleet.Calendar, at time.Time) *fleet.Booking {
	var first *fleet.Booking
	for i := range c.Bookings {
		if b := &c.Bookings[i]; takes(b, at, at.Add(1)) && (first == nil || b.Start.Before(first.Start)) {
			first = b
		}
	}
	return first
}

// Ends is when the class of a booking ends, and with it its labs. fleet.ErrNotFound.
func (s *Service) Ends(ctx context.Context, bookingID string) (time.Time, error) {
	b, err := s.known(ctx, bookingID)
	if err != nil {
		return time.Time{}, err
	}
	return b.End, nil
}

// contended gives the calendar of a purpose, and who decides if any booking takes
// accounts from..until; nil if none does.
func (s *Service) contended(ctx context.Context, p fleet.Purpose, from, until time.Time) (*fleet.Calendar, *room, error) {
	r := s.rooms[p]
	if r == nil {
		return nil, nil, nil // never booked
	}
	c, err := s.calendar(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	for i := range c.Bookings {
		if takes(&c.Bookings[i], from, until) {
			return c, r, nil
		}
	}
	return c, nil, nil
}

// takes says whether a booking takes accounts at any time from..until.
func takes(b *fleet.Booking, from, until time.Time) bool {
	return !b.State.Final() && b.Takes() > 0 && b.WarmFrom().Before(until) && from.Before(b.FreeFrom())
}

func (r *room) enter(ctx context.Context) error {
	select {
	case <-r.turn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for others who ask for room: %w", ctx.Err())
	}
}

func (r *room) leave() { r.turn <- struct{}{} }

// spare brings the view up to date and gives the highest load of it beside which
// a lab may have one more account from..until. A view that is some moments old
// may refuse, and allow where much is left over.
func (s *Service) spare(ctx context.Context, r *room, c *fleet.Calendar, lab string, from, until time.Time) (int, error) {
	now := s.now()
	if age := now.Sub(viewTime(r.view)); r.view != nil && r.version == c.Version && age >= 0 && age < viewAge {
		most := r.spare(lab, from, now)
		if free := most - r.view.load.peak(from, until); free < 0 || free >= slack {
			return most, nil
		}
	}
	v, err := s.look(ctx, c, now)
	if err != nil {
		return 0, err
	}
	v.load = newProfile(slices.Concat(v.booked, v.busy)) // who only waits is promised nothing
	r.view, r.version = v, c.Version
	return r.spare(lab, from, now), nil
}

func viewTime(v *view) time.Time {
	if v == nil {
		return time.Time{}
	}
	return v.now
}

// spare leaves one account for the lab, and one for each other lab that was told
// that there is room and of which the view does not know yet.
func (r *room) spare(lab string, from, now time.Time) int {
	most := r.view.capacity - 1
	for id, g := range r.granted {
		switch {
		case now.Sub(g.at) >= grantAge || now.Before(g.at):
			delete(r.granted, id)
		case id != lab && g.until.After(from) && r.view.until[id].Before(g.until):
			most--
		}
	}
	return most
}
