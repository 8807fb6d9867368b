package orgsync_test

import (
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

// TestDrainedStaysOut: no sync brings back what an operator took out; what left
// the units beside that is noted, so that a release does not bring it back.
func TestDrainedStaysOut(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.synced("alpha")
	production, testing, elsewhere := b.unit(0), b.unit(1), b.unit(2)
	id := production.Accounts[0]
	_, err := b.machine.Move(b.Context(), b.all()[id], fleet.Draining, "drained", func(n *fleet.Account) { n.Drain = "ann: old" })
	if err != nil {
		t.Fatal(err)
	}
	version := b.all()[id].Version
	if a := b.synced("alpha")[id]; a.State != fleet.Draining || a.Version != version {
		t.Fatalf("%s, version %d", a.State, a.Version)
	}
	b.moveOU(id, production, elsewhere)
	if a := b.synced("alpha")[id]; a.State != fleet.Draining || !a.Leaving {
		t.Fatalf("left: %s, leaving %v", a.State, a.Leaving)
	}
	b.moveOU(id, elsewhere, testing)
	if a := b.synced("alpha")[id]; a.State != fleet.Draining || a.Leaving || a.OU != testing.ID || a.Drain != "ann: old" {
		t.Fatalf("back: %+v", a)
	}
	busy := production.Accounts[1]
	a := b.to(busy, fleet.UserCreating)
	if _, err = b.machine.Edit(b.Context(), a, func(n *fleet.Account) { n.Drain = "ann: old" }); err != nil {
		t.Fatal(err)
	}
	b.moveOU(busy, production, testing)
	if a := b.synced("alpha")[busy]; a.State != fleet.UserCreating || a.Drain == "" || a.OU != testing.ID {
		t.Fatalf("busy: %+v", a)
	}
}
