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
		Kind: "logs.destination", Source: logsSource,
		List: listLogDestinations, Delete: deleteLogDestination,
	}))
}

func listLogDestinations(ctx context.Context, c *cloudwatchlogs.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, cloudwatchlogs.NewDescribeDestinationsPaginator(c, &cloudwatchlogs.DescribeDestinationsInput{}), func(out *cloudwatchlogs.DescribeDestinationsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, d := range out.Destinations {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(d.DestinationName), ARN: aws.ToString(d.Arn)})
		}
		return rs, nil
	})
}

func deleteLogDestination(ctx context.Context, c *cloudwatchlogs.Client, r cleaner.Resource) error {
	_, err := c.DeleteDestination(ctx, &cloudwatchlogs.DeleteDestinationInput{DestinationName: &r.ID})
	return err
}
