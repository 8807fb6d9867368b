package booking

import (
	"context"
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
	busy     []span // labs and cleanings beside them
	load     profile
}

// free is how many accounts nothing is known to need at any time from..to.
func (v *view) free(from, to time.Time) int { return v.capacity - v.load.peak(from, to) }

// look reads what the accounts of a calendar's purpose are needed for.
func (s *Service) look(ctx context.Context, c *fleet.Calendar, now time.Time) (*view, error) {
	accounts, err := s.accounts(ctx, fleet.AccountQuery{Purpose: c.Purpose})
	if err != nil {
		return nil, err
	}
	sessions, err := s.sessions(ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionScheduled, fleet.SessionWaiting, fleet.SessionAssigning, fleet.SessionActive}})
	if err != nil {
		return nil, err
	}
	v := &view{now: now}
	covered := map[string]time.Time{} // booking to the time until which its seats count
	for i := range c.Bookings {
		if b := &c.Bookings[i]; !b.State.Final() {
			v.booked = append(v.booked, span{b.WarmFrom(), b.FreeFrom(), b.Takes()})
			covered[b.ID] = b.FreeFrom()
		}
	}
	useless := map[string]bool{}
	for _, a := range accounts {
		if !usable(a) {
			useless[a.ID] = true
			continue
		}
		v.capacity++
		if _, ok := covered[a.Booking]; !ok && cleaning(a) {
			v.busy = append(v.busy, span{now, cleanBy(a, s.Turn, now), 1})
		}
	}
	for _, l := range sessions {
		if l.Purpose != c.Purpose || useless[l.AccountID] {
			continue
		}
		from, to := now, s.freeFrom(l, now)
		if l.State == fleet.SessionScheduled {
			from = later(now, l.NotBefore)
		}
		if from = later(from, covered[l.Booking]); from.Before(to) {
			v.busy = append(v.busy, span{from, to, 1})
		}
	}
	v.load = newProfile(slices.Concat(v.booked, v.busy))
	return v, nil
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
