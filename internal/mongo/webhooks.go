package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type webhooks struct{ versioned[fleet.Webhook] }

var _ fleet.Webhooks = (*webhooks)(nil)

// Webhooks keeps where events are delivered.
func (db *DB) Webhooks() fleet.Webhooks {
	return &webhooks{versioned[fleet.Webhook]{
		coll: db.collection(webhooksName), what: "webhook",
		head: func(w *fleet.Webhook) head { return head{w.ID, w.Version, &w.Writes} },
	}}
}

// Get implements [fleet.Webhooks].
func (s *webhooks) Get(ctx context.Context, id string) (*fleet.Webhook, error) { return s.get(ctx, id) }

// Insert implements [fleet.Webhooks]. On success w is what is stored.
func (s *webhooks) Insert(ctx context.Context, w *fleet.Webhook) error { return s.insert(ctx, w) }

// Swap implements [fleet.Webhooks]. On success next is what is stored.
func (s *webhooks) Swap(ctx context.Context, old, next *fleet.Webhook) error {
	return s.swap(ctx, old, next)
}

// Delete implements [fleet.Webhooks]. Deleting what is gone gives ErrNotFound.
func (s *webhooks) Delete(ctx context.Context, id string) error {
	res, err := s.coll.DeleteOne(ctx, bson.D{{Key: "_id", Value: id}})
	if err == nil && res.DeletedCount == 0 {
		err = fleet.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete webhook %s: %w", id, err)
	}
	return nil
}

// Find implements [fleet.Webhooks].
func (s *webhooks) Find(ctx context.Context, owner string, all bool, after string, limit int) ([]*fleet.Webhook, error) {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	if !all {
		filter = append(filter, bson.E{Key: "owner", Value: owner})
	}
	return s.page(ctx, filter, asc("_id"), limit)
}
