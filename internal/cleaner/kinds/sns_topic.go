package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/kodekloud/kml/internal/cleaner"
)

const snsSource = "sns.amazonaws.com"

func init() {
	register(cleaner.Define(sns.NewFromConfig, cleaner.Spec[sns.Client]{
		Kind: "sns.topic", Source: snsSource,
		After: []string{"sns.subscription"},
		List:  listTopics, Delete: deleteTopic,
	}))
}

func listTopics(ctx context.Context, c *sns.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{}), func(out *sns.ListTopicsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, t := range out.Topics {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(t.TopicArn), ARN: aws.ToString(t.TopicArn)})
		}
		return rs, nil
	})
}

// deleteTopic succeeds for a topic that is gone: DeleteTopic is idempotent.
func deleteTopic(ctx context.Context, c *sns.Client, r cleaner.Resource) error {
	_, err := c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &r.ID})
	return err
}
