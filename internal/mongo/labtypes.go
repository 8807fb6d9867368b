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

type labTypes struct{ coll collection }

var _ fleet.LabTypeStore = (*labTypes)(nil)

// Status implements [fleet.LabTypeStore].
func (s *labTypes) Status(ctx context.Context, name string) (fleet.LabTypeStatus, error) {
	st, err := get[fleet.LabTypeStatus](ctx, s.coll, bson.D{{Key: "_id", Value: name}})
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.LabTypeStatus{Name: name}, nil
	}
	if err != nil {
		return fleet.LabTypeStatus{}, fmt.Errorf("status of lab type %s: %w", name, err)
	}
	return *st, nil
}

// Failed implements [fleet.LabTypeStore]. A limit of 0 or less never switches
// off. The count and the switch are two writes: if the second is missed, the
// next failure makes it.
func (s *labTypes) Failed(ctx context.Context, name, reason string, limit int, now time.Time) (fleet.LabTypeStatus, error) {
	st, err := s.write(ctx, bson.D{{Key: "_id", Value: name}}, bson.D{
		{Key: "$inc", Value: bson.D{{Key: "failures", Value: 1}, {Key: "version", Value: int64(1)}}},
		{Key: "$setOnInsert", Value: bson.D{{Key: "off", Value: false}, {Key: "since", Value: now}}},
	}, true)
	if err != nil {
		return fleet.LabTypeStatus{}, fmt.Errorf("count failure of lab type %s: %w", name, err)
	}
	if limit <= 0 || st.Failures < limit || st.Off {
		return st, nil
	}
	off, err := s.write(ctx,
		bson.D{{Key: "_id", Value: name}, {Key: "off", Value: false}, {Key: "failures", Value: bson.D{{Key: "$gte", Value: limit}}}},
		bson.D{
			{Key: "$set", Value: bson.D{{Key: "off", Value: true}, {Key: "reason", Value: reason}, {Key: "since", Value: now}}},
			{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}},
		}, false)
	if errors.Is(err, driver.ErrNoDocuments) { // switched, or a success came between
		return s.Status(ctx, name)
	}
	if err != nil {
		return fleet.LabTypeStatus{}, fmt.Errorf("switch off lab type %s: %w", name, err)
	}
	return off, nil
}

// Succeeded implements [fleet.LabTypeStore]: the count of failures starts anew.
// A type that is off stays off.
func (s *labTypes) Succeeded(ctx context.Context, name string) error {
	_, err := s.write(ctx,
		bson.D{{Key: "_id", Value: name}, {Key: "failures", Value: bson.D{{Key: "$gte", Value: 1}}}},
		bson.D{
			{Key: "$set", Value: bson.D{{Key: "failures", Value: 0}}},
			{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}},
		}, false)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return fmt.Errorf("count success of lab type %s: %w", name, err)
	}
	return nil
}

// SetOff implements [fleet.LabTypeStore]. Switched on again, a type has no
// failures behind it.
func (s *labTypes) SetOff(ctx context.Context, name string, off bool, reason string, now time.Time) error {
	set := bson.D{{Key: "off", Value: off}, {Key: "reason", Value: reason}, {Key: "since", Value: now}}
	if !off {
		set = append(set, bson.E{Key: "failures", Value: 0})
	}
	_, err := s.write(ctx, bson.D{{Key: "_id", Value: name}}, bson.D{
		{Key: "$set", Value: set},
		{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}},
	}, true)
	if err != nil {
		return fmt.Errorf("switch lab type %s: %w", name, err)
	}
	return nil
}

// All implements [fleet.LabTypeStore], by name.
func (s *labTypes) All(ctx context.Context) ([]fleet.LabTypeStatus, error) {
	found, err := list[fleet.LabTypeStatus](ctx, s.coll, bson.D{}, asc("_id"), 0)
	if err != nil {
		return nil, fmt.Errorf("list lab types: %w", err)
	}
	return values(found), nil
}

// write updates one status and gives it as written.
func (s *labTypes) write(ctx context.Context, filter, update bson.D, upsert bool) (fleet.LabTypeStatus, error) {
	opts := options.FindOneAndUpdate().SetUpsert(upsert).SetReturnDocument(options.After)
	var st fleet.LabTypeStatus
	err := s.coll.FindOneAndUpdate(ctx, filter, update, opts).Decode(&st)
	if upsert && driver.IsDuplicateKeyError(err) { // two made the document at once: it is there now
		err = s.coll.FindOneAndUpdate(ctx, filter, update, opts).Decode(&st)
	}
	return st, err
}
