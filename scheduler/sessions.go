package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// sessions ends what is over and recovers what is stuck: the sweeper behind the
// expiry tasks.
func (r *Reconciler) sessions(ctx context.Context) error {
	now := r.Clock.Now()
	var errs []error
	for _, sweep := range []struct {
		query fleet.SessionQuery
		do    func(*fleet.Session) error
	}{
		{fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}, EndsBefore: now},
			func(s *fleet.Session) error { return r.Assign.Expire(ctx, s.ID) }},
		{fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionScheduled}, NotBefore: now},
			func(s *fleet.Session) error {
				_, err := r.Assign.Start(ctx, s.ID) // the match finds it
				return err
			}},
		{fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionWaiting}, WaitBefore: now},
			func(s *fleet.Session) error { return r.Assign.ExpireWaiting(ctx, s) }},
		{fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionAssigning}, AssignedBefore: now.Add(-r.Stuck)},
			func(s *fleet.Session) error { return r.Assign.Recover(ctx, s) }},
	} {
		found, err := r.Sessions.Find(ctx, sweep.query)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("sessions %v: %w", sweep.query.States, err))...)
		}
		for _, s := range found {
			errs = append(errs, lost(sweep.do(s)))
		}
	}
	return errors.Join(errs...)
}

// held compares accounts in use with their sessions. Where they do not agree,
// somebody died between two writes: a session ended and its account was not sent
// to the cleaning, an extension did not reach AWS, or an account was taken out
// and its session goes on.
func (r *Reconciler) held(ctx context.Context) error {
	active, err := r.active(ctx)
	if err != nil {
		return err
	}
	var errs []error
	err = r.eachAccount(ctx, fleet.AccountQuery{States: []fleet.State{fleet.InUse}}, func(a *fleet.Account) {
		s := active[a.SessionID]
		agree := s != nil && s.AccountID == a.ID
		if agree {
			delete(active, a.SessionID)
		}
		if a.Since.Before(r.Clock.Now().Add(-r.Stuck)) && (!agree || !s.EndsAt.Equal(a.EndsAt)) {
			errs = append(errs, lost(r.Assign.Resume(ctx, a)))
		}
	})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, s := range active {
		errs = append(errs, lost(r.endWithout(ctx, s)))
	}
	return errors.Join(errs...)
}

// active gives all active sessions by id.
func (r *Reconciler) active(ctx context.Context) (map[string]*fleet.Session, error) {
	out := map[string]*fleet.Session{}
	for q := (fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}, After: " ", Limit: page}); ; {
		found, err := r.Sessions.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("active sessions: %w", err)
		}
		for _, s := range found {
			out[s.ID] = s
		}
		if len(found) < page {
			return out, nil
		}
		q.After = found[len(found)-1].ID
	}
}

// endWithout ends a session whose account is not in use for it any more.
func (r *Reconciler) endWithout(ctx context.Context, s *fleet.Session) error {
	a, err := r.Accounts.Get(ctx, s.AccountID)
	if err != nil {
		return fmt.Errorf("account of session %s: %w", s.ID, err)
	}
	if a.State == fleet.InUse && a.SessionID == s.ID {
		return nil // it has become active since the accounts were read
	}
	return r.Assign.End(ctx, s.ID, "account "+a.ID+" is "+string(a.State)+": "+a.Reason)
}
