package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

const cloudwatchSource = "monitoring.amazonaws.com"

func init() {
	register(cleaner.Define(cloudwatch.NewFromConfig, cleaner.Spec[cloudwatch.Client]{
		Kind: "cloudwatch.alarm", Source: cloudwatchSource,
		Also: []string{autoscalingSource}, // target tracking
		List: listAlarms, Delete: deleteAlarm, Stop: muteAlarm,
	}))
}

func listAlarms(ctx context.Context, c *cloudwatch.Client) iter.Seq2[cleaner.Resource, error] {
	in := &cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}} // metric alarms alone by default
	return cleaner.Pages(ctx, cloudwatch.NewDescribeAlarmsPaginator(c, in), func(out *cloudwatch.DescribeAlarmsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, a := range out.CompositeAlarms {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn)})
		}
		for _, a := range out.MetricAlarms {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn)})
		}
		return rs, nil
	})
}

func deleteAlarm(ctx context.Context, c *cloudwatch.Client, r cleaner.Resource) error {
	_, err := c.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{r.ID}})
	return err
}

// muteAlarm keeps an alarm from acting: it may start functions and scale groups.
func muteAlarm(ctx context.Context, c *cloudwatch.Client, r cleaner.Resource) error {
	_, err := c.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{r.ID}})
	return err
}
