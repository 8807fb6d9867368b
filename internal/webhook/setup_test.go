package webhook_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/seal"
	"github.com/kodekloud/kml/internal/webhook"
)

const wait = 20 * time.Second

var databases atomic.Int64

// simulated is the MongoDB of all tests; each has a database of its own.
var simulated = sync.OnceValues(func() (uri string, err error) {
	sim, err := mongosim.Start(mongosim.Config{})
	if err != nil {
		return "", err
	}
	return sim.URI(), nil // lives as long as the test binary
})

// task is an attempt that was enqueued.
type task struct {
	delivery string
	attempt  int
	at       time.Time
}

// bundle is the service on MongoDB's wire protocol, with its tasks in the test's
// hand.
type bundle struct {
	*webhook.Service
	ctx   context.Context
	clock *clock.Fake
	db    *mongo.DB
	ids   atomic.Int64

	mu    sync.Mutex
	tasks []task
}

// loopback admits the receivers of tests.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// setup makes a service that may send to receivers of this host.
func setup(t *testing.T, edits ...func(*webhook.Config)) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	uri, err := simulated()
	must(t, err)
	db, err := mongo.Open(ctx, uri, fmt.Sprintf("kml_webhook_%d_%d", os.Getpid(), databases.Add(1)))
	must(t, err)
	sealer, err := seal.New("k1", map[string][]byte{"k1": make([]byte, seal.KeySize)})
	must(t, err)
	// The library that verifies goes by the machine's clock.
	b := &bundle{ctx: ctx, clock: clock.NewFake(time.Now().UTC().Truncate(time.Millisecond)), db: db}
	c := webhook.Config{Webhooks: db.Webhooks(), Deliveries: db.Deliveries(), Sealer: sealer, Clock: b.clock, Enqueue: b.enqueue,
		NewID: func() string { return fmt.Sprintf("id%d", b.ids.Add(1)) }, Targets: webhook.Targets{Private: loopback}}
	for _, edit := range edits {
		edit(&c)
	}
	b.Service = webhook.New(c)
	t.Cleanup(func() {
		b.Close()
		closing, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		must(t, errors.Join(db.Drop(closing), db.Close(closing)))
	})
	return b
}

// enqueue keeps tasks as asynq does: one of each delivery and attempt.
func (b *bundle) enqueue(_ context.Context, delivery string, attempt int, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.tasks, func(k task) bool { return k.delivery == delivery && k.attempt == attempt }) {
		b.tasks = append(b.tasks, task{delivery, attempt, at})
	}
	return nil
}

// take gives the tasks that are enqueued, and forgets them.
func (b *bundle) take() []task {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.tasks
	b.tasks = nil
	return out
}

// one gives the one task that is enqueued.
func (b *bundle) one(t *testing.T) task {
	t.Helper()
	all := b.take()
	if len(all) != 1 {
		t.Fatalf("%d tasks: %v", len(all), all)
	}
	return all[0]
}

// run carries a task out at its time and gives the delivery as it then stands.
func (b *bundle) run(t *testing.T, k task) *fleet.Delivery {
	t.Helper()
	if early := k.at.Sub(b.clock.Now()); early > 0 {
		b.clock.Advance(early)
	}
	must(t, b.Attempt(b.ctx, k.delivery, k.attempt))
	return b.delivery(t, k.delivery)
}

func (b *bundle) delivery(t *testing.T, id string) *fleet.Delivery {
	t.Helper()
	d, err := b.Delivery(b.ctx, id)
	must(t, err)
	return d
}

// create makes a webhook of the academy's.
func (b *bundle) create(t *testing.T, url string, edits ...func(*webhook.Spec)) (*fleet.Webhook, string) {
	t.Helper()
	spec := webhook.Spec{Name: "test", URL: url}
	for _, edit := range edits {
		edit(&spec)
	}
	w, secret, err := b.Create(b.ctx, "academy", spec)
	must(t, err)
	return w, secret
}

// event is what a lab of the academy's tells.
func event(n int, kind string) fleet.Event {
	return fleet.Event{ID: fmt.Sprintf("session/s1/%d", n), Type: kind, At: time.Date(2026, 11, 21, 12, 0, n, 0, time.UTC), Owner: "academy", Lab: "s1", Student: "ada"}
}

// got is a request that a receiver was sent.
type got struct {
	header http.Header
	body   []byte
	path   string
}

// receiver is somebody's server for webhooks.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	calls []got
}

// receive starts a receiver that answers as told; nil accepts.
func receive(t *testing.T, secure bool, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	h := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("body: %v", err)
		}
		r.mu.Lock()
		r.calls = append(r.calls, got{req.Header.Clone(), body, req.URL.Path})
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
	})
	if r.Server = httptest.NewUnstartedServer(h); secure {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

// trust makes the service trust a receiver's certificate.
func (r *receiver) trust(c *webhook.Config) {
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(r.Certificate())
}

func (r *receiver) got() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// status answers with statuses in turn, the last for ever.
func status(codes ...int) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(codes[min(int(n.Add(1)), len(codes))-1])
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
