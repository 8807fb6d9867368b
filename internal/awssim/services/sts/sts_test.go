package sts_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/sts"
)

const (
	fleet    = "111111111111"
	lab      = "222222222222"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
)

// bundle is the fleet's account with an administrator, and a lab's account with
// a role that trusts the fleet's.
type bundle struct {
	w     *core.World
	iam   *iam.IAM
	url   string
	start time.Time
	admin *awssts.Client
	role  string
}

func setup(t *testing.T, trust string) *bundle {
	t.Helper()
	w := core.NewWorld(core.Options{})
	b := &bundle{w: w, iam: iam.New(w), start: time.Now().UTC().Truncate(time.Second)}
	sts.New(w, b.iam)
	var c iam.Credentials
	w.Do(func() {
		w.Clock.Freeze(b.start)
		b.iam.AddAccount(fleet, "fleet")
		b.iam.AddAccount(lab, "lab")
		var err error
		if c, err = b.iam.AddUser(fleet, "/", "admin", allowAll); err != nil {
			t.Fatal(err)
		}
		r, err := b.iam.AddRole(lab, "/kml/", "worker", trust, "arn:aws:iam::aws:policy/AdministratorAccess")
		if err != nil {
			t.Fatal(err)
		}
		b.role = r.ARN()
	})
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.admin = awssts.NewFromConfig(b.config(c.AccessKeyID, c.SecretAccessKey, ""))
	return b
}

func trusting(principal, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession"]` + more + `}]}`
}

func (b *bundle) config(id, secret, token string) aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: &b.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token)}
}

func (b *bundle) as(c *types.Credentials) aws.Config {
	return b.config(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func (b *bundle) assume(t *testing.T, in awssts.AssumeRoleInput) *types.Credentials {
	t.Helper()
	in.RoleArn = &b.role
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("sess")
	}
	out, err := b.admin.AssumeRole(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Credentials
}

func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Fatalf("%s: error %q (%v); want %q", what, got, err, code)
	}
}

func TestAssumeRoleAcrossAccounts(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	c := b.assume(t, awssts.AssumeRoleInput{})
	if !strings.HasPrefix(*c.AccessKeyId, "ASIA") || !c.Expiration.Equal(b.start.Add(time.Hour)) {
		t.Fatalf("credentials = %s until %s", *c.AccessKeyId, c.Expiration)
	}
	who, err := awssts.NewFromConfig(b.as(c)).GetCallerIdentity(ctx, nil)
	if err != nil || *who.Arn != "arn:aws:sts::222222222222:assumed-role/worker/sess" || !strings.HasSuffix(*who.UserId, ":sess") {
		t.Fatalf("caller = %+v, %v", who, err)
	}
	info, err := b.admin.GetAccessKeyInfo(ctx, &awssts.GetAccessKeyInfoInput{AccessKeyId: c.AccessKeyId})
	if err != nil || *info.Account != lab {
		t.Fatalf("the key's account = %v, %v", info, err)
	}
	_, err = b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::222222222222:role/nobody"), RoleSessionName: aws.String("sess")})
	want(t, "a role that does not exist", err, "AccessDenied")
	b.w.Do(func() {
		if n := len(b.w.Trail.All(lab)); n != 2 { // AssumeRole of the fleet, GetCallerIdentity of the session
			t.Errorf("the lab's history has %d events", n)
		}
	})
}

func TestTrustPolicy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := setup(t, trusting("arn:aws:iam::222222222222:root", ""))
	_, err := b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess")})
	want(t, "an account that is not trusted", err, "AccessDenied")

	b = setup(t, trusting("arn:aws:iam::111111111111:root", `,"Condition":{"StringEquals":{"sts:ExternalId":"secret"}}`))
	_, err = b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess")})
	want(t, "without the external id", err, "AccessDenied")
	b.assume(t, awssts.AssumeRoleInput{ExternalId: aws.String("secret")})
}

func TestDurations(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	for secs, code := range map[int32]string{899: "ValidationError", 900: "", 3600: "", 3601: "ValidationError"} {
		_, err := b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess"), DurationSeconds: &secs})
		want(t, "DurationSeconds", err, code)
	}
	c := b.assume(t, awssts.AssumeRoleInput{DurationSeconds: aws.Int32(900)})
	s := awssts.NewFromConfig(b.as(c))
	iamc := awsiam.NewFromConfig(b.as(c))
	if _, err := iamc.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("long"), MaxSessionDuration: aws.Int32(43200),
		AssumeRolePolicyDocument: aws.String(trusting("arn:aws:iam::222222222222:root", ""))}); err != nil {
		t.Fatal(err)
	}
	_, err := s.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::222222222222:role/long"), RoleSessionName: aws.String("chain"), DurationSeconds: aws.Int32(3601)})
	want(t, "a chained session over an hour", err, "ValidationError")
	b.w.Clock.Advance(15*time.Minute - 1)
	_, err = iamc.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "just before the end", err, "")
	b.w.Clock.Advance(1)
	_, err = iamc.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "at the end", err, "ExpiredToken")
}

// TestSessionPolicyTime is the lease of a worker: AWS itself ends it.
func TestSessionPolicyTime(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	lease := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
		"Condition":{"DateLessThan":{"aws:CurrentTime":"` + b.start.Add(2*time.Minute).Format(time.RFC3339) + `"}}}]}`
	c := awsiam.NewFromConfig(b.as(b.assume(t, awssts.AssumeRoleInput{Policy: &lease})))
	b.w.Clock.Advance(2*time.Minute - time.Second)
	_, err := c.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "within the lease", err, "")
	b.w.Clock.Advance(time.Second)
	_, err = c.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "after the lease", err, "AccessDenied")
}

func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	c := awsiam.NewFromConfig(b.as(b.assume(t, awssts.AssumeRoleInput{PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String(readOnly)}}})))
	_, err := c.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "read with a read-only session", err, "")
	_, err = c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("u")})
	want(t, "write with a read-only session", err, "AccessDenied")
	_, err = b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess"), Policy: aws.String("{")})
	want(t, "a session policy that is none", err, "MalformedPolicyDocument")
	_, err = b.admin.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess"),
		PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::111111111111:policy/none")}}})
	want(t, "a session policy of nobody", err, "MalformedPolicyDocument")
}

// TestDeletedRole: its sessions can do nothing any more, and a role made anew
// under the same name does not revive them.
func TestDeletedRole(t *testing.T) {
	t.Parallel()
	trust := trusting("arn:aws:iam::111111111111:root", "")
	b, ctx := setup(t, trust), t.Context()
	old := awsiam.NewFromConfig(b.as(b.assume(t, awssts.AssumeRoleInput{})))
	name, path, admin := aws.String("worker"), aws.String("/kml/"), aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
	if _, err := old.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: name, PolicyArn: admin}); err != nil {
		t.Fatal(err)
	}
	_, err := old.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a live session feels the detached policy", err, "AccessDenied")
	var c iam.Credentials
	b.w.Do(func() { c, err = b.iam.AddUser(lab, "/", "admin", allowAll) })
	if err != nil {
		t.Fatal(err)
	}
	adm := awsiam.NewFromConfig(b.config(c.AccessKeyID, c.SecretAccessKey, ""))
	if _, err := adm.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: name, Path: path, AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: name, PolicyArn: admin}); err != nil {
		t.Fatal(err)
	}
	_, err = old.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a session of the role's predecessor", err, "AccessDenied")
	fresh := awsiam.NewFromConfig(b.as(b.assume(t, awssts.AssumeRoleInput{})))
	_, err = fresh.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a session of the new role", err, "")
}

// TestTrustedUserMadeAnew: a trust policy means the very user that it named.
func TestTrustedUserMadeAnew(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:user/admin", "")), t.Context()
	b.assume(t, awssts.AssumeRoleInput{})
	var root iam.Credentials
	b.w.Do(func() { root = b.iam.RootKey(fleet) })
	r := awsiam.NewFromConfig(b.config(root.AccessKeyID, root.SecretAccessKey, ""))
	u := aws.String("admin")
	keys, err := r.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: u})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []func() error{
		func() error {
			_, err := r.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: u, AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
			return err
		},
		func() error {
			_, err := r.DeleteUserPolicy(ctx, &awsiam.DeleteUserPolicyInput{UserName: u, PolicyName: aws.String("seeded")})
			return err
		},
		func() error { _, err := r.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: u}); return err },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	var again iam.Credentials
	b.w.Do(func() { again, err = b.iam.AddUser(fleet, "/", "admin", allowAll) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = awssts.NewFromConfig(b.config(again.AccessKeyID, again.SecretAccessKey, "")).AssumeRole(ctx,
		&awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess")})
	want(t, "the namesake", err, "AccessDenied")
	_, err = awssts.NewFromConfig(b.config(root.AccessKeyID, root.SecretAccessKey, "")).AssumeRole(ctx,
		&awssts.AssumeRoleInput{RoleArn: &b.role, RoleSessionName: aws.String("sess")})
	want(t, "the root user", err, "AccessDenied")
}

func TestTags(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	onlyTeam := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}`
	tags := func(v string) []types.Tag { return []types.Tag{{Key: aws.String("team"), Value: &v}} }
	for v, code := range map[string]string{"red": "", "blue": "AccessDenied"} {
		c := b.assume(t, awssts.AssumeRoleInput{Policy: &onlyTeam, Tags: tags(v), TransitiveTagKeys: []string{"team"}})
		_, err := awsiam.NewFromConfig(b.as(c)).ListUsers(ctx, &awsiam.ListUsersInput{})
		want(t, "team "+v, err, code)
	}
	first := b.assume(t, awssts.AssumeRoleInput{Tags: tags("red"), TransitiveTagKeys: []string{"team"}})
	adm := awsiam.NewFromConfig(b.as(first))
	if _, err := adm.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("second"), AssumeRolePolicyDocument: aws.String(trusting("arn:aws:iam::222222222222:root", ""))}); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: aws.String("second"), PolicyName: aws.String("p"), PolicyDocument: &onlyTeam}); err != nil {
		t.Fatal(err)
	}
	chained, err := awssts.NewFromConfig(b.as(first)).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::222222222222:role/second"), RoleSessionName: aws.String("sess")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsiam.NewFromConfig(b.as(chained.Credentials)).ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a transitive tag in a chained session", err, "")
}

func TestFederation(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, trusting("arn:aws:iam::111111111111:root", "")), t.Context()
	none, err := b.admin.GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("bob")})
	if err != nil {
		t.Fatal(err)
	}
	if *none.FederatedUser.Arn != "arn:aws:sts::111111111111:federated-user/bob" {
		t.Fatalf("federated user = %s", *none.FederatedUser.Arn)
	}
	_, err = awsiam.NewFromConfig(b.as(none.Credentials)).ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "no session policy, no permissions", err, "AccessDenied")
	s := awssts.NewFromConfig(b.as(none.Credentials))
	_, err = s.GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("eve")})
	want(t, "federation needs a long-term key", err, "AccessDenied")
	_, err = s.GetSessionToken(ctx, nil)
	want(t, "a session of a session", err, "AccessDenied")
	_, err = s.GetCallerIdentity(ctx, nil)
	want(t, "who am I", err, "")
	_, err = b.admin.GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("bob"), DurationSeconds: aws.Int32(129601)})
	want(t, "more than 36 hours", err, "ValidationError")

	own, err := b.admin.GetSessionToken(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !own.Credentials.Expiration.Equal(b.start.Add(12 * time.Hour)) {
		t.Fatalf("GetSessionToken until %s", own.Credentials.Expiration)
	}
	_, err = awsiam.NewFromConfig(b.as(own.Credentials)).ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "IAM without MFA", err, "AccessDenied")
	wrong := b.config(*own.Credentials.AccessKeyId, *own.Credentials.SecretAccessKey, "other")
	_, err = awssts.NewFromConfig(wrong).GetCallerIdentity(ctx, nil)
	want(t, "a token of somebody else", err, "InvalidClientTokenId")
}
