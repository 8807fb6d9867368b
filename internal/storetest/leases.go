package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func leaseEpoch(t *testing.T, ctx context.Context, s fleet.Accounts, l fleet.Leases) {
	a := Account(1)
	a.Epoch = 7
	wantErr(t, l.Acquire(ctx, a.ID, 7, "x", at(2)), fleet.ErrNotFound)
	wantErr(t, l.Release(ctx, a.ID, "x"), fleet.ErrNotFound)
	must(t, s.Insert(ctx, a))
	wantErr(t, l.Acquire(ctx, a.ID, 6, "x", at(2)), fleet.ErrStaleEpoch)
	wantErr(t, l.Acquire(ctx, a.ID, 8, "x", at(2)), fleet.ErrStaleEpoch)
	wantErr(t, l.Acquire(ctx, a.ID, 7, "", at(2)), fleet.ErrInvalid)
	must(t, l.Acquire(ctx, a.ID, 7, "cleanup/1.2$3%4", at(2)))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "leases", got.Leases, map[string]time.Time{"cleanup/1.2$3%4": stored(at(2))})
	equal(t, "version after a lease", got.Version, a.Version)
	equal(t, "lease sequence", got.LeaseSeq, int64(1))
	must(t, l.Release(ctx, a.ID, "cleanup/1.2$3%4"))
	must(t, l.Release(ctx, a.ID, "cleanup/1.2$3%4"))
	got, err = s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "leases after release", len(got.Leases), 0)
}

func leasesOutliveSwap(t *testing.T, ctx context.Context, s fleet.Accounts, l fleet.Leases) {
	a := Account(1)
	must(t, s.Insert(ctx, a))
	must(t, l.Acquire(ctx, a.ID, 0, "x", at(2)))
	n := next(a, func(n *fleet.Account) { n.State, n.Epoch = fleet.Cleanup, 1 }) // read before the lease
	must(t, s.Swap(ctx, a, n))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "leases after a swap", got.Leases, map[string]time.Time{"x": stored(at(2))})
	equal(t, "sequence after a swap", got.LeaseSeq, int64(1))
	wantErr(t, l.Acquire(ctx, a.ID, 0, "y", at(2)), fleet.ErrStaleEpoch)
}

func leaseNeverShorter(t *testing.T, ctx context.Context, s fleet.Accounts, l fleet.Leases) {
	a := Account(1)
	must(t, s.Insert(ctx, a))
	for _, minute := range []int{2, 5, 3} {
		must(t, l.Acquire(ctx, a.ID, 0, "x", at(minute)))
	}
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "lease", got.Leases, map[string]time.Time{"x": stored(at(5))})
}

func fence(t *testing.T, ctx context.Context, s fleet.Accounts, l fleet.Leases) {
	a := Account(1)
	a.State = fleet.UserCreating
	must(t, s.Insert(ctx, a))
	enter := func(n *fleet.Account) { n.State = fleet.UserCreated }
	must(t, l.Acquire(ctx, a.ID, 0, "x", at(2)))
	wantErr(t, s.Swap(ctx, a, next(a, enter)), fleet.ErrConflict) // a lease was taken since
	must(t, s.Swap(ctx, a, next(a, nil)))                         // no change of state: no fence
	read, err := s.Get(ctx, a.ID)
	must(t, err)
	n := next(read, enter)
	must(t, s.Swap(ctx, read, n))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "behind the fence", got, n)
	equal(t, "leases behind the fence", len(got.Leases), 0)
}

// fenceRace lets leases of the old epoch race with the move that raises it.
func fenceRace(t *testing.T, ctx context.Context, s fleet.Accounts, l fleet.Leases) {
	for round := range 20 {
		a := Account(round)
		a.State = fleet.UserCreating
		must(t, s.Insert(ctx, a))
		errs := race(9, func(i int) error {
			if i == 0 {
				return s.Swap(ctx, a, next(a, func(n *fleet.Account) { n.State, n.Epoch = fleet.UserCreated, a.Epoch+1 }))
			}
			return l.Acquire(ctx, a.ID, a.Epoch, fmt.Sprint("x", i), at(2))
		})
		got, err := s.Get(ctx, a.ID)
		must(t, err)
		for i, err := range errs[1:] {
			if err != nil && !errors.Is(err, fleet.ErrStaleEpoch) {
				t.Fatalf("lease %d: %v", i, err)
			}
			if err == nil && errs[0] == nil {
				t.Fatalf("round %d: a lease was given and the fence passed: %+v", round, got)
			}
		}
	}
}
