package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// manual: "Administration Commands", "Diagnostic Commands".
func TestAdministration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":1,"b":2}`)
	if _, err := b.client.Database("zoo").Collection("x").InsertOne(ctx(t), bson.D{}); err != nil {
		t.Fatal(err)
	}
	dbs, err := b.client.ListDatabaseNames(ctx(t), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, dbs, []string{"lab", "zoo"})
	if dbs, err = b.client.ListDatabaseNames(ctx(t), doc(t, `{"name":{"$regex":"^z"}}`)); err != nil {
		t.Fatal(err)
	}
	same(t, dbs, []string{"zoo"})
	for _, cmd := range []string{`{"ping":1}`, `{"buildInfo":1}`, `{"getParameter":1,"featureCompatibilityVersion":1}`, `{"startSession":1}`, `{"hello":1}`} {
		if err := b.client.Database("admin").RunCommand(ctx(t), doc(t, cmd)).Err(); err != nil {
			t.Errorf("%s: %v", cmd, err)
		}
	}
	for _, tt := range []struct {
		cmd  string
		code int
	}{
		{`{"getParameter":1,"other":1}`, 40415}, {`{"nonsense":1}`, 59},
		{`{"create":"things"}`, 48}, {`{"dropIndexes":"nothing","index":"*"}`, 26}, {`{"dropIndexes":"things","index":"_id_"}`, 72},
		{`{"dropIndexes":"things","index":{"q":1}}`, 27}, {`{"dropIndexes":"things","index":["no"]}`, 27},
		{`{"insert":"things"}`, 9}, {`{"insert":"things","documents":5}`, 14}, {`{"insert":"things","documents":[]}`, 16}, {`{"insert":5,"documents":[{}]}`, 73},
		{`{"insert":"things","documents":[{"_id":9}],"ordered":"yes"}`, 14}, {`{"find":"things","limit":-5}`, 51024}, {`{"find":"things","sort":5}`, 14},
		{`{"find":"things","sort":{"a":2}}`, 2}, {`{"getMore":{"$numberLong":"5"},"collection":"things"}`, 43}, {`{"getMore":{"$numberLong":"5"},"collection":7}`, 14},
		{`{"findAndModify":"things","query":{}}`, 9}, {`{"findAndModify":"things","remove":true,"new":true}`, 9},
		{`{"aggregate":"things","pipeline":[{"$match":1}],"cursor":{}}`, 15959}, {`{"aggregate":1,"pipeline":[],"cursor":{}}`, 238},
	} {
		if err := b.db.RunCommand(ctx(t), doc(t, tt.cmd)).Err(); code(err) != tt.code {
			t.Errorf("%s: %v, want code %d", tt.cmd, err, tt.code)
		}
	}
	mustIndex(t, b, `{"a":1}`, options.Index())
	mustIndex(t, b, `{"b":1}`, options.Index())
	// hint: by name, by key, and past the indexes.
	for hint, scans := range map[any]uint64{"a_1": 0, "b_1": 0} {
		b.find(t, `{"a":1,"b":2}`, options.Find().SetHint(hint))
		if got := b.srv.Stats().Scans["find lab.things"]; got != scans {
			t.Errorf("hint %v: %d scans", hint, got)
		}
	}
	b.find(t, `{"a":1}`, options.Find().SetHint(doc(t, `{"b":1}`)))
	b.find(t, `{"a":1}`, options.Find().SetHint(doc(t, `{"$natural":1}`)))
	if got := b.srv.Stats().Scans["find lab.things"]; got != 1 {
		t.Errorf("$natural: %d scans", got)
	}
	if err := b.coll.Indexes().DropWithKey(ctx(t), doc(t, `{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.coll.Indexes().DropAll(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if specs, err := b.coll.Indexes().ListSpecifications(ctx(t)); err != nil || len(specs) != 1 {
		t.Errorf("%v %v", specs, err)
	}
	if err := b.db.Drop(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if dbs, err = b.client.ListDatabaseNames(ctx(t), bson.D{}); err != nil {
		t.Fatal(err)
	}
	same(t, dbs, []string{"zoo"})
}
