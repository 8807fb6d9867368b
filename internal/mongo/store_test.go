package mongo_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

var databases atomic.Int64

// server is where the conformance suites run: a real MongoDB if
// KML_TEST_MONGO_URI names one, else a simulated one.
var server = sync.OnceValues(func() (uri string, err error) {
	if uri := os.Getenv("KML_TEST_MONGO_URI"); uri != "" {
		return uri, nil
	}
	sim, err := mongosim.Start(mongosim.Config{})
	if err != nil {
		return "", err
	}
	return sim.URI(), nil // lives as long as the test binary
})

// open gives a database of its own on the server of the suites.
func open(t *testing.T, opts ...mongo.Option) *mongo.DB {
	t.Helper()
	uri, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return openAt(t, uri, append(opts, mongo.WithMonitor(recorder()))...)
}

// simulator is one of the test's own.
func simulator(t *testing.T, c mongosim.Config) *mongosim.Server {
	t.Helper()
	sim, err := mongosim.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return sim
}

func openAt(t *testing.T, uri string, opts ...mongo.Option) *mongo.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := mongo.Open(ctx, uri, fmt.Sprintf("kml_test_%d_%d", os.Getpid(), databases.Add(1)), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := db.Drop(ctx); err != nil {
			t.Error(err)
		}
		if err := db.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestConformance(t *testing.T) {
	t.Run("Accounts", func(t *testing.T) {
		storetest.Accounts(t, func(t *testing.T) (fleet.Accounts, fleet.Leases) {
			db := open(t)
			return db.Accounts(), db.Leases()
		})
	})
	t.Run("Sessions", func(t *testing.T) {
		storetest.Sessions(t, func(t *testing.T) fleet.Sessions { return open(t).Sessions() })
	})
	t.Run("Cleanings", func(t *testing.T) {
		storetest.Cleanings(t, func(t *testing.T, c clock.Clock) fleet.Cleanings { return open(t, mongo.WithClock(c)).Cleanings() })
	})
	t.Run("LabTypes", func(t *testing.T) {
		storetest.LabTypes(t, func(t *testing.T) fleet.LabTypeStore { return open(t).LabTypes() })
	})
	t.Run("Activity", func(t *testing.T) {
		storetest.Activity(t, func(t *testing.T) fleet.ActivityLog { return open(t).Activity() })
	})
	t.Run("APIKeys", func(t *testing.T) {
		storetest.APIKeys(t, func(t *testing.T) fleet.APIKeys { return open(t).Keys() })
	})
	t.Run("IdempotentCalls", func(t *testing.T) {
		storetest.IdempotentCalls(t, func(t *testing.T) fleet.IdempotentCalls { return open(t).Calls() })
	})
	t.Run("Webhooks", func(t *testing.T) {
		storetest.Webhooks(t, func(t *testing.T) fleet.Webhooks { return open(t).Webhooks() })
	})
	t.Run("Deliveries", func(t *testing.T) {
		storetest.Deliveries(t, func(t *testing.T) fleet.Deliveries { return open(t).Deliveries() })
	})
	t.Run("Calendars", func(t *testing.T) {
		storetest.Calendars(t, func(t *testing.T) fleet.Calendars { return open(t).Calendars() })
	})
	t.Run("LabTypeFiles", func(t *testing.T) {
		storetest.LabTypeFiles(t, func(t *testing.T) fleet.LabTypeFiles { return open(t).LabTypeFiles() })
	})
	t.Run("PoolTargets", func(t *testing.T) {
		storetest.PoolTargets(t, func(t *testing.T) fleet.PoolTargets { return open(t).PoolTargets() })
	})
	t.Run("Reports", func(t *testing.T) {
		storetest.Reports(t, func(t *testing.T) storetest.Reported {
			db := open(t)
			return storetest.Reported{Reports: db.Reports(), Sessions: db.Sessions(), Cleanings: db.Cleanings()}
		})
	})
	checkShapes(t)
}
