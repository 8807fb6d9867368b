package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// stream is an event stream under test.
type stream struct {
	fleet.EventStream
	forget func(ctx context.Context) error // everything
}

// EventStream tests an event stream. open gives an empty one to each test, with
// a function that makes it forget everything.
func EventStream(t *testing.T, open func(t *testing.T) (fleet.EventStream, func(ctx context.Context) error)) {
	suite(t, func(t *testing.T) stream {
		s, forget := open(t)
		return stream{s, forget}
	}, map[string]func(*testing.T, context.Context, stream){
		"InOrder": readInOrder, "FromNow": readFromNow, "Wakes": readerWakes, "HonoursContext": readerGivesUp,
		"Forgotten": streamForgets, "BadPosition": badPosition, "NothingLost": nothingLost,
	})
}

// Event is event number n.
func Event(n int) fleet.Event {
	return fleet.Event{ID: fmt.Sprint("session/s1/", n), Type: fleet.EventLabActive, At: at(n).UTC(), Owner: "ada", Lab: "s1", State: "active", EndsAt: at(n + 60).UTC()}
}

// here is the position from now on.
func here(t *testing.T, ctx context.Context, s stream) string {
	t.Helper()
	events, next, err := s.Read(ctx, "", 0, 0)
	must(t, err)
	if len(events) > 0 || next == "" {
		t.Fatalf("from now on there are %d events, position %q", len(events), next)
	}
	return next
}

func readInOrder(t *testing.T, ctx context.Context, s stream) {
	from := here(t, ctx, s)
	must(t, s.Publish(ctx))
	must(t, s.Publish(ctx, Event(0), Event(1)))
	must(t, s.Publish(ctx, Event(2)))
	events, next, err := s.Read(ctx, from, time.Minute, 2) // does not wait for more
	must(t, err)
	equal(t, "first events", []fleet.Event{events[0].Event, events[1].Event}, []fleet.Event{Event(0), Event(1)})
	equal(t, "position", next, events[1].Position)
	rest, last, err := s.Read(ctx, next, 0, 0)
	must(t, err)
	equal(t, "the rest", ids(rest, func(e fleet.StreamedEvent) string { return e.Event.ID }), []string{Event(2).ID})
	none, same, err := s.Read(ctx, last, time.Millisecond/2, 0)
	must(t, err)
	equal(t, "nothing more", len(none), 0)
	equal(t, "position stays", same, last)
	again, _, err := s.Read(ctx, events[0].Position, 0, 1)
	must(t, err)
	equal(t, "again", again[0], events[1])
}

func readFromNow(t *testing.T, ctx context.Context, s stream) {
	must(t, s.Publish(ctx, Event(0)))
	from := here(t, ctx, s)
	must(t, s.Publish(ctx, Event(1)))
	events, _, err := s.Read(ctx, from, 0, 0)
	must(t, err)
	equal(t, "events from then on", ids(events, func(e fleet.StreamedEvent) string { return e.Event.ID }), []string{Event(1).ID})
}

func readerWakes(t *testing.T, ctx context.Context, s stream) {
	from := here(t, ctx, s)
	type answer struct {
		events []fleet.StreamedEvent
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		events, _, err := s.Read(ctx, from, timeout, 0)
		answers <- answer{events, err}
	}()
	must(t, s.Publish(ctx, Event(1)))
	got := <-answers
	must(t, got.err)
	equal(t, "what woke the reader", got.events[0].Event, Event(1))
}

func readerGivesUp(t *testing.T, ctx context.Context, s stream) {
	from := here(t, ctx, s)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Read(ctx, from, time.Hour, 0)
		done <- err
	}()
	cancel()
	wantErr(t, <-done, context.Canceled)
}

func streamForgets(t *testing.T, ctx context.Context, s stream) {
	from := here(t, ctx, s)
	must(t, s.Publish(ctx, Event(0)))
	trimmed := func(when, position string) {
		t.Helper()
		if _, _, err := s.Read(ctx, position, time.Hour, 0); !errors.Is(err, fleet.ErrTrimmed) {
			t.Fatalf("%s: %v", when, err)
		}
	}
	trimmed("before the first", "1-0")
	trimmed("after the last", "99999999999999-0")
	must(t, s.forget(ctx))
	trimmed("of an empty stream", from)
	must(t, s.Publish(ctx, Event(1)))
	for here(t, ctx, s) == from { // positions are milliseconds: all of this may have been one
		must(t, s.forget(ctx))
		must(t, s.Publish(ctx, Event(1)))
	}
	trimmed("of an earlier stream", from)
	from = here(t, ctx, s)
	must(t, s.Publish(ctx, Event(2)))
	events, _, err := s.Read(ctx, from, 0, 0)
	must(t, err)
	equal(t, "events after it", len(events), 1)
}

func badPosition(t *testing.T, ctx context.Context, s stream) {
	for _, p := range []string{"x", "$", "1", "1-", "-1", "1-2-3", "0-99999999999999999999999"} {
		_, _, err := s.Read(ctx, p, 0, 0)
		wantErr(t, err, fleet.ErrInvalid)
	}
}

// nothingLost lets writers and readers race; each reader is told everything, in
// one order.
func nothingLost(t *testing.T, ctx context.Context, s stream) {
	const writers, each, readers = 4, 25, 3
	from := here(t, ctx, s)
	read := make([][]string, readers)
	for _, err := range race(writers+readers, func(i int) error {
		if i >= readers {
			for n := range each {
				if err := s.Publish(ctx, Event(i*1000+n)); err != nil {
					return err
				}
			}
			return nil
		}
		for position := from; len(read[i]) < writers*each; {
			events, next, err := s.Read(ctx, position, timeout, 7)
			if err != nil {
				return err
			}
			position = next
			read[i] = append(read[i], ids(events, func(e fleet.StreamedEvent) string { return e.Event.ID })...)
		}
		return nil
	}) {
		must(t, err)
	}
	for _, r := range read {
		equal(t, "one order", r, read[0])
	}
	sorted := slices.Sorted(slices.Values(read[0]))
	equal(t, "different events", len(slices.Compact(sorted)), writers*each)
}
