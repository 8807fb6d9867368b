package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

// usePrecision is how exactly the last use of a key is known.
const usePrecision = time.Minute

type apiKeys struct{ versioned[fleet.APIKey] }

var _ fleet.APIKeys = (*apiKeys)(nil)

// Keys keeps the keys to the API.
func (db *DB) Keys() fleet.APIKeys {
	return &apiKeys{versioned[fleet.APIKey]{
		coll: db.collection(keysName), what: "API key", keep: []string{"last_used", "last_from"},
		head: func(k *fleet.APIKey) head { return head{k.ID, k.Version, &k.Writes} },
	}}
}

// Get implements [fleet.APIKeys].
func (s *apiKeys) Get(ctx context.Context, id string) (*fleet.APIKey, error) { return s.get(ctx, id) }

// Insert implements [fleet.APIKeys]. On success k is what is stored.
func (s *apiKeys) Insert(ctx context.Context, k *fleet.APIKey) error { return s.insert(ctx, k) }

// Swap implements [fleet.APIKeys]. The last use is not replaced: it is written
// by Touch only.
func (s *apiKeys) Swap(ctx context.Context, old, next *fleet.APIKey) error {
	return s.swap(ctx, old, next)
}

// Touch implements [fleet.APIKeys], to the minute. It may be repeated when its
// outcome is not known.
func (s *apiKeys) Touch(ctx context.Context, id, from string, at time.Time) error {
	res, err := s.coll.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "last_used", Value: at.Truncate(usePrecision)}, {Key: "last_from", Value: from}}}})
	if err == nil && res.MatchedCount == 0 {
		err = fleet.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("note use of API key %s: %w", id, err)
	}
	return nil
}

// Find implements [fleet.APIKeys].
func (s *apiKeys) Find(ctx context.Context, prefix, after string, limit int) ([]*fleet.APIKey, error) {
	id := bson.D{{Key: "$gt", Value: after}}
	if prefix != "" {
		id = append(id, bson.E{Key: "$gte", Value: prefix}, bson.E{Key: "$lt", Value: prefix + "\U0010FFFF"})
	}
	return s.page(ctx, bson.D{{Key: "_id", Value: id}}, asc("_id"), limit)
}

// CountRole implements [fleet.APIKeys].
func (s *apiKeys) CountRole(ctx context.Context, role string, now time.Time) (int, error) {
	absent := bson.D{{Key: "$exists", Value: false}}
	n, err := s.coll.CountDocuments(ctx, bson.D{
		{Key: "role", Value: role},
		{Key: "revoked_at", Value: absent},
		{Key: "$or", Value: bson.A{
			bson.D{{Key: "expires_at", Value: absent}},
			bson.D{{Key: "expires_at", Value: bson.D{{Key: "$gt", Value: now}}}},
		}},
	})
	if err != nil {
		return 0, fmt.Errorf("count API keys of role %s: %w", role, err)
	}
	return int(n), nil
}
