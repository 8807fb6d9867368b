package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type leases struct{ coll collection }

var _ fleet.Leases = (*leases)(nil)

// Acquire implements [fleet.Leases]. Taking a lease again can prolong it, never
// shorten it: AWS would not end the earlier session sooner. It may be repeated
// when its outcome is not known.
func (s *leases) Acquire(ctx context.Context, accountID string, epoch int64, lease string, until time.Time) error {
	field, err := leaseField(lease)
	if err != nil {
		return err
	}
	res, err := s.coll.UpdateOne(ctx,
		bson.D{{Key: "_id", Value: accountID}, {Key: "epoch", Value: epoch}},
		bson.D{
			{Key: "$max", Value: bson.D{{Key: field, Value: until}}},
			{Key: "$inc", Value: bson.D{{Key: "lease_seq", Value: 1}}},
		})
	if err != nil {
		return fmt.Errorf("lease account %s: %w", accountID, err)
	}
	if res.MatchedCount == 1 {
		return nil
	}
	_, found, err := s.coll.readBack(ctx, accountID)
	switch {
	case err != nil:
		return fmt.Errorf("lease account %s: %w", accountID, err)
	case !found:
		return fmt.Errorf("lease account %s: %w", accountID, fleet.ErrNotFound)
	}
	return fmt.Errorf("lease account %s in epoch %d: %w", accountID, epoch, fleet.ErrStaleEpoch)
}

// Release implements [fleet.Leases]. Releasing twice is releasing once.
func (s *leases) Release(ctx context.Context, accountID, lease string) error {
	field, err := leaseField(lease)
	if err != nil {
		return err
	}
	res, err := s.coll.UpdateOne(ctx, bson.D{{Key: "_id", Value: accountID}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: field, Value: ""}}}})
	if err == nil && res.MatchedCount == 0 {
		err = fleet.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("give back lease %s of account %s: %w", lease, accountID, err)
	}
	return nil
}

func leaseField(lease string) (string, error) {
	if lease == "" {
		return "", &fleet.FieldError{Field: "lease", Remedy: "give the lease an id"}
	}
	return "leases." + escapeKey(lease), nil
}
