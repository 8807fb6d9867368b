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
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

const all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func trust(account string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"sts:AssumeRole"}]}`)
}

// waysIn opens every way into the lab that a student can, by name.
func waysIn(l *labtest.Lab, a *fleet.Account) map[string]aws.Config {
	l.Helper()
	ctx, own := l.Context(), l.Student(a, "us-east-1")
	c, tokens := iam.NewFromConfig(own), sts.NewFromConfig(own)
	out := map[string]aws.Config{"the student's key": own}
	out["a user that the student made"] = user(l, c, "/lab/", "friend", &a.User.BoundaryARN)
	role := must(l, second2(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), Path: aws.String("/lab/"),
		AssumeRolePolicyDocument: trust(a.ID), PermissionsBoundary: &a.User.BoundaryARN})))
	must(l, second2(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("all"), PolicyDocument: aws.String(all)})))
	l.Sim.World.Clock.Advance(5 * time.Second)
	assumed := must(l, second2(tokens.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("someone")})))
	out["a session of a role that the student made"] = session(l, assumed.Credentials)
	got := must(l, second2(tokens.GetSessionToken(ctx, &sts.GetSessionTokenInput{})))
	out["a session of the student's own user"] = session(l, got.Credentials)
	federated := must(l, second2(tokens.GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("someone"), Policy: aws.String(all)})))
	out["a federated session"] = session(l, federated.Credentials)
	return out
}

// user makes a user that may do everything, and gives its key.
func user(l *labtest.Lab, c *iam.Client, path, name string, boundary *string) aws.Config {
	l.Helper()
	ctx := l.Context()
	must(l, second2(c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: &path, PermissionsBoundary: boundary})))
	must(l, second2(c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("all"), PolicyDocument: aws.String(all)})))
	key := must(l, second2(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name}))).AccessKey
	return l.Key(*key.AccessKeyId, *key.SecretAccessKey, "", "us-east-1")
}

func session(l *labtest.Lab, c *ststypes.Credentials) aws.Config {
	return l.Key(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, "us-east-1")
}

type result[T any] struct {
	v   T
	err error
}

func second2[T any](v T, err error) result[T] { return result[T]{v, err} }

func must[T any](l *labtest.Lab, r result[T]) T {
	l.Helper()
	if r.err != nil {
		l.Fatal(r.err)
	}
	return r.v
}

// each says what became of a call that the lab allows, in each of its Regions.
func each(ctx context.Context, cfg aws.Config) (errs []error) {
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		c := cfg.Copy()
		c.Region = region
		_, err := sqs.NewFromConfig(c).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("mine")})
		errs = append(errs, err)
	}
	return errs
}

func works(ctx context.Context, cfg aws.Config) error { return errors.Join(each(ctx, cfg)...) }

func allDead(l *labtest.Lab, when string, ways map[string]aws.Config) {
	l.Helper()
	for name, cfg := range ways {
		for _, err := range each(l.Context(), cfg) {
			if !labtest.Refused(err) {
				l.Errorf("%s: %s: %v, want a denial", when, name, err)
			}
		}
	}
}

func allAlive(l *labtest.Lab, when string, ways map[string]aws.Config) {
	l.Helper()
	for name, cfg := range ways {
		if err := works(l.Context(), cfg); err != nil && !strings.HasPrefix(name, "a federated") {
			l.Errorf("%s: %s: %v", when, name, err)
		}
	}
}

// TestAWSEndsTheLab: what the student holds works until the end and not a second
// longer, with nobody there to end it.
func TestAWSEndsTheLab(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.InUse(id, "principals", time.Hour)
	ways := waysIn(l, a)
	l.Sim.World.Clock.Advance(5 * time.Second)
	allAlive(l, "during the lab", ways)
	elsewhere := l.Student(a, "ap-south-1")
	if _, err := sqs.NewFromConfig(elsewhere).ListQueues(t.Context(), nil); awsclient.Classify(err) != awsclient.Denied {
		t.Errorf("in a Region that is none of the lab's: %v", err)
	}
	l.Sim.World.Clock.Freeze(a.EndsAt.Add(-time.Second))
	allAlive(l, "a second before the end", ways)
	calls := l.Calls(id, nil)
	l.Sim.World.Clock.Freeze(a.EndsAt)
	allDead(l, "at the end", ways)
	if more := l.Calls(id, calls); len(more) > 0 {
		t.Errorf("the fleet was needed for it: %v", more)
	}
}

func TestGrantAgain(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"AttachUserPolicy", "CreatePolicyVersion"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			l, id := open(t)
			l.Warm(id)
			a := l.Claimed(id, "principals", time.Hour)
			l.Faults(faultAfter(op))
			if err := l.Users.Grant(awsclient.NoRetry(t.Context()), a, l.LabTypes["principals"], a.EndsAt); err == nil {
				t.Fatal("the lost reply was not noticed")
			}
			l.Faults()
			for range 6 { // more often than a policy has versions
				if err := l.Users.Grant(t.Context(), a, l.LabTypes["principals"], a.EndsAt); err != nil {
					t.Fatal(err)
				}
			}
			if err := works(t.Context(), l.Student(a, "us-east-1")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGrantOfAChangedLabType: the policies made ahead are not what the lab type
// says today.
func TestGrantOfAChangedLabType(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	l.Warm(id)
	a := l.Claimed(id, "principals", time.Hour)
	lt := labtest.Principals()
	lt.Statements = append(lt.Statements, fleet.Statement{Sid: "No", Effect: "Deny", Actions: []string{"sqs:DeleteQueue"}, Resources: []string{"*"}})
	if err := l.Users.Grant(t.Context(), a, lt, a.EndsAt); err != nil {
		t.Fatal(err)
	}
	l.Sim.World.Clock.Advance(5 * time.Second)
	own := sqs.NewFromConfig(l.Student(a, "us-east-1"))
	q := must(l, second2(own.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("mine")})))
	if _, err := own.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: q.QueueUrl}); awsclient.Classify(err) != awsclient.Denied {
		t.Errorf("the old policies were attached: %v", err)
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.InUse(id, "principals", time.Hour)
	lt, c := l.LabTypes["principals"], iam.NewFromConfig(l.Root(id, "us-east-1"))
	end := a.EndsAt
	for range 7 {
		end = end.Add(10 * time.Minute)
		if err := l.Users.Extend(t.Context(), a, lt, end); err != nil {
			t.Fatal(err)
		}
		l.Sim.World.Clock.Advance(time.Second) // versions are told apart by their time
		versions := must(l, second2(c.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: &a.User.BoundaryARN}))).Versions
		ids := make([]string, 0, len(versions))
		for _, v := range versions {
			ids = append(ids, *v.VersionId)
		}
		if !slices.Contains(ids, "v1") || len(ids) > 5 {
			t.Fatalf("versions %v: the frozen one must stay", ids)
		}
	}
	l.Sim.World.Clock.Freeze(end.Add(-time.Second))
	if err := works(t.Context(), l.Student(a, "us-east-1")); err != nil {
		t.Errorf("before the later end: %v", err)
	}
	l.Sim.World.Clock.Freeze(end)
	allDead(l, "at the later end", map[string]aws.Config{"the key": l.Student(a, "us-east-1")})
}

// TestFreezeKills: everything that the student holds, and whatever else somebody
// made in the account, is dead within IAM's delay after an early end.
func TestFreezeKills(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.InUse(id, "principals", time.Hour)
	ways := waysIn(l, a)
	root := l.Root(id, "us-east-1")
	ways["a user without the boundary"] = user(l, iam.NewFromConfig(root), "/", "stranger", nil)
	c := iam.NewFromConfig(root)
	must(l, second2(c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("stranger"), AssumeRolePolicyDocument: trust(id)})))
	must(l, second2(c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("stranger"), PolicyName: aws.String("all"), PolicyDocument: aws.String(all)})))
	l.Sim.World.Clock.Advance(5 * time.Second)
	assumed := must(l, second2(sts.NewFromConfig(root).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + id + ":role/stranger"), RoleSessionName: aws.String("someone")})))
	ways["a session of a role without the boundary"] = session(l, assumed.Credentials)
	allAlive(l, "during the lab", ways)

	a = l.Move(a, fleet.Cleanup, nil)
	freeze(l, a)
	l.Sim.World.Clock.Advance(4 * time.Second)
	allDead(l, "after the freeze", ways)
	c = iam.NewFromConfig(l.Root(id, "us-east-1")) // the first one is frozen too
	if keys := must(l, second2(c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &a.User.Name}))); len(keys.AccessKeyMetadata) > 0 {
		t.Errorf("keys are left: %v", keys.AccessKeyMetadata)
	}
	if _, err := c.GetLoginProfile(t.Context(), &iam.GetLoginProfileInput{UserName: &a.User.Name}); awsclient.Classify(err) != awsclient.Gone {
		t.Errorf("the console password is left: %v", err)
	}
	freeze(l, a) // again, and the fleet's own role still can
	if err := deleteAll(l, a); err == nil {
		t.Error("the boundary is still on what the student made: its deletion cannot have succeeded")
	}
}

func freeze(l *labtest.Lab, a *fleet.Account) {
	l.Helper()
	if err := tryFreeze(l, a); err != nil {
		l.Fatal(err)
	}
}

func tryFreeze(l *labtest.Lab, a *fleet.Account) error {
	sess, err := l.AWS.Mutator(l.Context(), awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}, "test")
	if err != nil {
		return err
	}
	return errors.Join(l.Users.Freeze(l.Context(), sess, a, l.LabTypes["principals"]), sess.Close(l.Context()))
}

func deleteAll(l *labtest.Lab, a *fleet.Account) error {
	sess, err := l.AWS.Mutator(l.Context(), awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}, "test")
	if err != nil {
		return err
	}
	return errors.Join(l.Users.Delete(l.Context(), sess), sess.Close(l.Context()))
}

// TestFreezeDisarmsWithoutTheSealingKey: that the secret cannot be opened is a
// failure, but no reason to leave the credentials alive.
func TestFreezeDisarmsWithoutTheSealingKey(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.Move(l.InUse(id, "principals", time.Hour), fleet.Cleanup, nil)
	a.User.SecretKey.Data[0] ^= 1
	err := tryFreeze(l, a)
	var permanent *fleet.PermanentError
	if !errors.As(err, &permanent) {
		t.Errorf("%v, want a permanent failure", err)
	}
	keys := must(l, second2(iam.NewFromConfig(l.Root(id, "us-east-1")).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &a.User.Name})))
	if len(keys.AccessKeyMetadata) > 0 {
		t.Error("the key is left")
	}
}

// TestFreezeIsRepeatedAfterAnExtension: an extension that sleeps through the end
// of the lab and writes its version after the freeze opens nothing for good.
func TestFreezeIsRepeatedAfterAnExtension(t *testing.T) {
	t.Parallel()
	l, id := open(t)
	a := l.InUse(id, "principals", time.Hour)
	ways := waysIn(l, a)
	sleeper, err := l.AWS.Mutator(t.Context(), awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}, "extend")
	if err != nil {
		t.Fatal(err)
	}
	doc := *must(l, second2(iam.NewFromConfig(sleeper.Config("")).GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &a.User.BoundaryARN, VersionId: aws.String("v2")}))).PolicyVersion.Document
	a = l.Move(a, fleet.Cleanup, nil)
	var snooze *fleet.SnoozeError
	if err := tryFreeze(l, a); !errors.As(err, &snooze) {
		t.Fatalf("%v, want a snooze: a session may still write", err)
	}
	if _, err := iam.NewFromConfig(sleeper.Config("")).CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &a.User.BoundaryARN, PolicyDocument: unescaped(doc), SetAsDefault: true}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err = tryFreeze(l, a); !errors.As(err, &snooze) {
			break
		}
		l.Sim.World.Clock.Advance(snooze.For)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iam.NewFromConfig(sleeper.Config("")).CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &a.User.BoundaryARN, PolicyDocument: unescaped(doc), SetAsDefault: true}); err == nil {
		t.Error("the sleeper wrote after the last freeze")
	}
	l.Sim.World.Clock.Advance(4 * time.Second)
	allDead(l, "after the last freeze", ways)
}

// TestDelete takes all of the fleet's own, of earlier epochs too, over any number
// of pages, from any crash point.
func TestDelete(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"", "DeleteAccessKey", "DeleteLoginProfile", "DetachUserPolicy", "DeleteUser", "DeletePolicyVersion", "DeletePolicy"} {
		t.Run("lost "+op, func(t *testing.T) {
			t.Parallel()
			l, id := open(t)
			a := l.InUse(id, "principals", time.Hour)
			c := iam.NewFromConfig(l.Root(id, "us-east-1"))
			for i := range 120 { // more than a page
				must(l, second2(c.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprintf("old-%d", i)), Path: aws.String("/kml/"), PolicyDocument: aws.String(all)})))
			}
			user(l, c, "/kml/", "old", nil)
			a = l.Move(a, fleet.Cleanup, nil)
			if op != "" {
				f := faultAfter(op)
				f.Times = 1
				l.Faults(f)
			}
			if err := deleteAll(l, a); err != nil {
				if op == "" {
					t.Fatal(err)
				}
				l.Faults()
				if err := deleteAll(l, a); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range l.Sim.World.Inventory(id)[id] {
				if strings.HasPrefix(r.Path, "/kml/") {
					t.Errorf("left: %s %s", r.Kind, r.ID)
				}
			}
		})
	}
}
