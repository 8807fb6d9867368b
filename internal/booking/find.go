package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Get gives a booking, as owner ("": anybody's). fleet.ErrNotFound if there is
// none, or if it is another's.
func (s *Service) Get(ctx context.Context, id, owner string) (*fleet.Booking, error) {
	b, err := s.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if owner != "" && b.Owner != owner {
		return nil, fmt.Errorf("booking %s: %w", id, fleet.ErrNotFound)
	}
	return b, nil
}

// get looks into the calendars first: what leaves them was archived before.
func (s *Service) get(ctx context.Context, id string) (*fleet.Booking, error) {
	for _, p := range Purposes {
		c, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		if b := find(c, id); b != nil {
			return b, nil
		}
	}
	b, err := s.Calendars.Archived(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("booking %s: %w", id, err)
	}
	return b, nil
}

// Query selects bookings; what is empty selects all. They come latest start
// first.
type Query struct {
	Owner    string
	State    fleet.BookingState
	From, To time.Time    // of the start, To itself not
	Cursor   fleet.Cursor // start and id of the last one seen
	Limit    int          // 0: 1000
}

// List lists bookings, those that are over too.
func (s *Service) List(ctx context.Context, q Query) ([]fleet.Booking, error) {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	var out []fleet.Booking
	seen := map[string]bool{}
	for _, p := range Purposes {
		c, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		for _, b := range c.Bookings {
			seen[b.ID] = true
			if q.selects(&b) {
				out = append(out, b)
			}
		}
	}
	if q.State == "" || q.State.Final() {
		past, err := s.past(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, b := range past { // one that is being archived stands in both
			if !seen[b.ID] {
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, latestFirst)
	return out[:min(len(out), q.Limit)], nil
}

// past reads bookings that are over. The store knows neither the cursor's id nor
// the state, so more are read until enough are selected.
func (s *Service) past(ctx context.Context, q Query) ([]fleet.Booking, error) {
	to := q.To
	if at := q.Cursor.At; q.Cursor != (fleet.Cursor{}) && (to.IsZero() || at.Before(to)) {
		to = at.Add(time.Millisecond) // others may start with the one at the cursor
	}
	for n := q.Limit + 1; ; n *= 2 {
		found, err := s.Calendars.Past(ctx, q.Owner, q.From, to, n)
		if err != nil {
			return nil, fmt.Errorf("bookings that are over: %w", err)
		}
		all := len(found) < n
		found = slices.DeleteFunc(found, func(b fleet.Booking) bool { return !q.selects(&b) })
		// Of those that start together the store may have left some out.
		if all || len(found) > q.Limit && !found[q.Limit-1].Start.Equal(found[len(found)-1].Start) {
			return found, nil
		}
	}
}

func (q *Query) selects(b *fleet.Booking) bool {
	return (q.Owner == "" || b.Owner == q.Owner) && (q.State == "" || b.State == q.State) &&
		!b.Start.Before(q.From) && (q.To.IsZero() || b.Start.Before(q.To)) &&
		(q.Cursor == fleet.Cursor{} || latestFirst(*b, fleet.Booking{Start: q.Cursor.At, ID: q.Cursor.ID}) > 0)
}

// latestFirst orders by start, latest first, then by id.
func latestFirst(x, y fleet.Booking) int {
	if c := y.Start.Compare(x.Start); c != 0 {
		return c
	}
	return strings.Compare(y.ID, x.ID)
}

// Held counts the accounts that are held for a booking now.
func (s *Service) Held(ctx context.Context, b fleet.Booking) (int, error) {
	if b.State != fleet.BookingOpen {
		return 0, nil
	}
	held, err := s.accounts(ctx, fleet.AccountQuery{Purpose: b.Purpose, Booking: b.ID, States: []fleet.State{fleet.UserCreated}})
	return len(held), err
}

// leastLab is how much of a class must be left for a lab in it.
const leastLab = time.Minute

// Seat gives the booking that a lab wants a seat of, if it may have one now, as
// owner ("": anybody's). The lab ends by the booking's end: see [Service.Ends]. Errors:
// fleet.ErrNotFound; fleet.ErrInvalid names what is wrong; *fleet.FullError.
//
// Two that ask at once may both get the last seat; the accounts held bound what
// is handed out.
func (s *Service) Seat(ctx context.Context, bookingID, owner, labType string) (*fleet.Booking, error) {
	b, err := s.Get(ctx, bookingID, owner)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("seat of booking %s: %w", bookingID, err)
	}
	now := s.now()
	wrong := func(remedy string) error {
		return &fleet.FieldError{Field: "booking", Value: bookingID, Remedy: remedy}
	}
	switch {
	case b.LabType != labType:
		return nil, wrong("it is for " + b.LabType)
	case b.State.Final() || now.Add(leastLab).After(b.End):
		return nil, wrong("it is over; ask for a lab without it")
	case now.Before(b.WarmFrom()):
		return nil, wrong("its labs can be asked for from " + b.WarmFrom().Format(time.RFC3339) + " on")
	case b.LetGo:
		return nil, wrong("the seats that nobody took by " + b.NoShowAt().Format(time.RFC3339) + " were let go; ask for a lab without it")
	}
	t, err := s.tally(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	if t.taken() >= b.Seats {
		return nil, &fleet.FullError{Seats: 1}
	}
	return b, nil
}

// tally is where the labs of a booking stand.
type tally struct {
	waiting []*fleet.Session // or scheduled
	seated  int              // have an account, or had one to the end
	fresh   int              // asked for just now
	asked   map[string]bool  // request ids, those that came to nothing too
}

func (t *tally) taken() int { return t.seated + len(t.waiting) + t.fresh }

func (s *Service) tally(ctx context.Context, id string) (*tally, error) {
	labs, err := s.sessions(ctx, fleet.SessionQuery{Booking: id})
	if err != nil {
		return nil, fmt.Errorf("booking %s: %w", id, err)
	}
	t := &tally{asked: make(map[string]bool, len(labs))}
	for _, l := range labs {
		t.asked[l.RequestID] = true
		switch l.State {
		case fleet.SessionScheduled, fleet.SessionWaiting:
			t.waiting = append(t.waiting, l)
		case fleet.SessionAssigning, fleet.SessionActive, fleet.SessionEnded:
			t.seated++
		}
	}
	return t, nil
}
