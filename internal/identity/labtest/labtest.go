// Package labtest is a small fleet for the tests of the services that work in
// accounts: a simulated AWS and a MongoDB on loopback sockets, the real drivers,
// role sessions, state machine and sealer, and one clock for all of them.
//
// Invariants:
//   - Nothing is stubbed between a service and the wire.
//   - Time passes only as fast as the code under test waits: whoever waits on the
//     clock moves it.
package labtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jonboulle/clockwork"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/labtype"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/seal"
)

// Options of a Lab. The zero value has one account, no delays and no throttles.
type Options struct {
	core.Options
	Accounts int
	LabTypes []fleet.LabType
	WarmFor  []string
	Monitor  *event.CommandMonitor // of the MongoDB driver
	Budget   fleet.Budget
}

// Lab is the bundle that a test works with.
type Lab struct {
	testing.TB
	Sim      *awssim.Server
	DB       *mongo.DB
	AWS      *awsclient.Provider
	Machine  *lifecycle.Machine
	Sealer   *seal.Sealer
	Users    *identity.Service
	Clock    Clock
	LabTypes labtype.Fixed
	Orgs     map[string]fleet.Organization
	Org      fleet.Organization
	Unit     fleet.OU
	IDs      []string // of the seeded accounts

	budget fleet.Budget
}

// Clock is the simulated world's, which whoever waits moves forward.
type Clock struct {
	clockwork.Clock
	World *core.World
}

// Now is the world's time.
func (c Clock) Now() time.Time { return c.World.Clock.Now() }

// Since counts from t to the world's time.
func (c Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until counts from the world's time to t.
func (c Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// After moves the world's time by d and rings.
func (c Clock) After(d time.Duration) <-chan time.Time {
	c.World.Clock.Advance(d)
	ring := make(chan time.Time, 1)
	ring <- c.Now()
	return ring
}

// Open starts everything; it stops with the test.
func Open(t testing.TB, o Options) *Lab {
	t.Helper()
	sim, err := awssim.Start(awssim.Config{Options: o.Options, Organizations: []awssim.Organization{
		{Name: "school", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "production", Accounts: max(1, o.Accounts)}, {Name: "elsewhere"}}},
	}})
	check(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	l := &Lab{TB: t, Sim: sim, Clock: Clock{clockwork.NewRealClock(), sim.World}, LabTypes: labtype.Fixed{}}
	for _, lt := range o.LabTypes {
		l.LabTypes[lt.Name] = lt
	}
	seeded := sim.Seeded.Organizations[0]
	l.Unit = fleet.OU{ID: seeded.Units[0].ID, Purpose: fleet.Production, WarmFor: o.WarmFor}
	l.Org = fleet.Organization{Name: "school", ManagementAccount: seeded.ManagementAccount, ManagementRole: seeded.ManagementRole,
		MemberRole: seeded.MemberRole, OUs: []fleet.OU{l.Unit}}
	l.Orgs, l.IDs = map[string]fleet.Organization{"school": l.Org}, seeded.Units[0].Accounts
	l.openStores(o)
	l.budget = o.Budget
	l.AWS = l.NewProvider()
	l.Sealer, err = seal.New("test", map[string][]byte{"test": []byte("0123456789abcdef0123456789abcdef")})
	check(t, err)
	l.Machine = lifecycle.New(l.DB.Accounts(), l.DB.Activity(), l.Clock)
	l.Users = identity.New(identity.Config{Accounts: l.DB.Accounts(), Machine: l.Machine, AWS: l.AWS, Orgs: l.Orgs, LabTypes: l.LabTypes, Sealer: l.Sealer, Clock: l.Clock, SignInURL: sim.URL() + "/_signin"})
	return l
}

// NewProvider gives the way into AWS of one more worker.
func (l *Lab) NewProvider() *awsclient.Provider {
	l.Helper()
	own := l.Sim.Seeded.Fleet
	p, err := awsclient.New(awsclient.Config{Orgs: []fleet.Organization{l.Org}, Leases: l.DB.Leases(), Clock: l.Clock, EndpointURL: l.Sim.URL(), Budget: l.budget,
		Base: aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(own.AccessKeyID, own.SecretAccessKey, "")}})
	check(l, err)
	return p
}

func (l *Lab) openStores(o Options) {
	store, err := mongosim.Start(mongosim.Config{Path: ":memory:", Now: l.Clock.Now})
	check(l, err)
	l.Cleanup(func() { _ = store.Close() })
	with := []mongo.Option{mongo.WithClock(l.Clock)}
	if o.Monitor != nil {
		with = append(with, mongo.WithMonitor(o.Monitor))
	}
	l.DB, err = mongo.Open(l.Context(), store.URI(), "kml", with...)
	check(l, err)
	l.Cleanup(func() { _ = l.DB.Close(context.Background()) })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Account reads an account.
func (l *Lab) Account(id string) *fleet.Account {
	l.Helper()
	a, err := l.DB.Accounts().Get(l.Context(), id)
	check(l, err)
	return a
}

// Move moves an account on.
func (l *Lab) Move(a *fleet.Account, to fleet.State, mutate func(*fleet.Account)) *fleet.Account {
	l.Helper()
	a, err := l.Machine.Move(l.Context(), a, to, "test", mutate)
	check(l, err)
	return a
}

// Creating adds an account that is proven empty, and has its user made next.
func (l *Lab) Creating(id string) *fleet.Account {
	l.Helper()
	a, err := l.Machine.Add(l.Context(), &fleet.Account{ID: id, Name: "lab", Email: id + "@example.org", Org: "school", OU: l.Unit.ID,
		Purpose: l.Unit.Purpose, SweptAt: l.Clock.Now()}, "test")
	check(l, err)
	return l.Move(a, fleet.UserCreating, nil)
}

// Warm brings an account into the pool.
func (l *Lab) Warm(id string) *fleet.Account {
	l.Helper()
	a := l.Creating(id)
	check(l, l.Users.Create(l.Context(), id, a.Epoch))
	return l.Account(id)
}

// Claimed takes a warm account for a session.
func (l *Lab) Claimed(id, labType string, d time.Duration) *fleet.Account {
	l.Helper()
	end := l.Clock.Now().Add(d).UTC().Truncate(time.Second)
	return l.Move(l.Account(id), fleet.Assigning, func(n *fleet.Account) {
		n.SessionID, n.AttemptID, n.LabType, n.EndsAt = "session-"+id, "attempt", labType, end
	})
}

// InUse hands an account out, by way of all that comes before.
func (l *Lab) InUse(id, labType string, d time.Duration) *fleet.Account {
	l.Helper()
	l.Warm(id)
	a := l.Claimed(id, labType, d)
	check(l, l.Users.Grant(l.Context(), a, l.LabTypes[labType], a.EndsAt))
	return l.Move(a, fleet.InUse, nil)
}

// Secret opens what is sealed with the account's user.
func (l *Lab) Secret(a *fleet.Account, s fleet.Sealed) string {
	l.Helper()
	plain, err := l.Sealer.Open(s, SealPurpose(a))
	check(l, err)
	return plain
}

// Student signs with the key of the account's user.
func (l *Lab) Student(a *fleet.Account, region string) aws.Config {
	l.Helper()
	return l.Key(a.User.AccessKeyID, l.Secret(a, a.User.SecretKey), "", region)
}

// Key signs with any credentials. It tries again, since the clock of a client is
// not the world's.
func (l *Lab) Key(id, secret, token, region string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(l.Sim.URL()), Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 10 * time.Millisecond })
		}}
}

// Root signs with a session of an administrator who is none of the lab's and whom
// nothing of the fleet binds: what nobody could do from inside the lab.
func (l *Lab) Root(account, region string) aws.Config {
	l.Helper()
	var key aws.Credentials
	var role string
	l.Sim.World.Do(func() {
		role = "AWSReservedRoot" + l.Sim.World.Hex(6)
		_, err := l.Sim.IAM.AddRole(account, "/aws-reserved/", role,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+l.Org.ManagementAccount+`:root"},"Action":"sts:AssumeRole"}]}`,
			"arn:aws:iam::aws:policy/AdministratorAccess")
		check(l, err)
		k, err := l.Sim.IAM.AddUser(l.Org.ManagementAccount, "/", role, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		check(l, err)
		key.AccessKeyID, key.SecretAccessKey = k.AccessKeyID, k.SecretAccessKey
	})
	l.Sim.World.Clock.Advance(l.Sim.World.Options.IAMDelay)
	out, err := sts.NewFromConfig(l.Key(key.AccessKeyID, key.SecretAccessKey, "", "us-east-1")).AssumeRole(l.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/aws-reserved/" + role), RoleSessionName: aws.String("root")})
	check(l, err)
	return l.Key(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken, region)
}

// Refused says whether AWS would not let a call through, by the codes that the
// services have for it; a wrong or old signature is another matter.
func Refused(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "InvalidClientTokenId", "UnrecognizedClientException"}, awsclient.Code(err))
}

// Faults replaces the faults of the simulated AWS.
func (l *Lab) Faults(rules ...core.FaultRule) { l.Sim.World.SetFaults(rules) }

// Calls counts the fleet's calls in an account that succeeded or failed since
// the counts given (nil: since the start), by "service:Operation".
func (l *Lab) Calls(account string, since map[string]int) map[string]int {
	out := map[string]int{}
	for _, c := range l.Sim.World.Counters() {
		if c.Account == account && c.Role == l.Org.MemberRole {
			out[c.Service+":"+c.Op] += int(c.N)
		}
	}
	for k, n := range since {
		if out[k] -= n; out[k] == 0 {
			delete(out, k)
		}
	}
	return out
}

// Left tells what the oracle knows of in an account that neither AWS nor the
// fleet put there.
func (l *Lab) Left(account string, more ...func(core.Resource) bool) []core.Resource {
	return slices.DeleteFunc(l.Sim.World.Inventory(account)[account], func(r core.Resource) bool {
		own := r.Default && r.State != "modified" || r.Kind == "system-backup"
		for _, path := range []string{"/kml/", "/aws-service-role/", "/aws-reserved/"} {
			own = own || len(r.Path) >= len(path) && r.Path[:len(path)] == path
		}
		return own || slices.ContainsFunc(more, func(f func(core.Resource) bool) bool { return f(r) })
	})
}
