package assign_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/redisdev"
)

// BenchmarkClaim measures accept and match of one request against a small and a
// large pool: the claim must not grow with the fleet. Nor must it for the look at
// the bookings where there are none; where there is one, but for a moment each
// second, or when it gets tight.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{200, 4000} {
		for _, bookings := range []string{"unknown", "none", "some"} {
			b.Run(fmt.Sprintf("ready=%d/bookings=%s", n, bookings), func(b *testing.B) { benchClaim(b, n, bookings) })
		}
	}
}

func benchClaim(b *testing.B, n int, bookings string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	sim, err := mongosim.Start(mongosim.Config{})
	fail(err)
	defer func() { fail(sim.Close()) }()
	store, err := redisdev.Start(ctx, redisdev.Config{})
	fail(err)
	defer func() { fail(store.Close()) }()
	db, err := mongo.Open(ctx, sim.URI(), "kml")
	fail(err)
	defer func() { fail(db.Close(ctx)) }()
	client := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	defer func() { fail(client.Close()) }()
	pool, now := redis.NewPool(client), time.Now().UTC()
	for i := range n {
		a := &fleet.Account{ID: fmt.Sprintf("%012d", i), State: fleet.UserCreated, Version: 1, Purpose: fleet.Production, User: &fleet.User{Name: "u"},
			Since: now, RestedSince: now.Add(time.Duration(i)), SweptAt: now, ReadyAt: now}
		fail(db.Accounts().Insert(ctx, a))
		fail(pool.Add(ctx, a.PoolName(), a.ID, a.RestedSince))
	}
	types, machine := labtype.Fixed{"x": {Name: "x", MaxDuration: time.Hour}}, lifecycle.New(db.Accounts(), db.Activity(), clock.New())
	var room assign.Room
	if bookings != "unknown" {
		calendar := booking.New(booking.Config{Calendars: db.Calendars(), Accounts: db.Accounts(), Sessions: db.Sessions(), Cleanings: db.Cleanings(), LabTypes: types,
			Statuses: db.LabTypes(), Pool: pool, Machine: machine, Clock: clock.New(), NewID: uuid.NewString})
		if bookings == "some" {
			_, err := calendar.Book(ctx, booking.Request{LabType: "x", Seats: n / 10, Start: now.Add(time.Minute), End: now.Add(time.Hour)})
			fail(err)
			n -= n / 10
		}
		room = calendar
	}
	s := assign.New(assign.Config{Room: room, Accounts: db.Accounts(), Sessions: db.Sessions(), LabTypes: types,
		Statuses: db.LabTypes(), Pool: pool, Machine: machine, Clock: clock.New(), NewID: uuid.NewString})
	left := n
	for b.Loop() {
		if left--; left < 0 {
			b.Skip("the pool is used up: give a shorter -benchtime")
		}
		session, err := s.Accept(ctx, assign.Request{RequestID: uuid.NewString(), LabType: "x", Student: "s", Duration: time.Minute})
		fail(err)
		if matched, err := s.Match(ctx, session.PoolName()); err != nil || matched != 1 {
			b.Fatalf("matched %d, %v", matched, err)
		}
	}
}
