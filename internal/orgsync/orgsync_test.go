package orgsync_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/orgsync"
	"github.com/kodekloud/kml/internal/storetest"
)

// bench is two organizations and a fleet that knows two units of the first and
// one of the second.
type bench struct {
	*testing.T
	*orgsync.Service
	store   *storetest.Memory
	machine *lifecycle.Machine
	aws     *awsclient.Provider
	sim     *awssim.Server
	orgs    map[string]fleet.Organization
	take    func() error // called for each listing call
}

// Take implements fleet.Budget.
func (b *bench) Take(context.Context, string, float64, float64) error {
	if b.take == nil {
		return nil
	}
	return b.take()
}

const many = 45 // more than two pages of AWS's twenty

func open(t *testing.T) *bench {
	t.Helper()
	sim, err := awssim.Start(awssim.Config{Organizations: []awssim.Organization{
		{Name: "alpha", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "production", Accounts: many}, {Name: "testing", Accounts: 2}, {Name: "elsewhere", Accounts: 3}}},
		{Name: "beta", ManagementAccount: "222222222222", Units: []awssim.Unit{{Name: "production", Accounts: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b := &bench{T: t, store: &storetest.Memory{}, sim: sim, orgs: map[string]fleet.Organization{}}
	var orgs []fleet.Organization
	for _, o := range sim.Seeded.Organizations {
		org := fleet.Organization{Name: o.Name, ManagementAccount: o.ManagementAccount, ManagementRole: o.ManagementRole, MemberRole: o.MemberRole}
		for _, u := range o.Units {
			if u.Name != "elsewhere" {
				org.OUs = append(org.OUs, fleet.OU{ID: u.ID, Purpose: fleet.Purpose(u.Name)})
			}
		}
		b.orgs[o.Name], orgs = org, append(orgs, org)
	}
	b.aws, err = awsclient.New(awsclient.Config{Orgs: orgs, Leases: b.store, Budget: b, EndpointURL: sim.URL(), Base: aws.Config{Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(sim.Seeded.Fleet.AccessKeyID, sim.Seeded.Fleet.SecretAccessKey, "")}})
	if err != nil {
		t.Fatal(err)
	}
	b.machine = lifecycle.New(b.store, b.store.Log(), clock.New())
	b.Service = orgsync.New(b.store, b.machine, b.aws, b.orgs)
	return b
}

// synced syncs an organization and gives all accounts by id.
func (b *bench) synced(org string) map[string]*fleet.Account {
	b.Helper()
	if err := b.Sync(b.Context(), org); err != nil {
		b.Fatal(err)
	}
	return b.all()
}

func (b *bench) all() map[string]*fleet.Account {
	b.Helper()
	found, err := b.store.Find(b.Context(), fleet.AccountQuery{})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]*fleet.Account{}
	for _, a := range found {
		out[a.ID] = a
	}
	return out
}

// unit gives a seeded unit of alpha: 0 production, 1 testing, 2 elsewhere.
func (b *bench) unit(n int) awssim.SeededUnit { return b.sim.Seeded.Organizations[0].Units[n] }

func (b *bench) client() *organizations.Client {
	b.Helper()
	cfg, err := b.aws.Management(b.Context(), "alpha")
	if err != nil {
		b.Fatal(err)
	}
	return organizations.NewFromConfig(cfg)
}

func (b *bench) moveOU(id string, from, to awssim.SeededUnit) {
	b.Helper()
	_, err := b.client().MoveAccount(b.Context(), &organizations.MoveAccountInput{AccountId: &id, SourceParentId: &from.ID, DestinationParentId: &to.ID})
	if err != nil {
		b.Fatal(err)
	}
}

// to brings an account into a state, by the way that leads there.
func (b *bench) to(id string, states ...fleet.State) *fleet.Account {
	b.Helper()
	a := b.all()[id]
	a, err := b.machine.Edit(b.Context(), a, func(n *fleet.Account) { n.SweptAt = time.Now() })
	for _, s := range states {
		if err == nil {
			a, err = b.machine.Move(b.Context(), a, s, "test", func(n *fleet.Account) {
				if s == fleet.Assigning {
					n.SessionID = "session-" + id
				}
			})
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func TestNewAccounts(t *testing.T) {
	t.Parallel()
	b := open(t)
	all := b.synced("alpha")
	if len(all) != many+2 {
		t.Fatalf("%d accounts, want those of both units", len(all))
	}
	for _, id := range b.unit(2).Accounts {
		if all[id] != nil {
			t.Errorf("%s is outside the configured units", id)
		}
	}
	for n, purpose := range []fleet.Purpose{fleet.Production, fleet.Testing} {
		for _, id := range b.unit(n).Accounts {
			a := all[id]
			if a == nil || a.State != fleet.Loaded || a.Org != "alpha" || a.OU != b.unit(n).ID || a.Purpose != purpose || a.Name == "" || a.Email == "" || !a.SweptAt.IsZero() {
				t.Fatalf("account %s: %+v", id, a)
			}
		}
	}
	versions := func() (out []int64) {
		for _, id := range slices.Sorted(maps.Keys(all)) {
			out = append(out, b.all()[id].Version)
		}
		return out
	}
	before := versions()
	if b.synced("alpha"); !slices.Equal(before, versions()) {
		t.Error("a sync without news writes")
	}
}

func TestProtected(t *testing.T) {
	t.Parallel()
	b := open(t)
	root := b.sim.Seeded.Organizations[0].RootID
	o := b.orgs["alpha"]
	o.Deny = []string{b.unit(0).Accounts[0], b.unit(1).Accounts[0]}
	o.OUs = append(o.OUs, fleet.OU{ID: root, Purpose: fleet.Development}) // where the management account is
	b.orgs["alpha"] = o
	all := b.synced("alpha")
	for _, id := range append(o.Deny, o.ManagementAccount) {
		if all[id] != nil {
			t.Errorf("%s was added", id)
		}
	}
	if len(all) != many {
		t.Errorf("%d accounts", len(all))
	}
}

// TestProtectedLater: accounts that come onto the deny list are let go.
func TestProtectedLater(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.synced("alpha")
	ids := b.unit(0).Accounts
	b.to(ids[1], fleet.UserCreating)
	o := b.orgs["alpha"]
	o.Deny = ids[:2]
	b.orgs["alpha"] = o
	all := b.synced("alpha")
	if all[ids[0]].State != fleet.Draining || !all[ids[1]].Leaving || all[ids[1]].State != fleet.UserCreating {
		t.Errorf("free: %s; busy: %s, leaving %v", all[ids[0]].State, all[ids[1]].State, all[ids[1]].Leaving)
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.synced("alpha")
	production, testing, elsewhere := b.unit(0), b.unit(1), b.unit(2)
	moved, free, warm, busy, failed := production.Accounts[0], production.Accounts[1], production.Accounts[2], production.Accounts[3], production.Accounts[4]
	b.to(warm, fleet.UserCreating, fleet.UserCreated)
	inUse := b.to(busy, fleet.UserCreating, fleet.UserCreated, fleet.Assigning, fleet.InUse)
	b.to(failed, fleet.Failed)
	b.moveOU(moved, production, testing)
	for _, id := range []string{free, warm, busy, failed} {
		b.moveOU(id, production, elsewhere)
	}
	all := b.synced("alpha")
	if a := all[moved]; a.OU != testing.ID || a.Purpose != fleet.Testing || a.State != fleet.Loaded {
		t.Errorf("moved: %s in %s, %s", a.Purpose, a.OU, a.State)
	}
	for _, id := range []string{free, warm, failed} {
		if all[id].State != fleet.Draining {
			t.Errorf("%s is %s", id, all[id].State)
		}
	}
	if a := all[busy]; a.State != fleet.InUse || !a.Leaving || a.SessionID != inUse.SessionID || a.Epoch != inUse.Epoch {
		t.Errorf("the busy one is %s, leaving %v", a.State, a.Leaving)
	}
	version := all[busy].Version
	if again := b.synced("alpha"); again[busy].Version != version {
		t.Error("marked twice")
	}

	for _, id := range []string{free, warm, busy, failed} {
		b.moveOU(id, elsewhere, testing)
	}
	all = b.synced("alpha")
	for _, id := range []string{free, warm, failed} {
		if a := all[id]; a.State != fleet.Cleanup || a.OU != testing.ID || a.Purpose != fleet.Testing {
			t.Errorf("back: %s is %s in %s: it was out of sight and must be proven empty", id, a.State, a.OU)
		}
	}
	if a := all[busy]; a.State != fleet.InUse || a.Leaving || a.OU != testing.ID {
		t.Errorf("back, busy: %s, leaving %v", a.State, a.Leaving)
	}
}

// TestClosedAccount: an account that is closed is still listed, and lets go.
func TestClosedAccount(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.synced("alpha")
	id := b.unit(0).Accounts[7]
	if _, err := b.client().CloseAccount(t.Context(), &organizations.CloseAccountInput{AccountId: &id}); err != nil {
		t.Fatal(err)
	}
	if a := b.synced("alpha")[id]; a.State != fleet.Draining {
		t.Errorf("the closed account is %s", a.State)
	}
}

// TestHalfAListing: one page that cannot be read, whichever, and nothing changes,
// not even for what the other pages tell.
func TestHalfAListing(t *testing.T) {
	t.Parallel()
	b := open(t)
	pages := 0
	b.take = func() error { pages++; return nil }
	b.synced("alpha")
	if pages < 4 {
		t.Fatalf("%d pages: the listing is too short for this test", pages)
	}
	b.take = nil
	gone := b.unit(0).Accounts[0]
	b.moveOU(gone, b.unit(0), b.unit(2))
	b.moveOU(b.unit(2).Accounts[0], b.unit(2), b.unit(1)) // news, too
	broken := errors.New("no answer")
	for n := 1; n <= pages; n++ {
		page := 0
		b.take = func() error {
			if page++; page == n {
				return broken
			}
			return nil
		}
		if err := b.Sync(t.Context(), "alpha"); !errors.Is(err, broken) {
			t.Errorf("page %d: %v", n, err)
		}
		if all := b.all(); all[gone].State != fleet.Loaded || len(all) != many+2 {
			t.Fatalf("page %d was not read, and yet: %s, %d accounts", n, all[gone].State, len(all))
		}
	}
	b.take = nil
	if all := b.synced("alpha"); all[gone].State != fleet.Draining || len(all) != many+3 {
		t.Errorf("%s, %d accounts", all[gone].State, len(all))
	}
}

// TestFromOneOrganizationToAnother: the new one takes the account once the old
// one has let go, and proves it empty.
func TestFromOneOrganizationToAnother(t *testing.T) {
	t.Parallel()
	b := open(t)
	theirs := b.sim.Seeded.Organizations[1].Units[0]
	id := theirs.Accounts[0]
	_, err := b.machine.Add(t.Context(), &fleet.Account{ID: id, Org: "alpha", OU: b.unit(0).ID, Purpose: fleet.Production}, "when it was alpha's")
	if err != nil {
		t.Fatal(err)
	}
	before := b.to(id, fleet.UserCreating)
	if a := b.synced("beta")[id]; a.Org != "alpha" || a.Version != before.Version {
		t.Errorf("taken while it is busy: %s %s", a.Org, a.State)
	}
	b.synced("alpha")
	if a := b.all()[id]; !a.Leaving {
		t.Error("alpha does not let go")
	}
	b.to(id, fleet.UserCreated, fleet.Draining)
	a := b.synced("beta")[id]
	if a.Org != "beta" || a.OU != theirs.ID || a.State != fleet.Cleanup || a.Leaving || !a.SweptAt.IsZero() {
		t.Errorf("%s in %s is %s, leaving %v, swept %v", a.Org, a.OU, a.State, a.Leaving, a.SweptAt)
	}
	if a := b.synced("alpha")[id]; a.Org != "beta" || a.State != fleet.Cleanup {
		t.Errorf("alpha claims it back: %s %s", a.Org, a.State)
	}
}

func TestUnknownOrganization(t *testing.T) {
	t.Parallel()
	if err := open(t).Sync(t.Context(), "gamma"); !errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
}
