package readiness_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
	"github.com/kodekloud/kml/internal/readiness"
)

func open(t *testing.T) (*labtest.Lab, *readiness.Service, *fleet.Account) {
	t.Helper()
	l := labtest.Open(t, labtest.Options{LabTypes: []fleet.LabType{labtest.Principals()}, WarmFor: []string{"principals"}})
	a := l.Warm(l.IDs[0])
	l.Sim.World.Clock.Advance(time.Minute)
	return l, readiness.New(l.DB.Accounts(), l.Machine, l.AWS, l.Clock), a
}

func TestReadyIsStamped(t *testing.T) {
	t.Parallel()
	l, s, a := open(t)
	if err := s.Check(t.Context(), a.ID, a.Epoch); err != nil {
		t.Fatal(err)
	}
	now := l.Account(a.ID)
	if now.State != fleet.UserCreated || now.Epoch != a.Epoch || !now.ReadyAt.After(a.ReadyAt) {
		t.Errorf("%s in epoch %d, ready at %v", now.State, now.Epoch, now.ReadyAt)
	}
	for call := range l.Calls(a.ID, nil) {
		if strings.HasPrefix(call, "iam:Put") {
			t.Errorf("a check makes changes: %s", call)
		}
	}
}

// TestNotReady: each of these sends the account to the cleaning, with the reason.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for why, spoil := range map[string]func(context.Context, *iam.Client, *fleet.User) error{
		"the user is gone": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err1 := c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &u.Name, AccessKeyId: &u.AccessKeyID})
			_, err2 := c.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: &u.Name})
			_, err3 := c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &u.Name})
			return errors.Join(err1, err2, err3)
		},
		"does not carry the boundary": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: &u.Name})
			return err
		},
		"boundary does not deny everything": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &u.BoundaryARN, SetAsDefault: true,
				PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
			return err
		},
		"a key that nobody recorded": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &u.Name})
			return err
		},
		"key is gone or inactive": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: &u.Name, AccessKeyId: &u.AccessKeyID, Status: types.StatusTypeInactive})
			return err
		},
		"policies attached already": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &u.Name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
			return err
		},
		"inline policies": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &u.Name, PolicyName: aws.String("x"),
				PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
			return err
		},
		"policies of principals are gone": func(ctx context.Context, c *iam.Client, u *fleet.User) error {
			_, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &u.Policies["principals"].ARNs[0]})
			return err
		},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			l, s, a := open(t)
			if err := spoil(t.Context(), iam.NewFromConfig(l.Root(a.ID, "us-east-1")), a.User); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context(), a.ID, a.Epoch); err != nil {
				t.Fatal(err)
			}
			if now := l.Account(a.ID); now.State != fleet.Cleanup || !strings.Contains(now.Reason, why) {
				t.Errorf("%s: %s", now.State, now.Reason)
			}
		})
	}
}

// TestFailedReadProvesNothing: whatever call fails, the document stays as it is.
func TestFailedReadProvesNothing(t *testing.T) {
	t.Parallel()
	l, s, a := open(t)
	before := l.Calls(a.ID, nil)
	if err := s.Check(t.Context(), a.ID, a.Epoch); err != nil {
		t.Fatal(err)
	}
	a = l.Account(a.ID)
	ops := l.Calls(a.ID, before)
	if len(ops) < 5 {
		t.Fatalf("calls: %v", ops)
	}
	ops["sts:AssumeRole"] = 1
	for op := range ops {
		service, name, _ := strings.Cut(op, ":")
		for _, code := range []string{"AccessDenied", "ServiceUnavailable"} {
			l.Faults(core.FaultRule{Service: service, Op: name, Kind: core.FaultError, Code: code, Status: 403})
			check := s
			if service == "sts" { // the session is remembered: a new worker has none
				check = readiness.New(l.DB.Accounts(), l.Machine, l.NewProvider(), l.Clock)
			}
			if err := check.Check(t.Context(), a.ID, a.Epoch); err == nil {
				t.Errorf("%s with %s: no error", op, code)
			}
			if now := l.Account(a.ID); now.Version != a.Version || !now.ReadyAt.Equal(a.ReadyAt) {
				t.Errorf("%s with %s: the account was written: %s", op, code, now.State)
			}
		}
	}
}

func TestOtherStatesAndEpochsAreLeftAlone(t *testing.T) {
	t.Parallel()
	l, s, a := open(t)
	claimed := l.Claimed(a.ID, "principals", time.Hour)
	calls := l.Calls(a.ID, nil)
	for _, epoch := range []int64{a.Epoch, claimed.Epoch} {
		if err := s.Check(t.Context(), a.ID, epoch); err != nil {
			t.Error(err)
		}
	}
	if more := l.Calls(a.ID, calls); len(more) > 0 || l.Account(a.ID).Version != claimed.Version {
		t.Errorf("a claimed account was looked at: %v", more)
	}
}
