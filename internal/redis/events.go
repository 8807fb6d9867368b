package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	keepEvents = 100_000 // on the stream, roughly
	eventField = "event" // of an entry: the event as JSON; an entry without it marks a place
	// wakeEvery bounds one blocking command: a socket does not know of a context's
	// end.
	wakeEvery = 250 * time.Millisecond
	readLimit = 1000
)

// EventStream is the live stream of events, a Redis Stream. A position is the id
// of an entry; one that is no longer between the first and the last entry was
// trimmed, or flushed with everything else. It is safe for concurrent use.
type EventStream struct{ client goredis.UniversalClient }

var _ fleet.EventStream = (*EventStream)(nil)

// NewEventStream makes an EventStream on a client, which stays the caller's to
// close. Each Read that waits holds one of the client's connections.
func NewEventStream(client goredis.UniversalClient) *EventStream { return &EventStream{client} }

// Publish implements [fleet.EventStream]. The events follow each other on the
// stream, with nothing between them.
func (s *EventStream) Publish(ctx context.Context, events ...fleet.Event) error {
	if len(events) == 0 {
		return nil
	}
	_, err := s.client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		for _, e := range events {
			raw, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("event %s: %w", e.ID, err)
			}
			p.XAdd(ctx, entryOf(eventField, raw))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish events: %w", err)
	}
	return nil
}

func entryOf(field string, value []byte) *goredis.XAddArgs {
	return &goredis.XAddArgs{Stream: eventsKey, MaxLen: keepEvents, Approx: true, Values: []any{field, value}}
}

// Read implements [fleet.EventStream]. A limit of 0 is 1000.
func (s *EventStream) Read(ctx context.Context, after string, block time.Duration, limit int) ([]fleet.StreamedEvent, string, error) {
	if after == "" {
		now, err := s.now(ctx)
		if err != nil {
			return nil, "", fmt.Errorf("read events: %w", err)
		}
		after = now
	}
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	for {
		events, next, err := s.look(ctx, from, int64(cmp.Or(limit, readLimit)))
		if err != nil {
			return nil, "", fmt.Errorf("read events after %s: %w", after, err)
		}
		if len(events) > 0 || block <= 0 {
			return events, next.String(), nil
		}
		slice := min(block, wakeEvery)
		block -= slice
		if err := s.wait(ctx, next, slice); err != nil {
			return nil, "", fmt.Errorf("wait for events: %w", err)
		}
		from = next
	}
}

// now is the position of the last entry. An empty stream gets an entry without
// an event, so that there is a position whose loss can be told.
func (s *EventStream) now(ctx context.Context) (string, error) {
	last, err := s.client.XRevRangeN(ctx, eventsKey, "+", "-", 1).Result()
	if err != nil {
		return "", err
	}
	if len(last) > 0 {
		return last[0].ID, nil
	}
	return s.client.XAdd(ctx, entryOf("mark", nil)).Result()
}

// look gives the events after a position, and the position of the last entry
// seen, in one step with the check that the position is on the stream.
func (s *EventStream) look(ctx context.Context, from place, limit int64) ([]fleet.StreamedEvent, place, error) {
	var first, last, found *goredis.XMessageSliceCmd
	_, err := s.client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		first = p.XRangeN(ctx, eventsKey, "-", "+", 1)
		last = p.XRevRangeN(ctx, eventsKey, "+", "-", 1)
		found = p.XRangeN(ctx, eventsKey, from.next().String(), "+", limit)
		return nil
	})
	if err != nil {
		return nil, from, err
	}
	for _, end := range []struct {
		entries []goredis.XMessage
		beyond  int // how from compares to it if it is not on the stream
	}{{first.Val(), -1}, {last.Val(), 1}} {
		if len(end.entries) == 0 {
			return nil, from, fleet.ErrTrimmed
		}
		at, err := parsePlace(end.entries[0].ID)
		if err != nil {
			return nil, from, err
		}
		if from.compare(at) == end.beyond {
			return nil, from, fleet.ErrTrimmed
		}
	}
	return decode(found.Val(), from)
}

// decode reads entries, past marks.
func decode(entries []goredis.XMessage, from place) ([]fleet.StreamedEvent, place, error) {
	var events []fleet.StreamedEvent
	for _, entry := range entries {
		at, err := parsePlace(entry.ID)
		if err != nil {
			return nil, from, err
		}
		from = at
		raw, ok := entry.Values[eventField].(string)
		if !ok {
			continue
		}
		e := fleet.StreamedEvent{Position: entry.ID}
		if err := json.Unmarshal([]byte(raw), &e.Event); err != nil {
			return nil, from, fmt.Errorf("entry %s: %w", entry.ID, err)
		}
		events = append(events, e)
	}
	return events, from, nil
}

// wait returns when there is an entry after the position, or after a while, or
// when the context is done.
func (s *EventStream) wait(ctx context.Context, from place, block time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	block = max(block, time.Millisecond) // 0 is for ever
	err := s.client.XRead(ctx, &goredis.XReadArgs{Streams: []string{eventsKey, from.String()}, Count: 1, Block: block}).Err()
	if errors.Is(err, goredis.Nil) { // nothing came
		return ctx.Err()
	}
	return err
}

// place is an id on the stream: milliseconds and a number within them.
type place struct{ ms, seq uint64 }

func parsePlace(position string) (place, error) {
	ms, seq, ok := strings.Cut(position, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64)
	n, err2 := strconv.ParseUint(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return place{}, &fleet.FieldError{Field: "position", Value: position, Remedy: "give the id of an event of the stream, such as 1763712000000-0"}
	}
	return place{m, n}, nil
}

func (p place) String() string {
	return strconv.FormatUint(p.ms, 10) + "-" + strconv.FormatUint(p.seq, 10)
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.seq, q.seq))
}

// next is the least place after p.
func (p place) next() place {
	if p.seq++; p.seq == 0 {
		p.ms++
	}
	return p
}
