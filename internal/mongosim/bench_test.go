package mongosim_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/kodekloud/kml/internal/mongosim"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// BenchmarkFindOneAndUpdate is a compare-and-set over the driver and a socket
// on documents of about 1 kB with two secondary indexes.
func BenchmarkFindOneAndUpdate(b *testing.B) {
	for _, name := range []string{"memory", "file"} {
		b.Run(name, func(b *testing.B) {
			path := ":memory:"
			if name == "file" {
				path = filepath.Join(b.TempDir(), "data.db")
			}
			s := setup(b, mongosim.Config{Path: path})
			mustIndex(b, s, `{"state":1,"at":1}`, options.Index())
			mustIndex(b, s, `{"session":1}`, options.Index().SetUnique(true).SetPartialFilterExpression(doc(b, `{"session":{"$exists":true}}`)))
			const n = 10000
			var docs []any
			for i := range n {
				docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "state", Value: "free"}, {Key: "at", Value: i}, {Key: "v", Value: 0}, {Key: "pad", Value: make([]byte, 900)}})
			}
			if _, err := s.coll.InsertMany(ctx(b), docs); err != nil {
				b.Fatal(err)
			}
			c := ctx(b)
			var next atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := next.Add(1)
					err := s.coll.FindOneAndUpdate(c, bson.D{{Key: "_id", Value: i % n}, {Key: "state", Value: "free"}},
						bson.D{{Key: "$inc", Value: bson.D{{Key: "v", Value: 1}}}, {Key: "$set", Value: bson.D{{Key: "at", Value: i}, {Key: "session", Value: i}}}}).Err()
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
