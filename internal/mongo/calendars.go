package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type calendars struct {
	versioned[fleet.Calendar]
	past collection
}

var _ fleet.Calendars = (*calendars)(nil)

// Calendars keeps bookings.
func (db *DB) Calendars() fleet.Calendars {
	return &calendars{past: db.collection(bookingsName), versioned: versioned[fleet.Calendar]{
		coll: db.collection(calendarsName), what: "calendar",
		head: func(c *fleet.Calendar) head { return head{string(c.Purpose), c.Version, &c.Writes} },
	}}
}

// pastBooking is a booking that is over, as stored.
type pastBooking struct {
	Key           string `bson:"_id"`
	fleet.Booking `bson:",inline"`
}

// Get implements [fleet.Calendars].
func (s *calendars) Get(ctx context.Context, p fleet.Purpose) (*fleet.Calendar, error) {
	c, err := s.get(ctx, string(p))
	if errors.Is(err, fleet.ErrNotFound) {
		return &fleet.Calendar{Purpose: p}, nil
	}
	return c, err
}

// Swap implements [fleet.Calendars]. On success next is what is stored. Of two
// that write the first version, one gets ErrConflict.
func (s *calendars) Swap(ctx context.Context, old, next *fleet.Calendar) error {
	if old.Version > 0 {
		return s.swap(ctx, old, next)
	}
	err := s.insert(ctx, next)
	if errors.Is(err, fleet.ErrExists) {
		return fmt.Errorf("write calendar %s: %w", next.Purpose, fleet.ErrConflict)
	}
	return err
}

// Archive implements [fleet.Calendars]. It may be repeated when its outcome is
// not known; what was archived first stays.
func (s *calendars) Archive(ctx context.Context, b fleet.Booking) error {
	if err := insertNew(ctx, s.past, []pastBooking{{b.ID, b}}); err != nil {
		return fmt.Errorf("archive booking %s: %w", b.ID, err)
	}
	return nil
}

// Archived implements [fleet.Calendars].
func (s *calendars) Archived(ctx context.Context, id string) (*fleet.Booking, error) {
	found, err := get[pastBooking](ctx, s.past, bson.D{{Key: "_id", Value: id}})
	if err != nil {
		return nil, fmt.Errorf("booking %s: %w", id, err)
	}
	return &found.Booking, nil
}

// Past implements [fleet.Calendars]. From and to select by the start, to itself
// not; zero is open.
func (s *calendars) Past(ctx context.Context, owner string, from, to time.Time, limit int) ([]fleet.Booking, error) {
	f, along := filter{}, span{field: "start", from: from, to: to, newest: true}
	f.is("owner", owner)
	f.within(along)
	found, err := list[fleet.Booking](ctx, s.past, bson.D(f), along.order(), cmp.Or(limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("list past bookings: %w", err)
	}
	return values(found), nil
}
