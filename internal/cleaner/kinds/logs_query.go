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
		Kind: "logs.query_definition", Source: logsSource,
		List: listLogQueries, Delete: deleteLogQuery,
	}))
}

func listLogQueries(ctx context.Context, c *cloudwatchlogs.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
		out, err := c.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var rs []cleaner.Resource
		for _, q := range out.QueryDefinitions {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(q.QueryDefinitionId), Name: aws.ToString(q.Name)})
		}
		return rs, out.NextToken, nil
	})
}

func deleteLogQuery(ctx context.Context, c *cloudwatchlogs.Client, r cleaner.Resource) error {
	_, err := c.DeleteQueryDefinition(ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: &r.ID})
	return err
}
