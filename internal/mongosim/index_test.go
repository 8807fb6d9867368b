package mongosim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func (b *bench) index(t testing.TB, key string, opts *options.IndexOptionsBuilder) error {
	t.Helper()
	_, err := b.coll.Indexes().CreateOne(ctx(t), mongo.IndexModel{Keys: doc(t, key), Options: opts})
	return err
}

func mustIndex(t testing.TB, b *bench, key string, opts *options.IndexOptionsBuilder) {
	t.Helper()
	if err := b.index(t, key, opts); err != nil {
		t.Fatal(err)
	}
}

// manual: "Unique Indexes". The message is what tools and people parse.
func TestDuplicateKeyMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustIndex(t, b, `{"email":1,"n":-1}`, options.Index().SetUnique(true).SetName("email_n"))
	b.insert(t, `{"_id":1,"email":"a@b","n":7}`, `{"_id":2}`)
	for _, tt := range []struct{ doc, msg string }{
		{`{"_id":3,"email":"a@b","n":7}`, `E11000 duplicate key error collection: lab.things index: email_n dup key: { email: "a@b", n: 7 }`},
		{`{"_id":4}`, `E11000 duplicate key error collection: lab.things index: email_n dup key: { email: null, n: null }`},
		{`{"_id":1,"email":"x"}`, `E11000 duplicate key error collection: lab.things index: _id_ dup key: { _id: 1 }`},
	} {
		_, err := b.coll.InsertOne(ctx(t), doc(t, tt.doc))
		we, ok := err.(mongo.WriteException)
		if !ok || we.WriteErrors[0].Message != tt.msg || we.WriteErrors[0].Code != 11000 {
			t.Errorf("%s: %v", tt.doc, err)
		}
		if _, err := we.WriteErrors[0].Raw.LookupErr("keyPattern"); err != nil {
			t.Error("no keyPattern")
		}
		if v := we.WriteErrors[0].Raw.Lookup("keyValue").Document(); len(v) == 0 {
			t.Error("no keyValue")
		}
	}
	// An update may not make a duplicate either, and then changes nothing.
	b.insert(t, `{"_id":9,"email":"z","n":1}`)
	_, err := b.coll.UpdateByID(ctx(t), 9, doc(t, `{"$set":{"email":"a@b","n":7,"other":1}}`))
	if code(err) != 11000 {
		t.Fatal(err)
	}
	err = b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"_id":9}`), doc(t, `{"$set":{"email":"a@b","n":7}}`)).Err()
	if code(err) != 11000 {
		t.Fatal(err)
	}
	same(t, b.find(t, `{"_id":9}`), list(t, `[{"_id":9,"email":"z","n":1}]`))
	if _, err := b.coll.UpdateByID(ctx(t), 9, doc(t, `{"$set":{"email":"z","n":1}}`)); err != nil {
		t.Errorf("a document is no duplicate of itself: %v", err)
	}
}

// manual: "Partial Indexes", with a unique constraint; "Sparse Indexes".
func TestPartialAndSparseUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustIndex(t, b, `{"session":1}`, options.Index().SetUnique(true).SetPartialFilterExpression(doc(t, `{"session":{"$type":"string"}}`)))
	b.insert(t, `{"_id":1,"session":null}`, `{"_id":2}`, `{"_id":3,"session":"s"}`)
	if _, err := b.coll.UpdateByID(ctx(t), 1, doc(t, `{"$set":{"session":"s"}}`)); code(err) != 11000 {
		t.Errorf("two documents in the partial index: %v", err)
	}
	if _, err := b.coll.UpdateByID(ctx(t), 3, doc(t, `{"$unset":{"session":1}}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.coll.UpdateByID(ctx(t), 1, doc(t, `{"$set":{"session":"s"}}`)); err != nil {
		t.Errorf("the value is free again: %v", err)
	}
	c := *b
	c.coll = b.db.Collection("sparse")
	mustIndex(t, &c, `{"x":1}`, options.Index().SetUnique(true).SetSparse(true))
	c.insert(t, `{"_id":1}`, `{"_id":2}`, `{"_id":3,"x":null}`)
	if _, err := c.coll.InsertOne(ctx(t), doc(t, `{"_id":4,"x":null}`)); code(err) != 11000 {
		t.Errorf("null is in a sparse index: %v", err)
	}
	same(t, c.ids(t, `{"x":null}`), list(t, `[1,2,3]`)) // not answered from the sparse index
}

// manual: "Unique Indexes", on arrays; "Multikey Indexes".
func TestMultikeyUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustIndex(t, b, `{"l.x":1}`, options.Index().SetUnique(true))
	b.insert(t, `{"_id":1,"l":[{"x":1},{"x":1}]}`) // within one document it is no violation
	if _, err := b.coll.InsertOne(ctx(t), doc(t, `{"_id":2,"l":[{"x":5},{"x":1}]}`)); code(err) != 11000 {
		t.Error(err)
	}
	same(t, b.ids(t, `{"l.x":1}`), list(t, `[1]`))
	mustIndex(t, b, `{"a":1,"b":1}`, options.Index())
	if _, err := b.coll.InsertOne(ctx(t), doc(t, `{"_id":3,"l":[{"x":8}],"a":[1],"b":[2]}`)); code(err) != 171 {
		t.Errorf("parallel arrays: %v", err)
	}
}

// manual: "createIndexes" (Behavior, index conflicts), "dropIndexes".
func TestIndexDefinitions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":1}`, `{"_id":2,"a":1}`)
	mustIndex(t, b, `{"a":1}`, options.Index())
	mustIndex(t, b, `{"a":1}`, options.Index()) // the same again is no error
	for _, tt := range []struct {
		key  string
		opts *options.IndexOptionsBuilder
		code int
	}{
		{`{"a":1}`, options.Index().SetUnique(true), 85},
		{`{"a":1}`, options.Index().SetName("other"), 85},
		{`{"b":1}`, options.Index().SetName("a_1"), 86},
		{`{"a":-1}`, options.Index().SetUnique(true), 11000},
		{`{"a":"text"}`, options.Index(), 67},
		{`{"c":1}`, options.Index().SetPartialFilterExpression(doc(t, `{"c":{"$ne":1}}`)), 67},
		{`{"c":1}`, options.Index().SetHidden(true), 238},
	} {
		if err := b.index(t, tt.key, tt.opts); code(err) != tt.code {
			t.Errorf("%s: %v, want code %d", tt.key, err, tt.code)
		}
	}
	specs, err := b.coll.Indexes().ListSpecifications(ctx(t))
	if err != nil || len(specs) != 2 || specs[0].Name != "_id_" || specs[1].Name != "a_1" {
		t.Fatalf("%v %v", specs, err)
	}
	if err := b.coll.Indexes().DropOne(ctx(t), "a_1"); err != nil {
		t.Fatal(err)
	}
	if err := b.coll.Indexes().DropOne(ctx(t), "a_1"); code(err) != 27 {
		t.Errorf("dropping nothing: %v", err)
	}
	names, err := b.db.ListCollectionNames(ctx(t), bson.D{})
	if err != nil || len(names) != 1 || names[0] != "things" {
		t.Errorf("%v %v", names, err)
	}
	if err := b.coll.Drop(ctx(t)); err != nil {
		t.Fatal(err)
	}
	same(t, b.ids(t, `{}`), bson.A{})
}

// A query that an index answers looks at what it returns and not at the rest;
// the counters prove it.
func TestIndexedQueriesDoNotScan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var docs []any
	for i := range 2000 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "state", Value: fmt.Sprint("s", i%10)}, {Key: "at", Value: 2000 - i},
			{Key: "session", Value: bson.D{{Key: "id", Value: fmt.Sprint("x", i)}}}, {Key: "tags", Value: bson.A{fmt.Sprint("t", i%100), "all"}}})
	}
	if _, err := b.coll.InsertMany(ctx(t), docs); err != nil {
		t.Fatal(err)
	}
	mustIndex(t, b, `{"state":1,"at":1}`, options.Index())
	mustIndex(t, b, `{"session.id":1}`, options.Index().SetUnique(true).SetPartialFilterExpression(doc(t, `{"session.id":{"$exists":true}}`)))
	mustIndex(t, b, `{"tags":1}`, options.Index())
	mustIndex(t, b, `{"rare":1}`, options.Index().SetPartialFilterExpression(doc(t, `{"rare":{"$exists":true}}`)))
	if _, err := b.coll.UpdateByID(ctx(t), 1500, doc(t, `{"$set":{"rare":"yes"}}`)); err != nil {
		t.Fatal(err)
	}
	mustIndex(t, b, `{"at":-1}`, options.Index())
	for _, tt := range []struct {
		filter, sort string
		limit        int64
		most         uint64
		want         int
	}{
		{`{"_id":77}`, ``, 0, 1, 1},
		{`{"_id":{"$in":[1,2,3,99999]}}`, ``, 0, 3, 3},
		{`{"state":"s3"}`, `{"at":1}`, 1, 1, 1},
		{`{"state":"s3"}`, `{"at":-1}`, 2, 2, 2},
		{`{"state":"s3","at":{"$gt":1000,"$lte":1100}}`, ``, 0, 10, 10},
		{`{"state":{"$in":["s1","s2"]}}`, `{"at":1}`, 5, 400, 5},
		{`{"session.id":"x5"}`, ``, 0, 1, 1},
		{`{"tags":"t7"}`, ``, 0, 20, 20},
		{`{"rare":{"$exists":true}}`, ``, 0, 1, 1},
		{`{"rare":"yes","at":{"$gt":0}}`, ``, 0, 1, 1},
		{`{"$or":[{"_id":5},{"session.id":"x9"}]}`, ``, 0, 2, 2},
		{`{"$and":[{"_id":{"$gte":10}},{"_id":{"$lt":15}}]}`, ``, 0, 5, 5},
		{`{}`, `{"at":-1}`, 3, 3, 3},
		{`{}`, `{"_id":-1}`, 3, 3, 3},
		{`{"at":{"$gte":1999}}`, `{"at":1}`, 0, 2, 2},
		{`{"state":"s3","at":1}`, ``, 0, 0, 0},
	} {
		before := b.srv.Stats()
		opts := options.Find().SetLimit(tt.limit)
		if tt.sort != "" {
			opts.SetSort(doc(t, tt.sort))
		}
		got := b.find(t, tt.filter, opts)
		after := b.srv.Stats()
		if n := after.Examined["find"] - before.Examined["find"]; n > tt.most {
			t.Errorf("%s sort %s: examined %d documents, want at most %d", tt.filter, tt.sort, n, tt.most)
		}
		if len(after.Scans) != 0 {
			t.Errorf("%s: scans %v", tt.filter, after.Scans)
		}
		if len(got) != tt.want {
			t.Errorf("%s: %d documents, want %d", tt.filter, len(got), tt.want)
		}
	}
	b.find(t, `{"nothing":1}`)
	if got := b.srv.Stats(); got.Scans["find lab.things"] != 1 || got.DocsExamined() < 2000 {
		t.Errorf("a query without an index scans: %+v", got)
	}
	var plan bson.D
	err := b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"state":"s1"}`), doc(t, `{"$set":{"state":"taken"}}`),
		options.FindOneAndUpdate().SetSort(doc(t, `{"at":1}`))).Decode(&plan)
	if err != nil || b.srv.Stats().Examined["findAndModify"] != 1 {
		t.Errorf("%v, examined %d", err, b.srv.Stats().Examined["findAndModify"])
	}
}

// manual: "TTL Indexes": after the date, or the earliest of an array of dates;
// what has no date does not expire.
func TestTTL(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := make(chan time.Time, 1)
	clock <- now
	read := func() time.Time { n := <-clock; clock <- n; return n }
	b := setup(t, mongosim.Config{Now: read, TTLPeriod: time.Hour})
	mustIndex(t, b, `{"at":1}`, options.Index().SetExpireAfterSeconds(60))
	b.insert(t, `{"_id":1,"at":{"$date":"2024-01-01T00:00:00Z"}}`, `{"_id":2,"at":{"$date":"2024-01-01T00:01:00Z"}}`,
		`{"_id":3,"at":[{"$date":"2024-01-01T01:00:00Z"},{"$date":"2024-01-01T00:00:10Z"}]}`, `{"_id":4}`, `{"_id":5,"at":"never"}`)
	for _, step := range []struct {
		at   time.Duration
		want string
	}{{59 * time.Second, `[1,2,3,4,5]`}, {60 * time.Second, `[2,3,4,5]`}, {70 * time.Second, `[2,4,5]`}, {time.Hour, `[4,5]`}} {
		<-clock
		clock <- now.Add(step.at)
		if err := b.srv.Sweep(); err != nil {
			t.Fatal(err)
		}
		same(t, b.ids(t, `{}`), list(t, step.want))
	}
}

// The sweeper runs by itself.
func TestTTLSweeper(t *testing.T) {
	t.Parallel()
	b := setup(t, mongosim.Config{TTLPeriod: 5 * time.Millisecond})
	mustIndex(t, b, `{"at":1}`, options.Index().SetExpireAfterSeconds(0))
	b.insert(t, `{"_id":1,"at":{"$date":"2020-01-01T00:00:00Z"}}`)
	for deadline := time.Now().Add(20 * time.Second); len(b.ids(t, `{}`)) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the document is still there")
		}
	}
}

// What the server does not know it refuses, and says what it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":1}`)
	for _, tt := range []struct {
		cmd, names string
		code       int
	}{
		{`{"collMod":"things"}`, "collMod", 59},
		{`{"find":"things","collation":{"locale":"en"}}`, "collation", 40415},
		{`{"find":"things","tailable":true}`, "tailable", 40415},
		{`{"find":"things","filter":{"a":{"$near":[1,2]}}}`, "$near", 2},
		{`{"find":"things","filter":{"$where":"1"}}`, "$where", 2},
		{`{"find":"things","filter":{"$expr":{"$rand":{}}}}`, "$rand", 168},
		{`{"find":"things","filter":{"a":{"$regex":"(?=x)"}}}`, "(?=", 51091},
		{`{"find":"things","hint":"nope"}`, "hint", 2},
		{`{"find":"things","sort":{"a":{"$meta":"textScore"}}}`, "$meta", 238},
		{`{"find":"things","readConcern":{"level":"snapshot"}}`, "snapshot", 238},
		{`{"aggregate":"things","pipeline":[{"$lookup":{}}],"cursor":{}}`, "$lookup", 40324},
		{`{"aggregate":"things","pipeline":[{"$group":{"_id":null,"x":{"$stdDevPop":"$a"}}}],"cursor":{}}`, "$stdDevPop", 15952},
		{`{"aggregate":"things","pipeline":[],"cursor":{},"explain":true}`, "explain", 40415},
		{`{"insert":"things","documents":[{"_id":9,"d":{"$numberDecimal":"1.5"}}]}`, "decimal", 238},
		{`{"insert":"things","documents":[{"_id":9}],"writeConcern":{"w":3}}`, "w: 3", 100},
		{`{"create":"x","capped":true}`, "capped", 40415},
		{`{"insert":"system.x","documents":[{"_id":9}]}`, "system.x", 73},
		{`{"find":"things","lsid":{"id":1},"txnNumber":{"$numberLong":"1"},"startTransaction":true,"autocommit":false}`, "startTransaction", 115},
	} {
		var d bson.D
		if err := bson.UnmarshalExtJSON([]byte(tt.cmd), false, &d); err != nil {
			t.Fatal(err)
		}
		err := b.db.RunCommand(ctx(t), d).Err()
		if code(err) != tt.code || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%s: %v, want code %d naming %s", tt.cmd, err, tt.code, tt.names)
		}
	}
	for update, want := range map[string]int{`{"$bit":{"a":{"and":1}}}`: 9, `{"$set":{"$a":1}}`: 52, `{"$push":{"l":{"$each":[],"$up":1}}}`: 2, `{"$set":{"a..b":1}}`: 56} {
		_, err := b.coll.UpdateOne(ctx(t), bson.D{}, doc(t, update))
		if code(err) != want {
			t.Errorf("%s: %v, want code %d", update, err, want)
		}
	}
	sess, err := b.client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer sess.EndSession(ctx(t))
	if err := sess.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	_, err = b.coll.InsertOne(mongo.NewSessionContext(ctx(t), sess), doc(t, `{"_id":"tx"}`))
	if code(err) != 115 || !strings.Contains(err.Error(), "startTransaction") {
		t.Errorf("transaction: %v", err)
	}
	same(t, b.ids(t, `{}`), list(t, `[1]`))
	big := strings.Repeat("x", 17<<20)
	if err := b.coll.FindOneAndUpdate(ctx(t), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "big", Value: big[:9<<20]}}}}).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.coll.UpdateOne(ctx(t), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "more", Value: big[:8<<20]}}}}); code(err) != 10334 {
		t.Errorf("a document beyond 16 MB: %d", code(err))
	}
}
