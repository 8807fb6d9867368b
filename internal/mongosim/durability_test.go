package mongosim_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const childEnv = "MONGOSIM_TEST_CHILD_PATH"

// TestMain serves a file until it is killed, when this binary runs as the
// child of a durability test.
func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	srv, err := mongosim.Start(mongosim.Config{Path: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(srv.URI())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the parent's end, if it does not kill
	os.Exit(0)
}

// startChild runs a server in a process of its own.
func startChild(t *testing.T, path string) (uri string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // SIGKILL
		_ = cmd.Wait()
		_ = stdin.Close()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), kill
}

// Everything that was acknowledged is there after kill -9, again and again on
// the same file; what was not acknowledged is there whole or not at all.
func TestKill9(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data.db")
	acked := map[string]int32{} // last acknowledged counter per document
	sent := map[string]int32{}
	inserted := int64(0)
	for round := range 4 {
		uri, kill := startChild(t, path)
		coll := connect(t, uri+"&retryWrites=false").Database("lab").Collection("things")
		if round == 0 {
			if _, err := coll.Indexes().CreateOne(ctx(t), mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}, Options: options.Index().SetName("by_n")}); err != nil {
				t.Fatal(err)
			}
		}
		c, cancel := context.WithCancel(ctx(t))
		var mu sync.Mutex
		progress := make(chan struct{}, 1<<20)
		var wg sync.WaitGroup
		for w := range 8 {
			id := fmt.Sprint("w", w)
			wg.Go(func() {
				for {
					mu.Lock()
					n := max(sent[id], acked[id]) + 1
					sent[id] = n
					mu.Unlock()
					_, err := coll.UpdateOne(c, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: n}, {Key: "same", Value: n}}}}, options.UpdateOne().SetUpsert(true))
					if err != nil {
						return
					}
					_, err = coll.InsertOne(c, bson.D{{Key: "log", Value: id}})
					mu.Lock()
					acked[id] = n
					if err == nil {
						inserted++
					}
					mu.Unlock()
					if err != nil {
						return
					}
					progress <- struct{}{}
				}
			})
		}
		for range 300 {
			<-progress
		}
		kill()
		cancel() // writers may be looking for another server
		wg.Wait()
	}
	b := setup(t, mongosim.Config{Path: path})
	for id, n := range acked {
		var d struct{ N, Same int32 }
		if err := b.coll.FindOne(ctx(t), bson.D{{Key: "_id", Value: id}}).Decode(&d); err != nil {
			t.Fatal(err)
		}
		if d.N < n || d.N > sent[id] || d.N != d.Same {
			t.Errorf("%s: stored %d/%d, acknowledged %d, sent %d", id, d.N, d.Same, n, sent[id])
		}
	}
	got, err := b.coll.CountDocuments(ctx(t), doc(t, `{"log":{"$exists":true}}`))
	if err != nil || got < inserted || got > inserted+4*8 {
		t.Errorf("%d inserts stored, %d acknowledged (%v)", got, inserted, err)
	}
	t.Logf("%d inserts and as many updates acknowledged over 4 kills, none lost", inserted)
	if same := b.find(t, `{"n":{"$gte":0}}`); len(same) != 8 || len(b.srv.Stats().Scans) != 1 {
		t.Errorf("the index is gone: %d found, scans %v", len(same), b.srv.Stats().Scans)
	}
}

// A restart keeps documents in natural order, indexes with their options, and
// what they enforce; what was dropped stays dropped.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setup(t, mongosim.Config{Path: dir, Sync: true})
	opts := options.Index().SetUnique(true).SetPartialFilterExpression(doc(t, `{"s":{"$exists":true}}`)).SetName("sess")
	mustIndex(t, b, `{"s":1}`, opts)
	mustIndex(t, b, `{"at":-1}`, options.Index().SetExpireAfterSeconds(5))
	b.insert(t, `{"_id":"b","s":1}`, `{"_id":"a","l":[1,{"x":null}]}`, `{"_id":"c"}`)
	if _, err := b.coll.DeleteOne(ctx(t), doc(t, `{"_id":"c"}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.db.CreateCollection(ctx(t), "empty"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Collection("gone").InsertOne(ctx(t), doc(t, `{"_id":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Collection("gone").Drop(ctx(t)); err != nil {
		t.Fatal(err)
	}
	specs := func(b *bench) string {
		cur, err := b.coll.Indexes().List(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		return text(t, drain(t, cur))
	}
	before := specs(b)
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	b = setup(t, mongosim.Config{Path: dir})
	if after := specs(b); after != before {
		t.Errorf("indexes\n%s\n%s", before, after)
	}
	same(t, b.find(t, `{}`), list(t, `[{"_id":"b","s":1},{"_id":"a","l":[1,{"x":null}]}]`))
	if _, err := b.coll.InsertOne(ctx(t), doc(t, `{"s":1}`)); code(err) != 11000 {
		t.Errorf("the unique index no longer holds: %v", err)
	}
	names, err := b.db.ListCollectionNames(ctx(t), bson.D{})
	if err != nil || strings.Join(names, " ") != "empty things" {
		t.Errorf("%v %v", names, err)
	}
	if _, err := mongosim.Start(mongosim.Config{Path: "/dev/null/x"}); err == nil {
		t.Error("a path that cannot be opened is no error")
	}
}
