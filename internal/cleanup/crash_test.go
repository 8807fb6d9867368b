package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
	"github.com/kodekloud/kml/internal/lifecycle"
)

var errDied = errors.New("the process died")

// mortal is a process that dies at one of its writes: before the store has it
// (after is false), or before the reply is heard. A dead process does nothing
// more until it is started again.
type mortal struct {
	at    int
	after bool

	mu     sync.Mutex
	writes int
	dead   bool
}

// write is one write of the process.
func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return errDied
	}
	m.writes++
	m.dead = m.writes == m.at
	dies := m.dead
	m.mu.Unlock()
	if dies && !m.after {
		return errDied
	}
	if err := do(); err != nil || !dies {
		return err
	}
	return errDied
}

func (m *mortal) restart() { m.mu.Lock(); m.dead = false; m.mu.Unlock() }

type mortalRuns struct {
	fleet.Cleanings
	m *mortal
}

func (r mortalRuns) Insert(ctx context.Context, run *fleet.CleaningRun) error {
	return r.m.write(func() error { return r.Cleanings.Insert(ctx, run) })
}

func (r mortalRuns) Swap(ctx context.Context, old, next *fleet.CleaningRun) error {
	return r.m.write(func() error { return r.Cleanings.Swap(ctx, old, next) })
}

func (r mortalRuns) AddEvidence(ctx context.Context, e []fleet.Evidence) error {
	return r.m.write(func() error { return r.Cleanings.AddEvidence(ctx, e) })
}

func (r mortalRuns) CompleteUnit(ctx context.Context, id, unit string, res fleet.UnitResult) (run *fleet.CleaningRun, err error) {
	err = r.m.write(func() error { run, err = r.Cleanings.CompleteUnit(ctx, id, unit, res); return err })
	return run, err
}

type mortalAccounts struct {
	fleet.Accounts
	m *mortal
}

func (a mortalAccounts) Swap(ctx context.Context, old, next *fleet.Account) error {
	return a.m.write(func() error { return a.Accounts.Swap(ctx, old, next) })
}

// openMortal gives a bench whose cleaning service dies at write n.
func openMortal(t *testing.T, n int, after bool) (*bench, *mortal) {
	t.Helper()
	m := &mortal{at: n, after: after}
	b := open(t, options{Options: labtest.Options{}, change: func(l *labtest.Lab, c *cleanup.Config) {
		c.Runs = mortalRuns{c.Runs, m}
		c.Machine = lifecycle.New(mortalAccounts{c.Accounts, m}, l.DB.Activity(), l.Clock)
	}})
	return b, m
}

// TestDiesAtAnyWrite kills the process at each write of a cleaning, and has
// another one go on from the documents. The lab has a stranger's topic in it that
// only the trail shows, so that every phase has something to do.
func TestDiesAtAnyWrite(t *testing.T) {
	t.Parallel()
	cleaned := func(t *testing.T, n int, after bool) (writes int) {
		b, m := openMortal(t, n, after)
		b.ended("queues", func(a *fleet.Account) {
			b.queue(a, "eu-west-1", "work")
			b.topic("eu-west-1", "stranger")
		})
		b.drive(nil, func(s step, err error) {
			if !errors.Is(err, errDied) {
				t.Errorf("%s: %v", s.name, err)
			}
			m.restart()
		})
		b.closed()
		b.atRest()
		lines := b.evidence()
		for _, want := range [][2]string{{"frozen", ""}, {"planned", "sqs"}, {"planned", "sns"}, {"planned", "sqs.queue"}, {"planned", "sns.topic"},
			{"verified", "sqs.queue"}, {"verified", "sns.topic"}, {"deleted", "kml.user"}} {
			if !has(lines, want[0], want[1]) {
				t.Errorf("no evidence: %v", want)
			}
		}
		return m.writes
	}
	writes := cleaned(t, 0, false)
	if writes < 15 {
		t.Fatalf("only %d writes: the test does not see them", writes)
	}
	for n := 1; n <= writes; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) { t.Parallel(); cleaned(t, n, after) })
		}
	}
}

// closed does what the run sweeper does with a run whose last write was missed.
func (b *bench) closed() {
	b.Helper()
	run := b.run()
	if a := b.Account(b.id); a.State != fleet.Loaded || run.Phase == fleet.PhaseDone {
		return
	}
	next := run.Clone()
	next.Version++
	next.Phase, next.DoneAt = fleet.PhaseDone, b.Clock.Now()
	b.check(b.DB.Cleanings().Swap(b.Context(), run, next))
}

// TestEveryStepTwiceAtOnce does each step by two workers at the same time.
func TestEveryStepTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
	for range limit {
		steps := b.due()
		if len(steps) == 0 {
			break
		}
		for _, s := range steps {
			var wg sync.WaitGroup
			errs := make([]error, 2)
			for i := range errs {
				wg.Go(func() { errs[i] = s.do(b.Context()) })
			}
			wg.Wait()
			for _, err := range errs {
				var snooze *fleet.SnoozeError
				switch {
				case errors.As(err, &snooze):
					b.Sim.World.Clock.Advance(snooze.For)
				case err != nil && !errors.Is(err, fleet.ErrConflict) && !errors.Is(err, fleet.ErrStaleEpoch):
					t.Errorf("%s: %v", s.name, err)
				}
			}
		}
	}
	b.atRest()
}
