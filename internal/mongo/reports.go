package mongo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/kodekloud/kml/internal/fleet"
)

type reports struct{ sessions, cleanings collection }

var _ fleet.Reports = (*reports)(nil)

// Reports reads what was, summed up by the database.
func (db *DB) Reports() fleet.Reports {
	return &reports{db.collection(sessionsName), db.collection(cleaningsName)}
}

// usage is sums as the database gives them; times are in milliseconds.
type usage struct {
	Of struct {
		Day     string `bson:"day"`
		LabType string `bson:"lab_type"`
		Org     string `bson:"org"`
	} `bson:"_id"`
	Labs      int     `bson:"labs"`
	Served    float64 `bson:"served"`
	Failed    int     `bson:"failed"`
	Expired   int     `bson:"expired"`
	Cancelled int     `bson:"cancelled"`
	Cleanings int     `bson:"cleanings"`
	Cleaning  int64   `bson:"cleaning"`
}

// Usage implements [fleet.Reports]. A lab counts on the day it ended, a cleaning
// on the day it was done; to itself is not in.
func (s *reports) Usage(ctx context.Context, from, to time.Time) ([]fleet.Usage, error) {
	labs, err := sums(ctx, s.sessions, "ended_at", from, to, bson.D{
		{Key: "labs", Value: countOf(fleet.SessionEnded)},
		{Key: "served", Value: total("started_at", "ended_at")}, // null if it never started, and null adds nothing
		{Key: "failed", Value: countOf(fleet.SessionFailed)},
		{Key: "expired", Value: countOf(fleet.SessionExpired)},
		{Key: "cancelled", Value: countOf(fleet.SessionCancelled)},
	})
	if err != nil {
		return nil, fmt.Errorf("usage of labs: %w", err)
	}
	cleanings, err := sums(ctx, s.cleanings, "done_at", from, to, bson.D{
		{Key: "cleanings", Value: bson.D{{Key: "$sum", Value: 1}}},
		{Key: "cleaning", Value: total("started_at", "done_at")},
	})
	if err != nil {
		return nil, fmt.Errorf("usage of cleanings: %w", err)
	}
	return merge(append(labs, cleanings...)), nil
}

// sums groups the documents whose time is between two times by day, lab type
// and organization.
func sums(ctx context.Context, c collection, field string, from, to time.Time, sums bson.D) ([]usage, error) {
	orNone := func(field string) bson.D { return bson.D{{Key: "$ifNull", Value: bson.A{"$" + field, ""}}} }
	by := bson.D{
		{Key: "day", Value: bson.D{{Key: "$dateToString", Value: bson.D{{Key: "date", Value: "$" + field}, {Key: "format", Value: "%Y-%m-%d"}}}}},
		{Key: "lab_type", Value: orNone("lab_type")},
		{Key: "org", Value: orNone("org")},
	}
	cursor, err := c.Aggregate(ctx, driver.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: field, Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lt", Value: to}}}}}},
		{{Key: "$group", Value: append(bson.D{{Key: "_id", Value: by}}, sums...)}},
	})
	if err != nil {
		return nil, err
	}
	var out []usage
	if err := cursor.All(ctx, &out); err != nil {
		return nil, err
	}
	return out, nil
}

func countOf(state fleet.SessionState) bson.D {
	is := bson.D{{Key: "$eq", Value: bson.A{"$state", state}}}
	return bson.D{{Key: "$sum", Value: bson.D{{Key: "$cond", Value: bson.A{is, 1, 0}}}}}
}

// total is the sum of the times between two fields.
func total(from, to string) bson.D {
	return bson.D{{Key: "$sum", Value: bson.D{{Key: "$subtract", Value: bson.A{"$" + to, "$" + from}}}}}
}

// merge adds up what has the same day, lab type and organization, in that order.
func merge(parts []usage) []fleet.Usage {
	by := func(a, b fleet.Usage) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.LabType, b.LabType), cmp.Compare(a.Org, b.Org))
	}
	all := make([]fleet.Usage, len(parts))
	for i, p := range parts {
		all[i] = fleet.Usage{Day: p.Of.Day, LabType: p.Of.LabType, Org: p.Of.Org, Labs: p.Labs, Minutes: p.Served / float64(time.Minute/time.Millisecond),
			Failed: p.Failed, Expired: p.Expired, Cancelled: p.Cancelled, Cleanings: p.Cleanings, Cleaning: time.Duration(p.Cleaning) * time.Millisecond}
	}
	slices.SortStableFunc(all, by)
	out := all[:0]
	for _, u := range all {
		if n := len(out); n > 0 && by(out[n-1], u) == 0 { // the labs, then the cleanings
			out[n-1].Cleanings, out[n-1].Cleaning = u.Cleanings, u.Cleaning
			continue
		}
		out = append(out, u)
	}
	return slices.Clip(out)
}
