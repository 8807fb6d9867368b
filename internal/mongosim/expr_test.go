package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// One document, one expression each; the values are those of the manual's page
// of the operator ("Aggregation Operators").
func TestExpressions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"n":-7,"f":-2.5,"s":"Ab","l":[3,1,2],"d":{"x":1,"y":"z"},"at":{"$date":"2024-02-29T13:14:15.016Z"},
		"docs":[{"k":1},{"k":2},{"j":3}],"big":{"$numberLong":"9223372036854775807"},"z":null,"oid":{"$oid":"65e1a2b0aabbccddeeff0011"}}`)
	for _, tt := range []struct{ expr, want string }{
		{`{"$cmp":["$n",1]}`, `-1`},
		{`{"$ne":["$n",1]}`, `true`}, {`{"$lt":["$n",1]}`, `true`}, {`{"$lte":["$n",-7]}`, `true`}, {`{"$gte":["$n",-7]}`, `true`},
		{`{"$gt":["$nothing",null]}`, `false`}, // missing sorts before null
		{`{"$not":["$z"]}`, `true`},
		{`{"$and":[true,{"$eq":["$n",-7]}]}`, `true`}, {`{"$and":["$z",{"$divide":[1,0]}]}`, `false`}, {`{"$or":["$z",1]}`, `true`}, {`{"$or":[]}`, `false`},
		{`{"$add":["$at",1000]}`, `{"$date":"2024-02-29T13:14:16.016Z"}`}, {`{"$subtract":["$at",16]}`, `{"$date":"2024-02-29T13:14:15Z"}`},
		{`{"$add":["$big",1]}`, `9223372036854775808.0`}, // grows to a double
		{`{"$subtract":["$n","$f"]}`, `-4.5`}, {`{"$multiply":[2,3,"$n"]}`, `-42`}, {`{"$mod":["$n",3]}`, `-1`}, {`{"$mod":[5.5,2]}`, `1.5`},
		{`{"$abs":"$n"}`, `7`}, {`{"$abs":"$f"}`, `2.5`}, {`{"$ceil":"$f"}`, `-2.0`}, {`{"$floor":"$f"}`, `-3.0`}, {`{"$trunc":"$f"}`, `-2.0`}, {`{"$floor":"$n"}`, `-7`}, {`{"$abs":"$z"}`, `null`},
		{`{"$sum":"$l"}`, `6`}, {`{"$avg":"$l"}`, `2.0`}, {`{"$min":["$n","$f"]}`, `-7`}, {`{"$max":"$l"}`, `3`}, {`{"$sum":["$n",1,"x"]}`, `-6`},
		{`{"$concat":["$s","-","$d.y"]}`, `"Ab-z"`}, {`{"$concat":["$s","$z"]}`, `null`}, {`{"$toLower":"$s"}`, `"ab"`}, {`{"$toUpper":"$s"}`, `"AB"`},
		{`{"$toString":"$n"}`, `"-7"`}, {`{"$toString":true}`, `"true"`}, {`{"$toString":"$oid"}`, `"65e1a2b0aabbccddeeff0011"`}, {`{"$toString":"$at"}`, `"2024-02-29T13:14:15.016Z"`}, {`{"$toString":"$big"}`, `"9223372036854775807"`},
		{`{"$type":"$l"}`, `"array"`}, {`{"$type":"$nothing"}`, `"missing"`}, {`{"$isArray":["$l"]}`, `true`}, {`{"$isNumber":"$s"}`, `false`},
		{`{"$first":"$l"}`, `3`}, {`{"$last":"$l"}`, `2`}, {`{"$arrayElemAt":["$l",1]}`, `1`}, {`{"$concatArrays":["$l",[9]]}`, `[3,1,2,9]`},
		{`"$docs.k"`, `[1,2]`}, // a path through an array
		{`["$n","$nothing"]`, `[-7,null]`},
		{`{"a":"$n","b":{"c":"$nothing"}}`, `{"a":-7,"b":{}}`},
		{`{"$literal":"$n"}`, `"$n"`},
		{`{"$mergeObjects":["$d",{"x":2,"w":3}]}`, `{"x":2,"y":"z","w":3}`},
		{`{"$objectToArray":"$d"}`, `[{"k":"x","v":1},{"k":"y","v":"z"}]`}, {`{"$arrayToObject":[[["a",1],["b",2]]]}`, `{"a":1,"b":2}`}, {`{"$arrayToObject":{"$literal":[{"k":"q","v":1}]}}`, `{"q":1}`},
		{`{"$let":{"vars":{"a":{"$add":["$n",1]}},"in":{"$multiply":["$$a",2]}}}`, `-12`},
		{`{"$reduce":{"input":"$l","initialValue":10,"in":{"$add":["$$value","$$this"]}}}`, `16`},
		{`{"$map":{"input":"$docs","in":"$$this.k"}}`, `[1,2,null]`},
		{`{"$filter":{"input":"$l","cond":{"$gt":["$$this",1]},"limit":1}}`, `[3]`},
		{`{"$cond":{"if":"$z","then":1,"else":{"$ifNull":["$z","$nothing",5]}}}`, `5`},
		{`{"$switch":{"branches":[{"case":false,"then":1}],"default":"$s"}}`, `"Ab"`},
		{`"$$ROOT.d.x"`, `1`}, {`"$$CURRENT.n"`, `-7`},
		{`{"$year":"$at"}`, `2024`}, {`{"$month":"$at"}`, `2`}, {`{"$dayOfMonth":"$at"}`, `29`}, {`{"$hour":"$at"}`, `13`}, {`{"$minute":"$at"}`, `14`}, {`{"$second":"$at"}`, `15`}, {`{"$millisecond":"$at"}`, `16`}, {`{"$dayOfWeek":"$at"}`, `5`}, {`{"$dayOfYear":"$at"}`, `60`},
		{`{"$dateToString":{"date":"$at","format":"%Y/%m/%d %H:%M:%S.%L %j %u %w %G-W%V %z %%"}}`, `"2024/02/29 13:14:15.016 060 4 5 2024-W09 +0000 %"`},
		{`{"$dateToString":{"date":"$z","onNull":"never"}}`, `"never"`}, {`{"$dateToString":{"date":"$oid","format":"%Y","timezone":"UTC"}}`, `"2024"`},
		{`{"$dateTrunc":{"date":"$at","unit":"week","startOfWeek":"monday"}}`, `{"$date":"2024-02-26T00:00:00Z"}`},
		{`{"$dateTrunc":{"date":"$at","unit":"day","binSize":2}}`, `{"$date":"2024-02-28T00:00:00Z"}`},
		{`{"$dateTrunc":{"date":{"$date":"1999-12-31T23:59:59Z"},"unit":"month"}}`, `{"$date":"1999-12-01T00:00:00Z"}`},
		{`{"$dateTrunc":{"date":"$z","unit":"day"}}`, `null`},
		{`{"$dateAdd":{"startDate":"$at","unit":"hour","amount":-13}}`, `{"$date":"2024-02-29T00:14:15.016Z"}`},
		{`{"$dateSubtract":{"startDate":"$at","unit":"year","amount":1}}`, `{"$date":"2023-02-28T13:14:15.016Z"}`},
		{`{"$dateDiff":{"startDate":{"$date":"2023-12-31T23:59:59Z"},"endDate":"$at","unit":"month"}}`, `2`},
	} {
		var in bson.D
		if err := bson.UnmarshalExtJSON([]byte(`{"e":`+tt.expr+`}`), false, &in); err != nil {
			t.Fatalf("%s: %v", tt.expr, err)
		}
		cur, err := b.coll.Aggregate(ctx(t), bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "v", Value: in[0].Value}}}}})
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		got := drain(t, cur)[0].(bson.D)[0].Value
		if g, w := text(t, got), text(t, doc(t, `{"v":`+tt.want+`}`)[0].Value); g != w {
			t.Errorf("%s\n got %s\nwant %s", tt.expr, g, w)
		}
	}
	for expr, want := range map[string]int{
		`{"$divide":["$n",0]}`: 2, `{"$add":["$s",1]}`: 14, `{"$size":"$n"}`: 17124, `{"$add":["$at","$at"]}`: 16612, `"$$nope"`: 17276,
		`{"$switch":{"branches":[{"case":false,"then":1}]}}`: 40066, `{"$concat":["$n"]}`: 16702, `{"$year":"$s"}`: 16006, `{"$eq":[1]}`: 16020,
		`{"$dateTrunc":{"date":"$at","unit":"day","timezone":"Asia/Kolkata"}}`: 238, `{"$dateToString":{"date":"$at","format":"%q"}}`: 18536,
		`{"$in":[1,"$n"]}`: 40081, `{"$dateTrunc":{"date":"$at","unit":"eon"}}`: 9, `{"$toString":"$l"}`: 238, `{"$add":1,"$x":2}`: 15983,
	} {
		var in bson.D
		if err := bson.UnmarshalExtJSON([]byte(`{"e":`+expr+`}`), false, &in); err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		_, err := b.coll.Aggregate(ctx(t), bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "v", Value: in[0].Value}}}}})
		if code(err) != want {
			t.Errorf("%s: %v, want code %d", expr, err, want)
		}
	}
	_, err := b.coll.Find(ctx(t), doc(t, `{"$expr":{"$gt":[{"$divide":[1,0]},1]}}`))
	if code(err) != 2 {
		t.Errorf("an $expr that fails: %v", err)
	}
}
