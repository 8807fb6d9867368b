package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type poolTargets struct{ versioned[targetDoc] }

var _ fleet.PoolTargets = (*poolTargets)(nil)

// targetDoc is a target as stored.
type targetDoc struct {
	Key              string `bson:"_id"` // org/OU
	fleet.PoolTarget `bson:",inline"`
	Writes           []string `bson:"writes"`
}

// PoolTargets keeps targets of warm accounts.
func (db *DB) PoolTargets() fleet.PoolTargets {
	return &poolTargets{versioned[targetDoc]{
		coll: db.collection(targetsName), what: "pool target",
		head: func(t *targetDoc) head { return head{t.Key, t.Version, &t.Writes} },
	}}
}

// All implements [fleet.PoolTargets].
func (s *poolTargets) All(ctx context.Context) ([]fleet.PoolTarget, error) {
	found, err := list[fleet.PoolTarget](ctx, s.coll, bson.D{}, asc("_id"), 0)
	if err != nil {
		return nil, fmt.Errorf("list pool targets: %w", err)
	}
	return values(found), nil
}

// Set implements [fleet.PoolTargets]; it gives the target as stored. Errors:
// ErrConflict.
func (s *poolTargets) Set(ctx context.Context, t fleet.PoolTarget, version int64) (fleet.PoolTarget, error) {
	next := &targetDoc{Key: t.Org + "/" + t.OU, PoolTarget: t}
	next.Version = version + 1
	var err error
	if version == 0 {
		err = s.insert(ctx, next)
	} else {
		err = s.replaceAt(ctx, next, version)
	}
	if errors.Is(err, fleet.ErrExists) || errors.Is(err, fleet.ErrNotFound) {
		err = fleet.ErrConflict
	}
	if err != nil {
		return fleet.PoolTarget{}, fmt.Errorf("set target of %s: %w", next.Key, err)
	}
	return next.PoolTarget, nil
}

// replaceAt replaces the target if it has the version.
func (s *poolTargets) replaceAt(ctx context.Context, next *targetDoc, version int64) error {
	old, err := s.get(ctx, next.Key)
	if err != nil {
		return err
	}
	if old.Version != version {
		return fleet.ErrConflict
	}
	return s.swap(ctx, old, next)
}
