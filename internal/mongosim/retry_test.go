package mongosim_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// once breaks the first call of a command, at the given side of its effect.
func once(command string, after bool, f mongosim.Fault) mongosim.Hook {
	var done atomic.Bool
	return func(cmd, coll string, a bool) mongosim.Fault {
		if cmd == command && coll == "things" && a == after && done.CompareAndSwap(false, true) {
			return f
		}
		return mongosim.Fault{}
	}
}

// manual: "Retryable Writes": drivers repeat a write once, and the server
// applies it at most once.
func TestLostReplyAppliesOnce(t *testing.T) {
	t.Parallel()
	faults := map[string]mongosim.Fault{"dropped": {Drop: true}, "not primary": {Code: 10107}}
	for name, fault := range faults {
		for _, after := range []bool{false, true} {
			for _, command := range []string{"insert", "update", "findAndModify", "delete"} {
				if fault.Code != 0 && command != "findAndModify" {
					continue // the driver waits half a second in each case
				}
				t.Run(name+" "+command, func(t *testing.T) {
					t.Parallel()
					b := setup(t, mongosim.Config{Hook: once(command, after, fault)})
					if command != "insert" {
						b.insert(t, `{"_id":1,"n":0}`)
					}
					inc := doc(t, `{"$inc":{"n":1}}`)
					want := `[{"_id":1,"n":1}]`
					switch command {
					case "insert":
						if _, err := b.coll.InsertOne(ctx(t), doc(t, `{"_id":1,"n":1}`)); err != nil {
							t.Fatal(err)
						}
					case "update":
						res, err := b.coll.UpdateOne(ctx(t), doc(t, `{"n":0}`), inc)
						if err != nil || res.ModifiedCount != 1 {
							t.Fatalf("%+v %v", res, err)
						}
					case "findAndModify":
						var old bson.D
						if err := b.coll.FindOneAndUpdate(ctx(t), doc(t, `{"n":0}`), inc).Decode(&old); err != nil {
							t.Fatal(err)
						}
						same(t, old, doc(t, `{"_id":1,"n":0}`))
					case "delete":
						res, err := b.coll.DeleteOne(ctx(t), doc(t, `{"_id":1}`))
						if err != nil || res.DeletedCount != 1 {
							t.Fatalf("%+v %v", res, err)
						}
						want = `[]`
					}
					same(t, b.find(t, `{}`), list(t, want))
					wantReplays := uint64(0)
					if after {
						wantReplays = 1
					}
					if got := b.srv.Stats().Replayed; got != wantReplays {
						t.Errorf("%d replays, want %d", got, wantReplays)
					}
				})
			}
		}
	}
}

// The record of the write is in the file with the write: a retry that reaches
// the next process is not applied again either. An older number is refused.
func TestRetryAfterRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data.db")
	b := setup(t, mongosim.Config{Path: path})
	b.insert(t, `{"_id":1,"n":0}`)
	write := func(txn int64) bson.D {
		return raw(t, b.srv.Addr(), bson.D{{Key: "update", Value: "things"}, {Key: "updates", Value: bson.A{doc(t, `{"q":{"_id":1},"u":{"$inc":{"n":1}}}`)}},
			{Key: "lsid", Value: bson.D{{Key: "id", Value: bson.Binary{Subtype: 4, Data: make([]byte, 16)}}}}, {Key: "txnNumber", Value: txn}, {Key: "$db", Value: "lab"}})
	}
	first := write(7)
	same(t, first, doc(t, `{"n":1,"nModified":1,"ok":1.0}`))
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	b = setup(t, mongosim.Config{Path: path})
	same(t, write(7), first)
	same(t, b.find(t, `{}`), list(t, `[{"_id":1,"n":1}]`))
	if got := text(t, write(6)); !strings.Contains(got, "TransactionTooOld") {
		t.Errorf("an older transaction number: %s", got)
	}
	same(t, write(8), first)
	same(t, b.find(t, `{}`), list(t, `[{"_id":1,"n":2}]`))
}

// An injected delay does not outlive the server.
func TestCloseEndsDelays(t *testing.T) {
	t.Parallel()
	b := setup(t, mongosim.Config{Hook: once("find", false, mongosim.Fault{Delay: time.Hour})})
	b.insert(t, `{"_id":1}`)
	done := make(chan error, 1)
	c, cancel := context.WithCancel(ctx(t))
	defer cancel()
	go func() {
		_, err := b.coll.Find(c, bson.D{})
		done <- err
	}()
	for b.srv.Stats().Commands["find"] == 0 {
		if _, err := b.coll.EstimatedDocumentCount(ctx(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	cancel() // the driver looks for another server
	if err := <-done; err == nil {
		t.Error("the find that was held back succeeded")
	}
}

// Close may come at any time and more than once; commands under way end with
// it.
func TestCloseUnderLoad(t *testing.T) {
	t.Parallel()
	for range 20 {
		srv, err := mongosim.Start(mongosim.Config{TTLPeriod: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		client := connect(t, srv.URI())
		c, cancel := context.WithCancel(ctx(t))
		working := make(chan struct{}, 8)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			together(8, func(int) {
				for {
					if _, err := client.Database("lab").Collection("x").InsertOne(c, bson.D{}); err != nil {
						return
					}
					select {
					case working <- struct{}{}:
					default:
					}
				}
			})
		}()
		<-working
		if err := errors.Join(srv.Close(), srv.Close()); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
	}
}

// manual: "maxTimeMS"; write concern 0 is not answered; OP_MSG with what the
// server cannot hold is refused by name, not by hanging up.
func TestTimeLimitAndUnacknowledged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var docs []any
	for i := range 5000 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "s", Value: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}})
	}
	if _, err := b.coll.InsertMany(ctx(t), docs); err != nil {
		t.Fatal(err)
	}
	slow := bson.D{{Key: "find", Value: "things"}, {Key: "filter", Value: doc(t, `{"s":{"$regex":"(a|aa|aaa)*(a|aa)*(a|b)*c"}}`)}, {Key: "maxTimeMS", Value: 1}, {Key: "$db", Value: "lab"}}
	if got := text(t, raw(t, b.srv.Addr(), slow)); !strings.Contains(got, "MaxTimeMSExpired") {
		t.Errorf("maxTimeMS: %s", got)
	}
	unacked := b.db.Collection("things", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	if _, err := unacked.InsertOne(ctx(t), doc(t, `{"_id":"w0"}`)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(b.ids(t, `{"_id":"w0"}`)) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the unacknowledged write never came")
		}
	}
}
