package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/webhook"
	"github.com/kodekloud/kml/tasks"
)

// fuzzWorld is the whole API on real services and real keys, with something of
// every kind in its stores. AWS alone is not there.
type fuzzWorld struct {
	*fleetBench
	kept  *snapshots
	keys  map[string]string   // plain text by name: the roles, and bad ones
	known map[string][]string // ids of what there is, by noun
	log   *lines
}

// lines is a log that is looked at.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take gives what was written since the last time.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// setupWorld makes a world; a log of nil is none.
func setupWorld(t testing.TB, log *lines) *fuzzWorld {
	t.Helper()
	w := &fuzzWorld{fleetBench: &fleetBench{waited: func(string) {}}, keys: map[string]string{}, known: map[string][]string{}, log: log}
	var all Config
	w.bench = setupFor(t, time.Hour, func(b *bench, c *Config) {
		w.wire(t, b, c)
		w.wireRest(t, b, c)
		all = *c
		c.Authenticate = told // until everything stands
	})
	w.makeKeys(t, all.Keys)
	w.fill(t)
	if log != nil {
		all.Log = zerolog.New(log).Level(zerolog.InfoLevel)
	}
	w.Server = New(all)
	w.serve(t)
	return w
}

// wireRest puts in what the bench of a fleet lacks.
func (w *fuzzWorld) wireRest(t testing.TB, b *bench, c *Config) {
	queue := asynq.NewClientFromRedisClient(b.redis)
	c.Authenticate, c.Keys = nil, &access.Keys{Store: b.db.Keys(), Clock: b.clock}
	c.Limiter, c.PerMinute, c.Burst = redis.NewLimiter(b.redis), 1e9, 1e9 // there, and never in the way
	c.Failures, c.MaxFailures = redis.NewFailures(b.redis), 1e9
	c.Idempotent, c.Sealer = b.db.Calls(), w.sealer
	c.Queue, c.Inspector = queue, asynq.NewInspectorFromRedisClient(b.redis)
	c.Checks = func(context.Context) []apitypes.Check { return []apitypes.Check{} }

	stream := redis.NewEventStream(b.redis)
	sessions := &events.Sessions{Sessions: b.db.Sessions(), Clock: b.clock, Tell: func(s *fleet.Session) {
		if err := stream.Publish(context.Background(), events.Of(s, s.Log[len(s.Log)-1])); err != nil {
			t.Error(err)
		}
	}}
	w.watch(t, c, stream)
	catalog := labtype.NewCatalog(map[string]fleet.LabType{labName: ec2Basics}, b.db.LabTypeFiles(), b.clock)
	bookings := booking.New(booking.Config{Calendars: b.db.Calendars(), Accounts: b.db.Accounts(), Sessions: sessions, Cleanings: b.db.Cleanings(), LabTypes: catalog, Statuses: b.db.LabTypes(),
		Pool: redis.NewPool(b.redis), Machine: b.machine, Clock: b.clock, NewID: b.newID, EndLab: func(ctx context.Context, id, reason string) error { return w.assign.End(ctx, id, reason) },
		Request: func(ctx context.Context, l booking.Lab) error {
			_, err := w.assign.Request(ctx, assign.Request{RequestID: l.RequestID, LabType: l.LabType, Student: l.Student, Owner: l.Owner, Booking: l.Booking, Purpose: l.Purpose, Duration: l.Duration})
			return err
		}})
	w.assign = assign.New(assign.Config{Accounts: b.db.Accounts(), Sessions: sessions, LabTypes: catalog, Statuses: b.db.LabTypes(), Pool: redis.NewPool(b.redis), Machine: b.machine,
		Granter: willing{}, Sealer: w.sealer, Seats: bookings, Clock: b.clock, NewID: b.newID})
	hooks := webhook.New(webhook.Config{Webhooks: b.db.Webhooks(), Deliveries: b.db.Deliveries(), Sealer: w.sealer, Clock: b.clock, NewID: b.newID,
		Targets: webhook.Targets{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		Enqueue: func(ctx context.Context, id string, attempt int, at time.Time) error {
			_, err := queue.EnqueueContext(ctx, tasks.NewDeliver(id, attempt, at))
			if errors.Is(err, asynq.ErrTaskIDConflict) {
				return nil
			}
			return err
		}})
	t.Cleanup(hooks.Close)
	c.Sessions, c.LabTypes, c.Labs, c.Webhooks = sessions, catalog, w.assign, hooks
	c.Targets, c.Forecast = hooks, bookings
	c.Bookings, c.Pool = bookings, &booking.Pools{Orgs: orgs, Targets: b.db.PoolTargets(), Bookings: bookings}
}

// watch runs the hub of the live stream.
func (w *fuzzWorld) watch(t testing.TB, c *Config, stream *redis.EventStream) {
	hub := events.NewHub(stream, clock.New(), func(error) {})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); hub.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	c.Events = hub
}

// makeKeys makes a key of each role, and some that are not good.
func (w *fuzzWorld) makeKeys(t testing.TB, keys *access.Keys) {
	t.Helper()
	for _, role := range access.Roles {
		r := access.KeyRequest{Name: string(role), Role: role}
		if role == access.Backend || role == access.Teacher {
			r.Owner = "academy"
		}
		plain, made, err := keys.New(w.ctx, r, "test")
		must(t, err)
		w.keys[string(role)] = plain
		w.known["keys"] = append(w.known["keys"], made.ID)
	}
	plain, made, err := keys.New(w.ctx, access.KeyRequest{Name: "revoked", Role: access.Admin}, "test")
	must(t, err)
	_, err = keys.Revoke(w.ctx, made.ID)
	must(t, err)
	w.keys["revoked"], w.keys["unknown"] = plain, access.KeyPrefix+"aaaaaaaaaaaa_"+strings.Repeat("0", 64)
}

// fill puts something of every kind into the stores.
func (w *fuzzWorld) fill(t testing.TB) {
	t.Helper()
	know := func(noun string, ids ...string) { w.known[noun] = append(w.known[noun], ids...) }
	running, over := w.active(t, academy, 1), w.active(t, bootcamp, 2)
	run := w.cleaning(t, over.Account)
	late := wants("late")
	late.StartAt = t0.Add(24 * time.Hour)
	waiting, scheduled := w.request(t, academy, wants("waits")), w.request(t, academy, late)
	w.post(t, bootcamp, "/v1/labs/"+over.ID+"/end", nil, http.StatusOK)
	know("labs", running.ID, over.ID, waiting.ID, scheduled.ID)
	know("cleanings", run.ID)
	for n := 3; n < 6; n++ {
		know("accounts", w.warm(t, n).ID)
	}
	know("accounts", running.Account, over.Account, w.loaded(t, 6).ID)
	w.post(t, operator, "/v1/accounts/000000000005/quarantine", apitypes.Reason{Reason: "odd"}, http.StatusOK)

	spec := typeSpec("applied")
	if a := w.do(t, operator, http.MethodPut, "/v1/labtypes/applied", spec); a.status != http.StatusCreated {
		t.Fatal(a)
	}
	know("labtypes", labName, "applied", "brand-new") // one of them is none yet
	know("organizations", "main")
	know("org", "main")
	know("ou", "ou-1", "ou-2")
	for i, as := range []access.Principal{teacher, admin} {
		made := decode[apitypes.Booking](t, w.do(t, as, http.MethodPost, "/v1/bookings", apitypes.BookingRequest{Type: labName, Seats: 1, Start: t0.Add(time.Duration(8+4*i) * time.Hour),
			End: t0.Add(time.Duration(10+4*i) * time.Hour), Title: "Cloud 101"}), http.StatusCreated)
		know("bookings", made.ID)
	}
	w.post(t, admin, "/v1/bookings/"+w.known["bookings"][1]+"/cancel", apitypes.Reason{Reason: "rain"}, http.StatusOK)
	for _, as := range []access.Principal{academy, operator} {
		made := decode[apitypes.WebhookSecret](t, w.do(t, as, http.MethodPost, "/v1/webhooks", apitypes.WebhookRequest{Name: "lms", URL: "https://lms.test/hook"}), http.StatusCreated)
		sent := decode[apitypes.Delivery](t, w.do(t, as, http.MethodPost, "/v1/webhooks/"+made.ID+"/ping", nil), http.StatusAccepted)
		know("webhooks", made.ID)
		know("deliveries", sent.ID)
	}
	old, err := w.db.Deliveries().Get(w.ctx, w.known["deliveries"][1])
	must(t, err)
	dead := *old
	dead.State, dead.DoneAt, dead.Error = fleet.DeliveryDead, t0, "it did not answer"
	must(t, w.db.Deliveries().Swap(w.ctx, old, &dead))
	w.fillQueues(t)
}

func (w *fuzzWorld) fillQueues(t testing.TB) {
	t.Helper()
	for i, opts := range [][]asynq.Option{nil, {asynq.ProcessAt(time.Now().Add(time.Hour))}, nil} {
		info, err := w.Queue.EnqueueContext(w.ctx, tasks.NewSync(fmt.Sprint("sync-", i), t0), opts...)
		must(t, err)
		w.known["tasks"] = append(w.known["tasks"], info.ID)
		w.known["queues"] = []string{info.Queue, "cleanup"}
		if i == 2 {
			must(t, w.Inspector.ArchiveTask(info.Queue, info.ID))
		}
	}
}

// post is a call that must succeed.
func (w *fuzzWorld) post(t testing.TB, as access.Principal, path string, body any, status int) {
	t.Helper()
	if a := w.do(t, as, http.MethodPost, path, body); a.status != status {
		t.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
}

// idsFor are the ids that fit a parameter of a path.
func (w *fuzzWorld) idsFor(path, param string) []string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	if noun == "pool" {
		noun = param
	}
	return w.known[noun]
}

func escaped(path, param, value string) string {
	return strings.ReplaceAll(path, "{"+param+"}", url.PathEscape(value))
}
