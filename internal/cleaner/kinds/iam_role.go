package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.role", Source: iamSource, Global: true,
		After: afterRoles("iam.instance_profile"),
		List:  listRoles, Delete: deleteRole, Keep: keepRole,
	}))
}

func listRoles(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListRolesPaginator(c, &iam.ListRolesInput{}), func(out *iam.ListRolesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, r := range out.Roles {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(r.RoleName), ARN: aws.ToString(r.Arn), CreatedAt: aws.ToTime(r.CreateDate), Keep: kept(aws.ToString(r.Path))})
		}
		return rs, nil
	})
}

// keepRole keeps the role that the fleet comes in by, whatever its path, and the
// one that the organization made.
func keepRole(p cleaner.Place, r cleaner.Resource) string {
	if r.ID == p.MemberRole || r.ID == "OrganizationAccountAccessRole" {
		return "the organization's way into the account"
	}
	return ""
}

// deleteRole takes the role out of instance profiles and its policies off.
func deleteRole(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	err := cleaner.Each(ctx, iam.NewListInstanceProfilesForRolePaginator(c, &iam.ListInstanceProfilesForRoleInput{RoleName: &r.ID}), func(out *iam.ListInstanceProfilesForRoleOutput) []types.InstanceProfile { return out.InstanceProfiles }, func(p types.InstanceProfile) error {
		_, err := c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: p.InstanceProfileName, RoleName: &r.ID})
		return err
	})
	if err != nil {
		return err
	}
	err = cleaner.Each(ctx, iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: &r.ID}), func(out *iam.ListAttachedRolePoliciesOutput) []types.AttachedPolicy { return out.AttachedPolicies }, func(p types.AttachedPolicy) error {
		_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &r.ID, PolicyArn: p.PolicyArn})
		return err
	})
	if err != nil {
		return err
	}
	err = cleaner.Each(ctx, iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: &r.ID}), func(out *iam.ListRolePoliciesOutput) []string { return out.PolicyNames }, func(name string) error {
		_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.ID, PolicyName: &name})
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &r.ID})
	return err
}
