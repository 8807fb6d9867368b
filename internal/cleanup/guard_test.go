package cleanup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// changes are the calls of the fleet's role in the account since a number of
// events that were not reads, marks apart.
func (b *bench) changes(since int) (names []string, events int) {
	b.Sim.World.Do(func() {
		all := b.Sim.World.Trail.All(b.id)
		for _, e := range all[since:] {
			sc := e.UserIdentity.SessionContext
			if !e.ReadOnly && sc != nil && sc.SessionIssuer != nil && sc.SessionIssuer.UserName == b.Org.MemberRole {
				names = append(names, e.EventName+" "+e.ErrorCode)
			}
		}
		events = len(all)
	})
	return names, events
}

// TestDeniedList: what cannot be listed is Unknown, round after round, and the
// account never comes back; the story of the failure says what it was.
func TestDeniedList(t *testing.T) {
	t.Parallel()
	b := open(t, options{rounds: 3})
	b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
	b.Faults(b.denied("ListQueues"))
	var waits []time.Duration
	a := b.Account(b.id)
	b.check(b.Begin(t.Context(), a.ID, a.Epoch))
	b.drive(func() bool {
		run := b.run()
		if a := b.Account(b.id); a.State != fleet.Cleanup && a.State != fleet.Failed {
			t.Fatalf("the account got to %s", a.State)
		}
		if w := run.NextTry.Sub(run.PhaseSince); run.Phase == fleet.PhaseSweep && run.Round > len(waits)+1 {
			waits = append(waits, w)
		}
		return b.Account(b.id).State == fleet.Failed
	}, nil)
	a = b.Account(b.id)
	if a.State != fleet.Failed || !strings.Contains(a.Reason, "sqs in eu-west-1: unknown") || !strings.Contains(a.Reason, "AccessDenied") {
		t.Errorf("the account is %s: %s", a.State, a.Reason)
	}
	if len(waits) != 2 || waits[1] < waits[0]*3/2 || waits[0] < time.Second {
		t.Errorf("rounds began after %v", waits)
	}
	if b.queues() != 1 {
		t.Error("the queue went without being listed")
	}
	if a.LabType != "queues" {
		t.Errorf("lab type %q is forgotten: the next cleaning would not know what to look for", a.LabType)
	}
}

// TestListDeniedForAWhile: the next round finds what the last could not see.
func TestListDeniedForAWhile(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
	f := b.denied("ListQueues")
	f.Times = 5
	b.Faults(f)
	b.clean()
	if b.run().Round < 2 {
		t.Error("Unknown counted as clean")
	}
}

// TestProtectedMeanwhile: an account that comes onto the deny list is not touched
// any more, whatever is half done.
func TestProtectedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, phase := range []fleet.CleaningPhase{"", fleet.PhaseSweep, fleet.PhaseVerify, fleet.PhaseUser, fleet.PhaseReset} {
		t.Run("in "+string(phase), func(t *testing.T) {
			t.Parallel()
			b := open(t, options{})
			b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
			switch phase {
			case "":
			case fleet.PhaseReset:
				b.drive(func() bool { return b.Account(b.id).State == fleet.UserDeleted }, nil)
			default:
				b.drive(func() bool {
					run, err := b.DB.Cleanings().Get(t.Context(), cleanup.RunID(b.id, b.Account(b.id).Epoch))
					return err == nil && run.Phase == phase
				}, nil)
			}
			_, events := b.changes(0)
			o := b.Org
			o.Deny = []string{b.id}
			b.check(b.AWS.SetOrganizations([]fleet.Organization{o}))
			for range 3 {
				for _, s := range b.due() {
					if err := s.do(t.Context()); !errors.Is(err, fleet.ErrProtected) {
						t.Errorf("%s: %v", s.name, err)
					}
				}
			}
			if did, _ := b.changes(events); len(did) > 0 {
				t.Errorf("calls were made: %v", did)
			}
		})
	}
}

// TestDryRun tells what is there, from every wave, and changes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.busy(b.InUse(b.id, "everything", time.Hour))
	_, events := b.changes(0)
	before := b.Sim.World.Inventory(b.id)[b.id]
	told, err := b.DryRun(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	if did, _ := b.changes(events); len(did) > 0 {
		t.Errorf("a dry run made changes: %v", did)
	}
	if after := b.Sim.World.Inventory(b.id)[b.id]; !slices.Equal(before, after) {
		t.Errorf("%d things before, %d after", len(before), len(after))
	}
	for _, kind := range []string{"sqs.queue", "ec2.instance", "ec2.vpc", "iam.role", "s3.bucket", "lambda.function"} {
		if !slices.ContainsFunc(told, func(e cleaner.Event) bool { return e.Action == "planned" && e.Kind == kind }) {
			t.Errorf("%s is not told", kind)
		}
	}
	b.Faults(b.denied("ListQueues"))
	if _, err := b.DryRun(t.Context(), b.id); err == nil {
		t.Error("a dry run that could not list is whole")
	}
}

// TestSettings: what a lab changed of the account itself is as AWS gives it.
func TestSettings(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.ended("queues", func(*fleet.Account) {
		c, ctx := ec2.NewFromConfig(b.Root(b.id, "eu-west-1")), b.Context()
		b.did(c.EnableEbsEncryptionByDefault(ctx, &ec2.EnableEbsEncryptionByDefaultInput{}))
		i := iam.NewFromConfig(b.Root(b.id, "us-east-1"))
		b.did(i.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: aws.Int32(30)}))
		b.did(i.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("mine")}))
	})
	b.clean()
	c := ec2.NewFromConfig(b.Root(b.id, "eu-west-1"))
	if out, err := c.GetEbsEncryptionByDefault(t.Context(), &ec2.GetEbsEncryptionByDefaultInput{}); err != nil || aws.ToBool(out.EbsEncryptionByDefault) {
		t.Errorf("EBS encryption: %v %v", out, err)
	}
	i := iam.NewFromConfig(b.Root(b.id, "us-east-1"))
	if _, err := i.GetAccountPasswordPolicy(t.Context(), &iam.GetAccountPasswordPolicyInput{}); awsclient.Classify(err) != awsclient.Gone {
		t.Errorf("password policy: %v", err)
	}
	if out, err := i.ListAccountAliases(t.Context(), &iam.ListAccountAliasesInput{}); err != nil || len(out.AccountAliases) > 0 {
		t.Errorf("aliases %v: %v", out.AccountAliases, err)
	}
	if lines := b.evidence(); !slices.ContainsFunc(lines, func(e fleet.Evidence) bool { return e.Action == "restored" && e.Phase == "reset" }) {
		t.Error("no evidence of what was restored")
	}
	if len(b.Account(b.id).Quotas) == 0 {
		t.Error("the quotas were not read")
	}
}

// TestHandOutFailed: an account whose hand-out failed is cleaned like any other.
func TestHandOutFailed(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.Warm(b.id)
	b.Move(b.Claimed(b.id, "queues", time.Hour), fleet.AssigningFailed, nil)
	b.clean()
}

// TestFailedBeforeTheFreeze is an account that went to investigation since nobody
// could freeze it: it is frozen there, as soon as AWS answers, and stays there.
func TestFailedBeforeTheFreeze(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	a := b.ended("queues", nil)
	student := sqs.NewFromConfig(b.Student(a, b.LabTypes["queues"].Regions[0]))
	b.Faults(core.FaultRule{ID: "no-iam", Service: "iam", Kind: core.FaultError})
	if err := b.Begin(t.Context(), a.ID, a.Epoch); err == nil {
		t.Fatal("frozen without IAM")
	}
	a = b.Move(b.Account(a.ID), fleet.Failed, nil)
	if err := b.Begin(t.Context(), a.ID, a.Epoch); err == nil {
		t.Fatal("frozen without IAM")
	}
	if _, err := student.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Fatalf("the lab is shut already, so the test shows nothing: %v", err)
	}
	b.Faults()
	b.check(b.Begin(t.Context(), a.ID, a.Epoch))
	b.Sim.World.Clock.Advance(2 * time.Second)
	if _, err := student.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil {
		t.Fatal("the student goes on in a failed account")
	}
	if now := b.Account(a.ID); now.State != fleet.Failed || b.run().FrozenAt.IsZero() {
		t.Fatalf("account %s, frozen at %v", now.State, b.run().FrozenAt)
	}
}

// TestWakesUpLate is the worker that is stopped between its list and its delete,
// while the account goes to the next student, who makes a thing of the same name.
// It wakes with the list in its hands and can do nothing.
func TestWakesUpLate(t *testing.T) {
	t.Parallel()
	asleep, wake := make(chan *cleaner.Resource, 1), make(chan struct{})
	type sleeperKey struct{}
	kind := cleaner.Define(sqs.NewFromConfig, cleaner.Spec[sqs.Client]{Kind: "sqs.queue", Source: "sqs.amazonaws.com",
		List: listQueues, Delete: func(ctx context.Context, c *sqs.Client, r cleaner.Resource) error {
			if ctx.Value(sleeperKey{}) != nil {
				asleep <- &r
				<-wake
			}
			_, err := c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &r.ID})
			return err
		}})
	registry, err := cleaner.NewRegistry(kind)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, options{change: func(_ *labtest.Lab, c *cleanup.Config) { c.Registry = registry }})
	b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
	b.drive(func() bool { return b.due()[0].name != "begin" }, nil)
	sweep := b.due()[0]
	done := make(chan error, 1)
	go func() { done <- sweep.do(context.WithValue(context.WithoutCancel(t.Context()), sleeperKey{}, true)) }()
	<-asleep
	old := b.Account(b.id)
	if len(old.Leases) != 1 {
		t.Fatalf("leases: %v", old.Leases)
	}

	// What AWS thinks of it is asked with credentials that nobody renews.
	mutator, err := b.AWS.Mutator(t.Context(), awsclient.Target{Org: old.Org, AccountID: old.ID, OU: old.OU, Epoch: old.Epoch}, "sleeper")
	b.check(err)
	creds, err := mutator.Config("").Credentials.Retrieve(t.Context())
	b.check(err)

	b.clean() // another worker, to the end
	rested := b.Account(b.id)
	_, err = b.Machine.Move(t.Context(), rested, fleet.UserCreating, "test", nil)
	var snooze *fleet.SnoozeError
	if !errors.As(err, &snooze) || snooze.For < time.Minute {
		t.Fatalf("the account went on while a session may act: %v", err)
	}
	b.Sim.World.Clock.Advance(snooze.For)
	creating := b.Move(rested, fleet.UserCreating, nil)
	b.check(b.Users.Create(t.Context(), b.id, creating.Epoch))
	next := b.Claimed(b.id, "queues", time.Hour)
	b.check(b.Users.Grant(t.Context(), next, b.LabTypes["queues"], next.EndsAt))
	next = b.Move(next, fleet.InUse, nil)
	b.Sim.World.Clock.Advance(2 * time.Second)
	b.queue(next, "eu-west-1", "work")

	stale := sqs.NewFromConfig(b.Key(creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken, "eu-west-1"))
	if _, err := stale.ListQueues(t.Context(), nil); !labtest.Refused(err) {
		t.Errorf("AWS takes the old session: %v", err)
	}
	close(wake)
	if err := <-done; !errors.Is(err, fleet.ErrStaleEpoch) {
		t.Errorf("the sleeper: %v", err)
	}
	if b.queues() != 1 {
		t.Error("the next student's queue is gone")
	}
	if now := b.Account(b.id); now.Version != next.Version || now.State != fleet.InUse {
		t.Errorf("the account was changed: %s", now.State)
	}
}

// TestProtectedBetweenListAndDelete: the unit stays open, and nothing goes.
func TestProtectedBetweenListAndDelete(t *testing.T) {
	t.Parallel()
	var b *bench
	kind := cleaner.Define(sqs.NewFromConfig, cleaner.Spec[sqs.Client]{Kind: "sqs.queue", Source: "sqs.amazonaws.com",
		List: listQueues, Delete: func(ctx context.Context, c *sqs.Client, r cleaner.Resource) error {
			o := b.Org
			o.Deny = []string{b.id}
			b.check(b.AWS.SetOrganizations([]fleet.Organization{o}))
			_, err := c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &r.ID})
			return err
		}})
	registry, err := cleaner.NewRegistry(kind)
	if err != nil {
		t.Fatal(err)
	}
	b = open(t, options{change: func(_ *labtest.Lab, c *cleanup.Config) { c.Registry = registry }})
	b.ended("queues", func(a *fleet.Account) { b.queue(a, "eu-west-1", "work") })
	b.drive(func() bool { return b.due()[0].name != "begin" }, nil)
	if err := b.due()[0].do(t.Context()); !errors.Is(err, fleet.ErrProtected) {
		t.Errorf("the unit: %v", err)
	}
	if b.queues() != 1 || len(b.run().Units) > 0 {
		t.Errorf("%d queues, units done: %v", b.queues(), b.run().Units)
	}
}
