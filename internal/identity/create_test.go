package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

func open(t *testing.T) (*labtest.Lab, string) {
	t.Helper()
	l := labtest.Open(t, labtest.Options{Options: core.Options{Seed: 1, IAMDelay: 4 * time.Second},
		LabTypes: []fleet.LabType{labtest.Principals()}, WarmFor: []string{"principals"}})
	return l, l.IDs[0]
}

// until runs Create as a worker would: again after failures, later when it asks
// for that. It gives all that the failures said.
func until(ctx context.Context, l *labtest.Lab, a *fleet.Account) (said string) {
	l.Helper()
	for range 5 {
		err := l.Users.Create(ctx, a.ID, a.Epoch)
		var snooze *fleet.SnoozeError
		switch {
		case err == nil:
			return said
		case errors.As(err, &snooze):
			l.Sim.World.Clock.Advance(snooze.For)
		default:
			said += err.Error() + "\n"
			l.Faults()
		}
	}
	l.Fatalf("no user after all tries: %s", said)
	return said
}

// oneUser checks that exactly one user stands, with one key, and that it is the
// sealed one.
func oneUser(l *labtest.Lab, id string) {
	l.Helper()
	a := l.Account(id)
	if a.State != fleet.UserCreated || a.User == nil {
		l.Fatalf("the account is %s, user %v", a.State, a.User)
	}
	c := iam.NewFromConfig(l.Root(id, "us-east-1"))
	users, err := c.ListUsers(l.Context(), &iam.ListUsersInput{PathPrefix: aws.String("/kml/")})
	if err != nil || len(users.Users) != 1 || *users.Users[0].UserName != a.User.Name {
		l.Errorf("users under /kml/: %v (%v), the document says %s", users.Users, err, a.User.Name)
	}
	keys, err := c.ListAccessKeys(l.Context(), &iam.ListAccessKeysInput{UserName: &a.User.Name})
	if err != nil || len(keys.AccessKeyMetadata) != 1 || *keys.AccessKeyMetadata[0].AccessKeyId != a.User.AccessKeyID {
		l.Errorf("keys: %v (%v), the document says %s", keys.AccessKeyMetadata, err, a.User.AccessKeyID)
	}
	l.Sim.World.Clock.Advance(5 * time.Second)
	if who, err := sts.NewFromConfig(l.Student(a, "us-east-1")).GetCallerIdentity(l.Context(), nil); err != nil || *who.Arn != a.User.ARN {
		l.Errorf("the sealed key is %v: %v", who, err)
	}
	if _, err := c.GetLoginProfile(l.Context(), &iam.GetLoginProfileInput{UserName: &a.User.Name}); err != nil {
		l.Errorf("console password: %v", err)
	}
	policies, err := c.ListPolicies(l.Context(), &iam.ListPoliciesInput{PathPrefix: aws.String("/kml/")})
	if err != nil || len(policies.Policies) != 1+len(a.User.Policies["principals"].ARNs) {
		l.Errorf("%d policies under /kml/, want the boundary and those of the lab type (%v)", len(policies.Policies), err)
	}
	for _, p := range policies.Policies {
		if *p.DefaultVersionId != "v1" || *p.AttachmentCount != 0 {
			l.Errorf("policy %s: default %s, attached %d times", *p.Arn, *p.DefaultVersionId, *p.AttachmentCount)
		}
	}
}

// TestCreateFromAnyCrash loses a call of each kind, before and after AWS heard
// of it, once and for so long that the worker gives up.
func TestCreateFromAnyCrash(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"CreatePolicy", "CreateUser", "CreateLoginProfile", "ListAccessKeys", "CreateAccessKey"} {
		for _, fault := range []core.FaultRule{
			{Kind: core.FaultResetAfter, Times: 1}, {Kind: core.FaultResetAfter}, {Kind: core.FaultResetBefore}, {Kind: core.FaultError},
		} {
			fault.Service, fault.Op, fault.ID = "iam", op, op
			t.Run(fmt.Sprintf("%s/%s/%d", op, fault.Kind, fault.Times), func(t *testing.T) {
				t.Parallel()
				l, id := open(t)
				a := l.Creating(id)
				l.Faults(fault)
				ctx := t.Context()
				if fault.Times == 0 { // no second attempt cures it
					ctx = awsclient.NoRetry(ctx)
				}
				said := until(ctx, l, a)
				oneUser(l, id)
				a = l.Account(id)
				for _, secret := range []string{l.Secret(a, a.User.SecretKey), l.Secret(a, a.User.Password)} {
					raw, err := bson.MarshalExtJSON(a, false, false)
					if err != nil || strings.Contains(said, secret) || strings.Contains(string(raw), secret) || strings.Contains(fmt.Sprintf("%+v", *a.User), secret) {
						t.Errorf("a secret is in the clear (%v)", err)
					}
				}
			})
		}
	}
}

// TestCreateOvertaken lets a second worker make the user while the first, which
// has made a key, sleeps before it writes: the first must not write a dead key.
func TestCreateOvertaken(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.Creating(id)
	slow := *l.Users
	slow.Machine = overtaken{slow.Machine, func() {
		// The second one dies in its turn before it writes.
		dead := *l.Users
		dead.Machine = overtaken{dead.Machine, nil}
		if err := dead.Create(l.Context(), id, a.Epoch); !errors.Is(err, errDied) {
			t.Errorf("the second worker: %v", err)
		}
	}}
	if err := slow.Create(l.Context(), id, a.Epoch); err == nil {
		t.Error("the first worker wrote a key that the second has deleted")
	}
	until(t.Context(), l, a)
	oneUser(l, id)
}

func TestCreateRefusesForeignThings(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"policy", "user"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l, id := open(t)
			a := l.Creating(id)
			c := iam.NewFromConfig(l.Root(id, "us-east-1"))
			name := fmt.Sprintf("%d-%x", a.Epoch, a.Since.Unix())
			var err error
			if what == "user" {
				_, err = c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("kml-" + name), Path: aws.String("/kml/")})
			} else {
				_, err = c.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("kml-boundary-" + name), Path: aws.String("/kml/"),
					PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
			}
			if err != nil {
				t.Fatal(err)
			}
			err = l.Users.Create(t.Context(), id, a.Epoch)
			var permanent *fleet.PermanentError
			if !errors.Is(err, fleet.ErrExists) || !errors.As(err, &permanent) {
				t.Errorf("a foreign %s was taken: %v", what, err)
			}
			if now := l.Account(id); now.State != fleet.UserCreating {
				t.Errorf("the account is %s", now.State)
			}
		})
	}
}

func TestCreateOfAnotherEpochDoesNothing(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.Creating(id)
	for _, epoch := range []int64{a.Epoch - 1, a.Epoch + 1} {
		if err := l.Users.Create(t.Context(), id, epoch); err != nil {
			t.Error(err)
		}
	}
	if calls := l.Calls(id, nil); len(calls) > 0 {
		t.Errorf("calls were made: %v", calls)
	}
}

func TestUserIsPowerlessBeforeGrant(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.Warm(id)
	l.Sim.World.Clock.Advance(5 * time.Second)
	for name, err := range map[string]error{
		"sqs": second(sqs.NewFromConfig(l.Student(a, "eu-west-1")).ListQueues(t.Context(), nil)),
		"iam": second(iam.NewFromConfig(l.Student(a, "us-east-1")).ListUsers(t.Context(), nil)),
		"sts": second(sts.NewFromConfig(l.Student(a, "us-east-1")).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("x")})),
	} {
		if awsclient.Classify(err) != awsclient.Denied {
			t.Errorf("%s: %v, want a denial", name, err)
		}
	}
	if !slices.Equal(a.Writes, l.Account(id).Writes) {
		t.Error("the account was written to")
	}
}

func second[T any](_ T, err error) error { return err }
