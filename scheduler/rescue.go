package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/cleanup"
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
			return fmt.Errorf("sessions %v: %w", sweep.query.States, err)
		}
		for _, s := range found {
			errs = append(errs, lost(sweep.do(s)))
		}
	}
	return errors.Join(errs...)
}

// rescue drives accounts whose step gave no news for long: their task was lost,
// or its worker died. The attempt is raised in the document first, so that the
// new task's id is free whatever became of the old one.
func (r *Reconciler) rescue(ctx context.Context) error {
	deadline := r.Clock.Now().Add(-r.Stuck)
	stuck, err := r.Accounts.Find(ctx, fleet.AccountQuery{Before: deadline, States: []fleet.State{
		fleet.UserCreating, fleet.Assigning, fleet.AssigningFailed, fleet.Cleanup, fleet.UserDeleted, fleet.InUse}})
	if err != nil {
		return fmt.Errorf("stuck accounts: %w", err)
	}
	var errs []error
	for _, a := range stuck {
		if a.NextTry.After(deadline) {
			continue
		}
		errs = append(errs, lost(r.rescueOne(ctx, a)))
	}
	return errors.Join(errs...)
}

func (r *Reconciler) rescueOne(ctx context.Context, a *fleet.Account) error {
	switch a.State {
	case fleet.InUse:
		return r.Assign.Resume(ctx, a)
	case fleet.Cleanup:
		run, err := r.Runs.Get(ctx, cleanup.RunID(a.ID, a.Epoch))
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return fmt.Errorf("cleaning run of %s: %w", a.ID, err)
		}
		if err == nil && run.Phase != fleet.PhaseFreeze && run.Phase != fleet.PhasePlan {
			return nil // the run's own sweeper drives it
		}
	}
	_, err := r.Machine.Edit(ctx, a, func(n *fleet.Account) {
		n.Attempts++
		n.NextTry = r.Clock.Now().UTC()
	})
	return err
}

// runs drives cleaning runs that gave no news for long.
func (r *Reconciler) runs(ctx context.Context) error {
	open, err := r.Runs.Open(ctx, r.Clock.Now().Add(-r.StuckRun), 200)
	if err != nil {
		return fmt.Errorf("open cleaning runs: %w", err)
	}
	var errs []error
	for _, run := range open {
		a, err := r.Accounts.Get(ctx, run.AccountID)
		if err != nil {
			errs = append(errs, fmt.Errorf("account of cleaning run %s: %w", run.ID, err))
			continue
		}
		next := run.Clone()
		next.Version++
		next.Attempts++
		if a.Epoch != run.Epoch || a.State != fleet.Cleanup && a.State != fleet.UserDeleted {
			next.Phase, next.DoneAt, next.Error = fleet.PhaseDone, r.Clock.Now().UTC(), "the account went another way: "+string(a.State)
			if a.State == fleet.Loaded {
				next.Error = ""
			}
		}
		if err := r.Runs.Swap(ctx, run, next); err != nil {
			errs = append(errs, lost(err))
			continue
		}
		if next.Phase != fleet.PhaseDone {
			r.Follow.Run(ctx, next)
		}
	}
	return errors.Join(errs...)
}
