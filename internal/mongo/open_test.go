package mongo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
)

func TestOpenRefusesNonsense(t *testing.T) {
	t.Parallel()
	for uri, database := range map[string]string{
		"postgres://localhost":                         "kml",
		"mongodb://u:hunter%zz2@localhost":             "kml",
		"mongodb://u:hunter2@localhost/?w=hunter%zz2":  "kml",
		"mongodb://localhost":                          "",
		"mongodb://localhost/?directConnection=hardly": "kml",
	} {
		_, err := mongo.Open(t.Context(), uri, database)
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", uri, err)
		} else if strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "%zz") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestOpenSaysThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	db, err := mongo.Open(ctx, "mongodb://u:hunter2@127.0.0.1:1/?directConnection=true", "kml")
	if err == nil || db != nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("open without a server: %v", err)
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	sim := simulator(t, mongosim.Config{})
	for range 2 { // the indexes are there the second time
		db, err := mongo.Open(t.Context(), sim.URI(), "kml")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Ping(t.Context()), db.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
