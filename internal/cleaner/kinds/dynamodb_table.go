package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

const dynamodbSource = "dynamodb.amazonaws.com"

func init() {
	register(cleaner.Define(dynamodb.NewFromConfig, cleaner.Spec[dynamodb.Client]{
		Kind: "dynamodb.table", Source: dynamodbSource,
		List: listTables, Delete: deleteTable,
	}))
}

func listTables(ctx context.Context, c *dynamodb.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, dynamodb.NewListTablesPaginator(c, &dynamodb.ListTablesInput{}), func(out *dynamodb.ListTablesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, name := range out.TableNames {
			rs = append(rs, cleaner.Resource{ID: name})
		}
		return rs, nil
	})
}

// deleteTable looks at the protection first: a protected table is refused with
// the code of any invalid request.
func deleteTable(ctx context.Context, c *dynamodb.Client, r cleaner.Resource) error {
	out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &r.ID})
	if err != nil {
		return err
	}
	if out.Table.TableStatus == types.TableStatusDeleting {
		return nil
	}
	if aws.ToBool(out.Table.DeletionProtectionEnabled) {
		if _, err := c.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &r.ID, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
			return err
		}
	}
	_, err = c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &r.ID})
	return err
}
