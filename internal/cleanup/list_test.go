package cleanup_test

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/cleaner"
)

func listQueues(ctx context.Context, c *sqs.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, sqs.NewListQueuesPaginator(c, &sqs.ListQueuesInput{}), func(out *sqs.ListQueuesOutput) (rs []cleaner.Resource, err error) {
		for _, u := range out.QueueUrls {
			rs = append(rs, cleaner.Resource{ID: u})
		}
		return rs, nil
	})
}
