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
// to the cleaning, or an extension did not reach AWS.
func (r *Reconciler) held(ctx context.Context) error {
	active := map[string]*fleet.Session{}
	for q := (fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}, After: " ", Limit: page}); ; {
		found, err := r.Sessions.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("active sessions: %w", err)
		}
		for _, s := range found {
			active[s.ID] = s
		}
		if len(found) < page {
			break
		}
		q.After = found[len(found)-1].ID
	}
	var errs []error
	err := r.eachAccount(ctx, fleet.AccountQuery{States: []fleet.State{fleet.InUse}, Before: r.Clock.Now().Add(-r.Stuck)}, func(a *fleet.Account) {
		if s := active[a.SessionID]; s == nil || s.AccountID != a.ID || !s.EndsAt.Equal(a.EndsAt) {
			errs = append(errs, lost(r.Assign.Resume(ctx, a)))
		}
	})
	return errors.Join(append(errs, err)...)
}
