package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/internal/seal"
	"github.com/kodekloud/kml/scheduler"
	"github.com/kodekloud/kml/tasks"
)

const labName = "ec2-basics"

// bundle is a reconciler on the wires of MongoDB and Redis; nobody works on what
// it enqueues.
type bundle struct {
	*scheduler.Reconciler
	ctx     context.Context
	clock   *clock.Fake
	db      *mongo.DB
	redis   goredis.UniversalClient
	client  *asynq.Client
	inspect *asynq.Inspector
	follow  *scheduler.Follower
	machine *lifecycle.Machine // enqueues nothing
	assign  *assign.Service
	aws     *granter
}

// granter is an AWS that does as it is told.
type granter struct{ until map[string]time.Time }

func (g *granter) Grant(_ context.Context, a *fleet.Account, _ fleet.LabType, end time.Time) error {
	g.until[a.ID] = end
	return nil
}
func (g *granter) Extend(ctx context.Context, a *fleet.Account, lt fleet.LabType, end time.Time) error {
	return g.Grant(ctx, a, lt, end)
}
func (g *granter) Refreeze(_ context.Context, a *fleet.Account) error {
	delete(g.until, a.ID)
	return nil
}

func setup(t *testing.T, change func(*scheduler.Config)) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	sim, err := mongosim.Start(mongosim.Config{})
	must(t, err)
	b := &bundle{ctx: ctx, clock: clock.NewFake(time.Now().UTC().Truncate(time.Second)), aws: &granter{map[string]time.Time{}}}
	b.db, err = mongo.Open(ctx, sim.URI(), "kml", mongo.WithClock(b.clock))
	must(t, err)
	b.redis = newRedis(t)
	t.Cleanup(func() { must(t, errors.Join(b.db.Close(ctx), sim.Close())); cancel() })
	b.client, b.inspect = asynq.NewClientFromRedisClient(b.redis), asynq.NewInspectorFromRedisClient(b.redis)
	pool := redis.NewPool(b.redis)
	b.follow = &scheduler.Follower{Client: b.client, Pool: pool, Clock: b.clock, Log: zerolog.New(zerolog.NewTestWriter(t))}
	b.machine = lifecycle.New(b.db.Accounts(), b.db.Activity(), b.clock)
	followed := lifecycle.New(b.db.Accounts(), b.db.Activity(), b.clock, b.follow.Account)
	sealer, err := seal.New("k", map[string][]byte{"k": make([]byte, seal.KeySize)})
	must(t, err)
	n := 0
	b.assign = assign.New(assign.Config{Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), Statuses: b.db.LabTypes(), Pool: pool, Machine: b.machine,
		LabTypes: labtype.Fixed{labName: {Name: labName, MaxDuration: 4 * time.Hour}}, Granter: b.aws, Sealer: sealer, Clock: b.clock,
		NewID: func() string { n++; return fmt.Sprintf("id-%03d", n) }})
	c := scheduler.Config{Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), Runs: b.db.Cleanings(), Pool: pool, Machine: followed,
		Assign: b.assign, Follow: b.follow, Clock: b.clock, Inspector: b.inspect,
		Orgs: []fleet.Organization{{Name: "o", OUs: []fleet.OU{{ID: "ou-1", Purpose: fleet.Production, Warm: 3}, {ID: "ou-q", Purpose: fleet.Quarantine, Warm: 9}}}}}
	if change != nil {
		change(&c)
	}
	b.Reconciler = scheduler.NewReconciler(c)
	return b
}

func newRedis(t *testing.T) goredis.UniversalClient {
	t.Helper()
	store, err := redisdev.Start(context.Background(), redisdev.Config{})
	must(t, err)
	client := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() { must(t, errors.Join(client.Close(), store.Close())) })
	return client
}

// tick does the periodic work of a name, as a worker would.
func (b *bundle) tick(t *testing.T, name string) {
	t.Helper()
	must(t, b.Tickers()[name](b.ctx, b.clock.Now()))
}

// in puts account n into a state, as if it had got there now.
func (b *bundle) in(t *testing.T, n int, state fleet.State, change func(*fleet.Account)) *fleet.Account {
	t.Helper()
	now := b.clock.Now()
	a := &fleet.Account{ID: fmt.Sprintf("%012d", n), Org: "o", OU: "ou-1", Purpose: fleet.Production, State: state, Version: 1, Epoch: 3,
		SweptAt: now, Since: now, RestedSince: now.Add(time.Duration(n) * time.Second), ReadyAt: now}
	if change != nil {
		change(a)
	}
	must(t, b.db.Accounts().Insert(b.ctx, a))
	return a
}

func (b *bundle) get(t *testing.T, id string) *fleet.Account {
	t.Helper()
	a, err := b.db.Accounts().Get(b.ctx, id)
	must(t, err)
	return a
}

// states counts the accounts by state.
func (b *bundle) states(t *testing.T) map[fleet.State]int {
	t.Helper()
	counts, err := b.db.Accounts().Count(b.ctx)
	must(t, err)
	out := map[fleet.State]int{}
	for _, c := range counts {
		out[c.State] += c.N
	}
	return out
}

// flush empties Redis. asynq's client publishes the names of its queues once, and
// its inspector knows no others.
func (b *bundle) flush(t *testing.T) {
	t.Helper()
	must(t, b.redis.FlushAll(b.ctx).Err())
	for _, served := range []map[string]int{tasks.CriticalQueues, tasks.BulkQueues} {
		for q := range served {
			must(t, b.redis.SAdd(b.ctx, "asynq:queues", q).Err())
		}
	}
}

// queued gives the ids of all tasks that wait.
func (b *bundle) queued(t *testing.T) []string {
	t.Helper()
	queues, err := b.inspect.Queues()
	must(t, err)
	var out []string
	for _, q := range queues {
		pending, err := b.inspect.ListPendingTasks(q, asynq.PageSize(1000))
		must(t, err)
		scheduled, err := b.inspect.ListScheduledTasks(q, asynq.PageSize(1000))
		must(t, err)
		for _, i := range append(pending, scheduled...) {
			out = append(out, i.ID)
		}
	}
	slices.Sort(out)
	return out
}

func (b *bundle) wantQueued(t *testing.T, want ...*asynq.Task) {
	t.Helper()
	ids := make([]string, 0, len(want))
	for _, w := range want {
		ids = append(ids, tasks.IDOf(w))
	}
	slices.Sort(ids)
	if got := b.queued(t); !slices.Equal(got, ids) {
		t.Fatalf("queued:\n got %q\nwant %q", got, ids)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
