package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/iamuser"
)

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.policy", Source: iamSource, Global: true,
		After: []string{"iam.user", "iam.group", "iam.role"},
		List:  listPolicies, Delete: deletePolicy,
	}))
}

func listPolicies(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListPoliciesPaginator(c, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}), func(out *iam.ListPoliciesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, p := range out.Policies {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(p.Arn), ARN: aws.ToString(p.Arn), Name: aws.ToString(p.PolicyName), CreatedAt: aws.ToTime(p.CreateDate), Keep: kept(aws.ToString(p.Path))})
		}
		return rs, nil
	})
}

// deletePolicy takes the policy off what stays (a permissions boundary it never
// touches), and its versions with it.
func deletePolicy(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	pages := iam.NewListEntitiesForPolicyPaginator(c, &iam.ListEntitiesForPolicyInput{PolicyArn: &r.ID, PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy})
	err := cleaner.Each(ctx, pages, func(out *iam.ListEntitiesForPolicyOutput) []*iam.ListEntitiesForPolicyOutput {
		return []*iam.ListEntitiesForPolicyOutput{out}
	}, func(out *iam.ListEntitiesForPolicyOutput) error { return detachAll(ctx, c, r.ID, out) })
	if err != nil {
		return err
	}
	return iamuser.DeletePolicy(ctx, c, r.ID)
}

func detachAll(ctx context.Context, c *iam.Client, arn string, from *iam.ListEntitiesForPolicyOutput) error {
	for _, u := range from.PolicyUsers {
		_, err := c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: u.UserName, PolicyArn: &arn})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	for _, g := range from.PolicyGroups {
		_, err := c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: g.GroupName, PolicyArn: &arn})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	for _, x := range from.PolicyRoles {
		_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: x.RoleName, PolicyArn: &arn})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	return nil
}
