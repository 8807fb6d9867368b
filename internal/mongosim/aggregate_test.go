package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The cases follow the manual's pages on each stage and operator
// ("Aggregation Stages", "Aggregation Operators").
func TestAggregate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t,
		`{"_id":1,"item":"abc","price":10,"qty":2,"at":{"$date":"2024-03-01T08:12:34.567Z"},"tags":["a","b"]}`,
		`{"_id":2,"item":"jkl","price":20,"qty":1,"at":{"$date":"2024-03-01T09:00:00Z"},"tags":[]}`,
		`{"_id":3,"item":"xyz","price":5,"qty":10,"at":{"$date":"2024-03-15T09:00:00Z"},"s":{"x":1}}`,
		`{"_id":4,"item":"abc","price":10,"qty":null,"at":{"$date":"2024-12-31T23:59:59Z"},"tags":"c"}`)
	for _, tt := range []struct{ name, pipeline, want string }{
		{"$match $sort $skip $limit $project", `[{"$match":{"price":{"$gte":10}}},{"$sort":{"_id":-1}},{"$skip":1},{"$limit":1},{"$project":{"item":1,"_id":0}}]`, `[{"item":"jkl"}]`},
		{"$group sums, ignoring what is no number", `[{"$group":{"_id":"$item","n":{"$sum":1},"q":{"$sum":"$qty"},"avg":{"$avg":"$qty"},"first":{"$first":"$_id"},"last":{"$last":"$_id"},"all":{"$push":"$qty"},"set":{"$addToSet":"$price"},"c":{"$count":{}}}}]`,
			`[{"_id":"abc","n":2,"q":2,"avg":2.0,"first":1,"last":4,"all":[2,null],"set":[10],"c":2},{"_id":"jkl","n":1,"q":1,"avg":1.0,"first":2,"last":2,"all":[1],"set":[20],"c":1},{"_id":"xyz","n":1,"q":10,"avg":10.0,"first":3,"last":3,"all":[10],"set":[5],"c":1}]`},
		{"$group of everything, $min, $max", `[{"$group":{"_id":null,"lo":{"$min":"$price"},"hi":{"$max":"$price"},"none":{"$avg":"$no"}}}]`, `[{"_id":null,"lo":5,"hi":20,"none":null}]`},
		{"$group by a document", `[{"$match":{"_id":{"$lte":2}}},{"$group":{"_id":{"day":{"$dateToString":{"date":"$at","format":"%Y-%m-%d"}},"no":"$no"},"total":{"$sum":{"$multiply":["$price","$qty"]}}}}]`, `[{"_id":{"day":"2024-03-01"},"total":40}]`},
		{"$count", `[{"$match":{"item":"abc"}},{"$count":"n"}]`, `[{"n":2}]`},
		{"$count of nothing", `[{"$match":{"item":"no"}},{"$count":"n"}]`, `[]`},
		{"$unwind", `[{"$unwind":"$tags"},{"$project":{"tags":1}}]`, `[{"_id":1,"tags":"a"},{"_id":1,"tags":"b"},{"_id":4,"tags":"c"}]`},
		{"$unwind keeping the empty", `[{"$unwind":{"path":"$tags","preserveNullAndEmptyArrays":true,"includeArrayIndex":"i"}},{"$project":{"tags":1,"i":1}}]`,
			`[{"_id":1,"tags":"a","i":0},{"_id":1,"tags":"b","i":1},{"_id":2,"i":null},{"_id":3,"i":null},{"_id":4,"tags":"c","i":null}]`},
		{"$set computes, also into documents", `[{"$match":{"_id":3}},{"$set":{"s.y":{"$add":["$qty",1]},"price":"$$REMOVE","at":"$$REMOVE"}}]`, `[{"_id":3,"item":"xyz","qty":10,"s":{"x":1,"y":11}}]`},
		{"$sortByCount", `[{"$sortByCount":"$item"},{"$limit":1}]`, `[{"_id":"abc","count":2}]`},
		{"$replaceRoot", `[{"$match":{"_id":3}},{"$replaceRoot":{"newRoot":{"$mergeObjects":["$s",{"z":"$item"}]}}}]`, `[{"x":1,"z":"xyz"}]`},
		{"$facet", `[{"$facet":{"a":[{"$match":{"_id":1}},{"$project":{"_id":1}}],"n":[{"$count":"n"}]}}]`, `[{"a":[{"_id":1}],"n":[{"n":4}]}]`},
		{"$dateTrunc", `[{"$match":{"_id":1}},{"$project":{"_id":0,"h":{"$dateTrunc":{"date":"$at","unit":"hour"}},"q":{"$dateTrunc":{"date":"$at","unit":"minute","binSize":15}},"w":{"$dateTrunc":{"date":"$at","unit":"week"}},"m":{"$dateTrunc":{"date":"$at","unit":"quarter"}}}}]`,
			`[{"h":{"$date":"2024-03-01T08:00:00Z"},"q":{"$date":"2024-03-01T08:00:00Z"},"w":{"$date":"2024-02-25T00:00:00Z"},"m":{"$date":"2024-01-01T00:00:00Z"}}]`},
		{"$dateToString default, $dateDiff, $dateAdd", `[{"$match":{"_id":1}},{"$project":{"_id":0,"s":{"$dateToString":{"date":"$at"}},"d":{"$dateDiff":{"startDate":"$at","endDate":{"$date":"2024-03-03T00:00:00Z"},"unit":"day"}},"a":{"$dateAdd":{"startDate":{"$date":"2024-01-31T00:00:00Z"},"unit":"month","amount":1}}}}]`,
			`[{"s":"2024-03-01T08:12:34.567Z","d":2,"a":{"$date":"2024-02-29T00:00:00Z"}}]`},
		{"arithmetic", `[{"$match":{"_id":1}},{"$project":{"_id":0,"sub":{"$subtract":["$price","$qty"]},"div":{"$divide":["$price",4]},"ms":{"$subtract":["$at",{"$date":"2024-03-01T08:12:34.000Z"}]},"null":{"$add":["$price","$no"]},"mod":{"$mod":["$price",3]}}}]`,
			`[{"sub":8,"div":2.5,"ms":567,"null":null,"mod":1}]`},
		{"conditions", `[{"$match":{"_id":4}},{"$project":{"_id":0,"c":{"$cond":[{"$gt":["$price",9]},"high","low"]},"n":{"$ifNull":["$qty","none"]},"s":{"$switch":{"branches":[{"case":{"$eq":["$item","abc"]},"then":1}],"default":2}}}}]`, `[{"c":"high","n":"none","s":1}]`},
		{"arrays", `[{"$match":{"_id":1}},{"$project":{"_id":0,"n":{"$size":"$tags"},"f":{"$filter":{"input":"$tags","as":"t","cond":{"$ne":["$$t","a"]}}},"m":{"$map":{"input":"$tags","as":"t","in":{"$concat":["$$t","!"]}}},"l":{"$arrayElemAt":["$tags",-1]},"i":{"$in":["b","$tags"]}}}]`, `[{"n":2,"f":["b"],"m":["a!","b!"],"l":"b","i":true}]`},
	} {
		cur, err := b.coll.Aggregate(ctx(t), list(t, tt.pipeline))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := drain(t, cur)
		if g, w := text(t, got), text(t, list(t, tt.want)); g != w {
			// Longs and ints of the same value look alike in relaxed JSON.
			t.Errorf("%s\n got %s\nwant %s", tt.name, g, w)
		}
	}
	cur, err := b.db.Collection("nowhere").Aggregate(ctx(t), bson.A{bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: nil}}}}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, drain(t, cur), bson.A{})
}
