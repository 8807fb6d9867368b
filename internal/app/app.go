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
	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/cleaner/settings"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/config"
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

	Assign    *assign.Service
	Identity  *identity.Service
	Cleanup   *cleanup.Service
	Failsafe  *failsafe.Service
	Sync      *orgsync.Service
	Readiness *readiness.Service
	Reconcile *scheduler.Reconciler
}

// Open connects and puts everything together. base, if not nil, is the fleet's
// own AWS configuration instead of the SDK's default chain.
func Open(ctx context.Context, c config.Config, log zerolog.Logger, base *aws.Config) (*App, error) {
	a := &App{Config: c, Log: log, Clock: clock.New()}
	files, err := labTypes(c.LabTypesDir)
	if err != nil {
		return nil, err
	}
	if a.DB, err = mongo.Open(ctx, c.Mongo.URI.Reveal(), c.Mongo.Database); err != nil {
		return nil, fmt.Errorf("MongoDB at %s: %w; check mongo.uri (KML_MONGO_URI)", c.Mongo.URI, err)
	}
	a.LabTypes = labtype.NewCatalog(files, noneApplied{}, a.Clock)
	if err := a.openRedis(ctx); err != nil {
		return nil, errors.Join(err, a.DB.Close(context.WithoutCancel(ctx)))
	}
	if err := a.services(ctx, base); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close closes the connections.
func (a *App) Close() error {
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

// services makes the services, each from what it needs.
func (a *App) services(ctx context.Context, base *aws.Config) error {
	c := a.Config
	sealer, err := seal.New(c.Seal.Primary, c.Seal.Keys)
	if err != nil {
		return err
	}
	registry, err := kinds.Registry()
	if err != nil {
		return err
	}
	a.Metrics = metrics.New(metrics.Source{Accounts: a.DB.Accounts().Count, Sessions: a.DB.Sessions().Count, Queues: a.queues})
	if a.AWS, err = a.provider(ctx, base); err != nil {
		return err
	}
	pool := redis.NewPool(a.Redis)
	a.Follow = &scheduler.Follower{Client: a.Queue, Pool: pool, Clock: a.Clock, Log: a.Log}
	a.Machine = lifecycle.New(a.DB.Accounts(), a.DB.Activity(), a.Clock, a.Follow.Account)
	a.Machine.Skew = c.Timing.ClockSkew
	a.Machine.HistoryError = func(id string, err error) {
		a.Log.Warn().Err(err).Str("account", id).Msg("transition not logged yet; the sweeper will")
	}
	orgs := byName(c.Organizations)
	a.Identity = identity.New(identity.Config{Accounts: a.DB.Accounts(), Machine: a.Machine, AWS: a.AWS, Orgs: orgs, LabTypes: a.LabTypes, Sealer: sealer, Clock: a.Clock})
	a.Assign = assign.New(assign.Config{Accounts: a.DB.Accounts(), Sessions: a.DB.Sessions(), LabTypes: a.LabTypes, Statuses: a.DB.LabTypes(), Pool: pool,
		Machine: a.Machine, Granter: a.Identity, Sealer: sealer, Clock: a.Clock, NewID: uuid.NewString, Served: a.Metrics.Served, Patience: c.Timing.Patience, Stale: c.Timing.ReadinessStale})
	a.Failsafe = failsafe.New(failsafe.Config{Accounts: a.DB.Accounts(), Machine: a.Machine, LabTypes: a.DB.LabTypes(), Log: a.DB.Activity(),
		Requeuer: a.Assign, Sessions: a.Assign, Clock: a.Clock, AccountLimit: c.Limits.Account, LabTypeLimit: c.Limits.LabType})
	a.Cleanup = cleanup.New(cleanup.Config{Accounts: a.DB.Accounts(), Runs: a.DB.Cleanings(), Machine: a.Machine, AWS: a.AWS, Users: a.Identity,
		Settings: settings.New(), Failures: a.Failsafe, Registry: registry, LabTypes: a.LabTypes, Orgs: orgs, Clock: a.Clock, Follow: a.Follow.Run,
		Phase: a.Metrics.Phase, Cleaned: a.Metrics.Cleaned,
		Settle: c.Timing.Settle, SettleMax: c.Timing.SettleMax, SettlePoll: c.Timing.SettlePoll,
		Rounds: c.Cleanup.Rounds, Backoff: c.Cleanup.RoundBackoff})
	a.Sync = orgsync.New(a.DB.Accounts(), a.Machine, a.AWS, orgs)
	a.Readiness = readiness.New(a.DB.Accounts(), a.Machine, a.AWS, a.Clock)
	a.Reconcile = scheduler.NewReconciler(scheduler.Config{Accounts: a.DB.Accounts(), Sessions: a.DB.Sessions(), Runs: a.DB.Cleanings(), Pool: pool,
		Machine: a.Machine, Assign: a.Assign, Follow: a.Follow, Inspector: asynq.NewInspectorFromRedisClient(a.Redis), Orgs: c.Organizations, Clock: a.Clock, Stuck: c.Timing.StuckAfter, StuckRun: c.Timing.StuckRunAfter,
		Refresh: c.Timing.ReadinessRefresh, UserMaxAge: c.Timing.UserMaxAge, SyncEvery: c.Timing.SyncEvery, RefillEvery: c.Timing.RefillEvery, MatchEvery: c.Timing.MatchEvery, RescueEvery: c.Timing.SweepEvery})
	return nil
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
