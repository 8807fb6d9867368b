package demo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	labPath         = "/lab/"
	outsiderAccount = "999999999999" // as the simulated AWS is seeded
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func trusting(principal string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`)
}

// iamFundamentals: the lab where back doors are the subject. A user with keys and
// all rights, a role with a session, a role that another account may assume.
func iamFundamentals(ctx context.Context, s *student) {
	region := s.creds.Regions[0]
	c := iam.NewFromConfig(s.own(region))
	list := func(cfg aws.Config) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{})
			return err
		}
	}
	s.backDoor("own key", list(s.own(region)))
	s.userWithKeys(ctx, c, region, list)
	s.roleWithSession(ctx, c, region, list)

	s.roleForOutsider(ctx, c, region, list)
	_, err := c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String(s.id("group"))})
	s.makes(1, "make a group", err)
	_, err = c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(s.id("policy")), PolicyDocument: aws.String(allowAll)})
	s.makes(1, "make a policy", err)

	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("free"), Path: aws.String(labPath), AssumeRolePolicyDocument: trusting(`{"AWS":"*"}`)})
	s.forbidden("make a role without the boundary", err)
	_, err = c.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: &s.creds.UserName})
	s.forbidden("take off the boundary", err)
	_, err = c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &s.boundary, PolicyDocument: aws.String(allowAll), SetAsDefault: true})
	s.forbidden("rewrite the boundary", err)
	_, err = c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &s.creds.UserName})
	s.forbidden("make a second key of one's own", err)
	s.forbidFleet(ctx)
}

func (s *student) userWithKeys(ctx context.Context, c *iam.Client, region string, try func(aws.Config) func(context.Context) error) {
	name := aws.String(s.id("accomplice"))
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String(labPath), PermissionsBoundary: &s.boundary})
	if !s.makes(1, "make a user", err) {
		return
	}
	_, err = c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll)})
	s.must("give it all rights", err)
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if !s.makes(1, "make a key for it", err) {
		return
	}
	works := try(s.config(region, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""))
	if s.must("use the key", eventually(ctx, func() error { return works(ctx) })) {
		s.backDoor("key of a user it made", works)
	}
	_, err = c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: name, Password: aws.String("Very-long-passw0rd!")})
	s.must("give it a login", err)
}

func (s *student) roleWithSession(ctx context.Context, c *iam.Client, region string, try func(aws.Config) func(context.Context) error) {
	role, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(s.id("role")), Path: aws.String(labPath), PermissionsBoundary: &s.boundary,
		AssumeRolePolicyDocument: trusting(`{"AWS":"arn:aws:iam::` + s.creds.AccountID + `:root"}`)})
	if !s.makes(1, "make a role", err) {
		return
	}
	_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role.Role.RoleName, PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll)})
	s.must("give the role all rights", err)
	var creds aws.Config
	err = eventually(ctx, func() error {
		out, err := sts.NewFromConfig(s.own(region)).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("lab")})
		if err == nil {
			creds = s.config(region, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
		}
		return err
	})
	if !s.must("assume the role", err) {
		return
	}
	works := try(creds)
	if s.must("use the session", eventually(ctx, func() error { return works(ctx) })) {
		s.backDoor("session of a role it made", works)
	}
}

// roleForOutsider opens a role to an accomplice in another account, who assumes
// it anew with every call: no key of the student's is involved.
func (s *student) roleForOutsider(ctx context.Context, c *iam.Client, region string, try func(aws.Config) func(context.Context) error) {
	role, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(s.id("outside")), Path: aws.String(labPath), PermissionsBoundary: &s.boundary,
		AssumeRolePolicyDocument: trusting(`{"AWS":"arn:aws:iam::` + outsiderAccount + `:root"}`)})
	if !s.makes(1, "make a role that another account may assume", err) {
		return
	}
	_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role.Role.RoleName, PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll)})
	s.must("give it all rights", err)
	works := func(ctx context.Context) error {
		out, err := sts.NewFromConfig(s.config(region, s.outsider.AccessKeyID, s.outsider.SecretAccessKey, "")).AssumeRole(ctx,
			&sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("accomplice")})
		if err != nil {
			return err
		}
		return try(s.config(region, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))(ctx)
	}
	if s.must("come in from another account", eventually(ctx, func() error { return works(ctx) })) {
		s.backDoor("role assumed from another account", works)
	}
}
