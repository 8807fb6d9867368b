package cleanup_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// TestCost holds what one cleaning costs: calls to AWS and writes to MongoDB.
// The bounds are what it takes today and a little more; whoever raises them
// should know why.
func TestCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		labType string
		student func(*bench, *fleet.Account)
		calls   int // of the fleet in the account
		assumes int
		writes  int
	}{
		{"queues", func(b *bench, a *fleet.Account) { b.queue(a, "eu-west-1", "work") }, 90, 8, 36},
		{"everything", func(b *bench, a *fleet.Account) { b.busy(a) }, 480, 32, 240},
	} {
		t.Run(c.labType, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			writes := 0
			b := open(t, options{Options: labtest.Options{Monitor: &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
				if slices.Contains([]string{"insert", "update", "findAndModify", "delete"}, e.CommandName) {
					mu.Lock()
					writes++
					mu.Unlock()
				}
			}}}})
			b.ended(c.labType, func(a *fleet.Account) { c.student(b, a) })
			mu.Lock()
			writes = 0
			mu.Unlock()
			calls, management := b.Calls(b.id, nil), b.assumes()
			b.clean()
			n := 0
			made := b.Calls(b.id, calls)
			for _, k := range made {
				n += k
			}
			assumes := b.assumes() - management
			mu.Lock()
			defer mu.Unlock()
			t.Logf("%d calls, %d sessions, %d writes: %v", n, assumes, writes, made)
			if n > c.calls || assumes > c.assumes || writes > c.writes {
				t.Errorf("%d calls (%d), %d sessions (%d), %d writes (%d)", n, c.calls, assumes, c.assumes, writes, c.writes)
			}
		})
	}
}

// assumes counts the role sessions that the fleet has taken.
func (b *bench) assumes() (n int) {
	for _, c := range b.Sim.World.Counters() {
		if c.Op == "AssumeRole" && c.Account == b.Org.ManagementAccount && c.Role != "" {
			n += int(c.N)
		}
	}
	return n
}
