package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/fleet"
)

// refill keeps every OU's pool at its target: new accounts get their first full
// sweep, rested ones their warm user, those that are leaving are let go. Whoever
// waits is served by all OUs of the purpose together, so the demand that one OU
// takes on is not taken on by the next.
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
			spare, err := r.refillOU(ctx, o.Name, ou, waiting[ou.Purpose])
			waiting[ou.Purpose] = max(0, waiting[ou.Purpose]-spare)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) waiting(ctx context.Context) (map[fleet.Purpose]int, error) {
	out := map[fleet.Purpose]int{}
	for _, p := range fleet.Purposes {
		w, err := r.Sessions.Waiting(ctx, p.Pool(), 500)
		if err != nil {
			return nil, fmt.Errorf("waiting list of %s: %w", p, err)
		}
		out[p] = len(w)
	}
	return out, nil
}

// refillOU brings one OU to its target plus what is waited for. It gives the
// accounts that are ready, or about to be, beyond the target.
func (r *Reconciler) refillOU(ctx context.Context, org string, ou fleet.OU, waiting int) (spare int, err error) {
	// Read along an account's way: one that moves in between is seen twice or, as
	// rested, moves in vain; it is never missed. So two refills at once do not
	// make users for the same gap.
	rested, sweeping, creating, ready, err := r.stock(ctx, org, ou)
	if err != nil {
		return 0, err
	}
	missing := ou.Warm + waiting - ready - creating
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
			_, err = r.Machine.Move(ctx, a, fleet.UserCreating, "pool below its target", nil)
			if err == nil || errors.Is(err, fleet.ErrConflict) { // another refill took it
				missing, creating = missing-1, creating+1
			}
		}
		errs = append(errs, lost(err))
	}
	return max(0, ready+creating-ou.Warm), errors.Join(errs...)
}

// stock gives the rested accounts of an OU, longest rested first, and counts
// those in their first sweep, in creation, and ready.
func (r *Reconciler) stock(ctx context.Context, org string, ou fleet.OU) (rested []*fleet.Account, sweeping, creating, ready int, err error) {
	each := func(state fleet.State, f func(*fleet.Account)) {
		if err == nil {
			err = r.eachAccount(ctx, fleet.AccountQuery{Org: org, OU: ou.ID, States: []fleet.State{state}}, f)
		}
	}
	each(fleet.Loaded, func(a *fleet.Account) { rested = append(rested, a) })
	each(fleet.Cleanup, func(a *fleet.Account) {
		if a.SweptAt.IsZero() {
			sweeping++
		}
	})
	each(fleet.UserCreating, func(*fleet.Account) { creating++ })
	each(fleet.UserCreated, func(a *fleet.Account) {
		if !a.Leaving {
			ready++
		}
	})
	slices.SortStableFunc(rested, func(x, y *fleet.Account) int { return x.RestedSince.Compare(y.RestedSince) })
	return rested, sweeping, creating, ready, err
}
