package events

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Errors of a subscription. One that was trimmed ends with fleet.ErrTrimmed: what
// is listened to must be listed anew.
var (
	ErrSlow   = errors.New("events came faster than they were read; go on from the last one's position")
	ErrClosed = errors.New("this process is shutting down")
)

const (
	subscriberBuffer = 256
	readBlock        = 5 * time.Second
	readBatch        = 500
	readAgain        = time.Second // after an error
)

// Hub hands the events of the live stream to everybody in this process who
// listens. One goroutine, [Hub.Run], reads the stream.
type Hub struct {
	stream fleet.EventStream
	clock  clock.Clock
	failed func(error)
	ready  chan struct{} // closed when the place of "now" is known
	done   chan struct{} // closed when Run has ended

	mu     sync.Mutex
	closed bool
	subs   map[*subscription]struct{}
	pumps  sync.WaitGroup
}

// NewHub makes a Hub; failed is told when the stream cannot be read, and may be
// nil.
func NewHub(stream fleet.EventStream, c clock.Clock, failed func(error)) *Hub {
	if failed == nil {
		failed = func(error) {}
	}
	return &Hub{stream: stream, clock: c, failed: failed, ready: make(chan struct{}), done: make(chan struct{}), subs: map[*subscription]struct{}{}}
}

// Position gives the place of now on the stream: what is published afterwards
// comes after it.
func (h *Hub) Position(ctx context.Context) (string, error) {
	_, now, err := h.stream.Read(ctx, "", 0, 1)
	return now, err
}

// Run reads the stream until ctx ends, then ends all subscriptions. It runs once.
func (h *Hub) Run(ctx context.Context) {
	defer func() {
		h.mu.Lock()
		h.closed = true
		close(h.done)
		h.mu.Unlock()
		h.dropAll(ErrClosed)
		h.pumps.Wait()
	}()
	position := ""
	var gap error
	for ctx.Err() == nil {
		block := readBlock
		if position == "" {
			block = 0 // to learn the place of now
		}
		events, next, err := h.stream.Read(ctx, position, block, readBatch)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, fleet.ErrTrimmed):
			position, gap = "", err
			continue
		case err != nil:
			h.failed(err)
			select {
			case <-ctx.Done():
			case <-h.clock.After(readAgain):
			}
			continue
		}
		if position == "" {
			h.begin()
		}
		if gap != nil { // told only now: whoever subscribes again misses nothing
			h.dropAll(gap)
			gap = nil
		}
		h.fan(events)
		position = next
	}
}

// Ready is closed when the hub has found its place on the stream.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

func (h *Hub) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ready:
	default:
		close(h.ready)
	}
}

// fan gives events to all who want them; one whose buffer is full is dropped.
func (h *Hub) fan(events []fleet.StreamedEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		for s := range h.subs {
			if !s.wants(e.Event) {
				continue
			}
			select {
			case s.live <- e:
			default:
				h.end(s, ErrSlow)
			}
		}
	}
}

func (h *Hub) dropAll(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		h.end(s, why)
	}
}

// end takes a subscription out, under the lock.
func (h *Hub) end(s *subscription, why error) {
	if _, in := h.subs[s]; in {
		delete(h.subs, s)
		close(s.live)
	}
	if s.err == nil {
		s.err = why
	}
}

// subscription is one who listens.
type subscription struct {
	filter func(fleet.Event) bool
	live   chan fleet.StreamedEvent // closed by the hub, under its lock
	err    error                    // under the hub's lock
}

func (s *subscription) wants(e fleet.Event) bool { return s.filter == nil || s.filter(e) }

// Subscribe gives the events after a position of the stream, or from now on if it
// is "", that the filter lets through; nil lets through all. The filter must be
// quick. The channel is closed when ctx ends or the subscription does; the
// function tells why then: nil if ctx ended, ErrSlow, ErrClosed,
// fleet.ErrTrimmed, fleet.ErrInvalid for a position that is none, or what the
// stream said.
//
// Once the hub is [Hub.Ready], what is published after Subscribe has returned is
// not missed; nothing that the listener has comes again.
func (h *Hub) Subscribe(ctx context.Context, after string, filter func(fleet.Event) bool) (<-chan fleet.StreamedEvent, func() error) {
	s := &subscription{filter: filter, live: make(chan fleet.StreamedEvent, subscriberBuffer)}
	out := make(chan fleet.StreamedEvent)
	why := func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		return s.err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		s.err = ErrClosed
		close(out)
		return out, why
	}
	if after == "" {
		h.subs[s] = struct{}{}
	}
	h.pumps.Go(func() {
		defer close(out)
		err := h.pump(ctx, s, after, out)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.end(s, err)
	})
	return out, why
}

// pump brings events from the stream, up to its end, and then from the hub to
// the listener.
func (h *Hub) pump(ctx context.Context, s *subscription, after string, out chan<- fleet.StreamedEvent) error {
	if after != "" {
		end, err := h.catchUp(ctx, s, after, out)
		if err != nil {
			return ended(ctx, err)
		}
		if !h.join(s) {
			return ErrClosed
		}
		// From here on the hub keeps what comes. Once more to the end: what came
		// between.
		if after, err = h.catchUp(ctx, s, end, out); err != nil {
			return ended(ctx, err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-s.live:
			if !open {
				return nil // the hub has said why
			}
			if after != "" && !behind(after, e.Position) {
				continue // the hub was not as far as the listener
			}
			if err := h.give(ctx, out, e); err != nil {
				return ended(ctx, err)
			}
		}
	}
}

// behind says whether a position comes before another.
func behind(a, b string) bool {
	as, bs := strings.Split(a, "-"), strings.Split(b, "-")
	for i := range min(len(as), len(bs)) {
		if c := cmp.Or(cmp.Compare(len(as[i]), len(bs[i])), strings.Compare(as[i], bs[i])); c != 0 {
			return c < 0
		}
	}
	return len(as) < len(bs)
}

// join makes the hub keep what comes for s.
func (h *Hub) join(s *subscription) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.subs[s] = struct{}{}
	}
	return !h.closed
}

// catchUp gives the events after a position to the end of the stream, and the
// position of that.
func (h *Hub) catchUp(ctx context.Context, s *subscription, after string, out chan<- fleet.StreamedEvent) (string, error) {
	for {
		events, next, err := h.stream.Read(ctx, after, 0, readBatch)
		if err != nil {
			return "", err
		}
		for _, e := range events {
			if !s.wants(e.Event) {
				continue
			}
			if err := h.give(ctx, out, e); err != nil {
				return "", err
			}
		}
		after = next
		if len(events) == 0 {
			return after, nil
		}
	}
}

func (h *Hub) give(ctx context.Context, out chan<- fleet.StreamedEvent, e fleet.StreamedEvent) error {
	select {
	case out <- e:
		return nil
	case <-h.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended drops an error that only says that the listener went away.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
