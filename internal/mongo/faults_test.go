package mongo_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

// notRetried is an error that drivers do not retry a write for.
const notRetried = 50 // MaxTimeMSExpired

// breakable is a simulated server whose hook can be changed, with a database.
func breakable(t *testing.T) (*mongo.DB, *atomic.Pointer[mongosim.Hook]) {
	t.Helper()
	hook := &atomic.Pointer[mongosim.Hook]{}
	sim := simulator(t, mongosim.Config{Hook: func(command, collection string, after bool) mongosim.Fault {
		if h := hook.Load(); h != nil {
			return (*h)(command, collection, after)
		}
		return mongosim.Fault{}
	}})
	db := openAt(t, sim.URI())
	t.Cleanup(func() { hook.Store(nil) })
	return db, hook
}

// lostOnce loses the first reply to command after its effect, and refuses its
// repetitions, so that nobody but the document can tell what happened.
func lostOnce(command string) mongosim.Hook {
	var sent atomic.Int64
	return func(cmd, _ string, after bool) mongosim.Fault {
		switch {
		case cmd != command:
			return mongosim.Fault{}
		case after:
			return mongosim.Fault{Drop: true}
		case sent.Add(1) > 1:
			return mongosim.Fault{Code: notRetried}
		}
		return mongosim.Fault{}
	}
}

// refused fails the command before it has an effect.
func refused(command string) mongosim.Hook {
	return func(cmd, _ string, after bool) mongosim.Fault {
		if cmd == command && !after {
			return mongosim.Fault{Code: notRetried}
		}
		return mongosim.Fault{}
	}
}

func wantReason(t *testing.T, ctx context.Context, d document, want string) {
	t.Helper()
	if got, err := d.reason(ctx); err != nil || got != want {
		t.Fatalf("stored reason is %q (%v), want %q", got, err, want)
	}
}

func set(hook *atomic.Pointer[mongosim.Hook], h mongosim.Hook) { hook.Store(&h) }

func TestLostReplyIsRecognised(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook]) {
		set(hook, lostOnce("insert"))
		if err := d.insert(ctx); err != nil {
			t.Fatalf("insert whose reply was lost: %v", err)
		}
		set(hook, lostOnce("update"))
		if err := d.swap(ctx, "mine"); err != nil {
			t.Fatalf("swap whose reply was lost: %v", err)
		}
		wantReason(t, ctx, d, "mine")
	})
}

func TestLostReplyIsRecognisedBehindAnotherWrite(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook]) {
		if err := d.insert(ctx); err != nil {
			t.Fatal(err)
		}
		lost, once := lostOnce("update"), sync.Once{}
		var otherErr error
		set(hook, func(cmd, coll string, after bool) mongosim.Fault {
			if cmd == "find" && !after { // the reading back: somebody is faster
				once.Do(func() {
					hook.Store(nil)
					otherErr = d.other(ctx)
				})
			}
			return lost(cmd, coll, after)
		})
		if err := d.swap(ctx, "mine"); err != nil || otherErr != nil {
			t.Fatalf("swap whose reply was lost: %v; the other: %v", err, otherErr)
		}
		wantReason(t, ctx, d, "other")
	})
}

func TestUnknownOutcomeIsNoConflict(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook]) {
		unknown := func(what string, err error) {
			t.Helper()
			if err == nil || errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrExists) || errors.Is(err, fleet.ErrNotFound) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		set(hook, refused("insert"))
		unknown("refused insert", d.insert(ctx))
		hook.Store(nil)
		if err := d.insert(ctx); err != nil {
			t.Fatalf("insert again: %v", err)
		}
		set(hook, refused("update"))
		unknown("refused swap", d.swap(ctx, "mine"))
		set(hook, func(cmd, coll string, after bool) mongosim.Fault { // nor can it be read back
			if cmd == "find" && after {
				return mongosim.Fault{Code: notRetried}
			}
			return refused("update")(cmd, coll, after)
		})
		unknown("swap not read back", d.swap(ctx, "mine"))
		hook.Store(nil)
		if err := d.swap(ctx, "mine"); err != nil {
			t.Fatalf("swap again: %v", err)
		}
		wantReason(t, ctx, d, "mine")
	})
}

func TestFailedWriteBehindAnotherIsAConflict(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook]) {
		if err := d.insert(ctx); err != nil {
			t.Fatal(err)
		}
		if err := d.other(ctx); err != nil {
			t.Fatal(err)
		}
		set(hook, refused("update"))
		if err := d.swap(ctx, "mine"); !errors.Is(err, fleet.ErrConflict) {
			t.Fatalf("failed swap behind another: %v", err)
		}
		wantReason(t, ctx, d, "other")
	})
}

func TestCancelledWriteIsReadBack(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook]) {
		if err := d.insert(ctx); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(ctx)
		set(hook, func(cmd, _ string, after bool) mongosim.Fault {
			if cmd == "update" && after {
				cancel() // the effect is there, the writer has to go
				return mongosim.Fault{Drop: true}
			}
			return mongosim.Fault{}
		})
		if err := d.swap(ctx, "mine"); err != nil {
			t.Fatalf("cancelled swap: %v", err)
		}
		wantReason(t, context.WithoutCancel(ctx), d, "mine")
	})
}

// TestWritesThatMayBeRepeated loses the reply to each write that carries no id
// of its own and makes it again.
func TestWritesThatMayBeRepeated(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, hook := breakable(t)
	a, run, at := storetest.Account(1), storetest.Run(1), time.Now().UTC().Truncate(time.Millisecond)
	if err := errors.Join(db.Accounts().Insert(ctx, a), db.Cleanings().Insert(ctx, run)); err != nil {
		t.Fatal(err)
	}
	var verdict fleet.Verdict
	for command, write := range map[string]func(verdict fleet.Verdict) error{
		"update": func(fleet.Verdict) error { return db.Leases().Acquire(ctx, a.ID, a.Epoch, "x", at) },
		"findAndModify": func(v fleet.Verdict) error {
			got, err := db.Cleanings().CompleteUnit(ctx, run.ID, "u", fleet.UnitResult{Verdict: v})
			if err == nil {
				verdict = got.Units["u"].Verdict
			}
			return err
		},
		"insert": func(v fleet.Verdict) error {
			return db.Activity().Append(ctx, fleet.Activity{ID: "1", Account: a.ID, Reason: string(v)}, fleet.Activity{ID: "2", Account: a.ID})
		},
	} {
		set(hook, lostOnce(command))
		if err := write(fleet.Remaining); err == nil || errors.Is(err, fleet.ErrStaleEpoch) || errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("%s whose reply was lost: %v", command, err)
		}
		hook.Store(nil)
		if err := write(fleet.Clean); err != nil {
			t.Errorf("%s again: %v", command, err)
		}
	}
	got, err := db.Accounts().Get(ctx, a.ID)
	if err != nil || len(got.Leases) != 1 || !got.Leases["x"].Equal(at) {
		t.Errorf("leases %v, %v", got.Leases, err)
	}
	if verdict != fleet.Remaining {
		t.Errorf("the unit's first result was replaced by %q", verdict)
	}
	log, err := db.Activity().Find(ctx, fleet.ActivityQuery{Account: a.ID})
	if err != nil || len(log) != 2 || log[1].Reason != string(fleet.Remaining) {
		t.Errorf("log %+v, %v", log, err)
	}
}
