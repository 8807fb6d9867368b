package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/kodekloud/kml/internal/cleaner"
)

// rulesOf gives the rules of one bus; State is the bus.
func rulesOf(ctx context.Context, c *eventbridge.Client, bus string) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
		out, err := c.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: &bus, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var rs []cleaner.Resource
		for _, r := range out.Rules {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(r.Name), ARN: aws.ToString(r.Arn), State: bus})
		}
		return rs, out.NextToken, nil
	})
}
