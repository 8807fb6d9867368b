package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

const lambdaSource = "lambda.amazonaws.com"

func init() {
	register(cleaner.Define(lambda.NewFromConfig, cleaner.Spec[lambda.Client]{
		Kind: "lambda.function", Source: lambdaSource,
		After: []string{"lambda.event_source_mapping", "events.rule"},
		List:  listFunctions, Delete: deleteFunction, Stop: stopFunction,
	}))
}

func listFunctions(ctx context.Context, c *lambda.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, lambda.NewListFunctionsPaginator(c, &lambda.ListFunctionsInput{}), func(out *lambda.ListFunctionsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, f := range out.Functions {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(f.FunctionName), ARN: aws.ToString(f.FunctionArn), State: string(f.State)})
		}
		return rs, nil
	})
}

// deleteFunction takes versions, aliases and URLs with the function.
func deleteFunction(ctx context.Context, c *lambda.Client, r cleaner.Resource) error {
	_, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &r.ID})
	return err
}

// stopFunction closes the function's URLs, which anonymous callers reach whom
// no boundary binds, and lets nothing run any more.
func stopFunction(ctx context.Context, c *lambda.Client, r cleaner.Resource) error {
	pages := lambda.NewListFunctionUrlConfigsPaginator(c, &lambda.ListFunctionUrlConfigsInput{FunctionName: &r.ID})
	err := cleaner.Each(ctx, pages, func(out *lambda.ListFunctionUrlConfigsOutput) []types.FunctionUrlConfig {
		return out.FunctionUrlConfigs
	}, func(u types.FunctionUrlConfig) error {
		in := &lambda.DeleteFunctionUrlConfigInput{FunctionName: &r.ID}
		if alias := qualifier(aws.ToString(u.FunctionArn)); alias != "" {
			in.Qualifier = &alias
		}
		_, err := c.DeleteFunctionUrlConfig(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &r.ID, ReservedConcurrentExecutions: aws.Int32(0)})
	return err
}
