package mongo

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

// filter is a query under construction. Each field is added once.
type filter bson.D

func (f *filter) add(key string, value any) { *f = append(*f, bson.E{Key: key, Value: value}) }

// is asks for a value, unless it is empty.
func (f *filter) is(key, value string) {
	if value != "" {
		f.add(key, value)
	}
}

// upTo asks for a time that is not after t, unless t is zero.
func (f *filter) upTo(key string, t time.Time) {
	if !t.IsZero() {
		f.add(key, bson.D{{Key: "$lte", Value: t}})
	}
}

// span is a stretch of a list that is ordered by a time and _id.
type span struct {
	field  string    // the time
	from   time.Time // inclusive; zero is open, as with the others
	to     time.Time // exclusive
	upTo   time.Time // inclusive; for oldest first only
	newest bool      // first
	cursor fleet.Cursor
}

// order is the span's sort order.
func (s span) order() bson.D {
	if s.newest {
		return desc(s.field, "_id")
	}
	return asc(s.field, "_id")
}

// within asks for the span. The bounds of the time come first, for the index;
// of the cursor's own instant, the documents behind its id remain.
func (f *filter) within(s span) {
	past, at := "$gt", s.cursor.At
	beyond := s.cursor != fleet.Cursor{}
	switch {
	case beyond && s.newest:
		past, s.upTo = "$lt", at
	case beyond && at.After(s.from):
		s.from = at
	}
	var bounds bson.D
	for _, b := range []struct {
		op string
		t  time.Time
	}{{"$gte", s.from}, {"$lt", s.to}, {"$lte", s.upTo}} {
		if !b.t.IsZero() {
			bounds = append(bounds, bson.E{Key: b.op, Value: b.t})
		}
	}
	if len(bounds) > 0 {
		f.add(s.field, bounds)
	}
	if beyond {
		f.add("$or", bson.A{
			bson.D{{Key: s.field, Value: bson.D{{Key: past, Value: at}}}},
			bson.D{{Key: s.field, Value: at}, {Key: "_id", Value: bson.D{{Key: past, Value: s.cursor.ID}}}},
		})
	}
}
