package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// span is so many accounts needed from one time until before another.
type span struct {
	from, to time.Time
	n        int
}

// view is what a purpose's accounts are known to be needed for.
type view struct {
	now      time.Time
	capacity int    // accounts that can serve
	booked   []span // bookings of the calendar
	busy     []span // labs that have an account, and cleanings, beside them
	asked    []span // labs that were asked for and have none yet
	load     profile
	// until is when the accounts of labs that have one are clean again.
	until map[string]time.Time
}

// free is how many accounts nothing is known to need at any time from..to.
func (v *view) free(from, to time.Time) int { return v.capacity - v.load.peak(from, to) }

// look reads what the accounts of a calendar's purpose are needed for. A lab that
// comes, goes or gets its account meanwhile counts at least once: the labs are
// read first.
func (s *Service) look(ctx context.Context, c *fleet.Calendar, now time.Time) (*view, error) {
	labs, err := s.sessions(ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionScheduled, fleet.SessionWaiting, fleet.SessionAssigning, fleet.SessionActive}})
	if err != nil {
		return nil, err
	}
	accounts, err := s.accounts(ctx, fleet.AccountQuery{Purpose: c.Purpose})
	if err != nil {
		return nil, err
	}
	v := &view{now: now, until: map[string]time.Time{}}
	covered := map[string]time.Time{} // booking to the time until which its seats count
	for i := range c.Bookings {
		if b := &c.Bookings[i]; !b.State.Final() {
			v.booked = append(v.booked, span{b.WarmFrom(), b.FreeFrom(), b.Takes()})
			covered[b.ID] = b.FreeFrom()
		}
	}
	useless, holder := map[string]bool{}, map[string]*fleet.Account{} // accounts by their id, and by their lab's
	for _, a := range accounts {
		switch _, booked := covered[a.Booking]; {
		case !usable(a):
			useless[a.ID] = true
			continue
		case cleaning(a) && !booked:
			v.busy = append(v.busy, span{now, cleanBy(a, s.Turn, now), 1})
		}
		v.capacity++
		if a.SessionID != "" {
			holder[a.SessionID] = a
		}
	}
	for _, l := range labs {
		a := holder[l.ID]
		delete(holder, l.ID)
		if l.Purpose == c.Purpose && !useless[l.AccountID] {
			s.add(v, l, a, covered[l.Booking])
		}
	}
	if err := s.addUnseen(ctx, v, holder, covered); err != nil {
		return nil, err
	}
	v.load = newProfile(slices.Concat(v.booked, v.busy, v.asked))
	return v, nil
}

// add adds a lab, with the account that it holds, if any. Until covered it counts
// as one of its booking's seats.
func (s *Service) add(v *view, l *fleet.Session, a *fleet.Account, covered time.Time) {
	has := l.State == fleet.SessionAssigning || l.State == fleet.SessionActive || a != nil && !cleaning(a)
	if has && a != nil && cleaning(a) {
		return // it has ended meanwhile: its account counts
	}
	from, to := v.now, s.freeFrom(l, v.now)
	if l.State == fleet.SessionScheduled {
		from = later(v.now, l.NotBefore)
	}
	if l.State != fleet.SessionActive && !covered.IsZero() {
		to = covered // where its booking ends, it ends
	}
	if has {
		v.until[l.ID] = to
	}
	switch from = later(from, covered); {
	case !from.Before(to):
	case has:
		v.busy = append(v.busy, span{from, to, 1})
	default:
		v.asked = append(v.asked, span{from, to, 1})
	}
}

// addUnseen adds the labs that hold an account and were not among those read: they
// were asked for meanwhile, or have just ended.
func (s *Service) addUnseen(ctx context.Context, v *view, holder map[string]*fleet.Account, covered map[string]time.Time) error {
	for id, a := range holder {
		if cleaning(a) {
			continue
		}
		l, err := s.Sessions.Get(ctx, id)
		switch {
		case err != nil && !errors.Is(err, fleet.ErrNotFound):
			return fmt.Errorf("lab of account %s: %w", a.ID, err)
		case err == nil && !l.State.Final():
			s.add(v, l, a, covered[l.Booking])
		default: // it goes to the cleaning
			if from, to := later(v.now, covered[a.Booking]), v.now.Add(s.Turn); from.Before(to) {
				v.busy = append(v.busy, span{from, to, 1})
			}
		}
	}
	return nil
}

// usable says whether an account serves labs, now or when it is clean.
func usable(a *fleet.Account) bool {
	return a.State != fleet.Failed && a.State != fleet.Draining && !a.Leaves()
}

// cleaning says whether an account is on its way from a lab back to rest.
func cleaning(a *fleet.Account) bool {
	return a.State == fleet.Cleanup || a.State == fleet.UserDeleted || a.State == fleet.AssigningFailed
}

// cleanBy is when a cleaning is expected to be over. One that takes longer than
// it should is expected to take as long again.
func cleanBy(a *fleet.Account, turn time.Duration, now time.Time) time.Time {
	if by := a.Since.Add(turn); by.After(now) {
		return by
	}
	return now.Add(now.Sub(a.Since))
}

// freeFrom is when the account of a lab, known or not yet, is expected back.
func (s *Service) freeFrom(l *fleet.Session, now time.Time) time.Time {
	switch {
	case l.State == fleet.SessionActive:
		return later(l.EndsAt, now).Add(s.Turn)
	case l.State == fleet.SessionScheduled:
		return later(l.NotBefore, now).Add(l.Duration + s.Turn)
	default:
		return now.Add(l.Duration + s.Turn)
	}
}

// profile is how many accounts are needed over time: load[i] from at[i] on.
type profile struct {
	at   []time.Time
	load []int
}

func newProfile(spans []span) profile {
	change := map[time.Time]int{}
	for _, sp := range spans {
		change[sp.from.UTC()] += sp.n
		change[sp.to.UTC()] -= sp.n
	}
	var p profile
	for at := range change {
		p.at = append(p.at, at)
	}
	slices.SortFunc(p.at, time.Time.Compare)
	sum := 0
	for _, at := range p.at {
		sum += change[at]
		p.load = append(p.load, sum)
	}
	return p
}

// peak is the highest load at any time from..to, to itself not.
func (p profile) peak(from, to time.Time) int {
	most := 0
	i := sort.Search(len(p.at), func(i int) bool { return p.at[i].After(from) })
	if i > 0 {
		most = p.load[i-1]
	}
	for ; i < len(p.at) && p.at[i].Before(to); i++ {
		most = max(most, p.load[i])
	}
	return most
}

// first is the first time from..to, to itself not, at which the load is more
// than most.
func (p profile) first(from, to time.Time, most int) (time.Time, bool) {
	i := sort.Search(len(p.at), func(i int) bool { return p.at[i].After(from) })
	if i > 0 && p.load[i-1] > most {
		return from, true
	}
	for ; i < len(p.at) && p.at[i].Before(to); i++ {
		if p.load[i] > most {
			return p.at[i], true
		}
	}
	return time.Time{}, false
}

// down is when the load, which is more than most at a time, is not any more. At
// the end it is none.
func (p profile) down(at time.Time, most int) time.Time {
	i := sort.Search(len(p.at), func(i int) bool { return p.at[i].After(at) })
	for p.load[i] > most {
		i++
	}
	return p.at[i]
}

const pageSize = 1000

// accounts reads all accounts that a query selects, page by page.
func (s *Service) accounts(ctx context.Context, q fleet.AccountQuery) ([]*fleet.Account, error) {
	var all []*fleet.Account
	for q.After, q.Limit = " ", pageSize; ; q.After = all[len(all)-1].ID {
		found, err := s.Accounts.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("accounts of %s: %w", q.Purpose, err)
		}
		if all = append(all, found...); len(found) < pageSize {
			return all, nil
		}
	}
}

// sessions reads all sessions that a query selects, page by page.
func (s *Service) sessions(ctx context.Context, q fleet.SessionQuery) ([]*fleet.Session, error) {
	var all []*fleet.Session
	for q.After, q.Limit = " ", pageSize; ; q.After = all[len(all)-1].ID {
		found, err := s.Sessions.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("labs: %w", err)
		}
		if all = append(all, found...); len(found) < pageSize {
			return all, nil
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
