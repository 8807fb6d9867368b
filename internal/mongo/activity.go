package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/kodekloud/kml/internal/fleet"
)

type activity struct{ coll collection }

var _ fleet.ActivityLog = (*activity)(nil)

// Append implements [fleet.ActivityLog]. An entry without an id gets one.
func (s *activity) Append(ctx context.Context, entries ...fleet.Activity) error {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].ID = cmp.Or(entries[i].ID, bson.NewObjectID().Hex())
	}
	if err := insertNew(ctx, s.coll, entries); err != nil {
		return fmt.Errorf("append to the activity log: %w", err)
	}
	return nil
}

// Find implements [fleet.ActivityLog].
func (s *activity) Find(ctx context.Context, q fleet.ActivityQuery) ([]fleet.Activity, error) {
	f, along := filter{}, span{field: "at", from: q.From, to: q.To, cursor: q.Cursor, newest: true}
	f.is("account", q.Account)
	f.is("session", q.Session)
	f.is("lab_type", q.LabType)
	f.is("kind", q.Kind)
	f.is("who", q.Who)
	f.within(along)
	found, err := list[fleet.Activity](ctx, s.coll, bson.D(f), along.order(), cmp.Or(q.Limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("read the activity log: %w", err)
	}
	return values(found), nil
}

// insertNew inserts the documents whose ids are not known yet. It may be
// repeated when its outcome is not known.
func insertNew[T any](ctx context.Context, c collection, docs []T) error {
	if len(docs) == 0 {
		return nil
	}
	_, err := c.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk driver.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return err
	}
	for _, e := range bulk.WriteErrors {
		if !driver.IsDuplicateKeyError(e.WriteError) {
			return err
		}
	}
	return nil
}
