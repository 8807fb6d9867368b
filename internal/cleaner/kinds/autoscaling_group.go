package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

const autoscalingSource = "autoscaling.amazonaws.com"

func init() {
	register(cleaner.Define(autoscaling.NewFromConfig, cleaner.Spec[autoscaling.Client]{
		Kind: "autoscaling.group", Source: autoscalingSource,
		List: listAutoScalingGroups, Delete: deleteAutoScalingGroup, Stop: suspendAutoScalingGroup,
	}))
}

func listAutoScalingGroups(ctx context.Context, c *autoscaling.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, autoscaling.NewDescribeAutoScalingGroupsPaginator(c, &autoscaling.DescribeAutoScalingGroupsInput{}), func(out *autoscaling.DescribeAutoScalingGroupsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, g := range out.AutoScalingGroups {
			r := cleaner.Resource{ID: aws.ToString(g.AutoScalingGroupName), ARN: aws.ToString(g.AutoScalingGroupARN), CreatedAt: aws.ToTime(g.CreatedTime), State: aws.ToString(g.Status), Tags: map[string]string{}}
			for _, t := range g.Tags {
				r.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteAutoScalingGroup asks again what the group is like when AWS refuses: the
// service has one code, ValidationError, for a group that is gone, one that is
// protected and everything else.
func deleteAutoScalingGroup(ctx context.Context, c *autoscaling.Client, r cleaner.Resource) error {
	if r.State != "" {
		return nil // "Delete in progress"
	}
	in := &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: &r.ID, ForceDelete: aws.Bool(true)}
	_, err := c.DeleteAutoScalingGroup(ctx, in)
	if class := awsclient.Classify(err); class == awsclient.None || class != awsclient.Permanent && class != awsclient.Blocked {
		return err
	}
	now, lookErr := c.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{r.ID}})
	switch {
	case lookErr != nil:
		return lookErr
	case len(now.AutoScalingGroups) == 0:
		return cleaner.ErrGone
	case now.AutoScalingGroups[0].DeletionProtection == "", now.AutoScalingGroups[0].DeletionProtection == types.DeletionProtectionNone:
		return err
	}
	if _, err := c.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: &r.ID, DeletionProtection: types.DeletionProtectionNone}); err != nil {
		return err
	}
	_, err = c.DeleteAutoScalingGroup(ctx, in)
	return err
}

func suspendAutoScalingGroup(ctx context.Context, c *autoscaling.Client, r cleaner.Resource) error {
	_, err := c.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: &r.ID})
	return err
}
