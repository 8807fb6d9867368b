package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":1,"a":5}`, `{"_id":2,"a":7}`)
	same(t, b.ids(t, `{"a":{"$gt":5}}`), list(t, `[2]`))
	var got bson.D
	err := b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"a":5}`), doc(t, `{"$inc":{"a":1},"$set":{"z":1,"b.c":2}}`),
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, doc(t, `{"_id":1,"a":6,"b":{"c":2},"z":1}`))
	if _, err := b.coll.InsertOne(ctx(t), doc(t, `{"_id":1}`)); !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("want E11000, got %v", err)
	}
	n, err := b.coll.CountDocuments(ctx(t), bson.D{})
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
}
