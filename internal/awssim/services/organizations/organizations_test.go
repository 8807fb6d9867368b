package organizations_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awsorg "github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/organizations"
	"github.com/kodekloud/kml/internal/awssim/services/sts"
)

const (
	management = "111111111111"
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyIAM    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`
	admin      = "OrganizationAccountAccessRole"
)

// bundle is an organization with one unit, and its administrator.
type bundle struct {
	w          *core.World
	iam        *iam.IAM
	orgs       *organizations.Organizations
	url        string
	org        string
	root, unit string
	c          *awsorg.Client
	sts        *awssts.Client
}

func setup(t *testing.T, o core.Options) *bundle {
	t.Helper()
	w := core.NewWorld(o)
	b := &bundle{w: w, iam: iam.New(w)}
	sts.New(w, b.iam)
	b.orgs = organizations.New(w, b.iam)
	var creds iam.Credentials
	w.Do(func() {
		w.Clock.Freeze(time.Now())
		var err error
		if b.org, b.root, err = b.orgs.AddOrganization(management, "management"); err != nil {
			t.Fatal(err)
		}
		if b.unit, err = b.orgs.AddUnit(b.org, b.root, "labs"); err != nil {
			t.Fatal(err)
		}
		if creds, err = b.iam.AddUser(management, "/", "fleet", allowAll); err != nil {
			t.Fatal(err)
		}
	})
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	cfg := b.config(creds.AccessKeyID, creds.SecretAccessKey, "")
	b.c, b.sts = awsorg.NewFromConfig(cfg), awssts.NewFromConfig(cfg)
	return b
}

func (b *bundle) config(id, secret, token string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &b.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token)}
}

// account adds an account to the unit.
func (b *bundle) account(t *testing.T, id string) string {
	t.Helper()
	var err error
	b.w.Do(func() { id, err = b.orgs.AddAccount(b.org, b.unit, id, "lab") })
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// enter assumes the organization's role in an account.
func (b *bundle) enter(t *testing.T, account string) aws.Config {
	t.Helper()
	out := must(b.sts.AssumeRole(t.Context(), &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + admin), RoleSessionName: aws.String("fleet")}))(t)
	return b.config(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
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

func TestTree(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	org := must(b.c.DescribeOrganization(ctx, nil))(t).Organization
	if *org.MasterAccountId != management || org.FeatureSet != types.OrganizationFeatureSetAll {
		t.Fatalf("organization = %+v", org)
	}
	roots := must(b.c.ListRoots(ctx, nil))(t).Roots
	if len(roots) != 1 || *roots[0].Id != b.root || roots[0].PolicyTypes[0].Status != types.PolicyTypeStatusEnabled {
		t.Fatalf("roots = %+v", roots)
	}
	id := b.account(t, "")
	parents := must(b.c.ListParents(ctx, &awsorg.ListParentsInput{ChildId: &id}))(t).Parents
	if len(parents) != 1 || *parents[0].Id != b.unit || parents[0].Type != types.ParentTypeOrganizationalUnit {
		t.Fatalf("parents = %+v", parents)
	}
	a := must(b.c.DescribeAccount(ctx, &awsorg.DescribeAccountInput{AccountId: &id}))(t).Account
	if a.State != types.AccountStateActive || a.JoinedMethod != types.AccountJoinedMethodCreated {
		t.Fatalf("account = %+v", a)
	}
	_, err := b.c.DeleteOrganizationalUnit(ctx, &awsorg.DeleteOrganizationalUnitInput{OrganizationalUnitId: &b.unit})
	want(t, "delete a unit with an account", err, "OrganizationalUnitNotEmptyException")
	_, err = b.c.CreateOrganizationalUnit(ctx, &awsorg.CreateOrganizationalUnitInput{ParentId: &b.root, Name: aws.String("labs")})
	want(t, "a unit twice", err, "DuplicateOrganizationalUnitException")
	move := func(from, to string) error {
		_, err := b.c.MoveAccount(ctx, &awsorg.MoveAccountInput{AccountId: &id, SourceParentId: &from, DestinationParentId: &to})
		return err
	}
	want(t, "move from where it is not", move(b.root, b.unit), "SourceParentNotFoundException")
	want(t, "move to where it is", move(b.unit, b.unit), "DuplicateAccountException")
	want(t, "move nowhere", move(b.unit, "ou-none-12345678"), "DestinationParentNotFoundException")
	want(t, "move", move(b.unit, b.root), "")
	must(b.c.DeleteOrganizationalUnit(ctx, &awsorg.DeleteOrganizationalUnitInput{OrganizationalUnitId: &b.unit}))(t)
	parent := b.root
	for depth := range 6 {
		out, err := b.c.CreateOrganizationalUnit(ctx, &awsorg.CreateOrganizationalUnitInput{ParentId: &parent, Name: aws.String("d")})
		if depth == 5 {
			want(t, "six levels of units", err, "ConstraintViolationException")
			break
		}
		parent = *must(out, err)(t).OrganizationalUnit.Id
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	wanted := []string{}
	for n := range 57 {
		wanted = append(wanted, b.account(t, fmt.Sprintf("3000000000%02d", n)))
	}
	var got []string
	empty := 0
	p := awsorg.NewListAccountsForParentPaginator(b.c, &awsorg.ListAccountsForParentInput{ParentId: &b.unit, MaxResults: aws.Int32(4)})
	for p.HasMorePages() {
		page := must(p.NextPage(ctx))(t)
		if len(page.Accounts) == 0 && page.NextToken != nil {
			empty++
		}
		for _, a := range page.Accounts {
			got = append(got, *a.Id)
		}
	}
	if !slices.Equal(got, wanted) {
		t.Fatalf("listed %v", got)
	}
	if empty == 0 {
		t.Fatal("no empty page with a NextToken came in between")
	}
	_, err := b.c.ListAccounts(ctx, &awsorg.ListAccountsInput{NextToken: aws.String("?")})
	want(t, "a token no list gave", err, "InvalidInputException")
}

func TestMembersAndStrangers(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	c := awsorg.NewFromConfig(b.enter(t, b.account(t, "")))
	must(c.DescribeOrganization(ctx, nil))(t)
	_, err := c.ListAccounts(ctx, nil)
	want(t, "a member lists", err, "AccessDeniedException")
	var k iam.Credentials
	b.w.Do(func() {
		b.iam.AddAccount("999999999999", "alone")
		k, err = b.iam.AddUser("999999999999", "/", "u", allowAll)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsorg.NewFromConfig(b.config(k.AccessKeyID, k.SecretAccessKey, "")).ListAccounts(ctx, nil)
	want(t, "a stranger lists", err, "AWSOrganizationsNotInUseException")
}

func TestCreateAndCloseAccount(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{StateDelay: 10 * time.Second}), t.Context()
	var ids []*string
	for n := range 6 {
		out, err := b.c.CreateAccount(ctx, &awsorg.CreateAccountInput{AccountName: aws.String("lab"), Email: aws.String(fmt.Sprintf("lab%d@x.test", n%5))})
		if n == 5 {
			want(t, "a sixth at once", err, "TooManyRequestsException")
			break
		}
		s := must(out, err)(t).CreateAccountStatus
		if s.State != types.CreateAccountStateInProgress || s.AccountId != nil {
			t.Fatalf("status = %+v", s)
		}
		ids = append(ids, s.Id)
	}
	b.w.Clock.Advance(30 * time.Second)
	s := must(b.c.DescribeCreateAccountStatus(ctx, &awsorg.DescribeCreateAccountStatusInput{CreateAccountRequestId: ids[0]}))(t).CreateAccountStatus
	if s.State != types.CreateAccountStateSucceeded {
		t.Fatalf("status = %+v", s)
	}
	again := must(b.c.CreateAccount(ctx, &awsorg.CreateAccountInput{AccountName: aws.String("lab"), Email: aws.String("lab0@x.test")}))(t)
	b.w.Clock.Advance(30 * time.Second)
	failed := must(b.c.DescribeCreateAccountStatus(ctx, &awsorg.DescribeCreateAccountStatusInput{CreateAccountRequestId: again.CreateAccountStatus.Id}))(t).CreateAccountStatus
	if failed.State != types.CreateAccountStateFailed || failed.FailureReason != types.CreateAccountFailureReasonEmailAlreadyExists {
		t.Fatalf("an email twice = %+v", failed)
	}
	inside := awsiam.NewFromConfig(b.enter(t, *s.AccountId))
	must(inside.ListUsers(ctx, &awsiam.ListUsersInput{}))(t)
	_, err := b.c.RemoveAccountFromOrganization(ctx, &awsorg.RemoveAccountFromOrganizationInput{AccountId: s.AccountId})
	want(t, "remove a created account", err, "ConstraintViolationException")
	_, err = b.c.CloseAccount(ctx, &awsorg.CloseAccountInput{AccountId: aws.String(management)})
	want(t, "close the management account", err, "ConstraintViolationException")
	must(b.c.CloseAccount(ctx, &awsorg.CloseAccountInput{AccountId: s.AccountId}))(t)
	_, err = b.c.CloseAccount(ctx, &awsorg.CloseAccountInput{AccountId: s.AccountId})
	want(t, "close it twice", err, "ConflictException")
	b.w.Clock.Advance(20 * time.Second)
	a := must(b.c.DescribeAccount(ctx, &awsorg.DescribeAccountInput{AccountId: s.AccountId}))(t).Account
	if a.State != types.AccountStateSuspended {
		t.Fatalf("state = %s", a.State)
	}
	_, err = inside.ListUsers(ctx, &awsiam.ListUsersInput{})
	want(t, "a call into a suspended account", err, "InvalidClientTokenId")
	_, err = b.sts.AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + *s.AccountId + ":role/" + admin), RoleSessionName: aws.String("fleet")})
	want(t, "enter a suspended account", err, "AccessDenied")
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	make := func(name, content string) (*types.Policy, error) {
		out, err := b.c.CreatePolicy(ctx, &awsorg.CreatePolicyInput{Name: &name, Content: &content, Description: aws.String("d"), Type: types.PolicyTypeServiceControlPolicy})
		if err != nil {
			return nil, err
		}
		return out.Policy, nil
	}
	_, err := make("bad", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)
	want(t, "an SCP with a principal", err, "MalformedPolicyDocumentException")
	_, err = make("big", allowAll+strings.Repeat(" ", 5121))
	want(t, "an SCP over 5120 characters", err, "ConstraintViolationException")
	attach := func(p *string) error {
		_, err := b.c.AttachPolicy(ctx, &awsorg.AttachPolicyInput{PolicyId: p, TargetId: &b.unit})
		return err
	}
	var last *types.Policy
	for n := range 5 {
		last = must(make(fmt.Sprint("p", n), allowAll))(t)
		code := ""
		if n == 4 { // with FullAWSAccess it is the sixth
			code = "ConstraintViolationException"
		}
		want(t, "attach", attach(last.PolicySummary.Id), code)
	}
	_, err = make("p0", allowAll)
	want(t, "a name twice", err, "DuplicatePolicyException")
	full := aws.String("p-FullAWSAccess")
	want(t, "attach twice", attach(full), "DuplicatePolicyAttachmentException")
	_, err = b.c.UpdatePolicy(ctx, &awsorg.UpdatePolicyInput{PolicyId: full, Content: aws.String(denyIAM)})
	want(t, "change AWS's policy", err, "InvalidInputException")
	list := must(b.c.ListPoliciesForTarget(ctx, &awsorg.ListPoliciesForTargetInput{TargetId: &b.unit, Filter: types.PolicyTypeServiceControlPolicy}))(t).Policies
	if len(list) != 5 {
		t.Fatalf("%d policies on the unit", len(list))
	}
	for n, p := range list {
		_, err := b.c.DetachPolicy(ctx, &awsorg.DetachPolicyInput{PolicyId: p.Id, TargetId: &b.unit})
		code := ""
		if n == 4 {
			code = "ConstraintViolationException"
		}
		want(t, "detach", err, code)
	}
	_, err = b.c.DeletePolicy(ctx, &awsorg.DeletePolicyInput{PolicyId: list[4].Id})
	want(t, "delete a policy in use", err, "PolicyInUseException")
	must(b.c.DeletePolicy(ctx, &awsorg.DeletePolicyInput{PolicyId: last.PolicySummary.Id}))(t)
}

// TestGuardrails: an SCP binds a member account wherever it hangs above it, and
// late; it binds the management account never.
func TestGuardrails(t *testing.T) {
	t.Parallel()
	const lag = 4 * time.Second
	b, ctx := setup(t, core.Options{IAMDelay: lag}), t.Context()
	id := b.account(t, "")
	inside := awsiam.NewFromConfig(b.enter(t, id))
	list := func() error { _, err := inside.ListUsers(ctx, &awsiam.ListUsersInput{}); return err }
	want(t, "without a guardrail", list(), "")
	p := must(b.c.CreatePolicy(ctx, &awsorg.CreatePolicyInput{Name: aws.String("quarantine"), Content: aws.String(denyIAM),
		Description: aws.String("d"), Type: types.PolicyTypeServiceControlPolicy}))(t).Policy.PolicySummary
	must(b.c.AttachPolicy(ctx, &awsorg.AttachPolicyInput{PolicyId: p.Id, TargetId: &b.unit}))(t)
	want(t, "right after attaching", list(), "")
	b.w.Clock.Advance(lag)
	err := list()
	want(t, "after the lag", err, "AccessDenied")
	if !strings.Contains(err.Error(), "service control policy") {
		t.Fatalf("the denial does not name its cause: %v", err)
	}
	must(b.c.MoveAccount(ctx, &awsorg.MoveAccountInput{AccountId: &id, SourceParentId: &b.unit, DestinationParentId: &b.root}))(t)
	want(t, "right after the move", list(), "AccessDenied")
	b.w.Clock.Advance(lag)
	want(t, "moved out", list(), "")
	must(b.c.AttachPolicy(ctx, &awsorg.AttachPolicyInput{PolicyId: p.Id, TargetId: &b.root}))(t)
	b.w.Clock.Advance(lag)
	want(t, "the root's guardrail", list(), "AccessDenied")
	must(b.c.ListRoots(ctx, nil))(t) // the management account is not bound
	must(b.c.UpdatePolicy(ctx, &awsorg.UpdatePolicyInput{PolicyId: p.Id, Content: aws.String(allowAll)}))(t)
	b.w.Clock.Advance(lag)
	want(t, "the policy rewritten", list(), "")
	must(b.c.DisablePolicyType(ctx, &awsorg.DisablePolicyTypeInput{RootId: &b.root, PolicyType: types.PolicyTypeServiceControlPolicy}))(t)
	_, err = b.c.AttachPolicy(ctx, &awsorg.AttachPolicyInput{PolicyId: p.Id, TargetId: &b.unit})
	want(t, "attach while the type is off", err, "PolicyTypeNotEnabledException")
}

func TestRates(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{Throttle: true}), t.Context()
	id := b.account(t, "")
	move := func(from, to string) error {
		_, err := b.c.MoveAccount(ctx, &awsorg.MoveAccountInput{AccountId: &id, SourceParentId: &from, DestinationParentId: &to})
		return err
	}
	want(t, "1", move(b.unit, b.root), "")
	want(t, "2", move(b.root, b.unit), "")
	want(t, "3", move(b.unit, b.root), "")
	want(t, "a fourth in a burst of three", move(b.root, b.unit), "TooManyRequestsException")
	b.w.Clock.Advance(500 * time.Millisecond)
	want(t, "half a second later", move(b.root, b.unit), "")
}
