package mongosim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Each case is from or like the examples of the manual page named first
// ("Update Operators" and its pages). A want of "" followed by a number in
// code is an error.
func TestUpdateOperators(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before, filter, update, want string
		code                               int
	}{
		{"$set: fields, embedded fields, array elements", `{"_id":1,"q":1,"d":{"m":"x","n":1},"l":[{"b":"x"}]}`, `{}`, `{"$set":{"q":500,"d.m":"y","l.0.b":"z"}}`, `{"_id":1,"q":500,"d":{"m":"y","n":1},"l":[{"b":"z"}]}`, 0},
		{"$set: new fields in lexicographic order, numbers as numbers (Update Operators, Behavior)", `{"_id":1}`, `{}`, `{"$set":{"z":1,"b.10":1,"b.9":2,"a":3}}`, `{"_id":1,"a":3,"b":{"9":2,"10":1},"z":1}`, 0},
		{"$set: keeps the place of a field", `{"_id":1,"a":1,"b":2}`, `{}`, `{"$set":{"a":{"x":1}}}`, `{"_id":1,"a":{"x":1},"b":2}`, 0},
		{"$set: pads arrays with null", `{"_id":1,"l":[1]}`, `{}`, `{"$set":{"l.3":4}}`, `{"_id":1,"l":[1,null,null,4]}`, 0},
		{"$set: a field inside a scalar", `{"_id":1,"a":5}`, `{}`, `{"$set":{"a.b":1}}`, ``, 28},
		{"$set: a field inside an array", `{"_id":1,"a":[5]}`, `{}`, `{"$set":{"a.b":1}}`, ``, 28},
		{"$set: _id", `{"_id":1}`, `{}`, `{"$set":{"_id":2}}`, ``, 66},
		{"$set: the same _id", `{"_id":1}`, `{}`, `{"$set":{"_id":1,"a":1}}`, `{"_id":1,"a":1}`, 0},
		{"$unset: fields and elements", `{"_id":1,"a":1,"d":{"x":1,"y":2},"l":[1,2]}`, `{}`, `{"$unset":{"a":"","d.x":"","l.0":"","no.such":""}}`, `{"_id":1,"d":{"y":2},"l":[null,2]}`, 0},
		{"$inc: adds, makes, widens", `{"_id":1,"a":2147483647,"f":1.5}`, `{}`, `{"$inc":{"a":1,"f":1,"n.x":-2}}`, `{"_id":1,"a":2147483648,"f":2.5,"n":{"x":-2}}`, 0},
		{"$inc: not on null", `{"_id":1,"a":null}`, `{}`, `{"$inc":{"a":1}}`, ``, 14},
		{"$inc: not by a string", `{"_id":1,"a":1}`, `{}`, `{"$inc":{"a":"1"}}`, ``, 14},
		{"$inc: no silent overflow", `{"_id":1,"a":{"$numberLong":"9223372036854775807"}}`, `{}`, `{"$inc":{"a":1}}`, ``, 2},
		{"$mul: missing is zero of the factor's type", `{"_id":1,"a":10}`, `{}`, `{"$mul":{"a":1.5,"n":3}}`, `{"_id":1,"a":15.0,"n":0}`, 0},
		{"$min, $max", `{"_id":1,"lo":200,"hi":800}`, `{}`, `{"$min":{"lo":150,"n":1},"$max":{"hi":100}}`, `{"_id":1,"lo":150,"hi":800,"n":1}`, 0},
		{"$rename: also into a document; missing is no change", `{"_id":1,"nmae":"x","d":{"y":1}}`, `{}`, `{"$rename":{"nmae":"name.first","no":"never","d.y":"y"}}`, `{"_id":1,"d":{},"name":{"first":"x"},"y":1}`, 0},
		{"$setOnInsert: not on an update", `{"_id":1}`, `{}`, `{"$setOnInsert":{"a":1},"$set":{"b":1}}`, `{"_id":1,"b":1}`, 0},
		{"$push: one, and an array as one element", `{"_id":1,"l":[1]}`, `{}`, `{"$push":{"l":[2],"n":1}}`, `{"_id":1,"l":[1,[2]],"n":[1]}`, 0},
		{"$push: $each $sort $slice", `{"_id":1,"q":[{"w":5,"s":8},{"w":7,"s":6}]}`, `{}`, `{"$push":{"q":{"$each":[{"w":2,"s":10},{"w":3,"s":9}],"$sort":{"s":-1},"$slice":3}}}`, `{"_id":1,"q":[{"w":2,"s":10},{"w":3,"s":9},{"w":5,"s":8}]}`, 0},
		{"$push: $slice from the end keeps the last", `{"_id":1,"l":[1,2]}`, `{}`, `{"$push":{"l":{"$each":[3,4],"$slice":-3}}}`, `{"_id":1,"l":[2,3,4]}`, 0},
		{"$push: $position", `{"_id":1,"l":[1,2]}`, `{}`, `{"$push":{"l":{"$each":[8,9],"$position":0}}}`, `{"_id":1,"l":[8,9,1,2]}`, 0},
		{"$push: negative $position counts from the end", `{"_id":1,"l":[1,2]}`, `{}`, `{"$push":{"l":{"$each":[8,9],"$position":-1}}}`, `{"_id":1,"l":[1,8,9,2]}`, 0},
		{"$push: $sort of scalars", `{"_id":1,"l":[3,1]}`, `{}`, `{"$push":{"l":{"$each":[2],"$sort":1}}}`, `{"_id":1,"l":[1,2,3]}`, 0},
		{"$push: not on a scalar", `{"_id":1,"l":3}`, `{}`, `{"$push":{"l":1}}`, ``, 2},
		{"$addToSet: $each, no duplicates, types of numbers equal", `{"_id":1,"l":[1,"a"]}`, `{}`, `{"$addToSet":{"l":{"$each":[1.0,"b","a"]}}}`, `{"_id":1,"l":[1,"a","b"]}`, 0},
		{"$pull: value and condition", `{"_id":1,"l":[1,5,8,5],"m":[1,2,9]}`, `{}`, `{"$pull":{"l":5,"m":{"$gte":2}}}`, `{"_id":1,"l":[1,8],"m":[1]}`, 0},
		{"$pull: query on documents", `{"_id":1,"r":[{"i":"A","s":5},{"i":"B","s":8}]}`, `{}`, `{"$pull":{"r":{"s":8,"i":"B"}}}`, `{"_id":1,"r":[{"i":"A","s":5}]}`, 0},
		{"$pull: $elemMatch in documents", `{"_id":1,"r":[{"a":[{"q":1,"v":2}]},{"a":[{"q":2,"v":9}]}]}`, `{}`, `{"$pull":{"r":{"a":{"$elemMatch":{"q":2,"v":{"$gte":8}}}}}}`, `{"_id":1,"r":[{"a":[{"q":1,"v":2}]}]}`, 0},
		{"$pull: elements of elements stay", `{"_id":1,"l":[[5],5,[1]]}`, `{}`, `{"$pull":{"l":5}}`, `{"_id":1,"l":[[5],[1]]}`, 0},
		{"$pull: $in", `{"_id":1,"l":["a","b","c"]}`, `{}`, `{"$pull":{"l":{"$in":["a","c"]}}}`, `{"_id":1,"l":["b"]}`, 0},
		{"$pull: missing is no change", `{"_id":1}`, `{}`, `{"$pull":{"l":1}}`, `{"_id":1}`, 0},
		{"$pullAll", `{"_id":1,"l":[0,2,5,5,1,0]}`, `{}`, `{"$pullAll":{"l":[0,5]}}`, `{"_id":1,"l":[2,1]}`, 0},
		{"$pop: last and first", `{"_id":1,"l":[1,2,3],"m":[1,2,3]}`, `{}`, `{"$pop":{"l":1,"m":-1}}`, `{"_id":1,"l":[1,2],"m":[2,3]}`, 0},
		{"conflict: same path", `{"_id":1}`, `{}`, `{"$set":{"a":1},"$inc":{"a":1}}`, ``, 40},
		{"conflict: path and prefix", `{"_id":1}`, `{}`, `{"$set":{"a.b":1},"$unset":{"a":1}}`, ``, 40},
		{"$ positional (update)", `{"_id":1,"g":[80,85,90]}`, `{"g":85}`, `{"$set":{"g.$":86}}`, `{"_id":1,"g":[80,86,90]}`, 0},
		{"$ positional with $elemMatch", `{"_id":1,"g":[{"v":80,"m":1},{"v":85,"m":2},{"v":85,"m":3}]}`, `{"g":{"$elemMatch":{"v":85,"m":{"$gt":2}}}}`, `{"$set":{"g.$.s":6}}`, `{"_id":1,"g":[{"v":80,"m":1},{"v":85,"m":2},{"v":85,"m":3,"s":6}]}`, 0},
		{"$ positional on a dotted condition", `{"_id":1,"g":[{"v":80},{"v":85}]}`, `{"g.v":85}`, `{"$inc":{"g.$.v":1}}`, `{"_id":1,"g":[{"v":80},{"v":86}]}`, 0},
		{"$ positional without a match", `{"_id":1,"g":[1]}`, `{"_id":1}`, `{"$set":{"g.$":2}}`, ``, 2},
		{"$[]", `{"_id":1,"g":[1,2]}`, `{}`, `{"$inc":{"g.$[]":10}}`, `{"_id":1,"g":[11,12]}`, 0},
		{"replacement keeps _id", `{"_id":1,"a":1}`, `{}`, `{"b":2}`, `{"_id":1,"b":2}`, 0},
	}
	b := setup(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := *b
			b.coll = b.db.Collection(bson.NewObjectID().Hex())
			b.insert(t, tt.before)
			var err error
			if u := doc(t, tt.update); strings.HasPrefix(u[0].Key, "$") {
				_, err = b.coll.UpdateOne(ctx(t), doc(t, tt.filter), u)
			} else {
				_, err = b.coll.ReplaceOne(ctx(t), doc(t, tt.filter), u)
			}
			if code(err) != tt.code || (err != nil) != (tt.code != 0) {
				t.Fatalf("error %v, want code %d", err, tt.code)
			}
			want := tt.want
			if tt.code != 0 {
				want = tt.before
			}
			same(t, b.find(t, `{}`), bson.A{doc(t, want)})
		})
	}
}

// manual: "$[<identifier>]", "$currentDate", "Updates with Aggregation
// Pipeline".
func TestUpdateWithFiltersClockAndPipeline(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	b := setup(t, mongosim.Config{Now: func() time.Time { return now }})
	b.insert(t, `{"_id":1,"g":[{"v":90,"n":1},{"v":101,"n":2}],"x":2}`)
	_, err := b.coll.UpdateOne(ctx(t), bson.D{}, doc(t, `{"$set":{"g.$[e].v":100}}`),
		options.UpdateOne().SetArrayFilters([]any{doc(t, `{"e.v":{"$gt":100}}`)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.coll.UpdateOne(ctx(t), bson.D{}, doc(t, `{"$currentDate":{"at":true}}`)); err != nil {
		t.Fatal(err)
	}
	_, err = b.coll.UpdateOne(ctx(t), bson.D{}, list(t, `[{"$set":{"y":{"$add":["$x",1]},"late":"$$NOW"}},{"$unset":"x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	same(t, b.find(t, `{}`), bson.A{doc(t, `{"_id":1,"g":[{"v":90,"n":1},{"v":100,"n":2}],"at":{"$date":"2024-05-06T07:08:09Z"},"y":3,"late":{"$date":"2024-05-06T07:08:09Z"}}`)})
}

// manual: "db.collection.updateOne()", Upsert; "Insert or Update in a Single
// Operation".
func TestUpsert(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, filter, update, want string }{
		{"equality fields, then the update, _id first", `{"b":2,"_id":7,"c":{"$gt":3},"d.e":{"$eq":1}}`, `{"$set":{"a":1},"$setOnInsert":{"z":9}}`, `{"_id":7,"b":2,"d":{"e":1},"a":1,"z":9}`},
		{"$and and $in of one", `{"$and":[{"_id":7},{"x":1}],"y":{"$in":[5]}}`, `{"$inc":{"n":1}}`, `{"_id":7,"x":1,"y":5,"n":1}`},
		{"$push makes the array", `{"_id":7}`, `{"$push":{"l":{"$each":[1,2]}}}`, `{"_id":7,"l":[1,2]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			res, err := b.coll.UpdateOne(ctx(t), doc(t, tt.filter), doc(t, tt.update), options.UpdateOne().SetUpsert(true))
			if err != nil || res.UpsertedCount != 1 || res.MatchedCount != 0 || res.UpsertedID != int32(7) {
				t.Fatalf("%+v %v", res, err)
			}
			same(t, b.find(t, `{}`), bson.A{doc(t, tt.want)})
			res, err = b.coll.UpdateOne(ctx(t), bson.D{{Key: "_id", Value: 7}}, doc(t, `{"$setOnInsert":{"no":1}}`), options.UpdateOne().SetUpsert(true))
			if err != nil || res.MatchedCount != 1 || res.ModifiedCount != 0 || res.UpsertedCount != 0 {
				t.Fatalf("second: %+v %v", res, err)
			}
		})
	}
	b := setup(t)
	res, err := b.coll.ReplaceOne(ctx(t), doc(t, `{"_id":"k","gone":1}`), doc(t, `{"a":1}`), options.Replace().SetUpsert(true))
	if err != nil || res.UpsertedID != "k" {
		t.Fatalf("%+v %v", res, err)
	}
	same(t, b.find(t, `{}`), list(t, `[{"_id":"k","a":1}]`))
	_, err = b.coll.UpdateOne(ctx(t), doc(t, `{"$and":[{"q":1},{"q":2}]}`), doc(t, `{"$set":{"a":1}}`), options.UpdateOne().SetUpsert(true))
	if code(err) != 54 {
		t.Errorf("two values for one field: %v", err)
	}
}

// manual: "findAndModify", "db.collection.findOneAndUpdate()".
func TestFindAndModify(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"s":"w","at":3}`, `{"_id":2,"s":"w","at":1}`, `{"_id":3,"s":"r","at":0}`)
	var got bson.D
	one := options.FindOneAndUpdate().SetSort(bson.D{{Key: "at", Value: 1}})
	if err := b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"s":"w"}`), doc(t, `{"$set":{"s":"x"}}`), one).Decode(&got); err != nil {
		t.Fatal(err)
	}
	same(t, got, doc(t, `{"_id":2,"s":"w","at":1}`))
	got = nil
	err := b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"_id":9}`), doc(t, `{"$set":{"s":"new"}}`),
		options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After).SetProjection(doc(t, `{"s":1,"_id":0}`))).Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, doc(t, `{"s":"new"}`))
	got = nil
	if err := b.coll.FindOneAndDelete(ctx(t), doc(t, `{"s":"r"}`)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	same(t, got, doc(t, `{"_id":3,"s":"r","at":0}`))
	same(t, b.ids(t, `{}`), list(t, `[1,2,9]`))
	if err := b.coll.FindOneAndReplace(ctx(t), doc(t, `{"_id":1}`), doc(t, `{"r":1}`)).Err(); err != nil {
		t.Fatal(err)
	}
	same(t, b.find(t, `{"_id":1}`), list(t, `[{"_id":1,"r":1}]`))
}

// manual: "Bulk Write Operations", Ordered and Unordered.
func TestBulk(t *testing.T) {
	t.Parallel()
	for _, ordered := range []bool{true, false} {
		b := setup(t)
		b.insert(t, `{"_id":2}`)
		_, err := b.coll.InsertMany(ctx(t), []any{doc(t, `{"_id":1}`), doc(t, `{"_id":2}`), doc(t, `{"_id":3}`)}, options.InsertMany().SetOrdered(ordered))
		if code(err) != 11000 {
			t.Fatal(err)
		}
		want := `[1,2,3]`
		if ordered {
			want = `[1,2]`
		}
		same(t, b.ids(t, `{}`), list(t, want))
	}
	b := setup(t)
	b.insert(t, `{"_id":1,"a":1}`, `{"_id":2,"a":1}`, `{"_id":3,"a":2}`)
	res, err := b.coll.UpdateMany(ctx(t), doc(t, `{"a":{"$gte":1}}`), doc(t, `{"$max":{"a":2}}`))
	if err != nil || res.MatchedCount != 3 || res.ModifiedCount != 2 {
		t.Fatalf("%+v %v", res, err)
	}
	del, err := b.coll.DeleteMany(ctx(t), doc(t, `{"_id":{"$gt":1}}`))
	if err != nil || del.DeletedCount != 2 {
		t.Fatalf("%+v %v", del, err)
	}
	del, err = b.coll.DeleteOne(ctx(t), doc(t, `{"_id":77}`))
	if err != nil || del.DeletedCount != 0 {
		t.Fatalf("%+v %v", del, err)
	}
}
