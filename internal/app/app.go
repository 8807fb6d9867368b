// Package app puts the fleet's parts together from a configuration, for the
// roles of cmd/kml and for the all-in-one of cmd/kml-dev. It decides nothing.
//
// Invariants:
//   - A role opens what it needs and closes it when its context ends; it returns
//     when everything it started has stopped.
//   - A part that cannot be reached at start stops the role with a line that
//     says which and what to do.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/metrics"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/orgsync"
	"github.com/kodekloud/kml/internal/readiness"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/seal"
	"github.com/kodekloud/kml/internal/webhook"
	"github.com/kodekloud/kml/scheduler"
)

// App is an open fleet: stores, queue, services.
type App struct {
	Config   config.Config
	Log      zerolog.Logger
	Clock    clock.Clock
	LabTypes *labtype.Catalog
	DB       *mongo.DB
	Redis    goredis.UniversalClient
	Queue    *asynq.Client
	Metrics  *metrics.Metrics
	Machine  *lifecycle.Machine
	Follow   *scheduler.Follower
	AWS      *awsclient.Provider
	Sealer   *seal.Sealer
	Sessions fleet.Sessions // whose writes are told

	Events    *events.Publisher
	Webhooks  *webhook.Service
	Bookings  *booking.Service
	Assign    *assign.Service
	Identity  *identity.Service
	Cleanup   *cleanup.Service
	Failsafe  *failsafe.Service
	Sync      *orgsync.Service
	Readiness *readiness.Service
	Reconcile *scheduler.Reconciler

	stop func() // ends what runs beside the roles, and waits for it
}

// Open connects and puts everything together. base, if not nil, is the fleet's
// own AWS configuration instead of the SDK's default chain.
func Open(ctx context.Context, c config.Config, log zerolog.Logger, base *aws.Config) (*App, error) {
	a := &App{Config: c, Log: log, Clock: clock.New(), stop: func() {}}
	files, err := labTypes(c.LabTypesDir)
	if err != nil {
		return nil, err
	}
	if a.DB, err = mongo.Open(ctx, c.Mongo.URI.Reveal(), c.Mongo.Database); err != nil {
		return nil, fmt.Errorf("MongoDB at %s: %w; check mongo.uri (KML_MONGO_URI)", c.Mongo.URI, err)
	}
	a.LabTypes = labtype.NewCatalog(files, a.DB.LabTypeFiles(), a.Clock)
	if err := a.openRedis(ctx); err != nil {
		return nil, errors.Join(err, a.DB.Close(context.WithoutCancel(ctx)))
	}
	if err := a.services(ctx, base); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.background(ctx)
	return a, nil
}

// background tells what happens, for as long as the App is open.
func (a *App) background(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Events.Run(ctx)
	}()
	a.stop = func() {
		cancel()
		<-done
	}
}

// Close tells what is left to tell and closes the connections.
func (a *App) Close() error {
	a.stop()
	if a.Webhooks != nil {
		a.Webhooks.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(a.Queue.Close(), a.Redis.Close(), a.DB.Close(ctx))
}

func labTypes(dir string) (map[string]fleet.LabType, error) {
	if dir == "" {
		return labtype.Builtin()
	}
	out, err := labtype.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lab types in %s: %w; check labtypes_dir (KML_LABTYPES_DIR)", dir, err)
	}
	return out, nil
}

func (a *App) openRedis(ctx context.Context) error {
	opts := a.redisOptions()
	client, ok := opts.MakeRedisClient().(goredis.UniversalClient)
	if !ok {
		return errors.New("asynq's Redis client is none of go-redis")
	}
	a.Redis = client
	pctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := client.Ping(pctx).Err(); err != nil {
		return errors.Join(fmt.Errorf("redis at %s: %w; check redis.addr (KML_REDIS_ADDR)", a.Config.Redis.Addr, err), client.Close())
	}
	a.Queue = asynq.NewClient(opts)
	return nil
}

func (a *App) redisOptions() asynq.RedisClientOpt {
	r := a.Config.Redis
	o := asynq.RedisClientOpt{Addr: r.Addr, Username: r.Username, Password: r.Password.Reveal(), DB: r.DB, PoolSize: 64}
	if r.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
}

// provider gives the way into AWS, from the SDK's default chain or from base.
func (a *App) provider(ctx context.Context, base *aws.Config) (*awsclient.Provider, error) {
	if base == nil {
		loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(a.Config.AWS.Region))
		if err != nil {
			return nil, fmt.Errorf("AWS configuration: %w", err)
		}
		base = &loaded
	}
	return awsclient.New(awsclient.Config{Base: *base, Orgs: a.Config.Organizations, Leases: a.DB.Leases(), Budget: redis.NewBudget(a.Redis, a.Clock),
		EndpointURL: a.Config.AWS.EndpointURL, MutatorLife: a.Config.Timing.SessionLife, Observer: a.Metrics.Call})
}
