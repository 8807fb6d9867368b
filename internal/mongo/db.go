package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Timeouts. A context's own deadline, if shorter, goes first.
const (
	operationTimeout = 10 * time.Second // of one call, the driver's retries included
	selectionTimeout = 5 * time.Second  // to find the primary
	connectTimeout   = 5 * time.Second
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	client *driver.Client
	db     *driver.Database
	clock  clock.Clock
}

// Option changes how Open works.
type Option func(*config)

type config struct {
	clock   clock.Clock
	monitor *event.CommandMonitor
}

// WithClock sets the clock that stamps cleaning runs and sessions when they are
// written; the machine's by default.
func WithClock(c clock.Clock) Option { return func(o *config) { o.clock = c } }

// WithMonitor watches the commands as they are sent.
func WithMonitor(m *event.CommandMonitor) Option { return func(o *config) { o.monitor = m } }

// Open connects, checks that the primary answers, and creates the indexes that
// are missing. Write concern, read concern and retries are set here, whatever
// the URI says.
func Open(ctx context.Context, uri, database string, opts ...Option) (*DB, error) {
	cfg := config{clock: clock.New()}
	for _, o := range opts {
		o(&cfg)
	}
	if database == "" {
		return nil, &fleet.FieldError{Field: "mongo database", Remedy: "name the database"}
	}
	journal := true
	clientOpts := options.Client().ApplyURI(uri).SetAppName("kml").
		SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}).
		SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).SetRetryReads(true).
		SetTimeout(operationTimeout).SetServerSelectionTimeout(selectionTimeout).SetConnectTimeout(connectTimeout).
		SetMonitor(cfg.monitor)
	if err := clientOpts.Validate(); err != nil {
		return nil, badURI(uri, err)
	}
	client, err := driver.Connect(clientOpts)
	if err != nil {
		return nil, fmt.Errorf("connect to mongo: %w", err)
	}
	db := &DB{client: client, db: client.Database(database), clock: cfg.clock}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close(context.WithoutCancel(ctx)))
	}
	if err := db.createIndexes(ctx); err != nil {
		return nil, errors.Join(err, db.Close(context.WithoutCancel(ctx)))
	}
	return db, nil
}

// badURI tells what is wrong with a URI. The driver's message may quote a piece
// of the password, so with credentials in the URI it is left out.
func badURI(uri string, err error) error {
	if strings.Contains(uri, "@") {
		return &fleet.FieldError{Field: "mongo uri", Value: "(hidden: it holds credentials)",
			Remedy: "give mongodb://user:password@host:port/?options, user and password percent-encoded"}
	}
	return fmt.Errorf("mongo uri %q: %w: %w", uri, fleet.ErrInvalid, err)
}

// Ping asks the primary for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.client.Ping(ctx, readpref.Primary()); err != nil {
		return fmt.Errorf("ping mongo: %w", err)
	}
	return nil
}

// Close waits for operations under way and closes the connections.
func (db *DB) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := db.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("close mongo: %w", err)
	}
	return nil
}

// Drop removes the whole database. It is for tests and for starting over on a
// laptop.
func (db *DB) Drop(ctx context.Context) error {
	if err := db.db.Drop(ctx); err != nil {
		return fmt.Errorf("drop mongo database %s: %w", db.db.Name(), err)
	}
	return nil
}

// Accounts keeps account documents.
func (db *DB) Accounts() fleet.Accounts { return &accounts{db.collection(accountsName)} }

// Leases fences role sessions in the account documents.
func (db *DB) Leases() fleet.Leases { return &leases{db.collection(accountsName)} }

// Sessions keeps session documents.
func (db *DB) Sessions() fleet.Sessions { return &sessions{db.collection(sessionsName), db.clock} }

// Cleanings keeps cleaning runs and their evidence.
func (db *DB) Cleanings() fleet.Cleanings {
	return &cleanings{runs: db.collection(cleaningsName), evidence: db.collection(evidenceName), clock: db.clock}
}

// LabTypes keeps the status of lab types.
func (db *DB) LabTypes() fleet.LabTypeStore { return &labTypes{db.collection(labTypesName)} }

// Activity is the append-only log.
func (db *DB) Activity() fleet.ActivityLog { return &activity{db.collection(activityName)} }

func (db *DB) collection(name string) collection { return collection{db.db.Collection(name)} }
