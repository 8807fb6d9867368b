package booking

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Forecast is what is expected of a purpose's accounts at a time.
type Forecast struct {
	Purpose fleet.Purpose
	At      time.Time
	Free    int // accounts that nothing is known to need then; negative: too few
	Booked  int // seats of bookings
	Busy    int // labs that run or are cleaned after beside them
}

// Forecast says what is expected at each of some times, purpose by purpose. It
// knows of labs and bookings that stand, not of those that will be asked for.
func (s *Service) Forecast(ctx context.Context, at ...time.Time) ([]Forecast, error) {
	now := s.now()
	var out []Forecast
	for _, p := range Purposes {
		c, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		c.Purpose = p
		v, err := s.look(ctx, c, now)
		if err != nil {
			return nil, err
		}
		booked, busy := newProfile(v.booked), newProfile(slices.Concat(v.busy, v.asked))
		for _, t := range at {
			f := Forecast{Purpose: p, At: t, Booked: booked.peak(t, t), Busy: busy.peak(t, t)}
			f.Free = v.capacity - f.Booked - f.Busy
			out = append(out, f)
		}
	}
	return out, nil
}

const (
	outlookAge = 10 * time.Second // of what ETA answers from
	creation   = 30 * time.Second // of a user, from rest to ready
	lastRuns   = 15               // cleanings that the usual duration is taken from
)

// outlook is when accounts of a purpose are expected to be ready, soonest first.
type outlook struct {
	at     time.Time
	supply []time.Time
	owed   int // of them to bookings
}

// ETA estimates when a session that waits gets an account: by its place in its
// pool, by the cleanings in progress and how long the last ones took, by the
// ends of the labs that run, and by the room that bookings leave. False if nothing
// known will serve it.
func (s *Service) ETA(ctx context.Context, l *fleet.Session) (time.Time, bool, error) {
	now := s.now()
	switch l.State {
	case fleet.SessionScheduled:
		return later(l.NotBefore, now), true, nil
	case fleet.SessionWaiting:
	default:
		return time.Time{}, false, nil
	}
	o, err := s.outlookOf(ctx, l.Purpose, now)
	if err != nil {
		return time.Time{}, false, err
	}
	line, err := s.Sessions.Waiting(ctx, l.PoolName(), pageSize)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("waiting list of %s: %w", l.PoolName(), err)
	}
	place := slices.IndexFunc(line, func(w *fleet.Session) bool { return w.ID == l.ID })
	if place < 0 {
		place = len(line)
	}
	if l.Booking == "" {
		place += o.owed
	} else {
		held, err := s.accounts(ctx, fleet.AccountQuery{Purpose: l.Purpose, Booking: l.Booking, States: []fleet.State{fleet.UserCreated}})
		if err != nil {
			return time.Time{}, false, err
		}
		if place -= len(held); place < 0 {
			return now, true, nil
		}
	}
	if place >= len(o.supply) {
		return time.Time{}, false, nil
	}
	if l.Booking != "" {
		return later(o.supply[place], now), true, nil
	}
	return s.roomFrom(ctx, l, later(o.supply[place], now), place-o.owed)
}

// roomFrom is when there is room for a lab that so many are ahead of, at that time
// or later; false if there is none, ever.
func (s *Service) roomFrom(ctx context.Context, l *fleet.Session, at time.Time, ahead int) (time.Time, bool, error) {
	now, takes := s.now(), l.Duration+s.Turn
	c, r, err := s.contended(ctx, l.Purpose, now, at.Add(takes))
	if r == nil || err != nil {
		return at, err == nil, err
	}
	if err := r.enter(ctx); err != nil {
		return at, false, err
	}
	defer r.leave()
	most, err := s.spare(ctx, r, c, l.ID, now, at.Add(takes))
	if err != nil {
		return at, false, fmt.Errorf("room for session %s: %w", l.ID, err)
	}
	if most -= ahead; most < 0 {
		return at, false, nil
	}
	for {
		over, found := r.view.load.first(at, at.Add(takes), most)
		if !found {
			return at, true, nil
		}
		at = r.view.load.down(over, most)
	}
}

// outlookOf gives a purpose's outlook, which may be some seconds old.
func (s *Service) outlookOf(ctx context.Context, p fleet.Purpose, now time.Time) (outlook, error) {
	s.mu.Lock()
	o, ok := s.outlook[p]
	s.mu.Unlock()
	if ok && now.Sub(o.at) < outlookAge && !now.Before(o.at) {
		return o, nil
	}
	o, err := s.newOutlook(ctx, p, now)
	if err != nil {
		return o, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outlook[p] = o
	return o, nil
}

func (s *Service) newOutlook(ctx context.Context, p fleet.Purpose, now time.Time) (outlook, error) {
	o := outlook{at: now}
	demand, err := s.Demand(ctx)
	if err != nil {
		return o, err
	}
	accounts, err := s.accounts(ctx, fleet.AccountQuery{Purpose: p})
	if err != nil {
		return o, err
	}
	turn, err := s.turnaround(ctx, accounts)
	if err != nil {
		return o, err
	}
	o.owed = demand[p]
	for _, a := range accounts {
		if at, ok := readyBy(a, turn, now); ok {
			o.supply = append(o.supply, at)
		}
	}
	slices.SortFunc(o.supply, time.Time.Compare)
	return o, nil
}

// readyBy is when an account is expected to be ready for anybody; false if that
// is not known.
func readyBy(a *fleet.Account, turn time.Duration, now time.Time) (time.Time, bool) {
	switch {
	case !usable(a):
		return time.Time{}, false
	case a.State == fleet.UserCreated:
		return now, a.Booking == ""
	case a.State == fleet.UserCreating, a.State == fleet.Loaded:
		return now.Add(creation), !a.SweptAt.IsZero()
	case cleaning(a):
		return cleanBy(a, turn, now).Add(creation), true
	case a.State == fleet.InUse && !a.EndsAt.IsZero():
		return later(a.EndsAt, now).Add(turn + creation), true
	}
	return time.Time{}, false
}

// turnaround is how long cleanings take: the median of the last ones of the
// accounts that came to rest last; what is configured if there were none.
func (s *Service) turnaround(ctx context.Context, accounts []*fleet.Account) (time.Duration, error) {
	rested := slices.DeleteFunc(slices.Clone(accounts), func(a *fleet.Account) bool { return a.CleaningID == "" })
	slices.SortFunc(rested, func(x, y *fleet.Account) int { return y.RestedSince.Compare(x.RestedSince) })
	var took []time.Duration
	for _, a := range rested[:min(len(rested), lastRuns)] {
		runs, err := s.Cleanings.Runs(ctx, a.ID, 2) // the newest may be in progress
		if err != nil {
			return 0, fmt.Errorf("cleanings of account %s: %w", a.ID, err)
		}
		for _, r := range runs {
			if !r.DoneAt.IsZero() {
				took = append(took, r.DoneAt.Sub(r.StartedAt))
				break
			}
		}
	}
	if len(took) == 0 {
		return s.Turn, nil
	}
	slices.SortFunc(took, cmp.Compare)
	return took[len(took)/2], nil
}
