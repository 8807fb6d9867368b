package kinds

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(sns.NewFromConfig, cleaner.Spec[sns.Client]{
		Kind: "sns.subscription", Source: snsSource,
		List: listSubscriptions, Delete: unsubscribe,
	}))
}

func listSubscriptions(ctx context.Context, c *sns.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, sns.NewListSubscriptionsPaginator(c, &sns.ListSubscriptionsInput{}), func(out *sns.ListSubscriptionsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, s := range out.Subscriptions {
			r := cleaner.Resource{ID: aws.ToString(s.SubscriptionArn), Name: aws.ToString(s.TopicArn)}
			if !strings.HasPrefix(r.ID, "arn:") { // "PendingConfirmation", "Deleted"
				r.Keep = "has no ARN to unsubscribe by, and AWS forgets it: " + r.ID
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func unsubscribe(ctx context.Context, c *sns.Client, r cleaner.Resource) error {
	_, err := c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &r.ID})
	return err
}
