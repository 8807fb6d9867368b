package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

// TestSwapsUnderFaults lets writers race while replies and commands are lost at
// random. Every swap leaves a token in the document; what was acknowledged must
// be there, what lost the race must not.
func TestSwapsUnderFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
			defer cancel()
			db, hook := breakable(t)
			accounts := db.Accounts()
			if err := accounts.Insert(ctx, storetest.Account(1)); err != nil {
				t.Fatal(err)
			}
			set(hook, randomFaults(seed))
			outcomes := swapAround(ctx, accounts, 4, 15)
			hook.Store(nil)
			got, err := accounts.Get(ctx, storetest.Account(1).ID)
			if err != nil {
				t.Fatal(err)
			}
			checkOutcomes(t, got, outcomes)
		})
	}
}

// randomFaults breaks one update in three, in any way.
func randomFaults(seed uint64) mongosim.Hook {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 1))
	faults := []mongosim.Fault{{Drop: true}, {Code: notRetried}, {Code: 91}, {Delay: time.Millisecond}} // 91: ShutdownInProgress, retried
	return func(cmd, _ string, _ bool) mongosim.Fault {
		mu.Lock()
		defer mu.Unlock()
		if cmd != "update" || rnd.IntN(6) > 0 { // asked twice per command
			return mongosim.Fault{}
		}
		return faults[rnd.IntN(len(faults))]
	}
}

// swapAround lets writers swap tokens into account 1 and gives each token's error.
func swapAround(ctx context.Context, accounts fleet.Accounts, writers, each int) map[string]error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	outcomes := map[string]error{}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				a, err := accounts.Get(ctx, storetest.Account(1).ID)
				if err != nil {
					continue
				}
				token, n := fmt.Sprint(w, "/", i), a.Clone()
				n.Version++
				if n.Quotas == nil {
					n.Quotas = map[string]float64{}
				}
				n.Quotas[token] = 1
				err = accounts.Swap(ctx, a, n)
				mu.Lock()
				outcomes[token] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return outcomes
}

func checkOutcomes(t *testing.T, a *fleet.Account, outcomes map[string]error) {
	t.Helper()
	won, lost, unknown := 0, 0, 0
	for token, err := range outcomes {
		_, there := a.Quotas[token]
		switch {
		case err == nil:
			won++
			if !there {
				t.Errorf("%s was acknowledged and is not there", token)
			}
		case errors.Is(err, fleet.ErrConflict):
			lost++
			if there {
				t.Errorf("%s is there although it was called a conflict", token)
			}
		default:
			unknown++
		}
	}
	if a.Version != int64(1+len(a.Quotas)) {
		t.Errorf("version %d after %d writes", a.Version, len(a.Quotas))
	}
	if won == 0 || lost+unknown == 0 {
		t.Errorf("nothing was tried: %d won, %d lost, %d unknown", won, lost, unknown)
	}
	t.Logf("%d won, %d lost, %d unknown", won, lost, unknown)
}
