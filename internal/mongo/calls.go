package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/kodekloud/kml/internal/fleet"
)

type calls struct{ coll collection }

var _ fleet.IdempotentCalls = (*calls)(nil)

// Calls keeps answers to POSTs.
func (db *DB) Calls() fleet.IdempotentCalls { return &calls{db.collection(callsName)} }

// beginTries is how often Begin goes round when the call it lost to vanishes
// before it is read: it ran out, or was abandoned.
const beginTries = 5

// Begin implements [fleet.IdempotentCalls]. A call that ran out before c.At is
// new, whether or not MongoDB has tidied it up. A dead try is taken over by a
// call with its digest only; another digest is given what stands. A claim whose
// reply was lost is recognised by its id.
func (s *calls) Begin(ctx context.Context, c fleet.IdempotentCall, stale time.Time) (*fleet.IdempotentCall, error) {
	c.Done, c.Status, c.Answer = false, 0, nil
	update, err := replacement(&c)
	if err != nil {
		return nil, fmt.Errorf("begin call %s: %w", c.ID, err)
	}
	free := bson.D{{Key: "_id", Value: c.ID}, {Key: "$or", Value: bson.A{
		bson.D{{Key: "done", Value: false}, {Key: "at", Value: bson.D{{Key: "$lt", Value: stale}}}, {Key: "digest", Value: c.Digest}},
		bson.D{{Key: "expires", Value: bson.D{{Key: "$lte", Value: c.At}}}},
	}}}
	for range beginTries {
		stands, err := s.claim(ctx, c, free, update)
		if !errors.Is(err, fleet.ErrNotFound) {
			return stands, err
		}
	}
	return nil, fmt.Errorf("begin call %s: it comes and goes: %w", c.ID, fleet.ErrConflict)
}

// claim writes the claim if the call is free or unknown, and gives what stands;
// ErrNotFound if what stood in its way is gone.
func (s *calls) claim(ctx context.Context, c fleet.IdempotentCall, free, update bson.D) (*fleet.IdempotentCall, error) {
	var mine fleet.IdempotentCall
	err := s.coll.FindOneAndUpdate(ctx, free, update,
		options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Decode(&mine)
	if err == nil {
		return &mine, nil
	}
	stands, readErr := s.stands(ctx, c.ID)
	taken := driver.IsDuplicateKeyError(err)
	switch {
	case readErr == nil && (taken || stands.Claim == c.Claim):
		return stands, nil
	case taken:
		return nil, fmt.Errorf("begin call %s: %w", c.ID, readErr)
	case readErr != nil && !errors.Is(readErr, fleet.ErrNotFound):
		err = errors.Join(err, readErr)
	}
	return nil, fmt.Errorf("begin call %s: outcome not known: %w", c.ID, err)
}

// stands reads a call back, also for a caller that has to go.
func (s *calls) stands(ctx context.Context, id string) (*fleet.IdempotentCall, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	return get[fleet.IdempotentCall](ctx, s.coll, bson.D{{Key: "_id", Value: id}})
}

// Finish implements [fleet.IdempotentCalls]. Finishing twice is finishing once.
func (s *calls) Finish(ctx context.Context, id, claim string, status int, answer *fleet.Sealed) error {
	set := bson.D{{Key: "done", Value: true}, {Key: "status", Value: status}}
	if answer != nil {
		set = append(set, bson.E{Key: "answer", Value: answer})
	}
	res, err := s.coll.UpdateOne(ctx, mine(id, claim), bson.D{{Key: "$set", Value: set}})
	if err == nil && res.MatchedCount == 1 {
		return nil
	}
	stands, readErr := s.stands(ctx, id)
	switch {
	case readErr == nil && stands.Claim == claim && stands.Done:
		return nil
	case readErr != nil && !errors.Is(readErr, fleet.ErrNotFound):
		err = errors.Join(err, readErr)
	case err == nil:
		err = fleet.ErrConflict
	}
	return fmt.Errorf("finish call %s: %w", id, err)
}

// Abandon implements [fleet.IdempotentCalls]. It may be repeated when its
// outcome is not known.
func (s *calls) Abandon(ctx context.Context, id, claim string) error {
	if _, err := s.coll.DeleteOne(ctx, mine(id, claim)); err != nil {
		return fmt.Errorf("abandon call %s: %w", id, err)
	}
	return nil
}

// mine selects a call that is under way under a claim.
func mine(id, claim string) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "claim", Value: claim}, {Key: "done", Value: false}}
}
