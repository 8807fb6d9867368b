package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	// keepWrites is how many write ids a document holds.
	keepWrites = 10
	// Time to read back a write whose reply was lost; a handler whose context is
	// done has to be gone within a second.
	readBackTimeout     = 5 * time.Second
	readBackAfterCancel = 700 * time.Millisecond
)

type collection struct{ *driver.Collection }

// withWrite adds a fresh id to the ids of the last writes.
func withWrite(writes []string) (all []string, id string) {
	id = bson.NewObjectID().Hex()
	all = append(slices.Clone(writes), id)
	if extra := len(all) - keepWrites; extra > 0 {
		all = all[extra:]
	}
	return all, id
}

// trace is what a document tells of the writes it has seen.
type trace struct {
	Version int64    `bson:"version"`
	Writes  []string `bson:"writes"`
}

// readBack reads what became of a write. found is false if there is no document.
func (c collection) readBack(ctx context.Context, id string) (tr trace, found bool, err error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err = c.FindOne(ctx, bson.D{{Key: "_id", Value: id}},
		options.FindOne().SetProjection(bson.D{{Key: "version", Value: 1}, {Key: "writes", Value: 1}})).Decode(&tr)
	if errors.Is(err, driver.ErrNoDocuments) {
		return tr, false, nil
	}
	return tr, err == nil, err
}

// afterwards is a context for reading back what a write under ctx did, also when
// ctx is done.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := readBackTimeout
	if ctx.Err() != nil {
		limit = readBackAfterCancel
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// swap is a compare-and-set write.
type swap struct {
	id         string // of the document
	write      string // id of the write, which update puts into the document
	oldVersion int64  // that the filter asks for
	filter     bson.D
	update     bson.D
}

// do carries out the write. Errors: ErrNotFound, ErrConflict, ErrExists (a
// unique index), or the driver's if the outcome is not known.
func (c collection) do(ctx context.Context, w swap) error {
	res, err := c.UpdateOne(ctx, w.filter, w.update)
	if err == nil && res.MatchedCount == 1 {
		return nil
	}
	if driver.IsDuplicateKeyError(err) {
		return fleet.ErrExists
	}
	tr, found, readErr := c.readBack(ctx, w.id)
	switch {
	case readErr != nil:
		return errors.Join(err, fmt.Errorf("read back: %w", readErr))
	case !found:
		return fleet.ErrNotFound
	case slices.Contains(tr.Writes, w.write):
		return nil
	case err == nil:
		return fleet.ErrConflict
	case tr.Version > w.oldVersion && tr.Version <= w.oldVersion+keepWrites:
		return fleet.ErrConflict // the write id would still be there
	}
	return fmt.Errorf("outcome not known: %w", err)
}

// insert adds a document that carries the write id. Errors: ErrExists, or the
// driver's if the outcome is not known.
func (c collection) insert(ctx context.Context, id, write string, doc any) error {
	_, err := c.InsertOne(ctx, doc)
	if err == nil {
		return nil
	}
	tr, found, readErr := c.readBack(ctx, id)
	switch {
	case readErr == nil && found && slices.Contains(tr.Writes, write):
		return nil
	case driver.IsDuplicateKeyError(err):
		return fleet.ErrExists
	case readErr != nil:
		return errors.Join(err, fmt.Errorf("read back: %w", readErr))
	case found && tr.Version < keepWrites:
		return fleet.ErrExists
	}
	return fmt.Errorf("outcome not known: %w", err)
}

// get decodes the one document that the filter selects. Errors: ErrNotFound.
func get[T any](ctx context.Context, c collection, filter bson.D) (*T, error) {
	out := new(T)
	if err := c.FindOne(ctx, filter).Decode(out); err != nil {
		if errors.Is(err, driver.ErrNoDocuments) {
			return nil, fleet.ErrNotFound
		}
		return nil, err
	}
	return out, nil
}

// list decodes the documents that the filter selects.
func list[T any](ctx context.Context, c collection, filter, sort bson.D, limit int) ([]*T, error) {
	cursor, err := c.Find(ctx, filter, options.Find().SetSort(sort).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	var out []*T
	if err := cursor.All(ctx, &out); err != nil {
		return nil, err
	}
	return out, nil
}
