package mongo

import (
	"cmp"
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type deliveries struct{ versioned[fleet.Delivery] }

var _ fleet.Deliveries = (*deliveries)(nil)

// Deliveries keeps events on their way. Those that are done are forgotten a
// month later.
func (db *DB) Deliveries() fleet.Deliveries {
	return &deliveries{versioned[fleet.Delivery]{
		coll: db.collection(deliveriesName), what: "delivery",
		head: func(d *fleet.Delivery) head { return head{d.ID, d.Version, &d.Writes} },
	}}
}

// Get implements [fleet.Deliveries].
func (s *deliveries) Get(ctx context.Context, id string) (*fleet.Delivery, error) {
	return s.get(ctx, id)
}

// Add implements [fleet.Deliveries]. It may be repeated when its outcome is not
// known.
func (s *deliveries) Add(ctx context.Context, ds ...*fleet.Delivery) error {
	if err := insertNew(ctx, s.coll, ds); err != nil {
		return fmt.Errorf("add deliveries: %w", err)
	}
	return nil
}

// Swap implements [fleet.Deliveries]. On success next is what is stored.
func (s *deliveries) Swap(ctx context.Context, old, next *fleet.Delivery) error {
	return s.swap(ctx, old, next)
}

// Find implements [fleet.Deliveries]. Due selects pending ones, unless a State
// is given, and the Cursor then goes by NextTry.
func (s *deliveries) Find(ctx context.Context, q fleet.DeliveryQuery) ([]*fleet.Delivery, error) {
	f := filter{}
	f.is("webhook", q.Webhook)
	f.is("owner", q.Owner)
	along := span{field: "created_at", cursor: q.Cursor, newest: true}
	if !q.Due.IsZero() {
		along = span{field: "next_try", upTo: q.Due, cursor: q.Cursor}
		q.State = cmp.Or(q.State, fleet.DeliveryPending)
	}
	f.is("state", string(q.State))
	f.within(along)
	return s.page(ctx, bson.D(f), along.order(), q.Limit)
}
