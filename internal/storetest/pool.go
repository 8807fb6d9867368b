package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

// Pool tests a pool. open gives an empty one to each test.
func Pool(t *testing.T, open func(t *testing.T) fleet.Pool) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.Pool){
		"Order": poolOrder, "Remove": poolRemove, "Purposes": poolPurposes, "PopRace": popRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t))
		})
	}
}

func pop(t *testing.T, ctx context.Context, p fleet.Pool, want string) {
	t.Helper()
	got, err := p.Pop(ctx, fleet.Production.Pool())
	must(t, err)
	equal(t, "popped", got, want)
}

func poolOrder(t *testing.T, ctx context.Context, p fleet.Pool) {
	pop(t, ctx, p, "")
	for _, n := range []int{3, 1, 2} {
		must(t, p.Add(ctx, fleet.Production.Pool(), Account(n).ID, at(n)))
	}
	must(t, p.Add(ctx, fleet.Production.Pool(), Account(1).ID, at(9))) // in already: rested anew
	must(t, p.Add(ctx, fleet.Production.Pool(), Account(0).ID, at(3))) // rested as long as 3
	size, err := p.Size(ctx, fleet.Production.Pool())
	must(t, err)
	equal(t, "size", size, 4)
	for _, n := range []int{2, 0, 3, 1} {
		pop(t, ctx, p, Account(n).ID)
	}
	pop(t, ctx, p, "")
}

func poolRemove(t *testing.T, ctx context.Context, p fleet.Pool) {
	must(t, p.Add(ctx, fleet.Production.Pool(), "a", at(1)))
	must(t, p.Add(ctx, fleet.Production.Pool(), "b", at(2)))
	must(t, p.Remove(ctx, fleet.Production.Pool(), "a"))
	must(t, p.Remove(ctx, fleet.Production.Pool(), "a"))
	pop(t, ctx, p, "b")
}

func poolPurposes(t *testing.T, ctx context.Context, p fleet.Pool) {
	must(t, p.Add(ctx, fleet.Testing.Pool(), "a", at(1)))
	pop(t, ctx, p, "")
	size, err := p.Size(ctx, fleet.Production.Pool())
	must(t, err)
	equal(t, "size of another pool", size, 0)
}

func popRace(t *testing.T, ctx context.Context, p fleet.Pool) {
	const n = 32
	for i := range n {
		must(t, p.Add(ctx, fleet.Production.Pool(), fmt.Sprint(i), at(i)))
	}
	got := make([]string, 2*n)
	for _, err := range race(2*n, func(i int) (err error) {
		got[i], err = p.Pop(ctx, fleet.Production.Pool())
		return err
	}) {
		must(t, err)
	}
	slices.Sort(got)
	if ids := slices.Compact(got); len(ids) != n+1 || ids[0] != "" {
		t.Fatalf("%d accounts and %d pops gave %v", n, 2*n, ids)
	}
}
