package booking

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	grid         = 15 * time.Minute    // slots begin on the quarter of an hour
	horizon      = 14 * 24 * time.Hour // how far a slot may be from what was asked for
	nearestSlots = 3                   // told with a refusal
	listedSlots  = 12                  // told when asked for
)

// SlotQuery asks when seats are free.
type SlotQuery struct {
	LabType  string
	Purpose  fleet.Purpose // default production
	Seats    int
	Duration time.Duration
	From     time.Time // default now
}

// FreeSlots gives the next times, one after the other, at which so many seats
// are free: at most 12, within 14 days. Errors: fleet.ErrInvalid names the field.
func (s *Service) FreeSlots(ctx context.Context, q SlotQuery) ([]fleet.Slot, error) {
	now := s.now()
	b := &fleet.Booking{Seats: q.Seats, LabType: q.LabType, Purpose: cmp.Or(q.Purpose, fleet.Production), Lead: s.Lead, Turn: s.Turn}
	if !slices.Contains(Purposes, b.Purpose) {
		return nil, &fleet.FieldError{Field: "purpose", Value: string(b.Purpose), Remedy: "give production, development or testing"}
	}
	if err := checkSeats(b); err != nil {
		return nil, err
	}
	if err := s.checkDuration(ctx, "duration", q.Duration.String(), q.LabType, q.Duration); err != nil {
		return nil, err
	}
	c, err := s.Calendars.Get(ctx, b.Purpose)
	if err != nil {
		return nil, fmt.Errorf("calendar of %s: %w", b.Purpose, err)
	}
	c.Purpose = b.Purpose
	w, err := s.look(ctx, c, now)
	if err != nil {
		return nil, err
	}
	sh := shape{b.Seats, q.Duration, b.Lead, b.Turn}
	from := later(q.From, now)
	var out []fleet.Slot
	for at := ceil(from); len(out) < listedSlots && !at.After(from.Add(horizon)); {
		slot, ok := w.slot(sh, at)
		if !ok {
			at = at.Add(grid)
			continue
		}
		out = append(out, slot)
		at = ceil(slot.End)
	}
	return out, nil
}

// shape is a booking without its time.
type shape struct {
	seats                int
	duration, lead, turn time.Duration
}

func shapeOf(b *fleet.Booking) shape { return shape{b.Seats, b.End.Sub(b.Start), b.Lead, b.Turn} }

// slot says whether a booking fits at a time that is still to come.
func (v *view) slot(sh shape, start time.Time) (fleet.Slot, bool) {
	if sh.seats > v.capacity || !start.After(v.now) {
		return fleet.Slot{}, false
	}
	end := start.Add(sh.duration)
	free := v.free(later(start.Add(-sh.lead), v.now), end.Add(sh.turn))
	return fleet.Slot{Start: start, End: end, Seats: free}, free >= sh.seats
}

// nearest gives up to n free slots around a time, in their order: the next one
// before and the next one after, if there are such, and then the nearest.
func (v *view) nearest(sh shape, around time.Time, n int) []fleet.Slot {
	if sh.seats > v.capacity {
		return nil
	}
	var before, after []fleet.Slot
	for at := ceil(around).Add(-grid); len(before) < n && at.After(v.now) && around.Sub(at) <= horizon; at = at.Add(-grid) {
		if slot, ok := v.slot(sh, at); ok {
			before = append(before, slot)
		}
	}
	for at := ceil(around); len(after) < n && at.Sub(around) <= horizon; at = at.Add(grid) {
		if slot, ok := v.slot(sh, at); ok {
			after = append(after, slot)
		}
	}
	var out []fleet.Slot
	distance := func(s []fleet.Slot) time.Duration {
		if len(s) == 0 {
			return 2 * horizon
		}
		return s[0].Start.Sub(around).Abs()
	}
	for _, side := range []*[]fleet.Slot{&before, &after} {
		if len(*side) > 0 && len(out) < n {
			out, *side = append(out, (*side)[0]), (*side)[1:]
		}
	}
	for len(out) < n && len(before)+len(after) > 0 {
		side := &before
		if distance(after) < distance(before) {
			side = &after
		}
		out, *side = append(out, (*side)[0]), (*side)[1:]
	}
	slices.SortFunc(out, func(x, y fleet.Slot) int { return x.Start.Compare(y.Start) })
	return out
}

// ceil is the first time on the grid that is not before t.
func ceil(t time.Time) time.Time {
	t = t.UTC()
	if down := t.Truncate(grid); !down.Before(t) {
		return down
	}
	return t.Truncate(grid).Add(grid)
}
