package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(cloudwatchlogs.NewFromConfig, cleaner.Spec[cloudwatchlogs.Client]{
		Kind: "logs.resource_policy", Source: logsSource,
		List: listLogPolicies, Delete: deleteLogPolicy,
	}))
}

// listLogPolicies gives the account's policies; those of a log group go with it.
func listLogPolicies(ctx context.Context, c *cloudwatchlogs.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
		out, err := c.DescribeResourcePolicies(ctx, &cloudwatchlogs.DescribeResourcePoliciesInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var rs []cleaner.Resource
		for _, p := range out.ResourcePolicies {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(p.PolicyName)})
		}
		return rs, out.NextToken, nil
	})
}

func deleteLogPolicy(ctx context.Context, c *cloudwatchlogs.Client, r cleaner.Resource) error {
	_, err := c.DeleteResourcePolicy(ctx, &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: &r.ID})
	return err
}
