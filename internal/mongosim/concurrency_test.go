package mongosim_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

// manual: "Atomicity and Transactions", "Concurrency Control": a
// compare-and-set on one document has one winner.
func TestOneWinner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustIndex(t, b, `{"session":1}`, options.Index().SetUnique(true).SetPartialFilterExpression(doc(t, `{"session":{"$exists":true}}`)))
	for round := range 30 {
		if _, err := b.coll.InsertOne(ctx(t), bson.D{{Key: "_id", Value: round}, {Key: "state", Value: "free"}, {Key: "v", Value: 1}}); err != nil {
			t.Fatal(err)
		}
		var winners atomic.Int32
		together(64, func(i int) {
			filter := bson.D{{Key: "_id", Value: round}, {Key: "state", Value: "free"}, {Key: "v", Value: 1}}
			change := bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: "taken"}, {Key: "session", Value: round*100 + i}}}, {Key: "$inc", Value: bson.D{{Key: "v", Value: 1}}}}
			if i%2 == 0 {
				res, err := b.coll.UpdateOne(ctx(t), filter, change)
				if err != nil {
					t.Error(err)
				} else {
					winners.Add(int32(res.ModifiedCount))
				}
				return
			}
			if b.coll.FindOneAndUpdate(ctx(t), filter, change).Err() == nil {
				winners.Add(1)
			}
		})
		if winners.Load() != 1 {
			t.Fatalf("round %d: %d winners", round, winners.Load())
		}
	}
	// One value of a unique index, many inserts.
	var winners atomic.Int32
	together(64, func(int) {
		_, err := b.coll.InsertOne(ctx(t), bson.D{{Key: "session", Value: "the one"}})
		switch {
		case err == nil:
			winners.Add(1)
		case code(err) != 11000:
			t.Error(err)
		}
	})
	if winners.Load() != 1 {
		t.Fatalf("%d inserts of one unique value", winners.Load())
	}
	// Upserts of one key make one document.
	together(64, func(int) {
		_, err := b.coll.UpdateOne(ctx(t), bson.D{{Key: "session", Value: "up"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}}, options.UpdateOne().SetUpsert(true))
		if err != nil {
			t.Error(err)
		}
	})
	got := b.find(t, `{"session":"up"}`, options.Find().SetProjection(doc(t, `{"_id":0,"n":1}`)))
	same(t, got, list(t, `[{"n":64}]`))
}

// Every acknowledged $inc is in the sum, every pop from a queue is of another
// document.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, `{"_id":"sum","n":0,"l":[]}`)
	together(16, func(i int) {
		for range 40 {
			res, err := b.coll.UpdateOne(ctx(t), doc(t, `{"_id":"sum"}`), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}},
				{Key: "$push", Value: bson.D{{Key: "l", Value: bson.D{{Key: "$each", Value: bson.A{i}}, {Key: "$slice", Value: -5}}}}}})
			if err != nil || res.ModifiedCount != 1 {
				t.Error(res, err)
			}
		}
	})
	got := b.find(t, `{"_id":"sum"}`)[0].(bson.D)
	if got[1].Value != int32(640) || len(got[2].Value.(bson.A)) != 5 {
		t.Errorf("%v", got)
	}
	queue := b.db.Collection("queue")
	var docs []any
	for i := range 300 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "free", Value: true}})
	}
	if _, err := queue.InsertMany(ctx(t), docs); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	taken := map[int32]int{}
	together(8, func(int) {
		for {
			var d struct {
				ID int32 `bson:"_id"`
			}
			err := queue.FindOneAndUpdate(ctx(t), doc(t, `{"free":true}`), doc(t, `{"$set":{"free":false}}`),
				options.FindOneAndUpdate().SetSort(doc(t, `{"_id":1}`))).Decode(&d)
			if err != nil {
				return
			}
			mu.Lock()
			taken[d.ID]++
			mu.Unlock()
		}
	})
	if len(taken) != 300 {
		t.Fatalf("%d documents taken", len(taken))
	}
	for id, n := range taken {
		if n != 1 {
			t.Errorf("document %d taken %d times", id, n)
		}
	}
}
