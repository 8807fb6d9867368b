package mongo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

// TestDoorsScanNothing is [TestNothingScans] for what the doors keep: of 50
// documents, each query wants about one.
func TestDoorsScanNothing(t *testing.T) {
	t.Parallel()
	sim := simulator(t, mongosim.Config{})
	db := openAt(t, sim.URI())
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	base := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return base.Add(time.Duration(n) * time.Minute) }
	who := func(n int) string { return []string{"ada", "bob"}[min(n, 1)] }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		check(db.Keys().Insert(ctx, storetest.APIKey(fmt.Sprintf("k%02d", n), who(n))))
		check(db.Webhooks().Insert(ctx, storetest.Webhook(n, who(n))))
		d := storetest.Delivery(n)
		d.Webhook, d.Owner, d.State = who(n), who(n), fleet.DeliveryDelivered
		if n == 0 {
			d.State = fleet.DeliveryPending
		}
		d.CreatedAt, d.NextTry = at(n), at(n)
		check(db.Deliveries().Add(ctx, d))
		b := storetest.Booking(n)
		b.Owner, b.Start = who(n), at(n)
		check(db.Calendars().Archive(ctx, b))
		e := fleet.Activity{ID: fmt.Sprintf("a%02d", n), At: at(n), Kind: who(n), Who: who(n), LabType: who(n), Account: who(n), Session: who(n)}
		check(db.Activity().Append(ctx, e))
		s := storetest.Session(n)
		s.EndedAt, s.State = at(n), fleet.SessionEnded
		check(db.Sessions().Insert(ctx, s))
		r := storetest.Run(n)
		r.DoneAt, r.LabType, r.Org = at(n), s.LabType, s.Org
		check(db.Cleanings().Insert(ctx, r))
	}
	cursor := fleet.Cursor{At: at(1), ID: "a01"}
	for name, find := range map[string]func() (int, error){
		"keys of a prefix":    count(func() ([]*fleet.APIKey, error) { return db.Keys().Find(ctx, "k07", "", 0) }),
		"keys of a role":      func() (int, error) { return db.Keys().CountRole(ctx, "ada", base) },
		"an owner's webhooks": count(func() ([]*fleet.Webhook, error) { return db.Webhooks().Find(ctx, "ada", false, "", 0) }),
		"all webhooks, page":  count(func() ([]*fleet.Webhook, error) { return db.Webhooks().Find(ctx, "", true, "w048", 0) }),
		"past bookings":       count(func() ([]fleet.Booking, error) { return db.Calendars().Past(ctx, "", at(7), at(8), 0) }),
		"an owner's past":     count(func() ([]fleet.Booking, error) { return db.Calendars().Past(ctx, "ada", base, at(99), 0) }),
		"usage":               count(func() ([]fleet.Usage, error) { return db.Reports().Usage(ctx, at(7), at(8)) }),
	} {
		before := sim.Stats().DocsExamined()
		got, err := find()
		check(err)
		if n := sim.Stats().DocsExamined() - before; got != 1 || n > 2 {
			t.Errorf("%s: %d found, %d looked at", name, got, n)
		}
	}
	for _, q := range []fleet.DeliveryQuery{
		{Limit: 1}, {Webhook: "ada"}, {Owner: "ada"}, {State: fleet.DeliveryPending}, {Due: at(99)}, {Webhook: "ada", State: fleet.DeliveryPending},
		{Owner: "ada", State: fleet.DeliveryPending}, {Owner: "bob", Limit: 1}, {Cursor: fleet.Cursor{At: at(1), ID: "d001"}},
		{State: fleet.DeliveryDelivered, Cursor: fleet.Cursor{At: at(2), ID: "d002"}}, {Webhook: "bob", Cursor: fleet.Cursor{At: at(2), ID: "d002"}},
	} {
		before := sim.Stats().DocsExamined()
		got, err := db.Deliveries().Find(ctx, q)
		check(err)
		if n := sim.Stats().DocsExamined() - before; len(got) != 1 || n > 2 {
			t.Errorf("%+v: %d found, %d looked at", q, len(got), n)
		}
	}
	for _, q := range []fleet.ActivityQuery{
		{Limit: 1}, {Account: "ada"}, {Session: "ada"}, {LabType: "ada"}, {Kind: "ada"}, {Who: "ada"}, {Cursor: cursor}, {From: at(49)}, {To: at(1)},
		{Who: "bob", To: at(2)}, {Kind: "bob", From: at(49)}, {LabType: "bob", Limit: 1}, {Who: "bob", Cursor: fleet.Cursor{At: at(2), ID: "a02"}},
	} {
		before := sim.Stats().DocsExamined()
		got, err := db.Activity().Find(ctx, q)
		check(err)
		if n := sim.Stats().DocsExamined() - before; len(got) != 1 || n > 2 {
			t.Errorf("%+v: %d found, %d looked at", q, len(got), n)
		}
	}
	_, err := db.LabTypeFiles().Latest(ctx)
	check(err)
	_, err = db.PoolTargets().All(ctx)
	check(err)
	if scans := sim.Stats().Scans; len(scans) > 0 {
		t.Errorf("whole collections were gone through: %v", scans)
	}
}

func count[T any](find func() ([]T, error)) func() (int, error) {
	return func() (int, error) {
		got, err := find()
		return len(got), err
	}
}
