package assign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
)

// TestALabKeepsItsRevision: what is applied while a lab waits or runs is for
// those that come later.
func TestALabKeepsItsRevision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	catalog := labtype.NewCatalog(map[string]fleet.LabType{}, b.db.LabTypeFiles(), b.clock)
	apply := func(longest time.Duration, regions ...string) {
		t.Helper()
		_, err := catalog.Apply(b.ctx, fleet.LabType{Name: labName, Title: "EC2", Regions: regions, Services: []string{"ec2"}, MaxDuration: longest, Keys: true, Probe: "ec2:DescribeInstances",
			Statements: []fleet.Statement{{Effect: "Allow", Actions: []string{"ec2:Describe*"}, Resources: []string{"*"}}}}, "ada")
		must(t, err)
		b.clock.Advance(5 * time.Second) // until every process has seen it
	}
	b.cfg.LabTypes = catalog
	b.Service = assign.New(b.cfg)
	_, err := b.Accept(b.ctx, request(0))
	wantErr(t, err, fleet.ErrInvalid) // nobody knows the type yet
	apply(4*time.Hour, "us-east-1", "eu-west-1")
	b.ready(t, 1)
	s := b.accept(t, 1)
	apply(time.Hour, "us-east-1")
	b.match(t)
	s = b.session(t, s.ID)
	a := b.account(t, s.AccountID)
	if s.LabTypeRevision != 1 || a.LabTypeRevision != 1 {
		t.Fatalf("session of revision %d, account of %d", s.LabTypeRevision, a.LabTypeRevision)
	}
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	s = b.session(t, s.ID)
	if !slices.Equal(s.Access.Regions, []string{"us-east-1", "eu-west-1"}) {
		t.Errorf("handed out for %v", s.Access.Regions)
	}
	if _, err := b.Extend(b.ctx, s.ID, 2*time.Hour); err != nil {
		t.Errorf("extended within what was accepted: %v", err)
	}
	if late := b.accept(t, 2); late.LabTypeRevision != 2 {
		t.Errorf("accepted later: revision %d", late.LabTypeRevision)
	}
	long := request(3)
	long.Duration = 2 * time.Hour
	_, err = b.Accept(b.ctx, long)
	wantErr(t, err, fleet.ErrInvalid)
}
