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
		Kind: "iam.group", Source: iamSource, Global: true,
		After: afterRoles("iam.user"),
		List:  listGroups, Delete: deleteGroup,
	}))
}

func listGroups(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListGroupsPaginator(c, &iam.ListGroupsInput{}), func(out *iam.ListGroupsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, g := range out.Groups {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(g.GroupName), ARN: aws.ToString(g.Arn), CreatedAt: aws.ToTime(g.CreateDate), Keep: kept(aws.ToString(g.Path))})
		}
		return rs, nil
	})
}

// deleteGroup takes the users that stay out of the group, and its policies off.
func deleteGroup(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	err := cleaner.Each(ctx, iam.NewGetGroupPaginator(c, &iam.GetGroupInput{GroupName: &r.ID}), func(out *iam.GetGroupOutput) []types.User { return out.Users }, func(u types.User) error {
		_, err := c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: &r.ID, UserName: u.UserName})
		return err
	})
	if err != nil {
		return err
	}
	err = cleaner.Each(ctx, iam.NewListAttachedGroupPoliciesPaginator(c, &iam.ListAttachedGroupPoliciesInput{GroupName: &r.ID}), func(out *iam.ListAttachedGroupPoliciesOutput) []types.AttachedPolicy { return out.AttachedPolicies }, func(p types.AttachedPolicy) error {
		_, err := c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &r.ID, PolicyArn: p.PolicyArn})
		return err
	})
	if err != nil {
		return err
	}
	err = cleaner.Each(ctx, iam.NewListGroupPoliciesPaginator(c, &iam.ListGroupPoliciesInput{GroupName: &r.ID}), func(out *iam.ListGroupPoliciesOutput) []string { return out.PolicyNames }, func(name string) error {
		_, err := c.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: &r.ID, PolicyName: &name})
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: &r.ID})
	return err
}
