package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Budget tests a budget that refills by a clock of its own. open gives a fresh
// one, whose waiting goes by the clock, to each test.
//
// Nothing here asks how fast a token comes, only that none comes too early: the
// budget is what keeps AWS from throttling.
func Budget(t *testing.T, open func(t *testing.T, c clock.Clock) fleet.Budget) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.Budget){
		"Burst": budgetBurst, "NeverTooFast": budgetNeverTooFast, "GivesUpAtOnce": budgetGivesUp,
		"KeysAreApart": budgetKeys, "Refuses": budgetRefuses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t, clock.New()))
		})
	}
	t.Run("CancelledWaiterTakesNothing", func(t *testing.T) {
		t.Parallel()
		c := clock.NewFake(t0)
		budgetCancel(t, ctxFor(t), open(t, c), c)
	})
}

// slow is a rate at which no token comes during a test.
const slow = 0.001

// soon is a context with too little time for a token at the slow rate.
func soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 10*time.Second)
}

func budgetBurst(t *testing.T, ctx context.Context, b fleet.Budget) {
	ctx, cancel := soon(ctx)
	defer cancel()
	for range 5 {
		must(t, b.Take(ctx, "k", slow, 5))
	}
	wantErr(t, b.Take(ctx, "k", slow, 5), context.DeadlineExceeded)
}

func budgetNeverTooFast(t *testing.T, ctx context.Context, b fleet.Budget) {
	const rate, burst, tokens = 200.0, 5, 45
	start := time.Now()
	for _, err := range race(tokens, func(int) error { return b.Take(ctx, "k", rate, burst) }) {
		must(t, err)
	}
	least := time.Duration(float64(tokens-burst) / rate * float64(time.Second))
	if took := time.Since(start); took < least-time.Millisecond {
		t.Fatalf("%d tokens after %v, want %v at least", tokens, took, least)
	}
}

func budgetGivesUp(t *testing.T, ctx context.Context, b fleet.Budget) {
	ctx, cancel := soon(ctx)
	defer cancel()
	must(t, b.Take(ctx, "k", slow, 1))
	start := time.Now()
	wantErr(t, b.Take(ctx, "k", slow, 1), context.DeadlineExceeded)
	if took := time.Since(start); took > 5*time.Second { // it would have been 10
		t.Fatalf("it gave up after %v", took)
	}
}

// budgetCancel checks that a token that was waited for in vain is there for the
// next one: without it, two would be missing.
func budgetCancel(t *testing.T, ctx context.Context, b fleet.Budget, c *clock.Fake) {
	const rate = 0.1 // a token in ten seconds
	waiting := func(ctx context.Context) <-chan error {
		done := make(chan error, 1)
		go func() { done <- b.Take(ctx, "k", rate, 1) }()
		must(t, c.BlockUntilContext(ctx, 1))
		return done
	}
	must(t, b.Take(ctx, "k", rate, 1))
	cancelled, cancel := context.WithCancel(ctx)
	done := waiting(cancelled)
	cancel()
	wantErr(t, <-done, context.Canceled)
	short, stop := context.WithTimeout(ctx, 15*time.Second) // for one token, not for two
	defer stop()
	done = waiting(short)
	c.Advance(time.Minute)
	must(t, <-done)
}

func budgetKeys(t *testing.T, ctx context.Context, b fleet.Budget) {
	ctx, cancel := soon(ctx)
	defer cancel()
	must(t, b.Take(ctx, "a", slow, 1))
	must(t, b.Take(ctx, "b", slow, 1))
	wantErr(t, b.Take(ctx, "a", slow, 1), context.DeadlineExceeded)
}

func budgetRefuses(t *testing.T, ctx context.Context, b fleet.Budget) {
	wantErr(t, b.Take(ctx, "k", 0, 1), fleet.ErrInvalid)
	wantErr(t, b.Take(ctx, "k", 1, 0.5), fleet.ErrInvalid)
}
