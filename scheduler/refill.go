package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/fleet"
)

// waitingMax is how many waiting sessions of a pool are counted.
const waitingMax = 500

// refill keeps every OU's pool at its target: new accounts get their first full
// sweep, rested ones their warm user, those that are to leave are let go. Whoever
// waits is served by all OUs of the purpose together, so the demand that one OU
// takes on is not taken on by the next.
func (r *Reconciler) refill(ctx context.Context) error {
	demand, err := r.demand(ctx)
	if err != nil {
		return err
	}
	targets, err := r.targets(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range r.Orgs {
		for _, ou := range o.OUs {
			if ou.Purpose == fleet.Quarantine {
				continue
			}
			if t, set := targets[[2]string{o.Name, ou.ID}]; set {
				ou.Warm = t
			}
			spare, err := r.refillOU(ctx, o.Name, ou, demand[ou.Purpose])
			demand[ou.Purpose] = max(0, demand[ou.Purpose]-spare)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// targets gives the targets that were set at run time, by org and OU.
func (r *Reconciler) targets(ctx context.Context) (map[[2]string]int, error) {
	if r.Targets == nil {
		return nil, nil
	}
	all, err := r.Targets(ctx)
	if err != nil {
		return nil, fmt.Errorf("targets of warm accounts: %w", err)
	}
	out := make(map[[2]string]int, len(all))
	for _, t := range all {
		out[[2]string{t.Org, t.OU}] = t.Warm
	}
	return out, nil
}

// demand counts, by purpose, the accounts that are needed beyond the targets: one
// for each who waits, and those that bookings need soon. Who waits for a seat
// that has no account is in both counts of the bookings: the larger holds.
func (r *Reconciler) demand(ctx context.Context) (map[fleet.Purpose]int, error) {
	pools, err := r.pools(ctx)
	if err != nil {
		return nil, err
	}
	free, seats := map[fleet.Purpose]int{}, map[fleet.Purpose]int{}
	for _, p := range pools {
		w, err := r.Sessions.Waiting(ctx, p, waitingMax)
		if err != nil {
			return nil, fmt.Errorf("waiting list of %s: %w", p, err)
		}
		in := free
		if p.Booking() != "" {
			in = seats
		}
		for _, s := range w {
			in[s.Purpose]++
		}
	}
	if r.Demand != nil {
		booked, err := r.Demand(ctx)
		if err != nil {
			return nil, fmt.Errorf("demand of bookings: %w", err)
		}
		for p, n := range booked {
			seats[p] = max(seats[p], n)
		}
	}
	for p, n := range seats {
		free[p] += n
	}
	return free, nil
}

// refillOU brings one OU to its target plus what is needed beyond it. It gives
// the accounts that are ready, or about to be, beyond the target.
func (r *Reconciler) refillOU(ctx context.Context, org string, ou fleet.OU, demand int) (spare int, err error) {
	// Read along an account's way: one that moves in between is seen twice or, as
	// rested, moves in vain; it is never missed. So two refills at once do not
	// make users for the same gap.
	have, err := r.stock(ctx, org, ou)
	if err != nil {
		return 0, err
	}
	missing := ou.Warm + demand - have.ready - have.creating
	var errs []error
	for _, a := range have.leaving {
		_, err := r.Machine.Move(ctx, a, fleet.Draining, whyLeaving(a), nil)
		errs = append(errs, lost(err))
	}
	for _, a := range have.rested {
		if a.SweptAt.IsZero() {
			if have.sweeping >= r.FirstSweeps {
				continue
			}
			have.sweeping++
			_, err = r.Machine.Move(ctx, a, fleet.Cleanup, "no full sweep has proved it empty yet", nil)
		} else {
			if missing <= 0 || have.creating >= r.CreatingMax {
				continue
			}
			_, err = r.Machine.Move(ctx, a, fleet.UserCreating, "pool below its target", nil)
			if err == nil || errors.Is(err, fleet.ErrConflict) { // another refill took it
				missing, have.creating = missing-1, have.creating+1
			}
		}
		errs = append(errs, lost(err))
	}
	return max(0, have.ready+have.creating-ou.Warm), errors.Join(errs...)
}

func whyLeaving(a *fleet.Account) string {
	if a.Drain != "" {
		return "drained by " + a.Drain
	}
	return "left the configured OUs"
}

// stock is what an OU has of accounts that are free or about to be.
type stock struct {
	rested   []*fleet.Account // longest rested first
	leaving  []*fleet.Account // free, and to be let go
	sweeping int              // in their first sweep
	creating int              // users that are being made
	ready    int              // and held for nobody
}

func (r *Reconciler) stock(ctx context.Context, org string, ou fleet.OU) (have stock, err error) {
	now := r.Clock.Now()
	each := func(state fleet.State, f func(*fleet.Account)) {
		if err == nil {
			err = r.eachAccount(ctx, fleet.AccountQuery{Org: org, OU: ou.ID, States: []fleet.State{state}}, f)
		}
	}
	// staying calls f for accounts that stay and notes those that go.
	staying := func(f func(*fleet.Account)) func(*fleet.Account) {
		return func(a *fleet.Account) {
			switch {
			case !a.Leaves():
				f(a)
			case a.State != fleet.Failed || !a.Open(now): // one that may not be frozen yet is not free
				have.leaving = append(have.leaving, a)
			}
		}
	}
	each(fleet.Loaded, staying(func(a *fleet.Account) { have.rested = append(have.rested, a) }))
	each(fleet.Cleanup, func(a *fleet.Account) {
		if a.SweptAt.IsZero() {
			have.sweeping++
		}
	})
	each(fleet.UserCreating, func(a *fleet.Account) {
		if !a.Leaves() {
			have.creating++
		}
	})
	each(fleet.UserCreated, staying(func(a *fleet.Account) {
		if a.Booking == "" {
			have.ready++
		}
	}))
	each(fleet.Failed, staying(func(*fleet.Account) {}))
	slices.SortStableFunc(have.rested, func(x, y *fleet.Account) int { return x.RestedSince.Compare(y.RestedSince) })
	return have, err
}
