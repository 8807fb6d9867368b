package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/seal"
)

// The bench of the routes that steer a fleet: its services on the bench's
// stores. AWS alone is not there: whatever it is asked for, it does.

const (
	labName   = "ec2-basics"
	secretKey = "wJalrXUtnFEMI-the-secret-key"
	password  = "the-Passw0rd-of-the-console"
)

var ec2Basics = fleet.LabType{Name: labName, Title: "EC2", Regions: []string{"us-east-1"}, Services: []string{"ec2"}, MaxDuration: 4 * time.Hour, Console: true, Keys: true,
	InstanceTypes: []string{"t3.micro"}, Statements: []fleet.Statement{{Sid: "Look", Effect: "Allow", Actions: []string{"ec2:Describe*"}, Resources: []string{"*"}}}, Probe: "ec2:DescribeInstances"}

var orgs = []fleet.Organization{{Name: "main", ManagementAccount: "999999999999", MemberRole: "kml", Deny: []string{"888888888888"},
	OUs: []fleet.OU{{ID: "ou-1", Purpose: fleet.Production, Warm: 3, WarmFor: []string{labName}}, {ID: "ou-2", Purpose: fleet.Testing}}}}

type fleetBench struct {
	*bench
	assign *assign.Service
	sealer *seal.Sealer
	// waited is what happens while somebody waits for a lab.
	waited func(id string)
	dryRun []fleet.Evidence
	asked  identity.Question
}

// setupFleet makes an API on a fleet without accounts.
func setupFleet(t testing.TB, edits ...func(*bench, *Config)) *fleetBench {
	t.Helper()
	f := &fleetBench{waited: func(string) {}}
	f.bench = setup(t, append([]func(*bench, *Config){func(b *bench, c *Config) { f.wire(t, b, c) }}, edits...)...)
	return f
}

func (f *fleetBench) wire(t testing.TB, b *bench, c *Config) {
	var err error
	f.sealer, err = seal.New("k1", map[string][]byte{"k1": make([]byte, seal.KeySize)})
	must(t, err)
	catalog := labtype.NewCatalog(map[string]fleet.LabType{labName: ec2Basics}, b.db.LabTypeFiles(), b.clock)
	f.assign = assign.New(assign.Config{Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), LabTypes: catalog, Statuses: b.db.LabTypes(), Pool: redis.NewPool(b.redis),
		Machine: b.machine, Granter: willing{}, Sealer: f.sealer, Clock: b.clock, NewID: b.newID})
	c.Sessions, c.Accounts, c.Cleanings, c.Statuses, c.Reports = b.db.Sessions(), b.db.Accounts(), b.db.Cleanings(), b.db.LabTypes(), b.db.Reports()
	c.Organizations, c.LabTypes, c.Labs, c.Settled, c.SignIn, c.Preview = orgs, catalog, f.assign, f, f, f
	c.Operate = failsafe.New(failsafe.Config{Accounts: b.db.Accounts(), Machine: b.machine, LabTypes: b.db.LabTypes(), Log: b.db.Activity(), Requeuer: f.assign, Sessions: f.assign, Clock: b.clock})
	c.Targets, c.Forecast = f, f
	c.DryRun = func(context.Context, string) ([]fleet.Evidence, error) { return f.dryRun, nil }
}

// willing stands in for AWS's part of a hand-out.
type willing struct{}

func (willing) Grant(context.Context, *fleet.Account, fleet.LabType, time.Time) error  { return nil }
func (willing) Extend(context.Context, *fleet.Account, fleet.LabType, time.Time) error { return nil }
func (willing) Refreeze(context.Context, *fleet.Account) error                         { return nil }

// WaitSettled is [Settler]: the wait is what the test says.
func (f *fleetBench) WaitSettled(ctx context.Context, id string, _ time.Duration) (*fleet.Session, error) {
	f.waited(id)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.db.Sessions().Get(ctx, id)
}

// ETA is [Forecast].
func (f *fleetBench) ETA(_ context.Context, l *fleet.Session) (time.Time, bool, error) {
	return t0.Add(time.Minute), l.State == fleet.SessionWaiting, nil
}

// CheckURL is [Targets].
func (f *fleetBench) CheckURL(field, raw string) error {
	if strings.Contains(raw, "inner.test") {
		return &fleet.FieldError{Field: field, Value: raw, Remedy: "give a public address"}
	}
	return nil
}

// SignInLink is [SignIn].
func (f *fleetBench) SignInLink(_ context.Context, s *fleet.Session) (string, time.Time, error) {
	return "https://signin.test/" + s.AccountID, t0.Add(15 * time.Minute), nil
}

// Preview is [Preview].
func (f *fleetBench) Preview(_ context.Context, lt fleet.LabType, q identity.Question) (identity.Answer, error) {
	f.asked = q
	return identity.Answer{Decision: "allowed", Statements: []identity.MatchedBy{{Policy: lt.Name}}}, nil
}

// loaded puts account n into the fleet.
func (f *fleetBench) loaded(t testing.TB, n int) *fleet.Account {
	t.Helper()
	a, err := f.machine.Add(f.ctx, &fleet.Account{ID: fmt.Sprintf("%012d", n), Name: "lab", Org: "main", OU: "ou-1", Purpose: fleet.Production, SweptAt: t0.Add(-time.Hour)}, "new")
	must(t, err)
	return a
}

// warm makes account n ready for a lab.
func (f *fleetBench) warm(t testing.TB, n int) *fleet.Account {
	t.Helper()
	a, err := f.machine.Move(f.ctx, f.loaded(t, n), fleet.UserCreating, "pool below its target", nil)
	must(t, err)
	purpose := fmt.Sprintf("account/%s/%d", a.ID, a.Epoch)
	key, err := f.sealer.Seal(secretKey, purpose)
	must(t, err)
	word, err := f.sealer.Seal(password, purpose)
	must(t, err)
	user := &fleet.User{Name: "kml-" + a.ID, AccessKeyID: "AKIAEXAMPLE", SecretKey: key, Password: word, Epoch: a.Epoch}
	a, err = f.machine.Move(f.ctx, a, fleet.UserCreated, "user stands", func(n *fleet.Account) { n.User, n.ReadyAt = user, f.clock.Now() })
	must(t, err)
	must(t, redis.NewPool(f.redis).Add(f.ctx, a.PoolName(), a.ID, a.RestedSince))
	return a
}

// serveLabs matches what waits and hands it out.
func (f *fleetBench) serveLabs(t testing.TB) {
	t.Helper()
	_, err := f.assign.Match(f.ctx, fleet.Production.Pool())
	must(t, err)
	found, err := f.db.Sessions().Find(f.ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionAssigning}})
	must(t, err)
	for _, s := range found {
		must(t, f.assign.HandOut(f.ctx, s.AccountID, s.Epoch))
	}
}
