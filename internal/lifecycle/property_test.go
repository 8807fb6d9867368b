package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/storetest"
)

const (
	propAccounts = 3
	propSessions = 3 // fewer than there are claims
	propActors   = 4
	propSteps    = 40
)

var errCrash = errors.New("the process died here")

// world is stores in memory that watch every write as it takes effect, and
// crash the writer now and then: before the effect, or behind it.
type world struct {
	*storetest.Memory
	clock *clock.Fake

	mu     sync.Mutex // makes a write and the watching of it one
	rnd    *rand.Rand
	broken []string // what was seen and must not be
	steps  map[string]fleet.Edge
	last   map[string]*fleet.Account
}

func (w *world) crash() bool { return w.rnd.IntN(10) == 0 }

func (w *world) wrong(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// Get implements [fleet.Accounts]. What was read is old when it arrives.
func (w *world) Get(ctx context.Context, id string) (*fleet.Account, error) {
	a, err := w.Memory.Get(ctx, id)
	runtime.Gosched()
	return a, err
}

// Swap implements [fleet.Accounts].
func (w *world) Swap(ctx context.Context, old, next *fleet.Account) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crash() {
		return errCrash
	}
	before, err := w.Memory.Get(ctx, old.ID)
	if err != nil {
		return err
	}
	if err := w.Memory.Swap(ctx, old, next); err != nil {
		return err
	}
	w.watch(ctx, before, next)
	if w.crash() {
		return errCrash
	}
	return nil
}

// watch checks one write that has taken effect.
func (w *world) watch(ctx context.Context, before, after *fleet.Account) {
	id := after.ID
	if seen := w.last[id]; seen != nil && (before.Version < seen.Version || before.Epoch < seen.Epoch) {
		w.wrong("%s went back from version %d epoch %d to %d, %d", id, seen.Version, seen.Epoch, before.Version, before.Epoch)
	}
	w.last[id] = after.Clone()
	if after.Version != before.Version+1 || after.Epoch < before.Epoch {
		w.wrong("%s: version %d → %d, epoch %d → %d", id, before.Version, after.Version, before.Epoch, after.Epoch)
	}
	if after.SessionID != "" {
		if holder, err := w.BySession(ctx, after.SessionID); err != nil || holder.ID != id {
			w.wrong("%s and another hold session %s", id, after.SessionID)
		}
	}
	if before.SessionID != "" && after.SessionID != "" && before.SessionID != after.SessionID {
		w.wrong("%s went from session %s to %s", id, before.SessionID, after.SessionID)
	}
	if after.State == before.State {
		return
	}
	if !fleet.CanMove(before.State, after.State) {
		w.wrong("%s made the unlisted move %s → %s", id, before.State, after.State)
	}
	if after.State.Claims() && after.Epoch == before.Epoch {
		w.wrong("%s: the claim %s did not raise the epoch", id, after.State)
	}
	if after.State.Fenced() && before.Leased(w.clock.Now()) {
		w.wrong("%s entered %s under a live lease", id, after.State)
	}
	w.steps[fmt.Sprintf("%s/%08d", id, after.Version)] = fleet.Edge{From: before.State, To: after.State}
}

// Acquire implements [fleet.Leases]. No lease may be given in an account of the
// pool by an epoch before it.
func (w *world) Acquire(ctx context.Context, id string, epoch int64, lease string, until time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Memory.Acquire(ctx, id, epoch, lease, until)
}

// crashingLog is the activity log of a world.
type crashingLog struct {
	fleet.ActivityLog
	w *world
}

// Append implements [fleet.ActivityLog].
func (l crashingLog) Append(ctx context.Context, e ...fleet.Activity) error {
	l.w.mu.Lock()
	before, behind := l.w.crash(), l.w.crash()
	l.w.mu.Unlock()
	if before {
		return errCrash
	}
	if err := l.ActivityLog.Append(ctx, e...); err != nil || !behind {
		return err
	}
	return errCrash
}

// actor is one process that does its worst: it moves accounts as the table
// says, or anywhere, from fresh readings and old ones.
type actor struct {
	w   *world
	m   *lifecycle.Machine
	rnd *rand.Rand
	old []*fleet.Account
}

func (a *actor) step(ctx context.Context) error {
	read, err := a.w.Get(ctx, storetest.Account(a.rnd.IntN(propAccounts)).ID)
	if err != nil {
		return err
	}
	a.old = append(a.old, read)
	if a.rnd.IntN(4) == 0 {
		read = a.old[a.rnd.IntN(len(a.old))]
	}
	switch a.rnd.IntN(8) {
	case 0:
		_, err = a.m.Edit(ctx, read, func(n *fleet.Account) { n.Attempts++ })
	case 1:
		_, err = a.m.EditLatest(ctx, read.ID, func(n *fleet.Account) error { n.Failures++; return nil })
	case 2:
		err = a.w.Acquire(ctx, read.ID, read.Epoch, fmt.Sprint("l", a.rnd.IntN(3)), a.w.clock.Now().Add(2*time.Minute))
	case 3:
		a.w.clock.Advance(time.Minute)
		err = a.w.Release(ctx, read.ID, fmt.Sprint("l", a.rnd.IntN(3)))
	default:
		_, err = a.m.Move(ctx, read, a.target(read.State), "because", func(n *fleet.Account) {
			if n.State == fleet.Assigning {
				n.SessionID = fmt.Sprint("s", a.rnd.IntN(propSessions))
			}
		})
	}
	return err
}

func (a *actor) target(from fleet.State) fleet.State {
	var listed []fleet.State
	for _, e := range fleet.Transitions() {
		// Towards the pool, mostly: there the sessions are claimed.
		if e.From == from && (e.To != fleet.Failed && e.To != fleet.Draining || a.rnd.IntN(20) == 0) {
			listed = append(listed, e.To)
		}
	}
	if len(listed) == 0 || a.rnd.IntN(10) == 0 {
		return fleet.States[a.rnd.IntN(len(fleet.States))]
	}
	return listed[a.rnd.IntN(len(listed))]
}

// expected says whether an error is one that a well-behaved step may end with.
func expected(err error) bool {
	var snooze *fleet.SnoozeError
	if err == nil || errors.As(err, &snooze) {
		return true
	}
	for _, e := range []error{errCrash, fleet.ErrConflict, fleet.ErrBadMove, fleet.ErrExists, fleet.ErrStaleEpoch} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func TestConcurrentActors(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		seed := rapid.Uint64().Draw(t, "seed")
		w := &world{Memory: &storetest.Memory{}, clock: clock.NewFake(t0), rnd: rand.New(rand.NewPCG(seed, 0)),
			steps: map[string]fleet.Edge{}, last: map[string]*fleet.Account{}}
		for n := range propAccounts {
			if err := w.Insert(ctx, storetest.Account(n)); err != nil {
				t.Fatal(err)
			}
			w.steps[fmt.Sprintf("%012d/%08d", n, 1)] = fleet.Edge{To: fleet.Loaded}
		}
		m := lifecycle.New(w, crashingLog{w.Log(), w}, w.clock)
		var wg sync.WaitGroup
		for i := range propActors {
			wg.Go(func() {
				a := actor{w: w, m: m, rnd: rand.New(rand.NewPCG(seed, uint64(i+1)))}
				for range propSteps {
					if err := a.step(ctx); !expected(err) {
						w.mu.Lock()
						w.wrong("unexpected error: %v", err)
						w.mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if len(w.broken) > 0 {
			t.Fatal(w.broken)
		}
		checkLog(t, ctx, w)
	})
}

// checkLog checks that after a flush the log is exactly what has happened.
func checkLog(t *rapid.T, ctx context.Context, w *world) {
	m := lifecycle.New(w, w.Log(), w.clock) // no crashes any more
	if n, err := m.FlushHistory(ctx); err != nil || n != propAccounts {
		t.Fatalf("flush: %d accounts, %v", n, err)
	}
	entries, err := w.Log().Find(ctx, fleet.ActivityQuery{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(w.steps) {
		t.Fatalf("%d transitions happened, %d are logged", len(w.steps), len(entries))
	}
	for _, e := range entries {
		if want, ok := w.steps[e.ID]; !ok || string(want.From) != e.From || string(want.To) != e.To {
			t.Fatalf("logged %+v, happened %+v", e, want)
		}
	}
}
