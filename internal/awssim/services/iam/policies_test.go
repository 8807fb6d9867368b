package iam_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func (b *bundle) policy(t *testing.T, name, doc string) *string {
	t.Helper()
	return must(b.admin.CreatePolicy(t.Context(), &awsiam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &doc}))(t).Policy.Arn
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	c, arn := b.admin, b.policy(t, "p", allowAll)
	for range 4 {
		must(c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(denyAll)}))(t)
	}
	_, err := c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(denyAll)})
	want(t, "a sixth version", err, "LimitExceeded")
	_, err = c.DeletePolicyVersion(ctx, &awsiam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	want(t, "delete the default version", err, "DeleteConflict")
	must(c.SetDefaultPolicyVersion(ctx, &awsiam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")}))(t)
	must(c.DeletePolicyVersion(ctx, &awsiam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")}))(t)
	made := must(c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allowAll)}))(t)
	if *made.PolicyVersion.VersionId != "v6" {
		t.Fatalf("version numbers are never used again: %s", *made.PolicyVersion.VersionId)
	}
	got := must(c.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v6")}))(t)
	if strings.ContainsAny(*got.PolicyVersion.Document, `{" `) {
		t.Fatalf("the document is not percent-encoded: %s", *got.PolicyVersion.Document)
	}
	if text, err := url.PathUnescape(*got.PolicyVersion.Document); err != nil || text != allowAll {
		t.Fatalf("document = %q, %v", text, err)
	}
	_, err = c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: arn})
	want(t, "delete a policy with versions", err, "DeleteConflict")
	_, err = c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess"), PolicyDocument: aws.String(allowAll)})
	want(t, "change an AWS-managed policy", err, "AccessDenied")
}

func TestPolicyAttachment(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	c, arn := b.admin, b.policy(t, "p", allowAll)
	must(c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: u, PermissionsBoundary: arn}))(t)
	must(c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: arn}))(t)
	got := must(c.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: arn}))(t).Policy
	if *got.AttachmentCount != 1 || *got.PermissionsBoundaryUsageCount != 1 {
		t.Fatalf("counts = %d, %d", *got.AttachmentCount, *got.PermissionsBoundaryUsageCount)
	}
	ents := must(c.ListEntitiesForPolicy(ctx, &awsiam.ListEntitiesForPolicyInput{PolicyArn: arn}))(t)
	if len(ents.PolicyUsers) != 1 || *ents.PolicyUsers[0].UserName != "ada" {
		t.Fatalf("entities = %+v", ents)
	}
	_, err := c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: arn})
	want(t, "delete an attached policy", err, "DeleteConflict")
	must(c.DetachUserPolicy(ctx, &awsiam.DetachUserPolicyInput{UserName: u, PolicyArn: arn}))(t)
	_, err = c.DetachUserPolicy(ctx, &awsiam.DetachUserPolicyInput{UserName: u, PolicyArn: arn})
	want(t, "detach twice", err, "NoSuchEntity")
	must(c.DeleteUserPermissionsBoundary(ctx, &awsiam.DeleteUserPermissionsBoundaryInput{UserName: u}))(t)
	must(c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: arn}))(t)
	_, err = c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: arn})
	want(t, "attach what is gone", err, "NoSuchEntity")
	for n := range 10 {
		p := b.policy(t, "q"+string(rune('0'+n)), allowAll)
		must(c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: p}))(t)
	}
	_, err = c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
	want(t, "an eleventh policy", err, "LimitExceeded")
	list := must(c.ListPolicies(ctx, &awsiam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, OnlyAttached: true}))(t)
	if len(list.Policies) != 10 {
		t.Fatalf("attached local policies: %d", len(list.Policies))
	}
}

func TestPolicySizes(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	must(b.admin.CreateUser(ctx, &awsiam.CreateUserInput{UserName: u}))(t)
	put := func(name string, padding, spaces int) error {
		doc := strings.Replace(allowAll, `"Action":"*"`, `"Action":"s3:`+strings.Repeat("A", padding)+`"`+strings.Repeat(" ", spaces), 1)
		_, err := b.admin.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: u, PolicyName: &name, PolicyDocument: &doc})
		return err
	}
	want(t, "white space does not count", put("a", 900, 3000), "")
	want(t, "two that fit together", put("b", 900, 0), "")
	want(t, "more than 2048 in total", put("c", 900, 0), "LimitExceeded")
	want(t, "a policy put again counts once", put("b", 900, 0), "")
	doc := strings.Replace(allowAll, `"*"`, `"s3:`+strings.Repeat("A", 6144)+`"`, 1)
	_, err := b.admin.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("big"), PolicyDocument: &doc})
	want(t, "a managed policy over 6144", err, "LimitExceeded")
	_, err = b.admin.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("bad"), PolicyDocument: aws.String(`{"Version":"2012-10-17"}`)})
	want(t, "no statement", err, "MalformedPolicyDocument")
}

func TestRoleLifecycle(t *testing.T) {
	t.Parallel()
	b, ctx, r := setup(t, core.Options{}), t.Context(), aws.String("worker")
	c := b.admin
	_, err := c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(trustOwn, ":root", ":user/nobody"))})
	want(t, "trust in nobody", err, "MalformedPolicyDocument")
	_, err = c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(trustOwn), MaxSessionDuration: aws.Int32(100)})
	want(t, "a session of 100 s", err, "ValidationError")
	must(c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(trustOwn)}))(t)
	must(c.CreateInstanceProfile(ctx, &awsiam.CreateInstanceProfileInput{InstanceProfileName: r}))(t)
	must(c.AddRoleToInstanceProfile(ctx, &awsiam.AddRoleToInstanceProfileInput{InstanceProfileName: r, RoleName: r}))(t)
	_, err = c.AddRoleToInstanceProfile(ctx, &awsiam.AddRoleToInstanceProfileInput{InstanceProfileName: r, RoleName: r})
	want(t, "a second role in a profile", err, "LimitExceeded")
	_, err = c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: r})
	want(t, "delete a role in a profile", err, "DeleteConflict")
	_, err = c.DeleteInstanceProfile(ctx, &awsiam.DeleteInstanceProfileInput{InstanceProfileName: r})
	want(t, "delete a profile with a role", err, "DeleteConflict")
	must(c.RemoveRoleFromInstanceProfile(ctx, &awsiam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: r, RoleName: r}))(t)
	must(c.DeleteInstanceProfile(ctx, &awsiam.DeleteInstanceProfileInput{InstanceProfileName: r}))(t)
	must(c.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: r, PolicyName: aws.String("p"), PolicyDocument: aws.String(allowAll)}))(t)
	_, err = c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: r})
	want(t, "delete a role with a policy", err, "DeleteConflict")
	must(c.DeleteRolePolicy(ctx, &awsiam.DeleteRolePolicyInput{RoleName: r, PolicyName: aws.String("p")}))(t)
	must(c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: r}))(t)
}

func TestServiceLinkedRole(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{StateDelay: 10e9}), t.Context()
	c := b.admin
	r := must(c.CreateServiceLinkedRole(ctx, &awsiam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("autoscaling.amazonaws.com")}))(t).Role
	if *r.Path != "/aws-service-role/autoscaling.amazonaws.com/" || *r.RoleName != "AWSServiceRoleForAutoScaling" {
		t.Fatalf("role = %s%s", *r.Path, *r.RoleName)
	}
	_, err := c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: r.RoleName})
	want(t, "delete it as a role", err, "UnmodifiableEntity")
	_, err = c.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: r.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	want(t, "attach to it", err, "UnmodifiableEntity")
	task := must(c.DeleteServiceLinkedRole(ctx, &awsiam.DeleteServiceLinkedRoleInput{RoleName: r.RoleName}))(t)
	status := func() types.DeletionTaskStatusType {
		return must(c.GetServiceLinkedRoleDeletionStatus(ctx, &awsiam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: task.DeletionTaskId}))(t).Status
	}
	if s := status(); s != types.DeletionTaskStatusTypeInProgress {
		t.Fatalf("status = %s", s)
	}
	b.w.Clock.Advance(20e9)
	if s := status(); s != types.DeletionTaskStatusTypeSucceeded {
		t.Fatalf("status = %s", s)
	}
	_, err = c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: r.RoleName})
	want(t, "the role", err, "NoSuchEntity")
}

func TestSimulateAndDetails(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	b.user(t, "ada", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}`)
	out := must(b.admin.SimulatePrincipalPolicy(ctx, &awsiam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::111111111111:user/ada"), ActionNames: []string{"s3:ListBucket", "s3:DeleteBucket", "ec2:RunInstances"}}))(t)
	wanted := []types.PolicyEvaluationDecisionType{"allowed", "explicitDeny", "implicitDeny"}
	for n, r := range out.EvaluationResults {
		if r.EvalDecision != wanted[n] {
			t.Errorf("%s: %s; want %s", *r.EvalActionName, r.EvalDecision, wanted[n])
		}
	}
	custom := must(b.admin.SimulateCustomPolicy(ctx, &awsiam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll},
		PermissionsBoundaryPolicyInputList: []string{denyAll}, ActionNames: []string{"s3:ListBucket"}}))(t)
	if custom.EvaluationResults[0].EvalDecision != "explicitDeny" {
		t.Errorf("a boundary that denies: %s", custom.EvaluationResults[0].EvalDecision)
	}
	users := 0
	p := awsiam.NewGetAccountAuthorizationDetailsPaginator(b.admin, &awsiam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1)})
	for p.HasMorePages() {
		users += len(must(p.NextPage(ctx))(t).UserDetailList)
	}
	if users != 2 {
		t.Errorf("details tell %d users", users)
	}
	sum := must(b.admin.GetAccountSummary(ctx, nil))(t)
	if sum.SummaryMap["Users"] != 2 {
		t.Errorf("summary = %v", sum.SummaryMap)
	}
}

// TestBoundaryConditions is the student's cage: users and roles only with the
// boundary, and never without it afterwards.
func TestBoundaryConditions(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	cage := b.policy(t, "cage", allowAll)
	student, _ := b.user(t, "student", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Deny","Action":["iam:CreateUser","iam:CreateRole","iam:PutUserPolicy","iam:AttachUserPolicy"],"Resource":"*",
		 "Condition":{"StringNotEquals":{"iam:PermissionsBoundary":"`+*cage+`"}}},
		{"Effect":"Deny","Action":["iam:DeleteUserPermissionsBoundary","iam:DeleteRolePermissionsBoundary"],"Resource":"*"},
		{"Effect":"Deny","Action":"iam:PassRole","NotResource":"arn:aws:iam::*:role/lab/*"}]}`)
	_, err := student.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("free")})
	want(t, "a user without the boundary", err, "AccessDenied")
	must(student.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("caged"), PermissionsBoundary: cage}))(t)
	must(student.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("caged"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))(t)
	_, err = student.DeleteUserPermissionsBoundary(ctx, &awsiam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("caged")})
	want(t, "take the boundary off", err, "AccessDenied")
	_, err = student.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("admin"), PolicyArn: cage})
	want(t, "attach to somebody without the boundary", err, "AccessDenied")
	must(student.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trustOwn), PermissionsBoundary: cage}))(t)
	must(student.CreateInstanceProfile(ctx, &awsiam.CreateInstanceProfileInput{InstanceProfileName: aws.String("r")}))(t)
	_, err = student.AddRoleToInstanceProfile(ctx, &awsiam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("r"), RoleName: aws.String("r")})
	want(t, "pass a role outside the path", err, "AccessDenied")
}
