package mongosim_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// bench is a server of the test's own and a client of it.
type bench struct {
	srv    *mongosim.Server
	client *mongo.Client
	db     *mongo.Database
	coll   *mongo.Collection
}

func setup(t testing.TB, cfgs ...mongosim.Config) *bench {
	t.Helper()
	var cfg mongosim.Config
	if len(cfgs) > 0 {
		cfg = cfgs[0]
	}
	srv, err := mongosim.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b := &bench{srv: srv}
	b.client = connect(t, srv.URI())
	b.db = b.client.Database("lab")
	b.coll = b.db.Collection("things")
	return b
}

func connect(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the server may be gone already
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

func ctx(t testing.TB) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return c
}

// doc parses extended JSON, which keeps the tests short.
func doc(t testing.TB, json string) bson.D {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(json), false, &d); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return d
}

func list(t testing.TB, json string) bson.A {
	t.Helper()
	return doc(t, `{"l":`+json+`}`)[0].Value.(bson.A)
}

// text is the canonical form in which results are compared; it keeps the types
// of numbers apart and the order of fields.
func text(t testing.TB, v any) string {
	t.Helper()
	b, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	return s[5 : len(s)-1]
}

func same(t testing.TB, got, want any) {
	t.Helper()
	if g, w := text(t, got), text(t, want); g != w {
		t.Errorf("\n got %s\nwant %s", g, w)
	}
}

func (b *bench) insert(t testing.TB, docs ...string) {
	t.Helper()
	var all []any
	for _, d := range docs {
		all = append(all, doc(t, d))
	}
	if _, err := b.coll.InsertMany(ctx(t), all); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) find(t testing.TB, filter string, opts ...options.Lister[options.FindOptions]) bson.A {
	t.Helper()
	cur, err := b.coll.Find(ctx(t), doc(t, filter), opts...)
	if err != nil {
		t.Fatalf("find %s: %v", filter, err)
	}
	return drain(t, cur)
}

func drain(t testing.TB, cur *mongo.Cursor) bson.A {
	t.Helper()
	var docs []bson.D
	if err := cur.All(ctx(t), &docs); err != nil {
		t.Fatal(err)
	}
	out := bson.A{}
	for _, d := range docs {
		out = append(out, d)
	}
	return out
}

// ids finds the _id values that match, in order of _id.
func (b *bench) ids(t testing.TB, filter string) bson.A {
	t.Helper()
	out := bson.A{}
	for _, d := range b.find(t, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})) {
		out = append(out, d.(bson.D)[0].Value)
	}
	return out
}

// code is the server's error code in err, 0 if there is none.
func code(err error) int {
	var we mongo.WriteException
	if errors.As(err, &we) && len(we.WriteErrors) > 0 {
		return we.WriteErrors[0].Code
	}
	var be mongo.BulkWriteException
	if errors.As(err, &be) && len(be.WriteErrors) > 0 {
		return be.WriteErrors[0].Code
	}
	var ce mongo.CommandError
	if errors.As(err, &ce) {
		return int(ce.Code)
	}
	return 0
}

// raw sends one command without the driver's additions and returns the reply.
func raw(t testing.TB, addr string, cmd bson.D) bson.D {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body, err := bson.Marshal(cmd)
	if err != nil {
		t.Fatal(err)
	}
	_, msg := wiremessage.AppendHeaderStart(nil, 1, 0, wiremessage.OpMsg)
	msg = wiremessage.AppendMsgFlags(msg, 0)
	msg = append(wiremessage.AppendMsgSectionType(msg, wiremessage.SingleDocument), body...)
	binary.LittleEndian.PutUint32(msg, uint32(len(msg)))
	if _, err := conn.Write(msg); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 21) // header, flags, section kind
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, binary.LittleEndian.Uint32(head)-21)
	if _, err := io.ReadFull(conn, reply); err != nil {
		t.Fatal(err)
	}
	var d bson.D
	if err := bson.Unmarshal(reply, &d); err != nil {
		t.Fatal(err)
	}
	return d
}
