package kinds

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/kodekloud/kml/internal/cleaner"
)

const logsSource = "logs.amazonaws.com"

func init() {
	register(cleaner.Define(cloudwatchlogs.NewFromConfig, cleaner.Spec[cloudwatchlogs.Client]{
		Kind: "logs.group", Source: logsSource,
		// Their writers make them anew while they live.
		Also:  []string{lambdaSource, "events.amazonaws.com", ec2Source},
		After: []string{"lambda.function", "events.rule", "ec2.flow_log"},
		List:  listLogGroups, Delete: deleteLogGroup,
	}))
}

func listLogGroups(ctx context.Context, c *cloudwatchlogs.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, cloudwatchlogs.NewDescribeLogGroupsPaginator(c, &cloudwatchlogs.DescribeLogGroupsInput{}), func(out *cloudwatchlogs.DescribeLogGroupsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, g := range out.LogGroups {
			r := cleaner.Resource{ID: aws.ToString(g.LogGroupName), ARN: aws.ToString(g.LogGroupArn), CreatedAt: time.UnixMilli(aws.ToInt64(g.CreationTime))}
			if aws.ToBool(g.DeletionProtectionEnabled) {
				r.State = protected
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

const protected = "protected"

func deleteLogGroup(ctx context.Context, c *cloudwatchlogs.Client, r cleaner.Resource) error {
	if r.State == protected {
		_, err := c.PutLogGroupDeletionProtection(ctx, &cloudwatchlogs.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: &r.ID, DeletionProtectionEnabled: aws.Bool(false)})
		if err != nil {
			return err
		}
	}
	_, err := c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &r.ID})
	return err
}
