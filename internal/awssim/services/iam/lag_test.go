package iam_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

const lag = 4 * time.Second

// TestLag follows every kind of change from the API's view, which is immediate,
// to authorization's, which is late.
func TestLag(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{IAMDelay: lag}), t.Context(), aws.String("ada")
	wait := func() { b.w.Clock.Advance(lag) }
	student, s := b.user(t, "ada", "")
	if keys := must(b.admin.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: u}))(t); len(keys.AccessKeyMetadata) != 1 {
		t.Fatal("IAM's own reads are immediate")
	}
	_, err := s.GetCallerIdentity(ctx, nil)
	want(t, "a new key", err, "InvalidClientTokenId")
	b.w.Clock.Advance(lag - 1)
	_, err = s.GetCallerIdentity(ctx, nil)
	want(t, "a new key just before", err, "InvalidClientTokenId")
	b.w.Clock.Advance(1)
	must(s.GetCallerIdentity(ctx, nil))(t)

	arn := b.policy(t, "p", allowAll)
	must(b.admin.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: arn}))(t)
	_, err = student.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a policy just attached", err, "AccessDenied")
	wait()
	must(student.ListUsers(ctx, &awsiam.ListUsersInput{}))(t)

	must(b.admin.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(denyAll), SetAsDefault: true}))(t)
	must(student.ListUsers(ctx, &awsiam.ListUsersInput{}))(t)
	wait()
	_, err = student.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a version that denies", err, "AccessDenied")

	keys := must(b.admin.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: u}))(t)
	must(b.admin.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: u, AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId}))(t)
	must(s.GetCallerIdentity(ctx, nil))(t)
	wait()
	_, err = s.GetCallerIdentity(ctx, nil)
	want(t, "a deleted key at last", err, "InvalidClientTokenId")
}

// TestFreeze is the end of a lab: one switch of the boundary's default version
// stops the user, its role sessions and its federated sessions alike.
func TestFreeze(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{IAMDelay: lag}), t.Context(), aws.String("ada")
	boundary := b.policy(t, "boundary", denyAll)
	must(b.admin.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: boundary, PolicyDocument: aws.String(allowAll), SetAsDefault: true}))(t)
	_, s := b.user(t, "ada", allowAll)
	must(b.admin.PutUserPermissionsBoundary(ctx, &awsiam.PutUserPermissionsBoundaryInput{UserName: u, PermissionsBoundary: boundary}))(t)
	role := must(b.admin.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trustOwn), PermissionsBoundary: boundary}))(t).Role
	must(b.admin.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("p"), PolicyDocument: aws.String(allowAll)}))(t)
	b.w.Clock.Advance(lag)
	assumed := must(s.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("s1")}))(t).Credentials
	asRole, _ := b.clients(*assumed.AccessKeyId, *assumed.SecretAccessKey, *assumed.SessionToken)
	must(asRole.ListUsers(ctx, &awsiam.ListUsersInput{}))(t)
	own := must(s.GetSessionToken(ctx, nil))(t).Credentials
	_, ownSTS := b.clients(*own.AccessKeyId, *own.SecretAccessKey, *own.SessionToken)
	must(ownSTS.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("s2")}))(t)

	must(b.admin.SetDefaultPolicyVersion(ctx, &awsiam.SetDefaultPolicyVersionInput{PolicyArn: boundary, VersionId: aws.String("v1")}))(t)
	must(asRole.ListUsers(ctx, &awsiam.ListUsersInput{}))(t) // not yet
	b.w.Clock.Advance(lag)
	_, err := asRole.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "the role's session", err, "AccessDenied")
	_, err = ownSTS.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("s3")})
	want(t, "the user's session", err, "AccessDenied")
	_, err = s.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("s4")})
	want(t, "the user's key", err, "AccessDenied")
}

// TestMadeAgain: what is made anew in the very moment of a deletion is not
// swept away with its predecessor.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	b, ctx, r := setup(t, core.Options{}), t.Context(), aws.String("r")
	for range 2 {
		must(b.admin.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(trustOwn)}))(t)
		must(b.admin.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: r}))(t)
	}
	arn := must(b.admin.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(trustOwn)}))(t).Role.Arn
	b.w.Clock.Advance(time.Second)
	must(b.admin.ListUsers(ctx, &awsiam.ListUsersInput{}))(t) // settles
	must(b.sts.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: arn, RoleSessionName: aws.String("sess")}))(t)
}

// BenchmarkDirectory is what every simulated call pays: who signed, what binds.
func BenchmarkDirectory(b *testing.B) {
	w := core.NewWorld(core.Options{})
	dir := iam.New(w)
	w.Do(func() {
		dir.AddAccount(account, "one")
		c, err := dir.AddUser(account, "/", "ada", allowAll)
		if err != nil {
			b.Fatal(err)
		}
		now := w.Clock.Now()
		for b.Loop() {
			_, p, err := dir.Lookup(c.AccessKeyID, "", now)
			if err != nil {
				b.Fatal(err)
			}
			dir.Policies(p, now)
		}
	})
}
