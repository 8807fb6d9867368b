package cleanup_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
	"github.com/kodekloud/kml/internal/labtype"
)

// TestLabTypeShrinksWhileALabRuns: the cleaning goes by the lab type that the
// account was handed out with, in its Regions, whatever was applied since. The
// trail, which tells nothing in time here, would not save it.
func TestLabTypeShrinksWhileALabRuns(t *testing.T) {
	t.Parallel()
	var types *labtype.Catalog
	o := delayed(24*time.Hour, 24*time.Hour)
	b := open(t, options{Options: o, change: func(l *labtest.Lab, c *cleanup.Config) {
		types = labtype.NewCatalog(l.LabTypes, l.DB.LabTypeFiles(), l.Clock)
		c.LabTypes = types
	}})
	apply := func(regions, services []string) fleet.LabType {
		lt := labtest.Queues()
		lt.Title, lt.Regions, lt.Services = "Queues", regions, services
		got, err := types.Apply(t.Context(), lt, "ada")
		b.check(err)
		return got
	}
	first := apply([]string{"eu-west-1", "eu-central-1"}, []string{"sqs", "sns", "dynamodb"})
	a := b.inUseOf(first)
	b.queue(a, "eu-central-1", "work")
	apply([]string{"eu-west-1"}, []string{"sqs"})
	a = b.Move(a, fleet.Cleanup, nil)
	b.check(b.Begin(t.Context(), a.ID, a.Epoch))
	run := b.run()
	if run.LabTypeRevision != first.Revision || run.Full || !slices.Equal(run.Regions, first.Regions) || run.Because["dynamodb"] == "" || run.Because["sns"] == "" {
		t.Errorf("revision %d, full %v, Regions %v, because %v", run.LabTypeRevision, run.Full, run.Regions, run.Because)
	}
	b.clean() // the markers do not come: a full sweep stands in, where any revision may have been
	if run := b.run(); !run.Full || !slices.Contains(run.Regions, "eu-central-1") {
		t.Errorf("full %v, Regions %v", run.Full, run.Regions)
	}
}

// inUseOf hands the account out with a revision of a lab type.
func (b *bench) inUseOf(lt fleet.LabType) *fleet.Account {
	b.Helper()
	b.Warm(b.id)
	end := b.Clock.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := b.Move(b.Account(b.id), fleet.Assigning, func(n *fleet.Account) {
		n.SessionID, n.AttemptID, n.LabType, n.LabTypeRevision, n.EndsAt = "session", "attempt", lt.Name, lt.Revision, end
	})
	b.check(b.Users.Grant(b.Context(), a, lt, end))
	a = b.Move(a, fleet.InUse, nil)
	b.Sim.World.Clock.Advance(2 * time.Second)
	return a
}

// TestUnknownRevision: an account whose lab type nobody knows any more is swept
// in full.
func TestUnknownRevision(t *testing.T) {
	t.Parallel()
	b := open(t, options{Options: labtest.Options{Options: core.Options{Seed: 1}}})
	lost := labtest.Queues()
	lost.Revision = 7
	a := b.inUseOf(lost)
	b.queue(a, "eu-west-1", "work")
	b.Move(a, fleet.Cleanup, nil)
	b.clean()
	if run := b.run(); !run.Full {
		t.Error("the run trusted a lab type that it does not know")
	}
}
