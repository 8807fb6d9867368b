package mongo

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

type sessions struct {
	coll  collection
	clock clock.Clock
}

var _ fleet.Sessions = (*sessions)(nil)

// Get implements [fleet.Sessions].
func (s *sessions) Get(ctx context.Context, id string) (*fleet.Session, error) {
	found, err := get[fleet.Session](ctx, s.coll, bson.D{{Key: "_id", Value: id}})
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", id, err)
	}
	return found, nil
}

// ByRequest implements [fleet.Sessions].
func (s *sessions) ByRequest(ctx context.Context, requestID string) (*fleet.Session, error) {
	found, err := get[fleet.Session](ctx, s.coll, bson.D{{Key: "request_id", Value: requestID}})
	if err != nil {
		return nil, fmt.Errorf("session of request %s: %w", requestID, err)
	}
	return found, nil
}

// Insert implements [fleet.Sessions]. On success n is what is stored.
func (s *sessions) Insert(ctx context.Context, n *fleet.Session) error {
	next := inPool(n)
	var write string
	next.Writes, write = withWrite(nil)
	if err := s.coll.insert(ctx, n.ID, write, s.stored(next)); err != nil {
		return fmt.Errorf("insert session %s: %w", n.ID, err)
	}
	return replace(n, next)
}

// Swap implements [fleet.Sessions]. On success next is what is stored.
func (s *sessions) Swap(ctx context.Context, old, next *fleet.Session) error {
	stored := inPool(next)
	var write string
	stored.Writes, write = withWrite(old.Writes)
	update, err := replacement(s.stored(stored))
	if err != nil {
		return fmt.Errorf("write session %s: %w", old.ID, err)
	}
	filter := bson.D{{Key: "_id", Value: old.ID}, {Key: "version", Value: old.Version}}
	if err := s.coll.do(ctx, swap{old.ID, write, old.Version, filter, update}); err != nil {
		return fmt.Errorf("write session %s: %w", old.ID, err)
	}
	return replace(next, stored)
}

// sessionDoc is a session as stored. WrittenAt is the time of the last write that
// made a version, by the writer's clock.
type sessionDoc struct {
	fleet.Session `bson:",inline"`
	WrittenAt     time.Time `bson:"written_at"`
}

func (s *sessions) stored(n *fleet.Session) sessionDoc { return sessionDoc{*n, s.clock.Now()} }

// inPool gives a copy that names the pool it waits for, and since when.
func inPool(s *fleet.Session) *fleet.Session {
	c := s.Clone()
	c.Pool = c.PoolName()
	if c.QueuedAt.IsZero() {
		c.QueuedAt = c.RequestedAt
	}
	return c
}

// Waiting implements [fleet.Sessions]. A limit of 0 is 1000.
func (s *sessions) Waiting(ctx context.Context, pool fleet.PoolName, limit int) ([]*fleet.Session, error) {
	filter := bson.D{{Key: "state", Value: fleet.SessionWaiting}, {Key: "pool", Value: pool}}
	order := bson.D{{Key: "priority", Value: -1}, {Key: "queued_at", Value: 1}, {Key: "_id", Value: 1}}
	found, err := list[fleet.Session](ctx, s.coll, filter, order, cmp.Or(limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("waiting sessions: %w", err)
	}
	return found, nil
}

// Published implements [fleet.Sessions].
func (s *sessions) Published(ctx context.Context, id string, version int64) error {
	_, err := s.coll.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "unpublished", Value: ""}}}})
	if err != nil {
		return fmt.Errorf("session %s: note what was told: %w", id, err)
	}
	return nil
}

// Find implements [fleet.Sessions].
func (s *sessions) Find(ctx context.Context, q fleet.SessionQuery) ([]*fleet.Session, error) {
	along := span{field: "requested_at", from: q.From, to: q.To, cursor: q.Cursor, newest: q.Newest}
	f, order := sessionFilter(q), along.order()
	f.within(along)
	if q.After != "" {
		f.add("_id", bson.D{{Key: "$gt", Value: q.After}})
		order = asc("_id")
	}
	found, err := list[fleet.Session](ctx, s.coll, bson.D(f), order, cmp.Or(q.Limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("find sessions: %w", err)
	}
	return found, nil
}

// sessionFilter is what a query asks of a session, its place in the list aside.
func sessionFilter(q fleet.SessionQuery) filter {
	f, state := filter{}, bson.D{}
	if len(q.States) > 0 {
		state = append(state, bson.E{Key: "$in", Value: q.States})
	}
	if !q.NotBefore.IsZero() {
		state = append(state, bson.E{Key: "$eq", Value: fleet.SessionScheduled})
	}
	if len(state) > 0 {
		f.add("state", state)
	}
	f.is("lab_type", q.LabType)
	f.is("student", q.Student)
	f.is("account_id", q.AccountID)
	f.is("owner", q.Owner)
	f.is("booking", q.Booking)
	f.is("org", q.Org)
	f.upTo("ends_at", q.EndsBefore)
	f.upTo("wait_until", q.WaitBefore)
	f.upTo("assigned_at", q.AssignedBefore)
	f.upTo("not_before", q.NotBefore)
	if !q.Unpublished.IsZero() {
		f.add("unpublished", true)
		f.add("written_at", bson.D{{Key: "$lt", Value: q.Unpublished}})
	}
	return f
}

// Count implements [fleet.Sessions]; a state without sessions is left out.
func (s *sessions) Count(ctx context.Context) (map[fleet.SessionState]int, error) {
	cursor, err := s.coll.Aggregate(ctx, driver.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "state", Value: bson.D{{Key: "$in", Value: fleet.SessionStates}}}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$state"}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("count sessions: %w", err)
	}
	var groups []struct {
		State fleet.SessionState `bson:"_id"`
		N     int                `bson:"n"`
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, fmt.Errorf("count sessions: %w", err)
	}
	out := make(map[fleet.SessionState]int, len(groups))
	for _, g := range groups {
		out[g.State] = g.N
	}
	return out, nil
}
