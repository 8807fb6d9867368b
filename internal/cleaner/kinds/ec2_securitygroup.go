package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.security_group", Source: ec2Source,
		After: []string{"ec2.network_interface", "ec2.instance", "ec2.vpc_endpoint"},
		List:  listSecurityGroups, Delete: deleteSecurityGroup,
	}))
}

func listSecurityGroups(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeSecurityGroupsPaginator(c, &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(1000)}), func(out *ec2.DescribeSecurityGroupsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, g := range out.SecurityGroups {
			r := ec2Resource(g.GroupId, "", g.Tags)
			if r.Name = aws.ToString(g.GroupName); r.Name == "default" {
				r.Keep = goesWithVPC
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteSecurityGroup takes away the rules, its own and those of other groups,
// that keep it when it is refused: groups may name each other, and a rule of the
// default group, which stays, may name this one.
func deleteSecurityGroup(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	in := &ec2.DeleteSecurityGroupInput{GroupId: &r.ID}
	_, err := c.DeleteSecurityGroup(ctx, in)
	if cleaner.Classify(err) != awsclient.Blocked {
		return err
	}
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(c, &ec2.DescribeSecurityGroupRulesInput{MaxResults: aws.Int32(1000)})
	err = cleaner.Each(ctx, pages, func(out *ec2.DescribeSecurityGroupRulesOutput) []types.SecurityGroupRule {
		return out.SecurityGroupRules
	}, func(rule types.SecurityGroupRule) error {
		named := rule.ReferencedGroupInfo != nil && aws.ToString(rule.ReferencedGroupInfo.GroupId) == r.ID
		if !named && aws.ToString(rule.GroupId) != r.ID {
			return nil
		}
		return revoke(ctx, c, rule)
	})
	if err != nil {
		return err
	}
	_, err = c.DeleteSecurityGroup(ctx, in)
	return err
}

func revoke(ctx context.Context, c *ec2.Client, rule types.SecurityGroupRule) error {
	ids := []string{aws.ToString(rule.SecurityGroupRuleId)}
	if aws.ToBool(rule.IsEgress) {
		_, err := c.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: rule.GroupId, SecurityGroupRuleIds: ids})
		return err
	}
	_, err := c.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: rule.GroupId, SecurityGroupRuleIds: ids})
	return err
}
