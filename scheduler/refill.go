package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// refill keeps every OU's pool at its target: new accounts get their first full
// sweep, rested ones their warm user, those that are leaving are let go.
func (r *Reconciler) refill(ctx context.Context) error {
	waiting, err := r.waiting(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range r.Orgs {
		for _, ou := range o.OUs {
			if ou.Purpose == fleet.Quarantine {
				continue
			}
			errs = append(errs, r.refillOU(ctx, o.Name, ou, waiting[ou.Purpose]))
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) waiting(ctx context.Context) (map[fleet.Purpose]int, error) {
	out := map[fleet.Purpose]int{}
	for _, p := range fleet.Purposes {
		w, err := r.Sessions.Waiting(ctx, p, 500)
		if err != nil {
			return nil, fmt.Errorf("waiting list of %s: %w", p, err)
		}
		out[p] = len(w)
	}
	return out, nil
}

func (r *Reconciler) refillOU(ctx context.Context, org string, ou fleet.OU, waiting int) error {
	find := func(states ...fleet.State) ([]*fleet.Account, error) {
		return r.Accounts.Find(ctx, fleet.AccountQuery{Org: org, OU: ou.ID, States: states})
	}
	ready, err := find(fleet.UserCreated)
	if err != nil {
		return fmt.Errorf("ready accounts of %s: %w", ou.ID, err)
	}
	busy, err := find(fleet.UserCreating, fleet.Cleanup)
	if err != nil {
		return fmt.Errorf("busy accounts of %s: %w", ou.ID, err)
	}
	creating, sweeping := 0, 0
	for _, a := range busy {
		switch {
		case a.State == fleet.UserCreating:
			creating++
		case a.SweptAt.IsZero():
			sweeping++
		}
	}
	rested, err := find(fleet.Loaded)
	if err != nil {
		return fmt.Errorf("rested accounts of %s: %w", ou.ID, err)
	}
	missing := ou.Warm + waiting - len(ready) - creating
	var errs []error
	for _, a := range rested {
		switch {
		case a.Leaving:
			_, err = r.Machine.Move(ctx, a, fleet.Draining, "left the configured OUs", nil)
		case a.SweptAt.IsZero():
			if sweeping >= r.FirstSweeps {
				continue
			}
			sweeping++
			_, err = r.Machine.Move(ctx, a, fleet.Cleanup, "first full sweep of a new account", nil)
		default:
			if missing <= 0 || creating >= r.CreatingMax {
				continue
			}
			missing, creating = missing-1, creating+1
			_, err = r.Machine.Move(ctx, a, fleet.UserCreating, "pool below its target", nil)
		}
		errs = append(errs, lost(err))
	}
	return errors.Join(errs...)
}
