package booking_test

import (
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestPools(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := booking.Pools{Targets: b.db.PoolTargets(), Bookings: b.Service,
		Orgs: []fleet.Organization{{Name: "o", OUs: []fleet.OU{{ID: "ou-1", Purpose: fleet.Production, Warm: 5}, {ID: "ou-q", Purpose: fleet.Quarantine}}}}}
	b.fleetOf(t, 3)
	b.move(t, b.add(t), fleet.Failed, nil)
	c := b.book(t, class(2, time.Hour))
	b.at(t, 50*time.Minute)
	b.waiting(t, 1, c.ID)
	b.waiting(t, 2, "")
	got, err := p.Status(b.ctx)
	must(t, err)
	if len(got.OUs) != 1 || got.Waiting[fleet.Production] != 2 || got.Waiting[fleet.Testing] != 0 || len(got.Forecast) != 18 {
		t.Fatalf("%+v", got)
	}
	if ou := got.OUs[0]; ou.States[fleet.UserCreated] != 3 || ou.Held != 2 || ou.States[fleet.Failed] != 1 || ou.Target.Warm != 5 || ou.Target.Version != 0 {
		t.Errorf("%+v", ou)
	}

	set, err := p.SetTarget(b.ctx, "o", "ou-1", 8, 0, "Linus")
	must(t, err)
	if set.Warm != 8 || set.Version != 1 || set.SetBy != "Linus" {
		t.Errorf("%+v", set)
	}
	_, err = p.SetTarget(b.ctx, "o", "ou-1", 9, 0, "Linus")
	wantErr(t, err, fleet.ErrConflict)
	_, err = p.SetTarget(b.ctx, "o", "ou-1", -1, 1, "Linus")
	field(t, err, "warm")
	for _, ou := range []string{"ou-q", "ou-2"} {
		_, err = p.SetTarget(b.ctx, "o", ou, 1, 0, "Linus")
		wantErr(t, err, fleet.ErrNotFound)
	}
	_, err = p.SetTarget(b.ctx, "o", "ou-1", 0, 1, "Linus")
	must(t, err)
	if stands, err := p.Target(b.ctx, "o", "ou-1"); err != nil || stands.Warm != 0 || stands.Version != 2 {
		t.Errorf("%+v (%v)", stands, err)
	}
}
