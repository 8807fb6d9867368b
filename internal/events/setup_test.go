package events_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/redisdev"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// world is the publisher on the wires of MongoDB and Redis.
type world struct {
	ctx       context.Context
	clock     *clock.Fake
	db        *mongo.DB
	redis     *goredis.Client
	stream    *redis.EventStream
	from      string // the stream's end at setup
	publisher *events.Publisher
	sessions  *events.Sessions // tells nobody unless a test says so

	mu        sync.Mutex
	delivered []fleet.Event
}

func setup(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	sim, err := mongosim.Start(mongosim.Config{})
	must(t, err)
	w := &world{ctx: ctx, clock: clock.NewFake(t0)}
	w.db, err = mongo.Open(ctx, sim.URI(), "kml", mongo.WithClock(w.clock))
	must(t, err)
	store, err := redisdev.Start(ctx, redisdev.Config{})
	must(t, err)
	w.redis = goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() {
		must(t, errors.Join(w.db.Close(context.Background()), w.redis.Close(), store.Close(), sim.Close()))
	})
	w.stream = redis.NewEventStream(w.redis)
	_, w.from, err = w.stream.Read(ctx, "", 0, 0)
	must(t, err)
	w.publisher = events.New(events.Config{Log: w.db.Activity(), Stream: w.stream, Sessions: w.db.Sessions(), Clock: w.clock,
		Deliver: w.deliver, Failed: func(err error) { t.Error(err) }})
	w.sessions = &events.Sessions{Sessions: w.db.Sessions(), Clock: w.clock, Tell: func(*fleet.Session) {}}
	return w
}

func (w *world) deliver(_ context.Context, es []fleet.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delivered = append(w.delivered, es...)
	return nil
}

func session(id string) *fleet.Session {
	return &fleet.Session{ID: id, RequestID: "r-" + id, LabType: "ec2-basics", Student: "ada", Owner: "platform", Duration: time.Hour,
		Purpose: fleet.Production, State: fleet.SessionWaiting, Version: 1, RequestedAt: t0, WaitUntil: t0.Add(time.Hour)}
}

func (w *world) insert(t *testing.T, id string) *fleet.Session {
	t.Helper()
	s := session(id)
	must(t, w.sessions.Insert(w.ctx, s))
	return s
}

// swap writes the next version of a session.
func (w *world) swap(t *testing.T, s *fleet.Session, change func(*fleet.Session)) *fleet.Session {
	t.Helper()
	n := s.Clone()
	n.Version++
	change(n)
	must(t, w.sessions.Swap(w.ctx, s, n))
	return n
}

// streamed gives everything that was published since setup.
func (w *world) streamed(t rapid.TB) []fleet.Event {
	t.Helper()
	var out []fleet.Event
	for after := w.from; ; {
		found, next, err := w.stream.Read(w.ctx, after, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			return out
		}
		for _, e := range found {
			out = append(out, e.Event)
		}
		after = next
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ids(es []fleet.Event) []string {
	var out []string
	for _, e := range es {
		out = append(out, fmt.Sprint(e.ID, " ", e.Type))
	}
	return out
}
