package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(cloudwatch.NewFromConfig, cleaner.Spec[cloudwatch.Client]{
		Kind: "cloudwatch.dashboard", Source: cloudwatchSource,
		Global: true, // "all dashboards in your account are global, not region-specific"
		List:   listDashboards, Delete: deleteDashboard,
	}))
}

func listDashboards(ctx context.Context, c *cloudwatch.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, cloudwatch.NewListDashboardsPaginator(c, &cloudwatch.ListDashboardsInput{}), func(out *cloudwatch.ListDashboardsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, d := range out.DashboardEntries {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(d.DashboardName), ARN: aws.ToString(d.DashboardArn), CreatedAt: aws.ToTime(d.LastModified)})
		}
		return rs, nil
	})
}

func deleteDashboard(ctx context.Context, c *cloudwatch.Client, r cleaner.Resource) error {
	_, err := c.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{r.ID}})
	return err
}
