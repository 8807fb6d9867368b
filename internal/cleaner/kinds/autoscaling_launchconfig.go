package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(autoscaling.NewFromConfig, cleaner.Spec[autoscaling.Client]{
		Kind: "autoscaling.launch_configuration", Source: autoscalingSource,
		After: []string{"autoscaling.group"},
		List:  listLaunchConfigurations, Delete: deleteLaunchConfiguration,
	}))
}

func listLaunchConfigurations(ctx context.Context, c *autoscaling.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, autoscaling.NewDescribeLaunchConfigurationsPaginator(c, &autoscaling.DescribeLaunchConfigurationsInput{}), func(out *autoscaling.DescribeLaunchConfigurationsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, l := range out.LaunchConfigurations {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(l.LaunchConfigurationName), ARN: aws.ToString(l.LaunchConfigurationARN), CreatedAt: aws.ToTime(l.CreatedTime)})
		}
		return rs, nil
	})
}

// deleteLaunchConfiguration looks whether it is gone when AWS refuses: the
// service has no code for that.
func deleteLaunchConfiguration(ctx context.Context, c *autoscaling.Client, r cleaner.Resource) error {
	_, err := c.DeleteLaunchConfiguration(ctx, &autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: &r.ID})
	if awsclient.Classify(err) != awsclient.Permanent {
		return err
	}
	now, lookErr := c.DescribeLaunchConfigurations(ctx, &autoscaling.DescribeLaunchConfigurationsInput{LaunchConfigurationNames: []string{r.ID}})
	switch {
	case lookErr != nil:
		return lookErr
	case len(now.LaunchConfigurations) == 0:
		return cleaner.ErrGone
	}
	return err
}
