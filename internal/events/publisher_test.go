package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
)

// The type of an event follows from what the write changed.
func TestEveryChangeHasItsType(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := session("s1")
	s.State, s.NotBefore = fleet.SessionScheduled, t0.Add(time.Minute)
	must(t, w.sessions.Insert(w.ctx, s))
	end := t0.Add(time.Hour)
	for _, change := range []func(*fleet.Session){
		func(n *fleet.Session) { n.State = fleet.SessionWaiting },
		func(n *fleet.Session) { n.State, n.AccountID = fleet.SessionAssigning, "000000000001" },
		func(n *fleet.Session) { n.State, n.AccountID = fleet.SessionWaiting, "" },
		func(n *fleet.Session) { n.State, n.AccountID = fleet.SessionAssigning, "000000000002" },
		func(n *fleet.Session) { n.EndRequested = true },
		func(n *fleet.Session) { n.EndRequested = false },
		func(n *fleet.Session) { n.State, n.EndsAt = fleet.SessionActive, end },
		func(n *fleet.Session) { n.EndsAt = end.Add(time.Hour) },
		func(n *fleet.Session) { n.EndsAt = end },
		func(n *fleet.Session) { n.State, n.Reason = fleet.SessionEnded, "done" },
	} {
		s = w.swap(t, s, change)
	}
	must(t, w.publisher.Publish(w.ctx, s))
	var got []string
	for _, e := range w.streamed(t) {
		got = append(got, e.Type)
	}
	want := []string{fleet.EventLabScheduled, fleet.EventLabWaiting, fleet.EventLabAssigning, fleet.EventLabWaiting, fleet.EventLabAssigning,
		fleet.EventLabEnding, fleet.EventLabUpdated, fleet.EventLabActive, fleet.EventLabExtended, fleet.EventLabUpdated, fleet.EventLabEnded}
	if !slices.Equal(got, want) {
		t.Fatalf("told\n     %v\nwant %v", got, want)
	}
	for _, e := range got {
		if !slices.Contains(fleet.EventTypes, e) {
			t.Errorf("%s is no type of event", e)
		}
	}
	log, err := w.db.Activity().Find(w.ctx, fleet.ActivityQuery{Session: "s1"})
	must(t, err)
	i := slices.IndexFunc(log, func(a fleet.Activity) bool { return a.ID == events.EventID("s1", 11) })
	if len(log) != len(want) || i < 0 || log[i].From != "active" || log[i].To != "ended" || log[i].Reason != "done" || log[i].What != fleet.EventLabEnded {
		t.Fatalf("log: %+v", log)
	}
}

// What was told is not told again, and the document keeps the last changes only;
// but none that may not have been told is dropped.
func TestLogOfChanges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.insert(t, "s1")
	more := func(n int) {
		for range n {
			s = w.swap(t, s, func(n *fleet.Session) { n.Reason = "again" })
		}
	}
	publish := func() {
		must(t, w.publisher.Publish(w.ctx, s))
		stored, err := w.db.Sessions().Get(w.ctx, s.ID)
		must(t, err)
		s = stored
	}
	more(49)
	if len(s.Log) != 50 {
		t.Fatalf("%d of 50 untold changes are kept", len(s.Log))
	}
	publish()
	more(1)
	if len(s.Log) != 32 || s.Told != 50 {
		t.Fatalf("%d changes are kept, told up to %d", len(s.Log), s.Told)
	}
	publish()
	if got := w.streamed(t); len(got) != 51 {
		t.Fatalf("%d events for 51 changes", len(got))
	}
}

// A write that fails leaves what it was given alone, and tells nothing.
func TestFailedWriteIsNotTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.sessions.Tell = func(*fleet.Session) { t.Error("told") }
	s := session("s1")
	must(t, w.db.Sessions().Insert(w.ctx, s))
	again, stale := session("s1"), session("s1")
	stale.Version = 7
	if err := w.sessions.Insert(w.ctx, again); !errors.Is(err, fleet.ErrExists) || len(again.Log) > 0 {
		t.Fatalf("%v, %v", err, again.Log)
	}
	if err := w.sessions.Swap(w.ctx, stale, again); !errors.Is(err, fleet.ErrConflict) || len(again.Log) > 0 {
		t.Fatalf("%v, %v", err, again.Log)
	}
}

var errCrash = errors.New("crash")

// crashing dies at a step of the telling: before an odd one's effect, behind an
// even one's.
type crashing struct {
	*world
	at, step int
}

func (c *crashing) do(effect func() error) error {
	for _, behind := range []bool{false, true} {
		if behind {
			if err := effect(); err != nil {
				return err
			}
		}
		if c.step++; c.step == c.at {
			return errCrash
		}
	}
	return nil
}

func (c *crashing) Append(ctx context.Context, entries ...fleet.Activity) error {
	return c.do(func() error { return c.db.Activity().Append(ctx, entries...) })
}

func (c *crashing) Find(ctx context.Context, q fleet.ActivityQuery) ([]fleet.Activity, error) {
	return c.db.Activity().Find(ctx, q)
}

func (c *crashing) deliver(ctx context.Context, es []fleet.Event) error {
	return c.do(func() error { return c.world.deliver(ctx, es) })
}

type crashingStream struct{ *crashing }

func (c crashingStream) Publish(ctx context.Context, es ...fleet.Event) error {
	return c.do(func() error { return c.stream.Publish(ctx, es...) })
}

func (c crashingStream) Read(ctx context.Context, after string, block time.Duration, limit int) ([]fleet.StreamedEvent, string, error) {
	return c.stream.Read(ctx, after, block, limit)
}

// crashingSessions is the store, with a note of the telling that may crash.
type crashingSessions struct {
	fleet.Sessions
	c *crashing
}

func (s crashingSessions) Published(ctx context.Context, id string, version int64) error {
	return s.c.do(func() error { return s.Sessions.Published(ctx, id, version) })
}

// crashSteps: not told at all, and before and behind each of the four steps.
const crashSteps = 1 + 4*2

// Whenever the teller dies, every change of every session is told at least once,
// first in order, and stands in the activity log exactly once.
func TestNoChangeIsLostByACrash(t *testing.T) {
	t.Parallel()
	w := setup(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		id := fmt.Sprint("s", n)
		points := rapid.SliceOfN(rapid.IntRange(0, crashSteps), 1, 12).Draw(rt, "crash of each write")
		tell := func(s *fleet.Session) {
			at := points[0]
			points = points[1:]
			if at == 0 {
				return // died right behind the write
			}
			c := &crashing{world: w, at: at}
			p := events.New(events.Config{Log: c, Stream: crashingStream{c}, Sessions: crashingSessions{w.db.Sessions(), c}, Clock: w.clock, Deliver: c.deliver})
			if err := p.Publish(w.ctx, s); err != nil && !errors.Is(err, errCrash) {
				rt.Fatal(err)
			}
		}
		store := &events.Sessions{Sessions: w.db.Sessions(), Clock: w.clock, Tell: tell}
		s := session(id)
		writes := len(points)
		if err := store.Insert(w.ctx, s); err != nil {
			rt.Fatal(err)
		}
		for range writes - 1 {
			stored, err := store.Get(w.ctx, id) // as another process reads it
			if err != nil {
				rt.Fatal(err)
			}
			next := stored.Clone()
			next.Version++
			if err := store.Swap(w.ctx, stored, next); err != nil {
				rt.Fatal(err)
			}
		}
		w.clock.Advance(5 * time.Second)
		for range 2 { // the second finds nothing
			if err := w.publisher.Republish(w.ctx); err != nil {
				rt.Fatal(err)
			}
		}
		w.check(rt, id, writes)
	})
}

func (w *world) check(t *rapid.T, id string, changes int) {
	t.Helper()
	w.mu.Lock()
	delivered := slices.Clone(w.delivered)
	w.mu.Unlock()
	for where, told := range map[string][]fleet.Event{"stream": w.streamed(t), "deliveries": delivered} {
		var first []string
		for _, e := range told {
			if e.Lab == id && !slices.Contains(first, e.ID) {
				first = append(first, e.ID)
			}
		}
		for v := range changes {
			if v >= len(first) || first[v] != events.EventID(id, int64(v+1)) {
				t.Fatalf("%s tell %v first, of %d changes", where, first, changes)
			}
		}
	}
	log, err := w.db.Activity().Find(w.ctx, fleet.ActivityQuery{Session: id})
	if err != nil || len(log) != changes {
		t.Fatalf("%d lines in the log for %d changes, %v", len(log), changes, err)
	}
	left, err := w.db.Sessions().Find(w.ctx, fleet.SessionQuery{Unpublished: w.clock.Now().Add(time.Hour)})
	if err != nil || len(left) > 0 {
		t.Fatalf("%d sessions are still untold, %v", len(left), err)
	}
}

// What is handed over is told at once, by one goroutine, which leaves nothing
// behind when it ends.
func TestRunTellsWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.sessions.Tell = w.publisher.Session
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	for n := range 200 {
		w.insert(t, fmt.Sprint("s", n))
	}
	was := &fleet.Account{ID: "000000000001", State: fleet.Loaded, Version: 1}
	now := &fleet.Account{ID: "000000000001", State: fleet.Cleanup, Version: 2, Reason: "ordered"}
	w.publisher.Account(was, now)
	w.publisher.Account(now, now) // an edit
	cancel()
	go func() { defer close(ended); w.publisher.Run(ctx) }()
	<-ended
	got := ids(w.streamed(t))
	if len(got) != 201 || !slices.Contains(got, "account/000000000001/2 account.changed") {
		t.Fatalf("%d events: %v", len(got), got)
	}
	left, err := w.db.Sessions().Find(w.ctx, fleet.SessionQuery{Unpublished: t0.Add(time.Hour)})
	if err != nil || len(left) > 0 {
		t.Fatalf("%d sessions are still untold, %v", len(left), err)
	}
}

// Nobody waits for the telling, even when nobody tells.
func TestHandingOverNeverWaits(t *testing.T) {
	t.Parallel()
	p := events.New(events.Config{})
	for range 10_000 {
		p.Session(session("s"))
	}
}
