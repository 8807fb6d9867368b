package awsclient_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
)

// epochs is a lease store with one account.
type epochs struct {
	mu  sync.Mutex
	now int64
}

func (e *epochs) Acquire(_ context.Context, _ string, epoch int64, _ string, _ time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if epoch != e.now {
		return fleet.ErrStaleEpoch
	}
	return nil
}

func (e *epochs) Release(context.Context, string, string) error { return nil }

func (e *epochs) claim() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now++
}

// paused is the clock of a worker that sleeps while the world goes on.
type paused struct{ time.Time }

func (p *paused) Now() time.Time { return p.Time }

// fenced gives a simulated AWS and the fleet's provider for its one account.
func fenced(t *testing.T, clock awsclient.Clock, leases fleet.Leases) (*awssim.Server, *awsclient.Provider, awsclient.Target) {
	t.Helper()
	srv, err := awssim.Start(awssim.Config{Options: core.Options{Seed: 1}, Organizations: []awssim.Organization{
		{Name: "school", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "labs", Accounts: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	o := srv.Seeded.Organizations[0]
	p, err := awsclient.New(awsclient.Config{
		Base: aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider(srv.Seeded.Fleet.AccessKeyID, srv.Seeded.Fleet.SecretAccessKey, "")},
		Orgs: []fleet.Organization{{Name: "school", ManagementAccount: o.ManagementAccount, ManagementRole: o.ManagementRole, MemberRole: o.MemberRole,
			OUs: []fleet.OU{{ID: o.Units[0].ID, Purpose: fleet.Testing}}}},
		Leases: leases, Clock: clock, EndpointURL: srv.URL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, p, awsclient.Target{Org: "school", AccountID: o.Units[0].Accounts[0], OU: o.Units[0].ID, Epoch: 1}
}

func createUser(ctx context.Context, c *iam.Client, name string) error {
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	return err
}

// TestAPausedWorkerCanDoNoHarm: a worker stops in the middle of its work, the
// account is claimed anew, and the worker wakes.
func TestAPausedWorkerCanDoNoHarm(t *testing.T) {
	t.Parallel()
	clock, leases := &paused{time.Now()}, &epochs{now: 1}
	srv, p, target := fenced(t, clock, leases)
	s, err := p.Mutator(t.Context(), target, "sweep")
	if err != nil {
		t.Fatal(err)
	}
	c := iam.NewFromConfig(s.Config(""))
	if err := createUser(t.Context(), c, "before"); err != nil {
		t.Fatal(err)
	}
	leases.claim()
	srv.World.Clock.Advance(awsclient.MutatorLife + time.Second)

	// It has not looked at its clock yet, and believes its credentials good.
	if err := createUser(t.Context(), c, "asleep"); awsclient.Classify(err) != awsclient.Denied {
		t.Fatalf("AWS itself must end the session: %v", err)
	}
	// Then it does, and finds its epoch gone.
	clock.Time = clock.Add(awsclient.MutatorLife + time.Second)
	if err := createUser(t.Context(), c, "awake"); !errors.Is(err, fleet.ErrStaleEpoch) {
		t.Fatalf("after waking = %v, want a stale epoch", err)
	}
	for _, r := range srv.World.Inventory(target.AccountID)[target.AccountID] {
		if r.Kind == "user" && r.ID != "before" {
			t.Errorf("user %s was made by a fenced worker", r.ID)
		}
	}
}

// TestAReaderCannotWrite: not even where the gate is not asked.
func TestAReaderCannotWrite(t *testing.T) {
	t.Parallel()
	_, p, target := fenced(t, nil, &epochs{now: 1})
	r, err := p.Reader(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	cfg := r.Config("eu-west-1")
	if _, err := s3.NewFromConfig(cfg).ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil {
		t.Fatalf("a reader cannot read: %v", err)
	}
	cfg.APIOptions = nil
	if err := createUser(t.Context(), iam.NewFromConfig(cfg), "ada"); awsclient.Classify(err) != awsclient.Denied {
		t.Fatalf("a reader's credentials made a user: %v", err)
	}
}
