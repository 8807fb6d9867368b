package mongo

import (
	"cmp"
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/kodekloud/kml/internal/fleet"
)

const defaultLimit = 1000

type accounts struct{ coll collection }

var _ fleet.Accounts = (*accounts)(nil)

// Get implements [fleet.Accounts].
func (s *accounts) Get(ctx context.Context, id string) (*fleet.Account, error) {
	return s.one(ctx, "account "+id, bson.D{{Key: "_id", Value: id}})
}

// BySession implements [fleet.Accounts].
func (s *accounts) BySession(ctx context.Context, sessionID string) (*fleet.Account, error) {
	return s.one(ctx, "account of session "+sessionID, bson.D{{Key: "session_id", Value: sessionID}})
}

func (s *accounts) one(ctx context.Context, what string, filter bson.D) (*fleet.Account, error) {
	a, err := get[fleet.Account](ctx, s.coll, filter)
	if err == nil {
		err = fromStored(a)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return a, nil
}

// Insert implements [fleet.Accounts]. On success a is what is stored.
func (s *accounts) Insert(ctx context.Context, a *fleet.Account) error {
	next := a.Clone()
	var write string
	next.Writes, write = withWrite(nil)
	if err := s.coll.insert(ctx, a.ID, write, toStored(next)); err != nil {
		return fmt.Errorf("insert account %s: %w", a.ID, err)
	}
	return replace(a, next)
}

// Swap implements [fleet.Accounts].
func (s *accounts) Swap(ctx context.Context, old, next *fleet.Account) error {
	stored := next.Clone()
	var write string
	stored.Writes, write = withWrite(old.Writes)
	filter := bson.D{{Key: "_id", Value: old.ID}, {Key: "state", Value: old.State}, {Key: "version", Value: old.Version}}
	keep := []string{"lease_seq", "leases"}
	if next.State != old.State && next.State.Fenced() {
		filter = append(filter, bson.E{Key: "lease_seq", Value: old.LeaseSeq})
		keep = keep[:1] // the update removes the leases
		stored.Leases = nil
	}
	update, err := replacement(toStored(stored), keep...)
	if err != nil {
		return fmt.Errorf("write account %s: %w", old.ID, err)
	}
	if err := s.coll.do(ctx, swap{old.ID, write, old.Version, filter, update}); err != nil {
		return fmt.Errorf("write account %s: %w", old.ID, err)
	}
	return replace(next, stored)
}

// Find implements [fleet.Accounts].
func (s *accounts) Find(ctx context.Context, q fleet.AccountQuery) ([]*fleet.Account, error) {
	f, order := filter{}, asc("rested_since", "_id")
	if len(q.States) > 0 {
		f.add("state", bson.D{{Key: "$in", Value: q.States}})
	}
	f.is("purpose", string(q.Purpose))
	f.is("org", q.Org)
	f.is("ou", q.OU)
	f.is("booking", q.Booking)
	f.is("lab_type", q.LabType)
	if !q.Before.IsZero() {
		f.add("since", bson.D{{Key: "$lt", Value: q.Before}})
	}
	f.upTo("next_try", q.Due)
	if q.After != "" {
		f.add("_id", bson.D{{Key: "$gt", Value: q.After}})
		order = asc("_id")
	}
	found, err := list[fleet.Account](ctx, s.coll, bson.D(f), order, cmp.Or(q.Limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	for _, a := range found {
		if err := fromStored(a); err != nil {
			return nil, fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	return found, nil
}

// Count implements [fleet.Accounts].
func (s *accounts) Count(ctx context.Context) ([]fleet.AccountCount, error) {
	by := bson.D{{Key: "org", Value: "$org"}, {Key: "ou", Value: "$ou"}, {Key: "purpose", Value: "$purpose"}, {Key: "state", Value: "$state"}}
	cursor, err := s.coll.Aggregate(ctx, driver.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "state", Value: bson.D{{Key: "$in", Value: fleet.States}}}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: by}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	var groups []struct {
		By struct {
			Org     string        `bson:"org"`
			OU      string        `bson:"ou"`
			Purpose fleet.Purpose `bson:"purpose"`
			State   fleet.State   `bson:"state"`
		} `bson:"_id"`
		N int `bson:"n"`
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	out := make([]fleet.AccountCount, len(groups))
	for i, g := range groups {
		out[i] = fleet.AccountCount{Org: g.By.Org, OU: g.By.OU, Purpose: g.By.Purpose, State: g.By.State, N: g.N}
	}
	return out, nil
}

// toStored escapes the keys of an account's maps.
func toStored(a *fleet.Account) *fleet.Account {
	out := a.Clone()
	out.Leases = escapeKeys(out.Leases)
	out.Quotas = escapeKeys(out.Quotas)
	if out.User != nil {
		out.User.Policies = escapeKeys(out.User.Policies)
	}
	return out
}

// fromStored is the reverse of toStored, in place.
func fromStored(a *fleet.Account) (err error) {
	if a.Leases, err = unescapeKeys(a.Leases); err != nil {
		return err
	}
	if a.Quotas, err = unescapeKeys(a.Quotas); err != nil {
		return err
	}
	if a.User != nil {
		a.User.Policies, err = unescapeKeys(a.User.Policies)
	}
	return err
}

// replace makes dst what src reads back as.
func replace[T any](dst, src *T) error {
	stored, err := asStored(src)
	if err != nil {
		return err
	}
	*dst = *stored
	return nil
}
