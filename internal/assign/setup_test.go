package assign_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

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
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const (
	labName   = "ec2-basics"
	secretKey = "wJalrXUtnFEMI-the-secret-key"
	password  = "the-Passw0rd-of-the-console"
)

var labType = fleet.LabType{Name: labName, Regions: []string{"us-east-1"}, MaxDuration: 4 * time.Hour, Console: true, Keys: true}

// bundle is the service on MongoDB's and Redis's wire protocols, with AWS in the
// test's hand.
type bundle struct {
	*assign.Service
	ctx     context.Context
	cfg     assign.Config
	clock   *clock.Fake
	db      *mongo.DB
	redis   goredis.UniversalClient
	machine *lifecycle.Machine
	aws     *granter
	hook    *atomic.Pointer[mongosim.Hook]
	racing  mongosim.Hook
	ids     atomic.Int64
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	hook := &atomic.Pointer[mongosim.Hook]{}
	sim, err := mongosim.Start(mongosim.Config{Hook: func(command, collection string, after bool) mongosim.Fault {
		if h := hook.Load(); h != nil {
			return (*h)(command, collection, after)
		}
		return mongosim.Fault{}
	}})
	must(t, err)
	store, err := redisdev.Start(ctx, redisdev.Config{})
	must(t, err)
	client := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() { must(t, errors.Join(client.Close(), store.Close(), sim.Close())) })
	return open(t, ctx, sim.URI(), "kml", client, hook)
}

// open makes a bundle on a database of its own.
func open(t testing.TB, ctx context.Context, uri, database string, client goredis.UniversalClient, hook *atomic.Pointer[mongosim.Hook]) *bundle {
	t.Helper()
	db, err := mongo.Open(ctx, uri, database)
	must(t, err)
	t.Cleanup(func() { hook.Store(nil); must(t, db.Close(context.Background())) })
	sealer, err := seal.New("k1", map[string][]byte{"k1": make([]byte, seal.KeySize)})
	must(t, err)
	b := &bundle{ctx: ctx, clock: clock.NewFake(t0), db: db, redis: client, aws: &granter{open: map[string]time.Time{}}, hook: hook}
	b.machine = lifecycle.New(db.Accounts(), db.Activity(), b.clock)
	b.cfg = assign.Config{Accounts: db.Accounts(), Sessions: db.Sessions(), LabTypes: labtype.Fixed{labName: labType}, Statuses: db.LabTypes(),
		Pool: redis.NewPool(client), Machine: b.machine, Granter: b.aws, Sealer: sealer, Clock: b.clock,
		NewID: func() string { return fmt.Sprintf("id-%04d", b.ids.Add(1)) }}
	b.Service = assign.New(b.cfg)
	return b
}

// ready puts account n into the fleet, warm.
func (b *bundle) ready(t testing.TB, n int) *fleet.Account {
	t.Helper()
	id := fmt.Sprintf("%012d", n)
	a, err := b.machine.Add(b.ctx, &fleet.Account{ID: id, Name: "lab", Org: "o", OU: "ou-1", Purpose: fleet.Production, SweptAt: t0.Add(-time.Hour)}, "new")
	must(t, err)
	return b.warm(t, a)
}

func (b *bundle) warm(t testing.TB, a *fleet.Account) *fleet.Account {
	t.Helper()
	a, err := b.machine.Move(b.ctx, a, fleet.UserCreating, "pool below its target", nil)
	must(t, err)
	purpose := fmt.Sprintf("account/%s/%d", a.ID, a.Epoch)
	key, err := b.cfg.Sealer.Seal(secretKey, purpose)
	must(t, err)
	word, err := b.cfg.Sealer.Seal(password, purpose)
	must(t, err)
	user := &fleet.User{Name: "kml-" + a.ID, AccessKeyID: "AKIAEXAMPLE", SecretKey: key, Password: word, Epoch: a.Epoch}
	a, err = b.machine.Move(b.ctx, a, fleet.UserCreated, "user stands", func(n *fleet.Account) { n.User, n.ReadyAt = user, b.clock.Now() })
	must(t, err)
	must(t, b.cfg.Pool.Add(b.ctx, a.PoolName(), a.ID, a.RestedSince))
	return a
}

func request(n int) assign.Request {
	return assign.Request{RequestID: fmt.Sprint("req-", n), LabType: labName, Student: fmt.Sprint("student-", n), Duration: time.Hour}
}

func (b *bundle) accept(t testing.TB, n int) *fleet.Session {
	t.Helper()
	s, err := b.Accept(b.ctx, request(n))
	must(t, err)
	b.clock.Advance(time.Millisecond) // so that the next one is younger
	return s
}

func (b *bundle) match(t testing.TB) int {
	t.Helper()
	n, err := b.Match(b.ctx, fleet.Production.Pool())
	must(t, err)
	return n
}

// active takes request n all the way.
func (b *bundle) active(t testing.TB, n int) *fleet.Session {
	t.Helper()
	s := b.accept(t, n)
	b.match(t)
	s = b.session(t, s.ID)
	must(t, b.HandOut(b.ctx, s.AccountID, s.Epoch))
	if s = b.session(t, s.ID); s.State != fleet.SessionActive {
		t.Fatalf("session is %s", s.State)
	}
	return s
}

func (b *bundle) session(t testing.TB, id string) *fleet.Session {
	t.Helper()
	s, err := b.db.Sessions().Get(b.ctx, id)
	must(t, err)
	return s
}

func (b *bundle) account(t testing.TB, id string) *fleet.Account {
	t.Helper()
	a, err := b.db.Accounts().Get(b.ctx, id)
	must(t, err)
	return a
}

// faults sets what goes wrong with MongoDB from now on; nil: nothing.
func (b *bundle) faults(h mongosim.Hook) {
	if h == nil {
		b.hook.Store(nil)
		return
	}
	b.hook.Store(&h)
}

// notRetried is an error that drivers do not retry a write for.
const notRetried = 50 // MaxTimeMSExpired

// refuse fails writes of a collection before they have an effect.
func refuse(collection string) mongosim.Hook {
	return func(command, c string, after bool) mongosim.Fault {
		if c == collection && !after && (command == "update" || command == "findAndModify" || command == "insert") {
			return mongosim.Fault{Code: notRetried}
		}
		return mongosim.Fault{}
	}
}

// granter stands in for AWS: it keeps until when the boundary of an account's
// user is open. The hooks run inside the calls, before and behind the effect.
type granter struct {
	mu             sync.Mutex
	open           map[string]time.Time // by account; absent: frozen
	grants         int
	before, behind func(call string, a *fleet.Account) error
}

func (g *granter) call(name string, a *fleet.Account, effect func()) error {
	g.mu.Lock()
	before, behind := g.before, g.behind
	g.mu.Unlock()
	if before != nil {
		if err := before(name, a); err != nil {
			return err
		}
	}
	g.mu.Lock()
	effect()
	g.mu.Unlock()
	if behind != nil {
		return behind(name, a)
	}
	return nil
}

func (g *granter) Grant(_ context.Context, a *fleet.Account, _ fleet.LabType, end time.Time) error {
	return g.call("grant", a, func() { g.open[a.ID] = end; g.grants++ })
}

func (g *granter) Extend(_ context.Context, a *fleet.Account, _ fleet.LabType, end time.Time) error {
	return g.call("extend", a, func() { g.open[a.ID] = end })
}

func (g *granter) Refreeze(_ context.Context, a *fleet.Account) error {
	return g.call("refreeze", a, func() { delete(g.open, a.ID) })
}

// freeze is what the cleaning does first.
func (g *granter) freeze(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, id)
}

func (g *granter) until(id string) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	end, ok := g.open[id]
	return end, ok
}

// on sets the hooks; each is for one call by name.
func (g *granter) on(call string, before, behind func(*fleet.Account) error) {
	only := func(f func(*fleet.Account) error) func(string, *fleet.Account) error {
		return func(name string, a *fleet.Account) error {
			if name != call || f == nil {
				return nil
			}
			return f(a)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.behind = only(before), only(behind)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}
