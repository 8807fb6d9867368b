package events_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
)

// hub runs a hub until the test, or the returned function, ends it.
func (w *world) hub(t *testing.T) (h *events.Hub, stop func()) {
	t.Helper()
	h = events.NewHub(w.stream, clock.New(), func(err error) { t.Log(err) })
	ctx, cancel := context.WithCancel(w.ctx)
	var ran sync.WaitGroup
	ran.Go(func() { h.Run(ctx) })
	stop = func() { cancel(); ran.Wait() }
	t.Cleanup(stop)
	select {
	case <-h.Ready():
	case <-w.ctx.Done():
		t.Fatal("the hub does not get ready")
	}
	return h, stop
}

func (w *world) publish(t *testing.T, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		must(t, w.stream.Publish(w.ctx, fleet.Event{ID: fmt.Sprint("e", n), Lab: fmt.Sprint("s", n%2)}))
	}
}

// next gives the next n events of a subscription.
func (w *world) next(t *testing.T, sub <-chan fleet.StreamedEvent, n int) []fleet.StreamedEvent {
	t.Helper()
	var out []fleet.StreamedEvent
	for range n {
		select {
		case e, open := <-sub:
			if !open {
				t.Fatalf("closed after %d of %d events", len(out), n)
			}
			out = append(out, e)
		case <-w.ctx.Done():
			t.Fatalf("%d of %d events came", len(out), n)
		}
	}
	return out
}

// closes waits until a subscription is over, past what is left in it.
func (w *world) closes(t *testing.T, sub <-chan fleet.StreamedEvent) {
	t.Helper()
	for {
		select {
		case _, open := <-sub:
			if !open {
				return
			}
		case <-w.ctx.Done():
			t.Fatal("the subscription does not end")
		}
	}
}

func TestEverybodyHearsWhatTheyWant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h, stop := w.hub(t)
	w.publish(t, 0, 3) // before anybody listens
	ctx, cancel := context.WithCancel(w.ctx)
	all, _ := h.Subscribe(w.ctx, "", nil)
	odd, why := h.Subscribe(ctx, "", func(e fleet.Event) bool { return e.Lab == "s1" })
	mark, _ := h.Subscribe(w.ctx, "", func(e fleet.Event) bool { return e.Lab == "mark" })
	// What was published before may or may not come; from the mark on all does.
	must(t, w.stream.Publish(w.ctx, fleet.Event{ID: "mark", Lab: "mark"}))
	w.next(t, mark, 1)
	for e := w.next(t, all, 1)[0]; e.Event.ID != "mark"; e = w.next(t, all, 1)[0] {
	}
	w.publish(t, 10, 20)
	for i, e := range w.next(t, all, 10) {
		if e.Event.ID != fmt.Sprint("e", 10+i) {
			t.Fatalf("event %d is %s", i, e.Event.ID)
		}
	}
	for got := w.next(t, odd, 1)[0]; got.Event.ID != "e19"; got = w.next(t, odd, 1)[0] {
		if got.Event.Lab != "s1" {
			t.Fatalf("%+v came through the filter", got.Event)
		}
	}
	cancel()
	w.closes(t, odd)
	if err := why(); err != nil {
		t.Fatalf("the listener went, and the end is %v", err)
	}
	late, whyLate := h.Subscribe(w.ctx, "", nil)
	stop()
	w.closes(t, late)
	after, whyAfter := h.Subscribe(w.ctx, "", nil)
	w.closes(t, after)
	if !errors.Is(whyLate(), events.ErrClosed) || !errors.Is(whyAfter(), events.ErrClosed) {
		t.Fatalf("%v, %v", whyLate(), whyAfter())
	}
}

// Many resume from where they were while events come: each hears each once, in
// order.
func TestResumeMissesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h, _ := w.hub(t)
	const events = 600
	w.publish(t, 0, 200)
	var listeners sync.WaitGroup
	for range 8 {
		listeners.Go(func() {
			ctx, cancel := context.WithCancel(w.ctx)
			defer cancel()
			sub, why := h.Subscribe(ctx, w.from, nil)
			for n := range events {
				e, open := <-sub
				if !open {
					t.Errorf("closed at %d: %v", n, why())
					return
				}
				if e.Event.ID != fmt.Sprint("e", n) {
					t.Errorf("event %d is %s", n, e.Event.ID)
					return
				}
				if n == events/2 { // the connection breaks
					cancel()
					for range sub {
					}
					ctx, cancel = context.WithCancel(w.ctx)
					defer cancel()
					sub, why = h.Subscribe(ctx, e.Position, nil)
				}
			}
		})
	}
	w.publish(t, 200, events)
	listeners.Wait()
}

// Who does not read is dropped, and holds up nobody.
func TestTheSlowAreDropped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h, _ := w.hub(t)
	slow, why := h.Subscribe(w.ctx, "", nil)
	quick, _ := h.Subscribe(w.ctx, "", nil)
	for n := range 400 {
		w.publish(t, n, n+1)
		w.next(t, quick, 1)
	}
	w.closes(t, slow)
	if !errors.Is(why(), events.ErrSlow) {
		t.Fatalf("dropped with %v", why())
	}
}

func TestPositionsThatAreGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h, _ := w.hub(t)
	for position, want := range map[string]error{"0-1": fleet.ErrTrimmed, "nonsense": fleet.ErrInvalid} {
		sub, why := h.Subscribe(w.ctx, position, nil)
		w.closes(t, sub)
		if !errors.Is(why(), want) {
			t.Errorf("%s: %v", position, why())
		}
	}
	sub, why := h.Subscribe(w.ctx, "", nil)
	must(t, w.redis.FlushAll(w.ctx).Err())
	w.closes(t, sub)
	if !errors.Is(why(), fleet.ErrTrimmed) {
		t.Fatalf("after a flush: %v", why())
	}
	sub, _ = h.Subscribe(w.ctx, "", nil) // the place is known anew
	w.publish(t, 0, 1)
	w.next(t, sub, 1)
}

// broken is a stream that cannot be read for a while.
type broken struct {
	fleet.EventStream
	mu    sync.Mutex
	fails int
}

func (b *broken) Read(ctx context.Context, after string, block time.Duration, limit int) ([]fleet.StreamedEvent, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails--; b.fails >= 0 {
		return nil, "", errors.New("connection refused")
	}
	return b.EventStream.Read(ctx, after, 0, limit)
}

func TestHubOutlivesRedis(t *testing.T) {
	t.Parallel()
	w := setup(t)
	told := make(chan error, 9)
	h := events.NewHub(&broken{EventStream: w.stream, fails: 2}, w.clock, func(err error) { told <- err })
	ctx, cancel := context.WithCancel(w.ctx)
	var ran sync.WaitGroup
	ran.Go(func() { h.Run(ctx) })
	for range 2 {
		<-told
		must(t, w.clock.BlockUntilContext(w.ctx, 1))
		w.clock.Advance(time.Second)
	}
	<-h.Ready()
	cancel()
	ran.Wait()
}

func TestWaitSettled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h, _ := w.hub(t)
	waiter := &events.Waiter{Sessions: w.db.Sessions(), Hub: h, Clock: w.clock} // the clock stands: nobody looks by himself
	wait := func(ctx context.Context, id string) chan string {
		out := make(chan string, 1)
		go func() {
			s, err := waiter.WaitSettled(ctx, id, 30*time.Second)
			if err != nil {
				out <- err.Error()
				return
			}
			out <- string(s.State)
		}()
		return out
	}
	want := func(got chan string, state string) {
		t.Helper()
		select {
		case g := <-got:
			if g != state {
				t.Fatalf("waited for %s, got %s", state, g)
			}
		case <-w.ctx.Done():
			t.Fatalf("no %s", state)
		}
	}
	// By an event.
	s := w.insert(t, "s1")
	w.sessions.Tell = func(n *fleet.Session) { must(t, w.publisher.Publish(w.ctx, n)) }
	got := wait(w.ctx, "s1")
	must(t, w.clock.BlockUntilContext(w.ctx, 2))
	s = w.swap(t, s, func(n *fleet.Session) { n.State = fleet.SessionAssigning })
	w.swap(t, s, func(n *fleet.Session) { n.State = fleet.SessionActive })
	want(got, "active")
	// By a look: nobody tells.
	s = w.insert(t, "s2")
	w.sessions.Tell = func(*fleet.Session) {}
	got = wait(w.ctx, "s2")
	must(t, w.clock.BlockUntilContext(w.ctx, 2))
	w.swap(t, s, func(n *fleet.Session) { n.State = fleet.SessionFailed })
	w.clock.Advance(time.Second)
	want(got, "failed")
	// Not in time.
	w.insert(t, "s3")
	got = wait(w.ctx, "s3")
	must(t, w.clock.BlockUntilContext(w.ctx, 2))
	w.clock.Advance(30 * time.Second)
	want(got, "waiting")
	// Settled already; unknown; gone.
	want(wait(w.ctx, "s2"), "failed")
	if _, err := waiter.WaitSettled(w.ctx, "s9", time.Second); !errors.Is(err, fleet.ErrNotFound) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	got = wait(ctx, "s3")
	must(t, w.clock.BlockUntilContext(w.ctx, 2))
	cancel()
	if g := <-got; !strings.Contains(g, context.Canceled.Error()) {
		t.Fatalf("ended with %s", g)
	}
}
