package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(lambda.NewFromConfig, cleaner.Spec[lambda.Client]{
		Kind: "lambda.event_source_mapping", Source: lambdaSource,
		List: listEventSourceMappings, Delete: deleteEventSourceMapping, Stop: deleteEventSourceMapping,
	}))
}

func listEventSourceMappings(ctx context.Context, c *lambda.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, lambda.NewListEventSourceMappingsPaginator(c, &lambda.ListEventSourceMappingsInput{}), func(out *lambda.ListEventSourceMappingsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, m := range out.EventSourceMappings {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(m.UUID), Name: aws.ToString(m.FunctionArn), State: aws.ToString(m.State)})
		}
		return rs, nil
	})
}

func deleteEventSourceMapping(ctx context.Context, c *lambda.Client, r cleaner.Resource) error {
	if r.State == "Deleting" {
		return nil
	}
	_, err := c.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &r.ID})
	return err
}
