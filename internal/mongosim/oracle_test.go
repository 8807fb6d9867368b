package mongosim_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"pgregory.net/rapid"
)

// The oracle: its own reading of the manual for documents {_id, a, b: {c},
// l: [...]} whose values are small numbers, strings, null or missing. It knows
// no index and shares no code with the server.

type odoc struct {
	id   int
	vals map[string]any // "a", "b.c": int, string or nil; missing if absent
	l    []any
	hasL bool
}

func (o odoc) bson() bson.D {
	d := bson.D{{Key: "_id", Value: o.id}}
	if v, ok := o.vals["a"]; ok {
		d = append(d, bson.E{Key: "a", Value: v})
	}
	if v, ok := o.vals["b.c"]; ok {
		d = append(d, bson.E{Key: "b", Value: bson.D{{Key: "c", Value: v}}})
	}
	if o.hasL {
		d = append(d, bson.E{Key: "l", Value: bson.A(o.l)})
	}
	return d
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case int, float64:
		return 1
	}
	return 2
}

func number(v any) float64 {
	if i, ok := v.(int); ok {
		return float64(i)
	}
	f, _ := v.(float64)
	return f
}

func order(x, y any) int {
	if c := cmp.Compare(rank(x), rank(y)); c != 0 {
		return c
	}
	if s, ok := x.(string); ok {
		return cmp.Compare(s, y.(string))
	}
	return cmp.Compare(number(x), number(y))
}

// leaves are the values that a condition on the path tests; ok is false for a
// missing field.
func (o odoc) leaves(path string) (vals []any, ok bool) {
	if path == "l" {
		return o.l, o.hasL
	}
	v, ok := o.vals[path]
	return []any{v}, ok
}

type cond struct {
	path, op string
	arg      any
	args     []any
}

func (c cond) bson() bson.D {
	arg := c.arg
	if c.op == "$in" || c.op == "$nin" {
		arg = bson.A(c.args)
	}
	return bson.D{{Key: c.path, Value: bson.D{{Key: c.op, Value: arg}}}}
}

func (c cond) holds(o odoc) bool {
	vals, there := o.leaves(c.path)
	equals := func(arg any) bool {
		if arg == nil && !there {
			return true
		}
		return there && slices.ContainsFunc(vals, func(v any) bool { return order(v, arg) == 0 })
	}
	ranged := func(fits func(int) bool) bool {
		if c.arg == nil { // only $gte and $lte take null, as equality
			return fits(0) && equals(nil)
		}
		return there && slices.ContainsFunc(vals, func(v any) bool { return rank(v) == rank(c.arg) && fits(order(v, c.arg)) })
	}
	switch c.op {
	case "$eq":
		return equals(c.arg)
	case "$ne":
		return !equals(c.arg)
	case "$in":
		return slices.ContainsFunc(c.args, equals)
	case "$nin":
		return !slices.ContainsFunc(c.args, equals)
	case "$exists":
		return there == c.arg.(bool)
	case "$gt":
		return ranged(func(i int) bool { return i > 0 })
	case "$gte":
		return ranged(func(i int) bool { return i >= 0 })
	case "$lt":
		return ranged(func(i int) bool { return i < 0 })
	}
	return ranged(func(i int) bool { return i <= 0 })
}

// sortValue is what a document counts by: of an array its least element
// upwards and its greatest downwards, before null if it is empty.
func (o odoc) sortValue(path string, dir int) (v any, empty bool) {
	vals, there := o.leaves(path)
	if !there {
		return nil, false
	}
	if len(vals) == 0 {
		return nil, true
	}
	if dir > 0 {
		return slices.MinFunc(vals, order), false
	}
	return slices.MaxFunc(vals, order), false
}

func less(a, b odoc, sort bson.D) int {
	for _, s := range sort {
		dir := s.Value.(int)
		if s.Key == "_id" {
			if c := cmp.Compare(a.id, b.id) * dir; c != 0 {
				return c
			}
			continue
		}
		x, xe := a.sortValue(s.Key, dir)
		y, ye := b.sortValue(s.Key, dir)
		c := order(x, y)
		if xe != ye && x == nil && y == nil {
			c = 1
			if xe {
				c = -1
			}
		}
		if c*dir != 0 {
			return c * dir
		}
	}
	return 0
}

var (
	genValue = rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.IntRange(-3, 3), func(i int) any { return i }),
		rapid.Map(rapid.SampledFrom([]float64{-1.5, 0, 2, 2.5}), func(f float64) any { return f }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "ab", "b\x00c"}), func(s string) any { return s }))
	genPath = rapid.SampledFrom([]string{"a", "b.c", "l"})
	genCond = rapid.Custom(func(t *rapid.T) cond {
		c := cond{path: genPath.Draw(t, "path"), op: rapid.SampledFrom([]string{"$eq", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"}).Draw(t, "op")}
		switch c.op {
		case "$exists":
			c.arg = rapid.Bool().Draw(t, "exists")
		case "$in", "$nin":
			c.args = rapid.SliceOfN(genValue, 1, 3).Draw(t, "args")
		default:
			c.arg = genValue.Draw(t, "arg")
		}
		return c
	})
	genDoc = rapid.Custom(func(t *rapid.T) odoc {
		o := odoc{vals: map[string]any{}}
		for _, p := range []string{"a", "b.c"} {
			if rapid.Bool().Draw(t, "has") {
				o.vals[p] = genValue.Draw(t, p)
			}
		}
		if o.hasL = rapid.Bool().Draw(t, "hasL"); o.hasL {
			o.l = rapid.SliceOfN(genValue, 0, 3).Draw(t, "l")
		}
		return o
	})
	genKey = rapid.Custom(func(t *rapid.T) bson.D {
		d := bson.D{}
		for _, p := range rapid.SliceOfNDistinct(genPath, 1, 3, func(s string) string { return s }).Draw(t, "paths") {
			d = append(d, bson.E{Key: p, Value: rapid.SampledFrom([]int{1, -1}).Draw(t, "dir")})
		}
		return d
	})
)

// With any indexes, any query answers as the oracle does, in the order asked
// for, also after updates and deletes.
func TestQueriesAgainstOracle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := ctx(t)
	rapid.Check(t, func(rt *rapid.T) {
		coll := b.db.Collection(bson.NewObjectID().Hex())
		docs := map[int]odoc{}
		put := func(id int) {
			o := genDoc.Draw(rt, "doc")
			o.id = id
			docs[id] = o
			if _, err := coll.ReplaceOne(c, bson.D{{Key: "_id", Value: id}}, o.bson(), options.Replace().SetUpsert(true)); err != nil {
				rt.Fatal(err)
			}
		}
		n := rapid.IntRange(0, 12).Draw(rt, "n")
		for id := range n {
			put(id)
		}
		for i := range rapid.IntRange(0, 3).Draw(rt, "indexes") {
			opts := options.Index().SetName(fmt.Sprint("ix", i))
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 1:
				opts.SetSparse(true)
			case 2:
				partial := genCond.Draw(rt, "partial")
				if partial.op != "$ne" && partial.op != "$nin" && partial.arg != any(false) {
					opts.SetPartialFilterExpression(partial.bson())
				}
			}
			if _, err := coll.Indexes().CreateOne(c, mongo.IndexModel{Keys: genKey.Draw(rt, "key"), Options: opts}); err != nil && code(err) != 85 {
				rt.Fatal(err)
			}
		}
		for id := range n {
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			case 0:
				put(id)
			case 1:
				delete(docs, id)
				if _, err := coll.DeleteOne(c, bson.D{{Key: "_id", Value: id}}); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for range 6 {
			conds := rapid.SliceOfN(genCond, 0, 3).Draw(rt, "conds")
			glue := rapid.SampledFrom([]string{"$and", "$or"}).Draw(rt, "glue")
			filter, parts := bson.D{}, bson.A{}
			for _, c := range conds {
				parts = append(parts, c.bson())
			}
			if len(parts) > 0 {
				filter = bson.D{{Key: glue, Value: parts}}
			}
			var want []odoc
			for _, o := range docs {
				hits := 0
				for _, c := range conds {
					if c.holds(o) {
						hits++
					}
				}
				if hits == len(conds) || glue == "$or" && hits > 0 {
					want = append(want, o)
				}
			}
			sort := append(genKey.Draw(rt, "sort"), bson.E{Key: "_id", Value: rapid.SampledFrom([]int{1, -1}).Draw(rt, "idDir")})
			slices.SortFunc(want, func(x, y odoc) int { return less(x, y, sort) })
			limit := rapid.IntRange(0, 5).Draw(rt, "limit")
			skip := min(rapid.IntRange(0, 2).Draw(rt, "skip"), len(want))
			want = want[skip:]
			if limit > 0 {
				want = want[:min(limit, len(want))]
			}
			cur, err := coll.Find(c, filter, options.Find().SetSort(sort).SetSkip(int64(skip)).SetLimit(int64(limit)))
			if err != nil {
				rt.Fatal(err)
			}
			var got []struct {
				ID int `bson:"_id"`
			}
			if err := cur.All(c, &got); err != nil {
				rt.Fatal(err)
			}
			var gotIDs, wantIDs []int
			for _, d := range got {
				gotIDs = append(gotIDs, d.ID)
			}
			for _, o := range want {
				wantIDs = append(wantIDs, o.id)
			}
			if !slices.Equal(gotIDs, wantIDs) {
				rt.Fatalf("filter %v sort %v skip %d limit %d\n got %v\nwant %v", filter, sort, skip, limit, gotIDs, wantIDs)
			}
		}
	})
}
