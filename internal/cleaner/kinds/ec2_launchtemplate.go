package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.launch_template", Source: ec2Source,
		After: []string{"autoscaling.group"},
		List:  listLaunchTemplates, Delete: deleteLaunchTemplate,
	}))
}

func listLaunchTemplates(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeLaunchTemplatesPaginator(c, &ec2.DescribeLaunchTemplatesInput{}), func(out *ec2.DescribeLaunchTemplatesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, t := range out.LaunchTemplates {
			r := ec2Resource(t.LaunchTemplateId, "", t.Tags)
			r.Name, r.CreatedAt = aws.ToString(t.LaunchTemplateName), aws.ToTime(t.CreateTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteLaunchTemplate(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &r.ID})
	return err
}
