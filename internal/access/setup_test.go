package access_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 30, 0, time.UTC)

var databases atomic.Int64

var simulated = sync.OnceValues(func() (uri string, err error) {
	sim, err := mongosim.Start(mongosim.Config{})
	if err != nil {
		return "", err
	}
	return sim.URI(), nil // lives as long as the test binary
})

type bundle struct {
	*access.Keys
	ctx   context.Context
	clock *clock.Fake
	db    *mongo.DB
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	uri, err := simulated()
	must(t, err)
	db, err := mongo.Open(ctx, uri, fmt.Sprintf("kml_access_%d_%d", os.Getpid(), databases.Add(1)))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close(context.WithoutCancel(ctx))) })
	b := &bundle{ctx: ctx, clock: clock.NewFake(t0), db: db}
	b.Keys = b.process()
	return b
}

// process is the keys as another process has them: what it remembers is its own.
func (b *bundle) process() *access.Keys { return &access.Keys{Store: b.db.Keys(), Clock: b.clock} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
