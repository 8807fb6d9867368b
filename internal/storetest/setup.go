package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// timeout bounds one test; none waits for anything but the store.
const timeout = 60 * time.Second

func ctxFor(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// t0 has nanoseconds, which a store may drop, and is not in UTC.
var t0 = time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.FixedZone("IST", 5*3600+1800))

// at is n minutes after t0.
func at(n int) time.Time { return t0.Add(time.Duration(n) * time.Minute) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// ids maps a list to ids.
func ids[T any](list []T, id func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, id(v))
	}
	return out
}

// race runs n writers at the same instant and gives their errors.
func race(n int, write func(i int) error) []error {
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner checks that one writer succeeded and all others got want.
func oneWinner(t *testing.T, errs []error, want error) (winner int) {
	t.Helper()
	winner = -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, want):
			t.Fatalf("writer %d: %v, want %v", i, err, want)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

// Account is a new account number n, in state Loaded, swept.
func Account(n int) *fleet.Account {
	return &fleet.Account{
		ID: fmt.Sprintf("%012d", n), Name: fmt.Sprint("lab-", n), Email: fmt.Sprintf("lab-%d@example.com", n),
		Org: "org-a", OU: "ou-1", Purpose: fleet.Production,
		State: fleet.Loaded, Version: 1, Since: t0, Reason: "new", RestedSince: t0, SweptAt: t0,
		History: []fleet.Transition{{Version: 1, To: fleet.Loaded, At: t0, Reason: "new"}},
	}
}

// next is the successor of an account, ready for a Swap.
func next(a *fleet.Account, change func(*fleet.Account)) *fleet.Account {
	n := a.Clone()
	n.Version++
	if change != nil {
		change(n)
	}
	return n
}
