package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(cloudwatchlogs.NewFromConfig, cleaner.Spec[cloudwatchlogs.Client]{
		Kind: "logs.account_policy", Source: logsSource,
		List: listLogAccountPolicies, Delete: deleteLogAccountPolicy,
	}))
}

// listLogAccountPolicies asks type by type: AWS does not tell of all at once.
// State is the type.
func listLogAccountPolicies(ctx context.Context, c *cloudwatchlogs.Client) iter.Seq2[cleaner.Resource, error] {
	return func(yield func(cleaner.Resource, error) bool) {
		for _, kind := range []types.PolicyType{types.PolicyTypeDataProtectionPolicy, types.PolicyTypeSubscriptionFilterPolicy} {
			of := cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
				out, err := c.DescribeAccountPolicies(ctx, &cloudwatchlogs.DescribeAccountPoliciesInput{PolicyType: kind, NextToken: token})
				if err != nil {
					return nil, nil, err
				}
				var rs []cleaner.Resource
				for _, p := range out.AccountPolicies {
					rs = append(rs, cleaner.Resource{ID: aws.ToString(p.PolicyName), State: string(kind)})
				}
				return rs, out.NextToken, nil
			})
			for r, err := range of {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

func deleteLogAccountPolicy(ctx context.Context, c *cloudwatchlogs.Client, r cleaner.Resource) error {
	_, err := c.DeleteAccountPolicy(ctx, &cloudwatchlogs.DeleteAccountPolicyInput{PolicyName: &r.ID, PolicyType: types.PolicyType(r.State)})
	return err
}
