package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The expectations are those of the manual, "Query and Projection Operators"
// and the tutorials "Query an Array", "Query an Array of Embedded Documents",
// "Query for Null or Missing Fields", each under the page's name.
func TestQueryOperators(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		docs   string
		filter string
		want   string
	}{
		{"equality compares numbers of all types", `[{"_id":1,"a":5},{"_id":2,"a":5.0},{"_id":3,"a":{"$numberLong":"5"}},{"_id":4,"a":"5"}]`, `{"a":5}`, `[1,2,3]`},
		{"embedded document: whole and in order (Query on Embedded/Nested Documents)", `[{"_id":1,"s":{"h":1,"w":2}},{"_id":2,"s":{"w":2,"h":1}}]`, `{"s":{"h":1,"w":2}}`, `[1]`},
		{"dotted path", `[{"_id":1,"s":{"u":"in"}},{"_id":2,"s":{"u":"cm"}},{"_id":3,"s":5}]`, `{"s.u":"in"}`, `[1]`},
		{"array: exact or an element (Query an Array)", `[{"_id":1,"t":["red","blank"]},{"_id":2,"t":["blank","red"]},{"_id":3,"t":"red"}]`, `{"t":["red","blank"]}`, `[1]`},
		{"array element", `[{"_id":1,"t":["red","blank"]},{"_id":2,"t":["blank"]},{"_id":3,"t":"red"}]`, `{"t":"red"}`, `[1,3]`},
		{"compound conditions on elements together (Query an Array)", `[{"_id":1,"d":[14,21]},{"_id":2,"d":[10,30]},{"_id":3,"d":[22,40]}]`, `{"d":{"$gt":15,"$lt":20}}`, `[1,2]`},
		{"$elemMatch on one element", `[{"_id":1,"d":[14,21]},{"_id":2,"d":[23,30]},{"_id":3,"d":[10,40]}]`, `{"d":{"$elemMatch":{"$gt":22,"$lt":31}}}`, `[2]`},
		{"array index", `[{"_id":1,"d":[1,26]},{"_id":2,"d":[26,1]}]`, `{"d.1":{"$gt":25}}`, `[1]`},
		{"array of documents: any element's field", `[{"_id":1,"i":[{"q":5},{"q":15}]},{"_id":2,"i":[{"q":40}]},{"_id":3,"i":[]}]`, `{"i.q":{"$lte":20}}`, `[1]`},
		{"$elemMatch on documents", `[{"_id":1,"i":[{"w":"A","q":5},{"w":"C","q":15}]},{"_id":2,"i":[{"w":"C","q":5}]}]`, `{"i":{"$elemMatch":{"q":5,"w":"A"}}}`, `[1]`},
		{"dotted conditions may hold for different elements", `[{"_id":1,"i":[{"w":"A","q":5},{"w":"C","q":15}]},{"_id":2,"i":[{"w":"C","q":5}]}]`, `{"i.q":15,"i.w":"A"}`, `[1]`},
		{"position and field", `[{"_id":1,"i":[{"q":5},{"q":60}]},{"_id":2,"i":[{"q":60}]}]`, `{"i.0.q":{"$lte":20}}`, `[1]`},
		{"null is null or missing (Query for Null or Missing Fields)", `[{"_id":1,"a":null},{"_id":2},{"_id":3,"a":0}]`, `{"a":null}`, `[1,2]`},
		{"null below an array", `[{"_id":1,"a":[]},{"_id":2,"a":[{"b":1},{}]},{"_id":3,"a":[{"b":1}]},{"_id":4,"a":5}]`, `{"a.b":null}`, `[2,4]`},
		{"$ne null", `[{"_id":1,"a":null},{"_id":2},{"_id":3,"a":0}]`, `{"a":{"$ne":null}}`, `[3]`},
		{"$exists", `[{"_id":1,"a":null},{"_id":2},{"_id":3,"a":[]}]`, `{"a":{"$exists":true}}`, `[1,3]`},
		{"$exists false", `[{"_id":1,"a":null},{"_id":2}]`, `{"a":{"$exists":false}}`, `[2]`},
		{"$gt brackets by type (Comparison/Sort Order)", `[{"_id":1,"a":10},{"_id":2,"a":"x"},{"_id":3,"a":null},{"_id":4}]`, `{"a":{"$gt":5}}`, `[1]`},
		{"$ne on arrays means no element", `[{"_id":1,"a":[1,2]},{"_id":2,"a":[2]},{"_id":3}]`, `{"a":{"$ne":1}}`, `[2,3]`},
		{"$in", `[{"_id":1,"a":1},{"_id":2,"a":[7,2]},{"_id":3}]`, `{"a":{"$in":[1,2]}}`, `[1,2]`},
		{"$in with null and a regex", `[{"_id":1,"a":"abc"},{"_id":2},{"_id":3,"a":"x"}]`, `{"a":{"$in":[null,{"$regularExpression":{"pattern":"^ab","options":""}}]}}`, `[1,2]`},
		{"$nin keeps missing fields", `[{"_id":1,"a":1},{"_id":2,"a":3},{"_id":3}]`, `{"a":{"$nin":[1,2]}}`, `[2,3]`},
		{"$and, $or, $nor", `[{"_id":1,"a":1,"b":1},{"_id":2,"a":1,"b":2},{"_id":3,"a":2,"b":2}]`, `{"$or":[{"$and":[{"a":1},{"b":1}]},{"$nor":[{"a":1}]}]}`, `[1,3]`},
		{"$not also takes what lacks the field", `[{"_id":1,"a":1},{"_id":2,"a":9},{"_id":3}]`, `{"a":{"$not":{"$gt":5}}}`, `[1,3]`},
		{"$all", `[{"_id":1,"t":["a","b","c"]},{"_id":2,"t":["a"]},{"_id":3,"t":"a"}]`, `{"t":{"$all":["a"]}}`, `[1,2,3]`},
		{"$all with $elemMatch", `[{"_id":1,"q":[{"s":1,"n":5},{"s":2,"n":6}]},{"_id":2,"q":[{"s":1,"n":6}]}]`, `{"q":{"$all":[{"$elemMatch":{"s":1,"n":5}},{"$elemMatch":{"s":2}}]}}`, `[1]`},
		{"$elemMatch takes an array in an array as one value", `[{"_id":1,"d":[[5]]},{"_id":2,"d":[5]}]`, `{"d":{"$elemMatch":{"$gt":3}}}`, `[2]`},
		{"$size", `[{"_id":1,"t":["a","b"]},{"_id":2,"t":["a"]},{"_id":3,"t":[]}]`, `{"t":{"$size":1}}`, `[2]`},
		{"$type", `[{"_id":1,"a":1},{"_id":2,"a":"x"},{"_id":3,"a":["x"]},{"_id":4,"a":1.5}]`, `{"a":{"$type":["string","double"]}}`, `[2,3,4]`},
		{"$type array", `[{"_id":1,"a":1},{"_id":2,"a":[1]}]`, `{"a":{"$type":"array"}}`, `[2]`},
		{"$regex with options", `[{"_id":1,"s":"ABC123"},{"_id":2,"s":"xyz"},{"_id":3,"s":["abc"]}]`, `{"s":{"$regex":"^abc","$options":"i"}}`, `[1,3]`},
		{"$mod", `[{"_id":1,"a":8},{"_id":2,"a":9},{"_id":3,"a":"8"}]`, `{"a":{"$mod":[4,0]}}`, `[1]`},
		{"$expr compares two fields", `[{"_id":1,"a":8,"b":7},{"_id":2,"a":6,"b":7}]`, `{"$expr":{"$gt":["$a","$b"]}}`, `[1]`},
		{"dates", `[{"_id":1,"d":{"$date":"2024-01-01T00:00:00Z"}},{"_id":2,"d":{"$date":"2025-01-01T00:00:00Z"}},{"_id":3,"d":5}]`, `{"d":{"$lt":{"$date":"2024-06-01T00:00:00Z"}}}`, `[1]`},
		{"NaN equals itself and is in no range", `[{"_id":1,"a":{"$numberDouble":"NaN"}},{"_id":2,"a":1}]`, `{"a":{"$lt":5}}`, `[2]`},
		{"longs beyond 2^53 stay apart", `[{"_id":1,"a":{"$numberLong":"9007199254740993"}},{"_id":2,"a":{"$numberLong":"9007199254740992"}}]`, `{"a":{"$gt":9007199254740992.0}}`, `[1]`},
		{"$comment", `[{"_id":1}]`, `{"$comment":"why","_id":1}`, `[1]`},
		{"objects in ranges", `[{"_id":1,"a":{"b":1}},{"_id":2,"a":{"b":3}},{"_id":3,"a":5}]`, `{"a":{"$gt":{"b":2}}}`, `[2]`},
	}
	b := setup(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := *b
			b.coll = b.db.Collection(bson.NewObjectID().Hex())
			var docs []any
			for _, d := range list(t, tt.docs) {
				docs = append(docs, d)
			}
			if _, err := b.coll.InsertMany(ctx(t), docs); err != nil {
				t.Fatal(err)
			}
			same(t, b.ids(t, tt.filter), list(t, tt.want))
		})
	}
}

// manual: "cursor.sort()", "Comparison/Sort Order".
func TestSort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":3}`, `{"_id":2}`, `{"_id":3,"a":"x"}`, `{"_id":4,"a":null}`, `{"_id":5,"a":[1,9]}`, `{"_id":6,"a":2.5}`,
		`{"_id":7,"a":{"b":1}}`, `{"_id":8,"a":true}`, `{"_id":9,"a":[]}`)
	ids := func(sort string, skip, limit int64) bson.A {
		out := bson.A{}
		for _, d := range b.find(t, `{}`, options.Find().SetSort(doc(t, sort)).SetSkip(skip).SetLimit(limit)) {
			out = append(out, d.(bson.D)[0].Value)
		}
		return out
	}
	// Ascending an array counts by its least element, descending by its
	// greatest; an empty array sorts before null.
	same(t, ids(`{"a":1,"_id":1}`, 0, 0), list(t, `[9,2,4,5,6,1,3,7,8]`))
	same(t, ids(`{"a":-1,"_id":1}`, 0, 0), list(t, `[8,7,3,5,1,6,2,4,9]`))
	same(t, ids(`{"a":1,"_id":-1}`, 1, 3), list(t, `[4,2,5]`))
	same(t, ids(`{"_id":-1}`, 2, 2), list(t, `[7,6]`))
}

// manual: "Project Fields to Return from Query", "$slice (projection)",
// "$elemMatch (projection)".
func TestProjection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":1,"s":{"x":1,"y":2},"l":[{"p":1,"q":2},5,{"p":3}],"n":[1,2,3,4]}`)
	for _, tt := range []struct{ proj, want string }{
		{`{"a":1}`, `{"_id":1,"a":1}`},
		{`{"s.y":1,"_id":0}`, `{"s":{"y":2}}`},
		{`{"s":{"y":1},"a":true}`, `{"_id":1,"a":1,"s":{"y":2}}`},
		{`{"s.y":0,"l":0,"n":0}`, `{"_id":1,"a":1,"s":{"x":1}}`},
		{`{"l.p":1}`, `{"_id":1,"l":[{"p":1},{"p":3}]}`},
		{`{"_id":0,"l.p":0,"n":0}`, `{"a":1,"s":{"x":1,"y":2},"l":[{"q":2},5,{}]}`},
		{`{"n":{"$slice":-2},"a":1}`, `{"_id":1,"a":1,"n":[3,4]}`},
		{`{"n":{"$slice":[1,2]},"l":0,"s":0}`, `{"_id":1,"a":1,"n":[2,3]}`},
		{`{"l":{"$elemMatch":{"p":3}}}`, `{"_id":1,"l":[{"p":3}]}`},
		{`{"_id":1}`, `{"_id":1}`},
		{`{"_id":0}`, `{"a":1,"s":{"x":1,"y":2},"l":[{"p":1,"q":2},5,{"p":3}],"n":[1,2,3,4]}`},
		{`{"_id":0,"sum":{"$add":["$a","$s.y"]}}`, `{"sum":3}`},
	} {
		got := b.find(t, `{}`, options.Find().SetProjection(doc(t, tt.proj)))
		if g, w := text(t, got[0]), text(t, doc(t, tt.want)); g != w {
			t.Errorf("%s\n got %s\nwant %s", tt.proj, g, w)
		}
	}
	_, err := b.coll.Find(ctx(t), bson.D{}, options.Find().SetProjection(doc(t, `{"a":1,"s":0}`)))
	if code(err) != 31254 {
		t.Errorf("mixed projection: %v", err)
	}
}

// manual: "find", "getMore", "count", "distinct".
func TestCursorsCountDistinct(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var docs []any
	for i := range 250 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "m", Value: i % 3}, {Key: "l", Value: bson.A{i % 2, "x"}}})
	}
	if _, err := b.coll.InsertMany(ctx(t), docs); err != nil {
		t.Fatal(err)
	}
	if got := b.find(t, `{}`, options.Find().SetBatchSize(7)); len(got) != 250 || got[249].(bson.D)[0].Value != int32(249) {
		t.Errorf("getMore lost documents: %d", len(got))
	}
	if n, err := b.coll.EstimatedDocumentCount(ctx(t)); n != 250 || err != nil {
		t.Error(n, err)
	}
	if n, err := b.coll.CountDocuments(ctx(t), bson.D{{Key: "m", Value: 1}}, options.Count().SetSkip(3).SetLimit(50)); n != 50 || err != nil {
		t.Error(n, err)
	}
	var vals bson.A
	if err := b.coll.Distinct(ctx(t), "l", bson.D{{Key: "m", Value: 0}}).Decode(&vals); err != nil {
		t.Fatal(err)
	}
	same(t, vals, bson.A{int32(0), "x", int32(1)})

	// A cursor that was killed is gone.
	cur, err := b.coll.Find(ctx(t), bson.D{}, options.Find().SetBatchSize(2))
	if err != nil {
		t.Fatal(err)
	}
	id := cur.ID()
	if err := cur.Close(ctx(t)); err != nil {
		t.Fatal(err)
	}
	err = b.db.RunCommand(ctx(t), bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: "things"}}).Err()
	if code(err) != 43 {
		t.Errorf("getMore on a killed cursor: %v", err)
	}
}
