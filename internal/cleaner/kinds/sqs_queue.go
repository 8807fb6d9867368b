package kinds

import (
	"context"
	"iter"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(sqs.NewFromConfig, cleaner.Spec[sqs.Client]{
		Kind: "sqs.queue", Source: "sqs.amazonaws.com",
		List: listQueues, Delete: deleteQueue,
	}))
}

func listQueues(ctx context.Context, c *sqs.Client) iter.Seq2[cleaner.Resource, error] {
	// Without MaxResults SQS gives the first 1,000 and no token.
	pages := sqs.NewListQueuesPaginator(c, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	return cleaner.Pages(ctx, pages, func(out *sqs.ListQueuesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, url := range out.QueueUrls {
			rs = append(rs, cleaner.Resource{ID: url, Name: path.Base(url)})
		}
		return rs, nil
	})
}

func deleteQueue(ctx context.Context, c *sqs.Client, r cleaner.Resource) error {
	_, err := c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &r.ID})
	return err
}
